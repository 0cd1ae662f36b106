//! What is read, what is refused, and that `serde_json` agrees.

use super::*;
use proptest::prelude::*;

fn fault(text: &str) -> String {
    match Tape::read(text.as_bytes()) {
        Ok(_) => "read".to_owned(),
        Err(e) => e.to_string(),
    }
}

#[test]
fn refuses_what_two_parsers_could_read_in_two_ways() {
    for (text, expected) in [
        (
            "{\"a\":1,\"a\":2}",
            "the key `a` appears twice in one object at byte 7",
        ),
        (
            "{\"a\":1,\"\\u0061\":2}",
            "the key `a` appears twice in one object at byte 7",
        ),
        (
            "{\"x\":{\"b\":1,\"c\":2,\"b\":3}}",
            "the key `b` appears twice in one object at byte 18",
        ),
        ("\u{feff}{}", "a byte order mark is not allowed at byte 0"),
        ("\"\\ud800\"", "a lone surrogate escape at byte 1"),
        ("\"\\udc00\"", "a lone surrogate escape at byte 1"),
        ("\"\\ud800\\u0041\"", "a lone surrogate escape at byte 1"),
        ("{} {}", "trailing data at byte 3"),
        ("", "not valid JSON at byte 0"),
        ("[1,]", "not valid JSON at byte 3"),
        ("{\"a\":1,}", "not valid JSON at byte 7"),
        ("[01]", "not valid JSON at byte 2"),
        ("[1.]", "not valid JSON at byte 3"),
        ("NaN", "not valid JSON at byte 0"),
        ("\"a\nb\"", "not valid JSON at byte 0"),
        ("// c\n{}", "not valid JSON at byte 0"),
    ] {
        assert_eq!(fault(text), expected, "{text}");
    }
    let keys: Vec<String> = (0..40).map(|i| format!("\"k{i}\":0")).collect();
    assert_eq!(fault(&format!("{{{}}}", keys.join(","))), "read");
    let error = fault(&format!("{{{},\"k0\":1}}", keys.join(",")));
    assert!(error.contains("twice"), "{error}");
}

#[test]
fn an_error_never_shows_a_key_that_could_be_a_secret() {
    let key = "AKIA".to_owned() + "0123456789ABCDEF";
    let error = fault(&format!("{{\"{key}\":1,\"{key}\":2}}"));
    assert!(!error.contains("AKIA"), "{error}");
}

#[test]
fn depth_is_bounded() {
    let deep = |n: usize| "[".repeat(n) + &"]".repeat(n);
    assert_eq!(fault(&deep(DEPTH_MAX)), "read");
    assert!(fault(&deep(DEPTH_MAX + 1)).contains("nested deeper"));
    assert!(fault(&"[".repeat(1_000_000)).contains("nested deeper"));
}

#[test]
fn not_utf8_is_refused() {
    assert_eq!(Tape::read(b"\"\xff\"").unwrap_err().fault, Fault::Utf8);
}

fn same(value: Value<'_>, expected: &serde_json::Value) -> bool {
    use serde_json::Value as V;
    match expected {
        V::Null => value.is_null(),
        V::Bool(b) => value.as_bool() == Some(*b),
        V::Number(_) => value.kind() == JsonKind::Number,
        V::String(s) => value.is_str(s),
        V::Array(list) => value.elements().is_some_and(|e| {
            let got: Vec<_> = e.collect();
            got.len() == list.len() && got.iter().zip(list).all(|(v, e)| same(*v, e))
        }),
        V::Object(map) => {
            value.members().is_some_and(|m| m.count() == map.len())
                && map
                    .iter()
                    .all(|(k, e)| value.member(k).is_some_and(|v| same(v, e)))
        }
    }
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>()
            .prop_filter("finite", |f| f.is_finite())
            .prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
            proptest::collection::hash_map(any::<String>(), inner, 0..20)
                .prop_map(|m| serde_json::Value::Object(m.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn agrees_with_serde_json(json in any_json(), pretty in any::<bool>()) {
        let text = if pretty {
            serde_json::to_string_pretty(&json).unwrap()
        } else {
            json.to_string()
        };
        let tape = Tape::read(text.as_bytes()).unwrap();
        prop_assert!(same(tape.root(), &json));
    }

    #[test]
    fn reads_nothing_that_serde_json_refuses(text in "[\\[\\]{}\",:0-9a-z\\\\.\\-+ eEu]{0,40}") {
        if Tape::read(text.as_bytes()).is_ok() {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok()
                // serde_json cannot hold 1e999; the grammar can.
                || text.contains(['e', 'E']), "{}", text);
        }
    }

    #[test]
    fn the_way_back_covers_the_text(text in any::<String>(), a in 0usize..64, b in 0usize..64) {
        let raw = serde_json::to_string(&text).unwrap();
        let raw = &raw[1..raw.len() - 1];
        let mut bounds: Vec<usize> = text.char_indices().map(|(i, _)| i).collect();
        bounds.push(text.len());
        let (a, b) = (bounds[a % bounds.len()], bounds[b % bounds.len()]);
        let range = a.min(b)..a.max(b);
        let found = string::raw_range(raw, range.clone());
        let mut decoded = String::new();
        string::decode(&raw[found], &mut decoded);
        prop_assert_eq!(&decoded, &text[range]);
    }

    #[test]
    fn encoding_and_decoding_agree(text in any::<String>()) {
        let quoted = string::quoted(&text);
        let serde: String = serde_json::from_str(&quoted).unwrap();
        prop_assert_eq!(&serde, &text);
        let mut decoded = String::new();
        string::decode(&quoted[1..quoted.len() - 1], &mut decoded);
        prop_assert_eq!(decoded, text);
    }
}
