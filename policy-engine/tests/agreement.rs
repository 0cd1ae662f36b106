//! The fast engine and the slow one give the same answers: what tests pass with is what decides.
//!
//! Each body below, and many put together from pieces by chance, is evaluated by both.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use proptest::prelude::*;
use sallyport_policy::{Limits, Policy, PolicySource, query};
use std::time::Duration;

const INPUT: &str =
    r#"{"operation": "chat", "n": 2, "xs": [1, 2, 3], "deep": {"a": {"b": [1]}}, "empty": []}"#;

const BODIES: &[&str] = &[
    r#"xs := [x | x := input.missing]; count(xs) == 1"#,
    r#"count([x | x := input.missing]) == 0"#,
    r#"count({x: 1 | x := input.missing}) == 0"#,
    r#"some y in [1, 0]; count([x | x := input.missing]) == y"#,
    r#"every y in [1] { xs := [x | x := input.missing]; count(xs) == y }"#,
    r#"some y in [2, 1]; count([x | y == 1; some x in [7, 8]]) == 2"#,
    r#"some y in [2, 1]; not count([x | y == 1; some x in [7, 8]]) == 0; y == 1"#,
    r#"ys := [y | some y in [1, 2, 3]; every z in [1, 2] { z != y }]; ys == [3]"#,
    r#"every y in [1, 3] { some z in [1, 2]; z == y }"#,
    r#"every y in input.missing { y == 1 }"#,
    r#"every x in [] { input.a == x }; input.operation == "chat""#,
    r#"every x in {y | some y in [1]; y == 2} { input.a == x }; input.operation == "chat""#,
    r#"count([1 | 1 == 2; input.a]) == 0; input.operation == "chat""#,
    r#"count([1 | 1 == 2; data.a]) == 0; not data.b"#,
    r#"some x in [1, 2]; x == 2; count([1 | x == 3; input.a]) == 0; input.operation == "chat""#,
    r#"x := {"a": [1 | 1 == 2; input.b], "c": input.operation}; x.c == "chat""#,
    r#"some y in [1, 2]; count({z | y == 7; some z in input.xs}) == 0; every w in input.xs { w > 0; y == 1 }"#,
    r#"not input.missing.deeper"#,
    r#"x := input.missing; not x == "bad""#,
    r#"x := helper; not x == "bad""#,
    r#"[a, b] := [1, input.missing]; a == 1"#,
    r#"{"a": v} = {"a": 1}; v == 1"#,
    r#"x := {"a": input.missing}; not x.a"#,
    r#"same([1, input.missing])"#,
    r#"count({1, input.missing}) >= 1"#,
    r#"is_null(input.missing)"#,
    r#"object.get({}, "a", input.missing) == 1"#,
    r#"any_true"#,
    r#"k := "operation"; input[k] == "chat""#,
    r#"input.deep[k].b[i] == 1"#,
    r#"some k, v in input.deep; v.b == [1]; k == "a""#,
    r#"not input.missing in {"x"}"#,
    r#"{x | some x in input.xs} - {1} == {2, 3}"#,
    r#"next(1) == 2"#,
    r#"name(2) == "two""#,
    r#"name(3) == "three""#,
    r#"graded == "high""#,
    r#"x := 5 + 2; y := x % 4; y == 3"#,
    r#"sum([x | some y in input.xs; x := y * 2]) == 12"#,
    r#"table[2] == "two""#,
    r#"2 in numbered; not 4 in numbered"#,
];

fn source(body: &str) -> PolicySource {
    let text = format!(
        r#"package sallyport.teams.t
allow if {{ {body} }}
helper := 1 if input.missing
same(x) if x == x
next(x) := x + 1
name(1) := "one"
name(2) := "two"
any_true if {{ some x in [false, true]; x }}
graded := "low" if {{ input.n < 2 }} else := "high" if {{ input.n < 3 }} else := "top"
table[n] := name(n) if {{ some n in [1, 2, 3] }}
numbered contains n if {{ some n in input.xs }}
"#
    );
    PolicySource::of([("t.rego", text.as_str())])
}

/// Both engines' answers: the fast one's or that it denied in error, and the slow one's.
fn both(body: &str) -> Option<(Result<bool, String>, Result<bool, String>)> {
    let limits = Limits {
        time: Duration::from_secs(60),
        instructions: 100_000,
        ..Limits::default()
    };
    let source = source(body);
    let policy = Policy::compile(&source, limits).ok()?;
    let evaluation = policy.evaluate("t", INPUT).unwrap();
    let document = &evaluation.layers[0].1;
    let fast = match document.get("error") {
        Some(error) => Err(error.to_string()),
        None => Ok(document.get("allow").is_some()),
    };
    let slow = query(&source, "data.sallyport.teams.t.allow", INPUT);
    Some((
        fast,
        slow.map(|value| value.is_some())
            .map_err(|error| error.to_string()),
    ))
}

#[test]
fn bodies_that_have_been_trouble() {
    for body in BODIES {
        let Some((fast, slow)) = both(body) else {
            panic!("`{body}` does not compile")
        };
        assert_eq!(fast, slow, "{body}");
    }
}

/// Conditions over `y`, which every body binds.
fn condition() -> impl Strategy<Value = String> {
    let atom = prop::sample::select(vec![
        "y == 1",
        "y != 2",
        "input.n == y",
        "input.missing == y",
        "true",
        "y > 1",
        "not y == 3",
        "y in input.xs",
        "input.empty[y]",
        "not input.missing",
        "same(y)",
        "name(y) == \"two\"",
        "helper == y",
        "next(y) > 2",
        "input.xs[_] == y",
        "some q in input.xs; q > y",
        "some k, v in input.deep; k == \"a\"; v.b[_] == y",
        "q := input.xs[y]; q != 3",
        "numbered[y]",
        "table[y] == \"two\"",
        "[p, q] := [y, input.n]; p == q",
        "object.get(input, \"n\", 0) == y",
        "data.words[y] == \"x\"",
    ])
    .prop_map(str::to_owned);
    atom.prop_recursive(3, 12, 2, |inner| {
        let collection = prop::sample::select(vec![
            "[1, 2]",
            "input.xs",
            "input.empty",
            "input.missing",
            "{2, 3}",
            "{\"a\": 1}",
        ]);
        let collection2 = collection.clone();
        prop_oneof![
            (inner.clone(), 0..3).prop_map(|(c, n)| format!("count([1 | {c}]) == {n}")),
            (inner.clone(), collection.clone(), 0..3)
                .prop_map(|(c, xs, n)| format!("count([z | some z in {xs}; {c}]) == {n}")),
            (inner.clone(), collection.clone(), 0..3)
                .prop_map(|(c, xs, n)| format!("count({{z | {c}; some z in {xs}; z != y}}) > {n}")),
            (inner.clone(), collection)
                .prop_map(|(c, xs)| format!("every w in {xs} {{ w != 7; {c} }}")),
            (inner.clone(), inner.clone())
                .prop_map(|(a, b)| format!("v := [u | {a}; u := y]; not v == [2]; {b}")),
            (inner.clone(), collection2)
                .prop_map(|(c, xs)| format!("{{z: y | some z in {xs}; {c}}} != {{}}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!(
                "count([1 | every w in [u | {a}; u := y] {{ w == y; {b} }}]) == 1"
            )),
            inner.prop_map(|c| format!("not count({{1 | {c}}}) == 1")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    #[test]
    fn bodies_by_chance(ys in prop::sample::select(vec!["[1, 2, 3]", "[2]", "input.xs", "input.empty"]), conditions in prop::collection::vec(condition(), 1..3)) {
        let body = format!("some y in {ys}; {}", conditions.join("; "));
        if let Some((fast, slow)) = both(&body)
            && let Ok(slow) = slow
            && let Ok(fast) = fast
        {
            prop_assert_eq!(fast, slow, "{}", body);
        }
    }
}
