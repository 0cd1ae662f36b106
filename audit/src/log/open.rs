//! Opening a log: everything up to the last checkpoint must be as it was signed, and what a crash tore off past
//! it is cut, kept aside, and recorded.

mod cut;
mod walk;

use super::{CHECKPOINT, Kind, Limits, Live, Log, Point, sign};
use crate::bad::{Bad, What};
use crate::disk::{self, Disk};
use crate::hash::Digest;
use crate::history;
use crate::key::{KeyError, SigningKey, VerifyKey};
use crate::line::{Now, wall_ns};
use crate::note::{Checkpoint, NOTE_BYTES_MAX, NoteError};
use crate::segments::{self, Segment};
use crate::settings::Mode;
use crate::tree::{Tile, Tree};
use cut::cut;
use serde_json::{Value, json};
use std::io;
use std::sync::Arc;
use walk::walk_checked;

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
