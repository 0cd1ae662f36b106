//! Measures the detectors: `cargo run --release -p sallyport-detect --example speed`.
//!
//! On a busy machine count instructions instead: with the name of a text and a number of bytes it looks
//! at that once, and `settled json 4000` asks once how much is settled, under
//! `valgrind --tool=callgrind`.

use sallyport_detect::Detectors;
use sallyport_exchange::{Author, Filter, Finding, Kind, PartId, PartView, Report};
use std::hint::black_box;
use std::time::{Duration, Instant};

const PROSE: &str = "The committee met on Tuesday to look at the report, and found that most of what had been asked \
for was done; two items stay open until the next meeting. Nobody objected. The minutes go to all members, with a copy \
for the archive, and whoever wants to add a remark may do so before the end of the month.\n";
const JSON: &str = "{\"id\": 48213, \"name\": \"list_items\", \"created_at\": \"2026-03-04T05:06:07Z\", \"tags\": [\"alpha\", \
\"beta\"], \"owner\": {\"login\": \"octo\", \"url\": \"https://api.example.com/users/octo\"}, \"count\": 17, \"open\": true},\n";
const CODE: &str = "pub fn settled(text: &str) -> usize {\n    let place = match last_token(text) {\n        Some(start) => start,\n        \
None => text.len(),\n    };\n    // Not past the end, whatever happens.\n    place.min(text.len())\n}\n";

fn best_of(times: u32, mut work: impl FnMut()) -> Duration {
    (0..times)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .min()
        .unwrap_or_default()
}

fn inspect(detectors: &Detectors, text: &str, findings: &mut Vec<Finding>) {
    findings.clear();
    let part = PartView {
        id: PartId(0),
        json: None,
        kind: Kind::ToolResult,
        author: Author::Tool,
        tool: None,
        text,
    };
    detectors.inspect(&part, &mut Report::new(part.id, findings));
    black_box(findings);
}

fn sized(seed: &str, size: usize) -> String {
    let mut text = seed.repeat(size / seed.len() + 1);
    while text.len() > size {
        text.pop();
    }
    text
}

fn main() {
    let detectors = Detectors::default();
    let accented = PROSE.replace("report", "r\u{e9}port");
    let seeds = [
        ("prose", PROSE),
        ("json", JSON),
        ("code", CODE),
        ("accented", accented.as_str()),
    ];
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [settled, name, size] if settled == "settled" => {
            let seed = seeds
                .iter()
                .find(|(known, _)| known == name)
                .map_or(PROSE, |(_, seed)| seed);
            let text = sized(seed, size.parse().unwrap_or(4000));
            black_box(detectors.settled(black_box(&text)));
            println!("{}", counted(|| detectors.settled(black_box(&text))));
        }
        [name, size] => {
            let seed = seeds
                .iter()
                .find(|(known, _)| known == name)
                .map_or(PROSE, |(_, seed)| seed);
            let text = sized(seed, size.parse().unwrap_or(4096));
            inspect(&detectors, &text, &mut Vec::new());
            counted(|| inspect(&detectors, &text, &mut Vec::new()));
        }
        _ => seeds
            .iter()
            .for_each(|(name, seed)| time(&detectors, name, seed)),
    }
}

/// The work to count: `--toggle-collect='*counted*'` leaves out what is built once.
#[inline(never)]
fn counted<T>(work: impl FnOnce() -> T) -> T {
    work()
}

fn time(detectors: &Detectors, name: &str, seed: &str) {
    let mut findings = Vec::new();
    for (size, times) in [(4096, 2000), (1 << 20, 20)] {
        let text = sized(seed, size);
        let took = best_of(times, || inspect(detectors, &text, &mut findings));
        let rate = text.len() as f64 / took.as_secs_f64() / 1e6;
        println!(
            "{name:9} {size:8} bytes  {took:10.1?}  {rate:6.0} MB/s  {} findings",
            findings.len()
        );
    }
    let text = sized(seed, 4000);
    let took = best_of(2000, || {
        black_box(detectors.settled(black_box(&text)));
    });
    println!("{name:9} settled on 4000 bytes  {took:10.1?}");
}
