//! Measures the detectors: `cargo run --release -p sallyport-detect --example speed`.

use sallyport_detect::Detectors;
use sallyport_exchange::{Author, Filter, Kind, PartId, PartView, Report};
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

fn main() {
    let detectors = Detectors::default();
    let accented = PROSE.replace("report", "r\u{e9}port");
    for (name, seed) in [("prose", PROSE), ("json", JSON), ("code", CODE), ("accented", accented.as_str())] {
        for size in [4096, 1 << 20] {
            let text = seed.repeat(size / seed.len() + 1);
            let text = &text[..text.floor_char_boundary(size)];
            let part = PartView { id: PartId(0), kind: Kind::ToolResult, author: Author::Tool, tool: None, text };
            let mut findings = Vec::new();
            let times = if size > 10_000 { 20 } else { 2000 };
            let took = best_of(times, || {
                findings.clear();
                detectors.inspect(&part, &mut Report::new(part.id, &mut findings));
                black_box(&findings);
            });
            let rate = text.len() as f64 / took.as_secs_f64() / 1e6;
            println!("{name:9} {size:8} bytes  {took:10.1?}  {rate:6.0} MB/s  {} findings", findings.len());
        }
        let text = seed.repeat(40);
        let text = &text[..text.floor_char_boundary(4000)];
        let took = best_of(2000, || {
            black_box(detectors.settled(black_box(text)));
        });
        println!("{name:9} settled on 4000 bytes  {took:10.1?}");
    }
}
