//! How many were sent, and how many were not.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Exchanges, and the spans that they make.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Count {
    /// Exchanges.
    pub exchanges: u64,
    /// Spans.
    pub spans: u64,
}

/// How telemetry stands. When nothing is under way, `given` is `sent`, `dropped`, `failed` and `unsampled` together, in
/// exchanges and in spans.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Standing {
    /// What was observed.
    pub given: Count,
    /// What a collector took.
    pub sent: Count,
    /// What was never tried, since too much waited already, or it was too late.
    pub dropped: Count,
    /// What a collector did not take. It may have taken what it did not say it took.
    pub failed: Count,
    /// What makes no spans: its trace is not kept, or traces are not sent. The spans are those that it would have made.
    pub unsampled: Count,
    /// Messages with metrics that a collector took.
    pub metrics_sent: u64,
    /// Messages with metrics that it did not take. The next one that arrives makes up for them.
    pub metrics_failed: u64,
    /// Exchanges that wait or are on their way.
    pub waiting: u64,
    /// What went wrong last; it holds nothing that a collector said.
    pub last_error: Option<String>,
}

#[derive(Default)]
pub(crate) struct Tally {
    exchanges: AtomicU64,
    spans: AtomicU64,
}

impl Tally {
    pub fn add(&self, count: Count) {
        self.exchanges.fetch_add(count.exchanges, Relaxed);
        self.spans.fetch_add(count.spans, Relaxed);
    }

    pub fn get(&self) -> Count {
        Count {
            exchanges: self.exchanges.load(Relaxed),
            spans: self.spans.load(Relaxed),
        }
    }
}

/// The counts as they are kept.
#[derive(Default)]
pub(crate) struct Counts {
    pub given: Tally,
    pub sent: Tally,
    pub dropped: Tally,
    pub failed: Tally,
    pub unsampled: Tally,
    pub metrics_sent: AtomicU64,
    pub metrics_failed: AtomicU64,
    last_error: Mutex<Option<String>>,
}

impl Counts {
    pub fn error(&self, text: String) {
        let mut last = self.last_error.lock();
        if let Ok(last) = last.as_mut() {
            **last = Some(text);
        }
    }

    /// The counts as they are. `ended`: nothing more will be done with what has not been counted.
    pub fn standing(&self, ended: bool) -> Standing {
        // What was given is read last: it is never less than the rest.
        let (sent, dropped) = (self.sent.get(), self.dropped.get());
        let (failed, unsampled) = (self.failed.get(), self.unsampled.get());
        let given = self.given.get();
        let mut standing = Standing {
            given,
            sent,
            dropped,
            failed,
            unsampled,
            metrics_sent: self.metrics_sent.load(Relaxed),
            metrics_failed: self.metrics_failed.load(Relaxed),
            waiting: 0,
            last_error: self.last_error.lock().ok().and_then(|last| last.clone()),
        };
        let rest = |of: fn(&Count) -> u64| {
            let done = of(&sent) + of(&dropped) + of(&failed) + of(&unsampled);
            of(&given).saturating_sub(done)
        };
        let (exchanges, spans) = (rest(|c| c.exchanges), rest(|c| c.spans));
        match ended {
            true => {
                standing.dropped.exchanges += exchanges;
                standing.dropped.spans += spans;
            }
            false => standing.waiting = exchanges,
        }
        standing
    }
}
