//! What the semantic firewall costs: `cargo bench -p sallyport-bench --bench firewall`.
//!
//! With the model that ships, and a thread for each core; wall-clock time, so the machine should be quiet. The texts are
//! this project's own documents, cut to length: nothing in them was made for the firewall.

use sallyport_firewall::{
    Channel, Digest, Firewall, Limits, Model, Options, Pool, Reads, Said, Shape, Size, Source,
    Stage, shipped,
};
use std::error::Error;
use std::time::{Duration, Instant};

const TURNS: usize = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let model = load()?;
    let text = documents()?;
    println!(
        "| what | p50 ms | p99 ms | decided by the n-grams | by the model |\n|---|--:|--:|--:|--:|"
    );
    one_by_one(
        &model,
        "a new user message of 1 KB",
        Channel::User,
        &text,
        1 << 10,
    )?;
    one_by_one(
        &model,
        "a new tool result of 4 KB",
        Channel::ToolResult,
        &text,
        4 << 10,
    )?;
    println!("\n| what | ms |\n|---|--:|");
    session(&model, &text, true)?;
    session(&model, &text, false)?;
    history(&model, &text)?;
    println!("\n| what | |\n|---|--:|");
    throughput(&model, &text)?;
    against_llama(&model, &text)?;
    Ok(())
}

fn load() -> Result<Model, Box<dyn Error>> {
    let digest: Digest = shipped::DIGEST.trim().parse()?;
    let reads = Reads::Classifier { labels: None };
    Ok(Model::load(
        Source::Bytes(shipped::WEIGHTS),
        &digest,
        reads,
    )?)
}

/// All of the project's documents, one after the other.
fn documents() -> Result<String, Box<dyn Error>> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let mut files = vec![
        format!("{root}/README.md"),
        format!("{root}/ARCHITECTURE.md"),
    ];
    for entry in std::fs::read_dir(format!("{root}/docs"))? {
        files.push(entry?.path().display().to_string());
    }
    files.sort();
    let mut text = String::new();
    for file in files {
        text += &std::fs::read_to_string(file)?;
    }
    Ok(text)
}

/// `count` texts of about `bytes`, no two alike.
fn cut(text: &str, bytes: usize, count: usize) -> Vec<&str> {
    let whole = |at: usize| {
        (0..=at.min(text.len()))
            .rev()
            .find(|i| text.is_char_boundary(*i))
    };
    let step = (text.len() - bytes) / count;
    let places = (0..count).filter_map(|i| Some((whole(i * step)?, whole(i * step + bytes)?)));
    places.map(|(start, end)| &text[start..end]).collect()
}

fn firewall(model: &Model, cache: usize) -> Result<Firewall, Box<dyn Error>> {
    let size = Size {
        contexts: std::thread::available_parallelism()?.get(),
        threads: 1,
        queue: 1024,
    };
    let limits = Limits {
        deadline: Duration::from_secs(600),
        ..Limits::default()
    };
    Ok(Firewall::new(Options {
        patterns: true,
        ngram: true,
        model: Some((model.clone(), size)),
        cache,
        limits,
        wait: |score| score(),
    })?)
}

fn one_by_one(
    model: &Model,
    name: &str,
    channel: Channel,
    text: &str,
    bytes: usize,
) -> Result<(), Box<dyn Error>> {
    let firewall = firewall(model, 10_000)?;
    let texts = cut(text, bytes, 100);
    let mut times = Vec::new();
    for text in &texts {
        let begun = Instant::now();
        firewall.judge(&[Said { channel, text }]);
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let decided = firewall.counts().decided;
    let share = |stage: Stage| 100 * decided[stage as usize] / texts.len() as u64;
    println!(
        "| {name} | {:.1} | {:.1} | {} % | {} % |",
        times[times.len() / 2],
        times[times.len() * 99 / 100],
        share(Stage::Ngram),
        share(Stage::Model)
    );
    Ok(())
}

/// A session in which each turn brings 2 KB more and sends everything again.
fn session(model: &Model, text: &str, cached: bool) -> Result<(), Box<dyn Error>> {
    let firewall = firewall(model, if cached { 10_000 } else { 1 })?;
    let turns = cut(text, 2 << 10, TURNS);
    let said: Vec<Said<'_>> = turns
        .iter()
        .map(|text| Said {
            channel: Channel::ToolResult,
            text,
        })
        .collect();
    let begun = Instant::now();
    for turn in 1..=said.len() {
        firewall.judge(&said[..turn]);
    }
    let with = if cached { "with" } else { "without" };
    println!(
        "| a session of {TURNS} turns of 2 KB, {with} the cache, all turns together | {:.0} |",
        begun.elapsed().as_secs_f64() * 1e3
    );
    Ok(())
}

/// 200 KB that are known already.
fn history(model: &Model, text: &str) -> Result<(), Box<dyn Error>> {
    let firewall = firewall(model, 10_000)?;
    let parts = cut(text, 2 << 10, 100);
    let said: Vec<Said<'_>> = parts
        .iter()
        .map(|text| Said {
            channel: Channel::ToolResult,
            text,
        })
        .collect();
    firewall.judge(&said);
    let mut times: Vec<f64> = (0..200)
        .map(|_| {
            let begun = Instant::now();
            firewall.judge(&said);
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!(
        "| a known history of 200 KB in 100 parts (aim: 0.5) | {:.3} |",
        times[times.len() / 2]
    );
    Ok(())
}

fn throughput(model: &Model, text: &str) -> Result<(), Box<dyn Error>> {
    let contexts = std::thread::available_parallelism()?.get();
    let size = Size {
        contexts,
        threads: 1,
        queue: 1024,
    };
    let pool = Pool::new(model.clone(), size)?;
    let shape = Shape {
        tokens: 256,
        stride: 176,
        limit: 64,
    };
    let windows = model.windows(Channel::ToolResult.prefix(), &model.pieces(text), shape);
    let count = windows.len() as f64;
    let begun = Instant::now();
    pool.score(windows, begun + Duration::from_secs(600))?;
    println!(
        "| windows of 256 tokens a second, {contexts} contexts | {:.1} |",
        count / begun.elapsed().as_secs_f64()
    );
    Ok(())
}

/// What stands around llama.cpp: normalising, screening, cutting, waiting, remembering.
fn against_llama(model: &Model, text: &str) -> Result<(), Box<dyn Error>> {
    let size = Size {
        contexts: 1,
        threads: 1,
        queue: 64,
    };
    let firewall = Firewall::new(Options {
        patterns: true,
        ngram: false,
        model: Some((model.clone(), size)),
        cache: 10_000,
        limits: Limits {
            deadline: Duration::from_secs(600),
            ..Limits::default()
        },
        wait: |score| score(),
    })?;
    let begun = Instant::now();
    for text in cut(text, 700, 60) {
        let channel = Channel::User;
        firewall.judge(&[Said { channel, text }]);
    }
    println!(
        "| the firewall's time over llama.cpp's own, for the same windows (aim: 1.15) | {:.3} |",
        begun.elapsed().as_secs_f64() / firewall.busy().as_secs_f64()
    );
    Ok(())
}
