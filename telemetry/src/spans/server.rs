//! The span of the exchange itself.

use super::attributes::Attributes;
use super::{Shape, Told, ended, error, event, is_mcp, link, status_error};
use crate::limits::{EVENTS_MAX, LABELS_MAX};
use crate::semantics;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use sallyport_record::{Blame, Observed, Record, Trace};
use std::collections::BTreeMap;

pub fn span(told: &mut Told, observed: &Observed, trace: &Trace) -> Span {
    let mut attributes = Attributes::default();
    let record = &observed.record;
    let name = match is_mcp(observed) {
        true => {
            semantics::mcp(record, &mut attributes);
            attributes.text("network.transport", "tcp");
            attributes.text("network.protocol.name", "http");
            semantics::mcp_span_name(record, &mut told.names)
        }
        false => http(record, &mut attributes),
    };
    if record.status != 0 {
        attributes.int("http.response.status_code", record.status);
    }
    decision(record, &mut attributes);
    findings(record, &mut attributes);
    spent(record, &mut attributes);
    let failure = failed(record);
    if let Some((kind, _)) = &failure {
        attributes.text("error.type", kind);
    }
    let shape = Shape {
        id: trace.span,
        parent: trace.parent.as_ref().map(|parent| parent.span),
        remote: trace.parent.is_some(),
        kind: SpanKind::Server,
        name,
        from: 0,
        to: ended(observed),
    };
    let mut span = shape.span(observed, trace, attributes);
    let (events, left_out) = events(told, observed);
    span.events = events;
    span.dropped_events_count = left_out;
    span.links = trace.link.iter().map(link).collect();
    span.status = failure.and_then(|(_, message)| error(message));
    span
}

/// What the HTTP conventions ask for, as far as it follows from what was asked; and the span's name.
fn http(record: &Record, attributes: &mut Attributes) -> String {
    let (method, route) = semantics::endpoint(record);
    attributes.text(
        "http.request.method",
        method.unwrap_or(semantics::METHOD_OTHER),
    );
    attributes.maybe("http.route", route);
    match (method, route) {
        (Some(method), Some(route)) => format!("{method} {route}"),
        (None, Some(route)) => route.to_owned(),
        _ => "HTTP".to_owned(),
    }
}

/// Who asked, what was decided, and why.
fn decision(record: &Record, attributes: &mut Attributes) {
    attributes.text("sallyport.decision.id", &record.id);
    attributes.text("sallyport.verdict", record.verdict.as_str());
    if let Some(caller) = &record.caller {
        attributes.text("sallyport.team", &caller.team);
        attributes.text("sallyport.agent", &caller.agent);
        attributes.text("sallyport.key", &caller.key);
    }
    attributes.maybe("sallyport.route", record.route.as_deref());
    attributes.maybe("sallyport.upstream", record.upstream.as_deref());
    attributes.maybe("sallyport.dialect", record.dialect.as_deref());
    attributes.maybe("sallyport.operation", record.operation.as_deref());
    attributes.maybe("sallyport.session", record.session.as_deref());
    attributes.maybe("sallyport.policy.revision", record.policy.as_deref());
    attributes.texts("sallyport.rules", &record.rules);
    attributes.texts("sallyport.refused_by", &record.refused_by);
    attributes.texts("sallyport.hidden", &record.hidden);
    if record.unread > 0 {
        attributes.int("sallyport.unread", record.unread);
    }
    if let Some(failure) = &record.failure {
        attributes.text("sallyport.failure", &failure.code);
        attributes.text("sallyport.blame", failure.blame.as_str());
    }
}

/// How much was found of what.
fn findings(record: &Record, attributes: &mut Attributes) {
    if record.findings.is_empty() {
        return;
    }
    attributes.int("sallyport.findings", record.findings.len());
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in &record.findings {
        *counts.entry(finding.label.as_ref()).or_default() += 1;
    }
    let mut other = 0;
    for (n, (label, count)) in counts.into_iter().enumerate() {
        match n < LABELS_MAX {
            true => {
                let label = super::shortened(label, LABEL_BYTES_MAX);
                attributes.int(format!("sallyport.findings.{label}"), count);
            }
            false => other += count,
        }
    }
    if other > 0 {
        attributes.int("sallyport.findings.other", other);
    }
}

/// Bytes of a label in an attribute's name.
const LABEL_BYTES_MAX: usize = 64;

/// What it cost and saved.
fn spent(record: &Record, attributes: &mut Attributes) {
    if let Some(cost) = record.cost_usd {
        attributes.double("sallyport.cost_usd", cost);
    }
    attributes.maybe_int("sallyport.tokens.saved", semantics::saved(record));
    attributes.int("sallyport.bytes.request", record.bytes.request);
    attributes.int("sallyport.bytes.answer", record.bytes.answer);
}

/// What kind of error it is for whoever runs the gateway, and in words. A refusal is none: the gateway did what it is there
/// for. Nor is what the agent did wrong, as the HTTP conventions have it for servers.
pub(crate) fn failed(record: &Record) -> Option<(String, String)> {
    match &record.failure {
        Some(failure) if failure.blame != Blame::Agent => {
            let message = format!("{} ({})", failure.code, failure.blame.as_str());
            Some((failure.code.to_string(), message))
        }
        _ => status_error(record.status, 500).map(|status| (status, String::new())),
    }
}

/// Refusals, warnings and judged tool calls; and how many had to be left out.
fn events(told: &Told, observed: &Observed) -> (Vec<Event>, u32) {
    let record = &observed.record;
    let at = ended(observed);
    let refusals = record.refused_by.iter().map(|rule| {
        let mut attributes = Attributes::default();
        attributes.text("sallyport.rule", rule);
        ("sallyport.refused", attributes)
    });
    let warnings = record.warnings.iter().map(|warning| {
        let mut attributes = Attributes::default();
        attributes.text("sallyport.rule", &warning.rule);
        // A policy may quote the body.
        let say = warning.say.as_deref().filter(|_| told.content);
        attributes.maybe("sallyport.say", say);
        ("sallyport.warning", attributes)
    });
    let calls = record.calls.iter().map(|call| {
        let mut attributes = Attributes::default();
        attributes.text("gen_ai.tool.name", &call.tool);
        attributes.text("sallyport.verdict", call.verdict.as_str());
        attributes.maybe("sallyport.rule", call.rule.as_deref());
        ("sallyport.tool_call", attributes)
    });
    let all = record.refused_by.len() + record.warnings.len() + record.calls.len();
    let events: Vec<Event> = refusals
        .chain(warnings)
        .chain(calls)
        .take(EVENTS_MAX)
        .map(|(name, attributes)| event(observed, at, name, attributes))
        .collect();
    let left_out = all - events.len() + record.left_out;
    (events, u32::try_from(left_out).unwrap_or(u32::MAX))
}
