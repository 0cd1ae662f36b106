//! Many at once, too many at once, and callers that misbehave.

use crate::shared::{body, check, keep, settings, start};
use sallyport_audit::{Filter, LINE_BYTES_MAX, NotKept, WAITING_MAX, records};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::mpsc::channel;
use std::time::Duration;

#[test]
fn eight_threads() {
    let folder = tempfile::tempdir().expect("a folder");
    let (writer, opened) = start(&settings(folder.path()));
    let seqs: BTreeSet<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let writer = writer.clone();
                scope.spawn(move || {
                    let kept = (0..250)
                        .map(|n| keep(&writer, "forward", json!({"thread": thread, "n": n})));
                    kept.map(|kept| kept.expect("kept").seq)
                        .collect::<Vec<u64>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("it ends"))
            .collect()
    });
    assert_eq!(seqs.len(), 2_000, "each has a place of its own");
    let standing = writer.standing();
    assert_eq!(
        (
            standing.size,
            standing.written["forward"],
            standing.unsynced
        ),
        (2_001, 2_000, 0)
    );
    writer.close().expect("it closes");
    check(folder.path(), &opened.key).expect("right");
    // What one thread handed over in order is in that order.
    let mut next = [0; 8];
    for entry in records(
        folder.path(),
        Filter {
            kinds: vec!["forward".into()],
            ..Filter::default()
        },
    ) {
        let entry = entry.expect("a record");
        let thread = entry.body["thread"].as_u64().expect("a number") as usize;
        assert_eq!(entry.body["n"], next[thread]);
        next[thread] += 1;
    }
}

#[test]
fn no_room_is_counted_and_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let (writer, opened) = start(&settings(folder.path()));
    let (release, held) = channel::<()>();
    let (begun, wait) = channel();
    writer.note(
        "exchange",
        Box::new(move || {
            begun.send(()).expect("somebody waits");
            let _ = held.recv_timeout(Duration::from_secs(20));
            json!({})
        }),
    );
    wait.recv().expect("the thread is busy");
    for n in 0..WAITING_MAX + 100 {
        writer.note("exchange", body(json!({"n": n})));
    }
    let began = std::time::Instant::now();
    assert_eq!(keep(&writer, "forward", json!({})), Err(NotKept::Queue));
    assert!(
        began.elapsed() < Duration::from_millis(100),
        "it does not wait"
    );
    let standing = writer.standing();
    assert_eq!(
        (standing.lost, standing.failures[&NotKept::Queue]),
        (100, 101)
    );
    release.send(()).expect("it waits");
    writer.close().expect("it closes");
    check(folder.path(), &opened.key).expect("right");
    let lost = records(
        folder.path(),
        Filter {
            kinds: vec!["lost".into()],
            ..Filter::default()
        },
    );
    let lost: Vec<_> = lost.map(|entry| entry.expect("a record").body).collect();
    assert_eq!(lost, [json!({"records": 100, "total": 100})]);
}

#[test]
fn what_callers_do_wrong_ends_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (writer, opened) = start(&settings(folder.path()));
    assert_eq!(
        keep(&writer, "forward", json!("x".repeat(LINE_BYTES_MAX))),
        Err(NotKept::TooLong)
    );
    writer.note(
        "exchange",
        Box::new(|| panic!("a body that cannot be made")),
    );
    writer.keep("forward", body(json!({})), |_| {
        panic!("somebody who cannot be told")
    });
    assert_eq!(
        keep(&writer, "forward", json!("x".repeat(LINE_BYTES_MAX - 300))).map(|kept| kept.seq),
        Ok(2)
    );
    let standing = writer.standing();
    assert_eq!(standing.failures[&NotKept::TooLong], 1);
    assert_eq!((standing.failures[&NotKept::Body], standing.lost), (1, 1));
    writer.close().expect("it closes");
    check(folder.path(), &opened.key).expect("right");
}
