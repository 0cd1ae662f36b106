//! Facts to judge in tests, and the sample policies.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "shared by several test programs"
)]

use sallyport_exchange::{Caller, Dialect, Exchange, Flow, Operation};
use sallyport_policy::{CallFacts, Facts, Limits, Policy, PolicySource, Via};
use std::sync::Arc;

/// The sample policies: the platform's, and one team's.
pub fn samples() -> PolicySource {
    PolicySource::of([
        ("org.rego", include_str!("../policies/org.rego")),
        ("payments.rego", include_str!("../policies/payments.rego")),
        ("teams.json", include_str!("../policies/teams.json")),
    ])
}

pub fn sample_policy() -> Policy {
    Policy::compile(&samples(), Limits::default()).unwrap()
}

/// An agent of `team` that asks for `operation`.
pub fn exchange(team: &str, operation: Operation) -> Exchange {
    Exchange {
        id: "01J9Z".into(),
        caller: Caller {
            team: team.into(),
            agent: "reconciler".into(),
            key: "payments-1".into(),
            labels: Arc::from([("env".into(), "test".into())]),
        },
        route: "openai".into(),
        dialect: Dialect::OpenAiChat,
        operation,
        path: "/v1/chat/completions".into(),
        now_ns: 1_790_000_000_000_000_000,
        mcp: None,
    }
}

/// A request without a body to speak of.
pub fn facts(about: &Exchange) -> Facts<'_> {
    Facts {
        about,
        flow: Flow::Request,
        operation: about.operation,
        via: Via::Chat,
        model: Some("gpt-5-mini"),
        stream: false,
        parts: &[],
        offers: &[],
        call: None,
        findings: &[],
        unread: &[],
        stored: &[],
        usage: None,
    }
}

/// A call of `tool`, in a model's answer.
pub fn call<'a>(about: &'a Exchange, tool: &'a str, arguments: &'a str) -> Facts<'a> {
    Facts {
        flow: Flow::Answer,
        operation: Operation::ToolCall,
        call: Some(CallFacts {
            id: "call_1",
            tool,
            arguments: Some(arguments),
            input: None,
        }),
        ..facts(about)
    }
}
