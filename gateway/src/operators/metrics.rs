//! What is counted, for Prometheus. No label takes more values than a bound, whatever agents send.

use super::exemplars::Exemplars;
use super::{OperatorsView, openmetrics};
use crate::compression::{Mode, NotKept, Saved};
use crate::mcp::upstream::Tally;
use prometheus::core::Collector;
use prometheus::{
    CounterVec, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};
use sallyport_audit::NotKept as NotRecorded;
use sallyport_firewall::{Firewall, Stage};
use sallyport_record::Observed;
use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use table::*;

/// The most different values of a label that policies or key lists choose; further ones count as `other`.
const VALUES_MAX: usize = 500;
/// What a further value is counted as.
const OTHER: &str = "other";
/// What stands for a value that is not known.
const NONE: &str = "none";

/// From 10 microseconds to 5 minutes: policies take microseconds, models minutes.
static SECONDS: [f64; 20] = [
    0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
    0.1, 0.25, 0.5, 1.0, 5.0, 20.0, 60.0, 300.0,
];

/// The stages whose time is measured, in the order of a record.
const STAGES_OBSERVED: [&str; 7] = [
    "read",
    "inspect",
    "policy",
    "compress",
    "audit",
    "upstream_first",
    "total",
];

/// What a metric is called, what it says, and by what it is told apart.
#[derive(Clone, Copy)]
struct Metric {
    name: &'static str,
    help: &'static str,
    labels: &'static [&'static str],
}

impl Metric {
    const fn new(name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Self {
        Metric { name, help, labels }
    }

    fn options(self) -> Opts {
        Opts::new(self.name, self.help).namespace("sallyport")
    }
}

#[rustfmt::skip]
mod table {
    use super::Metric;

    pub(super) const BUILD: Metric = Metric::new("build_info", "Which version this is.", &["version"]);
    pub(super) const EXCHANGES: Metric = Metric::new("exchanges_total", "Exchanges that ended.", &["route", "operation", "verdict", "status"]);
    pub(super) const IN_FLIGHT: Metric = Metric::new("exchanges_in_flight", "Exchanges under way.", &[]);
    pub(super) const FINDINGS: Metric = Metric::new("findings_total", "What the detectors found.", &["label", "flow"]);
    pub(super) const REFUSALS: Metric = Metric::new("refusals_total", "Exchanges and tool calls that a rule refused.", &["rule"]);
    pub(super) const TOKENS: Metric = Metric::new("tokens_total", "Tokens, as the upstreams counted them.", &["team", "route", "kind"]);
    pub(super) const COST: Metric = Metric::new("cost_usd_total", "What that costs in US dollars, by the configured prices.", &["team", "route"]);
    pub(super) const FAILURES: Metric = Metric::new("failures_total", "Exchanges that broke, and whose doing that was.", &["code", "blame"]);
    pub(super) const STAGES: Metric = Metric::new("stage_seconds", "Where the time of an exchange goes.", &["stage"]);
    pub(super) const LOADS: Metric = Metric::new("loads_total", "Changes of policies, keys and the lock file that came into force, or did not.", &["what", "outcome"]);
    pub(super) const POLICY: Metric = Metric::new("policy_info", "Which policies are in force.", &["revision"]);
    pub(super) const POLICY_TIME: Metric = Metric::new("policy_in_force_since_seconds", "Since when they are in force, in seconds since 1970.", &[]);
    pub(super) const WRITTEN: Metric = Metric::new("decisions_written_total", "Decision records that were written.", &[]);
    pub(super) const TOOL_SESSIONS: Metric = Metric::new("tool_sessions", "Sessions of agents with tool servers.", &[]);
    pub(super) const TOOL_CONNECTIONS: Metric = Metric::new("tool_server_sessions_total", "Sessions that were begun with a tool server, or could not be.", &["server", "outcome"]);
    pub(super) const TOOL_LOST: Metric = Metric::new("tool_server_messages_lost_total", "Messages of a tool server that went nowhere: nobody waited for them, an equal one waited already, or they were none.", &["server", "why"]);
    pub(super) const FIREWALL_TEXTS: Metric = Metric::new("firewall_texts_total", "Texts that the firewall judged, by the stage that decided.", &["stage"]);
    pub(super) const FIREWALL_SECONDS: Metric = Metric::new("firewall_seconds_total", "Time the firewall took: to screen texts, and to wait for the model.", &["stage"]);
    pub(super) const FIREWALL_WINDOWS: Metric = Metric::new("firewall_windows_total", "Windows of text that the model was asked about.", &[]);
    pub(super) const FIREWALL_UNAVAILABLE: Metric = Metric::new("firewall_unavailable_total", "Times that the model did not answer.", &["why"]);
    pub(super) const FIREWALL_WAITING: Metric = Metric::new("firewall_windows_waiting", "Windows that wait for the model.", &[]);
    pub(super) const COMPRESSED_TOKENS: Metric = Metric::new("compression_tokens_total", "Tokens (o200k) of tools' results that compression rewrote, or would have: as they came, and as they went on.", &["team", "plan", "mode", "side"]);
    pub(super) const COMPRESSED_BILL: Metric = Metric::new("compression_billed_tokens_saved_total", "What that saved on the bill, in tokens read afresh, under the provider's prompt cache.", &["team", "plan", "mode"]);
    pub(super) const COMPRESSED_BLOCKS: Metric = Metric::new("compression_blocks_total", "Results of tools that compression looked at: the class of their form, or why they stayed as they were.", &["outcome"]);
    pub(super) const COMPRESSED_UNCOUNTED: Metric = Metric::new("compression_uncounted_total", "Exchanges whose saving was not counted: too many waited.", &[]);
    pub(super) const ORIGINALS_BYTES: Metric = Metric::new("compression_originals_bytes", "Bytes of originals that are kept.", &[]);
    pub(super) const ORIGINALS_REFUSED: Metric = Metric::new("compression_originals_refused_total", "Originals that could not be kept, so that nothing was left out.", &["why"]);
    pub(super) const ORIGINALS_ASKED: Metric = Metric::new("compression_retrievals_total", "Times that an original was asked for.", &["outcome"]);
    pub(super) const AUDIT_RECORDS: Metric = Metric::new("audit_records_total", "Records in the audit log that this process wrote, by their kind.", &["kind"]);
    pub(super) const AUDIT_LOST: Metric = Metric::new("audit_lost_total", "Audit records that were lost.", &[]);
    pub(super) const AUDIT_FAILURES: Metric = Metric::new("audit_failures_total", "Audit records that could not be kept when they should have been.", &["why"]);
    pub(super) const AUDIT_SIZE: Metric = Metric::new("audit_tree_size", "Records in the audit log.", &[]);
    pub(super) const AUDIT_UNSYNCED: Metric = Metric::new("audit_unsynced", "Audit records that may not be on disk yet.", &[]);
    pub(super) const TELEMETRY_SPANS: Metric = Metric::new("telemetry_spans_total", "Spans for the collector: taken by it, dropped because too many waited, or not taken.", &["outcome"]);
    pub(super) const HISTORY_DROPPED: Metric = Metric::new("history_dropped_total", "Exchanges that the console could not remember: too many waited.", &[]);
    pub(super) const HISTORY_EXCHANGES: Metric = Metric::new("history_exchanges", "Exchanges that the console remembers.", &[]);
    pub(super) const DROPPED: Metric = Metric::new("decisions_dropped_total", "Decision records that were lost.", &[]);
}

/// All that is counted.
pub struct Metrics {
    registry: Registry,
    exchanges: IntCounterVec,
    in_flight: IntGauge,
    findings: IntCounterVec,
    refusals: IntCounterVec,
    tokens: IntCounterVec,
    failures: IntCounterVec,
    stages: HistogramVec,
    exemplars: Exemplars,
    cost: CounterVec,
    loads: IntCounterVec,
    policy_info: IntGaugeVec,
    policy_time: IntGauge,
    decisions_written: IntCounterVec,
    decisions_dropped: IntCounterVec,
    tool_sessions: IntGauge,
    tool_connections: IntCounterVec,
    tool_lost: IntCounterVec,
    firewall_texts: IntCounterVec,
    firewall_seconds: CounterVec,
    firewall_windows: IntCounterVec,
    firewall_unavailable: IntCounterVec,
    firewall_waiting: IntGauge,
    compressed_tokens: IntCounterVec,
    compressed_bill: CounterVec,
    compressed_blocks: IntCounterVec,
    compressed_uncounted: IntCounterVec,
    originals_bytes: IntGauge,
    originals_refused: IntCounterVec,
    originals_asked: IntCounterVec,
    audit_records: IntCounterVec,
    audit_lost: IntCounterVec,
    audit_failures: IntCounterVec,
    audit_size: IntGauge,
    audit_unsynced: IntGauge,
    telemetry_spans: IntCounterVec,
    history_dropped: IntCounterVec,
    history_exchanges: IntGauge,
    rules: Values,
    teams: Values,
    /// Held while figures that others keep are copied in.
    copying: Mutex<()>,
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

/// An exchange in flight, until it is dropped.
#[derive(Debug)]
pub struct InFlight(IntGauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    /// Counts from zero.
    #[expect(
        clippy::expect_used,
        reason = "names and labels are written below, and a test makes them all"
    )]
    pub fn new() -> Self {
        Metrics::named().expect("the names of the metrics are valid and differ")
    }

    fn named() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let kept = Kept(&registry);
        let build = kept.gauges(BUILD)?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        Ok(Metrics {
            exchanges: kept.counters(EXCHANGES)?,
            in_flight: kept.gauge(IN_FLIGHT)?,
            findings: kept.counters(FINDINGS)?,
            refusals: kept.counters(REFUSALS)?,
            tokens: kept.counters(TOKENS)?,
            failures: kept.counters(FAILURES)?,
            stages: kept.seconds(STAGES)?,
            exemplars: Exemplars::new(&STAGES_OBSERVED, &SECONDS),
            cost: kept.keep(CounterVec::new(COST.options(), COST.labels)?)?,
            loads: kept.counters(LOADS)?,
            policy_info: kept.gauges(POLICY)?,
            policy_time: kept.gauge(POLICY_TIME)?,
            decisions_written: kept.counters(WRITTEN)?,
            decisions_dropped: kept.counters(DROPPED)?,
            tool_sessions: kept.gauge(TOOL_SESSIONS)?,
            tool_connections: kept.counters(TOOL_CONNECTIONS)?,
            tool_lost: kept.counters(TOOL_LOST)?,
            firewall_texts: kept.counters(FIREWALL_TEXTS)?,
            firewall_seconds: kept.keep(CounterVec::new(
                FIREWALL_SECONDS.options(),
                FIREWALL_SECONDS.labels,
            )?)?,
            firewall_windows: kept.counters(FIREWALL_WINDOWS)?,
            firewall_unavailable: kept.counters(FIREWALL_UNAVAILABLE)?,
            firewall_waiting: kept.gauge(FIREWALL_WAITING)?,
            compressed_tokens: kept.counters(COMPRESSED_TOKENS)?,
            compressed_bill: kept.keep(CounterVec::new(
                COMPRESSED_BILL.options(),
                COMPRESSED_BILL.labels,
            )?)?,
            compressed_blocks: kept.counters(COMPRESSED_BLOCKS)?,
            compressed_uncounted: kept.counters(COMPRESSED_UNCOUNTED)?,
            originals_bytes: kept.gauge(ORIGINALS_BYTES)?,
            originals_refused: kept.counters(ORIGINALS_REFUSED)?,
            originals_asked: kept.counters(ORIGINALS_ASKED)?,
            audit_records: kept.counters(AUDIT_RECORDS)?,
            audit_lost: kept.counters(AUDIT_LOST)?,
            audit_failures: kept.counters(AUDIT_FAILURES)?,
            audit_size: kept.gauge(AUDIT_SIZE)?,
            audit_unsynced: kept.gauge(AUDIT_UNSYNCED)?,
            telemetry_spans: kept.counters(TELEMETRY_SPANS)?,
            history_dropped: kept.counters(HISTORY_DROPPED)?,
            history_exchanges: kept.gauge(HISTORY_EXCHANGES)?,
            rules: Values::default(),
            teams: Values::default(),
            copying: Mutex::new(()),
            registry,
        })
    }

    /// An exchange begins; it ends when what this gives is dropped.
    pub fn begin(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// Counts all that a finished exchange's record says. Call it once, before the record is sent.
    pub fn exchange(&self, observed: &Observed) {
        let (all, record) = (self, &observed.record);
        let route = record.route.as_deref().unwrap_or(NONE);
        let verdict = record.verdict.as_str();
        let operation = record.operation.as_deref().unwrap_or(NONE);
        all.exchanges
            .with_label_values(&[route, operation, verdict, class(record.status)])
            .inc();
        for finding in &record.findings {
            all.findings
                .with_label_values(&[&*finding.label, &*finding.flow])
                .inc();
        }
        for rule in &record.refused_by {
            all.refusals
                .with_label_values(&[&*all.rules.bounded(rule)])
                .inc();
        }
        let team = record
            .caller
            .as_ref()
            .map_or_else(|| NONE.into(), |caller| all.teams.bounded(&caller.team));
        let usage = record.usage;
        for (kind, count) in [
            ("input", usage.input),
            ("output", usage.output),
            ("cached", usage.cached),
        ] {
            if let Some(count) = count {
                all.tokens
                    .with_label_values(&[&*team, route, kind])
                    .inc_by(count);
            }
        }
        if let Some(failure) = &record.failure {
            all.failures
                .with_label_values(&[&*failure.code, failure.blame.as_str()])
                .inc();
        }
        if let Some(cost) = record.cost_usd {
            all.cost
                .with_label_values(&[&*team, route])
                .inc_by(cost.max(0.0));
        }
        let micros = record.micros;
        for (stage, time) in STAGES_OBSERVED.into_iter().zip([
            micros.read,
            micros.inspect,
            micros.policy,
            micros.compress,
            micros.audit,
            micros.upstream_first,
            micros.total,
        ]) {
            if let Some(time) = time {
                let seconds = time as f64 / 1e6;
                all.stages.with_label_values(&[stage]).observe(seconds);
                all.exemplars.note(observed, stage, seconds);
            }
        }
    }

    /// Counts one result of a tool that compression looked at.
    /// `outcome`: the class of its form, or why it stays.
    pub fn compression_block(&self, outcome: &'static str) {
        self.compressed_blocks.with_label_values(&[outcome]).inc();
    }

    /// Counts what a plan saved a team (`mode` is lossless or reversible) or would have (`mode` is observe).
    pub fn compression_saved(&self, team: &Arc<str>, plan: Mode, mode: Mode, saved: Saved) {
        let team = &*self.teams.bounded(team);
        let (plan, mode) = (plan.as_str(), mode.as_str());
        for (side, tokens) in [("before", saved.before), ("after", saved.after)] {
            self.compressed_tokens
                .with_label_values(&[team, plan, mode, side])
                .inc_by(tokens);
        }
        self.compressed_bill
            .with_label_values(&[team, plan, mode])
            .inc_by(saved.billed.max(0.0));
    }

    /// Counts an exchange whose saving nobody had time to count.
    pub fn compression_uncounted(&self) {
        self.compressed_uncounted
            .with_label_values::<&str>(&[])
            .inc();
    }

    /// Counts an original that could not be kept.
    pub fn original_refused(&self, why: &NotKept) {
        let why = match why {
            NotKept::Full => "full",
            NotKept::Long => "long",
            NotKept::Io(..) => "broken",
        };
        self.originals_refused.with_label_values(&[why]).inc();
    }

    /// Counts a time that an original was asked for, and whether it was there.
    pub fn original_asked(&self, found: bool) {
        let outcome = if found { "found" } else { "unknown" };
        self.originals_asked.with_label_values(&[outcome]).inc();
    }

    /// Copies in what others count themselves, just before it is shown.
    pub(super) fn copy(&self, view: &OperatorsView) {
        let _one_at_a_time = self.copying.lock().unwrap_or_else(PoisonError::into_inner);
        let (policies, keys) = (view.policies.status(), view.keys.status());
        for (what, status) in [("policies", &policies), ("keys", &keys)] {
            raise(&self.loads, &[what, "ok"], status.loads);
            raise(&self.loads, &[what, "failed"], status.failures);
        }
        if let Some(pins) = &view.tools.pins {
            let standing = pins.standing();
            raise(&self.loads, &["lock", "ok"], standing.loads);
            raise(&self.loads, &["lock", "failed"], standing.failures);
        }
        raise(
            &self.decisions_written,
            &[],
            view.observers.decisions.written(),
        );
        raise(
            &self.decisions_dropped,
            &[],
            view.observers.decisions.dropped(),
        );
        self.policy_info.reset();
        self.policy_info
            .with_label_values(&[&*policies.revision])
            .set(1);
        self.policy_time.set(policies.loaded_at_ns / 1_000_000_000);
        self.copy_observers(view);
        let sessions = view.tools.sessions.len();
        self.tool_sessions
            .set(i64::try_from(sessions).unwrap_or(i64::MAX));
        if let Some(firewall) = &view.firewall {
            self.copy_firewall(firewall);
        }
        if let Some(originals) = view.compression.originals() {
            let bytes = i64::try_from(originals.bytes());
            self.originals_bytes.set(bytes.unwrap_or(i64::MAX));
        }
        for server in view.tools.servers.iter() {
            self.copy_tally(&server.config.name, &server.tally);
        }
    }

    fn copy_observers(&self, view: &OperatorsView) {
        let gauge = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        if let Some(audit) = &view.observers.audit {
            let now = audit.standing();
            for (kind, count) in &now.written {
                raise(&self.audit_records, &[kind], *count);
            }
            for why in NotRecorded::ALL {
                let count = now.failures.get(&why).copied().unwrap_or(0);
                raise(&self.audit_failures, &[why.as_str()], count);
            }
            raise(&self.audit_lost, &[], now.lost);
            self.audit_size.set(gauge(now.size));
            self.audit_unsynced.set(gauge(now.unsynced));
        }
        if let Some(telemetry) = &view.observers.telemetry {
            let now = telemetry.standing();
            for (outcome, count) in [
                ("sent", now.sent),
                ("dropped", now.dropped),
                ("failed", now.failed),
            ] {
                raise(&self.telemetry_spans, &[outcome], count.spans);
            }
        }
        let history = view.console.history();
        raise(&self.history_dropped, &[], history.dropped());
        self.history_exchanges.set(gauge(history.exchanges()));
    }

    fn copy_firewall(&self, firewall: &Firewall) {
        let now = firewall.counts();
        for (stage, count) in Stage::ALL.into_iter().zip(now.decided) {
            raise(&self.firewall_texts, &[stage.as_str()], count);
        }
        for (stage, took) in [("screen", now.screen), ("model", now.model)] {
            let counter = self.firewall_seconds.with_label_values(&[stage]);
            counter.inc_by((took.as_secs_f64() - counter.get()).max(0.0));
        }
        raise(&self.firewall_windows, &[], now.windows);
        for (why, count) in [
            ("overloaded", now.overloaded),
            ("late", now.late),
            ("failed", now.failed),
        ] {
            raise(&self.firewall_unavailable, &[why], count);
        }
        let (waiting, _) = firewall.held();
        self.firewall_waiting
            .set(i64::try_from(waiting).unwrap_or(i64::MAX));
    }

    /// Servers are those of the configuration, so their names are bounded.
    fn copy_tally(&self, server: &str, tally: &Tally) {
        let now = |count: &AtomicU64| count.load(Ordering::Relaxed);
        for (outcome, count) in [("ok", &tally.opened), ("failed", &tally.failed)] {
            raise(&self.tool_connections, &[server, outcome], now(count));
        }
        for (why, count) in [
            ("dropped", &tally.dropped),
            ("equal", &tally.coalesced),
            ("rubbish", &tally.rubbish),
        ] {
            raise(&self.tool_lost, &[server, why], now(count));
        }
    }

    /// Everything, in the form of OpenMetrics, with exemplars.
    pub fn openmetrics(&self) -> String {
        let stages = format!("sallyport_{}", STAGES.name);
        openmetrics::text(&self.registry.gather(), |name, metric, bucket| {
            let stage = metric.get_label().first().filter(|_| name == stages)?;
            self.exemplars.of(stage.value(), bucket)
        })
    }

    /// Everything, in the form Prometheus reads.
    pub fn text(&self) -> String {
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .unwrap_or_default()
    }
}

/// The values that a label has taken.
#[derive(Default)]
struct Values(RwLock<HashSet<Arc<str>>>);

impl Values {
    /// The value, or `other` if there are too many already.
    fn bounded(&self, value: &Arc<str>) -> Arc<str> {
        if self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(value)
        {
            return value.clone();
        }
        let mut seen = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if seen.len() < VALUES_MAX {
            seen.insert(value.clone());
            return value.clone();
        }
        OTHER.into()
    }
}

/// Brings a counter up to what was counted elsewhere.
fn raise(counters: &IntCounterVec, labels: &[&str], now: u64) {
    let counter = counters.with_label_values(labels);
    counter.inc_by(now.saturating_sub(counter.get()));
}

fn class(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        5 => "5xx",
        _ => NONE,
    }
}

/// Where metrics are kept while they are made.
struct Kept<'r>(&'r Registry);

impl Kept<'_> {
    fn keep<C: Collector + Clone + 'static>(&self, metric: C) -> Result<C, prometheus::Error> {
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn counters(&self, metric: Metric) -> Result<IntCounterVec, prometheus::Error> {
        self.keep(IntCounterVec::new(metric.options(), metric.labels)?)
    }

    fn gauges(&self, metric: Metric) -> Result<IntGaugeVec, prometheus::Error> {
        self.keep(IntGaugeVec::new(metric.options(), metric.labels)?)
    }

    fn gauge(&self, metric: Metric) -> Result<IntGauge, prometheus::Error> {
        self.keep(IntGauge::with_opts(metric.options())?)
    }

    fn seconds(&self, metric: Metric) -> Result<HistogramVec, prometheus::Error> {
        let options = HistogramOpts::from(metric.options()).buckets(SECONDS.to_vec());
        self.keep(HistogramVec::new(options, metric.labels)?)
    }
}
