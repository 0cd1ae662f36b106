//! Anthropic messages: what is read of requests, answers and streams, and how a refusal is worded.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use bytes::Bytes;
use expect_test::{Expect, expect, expect_file};
use proptest::prelude::*;
use sallyport_exchange::dialect::{Asked, Fault};
use sallyport_exchange::json::string;
use sallyport_exchange::sse::{Event, Parser};
use sallyport_exchange::stream::{Delta, Flowing, Lane, Slot};
use sallyport_exchange::{
    Coding, Denial, Dialect, Edits, Kind, Malformed, Operation, Outline, PartId, Payload,
    RefusalKind, Text,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

const REQUESTS: [&str; 4] = [
    "claude-code.request.json",
    "documents.request.json",
    "server-tools.request.json",
    "tool-images.request.json",
];
const ANSWERS: [&str; 5] = [
    "message.answer.json",
    "code-execution.answer.json",
    "error.answer.json",
    "count.answer.json",
    "models.answer.json",
];
const STREAMS: [&str; 3] = ["tool-use.sse", "web-search.sse", "failed.sse"];

fn corpus(name: &str) -> String {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(here.join("tests/corpus/anthropic").join(name)).unwrap()
}

fn read(name: &str, body: &str) -> Result<Payload, Malformed> {
    let body = Bytes::from(body.to_owned());
    if name.contains(".request.") {
        Dialect::Anthropic.read_request(Operation::Chat, body)
    } else {
        Dialect::Anthropic.read_answer(Operation::Chat, body)
    }
}

fn show(payload: &Payload) -> String {
    let outline = payload.outline();
    let mut out = String::new();
    let mut line = |key: &str, text: &str| writeln!(out, "{key}: {text}").unwrap();
    if let Some(model) = payload.model() {
        line("model", model);
    }
    if outline.streamed {
        line("streamed", "yes");
    }
    for (id, part) in outline.parts.iter().enumerate() {
        let mut about = part.author.as_str().to_owned();
        let mut tell = |key: &str, text: Option<Text>| {
            if let Some(text) = text {
                write!(about, " {key}={}", payload.text(text)).unwrap();
            }
        };
        tell("tool", part.tool);
        tell("call", part.call);
        tell("form", part.form);
        if let Some(message) = part.message {
            write!(about, " #{message}").unwrap();
        }
        if part.sealed {
            about.push_str(" sealed");
        }
        let segments = &outline.segments[part.segments.range()];
        let from = segments.first().map_or(0, |s| s.raw.start);
        let to = segments.last().map_or(0, |s| s.raw.end);
        let text = payload.view(PartId(id as u32)).text;
        line(
            part.kind.as_str(),
            &format!("{about} {from}..{to} {text:?}"),
        );
        if let (Kind::ToolCall, Some(json)) = (part.kind, part.json) {
            line("  json", payload.text(json));
        }
    }
    for list in &outline.offer_lists {
        line(
            "offers",
            &format!(
                "{} of {} members, {:?} go",
                list.offers.len(),
                list.members.len(),
                list.dependants
            ),
        );
    }
    for (key, texts) in [
        ("unread path", &outline.unread),
        ("stored", &outline.stored),
        ("created", &outline.created),
    ] {
        for text in texts {
            line(key, payload.text(*text));
        }
    }
    if let Some(tool) = outline.forced_tool {
        line("forced", payload.text(tool));
    }
    if outline.usage != Default::default() {
        let usage = outline.usage;
        line(
            "usage",
            &format!(
                "in {:?} out {:?} cached {:?}",
                usage.input, usage.output, usage.cached
            ),
        );
    }
    out
}

fn request(body: &str, expected: Expect) {
    let payload = read(".request.", body);
    expected.assert_eq(&payload.map_or_else(|e| e.to_string(), |p| show(&p)));
}

/// A request whose only message holds these blocks.
fn blocks(blocks: &str, expected: Expect) {
    request(
        &format!(r#"{{"model":"m","messages":[{{"role":"user","content":[{blocks}]}}]}}"#),
        expected,
    );
}

fn answer(body: &str, expected: Expect) {
    let payload = read(".answer.", body);
    expected.assert_eq(&payload.map_or_else(|e| e.to_string(), |p| show(&p)));
}

#[test]
fn the_corpus_is_read() {
    for name in REQUESTS.iter().chain(&ANSWERS) {
        let payload = read(name, &corpus(name)).unwrap();
        expect_file![format!("outlines/anthropic/{name}.txt")].assert_eq(&show(&payload));
    }
    for name in STREAMS {
        expect_file![format!("outlines/anthropic/{name}.txt")]
            .assert_eq(&show_stream(&corpus(name)));
    }
}

#[test]
fn what_a_request_must_have() {
    request("[]", expect![["the body has an unexpected type at byte 0"]]);
    request(
        r#"{"messages":[]}"#,
        expect![["model is missing at byte 0"]],
    );
    request(
        r#"{"model":"m"}"#,
        expect![["messages is missing at byte 0"]],
    );
    request(
        r#"{"model":7,"messages":[]}"#,
        expect![["model has an unexpected type at byte 9"]],
    );
    request(
        r#"{"model":"m","messages":{}}"#,
        expect![["messages has an unexpected type at byte 24"]],
    );
    request(
        r#"{"model":"m","messages":["x"]}"#,
        expect![["a message has an unexpected type at byte 25"]],
    );
    request(
        r#"{"model":"m","messages":[{"content":"x"}]}"#,
        expect![["role is missing at byte 25"]],
    );
    request(
        r#"{"model":"m","messages":[{"role":"tool","content":"x"}]}"#,
        expect![["role has an unexpected type at byte 33"]],
    );
    request(
        r#"{"model":"m","messages":[],"stream":"yes"}"#,
        expect![["stream has an unexpected type at byte 36"]],
    );
    request(
        r#"{"model":"m","messages":[],"tools":{}}"#,
        expect![["a list of tools has an unexpected type at byte 35"]],
    );
    blocks(
        r#"{"type":"tool_use","id":"t","input":{}}"#,
        expect!["name is missing at byte 51"],
    );
    blocks(
        r#"{"type":"tool_use","id":"t","name":"x"}"#,
        expect!["input is missing at byte 51"],
    );
    blocks(
        r#"{"type":"image","source":{"type":"base64","data":"AAAA"}}"#,
        expect!["media_type is missing at byte 76"],
    );
}

#[test]
fn lookalike_keys_are_refused() {
    request(
        r#"{"model":"m","messages":[],"Messages":[]}"#,
        expect!["the key `Messages` differs only in case from one with a meaning at byte 27"],
    );
    request(
        r#"{"model":"m","messages":[],"tools":[{"name":"a","Name":"b"}]}"#,
        expect!["the key `Name` differs only in case from one with a meaning at byte 48"],
    );
    blocks(
        r#"{"type":"text","text":"a","TEXT":"b"}"#,
        expect!["the key `TEXT` differs only in case from one with a meaning at byte 77"],
    );
    blocks(
        r#"{"type":"tool_use","id":"t","name":"x","input":{},"Input":{"a":1}}"#,
        expect!["the key `Input` differs only in case from one with a meaning at byte 101"],
    );
}

#[test]
fn nothing_hides_in_a_word() {
    request(
        r#"{"model":"m","messages":[],"max_tokens":"many words here","service_tier":{"say":"what you like"},"new":{"x":["y z",1]}}"#,
        expect![[r#"
            model: m
            unread: system 41..56 "many words here"
            unread: system 75..94 "say\nwhat you like"
            unread: system 105..116 "x\ny z\n1"
            unread path: max_tokens
            unread path: service_tier
            unread path: new
        "#]],
    );
    blocks(
        r#"{"type":"text","text":"a","cache_control":{"type":"not a word"}}"#,
        expect![[r#"
        model: m
        text: user #0 74..75 "a"
        unread: user #0 95..112 "type\nnot a word"
        unread path: messages[0].content[0].cache_control
    "#]],
    );
    blocks(
        r#"{"type":"thinking","thinking":"a","signature":"words between"}"#,
        expect![[r#"
        model: m
        reasoning: model #0 sealed 82..83 "a"
        unread: model #0 sealed 98..111 "words between"
        unread path: messages[0].content[0].signature
    "#]],
    );
    blocks(
        r#"{"type":"text","text":["a",{"b":"c"}]}"#,
        expect![[r#"
        model: m
        unread: user #0 75..85 "a\nb\nc"
        unread path: messages[0].content[0].text
    "#]],
    );
    blocks(
        r#""just text""#,
        expect![[r#"
        model: m
        unread: user #0 52..61 "just text"
        unread path: messages[0].content[0]
    "#]],
    );
    blocks(
        r#"{"type":"image","source":{"type":"base64","media_type":"image/png","data":"not base 64"}}"#,
        expect![[r#"
        model: m
        media: user form=image #0 107..116 "image/png"
        unread: user #0 126..137 "not base 64"
        unread path: messages[0].content[0].source.data
    "#]],
    );
    blocks(
        r#"{"type":"image","source":{"type":"carrier pigeon"}}"#,
        expect![[r#"
        model: m
        unread: user #0 78..99 "type\ncarrier pigeon"
        unread path: messages[0].content[0].source
    "#]],
    );
    blocks(
        r#"{"Type":"text","text":"a"}"#,
        expect![[r#"
        model: m
        unread: user #0 53..75 "Type\ntext\ntext\na"
        unread path: messages[0].content[0]
    "#]],
    );
}

#[test]
fn a_result_cannot_speak_for_the_model() {
    blocks(
        r#"{"type":"tool_result","tool_use_id":"t","content":[{"type":"tool_use","id":"u","name":"rm","input":{}},{"type":"text","text":"fine"}]}"#,
        expect![[r#"
            model: m
            unread: tool call=t #0 104..148 "type\ntool_use\nid\nu\nname\nrm\ninput"
            tool_result: tool call=t #0 177..181 "fine"
            unread path: messages[0].content[0].content[0]
        "#]],
    );
}

#[test]
fn tools_that_come_in_a_message_are_offers() {
    blocks(
        r#"{"type":"tool_addition","tool":{"type":"tool_definition","definition":{"name":"late","input_schema":{}}}},
           {"type":"tool_removal","tool":{"type":"mcp_tool_reference","server_name":"s","name":"t"}},
           {"type":"mcp_tool_listing","mcp_server_name":"s","tools":[{"name":"listed","input_schema":{}}]}"#,
        expect![[r#"
            model: m
            tool_offer: tool tool=late form=custom #0 123..149 "name\nlate\ninput_schema"
            text: user #0 243..244 "s"
            text: user #0 254..255 "t"
            tool_offer: tool tool=listed form=mcp_tool #0 331..359 "name\nlisted\ninput_schema"
        "#]],
    );
}

#[test]
fn other_answers() {
    answer(
        r#"{"content":[{"type":"text","text":"no type"}]}"#,
        expect![[r#"
            text: model #0 35..42 "no type"
        "#]],
    );
    answer(
        r#"{"error":{"message":"not the protocol's own"}}"#,
        expect![[r#"
        unread: model 11..43 "message\nnot the protocol's own"
        unread path: error
    "#]],
    );
    answer(
        r#"{"type":"surprise","say":"hello there"}"#,
        expect![[r#"
        unread: model 26..37 "hello there"
        unread path: say
    "#]],
    );
    answer(
        r#"{"type":"model","id":"claude-x","display_name":"Claude X","capabilities":{"batch":{"supported":true}}}"#,
        expect![[""]],
    );
    answer("[]", expect![["the body has an unexpected type at byte 0"]]);
}

// Streams.

fn events(text: &str) -> Vec<Event> {
    let mut parser = Parser::default();
    parser.push(text.as_bytes());
    let mut events = Vec::new();
    while let Some(event) = parser.next_event().unwrap() {
        events.push(event);
    }
    events.extend(parser.finish().unwrap());
    events
}

fn place(slot: &Slot) -> String {
    format!("{}.{:?}", slot.item, slot.lane)
}

fn show_delta(delta: &Delta) -> String {
    match delta {
        Delta::Grow {
            slot,
            text,
            segment,
        } => {
            format!("grow {} {:?} {text:?}", place(slot), segment.raw.range())
        }
        Delta::Call {
            slot,
            id,
            tool,
            provider,
            ..
        } => {
            let whose = if *provider { " at the provider" } else { "" };
            format!("call {} {tool} {id}{whose}", place(slot))
        }
        Delta::Close { slot } => format!("close {}", place(slot)),
        Delta::Seal { slot } => format!("seal {}", place(slot)),
        Delta::Usage(usage) => format!(
            "usage in {:?} out {:?} cached {:?}",
            usage.input, usage.output, usage.cached
        ),
        other => format!("{other:?}"),
    }
}

fn show_flowing(data: &str, flowing: Flowing) -> String {
    let mut out: String = flowing
        .deltas
        .iter()
        .map(|d| format!("{}\n", show_delta(d)))
        .collect();
    let mut whole = flowing.whole;
    (whole.usage, whole.model) = Default::default();
    whole.created.clear();
    for line in show(&Payload::new(Bytes::from(data.to_owned()), whole)).lines() {
        writeln!(out, "whole {line}").unwrap();
    }
    out
}

fn show_stream(text: &str) -> String {
    let mut stream = Dialect::Anthropic.stream(Operation::Chat);
    let mut out = String::new();
    for event in events(text) {
        let Some(data) = event.data() else { continue };
        writeln!(out, "{}", event.name().unwrap_or("-")).unwrap();
        match stream.read(event.name(), data) {
            Ok(flowing) => {
                for line in show_flowing(data, flowing).lines() {
                    writeln!(out, "  {line}").unwrap();
                }
            }
            Err(error) => {
                writeln!(out, "  {error}").unwrap();
                break;
            }
        }
    }
    out
}

const START: &str = r#"{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"c","content":[],"usage":{"input_tokens":1,"output_tokens":1}}}"#;
const TEXT: &str =
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#;
const TOOL: &str = r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"x","input":{}}}"#;

/// What the last of these events gives.
fn last(data: &[&str], expected: Expect) {
    let mut stream = Dialect::Anthropic.stream(Operation::Chat);
    let (last, before) = data.split_last().unwrap();
    for data in before {
        stream.read(None, data).unwrap();
    }
    let shown = stream
        .read(None, last)
        .map_or_else(|e| e.to_string(), |f| show_flowing(last, f));
    expected.assert_eq(&shown);
}

#[test]
fn events_out_of_order_are_refused() {
    let delta =
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}"#;
    let json = r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{"}}"#;
    let stop = r#"{"type":"content_block_stop","index":0}"#;
    let end = r#"{"type":"message_stop"}"#;
    last(&[TEXT], expect!["the event is out of order at byte 0"]);
    last(
        &[START, START],
        expect!["message_start is out of order at byte 0"],
    );
    last(&[START, delta], expect!["index is out of order at byte 0"]);
    last(
        &[START, TEXT, TEXT],
        expect!["index is out of order at byte 0"],
    );
    last(
        &[START, TEXT, json],
        expect!["delta is out of order at byte 48"],
    );
    last(
        &[START, TOOL, delta],
        expect!["delta is out of order at byte 48"],
    );
    last(
        &[START, TEXT, stop, delta],
        expect!["index is out of order at byte 0"],
    );
    last(
        &[START, TEXT, stop, stop],
        expect!["index is out of order at byte 0"],
    );
    last(
        &[START, end, TEXT],
        expect!["the event is out of order at byte 0"],
    );
    last(
        &[
            START,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
        ],
        expect!["index is out of order at byte 0"],
    );
    let full = r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"x","input":{"a":1}}}"#;
    last(
        &[START, full, json],
        expect!["delta is out of order at byte 48"],
    );
}

#[test]
fn an_event_is_what_its_name_says() {
    let mut stream = Dialect::Anthropic.stream(Operation::Chat);
    let error = stream.read(Some("ping"), START).unwrap_err();
    expect!["the event's name is out of order at byte 8"].assert_eq(&error.to_string());
    last(&[r#"{"no":"type"}"#], expect!["type is missing at byte 0"]);
    last(
        &[r#"{"type":7}"#],
        expect!["type has an unexpected type at byte 8"],
    );
    last(&["not json"], expect![["not valid JSON at byte 0"]]);
}

#[test]
fn no_event_has_a_silent_cell() {
    last(
        &[r#"{"type":"ping","note":"psst, you"}"#],
        expect![[r#"
              whole unread: model #0 23..32 "psst, you"
              whole unread path: note
        "#]],
    );
    last(
        &[
            START,
            TEXT,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a","more":"b c"},"x":"y z"}"#,
        ],
        expect![[r#"
              grow 0.Text(0) 77..78 "a"
              whole unread: model #0 99..102 "y z"
              whole unread: model #0 88..91 "b c"
              whole unread path: x
              whole unread path: delta.more
        "#]],
    );
    last(
        &[
            START,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"x","input":{"a":"b c"}}}"#,
        ],
        expect![[r#"
              whole tool_call: model tool=x call=t #0 105..112 "a\nb c"
              whole   json: {"a":"b c"}
        "#]],
    );
    last(
        &[
            START,
            r#"{"type":"message_delta","delta":{"stop_reason":"stop_sequence","stop_sequence":"the end"},"usage":{"output_tokens":3}}"#,
        ],
        expect![[r#"
              usage in None out Some(3) cached None
              whole text: model #0 80..87 "the end"
        "#]],
    );
    last(
        &[
            r#"{"type":"message_start","message":{"type":"message","model":"c","content":[{"type":"text","text":"already"}]}}"#,
        ],
        expect![[r#"
              Model("c")
              whole text: model #0 98..105 "already"
        "#]],
    );
}

// How it says no.

fn asked(operation: Operation, streamed: bool) -> Asked<'static> {
    Asked {
        id: "d-1",
        operation,
        model: "claude-x",
        streamed,
        now_s: 1_700_000_000,
    }
}

fn refused(kind: RefusalKind, asked: Asked<'_>, expected: Expect) -> String {
    let denial = Denial {
        kind,
        ..Denial::deny("org/no-prod", "Production is \"read-only\".")
    };
    let reply = Dialect::Anthropic.refuse(&denial, asked);
    let body = String::from_utf8(reply.body.to_vec()).unwrap();
    expected.assert_eq(&format!("{} {}\n{body}", reply.status, reply.content_type));
    body
}

#[test]
fn refusals() {
    refused(
        RefusalKind::Deny,
        asked(Operation::Chat, true),
        expect![[r#"
        403 application/json
        {"type":"error","error":{"type":"permission_error","message":"Production is \"read-only\". (rule org/no-prod, decision d-1)"},"request_id":"d-1"}"#]],
    );
    refused(
        RefusalKind::Steer,
        asked(Operation::CountTokens, false),
        expect![[r#"
        403 application/json
        {"type":"error","error":{"type":"permission_error","message":"Production is \"read-only\". (rule org/no-prod, decision d-1)"},"request_id":"d-1"}"#]],
    );
    let whole = refused(
        RefusalKind::Steer,
        asked(Operation::Chat, false),
        expect![[r#"
        200 application/json
        {"id":"msg_d-1","type":"message","role":"assistant","model":"claude-x","content":[{"type":"text","text":"Production is \"read-only\". (rule org/no-prod, decision d-1)"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":0,"output_tokens":0}}"#]],
    );
    let streamed = refused(
        RefusalKind::Steer,
        asked(Operation::Chat, true),
        expect![[r#"
        200 text/event-stream
        event: message_start
        data: {"type":"message_start","message":{"id":"msg_d-1","type":"message","role":"assistant","model":"claude-x","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":0,"output_tokens":0}}}

        event: content_block_start
        data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Production is \"read-only\". (rule org/no-prod, decision d-1)"}}

        event: content_block_stop
        data: {"type":"content_block_stop","index":0}

        event: message_delta
        data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":0}}

        event: message_stop
        data: {"type":"message_stop"}

    "#]],
    );
    // What the gateway writes, it can read.
    expect![[r#"
        model: claude-x
        text: model #0 105..166 "Production is \"read-only\". (rule org/no-prod, decision d-1)"
        usage: in Some(0) out Some(0) cached None
    "#]]
    .assert_eq(&show(&read(".answer.", &whole).unwrap()));
    expect![[r#"
        message_start
          usage in Some(0) out Some(0) cached None
          Model("claude-x")
        content_block_start
        content_block_delta
          grow 0.Text(0) 77..138 "Production is \"read-only\". (rule org/no-prod, decision d-1)"
        content_block_stop
          close 0.Text(0)
        message_delta
          usage in None out Some(0) cached None
        message_stop
          End
    "#]]
    .assert_eq(&show_stream(&streamed));
}

#[test]
fn failures() {
    let mut out = String::new();
    for status in [
        400, 401, 402, 403, 404, 405, 413, 429, 500, 502, 503, 504, 529,
    ] {
        let fault = Fault {
            status,
            code: "some_code",
            message: "Say \"what\" to do.".to_owned(),
        };
        let reply = Dialect::Anthropic.fault(&fault, "d-1");
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        writeln!(out, "{} {}", reply.status, body).unwrap();
    }
    expect![[r#"
        400 {"error":{"message":"Say \"what\" to do. (some_code)","type":"invalid_request_error"},"request_id":"d-1","type":"error"}
        401 {"error":{"message":"Say \"what\" to do. (some_code)","type":"authentication_error"},"request_id":"d-1","type":"error"}
        402 {"error":{"message":"Say \"what\" to do. (some_code)","type":"billing_error"},"request_id":"d-1","type":"error"}
        403 {"error":{"message":"Say \"what\" to do. (some_code)","type":"permission_error"},"request_id":"d-1","type":"error"}
        404 {"error":{"message":"Say \"what\" to do. (some_code)","type":"not_found_error"},"request_id":"d-1","type":"error"}
        405 {"error":{"message":"Say \"what\" to do. (some_code)","type":"invalid_request_error"},"request_id":"d-1","type":"error"}
        413 {"error":{"message":"Say \"what\" to do. (some_code)","type":"request_too_large"},"request_id":"d-1","type":"error"}
        429 {"error":{"message":"Say \"what\" to do. (some_code)","type":"rate_limit_error"},"request_id":"d-1","type":"error"}
        500 {"error":{"message":"Say \"what\" to do. (some_code)","type":"api_error"},"request_id":"d-1","type":"error"}
        502 {"error":{"message":"Say \"what\" to do. (some_code)","type":"api_error"},"request_id":"d-1","type":"error"}
        503 {"error":{"message":"Say \"what\" to do. (some_code)","type":"overloaded_error"},"request_id":"d-1","type":"error"}
        504 {"error":{"message":"Say \"what\" to do. (some_code)","type":"timeout_error"},"request_id":"d-1","type":"error"}
        529 {"error":{"message":"Say \"what\" to do. (some_code)","type":"overloaded_error"},"request_id":"d-1","type":"error"}
    "#]].assert_eq(&out);
    let closing = Dialect::Anthropic.closing("org/no-prod", "It held a secret.", "d-1");
    expect![[r#"
        event: error
        data: {"type":"error","error":{"type":"permission_error","message":"It held a secret. (org/no-prod, decision d-1)"},"request_id":"d-1"}

    "#]].assert_eq(std::str::from_utf8(&closing).unwrap());
}

// Properties.

/// A part, and a range of its text that an edit can replace: within one segment that is no key.
fn editable(
    payload: &Payload,
    pick: usize,
    a: usize,
    b: usize,
) -> Option<(PartId, std::ops::Range<usize>)> {
    let outline = payload.outline();
    let mut places = Vec::new();
    for (id, part) in outline.parts.iter().enumerate().filter(|(_, p)| !p.sealed) {
        for segment in &outline.segments[part.segments.range()] {
            let rest = &payload.source()[segment.raw.end as usize..];
            let is_key = rest
                .strip_prefix('"')
                .is_some_and(|r| r.trim_start().starts_with(':'));
            if !is_key {
                places.push((PartId(id as u32), *segment));
            }
        }
    }
    let (id, segment) = *places.get(pick % places.len().max(1))?;
    let within = segment.text.range();
    if segment.coding == Coding::Number {
        return Some((id, within));
    }
    let text = &payload.view(id).text[within.clone()];
    let mut bounds: Vec<usize> = text.char_indices().map(|(i, _)| i).collect();
    bounds.push(text.len());
    let (a, b) = (bounds[a % bounds.len()], bounds[b % bounds.len()]);
    Some((id, within.start + a.min(b)..within.start + a.max(b)))
}

fn texts(payload: &Payload) -> Vec<String> {
    payload.views().map(|v| v.text.to_owned()).collect()
}

fn unread(payload: &Payload) -> Vec<&str> {
    payload
        .outline()
        .unread
        .iter()
        .map(|t| payload.text(*t))
        .collect()
}

/// Every place in a JSON document.
fn pointers(value: &Value, at: String, out: &mut Vec<String>) {
    out.push(at.clone());
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                pointers(
                    value,
                    format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")),
                    out,
                );
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                pointers(value, format!("{at}/{index}"), out);
            }
        }
        _ => {}
    }
}

const SENTINEL: &str = "a word, hidden!";

/// The ways to hide something in a place.
fn hidden(way: usize, old: &Value) -> Value {
    let sentinel = Value::from(SENTINEL);
    match (way % 5, old) {
        (0, Value::Object(map)) => {
            let mut map = map.clone();
            map.insert("extra".to_owned(), sentinel);
            Value::Object(map)
        }
        (1, Value::Object(map)) => {
            let mut map = map.clone();
            map.insert(SENTINEL.to_owned(), Value::Null);
            Value::Object(map)
        }
        (0 | 1, Value::Array(list)) => {
            let mut list = list.clone();
            list.push(sentinel);
            Value::Array(list)
        }
        (2, _) => serde_json::json!([sentinel]),
        (3, _) => serde_json::json!({ "type": "text", "text": sentinel }),
        (4, _) => serde_json::json!({ "type": sentinel }),
        _ => sentinel,
    }
}

fn is_seen(outline: &Outline, data: &str) -> bool {
    let payload = Payload::new(Bytes::from(data.to_owned()), outline.clone());
    let seen = payload.views().any(|v| v.text.contains(SENTINEL));
    seen || unread(&payload).iter().any(|path| path.contains(SENTINEL))
}

fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("type".to_owned()),
        Just("text".to_owned()),
        Just("tool_use".to_owned()),
        Just("content".to_owned()),
        Just("input".to_owned()),
        any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map(word.clone(), inner, 0..5)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

fn documents() -> impl Strategy<Value = &'static str> {
    let all: Vec<&str> = REQUESTS.iter().chain(&ANSWERS).copied().collect();
    proptest::sample::select(all)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn an_edited_body_reads_as_the_edited_parts(
        name in documents(), pick in any::<usize>(), a in any::<usize>(), b in any::<usize>(),
        with in "\\[[a-zé\"\\\\\n😀 ]{0,12}!\\]",
    ) {
        let before = read(name, &corpus(name)).unwrap();
        prop_assert_eq!(Edits::default().apply(before.bytes()), before.bytes());
        if let Some((id, range)) = editable(&before, pick, a, b).filter(|(_, range)| !range.is_empty()) {
            let mut edits = Edits::default();
            before.redact(id, range.clone(), &with, &mut edits).unwrap();
            let body = edits.apply(before.bytes());
            let after = read(name, std::str::from_utf8(&body).unwrap()).unwrap();
            let mut expected = texts(&before);
            expected[id.0 as usize].replace_range(range, &with);
            prop_assert_eq!(texts(&after), expected);
            prop_assert_eq!(unread(&after), unread(&before));
        }
    }

    #[test]
    fn whatever_is_hidden_anywhere_is_seen(name in documents(), pick in any::<usize>(), way in any::<usize>()) {
        let mut json: Value = serde_json::from_str(&corpus(name)).unwrap();
        let mut places = Vec::new();
        pointers(&json, String::new(), &mut places);
        let place = &places[pick % places.len()];
        let old = json.pointer_mut(place).unwrap();
        *old = hidden(way, old);
        let body = json.to_string();
        if let Ok(payload) = read(name, &body) {
            prop_assert!(is_seen(payload.outline(), &body) || payload.model() == Some(SENTINEL),
                "{place} of {name}: {body}");
        }
    }

    #[test]
    fn no_document_makes_it_panic(name in documents(), pick in any::<usize>(), with in any_json()) {
        let mut json: Value = serde_json::from_str(&corpus(name)).unwrap();
        let kind = json["type"].clone();
        let mut places = Vec::new();
        pointers(&json, String::new(), &mut places);
        *json.pointer_mut(&places[pick % places.len()]).unwrap() = with;
        if let Ok(payload) = read(name, &json.to_string()) {
            // Every span lies in the body: showing walks all of them.
            show(&payload);
            if json["type"] == kind {
                prop_assert_eq!(payload.model(), json["model"].as_str());
            }
            prop_assert_eq!(payload.outline().streamed, json["stream"].as_bool().unwrap_or(false) && name.contains("request"));
        }
    }

    #[test]
    fn whatever_an_event_hides_is_seen(name in proptest::sample::select(STREAMS.to_vec()), pick in any::<usize>(), at in any::<usize>(), way in any::<usize>()) {
        let events = events(&corpus(name));
        let target = at % events.len();
        let mut stream = Dialect::Anthropic.stream(Operation::Chat);
        for (index, event) in events.iter().enumerate().take(target + 1) {
            let data = event.data().unwrap();
            if index < target {
                stream.read(event.name(), data).unwrap();
                continue;
            }
            let mut json: Value = serde_json::from_str(data).unwrap();
            let mut places = Vec::new();
            pointers(&json, String::new(), &mut places);
            let old = json.pointer_mut(&places[pick % places.len()]).unwrap();
            *old = hidden(way, old);
            let data = json.to_string();
            let Ok(flowing) = stream.read(None, &data) else { continue };
            let grown = flowing.deltas.iter().any(|d| matches!(d, Delta::Grow { text, .. } if text.contains(SENTINEL)));
            prop_assert!(grown || is_seen(&flowing.whole, &data), "{}", data);
        }
    }

    #[test]
    fn a_stream_grows_into_what_serde_json_sees(
        blocks in proptest::collection::vec((0..3usize, proptest::collection::vec(any::<String>(), 0..5)), 0..5),
    ) {
        let mut stream = Dialect::Anthropic.stream(Operation::Chat);
        stream.read(Some("message_start"), START).unwrap();
        let mut grown: BTreeMap<(u32, Lane), String> = BTreeMap::new();
        let mut expected = BTreeMap::new();
        for (index, (sort, pieces)) in blocks.iter().enumerate() {
            let index = index as u32;
            let (start, kind, key, lane) = match sort {
                0 => (serde_json::json!({"type": "text", "text": ""}), "text_delta", "text", Lane::Text(0)),
                1 => (serde_json::json!({"type": "thinking", "thinking": "", "signature": ""}), "thinking_delta", "thinking", Lane::Reasoning(0)),
                _ => (serde_json::json!({"type": "tool_use", "id": "i", "name": "n", "input": {}}), "input_json_delta", "partial_json", Lane::Call),
            };
            let mut data = vec![serde_json::json!({"type": "content_block_start", "index": index, "content_block": start}).to_string()];
            for piece in pieces {
                data.push(serde_json::json!({"type": "content_block_delta", "index": index, "delta": {"type": kind, key: piece}}).to_string());
                expected.entry((index, lane)).or_insert_with(String::new).push_str(piece);
            }
            data.push(serde_json::json!({"type": "content_block_stop", "index": index}).to_string());
            for data in data {
                let flowing = stream.read(None, &data).unwrap();
                prop_assert!(flowing.whole.parts.is_empty());
                for delta in flowing.deltas {
                    if let Delta::Grow { slot, text, segment } = delta {
                        let mut decoded = String::new();
                        string::decode(&data[segment.raw.range()], &mut decoded);
                        prop_assert_eq!(&decoded, &text);
                        prop_assert_eq!(segment.text.range(), 0..text.len());
                        grown.entry((slot.item, slot.lane)).or_default().push_str(&text);
                    }
                }
            }
        }
        expected.retain(|_, text: &mut String| !text.is_empty());
        prop_assert_eq!(grown, expected);
    }
}
