//! Reading a whole log and checking all of it.

mod blame;
mod roots;

pub(crate) use blame::blame;

use crate::bad::{Bad, What};
use crate::disk::{self, Disk, Folder};
use crate::hash::Digest;
use crate::key::VerifyKey;
use crate::line::{Envelope, Line};
use crate::log::{CHECKPOINT, PUBLIC_KEY, explains};
use crate::note::{Checkpoint, NOTE_BYTES_MAX, NoteError};
use crate::segments::{self, Segment};
use crate::tiles::{self, Tiles};
use crate::tree::{TILE_WIDTH, Tile, Tree};
use roots::Roots;
use std::fmt;
use std::path::Path;

/// Remarks of one sort that are spelled out.
const REMARKS_MAX: usize = 20;
/// Records between two reports of progress.
const PROGRESS_EVERY: u64 = 4_096;

/// What a log is checked against.
#[derive(Clone, Copy, Default, Debug)]
pub struct Trust<'a> {
    /// The log's key. Without one, the folder's own `key.pub`, which whoever rewrote the log could have put there.
    pub key: Option<&'a VerifyKey>,
    /// An older checkpoint of this log that was held elsewhere. Only such a one shows that nothing was cut off.
    pub against: Option<&'a str>,
}

/// A log in which all is right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified {
    /// Records that were read.
    pub records: u64,
    /// The first of them; what lies before it went by retention.
    pub first_seq: u64,
    /// Records that the last checkpoint signs.
    pub size: u64,
    /// The root that it signs.
    pub root: Digest,
    /// Checkpoints whose signature and root were checked.
    pub checkpoints: u64,
    /// Records past the last checkpoint: chained, and not signed yet.
    pub unsigned_tail: u64,
    /// The key that signed.
    pub key: VerifyKey,
    /// What is no fault, and worth a word.
    pub remarks: Vec<Remark>,
}

/// Something that is no fault of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Remark {
    /// No key was given, and the folder's own was taken.
    KeyFromFolder,
    /// A record was written at an earlier time than the one before it.
    ClockWentBack {
        /// The later record, with the earlier time.
        seq: u64,
    },
    /// The last line does not end: it is being written, or a crash tore it. The next start cuts it off.
    TornTail {
        /// Its bytes.
        bytes: u64,
    },
    /// A tile is missing or wrong; the next start that finds it makes it anew.
    Tile {
        /// Where it lies.
        path: String,
    },
    /// The file `checkpoints` does not end with the last checkpoint, as after a crash, or for a moment while it is written.
    HistoryBehind,
    /// Records before this one went by retention.
    Retained {
        /// The first record that is there.
        first: u64,
    },
    /// More of the same sort were left out.
    More {
        /// So many.
        count: u64,
    },
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Remark::KeyFromFolder => f.write_str(
                "no key was given, so the folder's own `key.pub` was taken: this shows that the log fits together, not whose it is",
            ),
            Remark::ClockWentBack { seq } => write!(f, "the clock went back before record {seq}"),
            Remark::TornTail { bytes } => write!(
                f,
                "the last line ({bytes} bytes) does not end: it is being written, or the next start will cut it off"
            ),
            Remark::Tile { path } => write!(f, "the tile `{path}` is missing or damaged, and can be made anew from records"),
            Remark::HistoryBehind => f.write_str("`checkpoints` does not end with the last checkpoint, as after a crash, or while that is being written"),
            Remark::Retained { first } => write!(f, "the records before {first} went by retention"),
            Remark::More { count } => write!(f, "{count} more of these"),
        }
    }
}

/// Checks the log in `folder`: its chain, its tree, its tiles, its checkpoints and their signatures. It may be
/// one that is being written. `progress` is told how many of how many records are read.
pub fn verify(
    folder: &Path,
    trust: Trust<'_>,
    progress: impl FnMut(u64, u64),
) -> Result<Verified, Bad> {
    verify_on(&Folder::new(folder), trust, progress)
}

/// The same on any disk.
pub fn verify_on(
    disk: &dyn Disk,
    trust: Trust<'_>,
    mut progress: impl FnMut(u64, u64),
) -> Result<Verified, Bad> {
    let key = key(disk, trust)?;
    let checkpoint = checkpoint(disk, &key)?;
    let mut roots = Roots::begin(disk, &key, &checkpoint, trust.against)?;
    let files = segments::list(disk).map_err(|error| Bad::unreadable(segments::FOLDER, error))?;
    let filled: Vec<Segment> = files
        .into_iter()
        .filter(|segment| segment.len > 0)
        .collect();
    let first_seq = oldest(disk, &filled, &checkpoint)?;
    let mut reading = Reading {
        disk,
        checkpoint: &checkpoint,
        tree: Tree::default(),
        last: Digest::ZERO,
        time: String::new(),
        full: Vec::new(),
        tiles: Sort::default(),
        clock: Sort::default(),
        torn: None,
    };
    let read = reading.begin(first_seq, &mut roots).and_then(|()| {
        let total = checkpoint.size.max(first_seq);
        reading.segments(&filled, &mut roots, &mut |seq| {
            progress(seq, total.max(seq))
        })
    });
    if let Err(bad) = read {
        return Err(match bad.what {
            What::Unreadable | What::History | What::Contradicted | What::Tile => bad,
            _ => roots.narrow(blame(disk, &filled, &checkpoint, bad)),
        });
    }
    let size = reading.tree.size();
    progress(size, size);
    let behind = roots.finish()?;
    let checkpoints = roots.checked;
    drop(roots);
    let mut remarks = Vec::new();
    if trust.key.is_none() {
        remarks.push(Remark::KeyFromFolder);
    }
    if first_seq > 0 {
        remarks.push(Remark::Retained { first: first_seq });
    }
    remarks.extend(reading.clock.into_remarks());
    remarks.extend(reading.tiles.into_remarks());
    remarks.extend(reading.torn);
    remarks.extend(behind.then_some(Remark::HistoryBehind));
    Ok(Verified {
        records: size - first_seq,
        first_seq,
        size: checkpoint.size,
        root: checkpoint.root,
        checkpoints,
        unsigned_tail: size - checkpoint.size,
        key,
        remarks,
    })
}

/// The key that is trusted.
pub(crate) fn key(disk: &dyn Disk, trust: Trust<'_>) -> Result<VerifyKey, Bad> {
    if let Some(key) = trust.key {
        return Ok(key.clone());
    }
    let text = disk::read(disk, PUBLIC_KEY, 1 << 10)
        .map_err(|error| Bad::unreadable(PUBLIC_KEY, error))?;
    let text = text.and_then(|text| String::from_utf8(text).ok());
    let key = text.and_then(|text| VerifyKey::from_vkey(&text));
    key.ok_or_else(|| {
        Bad::new(
            What::Key,
            "the file `key.pub` is missing or no key, and no key was given",
        )
    })
}

/// The checkpoint that stands.
pub(crate) fn checkpoint(disk: &dyn Disk, key: &VerifyKey) -> Result<Checkpoint, Bad> {
    let note = note(disk)?;
    Checkpoint::open(&note, key).map_err(|error| {
        Bad::new(
            What::Checkpoint,
            format!("of the file `checkpoint`, {error}"),
        )
    })
}

/// Its text.
pub(crate) fn note(disk: &dyn Disk) -> Result<String, Bad> {
    let note = disk::read(disk, CHECKPOINT, NOTE_BYTES_MAX as u64);
    let note = note.map_err(|error| Bad::unreadable(CHECKPOINT, error))?;
    let missing = || {
        Bad::new(
            What::CheckpointMissing,
            "the file `checkpoint` is missing: there is no log here, or it was taken away",
        )
    };
    let malformed = |_| {
        Bad::new(
            What::Checkpoint,
            NoteError::Malformed("it is no text").to_string(),
        )
    };
    String::from_utf8(note.ok_or_else(missing)?).map_err(malformed)
}

/// The first record that must be there.
fn oldest(disk: &dyn Disk, filled: &[Segment], checkpoint: &Checkpoint) -> Result<u64, Bad> {
    let first = match filled.first() {
        Some(segment) => segment.first,
        None if checkpoint.size == 0 => return Ok(0),
        None => {
            let words = format!(
                "{} records are signed, and there is no segment",
                checkpoint.size
            );
            return Err(Bad::new(What::SegmentMissing, words).at(0));
        }
    };
    let explained = first == 0
        || first <= checkpoint.size
            && explains(disk, filled, first)
                .map_err(|error| Bad::unreadable(segments::FOLDER, error))?;
    match explained {
        true => Ok(first),
        false => {
            let words = format!(
                "the records before {first} are not there, and no `retention` record says why"
            );
            Err(Bad::new(What::SegmentMissing, words)
                .at(0)
                .in_file(segments::path(0), None))
        }
    }
}

struct Reading<'a> {
    disk: &'a dyn Disk,
    checkpoint: &'a Checkpoint,
    tree: Tree,
    last: Digest,
    /// Of the last record.
    time: String,
    full: Vec<Tile>,
    tiles: Sort,
    clock: Sort,
    torn: Option<Remark>,
}

impl Reading<'_> {
    /// What went by retention is still in the bundles.
    fn begin(&mut self, first: u64, roots: &mut Roots<'_>) -> Result<(), Bad> {
        roots.compare(&self.tree)?;
        let tiles = Tiles::new(self.disk, first.div_ceil(TILE_WIDTH) * TILE_WIDTH);
        for seq in 0..first {
            let entry = tiles.entry(seq);
            let entry = entry.map_err(|error| {
                Bad::new(
                    What::Tile,
                    format!("{error}, and the records that it could be made from are gone"),
                )
                .at(seq)
            })?;
            self.push(entry, roots)?;
        }
        Ok(())
    }

    fn segments(
        &mut self,
        filled: &[Segment],
        roots: &mut Roots<'_>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), Bad> {
        for segment in filled {
            if self.torn.is_some() || segment.first != self.tree.size() {
                let words = format!(
                    "record {} should be followed by the next segment",
                    self.tree.size()
                );
                let bad = Bad::new(What::SegmentMissing, words).at(self.tree.size());
                return Err(bad.in_file(segment.path(), None));
            }
            self.segment(segment, roots, progress)?;
        }
        if self.tree.size() < self.checkpoint.size {
            let words = format!(
                "{} records are signed, and the log ends before this one",
                self.checkpoint.size
            );
            return Err(Bad::new(What::Truncated, words).at(self.tree.size()));
        }
        Ok(())
    }

    fn segment(
        &mut self,
        segment: &Segment,
        roots: &mut Roots<'_>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), Bad> {
        let path = segment.path();
        let unreadable = |error| Bad::unreadable(&path, error);
        let mut lines = segments::lines(self.disk, &path).map_err(unreadable)?;
        let mut number = 0;
        while let Some(line) = lines.next().map_err(unreadable)? {
            number += 1;
            let seq = self.tree.size();
            match segments::follows(&line, seq, &self.last) {
                Ok(envelope) => self.see(&envelope, seq),
                Err(_) if self.is_torn(&line) => {
                    let bytes = line.bytes.len() as u64;
                    self.torn = Some(Remark::TornTail { bytes });
                    return Ok(());
                }
                Err(what) => {
                    let words = segments::words(what, &line, seq);
                    return Err(Bad::new(what, words).at(seq).in_file(&path, Some(number)));
                }
            }
            self.push(Digest::of(line.bytes), roots)?;
            if seq.is_multiple_of(PROGRESS_EVERY) {
                progress(seq);
            }
        }
        Ok(())
    }

    /// Past the checkpoint, a last line may be without its end.
    fn is_torn(&self, line: &Line<'_>) -> bool {
        !line.whole && self.tree.size() >= self.checkpoint.size
    }

    fn see(&mut self, envelope: &Envelope<'_>, seq: u64) {
        // Times have one length and one zone, so they are in the order of their texts.
        if *envelope.time < *self.time {
            self.clock.add(|| Remark::ClockWentBack { seq });
        }
        self.time.clear();
        self.time.push_str(&envelope.time);
    }

    fn push(&mut self, digest: Digest, roots: &mut Roots<'_>) -> Result<(), Bad> {
        self.last = digest;
        self.tree.push(digest, &mut self.full);
        let signed = self.checkpoint.size;
        let mut made = std::mem::take(&mut self.full);
        if self.tree.size() == signed {
            made.extend(self.tree.partial());
        }
        for tile in made.iter().filter(|_| self.tree.size() <= signed) {
            if !tiles::holds(self.disk, tile) && !self.is_superseded(tile) {
                let width = tile.hashes.len();
                self.tiles.add(|| Remark::Tile {
                    path: tiles::path(tile.layer, tile.index, width),
                });
            }
        }
        made.clear();
        self.full = made;
        roots.compare(&self.tree)
    }

    /// While the log goes on, a partial tile may have gone in favour of the full one.
    fn is_superseded(&self, tile: &Tile) -> bool {
        let width = tile.hashes.len();
        let tiles = Tiles::new(self.disk, self.checkpoint.size);
        let had = tiles.read(tile.layer, tile.index, width);
        (width as u64) < TILE_WIDTH && had.is_ok_and(|had| had == tile.hashes)
    }
}

/// Remarks of one sort.
#[derive(Default)]
struct Sort {
    remarks: Vec<Remark>,
    more: u64,
}

impl Sort {
    fn add(&mut self, remark: impl FnOnce() -> Remark) {
        match self.remarks.len() < REMARKS_MAX {
            true => self.remarks.push(remark()),
            false => self.more += 1,
        }
    }

    fn into_remarks(self) -> impl Iterator<Item = Remark> {
        let more = (self.more > 0).then_some(Remark::More { count: self.more });
        self.remarks.into_iter().chain(more)
    }
}
