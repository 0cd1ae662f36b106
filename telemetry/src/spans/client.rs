//! The span of the request to the upstream.

use super::attributes::Attributes;
use super::{Shape, Told, content, ended, error, is_mcp, status_error};
use crate::semantics;
use crate::settings::Conventions;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use sallyport_record::{Blame, Observed, Record, StageName, Trace, Verdict};

pub fn span(told: &mut Told, observed: &Observed, trace: &Trace) -> Span {
    let mut attributes = Attributes::default();
    let record = &observed.record;
    let name = match is_mcp(observed) {
        true => mcp(told, observed, &mut attributes),
        false => inference(told, observed, &mut attributes),
    };
    if let Some(address) = observed
        .peer
        .as_ref()
        .and_then(|peer| peer.address.as_ref())
    {
        attributes.text("server.address", address);
        attributes.maybe_int(
            "server.port",
            observed.peer.as_ref().and_then(|peer| peer.port),
        );
    }
    attributes.maybe("sallyport.upstream", record.upstream.as_deref());
    let failure = failed(record);
    if let Some(kind) = &failure {
        attributes.text("error.type", kind);
    }
    let (from, to) = times(observed);
    let shape = Shape {
        id: trace.upstream,
        parent: Some(trace.span),
        remote: false,
        kind: SpanKind::Client,
        name,
        from,
        to,
    };
    let mut span = shape.span(observed, trace, attributes);
    span.status = failure.and_then(|_| error(String::new()));
    span
}

/// From the first byte sent to the last received, in microseconds into the exchange.
pub(crate) fn times(observed: &Observed) -> (u64, u64) {
    let asked = observed
        .stages
        .iter()
        .filter(|s| s.name == StageName::Upstream);
    let from = asked.clone().map(|stage| stage.start).min();
    let to = asked
        .map(|stage| stage.start.saturating_add(stage.micros))
        .max();
    let from = from.or(observed.record.micros.read);
    (
        from.unwrap_or_default(),
        to.unwrap_or_else(|| ended(observed)),
    )
}

/// What went wrong there. A status that the agent was handed as it came is the upstream's.
pub(crate) fn failed(record: &Record) -> Option<String> {
    match &record.failure {
        Some(failure) if failure.blame == Blame::Upstream => Some(failure.code.to_string()),
        Some(_) => None,
        None => match record.verdict {
            Verdict::Allowed | Verdict::Redacted => status_error(record.status, 400),
            Verdict::Denied | Verdict::Steered | Verdict::Failed => None,
        },
    }
}

/// The attributes of an inference span, and its name.
fn inference(told: &mut Told, observed: &Observed, attributes: &mut Attributes) -> String {
    let record = &observed.record;
    let operation = semantics::genai_operation(record);
    let provider = observed.peer.as_ref().map(|peer| peer.provider.as_ref());
    attributes.text("gen_ai.operation.name", operation);
    let provider = semantics::provider(provider, record.dialect.as_deref());
    attributes.text("gen_ai.provider.name", provider);
    attributes.maybe("gen_ai.request.model", record.model.as_deref());
    asked(told, observed, attributes);
    answered(told, observed, attributes);
    if told.content {
        content::messages(observed, attributes);
    }
    match &record.model {
        Some(model) => format!(
            "{operation} {}",
            told.names.word("gen_ai.request.model", model)
        ),
        None => operation.to_owned(),
    }
}

fn asked(told: &Told, observed: &Observed, attributes: &mut Attributes) {
    let settings = &observed.settings;
    if observed.record.stream {
        attributes.bool("gen_ai.request.stream", true);
    }
    attributes.maybe_int("gen_ai.request.max_tokens", settings.max_tokens);
    if let Some(temperature) = settings.temperature {
        attributes.double("gen_ai.request.temperature", temperature);
    }
    if let Some(top_p) = settings.top_p {
        attributes.double("gen_ai.request.top_p", top_p);
    }
    match (settings.top_k, told.conventions) {
        (Some(top_k), Conventions::V1_41) => {
            attributes.double("gen_ai.request.top_k", top_k as f64);
        }
        (Some(top_k), Conventions::Latest) => attributes.int("gen_ai.request.top_k", top_k),
        (None, _) => {}
    }
    attributes.maybe_int("gen_ai.request.seed", settings.seed);
    let choices = settings.choices.filter(|choices| *choices != 1);
    attributes.maybe_int("gen_ai.request.choice.count", choices);
    let compacted = observed
        .record
        .compression
        .as_ref()
        .is_some_and(|c| c.rewritten > 0);
    if compacted && told.conventions == Conventions::Latest {
        attributes.bool("gen_ai.conversation.compacted", true);
    }
}

fn answered(told: &Told, observed: &Observed, attributes: &mut Attributes) {
    let record = &observed.record;
    let said = &observed.said;
    attributes.maybe("gen_ai.response.id", said.id.as_deref());
    attributes.maybe("gen_ai.response.model", said.model.as_deref());
    let broken = record.failure.is_some() && told.conventions == Conventions::Latest;
    match said.finish_reasons.is_empty() && broken {
        // A reason that was expected and did not come.
        true => attributes.texts("gen_ai.response.finish_reasons", ["error"]),
        false => attributes.texts("gen_ai.response.finish_reasons", &said.finish_reasons),
    }
    if let Some(first) = record.micros.upstream_first.filter(|_| record.stream) {
        attributes.double("gen_ai.response.time_to_first_chunk", first as f64 / 1e6);
    }
    if semantics::is_inference(record) {
        attributes.maybe_int("gen_ai.usage.input_tokens", record.usage.input);
        attributes.maybe_int("gen_ai.usage.output_tokens", record.usage.output);
        attributes.maybe_int("gen_ai.usage.cache_read.input_tokens", record.usage.cached);
    }
}

/// The attributes of an MCP client span, and its name.
fn mcp(told: &mut Told, observed: &Observed, attributes: &mut Attributes) -> String {
    let record = &observed.record;
    semantics::mcp(record, attributes);
    match observed.peer.as_ref().map(|peer| peer.address.is_some()) {
        Some(true) => {
            attributes.text("network.transport", "tcp");
            attributes.text("network.protocol.name", "http");
        }
        Some(false) => attributes.text("network.transport", "pipe"),
        None => {}
    }
    if told.content {
        content::call(observed, attributes);
    }
    semantics::mcp_span_name(record, &mut told.names)
}
