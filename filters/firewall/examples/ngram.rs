//! How fast the n-gram model reads: `cargo run --release -p sallyport-firewall --example ngram -- ngram.bin FILE...`.

use sallyport_firewall::Ngram;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut paths = std::env::args().skip(1);
    let model = paths.next().ok_or("which model?")?;
    let model = Ngram::from_bytes(&std::fs::read(model)?)?;
    for path in paths {
        let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
        let mut best = f64::MAX;
        let mut told = (0, f32::MIN);
        for _ in 0..7 {
            let begun = Instant::now();
            let windows = model.windows(4, &text);
            told = windows.fold((0, f32::MIN), |(count, most), window| {
                (count + 1, most.max(window.logit))
            });
            best = best.min(begun.elapsed().as_secs_f64());
        }
        println!(
            "{path}: {:.1} MB/s, {} windows, hottest {:.2}",
            text.len() as f64 / best / 1e6,
            told.0,
            told.1
        );
    }
    Ok(())
}
