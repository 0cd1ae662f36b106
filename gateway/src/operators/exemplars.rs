//! One trace for each bucket of the stages' times, so that a slow one can be looked at.

use parking_lot::Mutex;
use sallyport_record::Observed;
use std::time::{SystemTime, UNIX_EPOCH};

/// An exchange that fell into a bucket.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Exemplar {
    /// Its trace, in hex.
    pub trace: String,
    /// What was measured, in seconds.
    pub seconds: f64,
    /// When, in seconds since 1970.
    pub at: f64,
}

/// The last exemplar of each bucket of each stage. There are as many as stages and buckets, never more.
#[derive(Debug)]
pub(super) struct Exemplars {
    bounds: &'static [f64],
    stages: Vec<(&'static str, Mutex<Vec<Option<Exemplar>>>)>,
}

impl Exemplars {
    /// None yet.
    pub fn new(stages: &[&'static str], bounds: &'static [f64]) -> Self {
        let empty = || Mutex::new(vec![None; bounds.len() + 1]);
        Exemplars {
            bounds,
            stages: stages.iter().map(|stage| (*stage, empty())).collect(),
        }
    }

    /// Notes one that is kept as a trace. Where another thread is just doing the same, one of both is enough.
    pub fn note(&self, observed: &Observed, stage: &str, seconds: f64) {
        let Some(trace) = observed.trace.as_ref().filter(|trace| trace.sampled) else {
            return;
        };
        let Some((_, buckets)) = self.stages.iter().find(|(name, _)| *name == stage) else {
            return;
        };
        let at = self.bounds.partition_point(|bound| *bound < seconds);
        if let Some(mut buckets) = buckets.try_lock() {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            buckets[at] = Some(Exemplar {
                trace: trace.trace.to_string(),
                seconds,
                at: since.unwrap_or_default().as_secs_f64(),
            });
        }
    }

    /// The one of a bucket, by its place.
    pub fn of(&self, stage: &str, bucket: usize) -> Option<Exemplar> {
        let (_, buckets) = self.stages.iter().find(|(name, _)| *name == stage)?;
        buckets.lock().get(bucket)?.clone()
    }
}
