//! The `input` document: what it holds, that its schema names it all, and what is left out where nobody reads it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use expect_test::{expect, expect_file};
use sallyport_exchange::{Author, Finding, Flow, Kind, Label, Operation, PartId, PartView, Usage};
use sallyport_policy::{CallFacts, Facts, Limits, Needs, OfferFacts, Policy, PolicySource, Via};
use serde_json::Value;
use support::{exchange, facts};

/// A document in which everything is there.
fn full(needs: Needs) -> Value {
    let about = exchange("payments", Operation::ToolCall);
    let part = |id, kind, author, tool, text| PartView {
        id: PartId(id),
        json: None,
        kind,
        author,
        tool,
        text,
    };
    let facts = Facts {
        flow: Flow::Answer,
        via: Via::Provider,
        stream: true,
        parts: &[
            part(0, Kind::Text, Author::User, None, "my key is AKIA"),
            part(1, Kind::ToolResult, Author::Tool, Some("fetch"), "<page>"),
        ],
        offers: &[OfferFacts {
            name: "search",
            form: "mcp",
            server_url: Some("https://tools.example"),
            description: "Finds things.",
            json: r#"{"type": "mcp", "server_label": "search"}"#,
        }],
        call: Some(CallFacts {
            id: "call_1",
            tool: "query",
            arguments: Some(r#"{"n": 1.50, "s": "x"}"#),
            input: Some("free"),
        }),
        findings: &[
            Finding {
                label: Label("secret.aws_access_key"),
                part: PartId(0),
                range: 10..14,
                score: 0.9,
            },
            Finding {
                label: Label("injection.embedded"),
                part: PartId(1),
                range: 0..6,
                score: 1.0,
            },
        ],
        unread: &["body.future"],
        stored: &["resp_1"],
        usage: Some(Usage {
            input: Some(10),
            output: Some(2),
            cached: Some(4),
        }),
        ..facts(&about)
    };
    serde_json::to_value(facts.document(needs).unwrap()).unwrap()
}

#[test]
fn a_full_document() {
    let text = serde_json::to_string_pretty(&full(Needs::ALL)).unwrap();
    expect_file!["../schema/input.example.json"].assert_eq(&format!("{text}\n"));
}

#[test]
fn what_nobody_reads_is_left_out() {
    let document = full(Needs::default());
    let keys: Vec<&String> = document.as_object().unwrap().keys().collect();
    expect![[r#"["call", "caller", "dialect", "flow", "id", "model", "operation", "path", "route", "stored", "stream", "time_ns", "unread", "usage", "version", "via"]"#]].assert_eq(&format!("{keys:?}"));
    let document = full(Needs {
        parts: true,
        tools: true,
        ..Needs::default()
    });
    assert!(document["parts"][0].get("text").is_none());
    assert!(document["tools"][0].get("description").is_none());
}

#[test]
fn the_schema_names_and_describes_every_field() {
    let schema: Value = serde_json::from_str(include_str!("../schema/input.schema.json")).unwrap();
    covers(&schema, &full(Needs::ALL), "input");
    described(&schema, "input");
}

/// Every key of `document` is a property of `schema`, and every property but those of open objects occurs.
fn covers(schema: &Value, document: &Value, path: &str) {
    match document {
        Value::Object(fields) => {
            let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
                return;
            };
            for (key, value) in fields {
                let Some(property) = properties.get(key) else {
                    panic!("{path}.{key} is not in the schema")
                };
                covers(property, value, &format!("{path}.{key}"));
            }
            for required in schema
                .get("required")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                assert!(
                    fields.contains_key(required.as_str().unwrap()),
                    "{path} has no {required}"
                );
            }
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| covers(&schema["items"], item, &format!("{path}[]"))),
        _ => {}
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        assert!(words.contains(document), "{path} may not be {document}");
    }
}

fn described(schema: &Value, path: &str) {
    for (key, property) in schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        assert!(
            property["description"].is_string(),
            "{path}.{key} has no description"
        );
        described(property, &format!("{path}.{key}"));
        described(&property["items"], &format!("{path}.{key}[]"));
    }
}

fn words_are_in_schema(property: &str, words: impl IntoIterator<Item = &'static str>) {
    let schema: Value = serde_json::from_str(include_str!("../schema/input.schema.json")).unwrap();
    let known = schema
        .pointer(property)
        .unwrap_or_else(|| panic!("{property}"))
        .as_array()
        .unwrap()
        .clone();
    for word in words {
        assert!(known.contains(&word.into()), "{property} lacks {word}");
    }
}

#[test]
fn every_word_is_in_the_schema() {
    words_are_in_schema(
        "/properties/dialect/enum",
        sallyport_exchange::Dialect::ALL.map(|dialect| dialect.as_str()),
    );
    words_are_in_schema(
        "/properties/parts/items/properties/kind/enum",
        Kind::ALL.map(Kind::as_str),
    );
    words_are_in_schema(
        "/properties/parts/items/properties/author/enum",
        Author::ALL.map(Author::as_str),
    );
    words_are_in_schema(
        "/properties/via/enum",
        [Via::Chat, Via::Mcp, Via::Provider].map(Via::as_str),
    );
    words_are_in_schema(
        "/properties/flow/enum",
        [Flow::Request, Flow::Answer].map(Flow::as_str),
    );
}

/// What a policy with this rule is found to read: `p`arts, `t`heir text, t`o`ols, their `d`escriptions, `f`indings.
fn needs(rule: &str) -> String {
    let text = format!("package sallyport.teams.t\nallow := true\n{rule}\n");
    let policy = Policy::compile(
        &PolicySource::of([("t.rego", text.as_str())]),
        Limits::default(),
    );
    let needs = policy
        .unwrap_or_else(|errors| panic!("{rule}: {errors}"))
        .needs("t");
    let marks = [
        (needs.parts, 'p'),
        (needs.text, 't'),
        (needs.tools, 'o'),
        (needs.offer_text, 'd'),
        (needs.findings, 'f'),
    ];
    marks
        .into_iter()
        .filter(|(needed, _)| *needed)
        .map(|(_, mark)| mark)
        .collect()
}

#[test]
fn what_a_policy_reads_is_found_out() {
    for (rule, expected) in [
        (r#"deny contains "x" if input.model == "x""#, ""),
        (
            r#"deny contains "x" if { some f in input.findings; f.score > 0.5 }"#,
            "f",
        ),
        (
            r#"deny contains "x" if { some p in input.parts; p.kind == "media" }"#,
            "p",
        ),
        (
            r#"deny contains "x" if { some p in input.parts; contains(p.text, "x") }"#,
            "pt",
        ),
        (
            r#"deny contains "x" if { some i, p in input.parts; i > 3; p.author == "tool" }"#,
            "p",
        ),
        (
            r#"deny contains "x" if input.parts[_].kind == "media""#,
            "p",
        ),
        (r#"deny contains "x" if input.parts[_].text == "x""#, "pt"),
        (
            r#"deny contains "x" if input.parts[_]["text"] == "x""#,
            "pt",
        ),
        (
            r#"deny contains "x" if { some k in ["text"]; input.parts[_][k] == "x" }"#,
            "pt",
        ),
        (
            r#"deny contains "x" if { p := input.parts[_]; p.kind == "media" }"#,
            "p",
        ),
        (
            r#"deny contains "x" if { p := input.parts[_]; q := p; q.text == "x" }"#,
            "pt",
        ),
        (
            r#"deny contains "x" if { some p in input.parts; some k, v in p; v == "x" }"#,
            "pt",
        ),
        (
            r#"deny contains "x" if { some {"text": t} in input.parts; t == "x" }"#,
            "pt",
        ),
        (
            r#"deny contains "x" if { every p in input.parts { p.kind == "text" } }"#,
            "p",
        ),
        (
            r#"deny contains "x" if { every p in input.parts { p.text == "x" } }"#,
            "pt",
        ),
        (r#"deny contains "x" if count(input.parts) > 100"#, "p"),
        (
            r#"deny contains "x" if contains(json.marshal(input), "x")"#,
            "ptodf",
        ),
        (
            r#"deny contains "x" if contains(json.marshal(input.tools), "x")"#,
            "od",
        ),
        (
            r#"deny contains "x" if { some k in ["parts"]; input[k] == [] }"#,
            "ptodf",
        ),
        (
            r#"deny contains "x" if { x := input; x.parts[_].kind == "media" }"#,
            "p",
        ),
        (
            r#"hide contains tool if { some tool in input.tools; startswith(tool.name, "a") }"#,
            "od",
        ),
        (
            r#"hide contains tool.name if { some tool in input.tools; startswith(tool.name, "a") }"#,
            "o",
        ),
        (
            r#"hide contains t.name if { some t in input.tools; contains(t.description, "a") }"#,
            "od",
        ),
        (
            "f(p) if p.text == \"x\"\ndeny contains \"x\" if { some p in input.parts; f(p) }",
            "pt",
        ),
        (
            "parts := input.parts\ndeny contains \"x\" if parts[_].text == \"x\"",
            "pt",
        ),
    ] {
        assert_eq!(needs(rule), expected, "{rule}");
    }
    assert_eq!(needs("").len(), 0);
    let imported =
        "package sallyport.teams.t\nimport input.parts as ps\nallow if ps[_].text == \"x\"";
    let policy =
        Policy::compile(&PolicySource::of([("t.rego", imported)]), Limits::default()).unwrap();
    assert!(policy.needs("t").text);
}
