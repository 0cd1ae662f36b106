//! Decisions of the sample policies, from facts.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use sallyport_exchange::{Denial, Flow, Operation, RefusalKind};
use sallyport_policy::{Decision, Facts, Limits, OfferFacts, Policy, PolicySource};
use support::{call, exchange, facts, sample_policy};

fn rules(decision: &Decision) -> Vec<&str> {
    decision
        .denials
        .iter()
        .map(|denial| &*denial.rule)
        .collect()
}

#[test]
fn a_chat_is_allowed_and_carries_what_both_layers_say() {
    let about = exchange("payments", Operation::Chat);
    let decision = sample_policy().decide("payments", &facts(&about));
    assert_eq!(decision.denials, []);
    assert!(decision.allow);
    assert_eq!(
        decision.redact,
        ["secret.*"],
        "both layers name it, and it is listed once"
    );
    assert_eq!(
        decision.settings["models"],
        serde_json::json!(["gpt-5-mini", "claude-sonnet-4-5"])
    );
    assert_eq!(decision.settings["compression"], "lossless");
    assert_eq!(decision.detail, None);
}

#[test]
fn a_write_to_production_is_denied_in_the_teams_words() {
    let about = exchange("payments", Operation::Chat);
    let arguments = r#"{"database": "prod-eu", "sql": "DROP TABLE x"}"#;
    let decision = sample_policy().decide("payments", &call(&about, "query", arguments));
    let say = "Production is read-only for agents. Ask for a change ticket.";
    assert_eq!(
        decision.denials,
        [Denial::deny("team:payments/no-prod-writes", say)]
    );
    let reading = r#"{"database": "prod-eu", "sql": "SELECT 1"}"#;
    assert!(
        sample_policy()
            .decide("payments", &call(&about, "query", reading))
            .allow
    );
}

#[test]
fn a_tool_that_no_rule_allows_is_denied() {
    let about = exchange("payments", Operation::Chat);
    let decision = sample_policy().decide("payments", &call(&about, "shell", "{}"));
    assert_eq!(rules(&decision), ["team:payments/allow"]);
}

#[test]
fn a_built_in_that_fails_in_a_denial_does_not_let_through() {
    let about = exchange("payments", Operation::Chat);
    let decision = sample_policy().decide(
        "payments",
        &call(&about, "query", r#"{"database": ["prod"], "sql": "x"}"#),
    );
    assert_eq!(rules(&decision), ["team:payments/error"]);
    assert_eq!(
        decision.detail.as_deref(),
        Some("team:payments/error: `startswith(array, string)` failed")
    );
}

#[test]
fn guidance_is_a_refusal_too() {
    let about = exchange("payments", Operation::Chat);
    let decision = sample_policy().decide("payments", &call(&about, "delete_row", "{}"));
    assert_eq!(decision.denials[0].kind, RefusalKind::Steer);
    assert!(!decision.allow);
}

#[test]
fn hidden_tools_are_named_whether_given_as_names_or_as_tools() {
    let about = exchange("payments", Operation::Chat);
    let offer = |name| OfferFacts {
        name,
        form: "function",
        server_url: None,
        description: "",
        json: "{}",
    };
    let offers = [offer("admin_reset"), offer("query")];
    let decision = sample_policy().decide(
        "payments",
        &Facts {
            offers: &offers,
            ..facts(&about)
        },
    );
    assert_eq!(decision.hide, ["admin_reset"]);
}

#[test]
fn an_answer_needs_no_allow_but_denials_hold_for_it() {
    let source = PolicySource::of([(
        "t.rego",
        "package sallyport.teams.t\ndeny contains \"no\" if input.model == \"bad\"",
    )]);
    let policy = Policy::compile(&source, Limits::default()).unwrap();
    let about = exchange("t", Operation::Chat);
    let answer = Facts {
        flow: Flow::Answer,
        ..facts(&about)
    };
    assert!(policy.decide("t", &answer).allow);
    assert_eq!(
        rules(&policy.decide(
            "t",
            &Facts {
                model: Some("bad"),
                ..answer
            }
        )),
        ["team:t/deny"]
    );
    assert_eq!(
        rules(&policy.decide("t", &facts(&about))),
        ["team:t/undefined"]
    );
}

#[test]
fn a_team_without_a_policy_is_refused_everything() {
    let about = exchange("ghosts", Operation::Chat);
    let decision = sample_policy().decide("ghosts", &facts(&about));
    assert_eq!(rules(&decision), ["gateway/no-policy"]);
    assert!(
        decision.denials[0]
            .say
            .contains("package sallyport.teams.ghosts")
    );
}

#[test]
fn arguments_that_cannot_be_read_are_refused() {
    let about = exchange("payments", Operation::Chat);
    let decision = sample_policy().decide("payments", &call(&about, "query", "{"));
    assert_eq!(rules(&decision), ["gateway/unreadable-arguments"]);
}
