//! An exchange as OTLP spans and metrics, off the hot path.
//!
//! [`Telemetry::observe`] puts an exchange where a thread of this crate finds it, and never waits: where too much waits
//! already, the exchange is dropped and counted. The thread counts it in metrics, makes spans of it if its trace is kept, and
//! sends both to a collector. What a collector does, or does not, changes nothing for anybody else: a bounded number of
//! exchanges waits for it, for a bounded time.
//!
//! The SDK's tracer is not used: the ids of an exchange are drawn when it begins, and sent on in `traceparent`; its spans are
//! made when it has ended and everything is known.

mod environment;
mod limits;
mod logs;
mod metrics;
mod sampler;
mod semantics;
mod settings;
mod spans;
mod standing;
mod vocabulary;
mod weight;
mod wire;
mod worker;

pub use environment::Wanted;
pub use logs::{ExportFailed, export_logs};
pub use sampler::Sampler;
pub use settings::{
    BATCH_SPANS, BATCH_WAIT, BadSetting, Compression, Conventions, HEADERS_MAX, Headers,
    METRICS_EVERY, Protocol, QUEUE, Settings, TIMEOUT, Target,
};
pub use standing::{Count, Standing};
pub use wire::{BadFile, Lost};

use crossbeam_queue::ArrayQueue;
use sallyport_record::Observed;
use standing::Counts;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The instrumentation scope of all that is sent.
pub(crate) const SCOPE: &str = "sallyport";

/// Why telemetry cannot be started: the operator's to mend, or the system's.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file that the settings name.
    #[error(transparent)]
    File(#[from] BadFile),
    /// No thread, or no event loop for it.
    #[error("no thread for telemetry: {0}")]
    Thread(#[from] std::io::Error),
}

/// Sends what is observed. Shared by reference; dropping it flushes nothing, [`Telemetry::shutdown`] does.
pub struct Telemetry {
    shared: Arc<Shared>,
    thread: Mutex<Option<Running>>,
}

struct Running {
    thread: JoinHandle<()>,
    /// Says nothing; hangs up when the thread has ended.
    ended: mpsc::Receiver<()>,
}

/// What those who observe and the thread share.
struct Shared {
    ring: ArrayQueue<Arc<Observed>>,
    /// Bytes of all exchanges in the ring and beyond, roughly.
    held: AtomicUsize,
    counts: Counts,
    /// Nothing more is taken.
    closed: AtomicBool,
    /// Nothing more is done.
    ended: AtomicBool,
    /// Until when the thread may go on once it is closed.
    until: Mutex<Option<Instant>>,
    keep_refused: bool,
    traces: bool,
    metrics: bool,
}

impl Shared {
    fn keeps(&self, observed: &Observed) -> bool {
        self.traces && spans::kept(observed, self.keep_refused).is_some()
    }

    fn let_go(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Telemetry {
    /// Starts the thread. Nothing is connected before there is something to send, so a collector may come later.
    pub fn start(settings: Settings) -> Result<Telemetry, StartError> {
        let shared = Arc::new(Shared {
            ring: ArrayQueue::new(limits::RING),
            held: AtomicUsize::new(0),
            counts: Counts::default(),
            closed: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            until: Mutex::new(None),
            keep_refused: settings.keep_refused,
            traces: settings.traces.is_some(),
            metrics: settings.metrics.is_some(),
        });
        let (hang_up, ended) = mpsc::channel();
        let work = worker::prepare(settings, shared.clone())?;
        let last = shared.clone();
        let thread = std::thread::Builder::new()
            .name("telemetry".into())
            .spawn(move || {
                // Nothing in it is known to panic. If something does, what it held counts as dropped, and nothing more
                // is taken.
                let work = std::panic::AssertUnwindSafe(work);
                if std::panic::catch_unwind(|| { work }.0()).is_err() {
                    last.counts.error("telemetry broke down".into());
                }
                last.closed.store(true, Ordering::SeqCst);
                last.ended.store(true, Ordering::SeqCst);
                drop(hang_up);
            })?;
        let running = Running { thread, ended };
        Ok(Telemetry {
            shared,
            thread: Mutex::new(Some(running)),
        })
    }

    /// Takes an exchange that has ended. Never waits: no lock, no system call.
    pub fn observe(&self, observed: Arc<Observed>) {
        let shared = &self.shared;
        let count = Count {
            exchanges: 1,
            spans: spans::count(&observed) as u64,
        };
        shared.counts.given.add(count);
        let kept = shared.keeps(&observed);
        if !kept && !shared.metrics {
            shared.counts.unsampled.add(count);
            return;
        }
        // An exchange that makes no spans is lost to metrics alone, and stays what it is.
        let lost = if kept {
            &shared.counts.dropped
        } else {
            &shared.counts.unsampled
        };
        let bytes = weight::weight(&observed);
        let held = shared.held.fetch_add(bytes, Ordering::Relaxed);
        let full = held.saturating_add(bytes) > limits::HELD_BYTES_MAX;
        let closed = shared.closed.load(Ordering::Relaxed);
        if full || closed || shared.ring.push(observed).is_err() {
            shared.let_go(bytes);
            lost.add(count);
        }
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        let ended = self.shared.ended.load(Ordering::SeqCst);
        self.shared.counts.standing(ended)
    }

    /// Takes nothing more, sends what waits, and stops; after `wait` it stops with what was not sent, which counts as
    /// dropped. Waits itself: not to be called where nothing may wait. A second call returns at once.
    pub fn shutdown(&self, wait: Duration) -> Standing {
        let running = self.thread.lock().ok().and_then(|mut thread| thread.take());
        if let Some(running) = running {
            if let Ok(mut until) = self.shared.until.lock() {
                *until = Some(Instant::now() + wait);
            }
            self.shared.closed.store(true, Ordering::SeqCst);
            // The thread keeps to the time itself; a little more, in case it does not.
            let patience = wait + limits::PATIENCE;
            let gone = running.ended.recv_timeout(patience);
            if gone == Err(mpsc::RecvTimeoutError::Disconnected) {
                // It has hung up: there is next to nothing to wait for.
                let _ = running.thread.join();
                // What nobody will look at is let go; it counts as dropped.
                while self.shared.ring.pop().is_some() {}
            }
        }
        self.standing()
    }
}

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Telemetry").finish_non_exhaustive()
    }
}
