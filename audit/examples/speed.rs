//! What a record costs as the log grows, and what verifying a million takes.
//!
//!     cargo run -p sallyport-audit --example speed -- [RECORDS] [FOLDER]

use sallyport_audit::{Mode, Settings, Trust, Writer, verify};
use serde_json::json;
use std::path::PathBuf;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let most: u64 = arguments
        .next()
        .map_or(Ok(1_000_000), |count| count.parse())?;
    let folder: PathBuf = arguments.next().map_or_else(
        || std::env::temp_dir().join("sallyport-audit-speed"),
        PathBuf::from,
    );
    let _ = std::fs::remove_dir_all(&folder);
    let settings = Settings {
        mode: Mode::Fast,
        ..Settings::new(&folder, "speed.test/audit")
    };
    let (writer, opened) = Writer::start(settings.clone())?;
    let (mut written, mut step) = (0, 1_000);
    println!("{:>10} {:>14}", "records", "µs a record");
    while written < most {
        let count = step.min(most - written);
        let began = Instant::now();
        fill(&writer, written, count);
        let micros = began.elapsed().as_secs_f64() * 1e6 / count as f64;
        written += count;
        println!("{written:>10} {micros:>14.2}");
        step = written * 9;
    }
    writer.close()?;
    drop(writer);
    let bytes: u64 = std::fs::read_dir(folder.join("segments"))?
        .filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len()))
        .sum();
    let began = Instant::now();
    let trust = Trust {
        key: Some(&opened.key),
        against: None,
    };
    let verified = verify(&folder, trust, |_, _| {})?;
    println!(
        "verified {} records, {} checkpoints, {} MB in {:.2?}",
        verified.records,
        verified.checkpoints,
        bytes >> 20,
        began.elapsed()
    );
    std::thread::sleep(Duration::from_millis(50));
    let began = Instant::now();
    let (writer, _) = Writer::start(Settings {
        mode: Mode::Strict,
        ..settings
    })?;
    println!("opened again in {:.2?}", began.elapsed());
    strict(&writer, 8);
    writer.close()?;
    Ok(())
}

/// Never more in the queue than it holds.
fn fill(writer: &Writer, from: u64, count: u64) {
    const AT_ONCE: u64 = 2_000;
    let (send, receive) = sync_channel(1);
    for at in 0..count {
        let n = from + at;
        let body = move || {
            json!({"id": n, "caller": {"team": "payments", "agent": "bot", "key": "k1"}, "route": "chat",
                "verdict": "allowed", "rules": ["a", "b"], "usage": {"input": 100, "output": 20},
                "model": "m-large", "status": 200, "policy": "0f3a", "micros": {"policy": 12, "total": 900}})
        };
        match at % AT_ONCE == AT_ONCE - 1 || at + 1 == count {
            false => writer.note("exchange", Box::new(body)),
            true => {
                let send = send.clone();
                writer.keep("exchange", Box::new(body), move |kept| {
                    let _ = send.send(kept);
                });
                let kept = receive.recv();
                assert!(matches!(kept, Ok(Ok(_))), "{kept:?}");
            }
        }
    }
}

/// Callers that each wait for their record before the next.
fn strict(writer: &Writer, callers: u64) {
    const EACH: u64 = 500;
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..callers {
            scope.spawn(|| {
                for n in 0..EACH {
                    let (send, receive) = sync_channel(1);
                    writer.keep("forward", Box::new(move || json!({"n": n})), move |kept| {
                        let _ = send.send(kept);
                    });
                    assert!(matches!(receive.recv(), Ok(Ok(_))));
                }
            });
        }
    });
    let each = began.elapsed() / EACH as u32;
    println!(
        "strict, {callers} callers: {each:.2?} a record for each, {:.0} records a second",
        (callers * EACH) as f64 / began.elapsed().as_secs_f64()
    );
}
