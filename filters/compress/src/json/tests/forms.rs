//! The table form of small documents, and of any document.

use super::*;
use proptest::prelude::*;

/// Encoded whether or not that is smaller, decoded, and read by a stranger.
fn holds(text: &str) -> String {
    let form = table::form(text).expect("JSON");
    let back = table::decode(&form.text, &form.residue);
    assert_eq!(back.as_deref(), Some(text), "{}", form.text);
    let body = form.text.split_once('\n').expect("a first line").1;
    if let Ok(value) = serde_json::from_str::<serde_json::Value>(text) {
        assert_eq!(stranger::read(body), Ok(value), "{}", form.text);
    }
    body.to_owned()
}

#[test]
fn alike_objects_become_rows() {
    let flights = r#"[{"n":"HAT069","from":"JFK","seats":{"eco":17,"biz":3}},{"n":"HAT083","from":"JFK","seats":{"eco":16,"biz":4}}]"#;
    assert_eq!(
        holds(flights),
        "[:n from=JFK seats{eco biz}\nHAT069 17 3\nHAT083 16 4]"
    );
}

#[test]
fn lists_of_lists_and_maps_become_rows() {
    assert_eq!(
        holds(r#"[[{"a":1,"b":2},{"a":3,"b":4}],[{"a":5,"b":6}]]"#),
        "[::a b\n1 2\n3 4\n\n5 6]"
    );
    assert_eq!(
        holds(r#"{"x1":{"kind":"card","id":"x1"},"x2":{"kind":"gift","id":"x2"}}"#),
        "{:kind id=#\nx1 card\nx2 gift}"
    );
}

#[test]
fn absent_null_and_empty_are_three_things() {
    assert_eq!(
        holds(r#"[{"a":1,"b":null},{"a":2,"b":""},{"a":3},{"a":4,"b":"-"},{"a":5,"b":"null"}]"#),
        "[:a b\n1 null\n2 \"\"\n3 -\n4 \"-\"\n5 \"null\"]"
    );
}

#[test]
fn what_looks_like_a_number_stays_a_string() {
    assert_eq!(
        holds(r#"[{"zip":"0123"},{"zip":"1e3"},{"zip":"7"}]"#),
        "[:zip\"\"\n0123\n1e3\n7]"
    );
    assert_eq!(
        holds(r#"{"a":"1","b":1.0,"c":1e999,"d":-0,"e":"01"}"#),
        r#"{a="1" b=1.0 c=1e999 d=-0 e=01}"#
    );
}

#[test]
fn some_have_an_object_or_a_list() {
    assert_eq!(
        holds(
            r#"[{"i":1,"u":{"n":"a","m":1}},{"i":2,"u":null},{"i":3},{"i":4,"u":{"n":"b","m":2,"x":3}}]"#
        ),
        "[:i u?{n m x}\n1 {a 1 -}\n2 null\n3 -\n4 {b 2 3}]"
    );
    assert_eq!(
        holds(r#"[{"i":1,"l":[{"n":"a","c":1},{"n":"b","c":2}]},{"i":2,"l":[]},{"i":3,"l":null}]"#),
        "[:i l[n c]\n1 [{a 1} {b 2}]\n2 []\n3 null]"
    );
}

#[test]
fn what_stands_twice_is_named() {
    let user = r#"{"login":"octocat","id":583231,"url":"https://api.example.com/users/octocat"}"#;
    let body = holds(&format!(r#"{{"owner":{user},"sender":{user},"n":1}}"#));
    assert!(body.ends_with(" sender=^owner n=1}"), "{body}");
}

#[test]
fn keys_in_another_order_come_back_so() {
    let body = holds(r#"[{"a":1,"b":2,"c":3},{"c":6,"a":4,"b":5}]"#);
    assert_eq!(body, "[:a b c\n1 2 3\n4 5 6]");
}

#[test]
fn signs_of_the_form_are_quoted() {
    for word in [
        "-",
        "#",
        "^a",
        ":a",
        "[",
        "{x",
        "a]",
        "}",
        "a b",
        "true",
        "\u{a0}",
        "",
        "[compact table]",
    ] {
        let quoted = serde_json::to_string(word).expect("a string");
        let body = holds(&format!(
            "[{quoted},{{\"k\":{quoted}}},{{\"k\":{quoted},\"j\":1}}]"
        ));
        assert!(body.contains(&quoted), "{body}");
    }
    for key in [
        "", "-", "#", "^a", ":a", "a=b", "a?", "[", "a b", "a\"b", "é", "0", "null",
    ] {
        let key = serde_json::to_string(key).expect("a string");
        holds(&format!("[{{{key}:1}},{{{key}:2,\"z\":{{{key}:3}}}}]"));
        holds(&format!(
            "{{{key}:{{\"a\":1}},\"other\":{{\"a\":2,\"b\":{key}}}}}"
        ));
    }
}

#[test]
fn blanks_come_back() {
    let value: serde_json::Value =
        serde_json::from_str(r#"{"a":[{"b":1,"c":[]},{"b":2,"c":{}}],"d":"x  y"}"#).expect("JSON");
    let pretty = serde_json::to_string_pretty(&value).expect("JSON");
    let crlf = pretty.replace('\n', "\r\n");
    let spaced = r#"{"a": [{"b": 1, "c": []}, {"b": 2, "c": {}}], "d": "x  y"}"#;
    let odd = "\n { \"a\" :[1 ,2]\t, \"b\":\r\n{} } \n";
    for text in [
        &pretty,
        &format!("{pretty}\n"),
        &pretty.replace("  ", "\t").replace("x\ty", "x y"),
        &crlf,
        spaced,
        odd,
    ] {
        let form = minify::encode(text).expect("blanks");
        assert!(!form.text.contains(": ") && form.residue.len() < text.len() + 8);
        assert_eq!(
            minify::decode(&form.text, &form.residue).as_deref(),
            Some(text)
        );
        holds(text);
    }
    let rule = minify::encode(&pretty).expect("blanks").residue;
    assert!(rule.len() <= 3, "{rule:?}");
}

#[test]
fn two_readers_might_disagree_so_nobody_rewrites() {
    for text in [
        r#"{"a":1,"a":2}"#,
        r#"{"a": "\ud800"}"#,
        "[1, 2",
        "\u{feff}[1, 2]",
        "[1, 2] x",
        "{'a': 1}",
        "",
        "  ",
        "7",
        "null",
    ] {
        assert!(
            table::form(text).is_none() && minify::encode(text).is_none(),
            "{text}"
        );
    }
}

#[test]
fn what_was_cut_off_stands_on_the_last_line() {
    let rows: Vec<String> = (0..40)
        .map(|n| format!("{{\n  \"name\": \"n {n}\",\n  \"size\": {n}.0\n }}"))
        .collect();
    let whole = format!("{{\n \"rows\": [{}], \"more\": null}}\n", rows.join(", "));
    for at in 0..whole.len() {
        let text = &whole[..at];
        if let Some(form) = minify::encode(text) {
            assert_eq!(
                minify::decode(&form.text, &form.residue).as_deref(),
                Some(text)
            );
        }
        if let Some(form) = table::form(text) {
            assert_eq!(
                table::decode(&form.text, &form.residue).as_deref(),
                Some(text),
                "{}",
                form.text
            );
        }
    }
    let text = &whole[..whole.find("n 33").expect("there") + 4];
    let form = table::form(text).expect("a beginning");
    let (head, body) = form.text.split_once('\n').expect("a first line");
    let (body, tail) = body.rsplit_once('\n').expect("a last line");
    assert_eq!(
        (head, tail),
        (
            "[compact table: - absent, cut off in the last line]",
            "\"name\":\"n 33"
        )
    );
    let read = stranger::read(body).expect("the form");
    assert_eq!(read["rows"][32]["size"], serde_json::json!(32.0));
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,6}",
        "[-#^:=?{}\\[\\]\" \\\\,.a0]{0,5}",
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?[0-9]{1,3}(\\.[0-9]{1,2})?([eE][+-]?[0-9])?",
        "\\PC{0,6}",
        Just("line\nline\u{0}\u{7f}\u{2028}".to_owned()),
    ]
}

/// Lexemes, so that numbers and escapes keep theirs.
fn lexeme() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,4})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?",
        word().prop_map(|w| serde_json::to_string(&w).expect("a string")),
        Just("\"\\u00e9\\ud83d\\ude00\\/\"".to_owned()),
        Just("1e999".to_owned()),
        Just("\"a string that is so long that it is worth to be named where it stands again, and again, and again\"".to_owned()),
    ]
}

fn object(value: impl Strategy<Value = String> + Clone) -> impl Strategy<Value = String> {
    let key = prop_oneof![4 => "[abc]", 1 => word()];
    prop::collection::btree_map(key, value, 0..5)
        .prop_flat_map(|map| Just(map.into_iter().collect::<Vec<_>>()).prop_shuffle())
        .prop_map(|members| {
            let members: Vec<String> = members
                .iter()
                .map(|(key, value)| {
                    format!("{}:{value}", serde_json::to_string(key).expect("a key"))
                })
                .collect();
            format!("{{{}}}", members.join(","))
        })
}

fn document() -> impl Strategy<Value = String> {
    let list = |all: Vec<String>| format!("[{}]", all.join(","));
    lexeme().prop_recursive(5, 60, 6, move |value| {
        let rows = prop::collection::vec(object(value.clone()), 1..5)
            .prop_map(list)
            .boxed();
        let groups = prop::collection::vec(rows.clone(), 1..3).prop_map(list);
        prop_oneof![
            prop::collection::vec(value.clone(), 0..5).prop_map(list),
            object(value),
            object(rows.clone()),
            rows,
            groups,
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_document_comes_back(text in document()) {
        if matches!(text.as_bytes()[0], b'{' | b'[') {
            holds(&text);
        }
    }

    #[test]
    fn any_blanks_come_back(text in document(), gaps in prop::collection::vec("[ \t\r\n]{0,2}", 8)) {
        prop_assume!(matches!(text.as_bytes()[0], b'{' | b'['));
        let value: serde_json::Value = match serde_json::from_str(&text) { Ok(value) => value, Err(_) => return Ok(()) };
        let mut gaps = gaps.iter().cycle();
        let mut spread = String::new();
        let mut within = false;
        let mut before = ' ';
        for c in value.to_string().chars() {
            let gap = if within || !"{}[],:".contains(c) { "" } else { gaps.next().map_or("", |g| g.as_str()) };
            spread.push_str(gap);
            spread.push(c);
            within ^= c == '"' && before != '\\';
            before = if before == '\\' { ' ' } else { c };
        }
        holds(&spread);
        if let Some(form) = minify::encode(&spread) {
            prop_assert_eq!(minify::decode(&form.text, &form.residue), Some(spread));
        }
    }

    #[test]
    fn any_text_is_left_or_comes_back(text in "\\PC{0,40}|[\\[\\]{}\",: 0-9a-z\\n\\\\^#=-]{0,60}") {
        if let Some(form) = table::form(&text) {
            prop_assert_eq!(table::decode(&form.text, &form.residue), Some(text.clone()));
        }
        if let Some(form) = unwrap::encode(&text) {
            prop_assert_eq!(unwrap::decode(&form.text, &form.residue), Some(text.clone()));
        }
        // No decoder panics on what no encoder made.
        let _ = table::decode(&format!("[compact table]\n{text}"), text.as_bytes());
        let _ = minify::decode(&text, text.as_bytes());
        let _ = unwrap::decode(&text, text.as_bytes());
    }
}

#[test]
fn no_table_is_larger_than_the_minified_text() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    runner
        .run(&document(), |text| {
            if let Some(form) = table::encode(&text) {
                prop_assert!(exact(&form.text) < exact(&text), "{}", form.text);
            }
            Ok(())
        })
        .expect("never larger");
}
