//! The decision log's writer: a thread of its own, so that no exchange ever waits for a disk.

use crate::config::DecisionsTo;
use sallyport_record::Observed;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

/// Records that wait to be written; beyond them, records are dropped and counted.
const WAITING_MAX: usize = 8_192;
/// Bytes written at once.
const BATCH_BYTES: usize = 64 << 10;
/// How often a file is looked at for having been moved away, and losses are told.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long shutdown waits for the last lines: a reader of standard output may have stopped reading.
const FLUSH_WAIT_MAX: Duration = Duration::from_secs(5);

/// The decision log cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error(
    "the decision log `{path}` cannot be opened: {error}\n  hint: name a file under `decisions.to` in a folder that exists and that this user may write to"
)]
pub struct SinkError {
    path: String,
    error: io::Error,
}

/// Takes records and writes them, a line each. Cheap to clone; all clones write to one log.
#[derive(Clone)]
pub struct RecordSink {
    shared: Arc<Shared>,
    waiting: SyncSender<Message>,
}

struct Shared {
    dropped: AtomicU64,
    written: AtomicU64,
    reopen: Arc<AtomicBool>,
}

enum Message {
    Record(Arc<Observed>),
    Flush(SyncSender<()>),
}

impl RecordSink {
    /// Opens the log and starts its writer. SIGHUP then opens a file anew, as [`RecordSink::reopen`] does.
    pub fn open(to: &DecisionsTo) -> Result<Self, SinkError> {
        let output: Output = match to {
            DecisionsTo::Stdout => Output::Stream(Box::new(io::stdout())),
            DecisionsTo::Stderr => Output::Stream(Box::new(io::stderr())),
            DecisionsTo::File(path) => Output::File(LogFile::open(path)?),
        };
        let sink = RecordSink::start(output);
        // From now on SIGHUP ends no process: it opens the log anew.
        let flag = sink.shared.reopen.clone();
        if let Err(error) = signal_hook::flag::register(signal_hook::consts::SIGHUP, flag) {
            tracing::warn!(%error, "SIGHUP will not open the decision log anew");
        }
        Ok(sink)
    }

    /// A log into any writer, for tests and the demo.
    pub fn to_writer(writer: impl Write + Send + 'static) -> Self {
        RecordSink::start(Output::Stream(Box::new(writer)))
    }

    fn start(output: Output) -> Self {
        let (waiting, messages) = sync_channel(WAITING_MAX);
        let shared = Arc::new(Shared {
            dropped: AtomicU64::new(0),
            written: AtomicU64::new(0),
            reopen: Arc::default(),
        });
        let writer = Writer {
            output,
            batch: Vec::new(),
            lines: 0,
            torn: false,
            told: 0,
            shared: shared.clone(),
        };
        let started = std::thread::Builder::new()
            .name("decision-log".into())
            .spawn(move || writer.run(&messages));
        if let Err(error) = started {
            // The receiver is gone with the closure, so every record counts as dropped from here on.
            tracing::error!(%error, "the decision log has no thread to write it");
        }
        RecordSink { shared, waiting }
    }

    /// Hands a record over. Never waits: if the writer is too far behind, the record is dropped and counted.
    pub fn write(&self, record: impl Into<Arc<Observed>>) {
        let record = record.into();
        if self.waiting.try_send(Message::Record(record)).is_err() {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Records that were not written, exactly: those that found no room and those whose write failed.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// Records that were written.
    pub fn written(&self) -> u64 {
        self.shared.written.load(Ordering::Relaxed)
    }

    /// Opens the file anew before the next line.
    pub fn reopen(&self) {
        self.shared.reopen.store(true, Ordering::Relaxed);
    }

    /// Waits until all that was handed over so far is written. False if that takes longer than 5 seconds.
    pub fn flush(&self) -> bool {
        let deadline = Instant::now() + FLUSH_WAIT_MAX;
        let (done, finished) = sync_channel(1);
        let mut message = Message::Flush(done);
        loop {
            match self.waiting.try_send(message) {
                Ok(()) => break,
                Err(TrySendError::Disconnected(_)) => return false,
                Err(TrySendError::Full(_)) if Instant::now() >= deadline => return false,
                Err(TrySendError::Full(back)) => message = back,
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        finished
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            .is_ok()
    }
}

/// A file that is opened again when it was moved away.
struct LogFile {
    path: PathBuf,
    file: File,
}

impl LogFile {
    fn open(path: &Path) -> Result<Self, SinkError> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path);
        let file = file.map_err(|error| SinkError {
            path: path.display().to_string(),
            error,
        })?;
        Ok(LogFile {
            path: path.into(),
            file,
        })
    }

    fn was_moved(&self) -> bool {
        let identity = |meta: std::fs::Metadata| (meta.dev(), meta.ino());
        match (
            std::fs::metadata(&self.path).map(identity),
            self.file.metadata().map(identity),
        ) {
            (Ok(there), Ok(ours)) => there != ours,
            (Err(error), _) => error.kind() == io::ErrorKind::NotFound,
            _ => false,
        }
    }
}

enum Output {
    Stream(Box<dyn Write + Send>),
    File(LogFile),
}

impl Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Output::Stream(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
            Output::File(log) => log.file.write_all(bytes),
        }
    }
}

struct Writer {
    output: Output,
    batch: Vec<u8>,
    /// Lines in `batch`.
    lines: u64,
    /// A write failed, so the file may end in half a line.
    torn: bool,
    /// Losses that were told already.
    told: u64,
    shared: Arc<Shared>,
}

impl Writer {
    fn run(mut self, messages: &Receiver<Message>) {
        let mut looked = Instant::now();
        loop {
            match messages.recv_timeout(LOOK_EVERY) {
                Ok(first) => self.drain(first, messages),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if looked.elapsed() >= LOOK_EVERY {
                looked = Instant::now();
                self.reopen_if_moved();
                self.tell_losses();
            }
        }
        self.tell_losses();
    }

    /// Writes all that waits, in as few writes as possible.
    fn drain(&mut self, first: Message, messages: &Receiver<Message>) {
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Record(record) => self.add(&record),
                Message::Flush(done) => {
                    self.write();
                    let _ = done.try_send(());
                }
            }
            if self.batch.len() >= BATCH_BYTES {
                self.write();
            }
            next = messages.try_recv().ok();
        }
        self.write();
    }

    fn add(&mut self, observed: &Observed) {
        if self.torn && self.batch.is_empty() {
            self.batch.push(b'\n');
        }
        let before = self.batch.len();
        match serde_json::to_writer(&mut self.batch, &observed.record) {
            Ok(()) => {
                self.batch.push(b'\n');
                self.lines += 1;
            }
            Err(_) => {
                self.batch.truncate(before);
                self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn write(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        if self.shared.reopen.load(Ordering::Relaxed) {
            self.reopen_if_moved();
        }
        let result = self.output.write(&self.batch);
        self.torn = result.is_err();
        let count = if self.torn {
            &self.shared.dropped
        } else {
            &self.shared.written
        };
        count.fetch_add(self.lines, Ordering::Relaxed);
        self.batch.clear();
        self.lines = 0;
    }

    fn reopen_if_moved(&mut self) {
        let asked = self.shared.reopen.swap(false, Ordering::Relaxed);
        let Output::File(log) = &mut self.output else {
            return;
        };
        if !asked && !log.was_moved() {
            return;
        }
        match LogFile::open(&log.path) {
            Ok(new) => {
                *log = new;
                self.torn = false;
            }
            // The old file is still open: keep writing there rather than lose records.
            Err(error) => tracing::error!(%error, "the decision log stays with its old file"),
        }
    }

    fn tell_losses(&mut self) {
        let dropped = self.shared.dropped.load(Ordering::Relaxed);
        if dropped > self.told {
            tracing::error!(
                lost = dropped - self.told,
                in_all = dropped,
                "decision records were not written"
            );
            self.told = dropped;
        }
    }
}
