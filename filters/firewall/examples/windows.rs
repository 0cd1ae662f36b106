//! How long windows take: `cargo run --release -p sallyport-firewall --example windows -- WEIGHTS.gguf [contexts threads]`.
//!
//! Prints, for windows of some lengths, alone and in company, the time of each: median and fastest of some rounds.

use std::path::Path;
use std::time::{Duration, Instant};

use sallyport_firewall::{Digest, Model, Pool, Reads, Shape, Size, Source};

const ROUNDS: usize = 15;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let path = args
        .next()
        .ok_or("the path of a classifier's GGUF is missing")?;
    let contexts = args.next().map_or(Ok(1), |n| n.parse())?;
    let threads = args.next().map_or(Ok(1), |n| n.parse())?;
    let digest = Digest::of(&std::fs::read(&path)?);
    let started = Instant::now();
    let model = Model::load(
        Source::File(Path::new(&path)),
        &digest,
        Reads::Classifier { labels: None },
    )?;
    let size = Size {
        contexts,
        threads,
        queue: 1000,
    };
    let pool = Pool::new(model.clone(), size)?;
    println!(
        "{path}: {contexts} contexts of {threads} threads, ready in {:?}",
        started.elapsed()
    );
    let text =
        "The invoice of the third quarter is due, and the tool says that all is well with it. "
            .repeat(100);
    let pieces = model.pieces(&text);
    for (tokens, count) in [
        (16, 1),
        (64, 1),
        (64, 4),
        (64, 8),
        (128, 1),
        (128, 4),
        (256, 1),
        (256, 2),
        (256, 8),
    ] {
        let shape = Shape {
            tokens,
            stride: 20,
            limit: count,
        };
        let windows = model.windows("channel tool result : ", &pieces, shape);
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let started = Instant::now();
            pool.score(windows.clone(), started + Duration::from_secs(60))?;
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        println!(
            "{count} x {:>3} tokens: {:7.2} ms each (median), {:7.2} ms (fastest)",
            windows
                .first()
                .map_or(0, sallyport_firewall::Window::length),
            times[ROUNDS / 2] / count as f64,
            times[0] / count as f64,
        );
    }
    Ok(())
}
