//! Everybody who is told of an exchange once it has ended.

use crate::audit::Audit;
use crate::decisions::RecordSink;
use crate::operators::Metrics;
use sallyport_console::History;
use sallyport_record::Observed;
use sallyport_telemetry::Telemetry;
use std::sync::Arc;
use std::time::Duration;

/// How long a collector is waited for when the gateway stops.
const TELEMETRY_WAIT: Duration = Duration::from_secs(3);

/// Whom exchanges are told to. Cheap to clone; nobody in here makes an exchange wait that has ended.
#[derive(Clone)]
pub struct Observers {
    /// The decision log.
    pub decisions: RecordSink,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The audit log, if there is one.
    pub audit: Option<Audit>,
    /// Traces and metrics to a collector, if there is one.
    pub telemetry: Option<Arc<Telemetry>>,
    /// What the console remembers, if it remembers anything.
    pub history: Option<Arc<History>>,
    /// Whether it is told what was said, too.
    pub history_content: bool,
}

impl Observers {
    /// Tells everybody.
    pub fn tell(&self, observed: Observed) {
        self.metrics.exchange(&observed);
        let observed = Arc::new(observed);
        if let Some(audit) = &self.audit {
            audit.ended(&observed);
        }
        if let Some(telemetry) = &self.telemetry {
            telemetry.observe(observed.clone());
        }
        if let Some(history) = &self.history {
            history.observe(self.for_history(&observed));
        }
        self.decisions.write(observed);
    }

    /// The same without words where only telemetry is to have them.
    fn for_history(&self, observed: &Arc<Observed>) -> Arc<Observed> {
        let has_words = observed.parts.iter().any(|part| part.text.is_some());
        if self.history_content || !has_words {
            return observed.clone();
        }
        let mut silent = Observed::clone(observed);
        for part in &mut silent.parts {
            part.text = None;
            part.marks.clear();
        }
        Arc::new(silent)
    }

    /// Lets everybody finish. Waits, but not for ever.
    pub fn close(&self) {
        self.decisions.flush();
        if let Some(audit) = &self.audit {
            audit.close();
        }
        if let Some(telemetry) = &self.telemetry {
            telemetry.shutdown(TELEMETRY_WAIT);
        }
        if let Some(history) = &self.history {
            history.flush();
        }
    }
}
