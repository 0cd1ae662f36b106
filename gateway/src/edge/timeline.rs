//! Where the time of one exchange goes, as it goes.

use sallyport_exchange::Flow;
use sallyport_policy::Spent;
use sallyport_record::{Micros, STAGES_MAX, Stage, StageName, Word};
use std::time::{Duration, Instant};

/// The stages of one exchange so far.
pub struct Timeline {
    began: Instant,
    sent: Option<Instant>,
    first_byte: Option<Instant>,
    received: Option<Instant>,
    inspect: Duration,
    policy: Duration,
    compress: Option<Duration>,
    audit: Option<Duration>,
    read: Option<Duration>,
    stages: Vec<Stage>,
}

impl Timeline {
    /// Begins now.
    pub fn begin() -> Self {
        Timeline {
            began: Instant::now(),
            sent: None,
            first_byte: None,
            received: None,
            inspect: Duration::ZERO,
            policy: Duration::ZERO,
            compress: None,
            audit: None,
            read: None,
            stages: Vec::with_capacity(8),
        }
    }

    /// The request has been read.
    pub fn read(&mut self) {
        let took = self.began.elapsed();
        self.read = Some(took);
        self.push(StageName::Read, Flow::Request, Duration::ZERO, took, took);
    }

    /// A body was judged, just now.
    pub fn judged(&mut self, flow: Flow, spent: &Spent) {
        let inspect = Duration::from_nanos(spent.inspect_ns);
        let policy = Duration::from_nanos(spent.policy_ns);
        self.inspect += inspect;
        self.policy += policy;
        let end = self.began.elapsed();
        let middle = end.saturating_sub(policy);
        let start = middle.saturating_sub(inspect);
        self.push(StageName::Inspect, flow, start, inspect, inspect);
        if let Some(stage) = self.stages.last_mut() {
            let filters = spent.filters_ns.iter().filter(|(name, _)| !name.is_empty());
            stage.within = filters
                .map(|(name, ns)| (Word::from(*name), ns / 1000))
                .collect();
        }
        self.push(StageName::Policy, flow, middle, policy, policy);
    }

    /// A streamed answer was judged while it flowed.
    pub fn judged_flowing(&mut self, spent: &Spent) {
        let inspect = Duration::from_nanos(spent.inspect_ns);
        let policy = Duration::from_nanos(spent.policy_ns);
        self.inspect += inspect;
        self.policy += policy;
        let start = self.first_byte.map_or(Duration::ZERO, |at| at - self.began);
        let took = self.began.elapsed().saturating_sub(start);
        self.push(StageName::Inspect, Flow::Answer, start, took, inspect);
        self.push(StageName::Policy, Flow::Answer, start, took, policy);
    }

    /// Results of tools were made small, since `from`.
    pub fn compressed(&mut self, from: Instant) {
        let took = self.since(StageName::Compress, from);
        *self.compress.get_or_insert_default() += took;
    }

    /// The audit log was waited for, since `from`.
    pub fn audited(&mut self, from: Instant) {
        let took = self.since(StageName::Audit, from);
        *self.audit.get_or_insert_default() += took;
    }

    /// The request goes out.
    pub fn sent(&mut self) {
        self.sent = Some(Instant::now());
        self.first_byte = None;
        self.received = None;
    }

    /// The upstream's first byte is there. Only the first counts.
    pub fn first_byte(&mut self) {
        self.first_byte.get_or_insert_with(Instant::now);
    }

    /// The upstream's last byte is there.
    pub fn received(&mut self) {
        self.received.get_or_insert_with(Instant::now);
    }

    /// All stages, and their sums.
    pub fn end(mut self) -> (Micros, Vec<Stage>) {
        if let Some(sent) = self.sent {
            let start = sent - self.began;
            let end = self.received.unwrap_or_else(Instant::now);
            let took = end.saturating_duration_since(sent);
            self.push(StageName::Upstream, Flow::Request, start, took, took);
        }
        self.stages.sort_by_key(|stage| stage.start);
        let first = self.sent.zip(self.first_byte).map(|(sent, at)| at - sent);
        let micros = Micros {
            read: self.read.map(micros),
            inspect: Some(micros(self.inspect)),
            policy: Some(micros(self.policy)),
            compress: self.compress.map(micros),
            audit: self.audit.map(micros),
            upstream_first: first.map(micros),
            total: Some(micros(self.began.elapsed())),
        };
        (micros, self.stages)
    }

    fn since(&mut self, name: StageName, from: Instant) -> Duration {
        let took = from.elapsed();
        let start = from.saturating_duration_since(self.began);
        self.push(name, Flow::Request, start, took, took);
        took
    }

    fn push(
        &mut self,
        name: StageName,
        flow: Flow,
        start: Duration,
        took: Duration,
        busy: Duration,
    ) {
        if self.stages.len() < STAGES_MAX {
            self.stages.push(Stage {
                name,
                flow: flow.as_str().into(),
                start: micros(start),
                micros: micros(took),
                busy: micros(busy),
                within: Vec::new(),
            });
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
