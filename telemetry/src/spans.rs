//! One exchange as spans.
//!
//! * A `SERVER` span is the exchange itself, as the agent sees it. For models it is named as the HTTP conventions name a
//!   request that was routed, `POST /v1/chat/completions`, and not after the model: what a server span says is what was
//!   served, and the model's name is the agent's to choose, so that it would make as many span names as anybody likes.
//!   For tool servers it is named by the MCP conventions, `tools/call get_weather`.
//! * A `CLIENT` child is the request to the upstream, under the id that was sent on in `traceparent`: a GenAI inference
//!   span, `chat gpt-5`, or an MCP client span.
//! * An `INTERNAL` child for each other stage.
//!
//! The spans are made by hand, from what was measured, once the exchange has ended: their ids had to be drawn when it
//! began, and what happens on the hot path must not depend on who watches.

mod attributes;
mod client;
mod content;
mod server;
mod stages;

pub(crate) use attributes::{Attributes, shortened};
pub(crate) use client::{failed as upstream_error, times as upstream_times};
pub(crate) use server::failed as server_error;

use crate::settings::{Conventions, Settings};
use crate::vocabulary::Vocabulary;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use sallyport_record::{Observed, SpanId, StageName, Trace, TraceParent, Verdict};

/// How exchanges are told.
pub(crate) struct Told {
    pub content: bool,
    pub conventions: Conventions,
    /// Names that agents chose and that stand in names of spans.
    pub names: Vocabulary,
}

impl Told {
    pub fn new(settings: &Settings) -> Self {
        Told {
            content: settings.content,
            conventions: settings.conventions,
            names: Vocabulary::default(),
        }
    }

    /// The spans of an exchange: as many as [`count`] says.
    pub fn spans(&mut self, observed: &Observed, trace: &Trace, spans: &mut Vec<Span>) {
        let before = spans.len();
        spans.push(server::span(self, observed, trace));
        if asked_upstream(observed) {
            spans.push(client::span(self, observed, trace));
        }
        stages::spans(observed, trace, spans);
        debug_assert_eq!(spans.len() - before, count(observed));
    }
}

/// How many spans an exchange makes.
pub(crate) fn count(observed: &Observed) -> usize {
    let inner = observed.stages.iter().filter(|s| is_inner(s.name));
    1 + usize::from(asked_upstream(observed)) + inner.count()
}

/// Whether its spans are sent: its trace is kept, or it is one that nobody wants to miss.
pub(crate) fn kept(observed: &Observed, keep_refused: bool) -> Option<&Trace> {
    let trace = observed.trace.as_ref()?;
    (trace.sampled || (keep_refused && is_remarkable(observed))).then_some(trace)
}

fn is_remarkable(observed: &Observed) -> bool {
    let record = &observed.record;
    let refused = match record.verdict {
        Verdict::Denied | Verdict::Steered | Verdict::Failed => true,
        Verdict::Allowed | Verdict::Redacted => false,
    };
    refused || record.failure.is_some() || !record.refused_by.is_empty()
}

fn is_inner(name: StageName) -> bool {
    name != StageName::Upstream
}

/// Whether the upstream was asked. An exchange that was refused may know whom it would have gone to.
pub(crate) fn asked_upstream(observed: &Observed) -> bool {
    let mut stages = observed.stages.iter();
    stages.any(|stage| stage.name == StageName::Upstream)
        || (observed.peer.is_some() && observed.record.micros.upstream_first.is_some())
}

fn is_mcp(observed: &Observed) -> bool {
    observed.record.mcp.is_some()
}

/// Nanoseconds since 1970 at so many microseconds into the exchange.
fn at(observed: &Observed, micros: u64) -> u64 {
    let began = u64::try_from(observed.began_ns).unwrap_or_default();
    began.saturating_add(micros.saturating_mul(1_000))
}

/// When the exchange was over, in microseconds after it began.
fn ended(observed: &Observed) -> u64 {
    let stages = observed.stages.iter();
    let last = stages.map(|stage| stage.start.saturating_add(stage.micros));
    let last = last.max().unwrap_or_default();
    observed.record.micros.total.unwrap_or(last).max(last)
}

/// Flags of a span or link (`opentelemetry.proto.trace.v1.SpanFlags`): those of W3C, and whether the parent is remote.
fn flags(sampled: bool, remote: bool) -> u32 {
    const HAS_IS_REMOTE: u32 = 0x100;
    const IS_REMOTE: u32 = 0x200;
    u32::from(sampled) | HAS_IS_REMOTE | if remote { IS_REMOTE } else { 0 }
}

/// A span of this exchange, from and to so many microseconds into it.
struct Shape {
    id: SpanId,
    parent: Option<SpanId>,
    remote: bool,
    kind: SpanKind,
    name: String,
    from: u64,
    to: u64,
}

impl Shape {
    fn span(self, observed: &Observed, trace: &Trace, attributes: Attributes) -> Span {
        Span {
            trace_id: trace.trace.0.to_vec(),
            span_id: self.id.0.to_vec(),
            trace_state: trace.state().unwrap_or_default().to_owned(),
            parent_span_id: self.parent.map(|id| id.0.to_vec()).unwrap_or_default(),
            flags: flags(trace.sampled, self.remote),
            name: self.name,
            kind: self.kind as i32,
            start_time_unix_nano: at(observed, self.from),
            end_time_unix_nano: at(observed, self.to.max(self.from)),
            attributes: attributes.list,
            ..Default::default()
        }
    }
}

fn link(to: &TraceParent) -> Link {
    Link {
        trace_id: to.trace.0.to_vec(),
        span_id: to.span.0.to_vec(),
        trace_state: to.state.clone().unwrap_or_default(),
        flags: flags(to.sampled, true),
        ..Default::default()
    }
}

fn event(observed: &Observed, micros: u64, name: &str, attributes: Attributes) -> Event {
    Event {
        time_unix_nano: at(observed, micros),
        name: name.to_owned(),
        attributes: attributes.list,
        ..Default::default()
    }
}

fn error(message: String) -> Option<Status> {
    Some(Status {
        message,
        code: StatusCode::Error as i32,
    })
}

/// The id of the n-th inner span. Drawn from that of the exchange's own span, which is random and of this exchange alone,
/// by a bijection (SplitMix64): no two inner spans of an exchange have the same.
fn inner_id(trace: &Trace, n: usize) -> SpanId {
    const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
    let step = STEP.wrapping_mul(n as u64 + 1);
    let mut mixed = u64::from_be_bytes(trace.span.0).wrapping_add(step);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^= mixed >> 31;
    SpanId(mixed.max(1).to_be_bytes())
}

/// What the HTTP conventions call the class of error that an answer with this status is; nothing below `least`.
fn status_error(status: u16, least: u16) -> Option<String> {
    (status >= least).then(|| status.to_string())
}
