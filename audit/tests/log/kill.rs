//! A process that writes is killed, again and again: what it acknowledged is there.

use crate::shared::{ORIGIN, check, keep, start};
use sallyport_audit::{Filter, Settings, records};
use serde_json::json;
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const ROUNDS: u64 = 120;

fn small(folder: &Path) -> Settings {
    Settings {
        segment_size: 30_000,
        checkpoint_records: 20,
        ..Settings::new(folder, ORIGIN)
    }
}

#[test]
fn killed_at_any_moment() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut kept = BTreeSet::new();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut acknowledged = 0;
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args([
                "kill::the_writer_that_is_killed",
                "--exact",
                "--ignored",
                "--nocapture",
            ])
            .env("SALLYPORT_AUDIT_KILL", folder.path())
            .env("SALLYPORT_AUDIT_ROUND", round.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let mut said = BufReader::new(child.stdout.take().expect("its output")).lines();
        let before = kept.len();
        // Some die before they have opened the log, most while they write.
        if round % 4 > 0 {
            let first = said
                .by_ref()
                .map_while(Result::ok)
                .find_map(|line| number(&line));
            kept.extend(first);
        }
        std::thread::sleep(Duration::from_micros(random % 60_000));
        child.kill().expect("killed");
        kept.extend(said.map_while(Result::ok).filter_map(|line| number(&line)));
        acknowledged += u64::from(kept.len() > before);
        child.wait().expect("it is dead");
        if round % 10 == 9 {
            look(folder.path(), &kept);
        }
    }
    assert!(
        acknowledged > ROUNDS / 2,
        "enough of them came to write: {acknowledged}"
    );
}

/// What the child says: a record that it was told is kept.
fn number(line: &str) -> Option<u64> {
    line.strip_prefix("kept ")?.parse().ok()
}

/// Opens the log as the next process does, and looks for everything.
fn look(folder: &Path, kept: &BTreeSet<u64>) {
    let (writer, opened) = start(&small(folder));
    writer.close().expect("it closes");
    drop(writer);
    check(folder, &opened.key).expect("right");
    let there = records(
        folder,
        Filter {
            kinds: vec!["forward".into()],
            ..Filter::default()
        },
    );
    let there: BTreeSet<u64> = there
        .map(|entry| {
            entry.expect("a record").body["n"]
                .as_u64()
                .expect("a number")
        })
        .collect();
    let missing: Vec<&u64> = kept.difference(&there).collect();
    assert!(
        missing.is_empty(),
        "acknowledged, and not there: {missing:?}"
    );
}

#[test]
#[ignore = "the process that `killed_at_any_moment` starts and kills"]
fn the_writer_that_is_killed() {
    let Ok(folder) = std::env::var("SALLYPORT_AUDIT_KILL") else {
        return;
    };
    let round: u64 = std::env::var("SALLYPORT_AUDIT_ROUND")
        .expect("a round")
        .parse()
        .expect("a number");
    // The one before is dead, but perhaps not gone yet.
    let writer = loop {
        match sallyport_audit::Writer::start(small(Path::new(&folder))) {
            Ok((writer, _)) => break writer,
            Err(sallyport_audit::OpenError::Locked(_)) => {
                std::thread::sleep(Duration::from_millis(1))
            }
            Err(error) => panic!("{error}"),
        }
    };
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let writer = &writer;
            scope.spawn(move || {
                for at in 0.. {
                    let n = (round * 4 + thread) * 1_000_000 + at;
                    keep(
                        writer,
                        "forward",
                        json!({"n": n, "text": "x".repeat((n % 200) as usize)}),
                    )
                    .expect("kept");
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "kept {n}")
                        .and_then(|()| out.flush())
                        .expect("said");
                }
            });
        }
    });
}
