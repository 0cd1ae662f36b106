//! Whatever is changed in a log is noticed, and the first record that it touches is named.

use crate::shared::{ORIGIN, check, settings, start, written};
use proptest::prelude::*;
use sallyport_audit::{Bad, OpenError, Remark, Settings, Verified, VerifyKey, What, Writer};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

const RECORDS: u64 = 600;

/// A log of three segments and more than two bundles, closed.
struct Whole {
    folder: tempfile::TempDir,
    key: VerifyKey,
    /// Each segment with its lines.
    segments: Vec<(PathBuf, Vec<String>)>,
}

static WHOLE: LazyLock<Whole> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings {
        segment_size: 60_000,
        checkpoint_records: 100,
        ..settings(folder.path())
    };
    let (writer, opened) = start(&settings);
    for i in 0..RECORDS {
        let body = serde_json::json!({"n": i, "text": "ü\n".repeat(40)});
        crate::shared::keep(&writer, "exchange", body).expect("kept");
    }
    writer.close().expect("it closes");
    let mut names: Vec<PathBuf> = fs::read_dir(folder.path().join("segments"))
        .expect("segments")
        .map(|entry| entry.expect("a segment").path())
        .collect();
    names.sort();
    assert!(names.len() >= 3, "{names:?}");
    let lines = |path: &Path| {
        fs::read_to_string(path)
            .expect("text")
            .lines()
            .map(String::from)
            .collect()
    };
    let segments = names
        .iter()
        .map(|path| {
            (
                path.strip_prefix(folder.path()).expect("inside").into(),
                lines(path),
            )
        })
        .collect();
    Whole {
        folder,
        key: opened.key,
        segments,
    }
});

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("a type").is_dir() {
            true => copy(&entry.path(), &target),
            false => {
                fs::copy(entry.path(), target).expect("a copy");
            }
        }
    }
}

struct Damaged(tempfile::TempDir);

impl Damaged {
    fn new() -> Damaged {
        let folder = tempfile::tempdir().expect("a folder");
        copy(WHOLE.folder.path(), folder.path());
        Damaged(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn verify(&self) -> Result<Verified, Bad> {
        check(self.path(), &WHOLE.key)
    }

    fn lines(&self, segment: usize, change: impl FnOnce(&mut Vec<String>)) {
        let (path, lines) = &WHOLE.segments[segment];
        let mut lines = lines.clone();
        change(&mut lines);
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(self.path().join(path), text).expect("written");
    }

    fn edit(&self, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let path = self.path().join(path);
        let mut bytes = fs::read(&path).expect("there");
        change(&mut bytes);
        fs::write(&path, bytes).expect("written");
    }

    /// Neither tiles nor bundles.
    fn without_tiles(self) -> Damaged {
        fs::remove_dir_all(self.path().join("tile")).expect("gone");
        self
    }

    fn is_refused(&self) -> bool {
        matches!(self.open(), Err(OpenError::Tampered { .. }))
    }

    fn open(&self) -> Result<(), OpenError> {
        let settings = Settings {
            read_all: true,
            ..settings(self.path())
        };
        Writer::start(settings).map(|(writer, _)| writer.close().expect("it closes"))
    }
}

fn first(segment: usize) -> u64 {
    WHOLE.segments[..segment]
        .iter()
        .map(|(_, lines)| lines.len() as u64)
        .sum()
}

fn named(result: Result<Verified, Bad>) -> (Option<u64>, What, Option<u64>) {
    let bad = result.expect_err("it is noticed");
    (bad.seq, bad.what, bad.line)
}

#[test]
fn the_whole_is_right() {
    let verified = Damaged::new().verify().expect("nothing is wrong");
    assert_eq!(verified.remarks, []);
    assert!(verified.checkpoints > 6, "{verified:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any byte of any record.
    #[test]
    fn a_flipped_byte(segment in 0..3_usize, line in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), bit in 0..7_u8, tiles in any::<bool>()) {
        let damaged = Damaged::new();
        let damaged = if tiles { damaged } else { damaged.without_tiles() };
        let lines = &WHOLE.segments[segment].1;
        let line = line.index(lines.len());
        let before: usize = lines[..line].iter().map(|line| line.len() + 1).sum();
        // The end of the line as well.
        let byte = before + at.index(lines[line].len() + 1);
        damaged.edit(WHOLE.segments[segment].0.to_str().expect("text"), |bytes| bytes[byte] ^= 1 << bit);
        let seq = first(segment) + line as u64;
        let bad = damaged.verify().expect_err("noticed");
        if tiles {
            prop_assert_eq!(bad.seq, Some(seq), "{}", bad);
            prop_assert_eq!(bad.line, Some(line as u64 + 1), "{}", bad);
        } else {
            // Without bundles the last record can only be told from its checkpoint.
            prop_assert!(bad.seq.is_some_and(|named| named <= seq && named + 110 > seq), "{seq}: {bad}");
        }
        prop_assert!(damaged.is_refused());
    }

    #[test]
    fn a_deleted_record(segment in 0..3_usize, line in any::<prop::sample::Index>()) {
        let damaged = Damaged::new();
        let line = line.index(WHOLE.segments[segment].1.len());
        damaged.lines(segment, |lines| { lines.remove(line); });
        prop_assert_eq!(damaged.verify().expect_err("noticed").seq, Some(first(segment) + line as u64));
    }

    #[test]
    fn swapped_records(segment in 0..3_usize, a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>()) {
        let damaged = Damaged::new();
        let len = WHOLE.segments[segment].1.len();
        let (a, b) = (a.index(len), b.index(len));
        prop_assume!(a != b);
        damaged.lines(segment, |lines| lines.swap(a, b));
        let (seq, what, _) = named(damaged.verify());
        prop_assert_eq!((seq, what), (Some(first(segment) + a.min(b) as u64), What::Sequence));
    }

    #[test]
    fn an_inserted_record(segment in 0..3_usize, at in any::<prop::sample::Index>(), copied in any::<prop::sample::Index>()) {
        let damaged = Damaged::new();
        let len = WHOLE.segments[segment].1.len();
        let (at, copied) = (at.index(len), copied.index(len));
        prop_assume!(at != copied && at != copied + 1);
        damaged.lines(segment, |lines| { let line = lines[copied].clone(); lines.insert(at, line); });
        prop_assert_eq!(damaged.verify().expect_err("noticed").seq, Some(first(segment) + at as u64));
    }

    /// The end of any segment, at any byte.
    #[test]
    fn a_truncated_segment(segment in 0..3_usize, keep in any::<prop::sample::Index>()) {
        let damaged = Damaged::new();
        let (path, lines) = &WHOLE.segments[segment];
        let len: usize = lines.iter().map(|line| line.len() + 1).sum();
        let keep = keep.index(len);
        damaged.edit(path.to_str().expect("text"), |bytes| bytes.truncate(keep));
        let mut end = 0;
        let whole = lines.iter().take_while(|line| { end += line.len() + 1; end <= keep }).count();
        prop_assert_eq!(damaged.verify().expect_err("noticed").seq, Some(first(segment) + whole as u64));
        prop_assert!(damaged.is_refused());
    }

    /// Any byte of the checkpoint, and of those before it.
    #[test]
    fn a_flipped_byte_in_a_checkpoint(file in prop::sample::select(vec!["checkpoint", "checkpoints"]), at in any::<prop::sample::Index>(), bit in 0..7_u8) {
        let damaged = Damaged::new();
        damaged.edit(file, |bytes| { let at = at.index(bytes.len()); bytes[at] ^= 1 << bit; });
        let what = damaged.verify().expect_err("noticed").what;
        let expected = if file == "checkpoint" { What::Checkpoint } else { What::History };
        prop_assert_eq!(what, expected);
    }

    /// Any byte of any tile: the records are right, and the tile is told of and made anew.
    #[test]
    fn a_flipped_byte_in_a_tile(path in prop::sample::select(vec!["tile/0/000", "tile/entries/001", "tile/1/000.p/2"]), at in any::<prop::sample::Index>(), bit in 0..7_u8) {
        let damaged = Damaged::new();
        damaged.edit(path, |bytes| { let at = at.index(bytes.len()); bytes[at] ^= 1 << bit; });
        let verified = damaged.verify().expect("the records are right");
        prop_assert_eq!(verified.remarks, [Remark::Tile { path: path.into() }]);
        damaged.open().expect("it opens");
        if !path.contains(".p/") {
            prop_assert_eq!(damaged.verify().expect("right").remarks, []);
        }
    }
}

/// Someone without the key changes a record and computes everything anew that can be.
#[test]
fn a_chain_that_was_computed_anew() {
    let damaged = Damaged::new();
    let mut prev: Option<String> = None;
    for (segment, (_, lines)) in WHOLE.segments.iter().enumerate() {
        let mut lines = lines.clone();
        for (at, line) in lines.iter_mut().enumerate() {
            let mut value: serde_json::Value = serde_json::from_str(line).expect("JSON");
            if segment == 1 && at == 5 {
                value["body"]["n"] = 0.into();
            }
            if let Some(prev) = &prev {
                value["prev"] = prev.clone().into();
            }
            let mut text = String::new();
            sallyport_audit::canonical(&value, &mut text);
            prev = Some(sallyport_audit::Digest::of(text.as_bytes()).to_string());
            *line = text;
        }
        damaged.lines(segment, |all| *all = lines);
    }
    let changed = first(1) + 5;
    assert_eq!(named(damaged.verify()).0, Some(changed));
    // Without the bundles, the checkpoints narrow it down.
    let bad = damaged.without_tiles().verify().expect_err("noticed");
    assert_eq!(bad.what, What::Root, "{bad}");
    assert!(
        bad.seq
            .is_some_and(|seq| seq <= changed && changed < seq + 110),
        "{changed}: {bad}"
    );
}

#[test]
fn a_missing_segment() {
    for segment in 0..3 {
        let damaged = Damaged::new();
        fs::remove_file(damaged.path().join(&WHOLE.segments[segment].0)).expect("gone");
        let bad = damaged.verify().expect_err("noticed");
        assert_eq!(bad.seq, Some(first(segment)), "{bad}");
        let opened = Writer::start(settings(damaged.path())).map(|_| ());
        assert!(
            matches!(opened, Err(OpenError::Tampered { .. })),
            "{opened:?}"
        );
    }
}

#[test]
fn a_missing_checkpoint() {
    let damaged = Damaged::new();
    fs::remove_file(damaged.path().join("checkpoint")).expect("gone");
    assert_eq!(
        damaged.verify().expect_err("noticed").what,
        What::CheckpointMissing
    );
    assert!(matches!(damaged.open(), Err(OpenError::Tampered { .. })));
}

/// An older checkpoint is put back, and the records past it taken away.
#[test]
fn an_older_state_that_was_put_back() {
    let damaged = Damaged::new();
    let notes = fs::read_to_string(damaged.path().join("checkpoints")).expect("text");
    let older = notes.split("\n\n").collect::<Vec<_>>();
    let (size, note) = (
        older[4].lines().nth(1).expect("a size"),
        format!("{}\n\n{}\n", older[4], older[5]),
    );
    let size: u64 = size.parse().expect("a number");
    fs::write(damaged.path().join("checkpoint"), note).expect("written");
    let bad = damaged.verify().expect_err("noticed");
    assert_eq!((bad.what, bad.seq), (What::RolledBack, Some(size)), "{bad}");
    match damaged.open() {
        Err(OpenError::Tampered { bad, .. }) => assert_eq!(bad.what, What::RolledBack),
        other => panic!("{other:?}"),
    }
}

/// A torn line past the checkpoint is no damage: it is cut, kept aside, and recorded.
#[test]
fn a_torn_tail() {
    for (tail, lines) in [
        ("{\"body\":", 1),
        ("\0\0\0\0", 1),
        ("not JSON\n", 1),
        // It parses, and continues nothing.
        (
            "{\"body\":{},\"kind\":\"x\",\"mono\":1,\"prev\":\"00\",\"seq\":5,\"time\":\"\"}\n{}\n",
            2,
        ),
    ] {
        let damaged = Damaged::new();
        let path = &WHOLE.segments.last().expect("segments").0;
        damaged.edit(path.to_str().expect("text"), |bytes| {
            bytes.extend_from_slice(tail.as_bytes())
        });
        let (writer, opened) = start(&settings(damaged.path()));
        let [cut] = opened.cuts.as_slice() else {
            panic!("{:?}", opened.cuts)
        };
        assert_eq!(
            (cut.bytes, cut.lines),
            (tail.len() as u64, lines),
            "{tail:?}"
        );
        assert_eq!(cut.sha256, sallyport_audit::Digest::of(tail.as_bytes()));
        assert_eq!(
            fs::read(damaged.path().join(&cut.file)).expect("kept aside"),
            tail.as_bytes()
        );
        writer.close().expect("it closes");
        damaged.verify().expect("right again");
        let recovery = sallyport_audit::records(
            damaged.path(),
            sallyport_audit::Filter {
                kinds: vec!["recovery".into()],
                ..Default::default()
            },
        );
        let recovery: Vec<_> = recovery.map(|entry| entry.expect("a record")).collect();
        assert_eq!(
            recovery[0].body["cuts"][0]["sha256"],
            cut.sha256.to_string()
        );
    }
}

#[test]
fn another_key_or_another_name() {
    let other = tempfile::tempdir().expect("a folder");
    let foreign = written(&settings(other.path()), 3);
    let bad = check(WHOLE.folder.path(), &foreign).expect_err("another key");
    assert_eq!(bad.what, What::Checkpoint, "{bad}");

    let damaged = Damaged::new();
    fs::copy(other.path().join("key.pem"), damaged.path().join("key.pem")).expect("copied");
    assert!(
        matches!(damaged.open(), Err(OpenError::Foreign { .. })),
        "another key"
    );
    let damaged = Damaged::new();
    let settings = Settings {
        origin: "other.test/audit".into(),
        ..settings(damaged.path())
    };
    let error = Writer::start(settings)
        .map(|_| ())
        .expect_err("another name");
    assert!(matches!(error, OpenError::Foreign { .. }));
    assert!(error.to_string().contains(ORIGIN), "{error}");
    // And nothing was changed by trying.
    damaged.verify().expect("untouched");
}
