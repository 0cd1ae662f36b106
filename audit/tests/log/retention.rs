//! Old segments go, with a record that says so, and what is left can still be proven.

use crate::shared::{body, check, keep, settings};
use sallyport_audit::disk::Folder;
use sallyport_audit::{
    Clock, Filter, Now, OpenError, Opened, ProveError, Remark, Settings, Trust, What, Writer,
    check_proof, consistency, prove, records, verify,
};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

const HOUR_NS: i64 = 3_600_000_000_000;

fn clock(wall: &Arc<AtomicI64>) -> Clock {
    let wall = wall.clone();
    Box::new(move || {
        let wall_ns = wall.fetch_add(1_000, Ordering::Relaxed);
        Now {
            wall_ns,
            mono_ns: 0,
        }
    })
}

fn kept_for_an_hour(folder: &Path) -> Settings {
    Settings {
        segment_size: 20_000,
        keep: Some(Duration::from_secs(3_600)),
        ..settings(folder)
    }
}

fn start(folder: &Path, wall: &Arc<AtomicI64>) -> Result<(Writer, Opened), OpenError> {
    Writer::start_on(
        kept_for_an_hour(folder),
        Arc::new(Folder::new(folder)),
        clock(wall),
    )
}

fn write(writer: &Writer, count: u64) {
    for n in 0..count {
        match n % 20 {
            19 => drop(keep(writer, "forward", json!({"n": n})).expect("kept")),
            _ => writer.note("exchange", body(json!({"n": n}))),
        }
    }
}

#[test]
fn old_segments_go() {
    let folder = tempfile::tempdir().expect("a folder");
    let wall = Arc::new(AtomicI64::new(1_700_000_000_000_000_000));
    let (writer, opened) = start(folder.path(), &wall).expect("it opens");
    write(&writer, 1_000);
    std::thread::sleep(Duration::from_millis(1_200));
    let held = fs::read_to_string(folder.path().join("checkpoint")).expect("a checkpoint");
    wall.fetch_add(2 * HOUR_NS, Ordering::Relaxed);
    write(&writer, 400);
    writer.close().expect("it closes");
    drop(writer);

    let key = &opened.key;
    let verified = check(folder.path(), key).expect("right");
    let first = verified.first_seq;
    assert!(first > 600, "most of them went: {first}");
    assert!(
        verified.remarks.contains(&Remark::Retained { first }),
        "{:?}",
        verified.remarks
    );
    let told: Vec<_> = records(
        folder.path(),
        Filter {
            kinds: vec!["retention".into()],
            ..Filter::default()
        },
    )
    .map(|entry| entry.expect("a record").body)
    .collect();
    assert_eq!(
        told.last().map(|body| body["last"].as_u64()),
        Some(Some(first - 1)),
        "{told:?}"
    );

    // What is left can be proven, and that it grew out of what was.
    let proof = prove(folder.path(), first, Some(key)).expect("a proof");
    check_proof(&proof.text, key).expect("it proves");
    assert_eq!(
        prove(folder.path(), 3, Some(key)),
        Err(ProveError::Gone { seq: 3, first })
    );
    consistency(folder.path(), &held, Some(key)).expect("it grew");
    let trust = Trust {
        key: Some(key),
        against: Some(&held),
    };
    verify(folder.path(), trust, |_, _| {}).expect("nothing else was cut");

    // And it is gone on with, also when tiles that can be made anew were lost.
    fs::remove_file(folder.path().join("tile/0/000")).expect("gone");
    let (writer, again) = start(folder.path(), &wall).expect("it opens");
    assert_eq!((again.first_seq, again.tiles_mended), (first, 1));
    writer.close().expect("it closes");
    drop(writer);
    check(folder.path(), key).expect("right");

    // But nothing more may go than was said.
    let oldest = folder.path().join(format!("segments/{first:016}.jsonl"));
    fs::remove_file(&oldest).expect("gone");
    assert_eq!(
        check(folder.path(), key).expect_err("noticed").what,
        What::SegmentMissing
    );
    let opened = start(folder.path(), &wall).map(|_| ());
    assert!(
        matches!(opened, Err(OpenError::Tampered { .. })),
        "{opened:?}"
    );
}

/// A bundle over records that went can be made from nothing.
#[test]
fn a_lost_bundle_of_what_went_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    let wall = Arc::new(AtomicI64::new(1_700_000_000_000_000_000));
    let (writer, opened) = start(folder.path(), &wall).expect("it opens");
    write(&writer, 700);
    wall.fetch_add(2 * HOUR_NS, Ordering::Relaxed);
    write(&writer, 300);
    writer.close().expect("it closes");
    drop(writer);
    let bundle = folder.path().join("tile/entries/000");
    let whole = fs::read(&bundle).expect("a bundle");
    fs::remove_file(&bundle).expect("gone");
    assert_eq!(
        check(folder.path(), &opened.key).expect_err("noticed").what,
        What::Tile
    );
    let mut changed = whole;
    changed[40] ^= 1;
    fs::write(&bundle, changed).expect("written");
    let bad = check(folder.path(), &opened.key).expect_err("noticed");
    assert_eq!(bad.what, What::Root, "{bad}");
}
