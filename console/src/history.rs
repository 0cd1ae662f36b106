//! What the console remembers: the last exchanges, in SQLite, and sums over the hours for longer.
//!
//! One thread writes, over a bounded queue. [`History::observe`] never waits: what does not fit is dropped and counted.

mod insert;
mod kept;
mod map;
mod query;
mod schema;
mod sums;
mod writer;

pub use kept::{Brief, CallBrief};
pub use map::{Edge, FindingCount, Node, SCORE_BUCKETS};
pub use query::{Filter, PAGE_MAX, Page};
pub use sums::{RuleCount, SessionBrief, Step, Sum, TeamSum, Window};

use parking_lot::Mutex;
use rusqlite::Connection;
use sallyport_record::Observed;
use schema::Place;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

/// Exchanges that may wait to be written.
pub const QUEUE_MAX: usize = 4096;
/// Bytes of texts that may wait to be written.
pub const QUEUE_BYTES_MAX: usize = 64 << 20;
/// Bytes that exchanges may take in memory, packed.
pub const MEMORY_BYTES_MAX: u64 = 256 << 20;
/// Bytes that exchanges may take in a file, packed.
pub const FILE_BYTES_MAX: u64 = 1 << 30;
/// Readers that are kept open.
const READERS_MAX: usize = 4;

/// Why there is no history, or no answer from it.
#[derive(thiserror::Error, Debug)]
pub enum HistoryError {
    /// The file was made by a later Sallyport.
    #[error(
        "the history has version {found}, and this Sallyport knows up to {}: run the newer one, or name another file in `history.file`",
        schema::VERSION
    )]
    Newer {
        /// Its version.
        found: i64,
    },
    /// The file is SQLite, and not ours.
    #[error("the file holds another program's tables: name another file in `history.file`")]
    Foreign,
    /// Something outside SQLite failed.
    #[error("cannot {what}: {why}")]
    Cannot {
        /// What was tried.
        what: &'static str,
        /// What the system says.
        why: String,
    },
    /// SQLite says no.
    #[error("the history cannot be read or written: {0}")]
    Store(#[from] rusqlite::Error),
    /// What was kept cannot be unpacked.
    #[error("exchange {0} was kept in a form that cannot be read")]
    Unreadable(String),
}

/// What is remembered.
pub struct History {
    place: Place,
    common: Arc<[u8]>,
    queue: Option<SyncSender<Job>>,
    writer: Option<JoinHandle<()>>,
    standing: Arc<Counters>,
    readers: Mutex<Vec<Connection>>,
    moved_aside: Option<PathBuf>,
    exchanges_max: usize,
}

/// What the writer is asked for.
enum Job {
    Keep(Arc<Observed>, usize),
    /// Says when everything before it is written.
    Flush(SyncSender<()>),
}

/// What both sides of the queue count.
#[derive(Default)]
struct Counters {
    waiting_bytes: AtomicU64,
    dropped: AtomicU64,
    kept: AtomicU64,
    last_row: AtomicI64,
    broken: AtomicBool,
    error: Mutex<Option<String>>,
}

/// How the history stands.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct Standing {
    /// Exchanges that are remembered.
    pub exchanges: u64,
    /// The most that are.
    pub exchanges_max: usize,
    /// Exchanges that could not be kept since the start.
    pub dropped: u64,
    /// The file; nothing in memory.
    pub file: Option<String>,
    /// Where a damaged file was moved to at the start.
    pub moved_aside: Option<String>,
    /// Why the last batch could not be written; nothing if it was.
    pub error: Option<String>,
}

impl History {
    /// Opens a history in `file`, or one in memory, that remembers `exchanges_max` exchanges, at least one. A damaged
    /// file is moved aside and begun anew; [`History::moved_aside`] tells.
    pub fn open(file: Option<&Path>, exchanges_max: usize) -> Result<History, HistoryError> {
        let (place, bytes_max) = match file {
            Some(path) => (Place::File(path.to_owned()), FILE_BYTES_MAX),
            None => (Place::memory()?, MEMORY_BYTES_MAX),
        };
        let (connection, moved_aside) = place.writer()?;
        let common: Arc<[u8]> = schema::common_words(&connection)?.into();
        let standing = Arc::new(Counters::default());
        let exchanges_max = exchanges_max.max(1);
        let writer = writer::Writer::new(
            connection,
            common.clone(),
            writer::Bounds {
                exchanges: exchanges_max as u64,
                bytes: bytes_max,
            },
            standing.clone(),
        )?;
        let (queue, jobs) = sync_channel(QUEUE_MAX);
        let thread = std::thread::Builder::new()
            .name("history".into())
            .spawn(move || writer.run(&jobs))
            .map_err(|why| HistoryError::Cannot {
                what: "start a thread",
                why: why.to_string(),
            })?;
        Ok(History {
            place,
            common,
            queue: Some(queue),
            writer: Some(thread),
            standing,
            readers: Mutex::new(Vec::new()),
            moved_aside,
            exchanges_max,
        })
    }

    /// Remembers an exchange. Never waits: if too much waits already, it is dropped and counted.
    pub fn observe(&self, observed: Arc<Observed>) {
        let bytes = kept::weight(&observed);
        let waiting = &self.standing.waiting_bytes;
        let before = waiting.fetch_add(bytes as u64, Relaxed);
        let fits = before == 0 || before.saturating_add(bytes as u64) <= QUEUE_BYTES_MAX as u64;
        let sent = match (&self.queue, fits) {
            (Some(queue), true) => match queue.try_send(Job::Keep(observed, bytes)) {
                Ok(()) => true,
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
            },
            _ => false,
        };
        if !sent {
            waiting.fetch_sub(bytes as u64, Relaxed);
            self.standing.dropped.fetch_add(1, Relaxed);
        }
    }

    /// Waits until everything that was observed before is written. For tests, and before the process ends.
    pub fn flush(&self) {
        let (done, wait) = sync_channel(1);
        if let Some(queue) = &self.queue
            && queue.send(Job::Flush(done)).is_ok()
        {
            // An error means that the writer is gone: then nothing waits any more.
            let _ = wait.recv();
        }
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        let file = match &self.place {
            Place::File(path) => Some(path.display().to_string()),
            Place::Memory(_) => None,
        };
        Standing {
            exchanges: self.standing.kept.load(Relaxed),
            exchanges_max: self.exchanges_max,
            dropped: self.standing.dropped.load(Relaxed),
            file,
            moved_aside: self.moved_aside().map(|path| path.display().to_string()),
            error: self.standing.error.lock().clone(),
        }
    }

    /// Exchanges that are remembered, for `history_exchanges`.
    pub fn exchanges(&self) -> u64 {
        self.standing.kept.load(Relaxed)
    }

    /// Exchanges that could not be kept, for `history_dropped_total`.
    pub fn dropped(&self) -> u64 {
        self.standing.dropped.load(Relaxed)
    }

    /// Where a damaged file was moved to when this one was opened.
    pub fn moved_aside(&self) -> Option<&Path> {
        self.moved_aside.as_deref()
    }

    /// The number of the newest exchange; 0 before the first. Numbers only rise.
    pub fn newest(&self) -> i64 {
        self.standing.last_row.load(Relaxed)
    }

    /// Asks with a connection that only reads; up to [`READERS_MAX`] are kept.
    fn read<T>(
        &self,
        ask: impl FnOnce(&Connection) -> Result<T, HistoryError>,
    ) -> Result<T, HistoryError> {
        let kept = self.readers.lock().pop();
        let connection = match kept {
            Some(connection) => connection,
            None => self.place.reader()?,
        };
        let answer = ask(&connection);
        let mut readers = self.readers.lock();
        if answer.is_ok() && readers.len() < READERS_MAX {
            readers.push(connection);
        }
        answer
    }
}

impl Drop for History {
    fn drop(&mut self) {
        // The writer ends when nobody can send any more, and writes what waits before that.
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "History({} exchanges)", self.exchanges())
    }
}
