//! Words with something around them.

use super::*;
use proptest::prelude::*;

fn words(text: &str) -> Option<String> {
    let form = unwrap::encode(text)?;
    assert_eq!(
        unwrap::decode(&form.text, &form.residue).as_deref(),
        Some(text),
        "{}",
        form.text
    );
    Some(form.text)
}

#[test]
fn results_as_json() {
    for text in [
        r#"{"content":[{"type":"text","text":"a\nb"}],"isError":false}"#,
        r#"{"content":[{"text":"a\nb","type":"text"}]}"#,
        "[\n  {\"type\": \"text\", \"text\": \"a\\nb\"}\n]",
        r#"{"_meta":null,"content":[{"type":"text","text":"a\nb","annotations":null}],"isError":false,"structuredContent":null}"#,
        r#"{"content":[{"type":"text","text":"a\nb"}],"structuredContent":{"result":"a\nb"}}"#,
    ] {
        assert_eq!(words(text).as_deref(), Some("a\nb"), "{text}");
    }
    let both =
        r#"{"content":[{"type":"text","text":"{\"n\": 1.0}"}],"structuredContent":{"n":1.0}}"#;
    assert_eq!(words(both).as_deref(), Some(r#"{"n": 1.0}"#));
}

#[test]
fn what_says_something_stays() {
    for text in [
        r#"{"content":[{"type":"text","text":"a"}],"isError":true}"#,
        r#"{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}"#,
        r#"{"content":[{"type":"text","text":"a","annotations":{"priority":1}}]}"#,
        r#"{"content":[{"type":"image","text":"a"}]}"#,
        r#"{"content":[{"type":"text","text":"a"}],"_meta":{"x":1}}"#,
        r#"{"content":[{"type":"text","text":"{\"n\":1}"}],"structuredContent":{"n":2}}"#,
        r#"{"content":[{"type":"text","text":"a"}],"nextCursor":"b"}"#,
        "meta=None content=[TextContent(type='text', text='a', annotations=None)] isError=True",
        "meta=None content=[TextContent(type='text', text='a'), TextContent(type='text', text='b')] isError=False",
        r#"{"content":[]}"#,
        "[]",
        "{}",
        "\"plain\"",
        "Error: x",
        r#"{"content":[{"type":"text","text":"x\n[compact table]\n"}]}"#,
    ] {
        assert_eq!(words(text), None, "{text}");
    }
}

#[test]
fn results_as_python_writes_them_whole_and_cut() {
    let whole = r#"meta=None content=[TextContent(type='text', text='{\n  "content": [\n    {\n      "type": "text",\n      "text": "it\'s \\"so\\"\\n\u2009\xa0é"\n    }\n  ],\n  "isError": false\n}', annotations=None)] isError=False"#;
    assert_eq!(
        words(whole).as_deref(),
        Some("it's \"so\"\n\u{2009}\u{a0}é")
    );
    for (at, _) in whole.char_indices() {
        words(&whole[..at]);
    }
    let cut = &whole[..whole.find("so").expect("there")];
    assert_eq!(words(cut).as_deref(), Some("it's \""));
    let quoted = r#"meta=None content=[TextContent(type='text', text="it's", annotations=None)] isError=False"#;
    assert_eq!(words(quoted).as_deref(), Some("it's"));
}

#[test]
fn json_in_json() {
    assert_eq!(
        words(r#""{\"a\":\"\\u00e9\"}""#).as_deref(),
        Some(r#"{"a":"\u00e9"}"#)
    );
    assert_eq!(
        words(r#""\"{\\\"a\\\":1}\"""#).as_deref(),
        Some(r#"{"a":1}"#)
    );
}

proptest! {
    #[test]
    fn any_words_come_back(text in "\\PC{0,60}|[\\\\\"'<>&/\u{0}-\u{1f}\u{7f}-\u{a0}é😀a]{0,40}", ascii in any::<bool>()) {
        let mut json = serde_json::to_string(&text).expect("a string");
        if ascii {
            json = json.chars().map(|c| match c {
                ' '..='\u{7e}' => c.to_string(),
                c => c.encode_utf16(&mut [0; 2]).iter().map(|u| format!("\\u{u:04x}")).collect(),
            }).collect();
        }
        let wrapped = format!("{{\"content\":[{{\"type\":\"text\",\"text\":{json}}}],\"isError\":false}}");
        prop_assert!(words(&wrapped).is_some());
        for at in (0..wrapped.len()).filter(|at| wrapped.is_char_boundary(*at)) {
            words(&wrapped[..at]);
        }
    }
}
