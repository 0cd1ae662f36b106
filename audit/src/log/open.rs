//! Opening a log: everything up to the last checkpoint must be as it was signed, and what a crash tore off past
//! it is cut, kept aside, and recorded.

use super::retention;
use super::{CHECKPOINT, Kind, Limits, Live, Log, Point, sign};
use crate::bad::{Bad, What};
use crate::disk::{self, Disk};
use crate::hash::{Digest, Hasher};
use crate::history;
use crate::key::{KeyError, SigningKey, VerifyKey};
use crate::line::{Entry, Now, wall_ns};
use crate::note::{Checkpoint, NOTE_BYTES_MAX, NoteError};
use crate::segments::{self, Segment};
use crate::settings::Mode;
use crate::tiles::{self, Tiles};
use crate::tree::{Layer, TILE_WIDTH, Tile, Tree};
use crate::verify::blame;
use serde_json::{Value, json};
use std::io::{self, Read as _};
use std::sync::Arc;

/// The folder of what was cut.
pub(crate) const CUTS: &str = "cut";
/// The public key, as a vkey.
pub(crate) const PUBLIC_KEY: &str = "key.pub";
/// Cuts that one record names.
const CUTS_NAMED_MAX: usize = 1_000;

/// Why a log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process writes it.
    #[error(
        "the audit log in `{0}` is already being written by another process; give each gateway a folder of its own, or end the other one"
    )]
    Locked(String),
    /// There is no key that can sign.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The checkpoint is another log's or another key's.
    #[error(
        "the audit log in `{folder}` is not this gateway's to go on with: of its checkpoint, {error}; put the key and the origin back that it was made with, or begin a new log in another folder"
    )]
    Foreign {
        /// The log's folder.
        folder: String,
        /// How it is foreign.
        error: NoteError,
    },
    /// Something is not as it was signed. Nothing was changed.
    #[error(
        "the audit log in `{folder}` is damaged below its last checkpoint: {bad}; keep the folder as evidence and look at it with `sallyport audit verify --folder {folder}`; then put a good copy back, or begin a new log in another folder"
    )]
    Tampered {
        /// The log's folder.
        folder: String,
        /// The first thing that is wrong.
        bad: Box<Bad>,
    },
    /// The disk's fault.
    #[error("the audit log in `{folder}` cannot be opened: {error}")]
    Io {
        /// The log's folder.
        folder: String,
        /// What the operating system says.
        error: io::Error,
    },
    /// The operating system gives no thread.
    #[error("the audit log has no thread to write it: {0}")]
    Thread(io::Error),
}

/// What was cut off a log when it was opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cut {
    /// Bytes.
    pub bytes: u64,
    /// Lines, the last one perhaps torn.
    pub lines: u64,
    /// Their SHA-256.
    pub sha256: Digest,
    /// Where they are kept now, relative to the log's folder.
    pub file: String,
}

impl Cut {
    fn body(&self) -> Value {
        json!({
            "bytes": self.bytes,
            "file": self.file,
            "lines": self.lines,
            "sha256": self.sha256.to_string(),
        })
    }
}

/// How a log was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Opened {
    /// Records in it, with those that opening it wrote.
    pub size: u64,
    /// The first record that is still there.
    pub first_seq: u64,
    /// Records past the last checkpoint that were taken over.
    pub adopted: u64,
    /// What was cut off, if anything was.
    pub cuts: Vec<Cut>,
    /// Tiles that were made anew from records.
    pub tiles_mended: u64,
    /// The key that verifies it.
    pub key: VerifyKey,
}

/// Who opens it.
pub(crate) struct Opening<'a> {
    /// How the folder is called in messages.
    pub(crate) folder: &'a str,
    pub(crate) mode: Mode,
    pub(crate) version: &'a str,
    pub(crate) read_all: bool,
}

/// Opens a log, or makes it. Its lock is held by the caller, and handed over.
pub(crate) fn open(
    disk: Arc<dyn Disk>,
    lock: Box<dyn Send>,
    key: SigningKey,
    limits: Limits,
    opening: &Opening<'_>,
    now: Now,
) -> Result<(Log, Opened), OpenError> {
    let verify_key = key.verify_key().clone();
    let found =
        find(disk.as_ref(), &key, opening).map_err(|stop| stop.in_folder(opening.folder))?;
    let io = |error| OpenError::Io {
        folder: opening.folder.into(),
        error,
    };
    let cuts = cut(disk.as_ref(), &found).map_err(io)?;
    let path = segments::path(found.current().first);
    let file = disk.append(&path).map_err(io)?;
    // Nobody knows whether the last process could sync what it wrote.
    disk.refresh(&path, found.signed_len.min(found.len))
        .map_err(io)?;
    disk.sync_folder(segments::FOLDER).map_err(io)?;
    let point = Point {
        tree: found.tree,
        last: found.last,
        len: found.len,
    };
    let mut log = Log {
        disk,
        key,
        limits,
        segments: found.live,
        file,
        ahead: point.clone(),
        written: point.clone(),
        synced: point,
        buffer: Vec::new(),
        full: found.full,
        partial: Vec::new(),
        signed: found.signed,
        history_len: found.history_len,
        broken: None,
        _lock: lock,
    };
    let fault = |fault: super::Fault| io(io::Error::new(fault.error.kind(), fault.to_string()));
    if !cuts.is_empty() {
        let named: Vec<Value> = cuts.iter().take(CUTS_NAMED_MAX).map(Cut::body).collect();
        let body = json!({"cuts": named, "why": "start"});
        let _ = log.append(Kind::Recovery.as_str(), &body, now);
    }
    let body = json!({
        "adopted": found.adopted,
        "key": verify_key.to_string(),
        "mode": opening.mode.as_str(),
        "origin": verify_key.origin(),
        "pid": std::process::id(),
        "version": opening.version,
    });
    let _ = log.append(Kind::Open.as_str(), &body, now);
    log.checkpoint().map_err(fault)?;
    let opened = Opened {
        size: log.size(),
        first_seq: log.segments.first().map_or(0, |segment| segment.first),
        adopted: found.adopted,
        cuts,
        tiles_mended: found.tiles_mended,
        key: verify_key,
    };
    Ok((log, opened))
}

/// Told of each tile that is full, and below the checkpoint.
type OnTile<'a> = &'a mut dyn FnMut(&Tile) -> io::Result<()>;

/// Why nothing can be opened.
enum Stop {
    Note(NoteError),
    Bad(Bad),
    Io(io::Error),
}

impl Stop {
    fn in_folder(self, folder: &str) -> OpenError {
        let folder = folder.into();
        match self {
            Stop::Note(error) => OpenError::Foreign { folder, error },
            Stop::Bad(bad) => OpenError::Tampered {
                folder,
                bad: Box::new(bad),
            },
            Stop::Io(error) => OpenError::Io { folder, error },
        }
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        Stop::Io(error)
    }
}

impl From<Bad> for Stop {
    fn from(bad: Bad) -> Stop {
        Stop::Bad(bad)
    }
}

/// A log as it lies on the disk.
struct Found {
    live: Vec<Live>,
    tree: Tree,
    last: Digest,
    /// Bytes of the current segment that are good.
    len: u64,
    /// Of these, those that the checkpoint covers.
    signed_len: u64,
    /// What is to be cut: a file and where the cut begins.
    torn: Vec<(Segment, u64)>,
    /// Empty segments that are in the way.
    empty: Vec<u64>,
    full: Vec<Tile>,
    signed: u64,
    adopted: u64,
    history_len: u64,
    tiles_mended: u64,
}

impl Found {
    fn current(&self) -> Live {
        self.live.last().copied().unwrap_or(Live {
            first: 0,
            since_ns: 0,
        })
    }
}

fn find(disk: &dyn Disk, key: &SigningKey, opening: &Opening<'_>) -> Result<Found, Stop> {
    for folder in [segments::FOLDER, CUTS, "tile"] {
        disk.make_folder(folder)?;
    }
    disk.sync_folder("")?;
    let files = segments::list(disk)?;
    let (empty, filled): (Vec<Segment>, Vec<Segment>) =
        files.into_iter().partition(|segment| segment.len == 0);
    let history = history::last(disk)?;
    let checkpoint = match disk::read(disk, CHECKPOINT, NOTE_BYTES_MAX as u64)? {
        Some(note) => signed(&note, key)?,
        None if filled.is_empty() && history.note.is_none() => first(disk, key)?,
        None => {
            let words = "the file `checkpoint` is missing, and there are records";
            return Err(Bad::new(What::CheckpointMissing, words).into());
        }
    };
    let history_len = level(disk, key, &checkpoint, history)?;
    let walked = walk_checked(disk, &filled, &checkpoint, opening.read_all)?;
    let torn_firsts: Vec<u64> = walked
        .torn
        .iter()
        .filter(|(_, at)| *at == 0)
        .map(|(s, _)| s.first)
        .collect();
    let size = walked.tree.size();
    // The first segment, or one that was cut to nothing, goes on as an empty one.
    let mut live = Vec::new();
    for segment in &filled {
        if !torn_firsts.contains(&segment.first) || segment.first == size {
            let since = segments::first_entry(disk, segment);
            let since_ns = since
                .ok()
                .and_then(|entry| wall_ns(&entry.time))
                .unwrap_or(0);
            live.push(Live {
                first: segment.first,
                since_ns,
            });
        }
    }
    if live.is_empty() {
        live.push(Live {
            first: size,
            since_ns: 0,
        });
    }
    let current = live.last().map_or(0, |segment| segment.first);
    Ok(Found {
        len: walked.len,
        signed_len: walked.signed_len,
        torn: walked.torn,
        empty: empty
            .iter()
            .map(|segment| segment.first)
            .filter(|first| *first != current)
            .collect(),
        full: walked.full,
        signed: checkpoint.size,
        adopted: size - checkpoint.size,
        history_len,
        tiles_mended: walked.tiles_mended,
        last: walked.last,
        tree: walked.tree,
        live,
    })
}

/// The checkpoint, if it is ours.
fn signed(note: &[u8], key: &SigningKey) -> Result<Checkpoint, Stop> {
    let note = std::str::from_utf8(note).map_err(|_| NoteError::Malformed("it is no text"));
    let checkpoint = note.and_then(|note| Checkpoint::open(note, key.verify_key()));
    checkpoint.map_err(|error| match error {
        NoteError::Origin { .. } | NoteError::OtherKey { .. } => Stop::Note(error),
        error => Bad::new(
            What::Checkpoint,
            format!("of the file `checkpoint`, {error}"),
        )
        .into(),
    })
}

/// A new log: it is empty, and signed as such before anything is written. So records without a checkpoint are
/// always wrong.
fn first(disk: &dyn Disk, key: &SigningKey) -> Result<Checkpoint, Stop> {
    disk::replace(
        disk,
        PUBLIC_KEY,
        format!("{}\n", key.verify_key()).as_bytes(),
    )?;
    let note = sign(key, &Tree::default());
    disk::replace(disk, CHECKPOINT, note.as_bytes())?;
    signed(note.as_bytes(), key)
}

/// Makes the history end with the checkpoint that stands, and gives its length.
fn level(
    disk: &dyn Disk,
    key: &SigningKey,
    checkpoint: &Checkpoint,
    history: history::Last,
) -> Result<u64, Stop> {
    if let Some(note) = &history.note {
        let last = Checkpoint::open(note, key.verify_key());
        let last = last.map_err(|error| {
            Bad::new(
                What::History,
                format!("of the last entry of `checkpoints`, {error}"),
            )
        })?;
        if last.size > checkpoint.size {
            let words = format!(
                "the file `checkpoint` signs {} records, and the file `checkpoints` knows of {}: an older state was put back",
                checkpoint.size, last.size
            );
            return Err(Bad::new(What::RolledBack, words).into());
        }
        if last == *checkpoint {
            disk.refresh(history::PATH, history.end - note.len() as u64 - 1)?;
            return Ok(history.end);
        }
    }
    let note = checkpoint.sign(key);
    Ok(history::add(disk, history.end, &note)?)
}

/// The records, checked against the checkpoint.
struct Walked {
    tree: Tree,
    last: Digest,
    len: u64,
    signed_len: u64,
    torn: Vec<(Segment, u64)>,
    full: Vec<Tile>,
    tiles_mended: u64,
}

fn walk_checked(
    disk: &dyn Disk,
    filled: &[Segment],
    checkpoint: &Checkpoint,
    read_all: bool,
) -> Result<Walked, Stop> {
    let oldest = filled.first().map_or(0, |segment| segment.first);
    if filled.is_empty() && checkpoint.size > 0 {
        let words = format!(
            "{} records are signed, and there is no segment",
            checkpoint.size
        );
        return Err(Bad::new(What::SegmentMissing, words).at(0).into());
    }
    if oldest > checkpoint.size {
        let words = format!(
            "{} records are signed, and the oldest one there is {oldest}",
            checkpoint.size
        );
        return Err(Bad::new(What::SegmentMissing, words).at(0).into());
    }
    if oldest > 0 && !retention::explains(disk, filled, oldest)? {
        let words = format!(
            "the records before {oldest} are not there, and no `retention` record says why"
        );
        return Err(Bad::new(What::SegmentMissing, words)
            .at(0)
            .in_file(segments::path(0), None)
            .into());
    }
    edges(disk, filled, checkpoint)?;
    let from = filled
        .partition_point(|segment| segment.first < checkpoint.size)
        .saturating_sub(1);
    let tiles = Tiles::new(disk, checkpoint.size);
    let near = filled.get(from).map_or(0, |segment| segment.first);
    let have_tiles = !read_all && tiles_present(disk, near);
    let quick = have_tiles.then(|| base(&tiles, near).ok()).flatten();
    if let Some(base) = quick
        && let Ok(walked) = walk(disk, &filled[from..], base.clone(), checkpoint, &mut |_| {
            Ok(())
        })
    {
        return mend_tiles(disk, &filled[from..], walked, checkpoint, |_| Ok(base));
    }
    // Tiles are missing, or something is wrong: all of it is read.
    let base = bundled(disk, oldest, &mut |_| Ok(()))?;
    match walk(disk, filled, base, checkpoint, &mut |_| Ok(())) {
        Ok(walked) => mend_tiles(disk, filled, walked, checkpoint, |mend| {
            bundled(disk, oldest, mend)
        }),
        // The same, in more words: which record is to blame.
        Err(Stop::Bad(bad)) => Err(blame(disk, filled, checkpoint, bad).into()),
        Err(stop) => Err(stop),
    }
}

/// The tree and the digest of the last line before `first`, from the edge of the tiles.
fn base(tiles: &Tiles<'_>, first: u64) -> Result<(Tree, Digest), tiles::TileError> {
    let tree = Tree::from_edge(first, |layer, index, width| tiles.read(layer, index, width))?;
    let last = match first {
        0 => Digest::ZERO,
        first => tiles.entry(first - 1)?,
    };
    Ok((tree, last))
}

/// The same from the bundles of all records before `first`, for a log whose beginning is gone.
fn bundled(disk: &dyn Disk, first: u64, tile: OnTile<'_>) -> Result<(Tree, Digest), Stop> {
    let tiles = Tiles::new(disk, first.div_ceil(TILE_WIDTH) * TILE_WIDTH);
    let (mut tree, mut last, mut full) = (Tree::default(), Digest::ZERO, Vec::new());
    for seq in 0..first {
        last = tiles.entry(seq).map_err(|error| {
            let words = format!("{error}, and the records that it could be made from are gone");
            Bad::new(What::Tile, words).at(seq)
        })?;
        tree.push(last, &mut full);
        full.drain(..).try_for_each(|full| tile(&full))?;
    }
    Ok((tree, last))
}

/// Whether the full tiles of a tree are all there, by their lengths.
fn tiles_present(disk: &dyn Disk, size: u64) -> bool {
    let there = |layer: Layer, bytes: u64| {
        let tiles = size / layer.span();
        (0..tiles).all(|index| {
            let path = tiles::path(layer, index, TILE_WIDTH as usize);
            disk.len(&path).is_ok_and(|len| len == bytes)
        })
    };
    there(Layer::Entries, TILE_WIDTH * 34)
        && (0..8).all(|level| there(Layer::Hashes(level), TILE_WIDTH * 32))
}

/// The last line of each segment must be what the first of the next one follows.
fn edges(disk: &dyn Disk, filled: &[Segment], checkpoint: &Checkpoint) -> Result<(), Stop> {
    for pair in filled.windows(2) {
        let (segment, next) = (&pair[0], &pair[1]);
        if next.first >= checkpoint.size {
            break;
        }
        let entry = segments::first_entry(disk, next)?;
        let last = segments::last_line(disk, segment)?;
        let fits = last.is_some_and(|(digest, seq)| {
            seq + 1 == next.first && entry.seq == next.first && entry.prev == digest.to_string()
        });
        if !fits {
            let words = format!(
                "the segment does not end with record {}, which the next one follows",
                next.first - 1
            );
            let bad = Bad::new(What::SegmentMissing, words);
            return Err(blame(disk, filled, checkpoint, bad.at(segment.first)).into());
        }
    }
    Ok(())
}

/// Reads records from `base` on: all up to the checkpoint must be right, and what is right behind it is taken.
fn walk(
    disk: &dyn Disk,
    filled: &[Segment],
    base: (Tree, Digest),
    checkpoint: &Checkpoint,
    tile: OnTile<'_>,
) -> Result<Walked, Stop> {
    let (tree, last) = base;
    let mut walked = Walked {
        tree,
        last,
        len: 0,
        signed_len: 0,
        torn: Vec::new(),
        full: Vec::new(),
        tiles_mended: 0,
    };
    walked.compare(checkpoint)?;
    for (at, segment) in filled.iter().enumerate() {
        let good = walked.segment(disk, segment, checkpoint, tile)?;
        // A segment that begins too late goes altogether, and the one before it is gone on with.
        if good > 0 || segment.first == walked.tree.size() {
            walked.len = good;
        }
        if good < segment.len {
            walked.torn.push((segment.clone(), good));
            walked
                .torn
                .extend(filled[at + 1..].iter().map(|later| (later.clone(), 0)));
            break;
        }
    }
    match walked.tree.size() < checkpoint.size {
        false => Ok(walked),
        true => {
            let words = format!(
                "the log ends with record {}, and {} records are signed",
                walked.tree.size().saturating_sub(1),
                checkpoint.size
            );
            Err(Bad::new(What::Truncated, words)
                .at(walked.tree.size())
                .into())
        }
    }
}

impl Walked {
    fn compare(&self, checkpoint: &Checkpoint) -> Result<(), Bad> {
        match self.tree.size() == checkpoint.size && self.tree.root() != checkpoint.root {
            false => Ok(()),
            true => Err(Bad::new(What::Root, "the records are not those that were signed").at(0)),
        }
    }

    /// Reads a segment, and gives how many of its bytes are good.
    fn segment(
        &mut self,
        disk: &dyn Disk,
        segment: &Segment,
        checkpoint: &Checkpoint,
        tile: OnTile<'_>,
    ) -> Result<u64, Stop> {
        let path = segment.path();
        let mut lines = segments::lines(disk, &path)?;
        let (mut number, mut good, mut full) = (0, 0, Vec::new());
        self.signed_len = 0;
        while let Some(line) = lines.next()? {
            number += 1;
            let seq = self.tree.size();
            let signed = seq < checkpoint.size;
            let what = match segments::follows(&line, seq, &self.last) {
                Ok(_) if signed || is_ours(line.bytes) => None,
                Ok(_) => Some(What::Malformed),
                Err(what) => Some(what),
            };
            match what {
                Some(what) if signed => {
                    let words = segments::words(what, &line, seq);
                    return Err(Bad::new(what, words)
                        .at(seq)
                        .in_file(&path, Some(number))
                        .into());
                }
                Some(_) => return Ok(good),
                None => {}
            }
            good = line.offset + line.bytes.len() as u64 + 1;
            if signed {
                self.signed_len = good;
            }
            self.last = Digest::of(line.bytes);
            self.tree.push(self.last, &mut full);
            for made in full.drain(..) {
                match made.end() <= checkpoint.size {
                    true => tile(&made)?,
                    false => self.full.push(made),
                }
            }
            self.compare(checkpoint)?;
        }
        Ok(good)
    }
}

/// Past the checkpoint only what the log itself would have written is taken over.
fn is_ours(line: &[u8]) -> bool {
    let text = std::str::from_utf8(line).ok();
    let entry = text.and_then(|text| Entry::read(text).ok());
    entry.is_some_and(|entry| entry.is_canonical())
}

/// Reads the same once more, now that it is known to be right, and writes the tiles that are not on the disk.
fn mend_tiles(
    disk: &dyn Disk,
    filled: &[Segment],
    mut walked: Walked,
    checkpoint: &Checkpoint,
    base: impl FnOnce(OnTile<'_>) -> Result<(Tree, Digest), Stop>,
) -> Result<Walked, Stop> {
    let mut mended = 0;
    let mut mend = |tile: &Tile| {
        if !tiles::holds(disk, tile) {
            mended += 1;
            tiles::write(disk, tile)?;
        }
        Ok(())
    };
    let base = base(&mut mend)?;
    walk(disk, filled, base, checkpoint, &mut mend)?;
    walked.tiles_mended = mended;
    Ok(walked)
}

/// Moves what is torn aside, and takes empty segments away. Gives all cuts that no record names yet.
fn cut(disk: &dyn Disk, found: &Found) -> io::Result<Vec<Cut>> {
    let size = found.tree.size();
    let current = found.current().first;
    for (segment, from) in &found.torn {
        let path = segment.path();
        let mut bytes = Vec::new();
        disk.open(&path, *from)?.read_to_end(&mut bytes)?;
        let name = format!(
            "{CUTS}/{size:016}-{}.bin",
            &Digest::of(&bytes).to_string()[..16]
        );
        let mut file = disk.create(&name)?;
        disk::write_all(file.as_mut(), &bytes)?;
        file.sync()?;
        disk.sync_folder(CUTS)?;
        if segment.first == current {
            let mut file = disk.append(&path)?;
            file.truncate(*from)?;
            file.sync()?;
        } else {
            disk.remove(&path)?;
        }
    }
    for first in &found.empty {
        disk.remove(&segments::path(*first))?;
    }
    disk.sync_folder(segments::FOLDER)?;
    // Also those of an earlier start that did not come to its record.
    let mut names = disk.list(CUTS)?;
    names.retain(|name| name.starts_with(&format!("{size:016}-")));
    names.sort_unstable();
    names.iter().map(|name| describe(disk, name)).collect()
}

fn describe(disk: &dyn Disk, name: &str) -> io::Result<Cut> {
    let file = format!("{CUTS}/{name}");
    let (mut hasher, mut bytes, mut lines, mut ends) = (Hasher::new(), 0, 0, true);
    let mut reader = disk.open(&file, 0)?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = reader.read(&mut buffer)?;
        let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else {
            break;
        };
        hasher.update(piece);
        bytes += read as u64;
        lines += piece.iter().filter(|byte| **byte == b'\n').count() as u64;
        ends = piece.ends_with(b"\n");
    }
    Ok(Cut {
        bytes,
        lines: lines + u64::from(!ends),
        sha256: hasher.finish(),
        file,
    })
}
