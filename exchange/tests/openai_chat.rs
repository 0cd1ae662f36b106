//! OpenAI chat: every document of the corpus as an outline, and what holds for any document at all.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use expect_test::{Expect, expect, expect_file};
use proptest::prelude::*;
use sallyport_exchange::dialect::{Asked, Fault, Reply};
use sallyport_exchange::sse::Parser;
use sallyport_exchange::stream::{Delta, Slot};
use sallyport_exchange::{
    Denial, Dialect, Edits, Kind, Malformed, Operation, Outline, PartId, Payload, RefusalKind, Text,
};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Names and contents of the corpus.
type Corpus = Vec<(String, String)>;

static DOCUMENTS: LazyLock<Corpus> = LazyLock::new(|| corpus(".json"));
static STREAMS: LazyLock<Corpus> = LazyLock::new(|| corpus(".sse"));

fn corpus(suffix: &str) -> Corpus {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/openai_chat");
    let mut found: Corpus = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(suffix))
        .map(|path| (name_of(&path), std::fs::read_to_string(&path).unwrap()))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no {suffix} in the corpus");
    found
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

fn operation(name: &str) -> Operation {
    match name.split(['.', '_']).next().unwrap() {
        "chat" => Operation::Chat,
        "complete" => Operation::Complete,
        "embed" => Operation::Embed,
        "models" => Operation::Models,
        other => panic!("the corpus file {name} begins with {other}"),
    }
}

/// Reads a document of the corpus, changed or not.
fn read(name: &str, body: &str) -> Result<Payload, Malformed> {
    let body = bytes::Bytes::from(body.to_owned());
    match name.ends_with(".request.json") {
        true => Dialect::OpenAiChat.read_request(operation(name), body),
        false => Dialect::OpenAiChat.read_answer(operation(name), body),
    }
}

fn events(stream: &str) -> Vec<String> {
    let mut parser = Parser::default();
    parser.push(stream.as_bytes());
    let mut found = Vec::new();
    while let Some(event) = parser.next_event().unwrap() {
        found.extend(event.data().map(str::to_owned));
    }
    found
}

/// A compact picture of what was understood.
fn picture(payload: &Payload) -> String {
    let outline = payload.outline();
    let mut out = String::new();
    let words = |texts: &[Text]| -> Vec<String> {
        texts.iter().map(|t| payload.text(*t).to_owned()).collect()
    };
    let _ = write!(out, "model {:?}", payload.model());
    if outline.streamed {
        out.push_str(", streamed");
    }
    if let Some(tool) = outline.forced_tool {
        let _ = write!(out, ", forced {:?}", payload.text(tool));
    }
    out.push('\n');
    for (id, part) in outline.parts.iter().enumerate() {
        let view = payload.view(PartId(id as u32));
        let _ = write!(
            out,
            "{id:>2} {} {}",
            view.author.as_str(),
            view.kind.as_str()
        );
        if let Some(message) = part.message {
            let _ = write!(out, " in {message}");
        }
        for (what, text) in [
            ("tool", part.tool),
            ("call", part.call),
            ("form", part.form),
        ] {
            if let Some(text) = text {
                let _ = write!(out, " {what}={}", payload.text(text));
            }
        }
        let _ = writeln!(out, " at {:?}: {:?}", part.whole.range(), view.text);
        if let Some(json) = part.json.filter(|_| view.kind == Kind::ToolCall) {
            let _ = writeln!(out, "     json {}", payload.text(json));
        }
    }
    for (what, texts) in [
        ("unread", &outline.unread),
        ("stored", &outline.stored),
        ("created", &outline.created),
    ] {
        if !texts.is_empty() {
            let _ = writeln!(out, "{what} {:?}", words(texts));
        }
    }
    for list in &outline.offer_lists {
        let offers: Vec<u32> = list.offers.iter().map(|(id, _)| id.0).collect();
        let gone: Vec<&str> = list
            .dependants
            .iter()
            .map(|&i| key_at(payload.source(), list.members[i].range()))
            .collect();
        let _ = writeln!(out, "offers {offers:?}, without them no {gone:?}");
    }
    if outline.usage != Default::default() {
        let _ = writeln!(out, "{:?}", outline.usage);
    }
    out
}

fn key_at(source: &str, member: std::ops::Range<usize>) -> &str {
    source[member].split('"').nth(1).unwrap_or("?")
}

fn picture_stream(name: &str, stream: &str) -> String {
    let mut reader = Dialect::OpenAiChat.stream(operation(name));
    let mut out = String::new();
    for data in events(stream) {
        match reader.read(None, &data) {
            Err(malformed) => {
                let _ = writeln!(out, "! {malformed}");
                break;
            }
            Ok(flowing) => {
                for delta in &flowing.deltas {
                    let _ = writeln!(out, "{}", picture_delta(delta));
                }
                let whole = Payload::new(bytes::Bytes::from(data), flowing.whole);
                for line in picture(&whole).lines().skip(1) {
                    let _ = writeln!(out, "  {line}");
                }
                out.push_str("--\n");
            }
        }
    }
    out
}

fn picture_delta(delta: &Delta) -> String {
    let at = |slot: &Slot| format!("{}/{} {:?}", slot.choice, slot.item, slot.lane);
    match delta {
        Delta::Grow {
            slot,
            text,
            segment,
        } => format!("grow {} {text:?} from {:?}", at(slot), segment.raw.range()),
        Delta::Call {
            slot,
            id,
            tool,
            free_form,
            ..
        } => {
            format!(
                "call {} {tool} {id}{}",
                at(slot),
                if *free_form { " free" } else { "" }
            )
        }
        Delta::Close { slot } => format!("close {}", at(slot)),
        other => format!("{other:?}"),
    }
}

fn outlines() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outlines/openai_chat")
}

#[test]
fn the_corpus_is_understood() {
    for (name, body) in &*DOCUMENTS {
        let payload = read(name, body).unwrap_or_else(|m| panic!("{name}: {m}"));
        expect_file![outlines().join(format!("{name}.txt"))].assert_eq(&picture(&payload));
    }
    for (name, stream) in &*STREAMS {
        expect_file![outlines().join(format!("{name}.txt"))]
            .assert_eq(&picture_stream(name, stream));
    }
}

#[test]
fn without_edits_the_bytes_are_the_same() {
    for (name, body) in &*DOCUMENTS {
        let payload = read(name, body).unwrap();
        let same = Edits::default().apply(payload.bytes());
        assert_eq!(same.as_ptr(), payload.bytes().as_ptr(), "{name}");
    }
}

fn check_chat(body: &str, expected: Expect) {
    let read =
        Dialect::OpenAiChat.read_request(Operation::Chat, bytes::Bytes::from(body.to_owned()));
    expected.assert_eq(&match read {
        Ok(payload) => picture(&payload),
        Err(malformed) => malformed.to_string(),
    });
}

#[test]
fn what_is_no_request_is_refused() {
    let cases = [
        r#"[]"#,
        r#"{"messages":[]}"#,
        r#"{"model":"m"}"#,
        r#"{"model":1,"messages":[]}"#,
        r#"{"model":"m","messages":{}}"#,
        r#"{"model":"m","messages":null}"#,
        r#"{"model":"m","messages":["hi"]}"#,
        r#"{"model":"m","messages":[{"content":"hi"}]}"#,
        r#"{"model":"m","messages":[],"Model":"n"}"#,
        r#"{"model":"m","messages":[{"role":"user","Content":"hi"}]}"#,
        r#"{"model":"m","messages":[{"role":"user","content":5}]}"#,
        r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":5}]}]}"#,
        r#"{"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"1","function":{"arguments":"{}"}}]}]}"#,
        r#"{"model":"m","messages":[],"stream":"yes"}"#,
        r#"{"model":"m","messages":[],"tools":[{"type":"function","function":{"description":"no name"}}]}"#,
        r#"{"model":"m","messages":[],"tools":[{"type":"function","function":{"name":"a","Name":"b"}}]}"#,
    ];
    let said: Vec<String> = cases
        .iter()
        .map(|body| {
            let body = bytes::Bytes::from_static(body.as_bytes());
            let refused = Dialect::OpenAiChat.read_request(Operation::Chat, body);
            refused.expect_err("should be refused").to_string()
        })
        .collect();
    expect![[r#"
        the body has an unexpected type at byte 0
        model is missing at byte 0
        messages is missing at byte 0
        model has an unexpected type at byte 9
        messages has an unexpected type at byte 24
        messages has an unexpected type at byte 24
        a message has an unexpected type at byte 25
        the role of a message is missing at byte 25
        the key `Model` differs only in case from one with a meaning at byte 27
        the key `Content` differs only in case from one with a meaning at byte 40
        content has an unexpected type at byte 50
        text has an unexpected type at byte 73
        the name of a called function is missing at byte 80
        stream has an unexpected type at byte 36
        the name of a tool is missing at byte 66
        the key `Name` differs only in case from one with a meaning at byte 78"#]]
    .assert_eq(&said.join("\n"));
}

#[test]
fn small_things() {
    check_chat(
        r#"{"m\u006fdel":"m","messages":[{"role":"us\u0065r","c\u006fntent":"escaped keys"}]}"#,
        expect![[r#"
        model Some("m")
         0 user text in 0 at 65..79: "escaped keys"
    "#]],
    );
    check_chat(
        r#"{"messages":[{"content":"before the role","role":"system"}],"model":"m","tools":[],"functions":null,"stream":null}"#,
        expect![[r#"
        model Some("m")
         0 system text in 0 at 24..41: "before the role"
    "#]],
    );
    check_chat(
        r#"{"model":"m","messages":[],"web_search_options":{}}"#,
        expect![[r#"
        model Some("m")
         0 tool tool_offer tool=web_search form=web_search at 48..50: ""
        offers [0], without them no ["web_search_options"]
    "#]],
    );
    check_chat(
        r#"{"model":"m","messages":[],"tool_choice":"required","user":"","logit_bias":{"a word of mine":1}}"#,
        expect![[r#"
        model Some("m")
         0 system text at 59..61: ""
         1 system unread at 75..95: "a word of mine\n1"
        unread ["logit_bias"]
    "#]],
    );
}

fn check_stream(chunks: &[&str], expected: Expect) {
    let stream: String = chunks.iter().map(|c| format!("data: {c}\n\n")).collect();
    expected.assert_eq(&picture_stream("chat.sse", &stream));
}

#[test]
fn a_stream_that_contradicts_itself_is_refused() {
    let call = |piece: &str| {
        format!(r#"{{"choices":[{{"index":0,"delta":{{"tool_calls":[{piece}]}}}}]}}"#)
    };
    let named = call(r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}"#);
    let other = call(r#"{"index":1,"id":"b","function":{"name":"g"}}"#);
    let stories = [
        vec![call(r#"{"index":0,"id":"a","function":{"arguments":"{"}}"#)],
        vec![
            named.clone(),
            call(r#"{"index":0,"function":{"name":"g"}}"#),
        ],
        vec![
            named.clone(),
            call(r#"{"index":0,"id":"b","function":{"arguments":"}"}}"#),
        ],
        vec![
            named.clone(),
            other,
            call(r#"{"index":0,"function":{"arguments":"}"}}"#),
        ],
        vec![named.clone(), call(r#"{"index":0,"custom":{"input":"}"}}"#)],
        vec![call(r#"{"function":{"name":"f"}}"#)],
        vec![call(r#"{"index":-1,"function":{"name":"f"}}"#)],
        vec![r#"{"choices":[{"delta":{"content":"whose?"}}]}"#.to_owned()],
        vec![
            r#"{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}"#
                .to_owned(),
            r#"{"choices":[{"index":0,"delta":{"content":"b"}}]}"#.to_owned(),
        ],
        vec!["5".to_owned()],
        vec!["{\"choices\":[".to_owned()],
        vec![r#"{"Choices":[]}"#.to_owned()],
    ];
    let mut said = String::new();
    for story in &stories {
        let stream: String = story.iter().map(|c| format!("data: {c}\n\n")).collect();
        let picture = picture_stream("chat.sse", &stream);
        let _ = writeln!(
            said,
            "{}",
            picture
                .lines()
                .find(|l| l.starts_with('!'))
                .unwrap_or("read")
        );
    }
    expect![[r#"
        ! an argument of a call without a name is out of order at byte 90
        ! a second name of a called function is out of order at byte 76
        ! a second id of a tool call is out of order at byte 62
        ! a piece of a complete tool call is out of order at byte 46
        ! a piece of a tool call is out of order at byte 75
        ! the index in a chunk is missing at byte 46
        ! the index in a chunk has an unexpected type at byte 55
        ! the index in a chunk is missing at byte 12
        ! a piece of a complete choice is out of order at byte 42
        ! a chunk has an unexpected type at byte 0
        ! not valid JSON at byte 12
        ! the key `Choices` differs only in case from one with a meaning at byte 1
    "#]]
    .assert_eq(&said);
}

#[test]
fn a_call_may_tell_its_id_first_and_repeat_it() {
    check_stream(
        &[
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","type":"function"}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f g","arguments":""}}]}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"","arguments":"{}"}}]},"finish_reason":"stop"}]}"#,
        ],
        expect![[r#"
            --
            call 0/0 Call f g a
               0 model text in 0 at 85..90: "f g"
            --
            grow 0/0 Call "{}" from 101..103
            CloseChoice { choice: 0 }
            --
        "#]],
    );
}

fn show(reply: &Reply) -> String {
    format!(
        "{} {}\n{}",
        reply.status,
        reply.content_type,
        String::from_utf8_lossy(&reply.body)
    )
}

fn asked(operation: Operation, streamed: bool) -> Asked<'static> {
    Asked {
        id: "d-17",
        operation,
        model: "gpt-5",
        streamed,
        now_s: 1_700_000_000,
    }
}

#[test]
fn words() {
    let deny = Denial::deny(
        "org/no-prod-writes",
        "Production is \"read-only\".\nAsk first.",
    );
    let steer = Denial {
        kind: RefusalKind::Steer,
        ..deny.clone()
    };
    let fault = Fault {
        status: 413,
        code: "body_too_large",
        message: "the body is larger than 32 MiB".to_owned(),
    };
    let chat = Dialect::OpenAiChat;
    let replies = [
        chat.refuse(&deny, asked(Operation::Chat, true)),
        chat.refuse(&steer, asked(Operation::Chat, false)),
        chat.refuse(&steer, asked(Operation::Chat, true)),
        chat.refuse(&steer, asked(Operation::Complete, false)),
        chat.refuse(&steer, asked(Operation::Complete, true)),
        chat.refuse(&steer, asked(Operation::Embed, false)),
        chat.fault(&fault, "d-17"),
    ];
    let mut said: Vec<String> = replies.iter().map(show).collect();
    for (code, say) in [
        ("org/no-prod-writes", "No."),
        ("upstream_broke", "The upstream left."),
    ] {
        said.push(String::from_utf8_lossy(&chat.closing(code, say, "d-17")).into_owned());
    }
    expect![[r#"
        403 application/json
        {"error":{"code":"org/no-prod-writes","message":"Production is \"read-only\".\nAsk first. (decision d-17)","param":null,"sallyport":{"id":"d-17"},"type":"policy_denied"}}

        200 application/json
        {"choices":[{"finish_reason":"stop","index":0,"logprobs":null,"message":{"content":"Production is \"read-only\".\nAsk first. (decision d-17)","refusal":null,"role":"assistant"}}],"created":1700000000,"id":"chatcmpl-d-17","model":"gpt-5","object":"chat.completion","usage":{"completion_tokens":0,"prompt_tokens":0,"total_tokens":0}}

        200 text/event-stream
        data: {"choices":[{"delta":{"content":"Production is \"read-only\".\nAsk first. (decision d-17)","role":"assistant"},"finish_reason":null,"index":0,"logprobs":null}],"created":1700000000,"id":"chatcmpl-d-17","model":"gpt-5","object":"chat.completion.chunk"}

        data: {"choices":[{"delta":{},"finish_reason":"stop","index":0,"logprobs":null}],"created":1700000000,"id":"chatcmpl-d-17","model":"gpt-5","object":"chat.completion.chunk"}

        data: [DONE]



        200 application/json
        {"choices":[{"finish_reason":"stop","index":0,"logprobs":null,"text":"Production is \"read-only\".\nAsk first. (decision d-17)"}],"created":1700000000,"id":"chatcmpl-d-17","model":"gpt-5","object":"text_completion","usage":{"completion_tokens":0,"prompt_tokens":0,"total_tokens":0}}

        200 text/event-stream
        data: {"choices":[{"finish_reason":null,"index":0,"logprobs":null,"text":"Production is \"read-only\".\nAsk first. (decision d-17)"}],"created":1700000000,"id":"chatcmpl-d-17","model":"gpt-5","object":"text_completion"}

        data: {"choices":[{"finish_reason":"stop","index":0,"logprobs":null,"text":""}],"created":1700000000,"id":"chatcmpl-d-17","model":"gpt-5","object":"text_completion"}

        data: [DONE]



        403 application/json
        {"error":{"code":"org/no-prod-writes","message":"Production is \"read-only\".\nAsk first. (decision d-17)","param":null,"sallyport":{"id":"d-17"},"type":"policy_denied"}}

        413 application/json
        {"error":{"code":"body_too_large","message":"the body is larger than 32 MiB (decision d-17)","param":null,"sallyport":{"id":"d-17"},"type":"invalid_request_error"}}

        data: {"error":{"code":"org/no-prod-writes","message":"No. (decision d-17)","param":null,"sallyport":{"id":"d-17"},"type":"policy_denied"}}



        data: {"error":{"code":"upstream_broke","message":"The upstream left. (decision d-17)","param":null,"sallyport":{"id":"d-17"},"type":"server_error"}}

    "#]].assert_eq(&said.join("\n\n"));
}

#[test]
fn the_words_are_read_by_the_readers() {
    let steer = Denial {
        kind: RefusalKind::Steer,
        ..Denial::deny("org/x", "Do it so.")
    };
    for operation in [Operation::Chat, Operation::Complete] {
        let whole = Dialect::OpenAiChat.refuse(&steer, asked(operation, false));
        let whole = Dialect::OpenAiChat
            .read_answer(operation, whole.body)
            .unwrap();
        assert_eq!(whole.view(PartId(0)).text, "Do it so. (decision d-17)");
        assert!(whole.outline().unread.is_empty());
        let streamed = Dialect::OpenAiChat.refuse(&steer, asked(operation, true));
        let mut reader = Dialect::OpenAiChat.stream(operation);
        let mut deltas = Vec::new();
        for data in events(std::str::from_utf8(&streamed.body).unwrap()) {
            deltas.extend(reader.read(None, &data).unwrap().deltas);
        }
        let grown = deltas.iter().find_map(|d| match d {
            Delta::Grow { text, .. } => Some(text.as_str()),
            _ => None,
        });
        assert_eq!(grown, Some("Do it so. (decision d-17)"));
        assert_eq!(deltas.last(), Some(&Delta::End));
    }
}

/// What an agent's SDK puts together from the chunks, by way of serde_json alone.
fn grown_by_serde(events: &[String]) -> BTreeMap<String, String> {
    let mut grown = BTreeMap::new();
    let mut add = |key: String, value: &serde_json::Value| {
        if let Some(text) = value.as_str().filter(|t| !t.is_empty()) {
            grown.entry(key).or_insert_with(String::new).push_str(text);
        }
    };
    for data in events.iter().filter(|d| *d != "[DONE]") {
        let chunk: serde_json::Value = serde_json::from_str(data).unwrap();
        for choice in chunk["choices"].as_array().into_iter().flatten() {
            let (i, delta) = (&choice["index"], &choice["delta"]);
            add(format!("{i}/0 Text(0)"), &delta["content"]);
            add(format!("{i}/0 Text(1)"), &choice["text"]);
            add(format!("{i}/0 Refusal(0)"), &delta["refusal"]);
            add(format!("{i}/0 Reasoning(0)"), &delta["reasoning_content"]);
            add(format!("{i}/0 Reasoning(1)"), &delta["reasoning"]);
            add(format!("{i}/0 Transcript"), &delta["audio"]["transcript"]);
            add(
                format!("{i}/{} Call", u32::MAX),
                &delta["function_call"]["arguments"],
            );
            for call in delta["tool_calls"].as_array().into_iter().flatten() {
                add(
                    format!("{i}/{} Call", call["index"]),
                    &call["function"]["arguments"],
                );
                add(
                    format!("{i}/{} Call", call["index"]),
                    &call["custom"]["input"],
                );
            }
        }
    }
    grown
}

#[test]
fn what_grows_is_what_serde_json_sees() {
    for (name, stream) in &*STREAMS {
        let events = events(stream);
        let mut reader = Dialect::OpenAiChat.stream(operation(name));
        let mut grown = BTreeMap::new();
        for data in &events {
            for delta in reader.read(None, data).unwrap().deltas {
                let Delta::Grow {
                    slot,
                    text,
                    segment,
                } = delta
                else {
                    continue;
                };
                let raw = format!("\"{}\"", &data[segment.raw.range()]);
                assert_eq!(
                    serde_json::from_str::<String>(&raw).unwrap(),
                    text,
                    "{name}"
                );
                let key = format!("{}/{} {:?}", slot.choice, slot.item, slot.lane);
                grown.entry(key).or_insert_with(String::new).push_str(&text);
            }
        }
        assert_eq!(grown, grown_by_serde(&events), "{name}");
    }
}

// Any document at all.

/// Words that no reader may overlook, wherever they stand.
const MARK: &str = "zq MARKED zq";
const CARD: &str = "4111111111111111";

/// A value of any shape, with marked words somewhere in it.
fn marked() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        4 => Just(serde_json::json!(MARK)),
        1 => Just(serde_json::json!(format!("data:text/plain,{MARK}"))),
        1 => Just(serde_json::json!(format!("data:image/png;base64,{MARK}"))),
        1 => Just(serde_json::json!(format!("é\n\"{MARK}\\"))),
        1 => Just(serde_json::from_str(CARD).unwrap()),
    ];
    let key = prop_oneof![
        "[a-z]{1,4}",
        Just(MARK.to_owned()),
        Just("function".to_owned()),
        Just("url".to_owned()),
        Just("content".to_owned()),
        Just("type".to_owned()),
        Just("id".to_owned()),
        Just("text".to_owned())
    ];
    leaf.prop_recursive(3, 12, 3, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..3).prop_map(serde_json::Value::Array),
            proptest::collection::hash_map(key.clone(), inner, 1..3)
                .prop_map(|m| serde_json::Value::Object(m.into_iter().collect())),
        ]
    })
}

/// Any value, for documents that only must not break a reader.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f32>().prop_map(|f| serde_json::json!(f)),
        ".{0,8}".prop_map(Into::into),
        Just(serde_json::json!("function")),
        Just(serde_json::json!("{\"a\": \"b\"}")),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::Array),
            proptest::collection::hash_map("[a-z_]{0,12}", inner, 0..4)
                .prop_map(|m| serde_json::Value::Object(m.into_iter().collect())),
        ]
    })
}

/// All places in a document, as JSON pointers.
fn places(value: &serde_json::Value, at: String, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (key, member) in members {
                places(
                    member,
                    format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")),
                    found,
                );
            }
        }
        serde_json::Value::Array(elements) => {
            for (i, element) in elements.iter().enumerate() {
                places(element, format!("{at}/{i}"), found);
            }
        }
        _ => {}
    }
    found.push(at);
}

/// `document` with `value` at one of its places, put there as it is or as one more member or element.
fn changed(
    document: &str,
    place: prop::sample::Index,
    add: bool,
    key: &str,
    value: serde_json::Value,
) -> (String, String) {
    let mut json: serde_json::Value = serde_json::from_str(document).unwrap();
    let mut all = Vec::new();
    places(&json, String::new(), &mut all);
    let at = all[place.index(all.len())].clone();
    let target = json.pointer_mut(&at).unwrap();
    match target {
        serde_json::Value::Object(members) if add => {
            members.insert(key.to_owned(), value);
        }
        serde_json::Value::Array(elements) if add => elements.push(value),
        _ => *target = value,
    }
    (at, json.to_string())
}

fn all_words(payload: &Payload) -> Vec<String> {
    payload.views().map(|v| v.text.to_owned()).collect()
}

/// Every string of a document, keys too, and long numbers.
fn said(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => found.push(text.clone()),
        serde_json::Value::Number(n) if n.to_string() == CARD => found.push(CARD.to_owned()),
        serde_json::Value::Array(elements) => elements.iter().for_each(|e| said(e, found)),
        serde_json::Value::Object(members) => members.iter().for_each(|(k, v)| {
            found.push(k.clone());
            said(v, found);
        }),
        _ => {}
    }
}

/// How often marked words stand in a document, and in what was understood of it.
fn count(texts: &[String], mark: &str) -> usize {
    texts.iter().map(|t| t.matches(mark).count()).sum()
}

/// Numbers that are told in bulk and say nothing: vectors, tokens.
fn in_bulk(at: &str) -> bool {
    ["/embedding", "/prompt", "/input"]
        .iter()
        .any(|p| at.contains(p))
}

fn words_of(flowing_deltas: &[Delta], whole: Outline, data: &str) -> Vec<String> {
    let mut words = all_words(&Payload::new(bytes::Bytes::from(data.to_owned()), whole));
    for delta in flowing_deltas {
        if let Delta::Grow { text, .. } = delta {
            words.push(text.clone());
        }
    }
    words
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 600,
        max_global_rejects: 20_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whatever is written wherever: it is refused, or it is inspected.
    #[test]
    fn no_cell_is_silent(
        document in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(),
        add in any::<bool>(), key in prop_oneof![Just("key"), Just(MARK), Just("name"), Just("id"), Just("content")],
        value in marked(),
    ) {
        let all = &*DOCUMENTS;
        let (name, body) = &all[document.index(all.len())];
        let (at, body) = changed(body, place, add, key, value);
        if let Ok(payload) = read(name, &body) {
            let mut expected = Vec::new();
            said(&serde_json::from_str(&body).unwrap(), &mut expected);
            let words = all_words(&payload);
            prop_assert!(count(&words, MARK) >= count(&expected, MARK), "{name} {at}: {body}\n{}", picture(&payload));
            if !in_bulk(&at) {
                prop_assert!(count(&words, CARD) >= count(&expected, CARD), "{name} {at}: {body}\n{}", picture(&payload));
            }
        }
    }

    #[test]
    fn no_cell_of_a_chunk_is_silent(
        document in any::<prop::sample::Index>(), event in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(),
        add in any::<bool>(), key in prop_oneof![Just("key"), Just(MARK), Just("name"), Just("id"), Just("content")],
        value in marked(),
    ) {
        let all = &*STREAMS;
        let (name, stream) = &all[document.index(all.len())];
        let mut events = events(stream);
        events.retain(|e| e != "[DONE]");
        let chosen = event.index(events.len());
        let (at, changed) = changed(&events[chosen], place, add, key, value);
        events[chosen] = changed;
        let mut reader = Dialect::OpenAiChat.stream(operation(name));
        for data in &events {
            let Ok(flowing) = reader.read(None, data) else {
                return Ok(());
            };
            let mut expected = Vec::new();
            said(&serde_json::from_str(data).unwrap(), &mut expected);
            let words = words_of(&flowing.deltas, flowing.whole, data);
            for mark in [MARK, CARD] {
                prop_assert!(count(&words, mark) >= count(&expected, mark), "{name} {at}: {data}");
            }
        }
    }

    #[test]
    fn no_document_breaks_a_reader(
        document in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(),
        add in any::<bool>(), key in "[a-z_]{0,10}", value in any_json(),
    ) {
        let all = &*DOCUMENTS;
        let (name, body) = &all[document.index(all.len())];
        let (_, body) = changed(body, place, add, &key, value);
        if let Ok(payload) = read(name, &body) {
            let _ = picture(&payload);
            check_segments(&payload);
        }
    }

    #[test]
    fn no_chunks_break_a_reader(chunks in proptest::collection::vec(any_json(), 0..4), delta in any_json()) {
        let mut reader = Dialect::OpenAiChat.stream(Operation::Chat);
        for chunk in chunks {
            let _ = reader.read(None, &chunk.to_string());
            let wrapped = serde_json::json!({"choices": [{"index": 0, "delta": {"content": chunk, "tool_calls": [delta]}}]});
            let _ = reader.read(None, &wrapped.to_string());
        }
    }

    /// Reading an edited body gives the edited parts, and all others as they were.
    #[test]
    fn an_edit_changes_one_part(
        document in any::<prop::sample::Index>(), part in any::<prop::sample::Index>(), segment in any::<prop::sample::Index>(),
        from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(),
    ) {
        let all = &*DOCUMENTS;
        let (name, body) = &all[document.index(all.len())];
        let payload = read(name, body).unwrap();
        let parts = &payload.outline().parts;
        prop_assume!(!parts.is_empty());
        let id = PartId(part.index(parts.len()) as u32);
        let part = &parts[id.0 as usize];
        let text = payload.text(part.text);
        prop_assume!(!part.segments.is_empty() && !text.ends_with(";base64,"));
        let segments = &payload.outline().segments[part.segments.range()];
        let place = segments[segment.index(segments.len())].text.range();
        // Keys and types of a declaration are its bones: an edit there makes another document.
        prop_assume!(!matches!(part.kind, Kind::ToolOffer | Kind::Unread) || text[place.clone()].contains(' '));
        let bounds: Vec<usize> = place.clone().filter(|&i| text.is_char_boundary(i)).chain([place.end]).collect();
        let (a, b) = (bounds[from.index(bounds.len())], bounds[to.index(bounds.len())]);
        let range = a.min(b)..a.max(b);
        prop_assume!(!range.is_empty());
        let is_number = matches!(segments[segment.index(segments.len())].coding,
            sallyport_exchange::Coding::Number | sallyport_exchange::Coding::Nested { number: true, .. });
        let gone = if is_number { place } else { range.clone() };
        let mut edits = Edits::default();
        payload.redact(id, range, "[é \"gone\"]", &mut edits).unwrap();
        let edited = edits.apply(payload.bytes());
        let again = read(name, std::str::from_utf8(&edited).unwrap())
            .map_err(|m| TestCaseError::fail(format!("{name}: {m}: {edited:?}")))?;
        let mut expected = all_words(&payload);
        expected[id.0 as usize].replace_range(gone, "[é \"gone\"]");
        prop_assert_eq!(all_words(&again), expected, "{}", name);
        // As many: the words of an unread key are a part too, and an edit there changes its path.
        prop_assert_eq!(again.outline().unread.len(), payload.outline().unread.len());
        check_segments(&again);
    }
}

/// Segments are sorted and disjoint, and lie in their part's text.
fn check_segments(payload: &Payload) {
    for part in &payload.outline().parts {
        let segments = &payload.outline().segments[part.segments.range()];
        let len = payload.text(part.text).len();
        assert!(segments.iter().all(|s| s.text.end as usize <= len));
        assert!(
            segments
                .windows(2)
                .all(|w| w[0].text.end <= w[1].text.start)
        );
    }
}
