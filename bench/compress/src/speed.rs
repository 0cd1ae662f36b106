//! What compression costs in time, beside what is done to the same bytes anyway, in the same run.

use crate::corpus::Session;
use crate::replay::{body, read};
use bytes::Bytes;
use sallyport_compress::{Memo, Mode, Rules, compress};
use serde_json::Value;
use std::hint::black_box;
use std::time::Instant;

/// Bytes of the body that is measured, and of what is new in it.
const BODY: usize = 200 << 10;
const NEW: usize = 20 << 10;
/// Bodies that are measured.
const ROUNDS: usize = 200;

/// Microseconds.
#[derive(Clone, Debug, Default)]
pub struct Speed {
    /// A kilobyte of results that no request held before.
    pub new_kb: f64,
    /// The same with references alone.
    pub named_kb: f64,
    /// A kilobyte of results that were seen.
    pub seen_kb: f64,
    /// Added to a body of 200 KB with 20 KB new: half of them under, and all but one in a hundred.
    pub added: (f64, f64),
    /// Reading the same body as JSON (serde_json), and as the gateway does anyway.
    pub parse: (f64, f64),
    /// A kilobyte's BLAKE3, and its copy.
    pub blake3_kb: f64,
    /// Bytes of the body.
    pub bytes: usize,
}

/// Measures on the results of these sessions, told as one long conversation.
pub fn measure(sessions: &[Session]) -> Speed {
    let results: Vec<Value> = sessions
        .iter()
        .flat_map(|s| s.messages.iter())
        .filter(|m| m["role"] == "tool")
        .cloned()
        .collect();
    let mut speed = Speed::default();
    let (mut added, mut new_us, mut new_bytes, mut seen_us, mut seen_bytes) =
        (Vec::new(), 0.0, 0, 0.0, 0);
    let (mut parse, mut reading, mut hashing, mut named_us) = (0.0, 0.0, 0.0, 0.0);
    for round in 0..ROUNDS {
        let mut from = round * 7;
        let old = take(&results, &mut from, BODY - NEW);
        let asked = serde_json::json!({"role": "assistant", "content": "go on"});
        let all: Vec<Value> = old
            .iter()
            .cloned()
            .chain([asked])
            .chain(take(&results, &mut from, NEW))
            .collect();
        let (history, whole) = (body(&old), body(&all));
        let rules = Rules::new(Mode::Lossless);
        let memo = Memo::default();
        let (Some(before), Some(payload)) = (read(&history), read(&whole)) else {
            continue;
        };
        new_us += micros(|| drop(black_box(compress(&before, &rules, &memo, None))));
        new_bytes += history.len();
        let mut exact = rules.clone();
        exact.exact = exact.exact.and(["*"]);
        let other = Memo::default();
        named_us += micros(|| drop(black_box(compress(&before, &exact, &other, None))));
        seen_us += micros(|| {
            drop(black_box(
                compress(&before, &rules, &memo, None).edits.apply(&history),
            ))
        });
        seen_bytes += history.len();
        let start = Instant::now();
        let compressed = compress(&payload, &rules, &memo, None);
        black_box(compressed.edits.apply(&whole));
        added.push(start.elapsed().as_secs_f64() * 1e6);
        parse += micros(|| drop(black_box(serde_json::from_slice::<Value>(&whole))));
        reading += micros(|| drop(black_box(read(&whole))));
        hashing += micros(|| {
            black_box(blake3::hash(&whole));
        });
        speed.bytes = whole.len();
    }
    added.sort_by(f64::total_cmp);
    let kb = |us: f64, bytes: usize| us / (bytes as f64 / 1024.0);
    let at = |share: f64| added[((added.len() as f64 * share) as usize).min(added.len() - 1)];
    let rounds = added.len() as f64;
    Speed {
        new_kb: kb(new_us, new_bytes),
        named_kb: kb(named_us, new_bytes),
        seen_kb: kb(seen_us, seen_bytes),
        added: (at(0.5), at(0.99)),
        parse: (parse / rounds, reading / rounds),
        blake3_kb: kb(hashing, speed.bytes * added.len()),
        bytes: speed.bytes,
    }
}

fn micros(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e6
}

/// Results from `from` on, so many bytes of them; none larger than what is left.
fn take(results: &[Value], from: &mut usize, bytes: usize) -> Vec<Value> {
    let (mut taken, mut left) = (Vec::new(), bytes);
    for _ in 0..results.len() {
        let result = &results[*from % results.len()];
        *from += 1;
        let len = Bytes::from(result.to_string()).len();
        if len <= left {
            left -= len;
            taken.push(result.clone());
        }
        if left < 256 {
            break;
        }
    }
    taken
}
