//! What is handed over is there, in order, and can be proven.

use crate::shared::{ORIGIN, body, check, keep, settings, start, written};
use sallyport_audit::{
    Entry, Filter, Mode, NotKept, OpenError, ProveError, Remark, Settings, Trust, VerifyKey, What,
    Writer, check_consistency, check_proof, consistency, prove, records, verify,
};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

fn kinds(folder: &Path) -> Vec<String> {
    records(folder, Filter::default())
        .map(|entry| entry.expect("a record").kind)
        .collect()
}

#[test]
fn what_is_kept_is_there_after_opening_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = settings(folder.path());
    let (writer, opened) = start(&settings);
    assert_eq!(opened.size, 1, "only the `open` record");
    let kept = keep(&writer, "forward", json!({"b": 1, "a": "x\n"})).expect("kept");
    assert_eq!((kept.seq, kept.synced), (1, true));
    writer.note("exchange", body(json!({"verdict": "allowed"})));
    writer.close().expect("it closes");
    assert_eq!(writer.close(), Ok(()), "twice is no harm");
    assert_eq!(
        keep(&writer, "forward", json!({})),
        Err(NotKept::Closed),
        "a closed log keeps nothing"
    );

    let verified = check(folder.path(), &opened.key).expect("all is right");
    assert_eq!(
        (verified.records, verified.size, verified.unsigned_tail),
        (4, 4, 0)
    );
    assert_eq!(verified.remarks, []);
    assert_eq!(
        kinds(folder.path()),
        ["open", "forward", "exchange", "close"]
    );

    let (writer, again) = start(&settings);
    assert_eq!((again.size, again.adopted, again.cuts.len()), (5, 0, 0));
    assert_eq!(again.key, opened.key);
    drop(writer);
}

#[test]
fn two_writers_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = settings(folder.path());
    let (writer, _) = start(&settings);
    let error = Writer::start(settings.clone())
        .map(|_| ())
        .expect_err("one is enough");
    assert!(matches!(error, OpenError::Locked(_)), "{error}");
    assert!(error.to_string().contains("another process"), "{error}");
    writer.close().expect("it closes");
    // Its thread may need a moment to let the lock go.
    let again = (0..200).find_map(|_| {
        std::thread::sleep(Duration::from_millis(5));
        Writer::start(settings.clone()).ok()
    });
    assert!(again.is_some(), "closed is free");
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let settings = settings(folder.path());
    written(&settings, 1);
    let key = folder.path().join("key.pem");
    let mode = std::fs::metadata(&key).expect("a key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "made so");
    for mode in [0o644, 0o640, 0o604, 0o622] {
        std::fs::set_permissions(&key, PermissionsExt::from_mode(mode)).expect("changed");
        let error = Writer::start(settings.clone())
            .map(|_| ())
            .expect_err("refused");
        assert!(error.to_string().contains("chmod 600"), "{mode:o}: {error}");
    }
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o400)).expect("changed");
    start(&settings).0.close().expect("its owner may");
}

#[test]
fn a_lost_key_is_not_made_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    written(&settings(folder.path()), 1);
    std::fs::remove_file(folder.path().join("key.pem")).expect("gone");
    let error = Writer::start(settings(folder.path()))
        .map(|_| ())
        .expect_err("refused");
    assert!(error.to_string().contains("put it back"), "{error}");
    let elsewhere = Settings {
        key_file: Some(folder.path().join("nowhere.pem")),
        ..settings(folder.path())
    };
    let error = Writer::start(elsewhere).map(|_| ()).expect_err("refused");
    assert!(error.to_string().contains("openssl genpkey"), "{error}");
}

#[test]
fn names_that_cannot_stand_in_a_note_are_refused() {
    for origin in ["", "a b", "a+b", "a\nb", &"a".repeat(300)] {
        let folder = tempfile::tempdir().expect("a folder");
        let error = Writer::start(Settings::new(folder.path(), origin)).map(|_| ());
        assert!(
            matches!(error, Err(OpenError::Key(_))),
            "{origin:?}: {error:?}"
        );
    }
}

/// The public key in the folder, and a vkey of C2SP's own example.
#[test]
fn vkeys_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = written(&settings(folder.path()), 1);
    let text = std::fs::read_to_string(folder.path().join("key.pub")).expect("there");
    assert_eq!(VerifyKey::from_vkey(&text), Some(key.clone()));
    assert!(
        text.starts_with(&format!("{ORIGIN}+{:08x}+", key.id())),
        "{text}"
    );
    assert_eq!(
        VerifyKey::from_vkey(&text.replace(ORIGIN, "other.test")),
        None,
        "the id covers the name"
    );
    // Of golang.org/x/mod/sumdb/note.
    let known = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let known = VerifyKey::from_vkey(known).expect("a key");
    let note = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    // Its signature is right; it only is no checkpoint.
    let error = sallyport_audit::Checkpoint::open(note, &known).expect_err("no checkpoint");
    assert!(
        matches!(error, sallyport_audit::NoteError::Malformed(_)),
        "{error}"
    );
}

#[test]
fn fast_answers_before_the_disk_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings {
        mode: Mode::Fast,
        checkpoint_every: Duration::from_secs(3_600),
        ..settings(folder.path())
    };
    let (writer, opened) = start(&settings);
    let kept = keep(&writer, "forward", json!({})).expect("kept");
    assert!(!kept.synced);
    std::thread::sleep(Duration::from_millis(1_500));
    let standing = writer.standing();
    assert_eq!(
        (standing.size, standing.unsynced, standing.unsigned),
        (2, 0, 1),
        "the loss window is over"
    );
    writer.close().expect("it closes");
    check(folder.path(), &opened.key).expect("right");
}

#[test]
fn proofs_stand_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = settings(folder.path());
    let key = written(&settings, 700);
    let held = std::fs::read_to_string(folder.path().join("checkpoint")).expect("a checkpoint");
    for seq in [0, 1, 255, 256, 511, 512, 600, 701] {
        let proof = prove(folder.path(), seq, Some(&key)).expect("a proof");
        let proved = check_proof(&proof.text, &key).expect("it proves");
        assert_eq!((proved.entry.seq, proved.checkpoint.size), (seq, 702));
        for (from, to) in [
            ("index ", "index 1"),
            ("extra e", "extra f"),
            ("\n702\n", "\n703\n"),
        ] {
            assert!(
                check_proof(&proof.text.replacen(from, to, 1), &key).is_err(),
                "{seq}: {from}"
            );
        }
    }
    let beyond = prove(folder.path(), 702, Some(&key));
    assert_eq!(
        beyond,
        Err(ProveError::Beyond {
            seq: 702,
            size: 702
        })
    );

    written(&settings, 300);
    let grown = consistency(folder.path(), &held, Some(&key)).expect("it grew");
    let (older, newer) = check_consistency(&grown.text, &key).expect("it proves");
    assert_eq!((older.size, newer.size), (702, 1_004));
    assert!(check_consistency(&grown.text.replacen("\n702\n", "\n701\n", 1), &key).is_err());
    let trust = Trust {
        key: Some(&key),
        against: Some(&held),
    };
    verify(folder.path(), trust, |_, _| {}).expect("nothing was cut");
}

/// The whole log is cut back and signed anew by someone with the key: only a checkpoint elsewhere tells.
#[test]
fn a_checkpoint_elsewhere_tells_what_was_cut() {
    let folder = tempfile::tempdir().expect("a folder");
    let early = tempfile::tempdir().expect("a folder");
    written(&settings(folder.path()), 100);
    crate::damage::copy(folder.path(), early.path());
    let key = written(&settings(folder.path()), 500);
    let held = std::fs::read_to_string(folder.path().join("checkpoint")).expect("a checkpoint");
    let trust = Trust {
        key: Some(&key),
        against: Some(&held),
    };
    // Shorter than what was held.
    check(early.path(), &key).expect("by itself it is right");
    let bad = verify(early.path(), trust, |_, _| {}).expect_err("it was cut");
    assert_eq!(
        (bad.what, bad.seq),
        (What::Contradicted, Some(102)),
        "{bad}"
    );
    // Longer again, with another past.
    written(&settings(early.path()), 900);
    check(early.path(), &key).expect("by itself it is right");
    let bad = verify(early.path(), trust, |_, _| {}).expect_err("it is another one");
    assert_eq!(bad.what, What::Contradicted, "{bad}");
    assert!(consistency(early.path(), &held, Some(&key)).is_err());
}

#[test]
fn a_clock_that_goes_back_is_noted() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut times = 0;
    let clock = Box::new(move || {
        times += 1;
        let wall_ns = 1_700_000_000_000_000_000 - times * 3_600_000_000_000;
        sallyport_audit::Now {
            wall_ns,
            mono_ns: times as u64,
        }
    });
    let disk = std::sync::Arc::new(sallyport_audit::disk::Folder::new(folder.path()));
    let (writer, opened) =
        Writer::start_on(settings(folder.path()), disk, clock).expect("it opens");
    keep(&writer, "forward", json!({})).expect("kept");
    writer.close().expect("it closes");
    let verified = check(folder.path(), &opened.key).expect("no fault");
    assert_eq!(
        verified.remarks,
        [
            Remark::ClockWentBack { seq: 1 },
            Remark::ClockWentBack { seq: 2 }
        ]
    );
}

#[test]
fn a_log_can_be_read_while_it_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings {
        segment_size: 20_000,
        checkpoint_records: 10,
        ..settings(folder.path())
    };
    let (writer, opened) = start(&settings);
    let thread = {
        let writer = writer.clone();
        std::thread::spawn(move || {
            (0..1_500).for_each(|n| assert!(keep(&writer, "forward", json!({"n": n})).is_ok()))
        })
    };
    let mut sizes = Vec::new();
    while !thread.is_finished() {
        let verified = check(folder.path(), &opened.key).expect("always right");
        assert!(
            verified
                .remarks
                .iter()
                // A line may be half written just now.
                .all(|remark| matches!(remark, Remark::HistoryBehind | Remark::TornTail { .. })),
            "{verified:?}"
        );
        sizes.push(verified.size);
    }
    thread.join().expect("it ends");
    writer.close().expect("it closes");
    assert!(sizes.is_sorted(), "{sizes:?}");
}

#[test]
fn exports_have_the_shapes_of_their_readers() {
    let line = r#"{"body":{"caller":{"agent":"bot","key":"k","team":"payments"},"id":"d-1","micros":{"policy":12},"model":"m","operation":"chat","policy":"r1","rules":["no"],"time":"2026-01-02T03:04:05.000006Z","trace":"0AF7651916CD43DD8448EB211C80319C","verdict":"denied"},"kind":"exchange","mono":7,"prev":"00","seq":3,"time":"2026-01-02T03:04:06.000000Z"}"#;
    let entry = Entry::read(line).expect("a record");
    assert_eq!(
        sallyport_audit::export_opa(&entry),
        json!({
            "decision_id": "d-1",
            "labels": {"agent": "bot", "app": "sallyport", "key": "k", "kind": "exchange", "model": "m", "operation": "chat", "team": "payments"},
            "metrics": {"timer_sallyport_policy_ns": 12_000},
            "path": "sallyport/exchange",
            "result": {"rules": ["no"], "verdict": "denied"},
            "revision": "r1",
            "timestamp": "2026-01-02T03:04:05.000006Z",
            "trace_id": "0AF7651916CD43DD8448EB211C80319C",
        })
    );
    let request = sallyport_audit::export_otlp([&entry]);
    let record = &request["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0];
    assert_eq!(record["timeUnixNano"], "1767323045000006000");
    assert_eq!(record["observedTimeUnixNano"], "1767323046000000000");
    assert_eq!(
        (&record["eventName"], &record["severityText"]),
        (&json!("sallyport.audit.exchange"), &json!("WARN"))
    );
    assert_eq!(record["traceId"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(
        record["attributes"][0],
        json!({"key": "sallyport.audit.seq", "value": {"intValue": "3"}})
    );
    assert!(record["body"]["kvlistValue"]["values"].is_array());
}
