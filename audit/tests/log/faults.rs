//! Every operation of a small trace fails once, in every way: what was acknowledged is there afterwards.

use crate::fake::{Bytes, FATES, Failure, Fake, Names};
use crate::shared::{ORIGIN, body, keep};
use sallyport_audit::disk::Disk;
use sallyport_audit::{
    Clock, Entry, Now, OpenError, Opened, Settings, SigningKey, Standing, Trust, VerifyKey, What,
    Writer, verify_on,
};
use serde_json::json;
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const RECORDS: u64 = 12;

fn settings(folder: &Path) -> Settings {
    let key_file = folder.join("key.pem");
    if !key_file.exists() {
        SigningKey::make(&key_file, ORIGIN).expect("a key");
    }
    Settings {
        key_file: Some(key_file),
        segment_size: 1_800,
        checkpoint_records: 3,
        checkpoint_every: Duration::from_secs(3_600),
        ..Settings::new("fake", ORIGIN)
    }
}

fn clock() -> Clock {
    let mut ns = 1_700_000_000_000_000_000;
    Box::new(move || {
        ns += 1_000;
        Now {
            wall_ns: ns,
            mono_ns: ns as u64,
        }
    })
}

fn start(settings: &Settings, disk: &Fake) -> Result<(Writer, Opened), OpenError> {
    Writer::start_on(settings.clone(), Arc::new(disk.clone()), clock())
}

/// Keeps records; gives those that were acknowledged, by their number.
fn trace(writer: &Writer) -> BTreeSet<u64> {
    (0..RECORDS)
        .filter(|n| keep(writer, "forward", json!({"n": n, "text": "x".repeat(60)})).is_ok())
        .collect()
}

/// The numbers of all records in the log.
fn numbers(disk: &Fake) -> BTreeSet<u64> {
    let mut names = disk.list("segments").expect("segments");
    names.sort();
    let mut numbers = BTreeSet::new();
    for name in names {
        let mut text = String::new();
        let mut file = disk
            .open(&format!("segments/{name}"), 0)
            .expect("a segment");
        file.read_to_string(&mut text).expect("text");
        for line in text.lines() {
            let entry = Entry::read(line).expect("a record");
            numbers.extend(entry.body["n"].as_u64());
        }
    }
    numbers
}

fn verify(disk: &Fake, key: &VerifyKey, about: &str) {
    let trust = Trust {
        key: Some(key),
        against: None,
    };
    let verified =
        verify_on(disk, trust, |_, _| {}).unwrap_or_else(|bad| panic!("{about}: {bad} ({bad:?})"));
    assert_eq!(verified.unsigned_tail, 0, "{about}");
}

/// What a process does that finds the disk so: it opens the log, and everything acknowledged is there.
fn find(settings: &Settings, disk: &Fake, kept: &BTreeSet<u64>, about: &str) {
    let (writer, opened) = start(settings, disk).unwrap_or_else(|error| panic!("{about}: {error}"));
    keep(&writer, "forward", json!({"n": 1_000})).unwrap_or_else(|why| panic!("{about}: {why}"));
    writer
        .close()
        .unwrap_or_else(|error| panic!("{about}: {error}"));
    verify(disk, &opened.key, about);
    let there = numbers(disk);
    assert!(
        kept.is_subset(&there),
        "{about}: {kept:?} were acknowledged, and {there:?} are there"
    );
    assert!(there.contains(&1_000), "{about}");
}

fn operations(settings: &Settings) -> u64 {
    let disk = Fake::default();
    let (writer, _) = start(settings, &disk).expect("it opens");
    assert_eq!(trace(&writer).len() as u64, RECORDS);
    writer.close().expect("it closes");
    disk.operations()
}

/// Runs `case` for 0 to `count`, some at a time: most of them wait for a retry.
fn for_all(count: u64, case: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count {
                        break;
                    }
                    case(at);
                }
            });
        }
    });
}

#[test]
fn a_crash_at_any_moment() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = settings(folder.path());
    let operations = operations(&settings);
    assert!(
        operations > 100,
        "the trace is long enough to be worth it: {operations}"
    );
    for_all(operations, |at| {
        let disk = Fake::failing(at, 1, Failure::Crash);
        let kept = match start(&settings, &disk) {
            Ok((writer, _)) => trace(&writer),
            Err(OpenError::Io { .. }) => BTreeSet::new(),
            Err(error) => panic!("crash at {at}: {error}"),
        };
        for (bytes, names) in FATES {
            let about = format!("crash at {at}, bytes {bytes:?}, names {names:?}");
            let after = disk.after(bytes, names);
            find(&settings, &after, &kept, &about);
        }
    });
}

/// The process that comes after a crash crashes, too.
#[test]
fn a_crash_while_a_crash_is_got_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = settings(folder.path());
    let operations = operations(&settings);
    for_all(operations.div_ceil(5), |at| {
        let at = at * 5;
        let disk = Fake::failing(at, 1, Failure::Crash);
        let Ok((writer, _)) = start(&settings, &disk) else {
            return;
        };
        let kept = trace(&writer);
        for (bytes, names) in [(Bytes::Half, Names::Kept), (Bytes::Kept, Names::Lost)] {
            for second in 0..40 {
                let again = disk.after(bytes, names);
                again.plan(second, 1, Failure::Crash);
                if let Ok((writer, _)) = start(&settings, &again) {
                    drop(writer);
                    if !again.has_crashed() {
                        break;
                    }
                }
                for (bytes, names) in FATES {
                    let about = format!(
                        "crash at {at}, then at {second}, bytes {bytes:?}, names {names:?}"
                    );
                    find(&settings, &again.after(bytes, names), &kept, &about);
                }
            }
        }
    });
}

/// Waits until the log keeps records again.
fn until_well(writer: &Writer, about: &str) -> Standing {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let kept = keep(writer, "forward", json!({"n": 500})).is_ok();
        let standing = writer.standing();
        if kept && !standing.degraded {
            return standing;
        }
        assert!(
            Instant::now() < deadline,
            "{about}: it does not get well: {standing:?}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn an_error_at_any_moment(failure: Failure, count: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = settings(folder.path());
    let operations = operations(&settings);
    for_all(operations, |at| {
        let about = format!("{count} times {failure:?} from {at} on");
        let disk = Fake::failing(at, count, failure);
        let started = match start(&settings, &disk) {
            Err(OpenError::Io { .. }) => {
                // So many operations fail, and then no more.
                let mut again = start(&settings, &disk);
                while let Err(OpenError::Io { .. }) = again {
                    again = start(&settings, &disk);
                }
                again
            }
            started => started,
        };
        let (writer, opened) = started.unwrap_or_else(|error| panic!("{about}: {error}"));
        let mut kept = trace(&writer);
        let standing = until_well(&writer, &about);
        kept.insert(500);
        writer
            .close()
            .unwrap_or_else(|error| panic!("{about}: {error}"));
        assert_eq!(standing.lost, 0, "{about}: whoever waited was told");
        verify(&disk, &opened.key, &about);
        assert_eq!(
            numbers(&disk),
            kept,
            "{about}: what was refused is not there, and all else is"
        );
    });
}

#[test]
fn an_io_error_at_any_moment() {
    an_error_at_any_moment(Failure::Io, 1);
}

#[test]
fn io_errors_for_a_while_at_any_moment() {
    an_error_at_any_moment(Failure::Io, 4);
}

#[test]
fn a_full_disk_at_any_moment() {
    an_error_at_any_moment(Failure::Full, 3);
}

#[test]
fn a_short_write_at_any_moment() {
    an_error_at_any_moment(Failure::Short, 1);
}

/// Notes that go with an error are counted, exactly, and a record says so.
#[test]
fn what_is_lost_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = settings(folder.path());
    let disk = Fake::default();
    let (writer, opened) = start(&settings, &disk).expect("it opens");
    keep(&writer, "forward", json!({"n": 0})).expect("kept");
    disk.plan(0, 2, Failure::Full);
    for n in 1..=40 {
        writer.note("exchange", body(json!({"n": n})));
        std::thread::sleep(Duration::from_millis(5));
    }
    let standing = until_well(&writer, "notes");
    writer.close().expect("it closes");
    let there = numbers(&disk);
    let missing = (1..=40).filter(|n| !there.contains(n)).count() as u64;
    assert!(missing > 0, "some went with the error");
    assert_eq!(standing.lost, missing);
    let text: String = disk
        .list("segments")
        .expect("segments")
        .iter()
        .map(|name| {
            String::from_utf8(disk.file(&format!("segments/{name}")).expect("there")).expect("text")
        })
        .collect();
    let told: u64 = text
        .lines()
        .map(|line| Entry::read(line).expect("a record"))
        .filter(|entry| entry.kind == "lost")
        .filter_map(|entry| entry.body["records"].as_u64())
        .sum();
    assert_eq!(told, missing, "the `lost` records add up");
    verify(&disk, &opened.key, "notes");
}

/// A segment that somebody else cut short while the log was open is not written on.
#[test]
fn nothing_is_chained_onto_a_segment_that_shrank() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = settings(folder.path());
    let disk = Fake::default();
    let (writer, _) = start(&settings, &disk).expect("it opens");
    keep(&writer, "forward", json!({"n": 0})).expect("kept");
    let path = "segments/0000000000000000.jsonl";
    disk.append(path)
        .expect("the segment")
        .truncate(10)
        .expect("cut");
    disk.plan(0, 1, Failure::Io);
    assert!(keep(&writer, "forward", json!({"n": 1})).is_err());
    std::thread::sleep(Duration::from_millis(600));
    assert!(
        keep(&writer, "forward", json!({"n": 2})).is_err(),
        "it does not go on"
    );
    assert!(writer.standing().degraded);
    assert!(writer.close().is_err());
    drop(writer);
    match start(&settings, &disk.after(Bytes::Kept, Names::Kept)) {
        Err(OpenError::Tampered { bad, .. }) => assert_eq!(bad.what, What::Malformed, "{bad}"),
        other => panic!("{:?}", other.map(|(_, opened)| opened)),
    }
}
