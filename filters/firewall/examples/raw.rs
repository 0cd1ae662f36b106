//! Scores JSONL rows for calibration and the report: what the model computed, before it is read as a chance.
//!
//!     cargo run --release -p sallyport-firewall --example raw -- MODEL.gguf [--no-ngram] < dev.jsonl > scores.jsonl
//!
//! In: `{"text", "channel"}`. Out: `{"heat", "score", "stage", "label", "flagged", "micros"}`, in order.

use sallyport_firewall::{Channel, Digest, Firewall, Limits, Model, Options, Reads, Said, Size, Source};
use serde_json::{Value, json};
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let file = arguments.first().ok_or("which model?")?;
    let digest = Digest::of(&std::fs::read(file)?);
    let model = Model::load(
        Source::File(Path::new(file)),
        &digest,
        Reads::Classifier { labels: None },
    )?;
    let size = Size {
        contexts: std::thread::available_parallelism()?.get(),
        threads: 1,
        queue: 1024,
    };
    let firewall = Firewall::new(Options {
        patterns: true,
        ngram: !arguments.iter().any(|a| a == "--no-ngram"),
        model: Some((model, size)),
        cache: 16,
        limits: Limits {
            deadline: Duration::from_secs(600),
            ..Limits::default()
        },
        wait: |score| score(),
    })?;
    let mut out = std::io::stdout().lock();
    let rows: Vec<Value> = std::io::stdin()
        .lock()
        .lines()
        .map(|line| Ok(serde_json::from_str(&line?)?))
        .collect::<Result<_, Box<dyn std::error::Error>>>()?;
    for (number, row) in rows.iter().enumerate() {
        let channel = row["channel"].as_str().and_then(Channel::from_word);
        let said = Said {
            channel: channel.ok_or("which channel?")?,
            text: row["text"].as_str().ok_or("which text?")?,
        };
        let begun = Instant::now();
        let verdicts = firewall.judge(&[said]);
        let verdict = verdicts.first().ok_or("no verdict")?;
        writeln!(
            out,
            "{}",
            json!({
                "heat": verdict.heat,
                "score": verdict.score,
                "stage": verdict.stage.as_str(),
                "label": verdict.label.word(),
                "flagged": verdict.flagged(),
                "micros": begun.elapsed().as_micros() as u64,
            })
        )?;
        if number % 500 == 499 {
            eprintln!("{} of {}", number + 1, rows.len());
        }
    }
    Ok(())
}
