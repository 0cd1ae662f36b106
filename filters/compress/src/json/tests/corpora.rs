//! Every row of the shared corpora, where `SALLYPORT_COMPRESSION_DATA` names their folder.

use super::*;
use flate2::read::GzDecoder;
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader};

fn rows(name: &str) -> Vec<Value> {
    let Some(folder) = std::env::var_os("SALLYPORT_COMPRESSION_DATA") else {
        eprintln!("skipped: SALLYPORT_COMPRESSION_DATA does not name the corpora");
        return Vec::new();
    };
    let path = std::path::Path::new(&folder).join(format!("{name}.jsonl.gz"));
    let lines = BufReader::new(GzDecoder::new(File::open(path).expect("corpus"))).lines();
    lines
        .map(|line| serde_json::from_str(&line.expect("line")).expect("row"))
        .collect()
}

fn tool_texts(name: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for row in rows(name) {
        for message in row["messages"].as_array().into_iter().flatten() {
            if message["role"] == "tool" {
                texts.extend(message["content"].as_str().map(str::to_owned));
            }
        }
    }
    texts
}

#[derive(Default)]
struct Sum {
    sent: usize,
    minified: usize,
    best: usize,
    taken: usize,
    tables: usize,
    larger: usize,
    bias: Vec<f64>,
}

fn measure(name: &str, texts: &[String]) {
    let mut sum = Sum::default();
    let peeled = std::env::var_os("PEEL").is_some();
    for original in texts {
        let mut text = original.clone();
        if peeled && let Some(form) = unwrap::encode(&text) {
            assert_eq!(
                unwrap::decode(&form.text, &form.residue).as_deref(),
                Some(text.as_str())
            );
            text = form.text;
        }
        let sent = exact(original);
        let minified = minify::encode(&text).map_or(text.clone(), |form| {
            assert_eq!(
                minify::decode(&form.text, &form.residue).as_deref(),
                Some(text.as_str())
            );
            form.text
        });
        let small = exact(&minified);
        let table = tabled(&text).map_or(usize::MAX, |t| exact(&t));
        sum.larger += usize::from(table != usize::MAX && table > small);
        sum.tables += usize::from(table != usize::MAX);
        if let Some(form) = table::form(&text) {
            let r = |t: &str| crate::tokens::estimate(t) as f64 / exact(t) as f64;
            let bias = r(&form.text) / r(&minified);
            if minified.len() > 2048 {
                sum.bias.push(bias);
            }
        }
        let best = small.min(table);
        sum.sent += sent;
        sum.minified += small;
        sum.best += best;
        sum.taken += if sent - best.min(sent) >= 40.max(sent.div_ceil(10)) {
            best
        } else {
            sent
        };
    }
    sum.bias.sort_by(f64::total_cmp);
    if !sum.bias.is_empty() {
        let n = sum.bias.len();
        println!(
            "bias {:.3} {:.3} {:.3} {:.3} {:.3}",
            sum.bias[0],
            sum.bias[n / 20],
            sum.bias[n / 2],
            sum.bias[n * 19 / 20],
            sum.bias[n - 1]
        );
    }
    let less = |part: usize| 100.0 - 100.0 * part as f64 / sum.sent.max(1) as f64;
    println!(
        "{name}: {} texts, {} tables ({} larger), {} tokens; minified -{:.1} %, best -{:.1} %, taken -{:.1} %; best vs minified -{:.1} %",
        texts.len(),
        sum.tables,
        sum.larger,
        sum.sent,
        less(sum.minified),
        less(sum.best),
        less(sum.taken),
        100.0 - 100.0 * sum.best as f64 / sum.minified.max(1) as f64
    );
}

#[test]
fn every_row_comes_back_and_is_no_larger() {
    measure("airline", &tool_texts("agent_sessions_airline"));
    for name in ["api_responses_github", "webhook_payloads_github"] {
        let all = rows(name);
        let pretty: Vec<String> = all
            .iter()
            .map(|row| serde_json::to_string_pretty(&row["json"]).expect("json"))
            .collect();
        let small: Vec<String> = all.iter().map(|row| row["json"].to_string()).collect();
        measure(&format!("{name} pretty"), &pretty);
        measure(&format!("{name} minified"), &small);
    }
    measure("livemcp", &tool_texts("agent_sessions_livemcp"));
}

#[test]
#[ignore = "prints timings of the files in the folder that SPEED names"]
fn timings() {
    let Some(folder) = std::env::var_os("SPEED") else {
        return;
    };
    exact("the vocabulary is read once");
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        let text = std::fs::read_to_string(&path).expect("text");
        let times = |work: &mut dyn FnMut()| {
            let begun = std::time::Instant::now();
            (0..3).for_each(|_| work());
            begun.elapsed().as_micros() as f64 / 3.0 / (text.len() as f64 / 1024.0)
        };
        let form = table::form(&text);
        println!(
            "{:40} {:7} B, us/KB: unwrap {:.1} minify {:.1} table {:.1} (with the choice {:.1}) decode {:.1} view {:.1} estimate {:.1} exact {:.1}",
            path.file_name().unwrap_or_default().display(),
            text.len(),
            times(&mut || drop(unwrap::encode(&text))),
            times(&mut || drop(minify::encode(&text))),
            times(&mut || drop(table::form(&text))),
            times(&mut || drop(table::encode(&text))),
            times(&mut || drop(form.as_ref().map(|f| table::decode(&f.text, &f.residue)))),
            times(&mut || drop(elide::view(&text, "k3j9x7q2m4n5p6r7"))),
            times(&mut || {
                crate::tokens::estimate(&text);
            }),
            times(&mut || {
                exact(&text);
            }),
        );
    }
}
