//! Scores JSONL rows for calibration and the report: what the model computed, before it is read as a chance.
//!
//!     cargo run -p sallyport-firewall --example raw -- MODEL.gguf [--no-ngram|--no-model] < dev.jsonl > scores.jsonl
//!
//! In: `{"text", "channel"}`. Out: `{"heat", "score", "stage", "label", "flagged", "micros"}`, in order.

use sallyport_firewall::{
    Channel, Digest, Firewall, Limits, Model, Options, Reads, Said, Size, Source,
};
use serde_json::{Value, json};
use std::io::{BufRead, BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
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
    // `--no-ngram`: the model reads everything. `--no-model`: the n-grams and the patterns decide alone.
    let has = |word: &str| arguments.iter().any(|a| a == word);
    let size = Size {
        contexts: std::thread::available_parallelism()?.get(),
        threads: 1,
        queue: 1024,
    };
    let firewall = Firewall::new(Options {
        patterns: true,
        ngram: !has("--no-ngram"),
        model: (!has("--no-model")).then_some((model, size)),
        cache: 16,
        limits: Limits {
            deadline: Duration::from_secs(600),
            ..Limits::default()
        },
        wait: |score| score(),
    })?;
    let rows: Vec<Value> = std::io::stdin()
        .lock()
        .lines()
        .map(|line| Ok(serde_json::from_str(&line?)?))
        .collect::<Result<_, Box<dyn std::error::Error>>>()?;
    let workers = std::thread::available_parallelism()?.get();
    let done = AtomicUsize::new(0);
    // Each takes every n-th row, so that long and short ones are spread.
    let scored: Vec<Vec<String>> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..workers)
            .map(|worker| {
                let (rows, firewall, done) = (&rows, &firewall, &done);
                scope.spawn(move || {
                    let mine = rows.iter().skip(worker).step_by(workers);
                    mine.map(|row| {
                        let number = done.fetch_add(1, Relaxed) + 1;
                        if number.is_multiple_of(1000) {
                            eprintln!("{number} of {}", rows.len());
                        }
                        score(firewall, row).unwrap_or_else(|| "null".into())
                    })
                    .collect()
                })
            })
            .collect();
        handles.into_iter().filter_map(|h| h.join().ok()).collect()
    });
    let mut out = BufWriter::new(std::io::stdout().lock());
    for number in 0..rows.len() {
        let line = scored
            .get(number % workers)
            .and_then(|of| of.get(number / workers));
        writeln!(out, "{}", line.ok_or("a worker failed")?)?;
    }
    Ok(())
}

fn score(firewall: &Firewall, row: &Value) -> Option<String> {
    let said = Said {
        channel: row["channel"].as_str().and_then(Channel::from_word)?,
        text: row["text"].as_str()?,
    };
    let begun = Instant::now();
    let verdicts = firewall.judge(&[said]);
    let verdict = verdicts.first()?;
    let scored = json!({
        "heat": verdict.heat,
        "score": verdict.score,
        "stage": verdict.stage.as_str(),
        "label": verdict.label.word(),
        "flagged": verdict.flagged(),
        "micros": begun.elapsed().as_micros() as u64,
    });
    Some(scored.to_string())
}
