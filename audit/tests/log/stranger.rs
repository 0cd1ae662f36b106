//! A verifier that knows nothing but FORMAT.md, in another language, comes to the same verdicts.

use crate::damage::copy;
use crate::shared::{keep, settings, start, written};
use sallyport_audit::{Settings, prove};
use std::fs;
use std::path::Path;
use std::process::Command;

const VERIFIER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/verifier/verify.py");

/// What it says, and whether it is content. `None`: there is no Python here.
fn ask(arguments: &[&str]) -> Option<Result<String, String>> {
    let output = match Command::new("python3")
        .arg(VERIFIER)
        .args(arguments)
        .output()
    {
        Ok(output) => output,
        Err(error) => {
            eprintln!("SKIPPED: python3 cannot be run: {error}");
            return None;
        }
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr).into_owned();
    Some(if output.status.success() {
        Ok(said)
    } else {
        Err(complained)
    })
}

#[test]
fn it_is_short() {
    let lines = fs::read_to_string(VERIFIER).expect("there").lines().count();
    assert!(lines < 150, "{lines} lines");
}

#[test]
fn it_agrees() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings {
        segment_size: 60_000,
        checkpoint_records: 200,
        ..settings(folder.path())
    };
    written(&settings, 300);
    let held = fs::read_to_string(folder.path().join("checkpoint")).expect("a checkpoint");
    let key = written(&settings, 700).to_string();
    let path = folder.path().to_str().expect("text");
    let Some(verdict) = ask(&[path, "--key", &key]) else {
        return;
    };
    let said = verdict.expect("content");
    assert!(said.starts_with("ok: 1004 records"), "{said}");

    let elsewhere = folder.path().join("held");
    fs::write(&elsewhere, &held).expect("written");
    ask(&[path, "--against", elsewhere.to_str().expect("text")])
        .expect("python")
        .expect("content");

    let proof = prove(folder.path(), 333, None).expect("a proof").text;
    let file = folder.path().join("333.tlog-proof");
    let file = file.to_str().expect("text");
    fs::write(file, &proof).expect("written");
    ask(&["--proof", file, "--key", &key])
        .expect("python")
        .expect("content");
    fs::write(file, proof.replacen("index 333", "index 334", 1)).expect("written");
    let complaint = ask(&["--proof", file, "--key", &key])
        .expect("python")
        .expect_err("not content");
    assert!(complaint.starts_with("BAD: "), "{complaint}");
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).expect("there");
    bytes[at] ^= 1;
    fs::write(path, bytes).expect("written");
}

#[test]
fn it_notices_damage() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings {
        segment_size: 30_000,
        checkpoint_records: 200,
        ..settings(folder.path())
    };
    let (writer, _) = start(&settings);
    for n in 0..400 {
        keep(&writer, "forward", serde_json::json!({"n": n})).expect("kept");
    }
    writer.close().expect("it closes");
    let mut segments: Vec<_> = fs::read_dir(folder.path().join("segments"))
        .expect("segments")
        .map(|entry| entry.expect("one").file_name().into_string().expect("text"))
        .collect();
    segments.sort();
    assert!(segments.len() >= 2, "{segments:?}");
    let segment = format!("segments/{}", segments[0]);
    type Change = Box<dyn Fn(&Path)>;
    let file = |name: &str, at: usize| -> Change {
        let name = name.to_owned();
        Box::new(move |folder: &Path| flip(&folder.join(&name), at))
    };
    let cut: Change = Box::new({
        let last = format!("segments/{}", segments[segments.len() - 1]);
        move |folder: &Path| {
            let bytes = fs::read(folder.join(&last)).expect("there");
            fs::write(folder.join(&last), &bytes[..bytes.len() - 50]).expect("written");
        }
    });
    let gone: Change = Box::new({
        let segment = segment.clone();
        move |folder: &Path| fs::remove_file(folder.join(&segment)).expect("gone")
    });
    let changes: Vec<(&str, Change)> = vec![
        ("a byte of a record", file(&segment, 900)),
        ("a byte of the signature", file("checkpoint", 120)),
        ("a byte of an older checkpoint", file("checkpoints", 60)),
        ("a byte of a tile", file("tile/0/000", 77)),
        ("a byte of a bundle", file("tile/entries/000", 77)),
        ("the end", cut),
        ("a segment", gone),
    ];
    for (what, change) in changes {
        let damaged = tempfile::tempdir().expect("a folder");
        copy(folder.path(), damaged.path());
        change(damaged.path());
        let Some(verdict) = ask(&[damaged.path().to_str().expect("text")]) else {
            return;
        };
        let complaint = verdict.expect_err(what);
        assert!(complaint.starts_with("BAD: "), "{what}: {complaint}");
    }
}
