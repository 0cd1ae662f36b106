//! What is noted of exchanges beside their record, and where they stand in a trace.

use crate::config::Config;
use http::HeaderMap;
use sallyport_record::{SpanId, Trace, TraceId, TraceParent};
use sallyport_telemetry::Sampler;

/// How much is noted; what nobody wants costs nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Watching {
    /// Findings with their words, in the record.
    pub text: bool,
    /// Which parts were in the bodies.
    pub parts: bool,
    /// With their words.
    pub content: bool,
    /// Digests of bodies.
    pub digests: bool,
    /// Which traces are kept; `None`: nobody traces.
    pub sampler: Option<Sampler>,
}

impl Watching {
    /// As much as the configuration wants. `sampler`: which traces are kept, if they go anywhere.
    pub fn of(config: &Config, sampler: Option<Sampler>) -> Self {
        let telemetry = config.telemetry.as_ref();
        let traced = sampler.is_some();
        let history = config.history.as_ref();
        Watching {
            text: config.decisions.text,
            parts: traced || history.is_some(),
            content: telemetry.is_some_and(|t| t.content && traced)
                || history.is_some_and(|h| h.content),
            digests: config.audit.is_some(),
            sampler,
        }
    }

    /// A place in a trace: that which `parent` names, or a new one.
    pub fn trace(&self, parent: Option<TraceParent>) -> Option<Trace> {
        let sampler = self.sampler?;
        let mut drawn = [0u8; 32];
        // Without randomness there are no ids, so no trace; nothing else hangs on it.
        getrandom::fill(&mut drawn).ok()?;
        let at = |from: usize| {
            let mut id = [0; 8];
            id.copy_from_slice(&drawn[from..from + 8]);
            // All zeros is no id.
            id[7] |= 1;
            SpanId(id)
        };
        let mut new = [0; 16];
        new.copy_from_slice(&drawn[16..]);
        new[15] |= 1;
        let trace = parent.as_ref().map_or(TraceId(new), |p| p.trace);
        let sampled = sampler.keeps(trace, parent.as_ref().map(|p| p.sampled));
        Some(Trace {
            trace,
            span: at(0),
            upstream: at(8),
            parent,
            link: None,
            sampled,
        })
    }
}

/// The span that a request's headers name (W3C Trace Context §3.2). Several headers of one name are none.
pub fn parent_of(headers: &HeaderMap) -> Option<TraceParent> {
    let mut parents = headers.get_all("traceparent").iter();
    let (Some(parent), None) = (parents.next(), parents.next()) else {
        return None;
    };
    // Several `tracestate` are one list (§3.3.1).
    let states: Vec<&str> = headers
        .get_all("tracestate")
        .iter()
        .filter_map(|state| state.to_str().ok())
        .collect();
    let state = states.join(",");
    TraceParent::read(parent.to_str().ok()?, Some(&state))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_trace_goes_on_or_begins() {
        let watching = Watching {
            sampler: Sampler::new(0.0, true),
            ..Watching::default()
        };
        let new = watching.trace(None).expect("traced");
        assert!(!new.sampled, "nothing is kept of a share of nothing");
        let parent = TraceParent::read(PARENT, None);
        let on = watching.trace(parent.clone()).expect("traced");
        assert!(on.sampled, "what the agent keeps is kept");
        assert_eq!(on.trace.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(on.parent, parent);
        assert_ne!(on.span, on.upstream);
        assert_eq!(
            on.onward(),
            format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{}-01", on.upstream)
        );
        assert_eq!(Watching::default().trace(None), None, "nobody traces");
    }

    #[test]
    fn two_parents_are_none() {
        let mut headers = HeaderMap::new();
        headers.append("traceparent", http::HeaderValue::from_static(PARENT));
        assert!(parent_of(&headers).is_some());
        headers.append("traceparent", http::HeaderValue::from_static(PARENT));
        assert_eq!(parent_of(&headers), None);
    }
}
