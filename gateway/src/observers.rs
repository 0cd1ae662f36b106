//! Everybody who is told of an exchange once it has ended.

use crate::decisions::RecordSink;
use crate::operators::Metrics;
use sallyport_record::Observed;
use std::sync::Arc;

/// Whom exchanges are told to. Cheap to clone; nobody in here makes an exchange wait.
#[derive(Clone)]
pub struct Observers {
    /// The decision log.
    pub decisions: RecordSink,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

impl Observers {
    /// Tells everybody.
    pub fn tell(&self, observed: Observed) {
        self.metrics.exchange(&observed);
        let observed = Arc::new(observed);
        self.decisions.write(observed);
    }
}
