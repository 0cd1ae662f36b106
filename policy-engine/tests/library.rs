//! The library that comes with the engine: the example that uses it passes its tests, and decides the same in
//! the compiled program.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use sallyport_policy::{Limits, Policy, PolicySource, run_tests};

const RULES: &str = include_str!("../../examples/guarded-tools/policies/ops.rego");
const TESTS: &str = include_str!("../../examples/guarded-tools/policies/ops_test.rego");
const DATA: &str = include_str!("../../examples/guarded-tools/policies/ops.json");

fn example() -> PolicySource {
    PolicySource::of([
        ("ops.rego", RULES),
        ("ops_test.rego", TESTS),
        ("ops.json", DATA),
    ])
}

#[test]
fn the_example_passes_its_tests() {
    let report = run_tests(&example()).unwrap();
    let failed: Vec<_> = report.tests.iter().filter(|test| !test.passed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(report.tests.len() >= 12);
    assert!(
        report.coverage.iter().all(|file| file.file == "ops.rego"),
        "coverage is told of the reader's own files only"
    );
}

#[test]
fn the_library_is_there_only_for_those_who_name_it() {
    let without = PolicySource::of([("a.rego", "package sallyport.teams.a\n\nallow := true\n")]);
    let policy = Policy::compile(&without, Limits::default()).unwrap();
    assert!(!policy.needs("a").findings, "nobody asked for findings");
    let policy = Policy::compile(&example(), Limits::default()).unwrap();
    assert!(policy.needs("ops").findings);
    assert!(
        !policy.needs("ops").text,
        "the library holds no stream back"
    );
}

/// The rules that refuse a call, as the compiled program decides.
fn refused_by(call: &str, findings: &str) -> Vec<String> {
    let policy = Policy::compile(&example(), Limits::default()).unwrap();
    let input = format!(
        r#"{{"flow": "answer", "operation": "tool_call", "call": {call}, "findings": {findings}}}"#
    );
    let evaluation = policy.evaluate("ops", &input).unwrap();
    let denials = evaluation.decision.denials.iter();
    denials.map(|denial| denial.rule.to_string()).collect()
}

#[test]
fn the_compiled_program_decides_as_the_tests_say() {
    let bash = r#"{"id": "1", "tool": "bash", "arguments": {"command": "x"}}"#;
    let found = |label: &str, score: f32| format!(r#"[{{"label": "{label}", "score": {score}}}]"#);
    let none: Vec<String> = Vec::new();
    assert_eq!(refused_by(bash, "[]"), none);
    assert_eq!(refused_by(bash, &found("action.delete.files", 0.4)), none);
    assert_eq!(
        refused_by(bash, &found("action.delete.files", 0.9)),
        ["team:ops/destructive"]
    );
    assert_eq!(
        refused_by(bash, &found("action.unparsed", 0.5)),
        ["team:ops/unreadable"]
    );
    assert_eq!(
        refused_by(bash, &found("action.egress", 0.6)),
        ["team:ops/egress"]
    );
    let pay = |amount: &str| {
        format!(r#"{{"id": "1", "tool": "transferFunds", "arguments": {{"amount": {amount}}}}}"#)
    };
    assert_eq!(refused_by(&pay("100"), "[]"), none);
    assert_eq!(refused_by(&pay(r#""99.5""#), "[]"), none);
    for amount in [
        "101",
        r#""1,000""#,
        r#""much""#,
        "-1",
        "null",
        "[1, 200]",
        r#"{"value": 500}"#,
    ] {
        assert_eq!(
            refused_by(&pay(amount), "[]"),
            ["team:ops/amount"],
            "{amount}"
        );
    }
}

#[test]
fn a_folder_may_bring_its_own() {
    let own = PolicySource::of([
        (
            "guard.rego",
            "package sallyport.lib.guard\n\ndestructive contains \"always\"\n",
        ),
        (
            "a.rego",
            "package sallyport.teams.a\n\nimport data.sallyport.lib.guard\n\nallow := true\n\ndeny contains \"no\" if count(guard.destructive) > 0\n",
        ),
        (
            "a_test.rego",
            "package sallyport.teams.a_test\n\nimport data.sallyport.teams.a\n\ntest_own if count(a.deny) == 1\n",
        ),
    ]);
    assert!(run_tests(&own).unwrap().passed());
}
