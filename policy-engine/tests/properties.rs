//! What must hold for all policies.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use proptest::prelude::*;
use sallyport_exchange::{Finding, Label, Operation, PartId};
use sallyport_policy::{Decision, Facts, Limits, Policy, PolicySource, fuzz_compile};
use std::time::Duration;
use support::{exchange, facts};

fn decide(team: &[&str], org: &[&str], model: &str) -> Decision {
    let text = |package: &str, rules: &[&str]| {
        format!("package sallyport.{package}\n{}\n", rules.join("\n"))
    };
    let (team, org) = (text("teams.t", team), text("org", org));
    let source = PolicySource::of([("org.rego", org.as_str()), ("t.rego", team.as_str())]);
    let limits = Limits {
        time: Duration::from_secs(60),
        ..Limits::default()
    };
    let policy = Policy::compile(&source, limits).unwrap_or_else(|errors| panic!("{errors}"));
    let about = exchange("t", Operation::Chat);
    policy.decide(
        "t",
        &Facts {
            model: Some(model),
            ..facts(&about)
        },
    )
}

fn rules() -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(
        prop::sample::select(vec![
            "allow if input.model == \"a\"",
            "allow if input.operation == \"chat\"",
            "deny contains \"x\" if input.model == \"b\"",
            "deny contains {\"rule\": \"y\", \"say\": \"Y\"} if not input.stream",
            "steer contains \"z\" if input.model == \"c\"",
            "redact contains \"secret.*\" if input.model != \"a\"",
            "hide contains \"shell\"",
            "deny contains \"w\" if 1 / count(input.stored) > 0",
        ]),
        0..5,
    )
}

const MORE: &[&str] = &[
    "deny contains \"more\"",
    "deny contains \"more\" if input.model == \"a\"",
    "deny contains \"more\" if input.missing",
    "deny contains \"more\" if to_number(input.model) > 1",
    "steer contains {\"rule\": \"more\", \"say\": \"Do otherwise.\"}",
    "redact contains \"more.*\"",
    "hide contains \"more\"",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// P8. A rule more that denies, masks or hides never makes an allow of a deny, nor masks or hides less.
    #[test]
    fn more_rules_never_loosen(team in rules(), org in rules(), more in prop::sample::select(MORE), model in prop::sample::select(vec!["a", "b", "c"]), platform: bool) {
        let before = decide(&team, &org, model);
        let (mut team, mut org) = (team, org);
        if platform { org.push(more) } else { team.push(more) }
        let after = decide(&team, &org, model);
        prop_assert!(before.allow || !after.allow, "{:?} then {:?}", before, after);
        let failed = after.detail.is_some();
        prop_assert!(failed || before.redact.iter().all(|label| after.redact.contains(label)));
        prop_assert!(failed || before.hide.iter().all(|tool| after.hide.contains(tool)));
    }

    /// A team's rules, whatever they are, allow nothing that the platform's do not.
    #[test]
    fn a_team_never_loosens(team in rules(), org in rules(), model in prop::sample::select(vec!["a", "b", "c"])) {
        if decide(&team, &org, model).allow {
            prop_assert!(decide(&["allow := true"], &org, model).allow);
        }
    }

    #[test]
    fn any_text_compiles_or_says_why(text in "\\PC{0,60}") {
        fuzz_compile(format!("package sallyport.org\n{text}").as_bytes());
    }
}

#[test]
fn ten_thousand_findings_are_judged() {
    let policy = "package sallyport.teams.t\nallow := true\ndeny contains \"x\" if { some f in input.findings; f.label == \"secret.x\"; f.score > 0.9 }";
    let limits = Limits {
        time: Duration::from_secs(60),
        ..Limits::default()
    };
    let policy = Policy::compile(&PolicySource::of([("t.rego", policy)]), limits).unwrap();
    let about = exchange("t", Operation::Chat);
    let finding = |score| Finding {
        label: Label("secret.x"),
        part: PartId(0),
        range: 0..1,
        score,
    };
    let mut findings = vec![finding(0.5); 10_000];
    assert!(
        policy
            .decide(
                "t",
                &Facts {
                    findings: &findings,
                    ..facts(&about)
                }
            )
            .allow
    );
    findings.push(finding(1.0));
    assert!(
        !policy
            .decide(
                "t",
                &Facts {
                    findings: &findings,
                    ..facts(&about)
                }
            )
            .allow
    );
}

#[test]
fn a_decision_is_the_same_on_every_thread() {
    let policy = support::sample_policy();
    let about = exchange("payments", Operation::Chat);
    let once = policy.decide("payments", &facts(&about));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                (0..50).for_each(|_| assert_eq!(policy.decide("payments", &facts(&about)), once))
            });
        }
    });
}

#[test]
fn a_revision_is_of_what_decides() {
    let of = |files: &[(&str, &str)]| PolicySource::of(files.iter().copied()).revision();
    let one = of(&[("a.rego", "x"), ("b.rego", "y")]);
    assert_eq!(one.len(), 16);
    assert_eq!(
        one,
        of(&[("b.rego", "y"), ("a.rego", "x")]),
        "order does not matter"
    );
    assert_eq!(
        one,
        of(&[("a.rego", "x"), ("b.rego", "y"), ("a_test.rego", "z")]),
        "tests do not decide"
    );
    assert_ne!(one, of(&[("a.rego", "xy"), ("b.rego", "")]));
}
