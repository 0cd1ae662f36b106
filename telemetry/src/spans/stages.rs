//! A span for each stage but the upstream's.

use super::attributes::Attributes;
use super::{Shape, inner_id, is_inner};
use crate::semantics;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use sallyport_record::{Observed, Stage, StageName, Trace};

pub fn spans(observed: &Observed, trace: &Trace, spans: &mut Vec<Span>) {
    let inner = observed.stages.iter().filter(|stage| is_inner(stage.name));
    let last_policy = inner
        .clone()
        .filter(|s| s.name == StageName::Policy)
        .count();
    let mut policies = 0;
    for (n, stage) in inner.enumerate() {
        let mut attributes = Attributes::default();
        time(stage, &mut attributes);
        if stage.name == StageName::Policy {
            policies += 1;
        }
        details(observed, stage, policies == last_policy, &mut attributes);
        let shape = Shape {
            id: inner_id(trace, n),
            parent: Some(trace.span),
            remote: false,
            kind: SpanKind::Internal,
            name: format!("{} {}", stage.name.as_str(), stage.flow),
            from: stage.start,
            to: stage.start.saturating_add(stage.micros),
        };
        spans.push(shape.span(observed, trace, attributes));
    }
}

/// Where its time went. Of a stream that is judged piece by piece, most of a stage is waiting.
fn time(stage: &Stage, attributes: &mut Attributes) {
    attributes.text("sallyport.stage", stage.name.as_str());
    attributes.text("sallyport.flow", &stage.flow);
    attributes.double("sallyport.busy", stage.busy as f64 / 1e6);
    for (what, micros) in stage.within.iter().take(crate::limits::LIST_MAX) {
        let what = super::shortened(what, WITHIN_BYTES_MAX);
        attributes.double(&format!("sallyport.within.{what}"), *micros as f64 / 1e6);
    }
}

/// Bytes of a filter's name in an attribute's name.
const WITHIN_BYTES_MAX: usize = 64;

/// What came of it. A record says which rules spoke, not at which flow: the last time that policies were asked has them.
fn details(observed: &Observed, stage: &Stage, is_last_policy: bool, attributes: &mut Attributes) {
    let record = &observed.record;
    match stage.name {
        StageName::Policy if is_last_policy => {
            attributes.text("sallyport.verdict", record.verdict.as_str());
            attributes.texts("sallyport.rules", &record.rules);
            attributes.texts("sallyport.refused_by", &record.refused_by);
            attributes.maybe("sallyport.policy.revision", record.policy.as_deref());
        }
        StageName::Inspect => {
            let found = record.findings.iter().filter(|f| f.flow == stage.flow);
            attributes.int("sallyport.findings", found.count());
        }
        StageName::Compress => {
            if let Some(compression) = &record.compression {
                attributes.text("sallyport.compression.mode", &compression.mode);
                attributes.int("sallyport.compression.blocks", compression.blocks);
                attributes.int("sallyport.compression.rewritten", compression.rewritten);
            }
            attributes.maybe_int("sallyport.tokens.saved", semantics::saved(record));
        }
        _ => {}
    }
}
