//! What fires on ordinary agent traffic, and how often at most.
//!
//! Reads every `.jsonl.gz` below the folder `SALLYPORT_DATA`, each line an object with a `text`; shows
//! what it finds of the family `SALLYPORT_SHOW`.

use flate2::read::GzDecoder;
use sallyport_detect::Detectors;
use sallyport_exchange::{Author, Filter, Kind, PartId, PartView, Report};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

type Counts = BTreeMap<&'static str, usize>;

/// Texts that people wrote for people and models, none of them by a tool that attacks.
const BENIGN: &[&str] = &[
    "airline_agent_turns",
    "chat_benign",
    "dev_xstest",
    "roleplay_requests",
    "security_questions",
    "tool_descriptions",
    "toolformer_requests",
];

#[test]
fn ordinary_traffic_is_left_alone() {
    let Ok(folder) = std::env::var("SALLYPORT_DATA") else {
        eprintln!("SKIPPED: SALLYPORT_DATA is not set, so that nothing was looked at");
        return;
    };
    let mut files = Vec::new();
    collect(Path::new(&folder), &mut files);
    files.sort();
    assert!(!files.is_empty(), "no .jsonl.gz below {folder}");
    let mut alarms = Counts::new();
    for file in &files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let (rows, counts) = count(file);
        println!("{name}: {rows} rows {counts:?}");
        if BENIGN.iter().any(|benign| name.starts_with(benign)) {
            counts
                .into_iter()
                .for_each(|(label, count)| *alarms.entry(label).or_default() += count);
        }
    }
    alarms.retain(|label, _| !label.starts_with("pii."));
    assert!(
        alarms.is_empty(),
        "false alarms on ordinary traffic: {alarms:?}"
    );
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for path in std::fs::read_dir(folder)
        .expect("a folder")
        .flatten()
        .map(|entry| entry.path())
    {
        if path.is_dir() {
            collect(&path, files);
        } else if path.to_string_lossy().ends_with(".jsonl.gz") {
            files.push(path);
        }
    }
}

/// How many rows the file has, and what is found in them.
fn count(file: &Path) -> (usize, Counts) {
    let show = std::env::var("SALLYPORT_SHOW").unwrap_or_default();
    let detectors = Detectors::default();
    let mut counts = Counts::new();
    let mut rows = 0;
    let lines = BufReader::new(GzDecoder::new(File::open(file).expect("a file")));
    for line in lines.lines() {
        let row: serde_json::Value =
            serde_json::from_str(&line.expect("a line")).expect("a JSON object");
        let Some(text) = row["text"].as_str() else {
            continue;
        };
        rows += 1;
        let part = PartView {
            id: PartId(0),
            json: None,
            kind: Kind::ToolResult,
            author: Author::Tool,
            tool: None,
            text,
        };
        let mut findings = Vec::new();
        detectors.inspect(&part, &mut Report::new(part.id, &mut findings));
        for finding in findings {
            let label = finding.label.0;
            *counts.entry(label).or_default() += 1;
            if !show.is_empty() && label.starts_with(&show) && counts[label] <= 25 {
                let found = &text[finding.range.clone()];
                let found: String = found.chars().take(120).collect();
                let before = text[..finding.range.start].chars().rev().take(40);
                let before: String = before.collect::<Vec<_>>().into_iter().rev().collect();
                eprintln!("{label} {} …{before:?} ⟦{found:?}⟧", finding.score);
            }
        }
    }
    (rows, counts)
}
