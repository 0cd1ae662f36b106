//! A streamed answer is judged like a whole one, however it is cut.

use bytes::Bytes;
use proptest::prelude::*;
use sallyport_exchange::{
    Author, Caller, Dialect, Exchange, Filter, Kind, Label, Operation, PartView, Report,
};
use sallyport_policy::{
    Cut, Engine, Gate, Limits, Placeholders, Policy, PolicyFile, PolicySource, Terms,
};
use std::sync::Arc;
use std::time::Duration;

/// Finds `key-` and four digits, and nothing else: small enough to be checked by eye.
struct Keys;

impl Filter for Keys {
    fn name(&self) -> &'static str {
        "keys"
    }
    fn wants(&self, _: Kind, _: Author) -> bool {
        true
    }
    fn inspect(&self, part: &PartView<'_>, report: &mut Report<'_>) {
        for (at, _) in part.text.match_indices("key-") {
            let digits = part.text[at + 4..]
                .bytes()
                .take(4)
                .take_while(u8::is_ascii_digit)
                .count();
            if digits == 4 {
                report.found(Label("secret.test"), at..at + 8, 0.9);
            }
        }
    }
    fn settled(&self, text: &str) -> usize {
        let mut at = text.len().saturating_sub(7);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
    fn lookbehind(&self, text: &str, settled: usize) -> usize {
        let mut at = settled.saturating_sub(8);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}

const ALLOW: &str = "package sallyport.teams.t\nimport rego.v1\nallow if true\n";

fn engine(rules: &str) -> Arc<Engine> {
    let source = PolicySource {
        files: vec![PolicyFile {
            path: "t.rego".into(),
            text: format!("{ALLOW}{rules}"),
        }],
        data: Vec::new(),
    };
    let policy = Policy::compile(&source, Limits::default()).expect("the policy compiles");
    Arc::new(Engine::new(
        vec![Box::new(Keys)],
        Arc::new(policy),
        Placeholders::new([1; 32]),
        || Duration::ZERO,
    ))
}

fn exchange(dialect: Dialect) -> Arc<Exchange> {
    Arc::new(Exchange {
        id: "id".into(),
        caller: Caller {
            team: "t".into(),
            agent: "a".into(),
            key: "k".into(),
            labels: Arc::new([]),
        },
        route: "r".into(),
        dialect,
        operation: Operation::Chat,
        path: "/v1/chat/completions".into(),
        now_ns: 0,
        mcp: None,
    })
}

struct Out {
    text: String,
    cut: Option<Cut>,
    labels: Vec<&'static str>,
    calls: Vec<(String, bool)>,
}

fn run(engine: &Arc<Engine>, dialect: Dialect, chunks: &[&[u8]]) -> Out {
    let mut gate = Gate::new(engine.clone(), exchange(dialect), Terms::default(), 1 << 20);
    let mut bytes = Vec::new();
    for chunk in chunks {
        let flowed = gate.push(chunk);
        bytes.extend_from_slice(&flowed.cleared.into_bytes());
        if flowed.cut.is_some() {
            return Out::new(bytes, flowed.cut, &gate.trail);
        }
    }
    let (flowed, trail, ..) = gate.finish();
    bytes.extend_from_slice(&flowed.cleared.into_bytes());
    Out::new(bytes, flowed.cut, &trail)
}

impl Out {
    fn new(bytes: Vec<u8>, cut: Option<Cut>, trail: &sallyport_policy::Trail) -> Self {
        Out {
            text: String::from_utf8(bytes).expect("UTF-8"),
            cut,
            labels: trail.findings.iter().map(|f| f.label.as_str()).collect(),
            calls: trail
                .calls
                .iter()
                .map(|c| (c.tool.clone(), c.refused_by.is_none()))
                .collect(),
        }
    }

    fn rule(&self) -> &str {
        self.cut
            .as_ref()
            .and_then(Cut::denial)
            .map_or("", |d| &d.rule)
    }
}

fn chat(deltas: &[serde_json::Value], finish: &str) -> String {
    let mut out = String::new();
    let mut chunk = |delta: serde_json::Value, finish: serde_json::Value| {
        let event = serde_json::json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
        out.push_str(&format!("data: {event}\n\n"));
    };
    for delta in deltas {
        chunk(delta.clone(), serde_json::Value::Null);
    }
    chunk(serde_json::json!({}), finish.into());
    out.push_str("data: [DONE]\n\n");
    out
}

/// What the agent's SDK would have put together.
fn said(stream: &str) -> String {
    let events = stream.lines().filter_map(|l| l.strip_prefix("data: "));
    let json = events.filter_map(|d| serde_json::from_str::<serde_json::Value>(d).ok());
    json.filter_map(|e| {
        e["choices"][0]["delta"]["content"]
            .as_str()
            .map(str::to_owned)
    })
    .collect()
}

fn text_stream(pieces: &[&str]) -> String {
    let deltas: Vec<_> = pieces
        .iter()
        .map(|p| serde_json::json!({"content": p}))
        .collect();
    chat(&deltas, "stop")
}

#[test]
fn a_stream_without_findings_passes_as_it_came() {
    let engine = engine("");
    let stream = text_stream(&["Hello", ", wörld", "!"]);
    let out = run(&engine, Dialect::OpenAiChat, &[stream.as_bytes()]);
    assert_eq!((out.text, out.cut), (stream, None));
}

#[test]
fn a_secret_split_over_events_is_masked() {
    let engine = engine("redact contains \"secret.*\"\n");
    let stream = text_stream(&["it is ke", "y-1", "2", "34", " ok?"]);
    let out = run(&engine, Dialect::OpenAiChat, &[stream.as_bytes()]);
    assert_eq!(out.cut, None);
    assert_eq!(out.labels, ["secret.test"]);
    let said = said(&out.text);
    assert!(
        said.starts_with("it is [redacted secret.test #") && said.ends_with("] ok?"),
        "{said}"
    );
    assert!(out.text.ends_with("data: [DONE]\n\n"));
}

#[test]
fn a_denial_ends_the_stream_before_the_secret() {
    let engine = engine(
        "deny contains {\"rule\": \"no\", \"say\": \"no\"} if { some f in input.findings; f.label == \"secret.test\" }\n",
    );
    let stream = text_stream(&["it is ", "key-1234", " ok?"]);
    let out = run(&engine, Dialect::OpenAiChat, &[stream.as_bytes()]);
    assert_eq!(out.rule(), "team:t/no");
    assert!(
        !out.text.contains("key-") && !out.text.contains("[DONE]"),
        "{}",
        out.text
    );
}

fn call_stream(tool: &str, arguments: &[&str]) -> String {
    let mut deltas = vec![
        serde_json::json!({"tool_calls": [{"index": 0, "id": "call_1", "type": "function",
        "function": {"name": tool, "arguments": ""}}]}),
    ];
    for piece in arguments {
        deltas.push(
            serde_json::json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}),
        );
    }
    chat(&deltas, "tool_calls")
}

#[test]
fn a_call_leaves_only_when_it_is_complete_and_allowed() {
    let engine = engine(
        "deny contains {\"rule\": \"rm\", \"say\": \"no\"} if { input.operation == \"tool_call\"; input.call.arguments.path == \"/\" }\n",
    );
    let good = call_stream("delete", &["{\"path\"", ": \"/tmp/x\"}"]);
    let out = run(&engine, Dialect::OpenAiChat, &[good.as_bytes()]);
    assert_eq!((out.text.as_str(), out.cut), (good.as_str(), None));
    assert_eq!(out.calls, [("delete".to_owned(), true)]);

    let bad = call_stream("delete", &["{\"path\"", ": \"/\"}"]);
    let out = run(&engine, Dialect::OpenAiChat, &[bad.as_bytes()]);
    assert_eq!(out.rule(), "team:t/rm");
    assert!(!out.text.contains("delete"), "{}", out.text);

    let broken = call_stream("delete", &["{\"path\"", ": \"/"]);
    let out = run(&engine, Dialect::OpenAiChat, &[broken.as_bytes()]);
    assert_eq!(out.rule(), "gateway/unreadable-arguments");

    let cut = &good[..good.find("finish_reason\":\"tool_calls").expect("finish")];
    let cut = &cut[..cut.rfind("data:").expect("event")];
    let out = run(&engine, Dialect::OpenAiChat, &[cut.as_bytes()]);
    assert_eq!(out.cut, Some(Cut::EndedEarly));
    assert!(!out.text.contains("delete"), "{}", out.text);
}

#[test]
fn a_secret_in_arguments_is_masked_inside_the_json() {
    let engine = engine("redact contains \"secret.*\"\n");
    let stream = call_stream("send", &["{\"note\": \"ke", "y-12", "34\", \"n\": 1}"]);
    let out = run(&engine, Dialect::OpenAiChat, &[stream.as_bytes()]);
    assert_eq!(out.cut, None);
    let events = out.text.lines().filter_map(|l| l.strip_prefix("data: "));
    let json = events.filter_map(|d| serde_json::from_str::<serde_json::Value>(d).ok());
    let arguments: String = json
        .filter_map(|e| {
            e["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"]
                .as_str()
                .map(str::to_owned)
        })
        .collect();
    let arguments: serde_json::Value = serde_json::from_str(&arguments).expect("still JSON");
    assert!(
        arguments["note"]
            .as_str()
            .expect("text")
            .starts_with("[redacted secret.test"),
        "{arguments}"
    );
    assert_eq!(arguments["n"], 1);
}

#[test]
fn a_policy_that_reads_text_holds_it_until_it_is_complete() {
    let engine = engine(
        "deny contains {\"rule\": \"word\", \"say\": \"no\"} if { some p in input.parts; contains(p.text, \"forbidden\") }\n",
    );
    let stream = text_stream(&["some forb", "idden ", "thing"]);
    let out = run(&engine, Dialect::OpenAiChat, &[stream.as_bytes()]);
    assert_eq!(out.rule(), "team:t/word");
    assert!(!out.text.contains("forb"), "{}", out.text);
}

#[test]
fn garbage_and_endless_calls_are_cut() {
    let engine = engine("");
    let out = run(
        &engine,
        Dialect::OpenAiChat,
        &[b"data: {\"a\":1,\"a\":2}\n\n"],
    );
    assert_eq!(out.cut, Some(Cut::Garbled));
    let mut gate = Gate::new(
        engine,
        exchange(Dialect::OpenAiChat),
        Terms::default(),
        4096,
    );
    let stream = call_stream("f", &["a"; 200]);
    assert_eq!(gate.push(stream.as_bytes()).cut, Some(Cut::HeldTooMuch));
}

/// Prose with planted keys, broken into random pieces.
fn pieces() -> impl Strategy<Value = Vec<String>> {
    let word = prop_oneof![
        4 => "[a-zé ]{0,9}",
        1 => Just("key-1234".to_owned()),
        1 => Just("key-9999 key-12".to_owned()),
        1 => Just("\"\\ \u{1f600}\n".to_owned()),
    ];
    (
        proptest::collection::vec(word, 0..12),
        proptest::collection::vec(1usize..9, 1..40),
    )
        .prop_map(|(words, lens)| {
            let text: Vec<char> = words.concat().chars().collect();
            let mut pieces = Vec::new();
            let mut rest = &text[..];
            for len in lens.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, later) = rest.split_at((*len).min(rest.len()));
                pieces.push(piece.iter().collect());
                rest = later;
            }
            pieces
        })
}

proptest! {
    /// P4: the cut of the byte stream changes nothing; the cut into deltas changes no verdict.
    #[test]
    fn the_cut_does_not_matter(pieces in pieces(), cuts in proptest::collection::vec(0usize..6000, 0..12)) {
        let engine = engine("redact contains \"secret.*\"\n");
        let borrowed: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let stream = text_stream(&borrowed);
        let whole = run(&engine, Dialect::OpenAiChat, &[stream.as_bytes()]);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|w| &stream.as_bytes()[w[0]..w[1]]).collect();
        let cut = run(&engine, Dialect::OpenAiChat, &chunks);
        prop_assert_eq!(&cut.text, &whole.text);
        prop_assert_eq!(&cut.labels, &whole.labels);

        // The same words in one answer are masked the same.
        let text: String = pieces.concat();
        let body = serde_json::json!({"id": "c", "object": "chat.completion", "model": "m", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]});
        let payload = Dialect::OpenAiChat.read_answer(Operation::Chat, Bytes::from(body.to_string())).expect("read");
        let ruling = engine.judge_answer(&exchange(Dialect::OpenAiChat), &payload, &Terms::default());
        let out = ruling.clear().expect("cleared").into_bytes();
        let json: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
        prop_assert_eq!(said(&whole.text), json["choices"][0]["message"]["content"].as_str().unwrap_or_default());
    }

    /// P5: no prefix of what was released holds what the whole judgement would have cut.
    #[test]
    fn nothing_leaves_early(pieces in pieces()) {
        let engine = engine("deny contains {\"rule\": \"no\", \"say\": \"no\"} if { some f in input.findings; f.label == \"secret.test\" }\n");
        let borrowed: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let stream = text_stream(&borrowed);
        let bytes: Vec<&[u8]> = stream.as_bytes().chunks(1).collect();
        let out = run(&engine, Dialect::OpenAiChat, &bytes);
        let text = pieces.concat();
        let holds = text.match_indices("key-").any(|(at, _)| text[at + 4..].bytes().take(4).filter(u8::is_ascii_digit).count() == 4);
        prop_assert_eq!(out.cut.is_some(), holds);
        prop_assert!(!said(&out.text).contains("key-1234") && !said(&out.text).contains("key-9999"));
    }
}
