//! The log itself, without threads and clocks: it takes records, and says when they are on the disk.
//!
//! A record goes through three states: put into the buffer (`ahead`), written (`written`), on the disk
//! (`synced`). When something fails, the log goes back to the last state that is known good, and what was past
//! it is gone: nothing is ever chained onto a line that may be torn.

mod open;
mod retention;

pub(crate) use open::PUBLIC_KEY;
pub use open::{Cut, OpenError, Opened};
pub(crate) use open::{Opening, open};
pub(crate) use retention::explains;

use crate::disk::{self, Appending, Disk};
use crate::hash::Digest;
use crate::history;
use crate::key::SigningKey;
use crate::line::{self, LINE_BYTES_MAX, Now};
use crate::note::Checkpoint;
use crate::segments;
use crate::tiles;
use crate::tree::{Tile, Tree};
use serde_json::{Value, json};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// The file of the last checkpoint.
pub(crate) const CHECKPOINT: &str = "checkpoint";
/// Records that no checkpoint covers, at most: when checkpoints fail for so long, the log takes no more.
pub(crate) const UNSIGNED_MAX: u64 = 65_536;

/// The kinds of records that the log writes itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// A process began to write.
    Open,
    /// It ended in order.
    Close,
    /// Something was cut off, or an error was got over.
    Recovery,
    /// Records found no room, or went with an error.
    Lost,
    /// A new segment begins.
    Rotate,
    /// Old segments go.
    Retention,
}

impl Kind {
    /// The word in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Open => "open",
            Kind::Close => "close",
            Kind::Recovery => "recovery",
            Kind::Lost => "lost",
            Kind::Rotate => "rotate",
            Kind::Retention => "retention",
        }
    }
}

/// What was being done when something failed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Step {
    Write,
    Sync,
    Tile,
    Checkpoint,
    Rotate,
    Retire,
    Mend,
}

impl Step {
    fn words(self) -> &'static str {
        match self {
            Step::Write => "records cannot be written",
            Step::Sync => "records cannot be synced to the disk",
            Step::Tile => "a tile cannot be written",
            Step::Checkpoint => "the checkpoint cannot be written",
            Step::Rotate => "a new segment cannot be made",
            Step::Retire => "old segments cannot be removed",
            Step::Mend => "the segment cannot be mended",
        }
    }
}

/// The disk's fault.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}", step.words())]
pub(crate) struct Fault {
    pub(crate) step: Step,
    pub(crate) error: io::Error,
}

impl Fault {
    fn at(step: Step) -> impl Fn(io::Error) -> Fault {
        move |error| Fault { step, error }
    }
}

/// When segments end, and when they go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) segment_size: u64,
    pub(crate) keep: Option<Duration>,
}

/// A segment that is live.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Live {
    pub(crate) first: u64,
    /// The time of its first record.
    pub(crate) since_ns: i64,
}

/// How far the log has come.
#[derive(Clone, Debug)]
struct Point {
    tree: Tree,
    /// The digest of the last line.
    last: Digest,
    /// Bytes of the current segment.
    len: u64,
}

/// What the log has to get over.
#[derive(Clone, Debug)]
struct Broken {
    words: String,
    /// Records that were given up.
    dropped: u64,
}

/// A log that is open for writing.
pub(crate) struct Log {
    disk: Arc<dyn Disk>,
    key: SigningKey,
    limits: Limits,
    /// Oldest first; the last one is written to.
    segments: Vec<Live>,
    file: Box<dyn Appending>,
    /// With what is in the buffer.
    ahead: Point,
    written: Point,
    synced: Point,
    /// The bytes between `written` and `ahead`.
    buffer: Vec<u8>,
    /// Full tiles that no checkpoint has written yet.
    full: Vec<Tile>,
    /// The tiles at the edge, as the last checkpoint wrote them.
    partial: Vec<Tile>,
    /// The size that the last checkpoint signs.
    signed: u64,
    history_len: u64,
    broken: Option<Broken>,
    /// Held for its drop.
    _lock: Box<dyn Send>,
}

/// A record whose line would be longer than [`LINE_BYTES_MAX`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TooLong;

impl Log {
    /// Records that the log holds, the buffer included.
    pub(crate) fn size(&self) -> u64 {
        self.ahead.tree.size()
    }

    /// Records that are written.
    pub(crate) fn written(&self) -> u64 {
        self.written.tree.size()
    }

    /// Records that are on the disk.
    pub(crate) fn synced(&self) -> u64 {
        self.synced.tree.size()
    }

    /// Records that the last checkpoint covers.
    pub(crate) fn signed(&self) -> u64 {
        self.signed
    }

    /// Bytes in the buffer.
    pub(crate) fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// Whether an error must be got over first: [`Log::mend`].
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// Whether a record may be put in.
    pub(crate) fn has_room(&self) -> bool {
        !self.is_broken() && self.size() - self.signed < UNSIGNED_MAX
    }

    /// Whether the segment is so long that a new one should follow.
    pub(crate) fn is_segment_full(&self) -> bool {
        self.ahead.len >= self.limits.segment_size
    }

    /// Puts a record into the buffer, and gives its seq. The disk is not touched.
    pub(crate) fn append(&mut self, kind: &str, body: &Value, now: Now) -> Result<u64, TooLong> {
        let seq = self.size();
        let mut text = String::with_capacity(1_024);
        line::write(&mut text, kind, body, &self.ahead.last, seq, now);
        if text.len() > LINE_BYTES_MAX {
            return Err(TooLong);
        }
        let digest = Digest::of(text.as_bytes());
        self.ahead.tree.push(digest, &mut self.full);
        self.ahead.last = digest;
        self.ahead.len += text.len() as u64 + 1;
        self.buffer.extend_from_slice(text.as_bytes());
        self.buffer.push(b'\n');
        Ok(seq)
    }

    /// Writes the buffer.
    pub(crate) fn write(&mut self) -> Result<(), Fault> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        match disk::write_all(self.file.as_mut(), &self.buffer) {
            Ok(()) => {
                self.written = self.ahead.clone();
                self.buffer.clear();
                Ok(())
            }
            Err(error) => {
                let back = self.written.clone();
                Err(self.fall_back(
                    back,
                    Fault {
                        step: Step::Write,
                        error,
                    },
                ))
            }
        }
    }

    /// Writes the buffer and waits for the disk.
    pub(crate) fn sync(&mut self) -> Result<(), Fault> {
        self.write()?;
        if self.synced.tree.size() == self.written.tree.size() {
            return Ok(());
        }
        match self.file.sync() {
            Ok(()) => {
                self.synced = self.written.clone();
                Ok(())
            }
            // After a failed sync nobody knows which of the pages are on the disk, and a second sync says yes.
            Err(error) => {
                let back = self.synced.clone();
                Err(self.fall_back(
                    back,
                    Fault {
                        step: Step::Sync,
                        error,
                    },
                ))
            }
        }
    }

    fn fall_back(&mut self, to: Point, fault: Fault) -> Fault {
        let before = self.broken.take().map_or(0, |broken| broken.dropped);
        self.broken = Some(Broken {
            words: fault.to_string(),
            dropped: before + self.size() - to.tree.size(),
        });
        self.full.retain(|tile| tile.end() <= to.tree.size());
        self.buffer.clear();
        self.written = to.clone();
        self.ahead = to;
        fault
    }

    /// Gets over an error: cuts the segment back to what is known good, and records that.
    pub(crate) fn mend(&mut self, now: Now) -> Result<(), Fault> {
        let Some(broken) = self.broken.clone() else {
            return Ok(());
        };
        let fault = Fault::at(Step::Mend);
        let path = segments::path(self.current().first);
        let len = self.disk.len(&path).map_err(&fault)?;
        let extra = len.checked_sub(self.ahead.len).ok_or_else(|| {
            fault(io::Error::other(format!(
                "`{path}` is shorter than what was written to it"
            )))
        })?;
        let mut file = self.disk.append(&path).map_err(&fault)?;
        if extra > 0 {
            file.truncate(self.ahead.len).map_err(&fault)?;
        }
        if let Err(error) = file.sync() {
            // As with any failed sync: what was only written is gone.
            let back = self.synced.clone();
            return Err(self.fall_back(back, fault(error)));
        }
        self.synced = self.written.clone();
        self.file = file;
        let body = json!({
            "bytes": extra,
            "dropped": broken.dropped,
            "error": broken.words,
            "why": "error",
        });
        // The words are an operating system's, and short.
        let _ = self.append(Kind::Recovery.as_str(), &body, now);
        let good = self.written.clone();
        if let Err(error) =
            disk::write_all(self.file.as_mut(), &self.buffer).and_then(|()| self.file.sync())
        {
            // What was dropped stays dropped; the `recovery` record itself does not count.
            self.full.retain(|tile| tile.end() <= good.tree.size());
            self.buffer.clear();
            self.ahead = good.clone();
            self.synced = good;
            return Err(Fault {
                step: Step::Mend,
                error,
            });
        }
        self.buffer.clear();
        self.written = self.ahead.clone();
        self.synced = self.ahead.clone();
        self.broken = None;
        Ok(())
    }

    /// Signs the tree over all records, and puts it on the disk with its tiles.
    pub(crate) fn checkpoint(&mut self) -> Result<(), Fault> {
        self.sync()?;
        let size = self.size();
        if size == self.signed {
            return Ok(());
        }
        let partial = self.ahead.tree.partial();
        // What stands already is not touched: somebody may be reading it.
        let news = partial.iter().filter(|tile| !self.partial.contains(tile));
        for tile in self.full.iter().chain(news) {
            tiles::write(self.disk.as_ref(), tile).map_err(Fault::at(Step::Tile))?;
        }
        let note = sign(&self.key, &self.ahead.tree);
        let fault = Fault::at(Step::Checkpoint);
        disk::replace(self.disk.as_ref(), CHECKPOINT, note.as_bytes()).map_err(&fault)?;
        self.history_len =
            history::add(self.disk.as_ref(), self.history_len, &note).map_err(&fault)?;
        self.full.clear();
        self.partial = partial;
        self.signed = size;
        Ok(())
    }

    /// Begins a new segment. A checkpoint comes first: only the last segment has records that none covers.
    pub(crate) fn rotate(&mut self, now: Now) -> Result<(), Fault> {
        self.checkpoint()?;
        let first = self.size();
        let path = segments::path(first);
        let made = self.disk.create(&path).and_then(|mut file| {
            file.sync()?;
            self.disk.sync_folder(segments::FOLDER)?;
            Ok(file)
        });
        self.file = made.map_err(|error| {
            // An empty segment says nothing, so what stays of it is no harm.
            let _ = self.disk.remove(&path);
            Fault {
                step: Step::Rotate,
                error,
            }
        })?;
        for point in [&mut self.ahead, &mut self.written, &mut self.synced] {
            point.len = 0;
        }
        let body = json!({ "previous": self.current().first });
        self.segments.push(Live {
            first,
            since_ns: now.wall_ns,
        });
        let _ = self.append(Kind::Rotate.as_str(), &body, now);
        Ok(())
    }

    fn current(&self) -> Live {
        self.segments.last().copied().unwrap_or(Live {
            first: 0,
            since_ns: 0,
        })
    }
}

/// The checkpoint over a tree.
fn sign(key: &SigningKey, tree: &Tree) -> String {
    let checkpoint = Checkpoint {
        origin: key.verify_key().origin().into(),
        size: tree.size(),
        root: tree.root(),
    };
    checkpoint.sign(key)
}
