//! Tests written in Rego, coverage, queries and explanations.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use expect_test::expect;
use sallyport_policy::{PolicySource, explain, query, run_tests};
use std::fmt::Write;
use support::samples;

const INPUT: &str = r#"{"flow": "answer", "operation": "tool_call", "findings": [], "tools": [], "stored": [], "unread": [],
    "call": {"tool": "query", "arguments": {"database": "prod", "sql": "drop"}}}"#;

fn tested() -> PolicySource {
    let mut source = samples();
    source.add(
        "payments_test.rego",
        include_str!("policies/payments_test.rego"),
    );
    source
}

#[test]
fn tests_in_rego_run_with_coverage() {
    let report = run_tests(&tested()).unwrap();
    let mut out = String::new();
    for test in &report.tests {
        writeln!(
            out,
            "{}:{} {} {}",
            test.file, test.line, test.name, test.passed
        )
        .unwrap();
    }
    for file in &report.coverage {
        writeln!(
            out,
            "{} {:.0} % not {:?}",
            file.file,
            file.percent(),
            file.uncovered
        )
        .unwrap();
    }
    expect![[r#"
        payments_test.rego:13 sallyport.teams.payments_test.test_chat_is_allowed true
        payments_test.rego:15 sallyport.teams.payments_test.test_unknown_tools_are_not true
        payments_test.rego:19 sallyport.teams.payments_test.test_tools_come_from_data true
        payments_test.rego:24 sallyport.teams.payments_test.test_reading_production_passes true
        payments_test.rego:28 sallyport.teams.payments_test.test_writing_production_does_not true
        org.rego 0 % not [6, 8, 11, 17, 24, 33, 43, 46, 51]
        payments.rego 85 % not [12, 14]
    "#]]
    .assert_eq(&out);
    assert!(report.passed());
}

#[test]
fn a_test_that_fails_says_how() {
    let tests = "package sallyport.teams.payments_test\n\ntest_no if 1 == 2\n\ntest_undefined if input.x\n\ntest_word := \"yes\"\n\ntest_error if to_number(\"x\") == 1\n";
    let mut source = samples();
    source.add("x_test.rego", tests);
    let report = run_tests(&source).unwrap();
    let mut out = String::new();
    for test in &report.tests {
        let error = test
            .error
            .as_deref()
            .map(|error| error.lines().last().unwrap_or_default());
        writeln!(out, "{} {} {:?}", test.line, test.passed, error).unwrap();
    }
    expect![[r#"
        3 false None
        5 false None
        7 false Some("it is string, not true")
        9 false Some("error: could not parse string as number")
    "#]]
    .assert_eq(&out);
    assert!(!report.passed());
}

#[test]
fn rules_are_explained_with_their_places() {
    let mut out = String::new();
    for rule in explain(&samples(), "payments", INPUT).unwrap() {
        let mark = if rule.spoke { "*" } else { " " };
        let value = rule
            .value
            .map(|value| value.to_string())
            .unwrap_or_else(|| "undefined".into());
        let value: String = value.chars().take(60).collect();
        writeln!(
            out,
            "{mark} {} {} = {value} ({})",
            rule.layer,
            rule.rule,
            rule.heads.join(", ")
        )
        .unwrap();
    }
    expect![[r#"
        * org allow = true (org.rego:6:1, org.rego:8:1, org.rego:11:1)
          org deny = [] (org.rego:17:1, org.rego:24:1)
        * org redact = ["secret.*"] (org.rego:43:1)
        * org settings = {"models":["gpt-5-mini","gpt-5","claude-sonnet-4-5"]} (org.rego:51:1)
          org steer = [] (org.rego:33:1)
          org warn = [] (org.rego:46:1)
        * team:payments allow = true (payments.rego:3:1, payments.rego:4:1, payments.rego:5:1)
        * team:payments deny = [{"rule":"no-prod-writes","say":"Production is read-only for (payments.rego:7:1)
          team:payments hide = [] (payments.rego:17:1)
        * team:payments redact = ["secret.*"] (payments.rego:16:1)
        * team:payments settings = {"compression":"lossless","models":["gpt-5-mini","claude-son (payments.rego:18:1)
    "#]].assert_eq(&out);
}

#[test]
fn any_query_can_be_asked() {
    let ask = |text| query(&samples(), text, INPUT);
    assert_eq!(
        ask("data.teams.payments.tools[0]").unwrap(),
        Some("query".into())
    );
    assert_eq!(
        ask("data.sallyport.teams.payments.nothing").unwrap_or(None),
        None
    );
    assert!(ask("data.sallyport.[").is_err());
    assert!(query(&samples(), "1", "[]").is_err());
}
