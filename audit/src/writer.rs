//! The thread that owns the log, and the handle that everybody else has.

mod thread;

use crate::disk::{Disk, Folder};
use crate::key::SigningKey;
use crate::line::Now;
use crate::log::{self, Limits, OpenError, Opened, Opening};
use crate::segments;
use crate::settings::Settings;
use crate::standing::{Kept, NotKept, Standing};
use serde_json::Value;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// Records that wait to be written; beyond them, records are refused and counted.
pub const WAITING_MAX: usize = 8_192;
/// How long closing waits for the disk.
pub const CLOSE_WAIT_MAX: Duration = Duration::from_secs(5);
/// How often closing looks for room in the queue.
const CLOSE_LOOK: Duration = Duration::from_millis(5);
/// The lock's file.
const LOCK: &str = "lock";
/// The private key's file, where none is configured.
const KEY_FILE: &str = "key.pem";

/// What a record says. It is made on the log's own thread, so that nobody else pays for it.
pub type Body = Box<dyn FnOnce() -> Value + Send>;

/// Tells the log what time it is.
pub type Clock = Box<dyn FnMut() -> Now + Send>;

type Done = Box<dyn FnOnce(Result<Kept, NotKept>) + Send>;

enum Message {
    Record {
        kind: &'static str,
        body: Body,
        done: Option<Done>,
    },
    Close(SyncSender<Result<(), String>>),
}

/// Writes an audit log. Cheap to clone; all clones write to one log, whose records are in the order in which
/// they were handed over.
///
/// A log that is not closed loses nothing that was written, but has no `close` record and perhaps no checkpoint
/// over its last second.
#[derive(Clone)]
pub struct Writer {
    shared: Arc<Shared>,
    queue: SyncSender<Message>,
}

struct Shared {
    standing: Mutex<Standing>,
    /// Noted records that found no room in the queue.
    crowded_out: AtomicU64,
    /// Kept ones that did not.
    refused: AtomicU64,
    closed: OnceLock<Result<(), String>>,
}

impl Shared {
    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The log was not closed in order.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CloseError {
    /// The disk, or what waits for it, took longer than [`CLOSE_WAIT_MAX`].
    #[error("the audit log did not close in time")]
    Late,
    /// The last records, or the checkpoint over them, could not be written.
    #[error("the audit log could not be closed: {0}")]
    Failed(String),
}

impl Writer {
    /// Opens the log, or makes it, and starts its thread. What a crash tore off is cut, kept aside and recorded;
    /// anything else that is wrong is an error, and nothing is changed.
    pub fn start(settings: Settings) -> Result<(Writer, Opened), OpenError> {
        let io = |error| OpenError::Io {
            folder: settings.folder.display().to_string(),
            error,
        };
        std::fs::create_dir_all(&settings.folder).map_err(io)?;
        let disk = Arc::new(Folder::new(&settings.folder));
        Writer::start_on(settings, disk, clock())
    }

    /// The same on any disk and by any clock, for tests. The key is still a file of the operating system's.
    pub fn start_on(
        settings: Settings,
        disk: Arc<dyn Disk>,
        mut clock: Clock,
    ) -> Result<(Writer, Opened), OpenError> {
        let folder = settings.folder.display().to_string();
        let lock = disk.lock(LOCK).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => OpenError::Locked(folder.clone()),
            _ => OpenError::Io {
                folder: folder.clone(),
                error,
            },
        })?;
        let key = key(&settings, disk.as_ref())?;
        let limits = Limits {
            segment_size: settings.segment_size,
            keep: settings.keep,
        };
        let opening = Opening {
            folder: &folder,
            mode: settings.mode,
            version: &settings.version,
            read_all: settings.read_all,
        };
        let (log, opened) = log::open(disk, lock, key, limits, &opening, clock())?;
        let (queue, messages) = sync_channel(WAITING_MAX);
        let shared = Arc::new(Shared {
            standing: Mutex::default(),
            crowded_out: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            closed: OnceLock::new(),
        });
        let thread = thread::Thread::new(log, &settings, clock, shared.clone());
        std::thread::Builder::new()
            .name("audit".into())
            .spawn(move || thread.run(&messages))
            .map_err(OpenError::Thread)?;
        Ok((Writer { shared, queue }, opened))
    }

    /// Hands over a record that nobody waits for. Never waits itself: where there is no room, the record is lost
    /// and counted, and a `lost` record says so as soon as there is room again. It is on the disk within
    /// [`LOSS_WINDOW`](crate::LOSS_WINDOW).
    pub fn note(&self, kind: &'static str, body: Body) {
        let message = Message::Record {
            kind,
            body,
            done: None,
        };
        if self.queue.try_send(message).is_err() {
            self.shared.crowded_out.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Hands over a record that somebody waits for: `done` is called once it is kept, which in strict mode means
    /// on the disk (`fdatasync`, one for all that wait), or could not be. Never waits itself. `done` is called on
    /// the log's thread, or, where there is no room, on this one; it should be quick.
    pub fn keep(
        &self,
        kind: &'static str,
        body: Body,
        done: impl FnOnce(Result<Kept, NotKept>) + Send + 'static,
    ) {
        let message = Message::Record {
            kind,
            body,
            done: Some(Box::new(done)),
        };
        let (message, why) = match self.queue.try_send(message) {
            Ok(()) => return,
            Err(TrySendError::Full(message)) => (message, NotKept::Queue),
            Err(TrySendError::Disconnected(message)) => (message, NotKept::Closed),
        };
        self.shared.refused.fetch_add(1, Ordering::Relaxed);
        if let Message::Record {
            done: Some(done), ..
        } = message
        {
            done(Err(why));
        }
    }

    /// How the log is doing.
    pub fn standing(&self) -> Standing {
        let mut standing = self.shared.standing().clone();
        let crowded_out = self.shared.crowded_out.load(Ordering::Relaxed);
        let refused = self.shared.refused.load(Ordering::Relaxed);
        standing.lost += crowded_out;
        if crowded_out + refused > 0 {
            *standing.failures.entry(NotKept::Queue).or_default() += crowded_out + refused;
        }
        standing
    }

    /// Writes all that was handed over so far, a `close` record and a checkpoint. Waits at most
    /// [`CLOSE_WAIT_MAX`]. Records handed over later are not kept.
    pub fn close(&self) -> Result<(), CloseError> {
        let deadline = Instant::now() + CLOSE_WAIT_MAX;
        let (reply, answer) = sync_channel(1);
        let mut message = Message::Close(reply);
        loop {
            message = match self.queue.try_send(message) {
                Ok(()) => break,
                Err(TrySendError::Full(message)) if Instant::now() < deadline => message,
                Err(TrySendError::Full(_)) => return Err(CloseError::Late),
                Err(TrySendError::Disconnected(_)) => return self.closed(),
            };
            std::thread::sleep(CLOSE_LOOK);
        }
        match answer.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(closed) => closed.map_err(CloseError::Failed),
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => Err(CloseError::Late),
            // Another clone closed it meanwhile.
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => self.closed(),
        }
    }

    fn closed(&self) -> Result<(), CloseError> {
        match self.shared.closed.get() {
            Some(closed) => closed.clone().map_err(CloseError::Failed),
            None => Err(CloseError::Failed("its thread has ended".into())),
        }
    }
}

/// The key, which is only ever made together with the log.
fn key(settings: &Settings, disk: &dyn Disk) -> Result<SigningKey, OpenError> {
    let configured = settings.key_file.clone();
    let path: PathBuf = configured
        .clone()
        .unwrap_or_else(|| settings.folder.join(KEY_FILE));
    let there = path.try_exists().unwrap_or(true);
    if there || configured.is_some() {
        return Ok(SigningKey::load(&path, &settings.origin)?);
    }
    // A log that exists has a key; a new one in its place would make the log foreign.
    let begun = [log::CHECKPOINT, log::PUBLIC_KEY]
        .iter()
        .any(|file| disk.len(file).is_ok());
    match begun {
        true => Err(crate::key::KeyError::Lost(path).into()),
        false => Ok(SigningKey::make(&path, &settings.origin)?),
    }
}

/// The operating system's clocks.
fn clock() -> Clock {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    let began = *BEGAN.get_or_init(Instant::now);
    Box::new(move || Now {
        wall_ns: match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns),
        },
        mono_ns: u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX),
    })
}

/// Whether a folder holds an audit log.
pub fn is_log(folder: &Path) -> bool {
    folder.join(log::CHECKPOINT).exists() || folder.join(segments::FOLDER).is_dir()
}
