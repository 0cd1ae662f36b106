//! Digests: what means the same has the same, and whatever an agent could read has its say in it.

use proptest::prelude::*;
use sallyport_manifest::{Tool, ToolError};
use serde_json::{Value, json};

fn weather() -> Value {
    json!({
        "name": "get_weather",
        "title": "Weather",
        "description": "Current weather for a place.\nDegrees are Celsius.",
        "inputSchema": {
            "type": "object",
            "properties": {"place": {"type": "string", "description": "City or code", "maxLength": 80}},
            "required": ["place"]
        },
        "annotations": {"readOnlyHint": true}
    })
}

fn tool(value: &Value) -> Tool {
    Tool::read(&value.to_string()).expect("a tool")
}

#[test]
fn golden_digests() {
    let minimal = Tool::read(r#"{"name":"a","inputSchema":{"type":"object"}}"#).expect("a tool");
    assert_eq!(
        minimal.canonical(),
        r#"{"inputSchema":{"type":"object"},"name":"a"}"#
    );
    // printf '%s' '{"inputSchema":{"type":"object"},"name":"a"}' | sha256sum
    assert_eq!(
        minimal.digest().to_string(),
        "sha256:60d4353e9a5499b483d09f13d9e28060e70f34edf787bb7040ba30bd390f85af"
    );
    assert_eq!(
        tool(&weather()).canonical(),
        r#"{"annotations":{"readOnlyHint":true},"description":"Current weather for a place.\nDegrees are Celsius.","inputSchema":{"properties":{"place":{"description":"City or code","maxLength":80,"type":"string"}},"required":["place"],"type":"object"},"name":"get_weather","title":"Weather"}"#
    );
    assert_eq!(
        tool(&weather()).digest().to_string(),
        "sha256:a73ca550d358af452e709f6ce54d6360cdd0f5b7f05537043f308d80d0dd1135"
    );
}

#[test]
fn every_member_counts_and_known_from_unknown_does_not_matter() {
    let plain = tool(&weather()).digest();
    for (key, value) in [
        ("outputSchema", json!({"type": "object"})),
        ("icons", json!([{"src": "https://example.com/i.png"}])),
        ("execution", json!({"taskSupport": "optional"})),
        ("_meta", json!({"ui": "x"})),
        ("some_later_field", json!(null)),
    ] {
        let mut more = weather();
        more[key] = value;
        assert_ne!(tool(&more).digest(), plain, "{key}");
    }
}

#[test]
fn what_two_parsers_could_read_differently_is_no_tool() {
    for (json, fits) in [
        (r#"{"name":"a","name":"b"}"#, false),
        (r#"{"name":"a","inputSchema":{"x":1,"\u0078":2}}"#, false),
        (r#"{"name":"\ud800"}"#, false),
        (r#"{"name":""}"#, false),
        (r#"{"name":1}"#, false),
        (r#"["name"]"#, false),
        (r#"{"name":"a"} x"#, false),
        (r#"{"name":"a"}"#, true),
    ] {
        assert_eq!(Tool::read(json).is_ok(), fits, "{json}");
    }
    let deep = format!(
        r#"{{"name":"a","x":{}{}}}"#,
        "[".repeat(110),
        "]".repeat(110)
    );
    assert_eq!(Tool::read(&deep), Err(ToolError::TooDeep));
    let large = format!(r#"{{"name":"{}"}}"#, "a".repeat(1 << 20));
    assert_eq!(Tool::read(&large), Err(ToolError::TooLarge));
}

#[test]
fn field_digests_tell_which_field_changed() {
    let old = tool(&weather());
    let mut changed = weather();
    changed["description"] = json!("Other words");
    let new = tool(&changed);
    let differ: Vec<String> = old
        .field_digests()
        .into_iter()
        .zip(new.field_digests())
        .filter(|(a, b)| a != b)
        .map(|(a, _)| a.0)
        .collect();
    assert_eq!(differ, ["description"]);
}

/// Any JSON, with texts such as a declaration has.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e9f64..1e9).prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map("\\PC{0,8}", inner, 0..6)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

/// Writes a value with its keys from last to first, blanks everywhere and every character escaped.
fn otherwise(value: &Value) -> String {
    let string = |text: &str| {
        let units = text.encode_utf16().map(|unit| format!("\\u{unit:04X}"));
        format!("\"{}\"", units.collect::<String>())
    };
    match value {
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .rev()
                .map(|(k, v)| format!("\n\t{} : {}", string(k), otherwise(v)))
                .collect();
            format!("{{ {} \r\n}}", members.join(" , "))
        }
        Value::Array(elements) => {
            format!(
                "[ {} ]",
                elements
                    .iter()
                    .map(otherwise)
                    .collect::<Vec<_>>()
                    .join(" ,\n")
            )
        }
        Value::String(text) => string(text),
        plain => plain.to_string(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_blanks_and_escapes_do_not_matter(schema in any_json(), words in "\\PC{0,40}") {
        let mut declaration = weather();
        declaration["inputSchema"] = schema;
        declaration["description"] = words.into();
        let one = tool(&declaration);
        let other = Tool::read(&otherwise(&declaration)).expect("the same tool");
        prop_assert_eq!(one.digest(), other.digest());
        prop_assert_eq!(Tool::read(one.canonical()).expect("itself").digest(), one.digest());
    }

    /// One byte of the text changed: either it is no tool any more, or its value is the same, or its digest differs.
    #[test]
    fn every_byte_counts(at in 0usize..1000, byte in any::<u8>()) {
        let text = weather().to_string();
        let mut bytes = text.clone().into_bytes();
        let at = at % bytes.len();
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        let Ok(changed) = String::from_utf8(bytes) else { return Ok(()) };
        let Ok(tool) = Tool::read(&changed) else { return Ok(()) };
        let same = serde_json::from_str::<Value>(&changed).expect("JSON") == weather();
        let unchanged = tool.digest() == Tool::read(&text).expect("a tool").digest();
        prop_assert_eq!(same, unchanged, "{}", changed);
    }

    #[test]
    fn other_words_other_digests(a in any_json(), b in any_json()) {
        let with = |schema: &Value| {
            let mut declaration = weather();
            declaration["inputSchema"] = schema.clone();
            tool(&declaration).digest()
        };
        prop_assert_eq!(a == b, with(&a) == with(&b));
    }
}
