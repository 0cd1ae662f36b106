//! What the stages did, counted since the start.

use crate::Unavailable;
use crate::verdict::Stage;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// The counters themselves.
#[derive(Default)]
pub struct Counts {
    decided: [AtomicU64; Stage::ALL.len()],
    windows: AtomicU64,
    overloaded: AtomicU64,
    late: AtomicU64,
    failed: AtomicU64,
    screen_ns: AtomicU64,
    model_ns: AtomicU64,
}

/// What the counters stood at.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counted {
    /// Texts by the stage that decided them, in the order of `Stage::ALL`.
    pub decided: [u64; Stage::ALL.len()],
    /// Windows that the model was asked about.
    pub windows: u64,
    /// Times that the model could not be asked: the queue was full.
    pub overloaded: u64,
    /// Times that it did not answer in time.
    pub late: u64,
    /// Times that it failed.
    pub failed: u64,
    /// Spent before the model: hashing, normalising, patterns, n-grams.
    pub screen: Duration,
    /// Spent waiting for the model.
    pub model: Duration,
}

impl Counts {
    pub(crate) fn decided(&self, stage: Stage) {
        self.decided[stage as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn screened(&self, took: Duration) {
        self.screen_ns.fetch_add(took.as_nanos() as u64, Relaxed);
    }

    pub(crate) fn asked(&self, windows: usize, failure: Option<Unavailable>, took: Duration) {
        self.windows.fetch_add(windows as u64, Relaxed);
        self.model_ns.fetch_add(took.as_nanos() as u64, Relaxed);
        let counter = match failure {
            None => return,
            Some(Unavailable::Overloaded) => &self.overloaded,
            Some(Unavailable::Late) => &self.late,
            Some(Unavailable::Failed) => &self.failed,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// Reads them.
    pub fn read(&self) -> Counted {
        Counted {
            decided: std::array::from_fn(|i| self.decided[i].load(Relaxed)),
            windows: self.windows.load(Relaxed),
            overloaded: self.overloaded.load(Relaxed),
            late: self.late.load(Relaxed),
            failed: self.failed.load(Relaxed),
            screen: Duration::from_nanos(self.screen_ns.load(Relaxed)),
            model: Duration::from_nanos(self.model_ns.load(Relaxed)),
        }
    }
}
