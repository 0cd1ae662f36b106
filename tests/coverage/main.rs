//! The coverage matrix: wherever a secret can stand in a body, it is found there; wherever a denied tool can be
//! called, the call is refused. `docs/coverage.md` is made here, and kept equal (`UPDATE_EXPECT=1` rewrites it).
//!
//! Each place is a body with `@` where the secret goes. The reader itself says which part it became, so a place that
//! is read as something else moves in the table. A combination without a place needs a reason ([`reason`]), else
//! the test fails: no cell is silently unscanned.

mod messages;
mod places;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use places::{Place, places, stream_places};
use sallyport_exchange::dialect::read_opaque;
use sallyport_exchange::{Author, Caller, Dialect, Exchange, Flow, Kind, Operation, Payload};
use sallyport_policy::{Engine, Terms};
use sallyport_tests::trace::{engine, stream};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

const POLICY: &str = r#"package sallyport.org

default allow := true

redact contains "secret.*"

deny contains {"rule": "denied-tool", "say": "This tool is not for agents."} if {
	input.operation == "tool_call"
	input.call.tool == "denied_tool"
}
"#;

/// The dialects of models. Messages of tool servers are whole, in streams too, and always JSON.
const MODELS: [Dialect; 3] = [
    Dialect::OpenAiChat,
    Dialect::OpenAiResponses,
    Dialect::Anthropic,
];

/// In pieces, so that no scanner of source code takes it for a real one.
fn secret() -> String {
    ["AKIA", "Z7Q3M5XW", "RT2LKD4P"].concat()
}

fn about(dialect: Dialect, operation: Operation) -> Arc<Exchange> {
    Arc::new(Exchange {
        id: "id".into(),
        caller: Caller {
            team: "red".into(),
            agent: "tester".into(),
            key: "red-key".into(),
            labels: Arc::new([]),
        },
        route: "route".into(),
        dialect,
        operation,
        path: "/".into(),
        now_ns: 0,
        mcp: None,
    })
}

/// One row of the table.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

fn row(
    dialect: Dialect,
    way: &'static str,
    content_type: &'static str,
    kind: Kind,
    author: Author,
) -> Row {
    (
        dialect.as_str(),
        way,
        content_type,
        kind.as_str(),
        author.as_str(),
    )
}

#[test]
fn every_cell_is_scanned_or_says_why_not() {
    let engine = engine([("org.rego", POLICY)]);
    let mut table: BTreeMap<Row, Vec<String>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for place in places().into_iter().chain(messages::messages()) {
        match whole(&engine, &place) {
            Ok((kind, author, how)) => {
                let way = if place.flow == Flow::Request {
                    "request"
                } else {
                    "answer, whole"
                };
                let cell = row(place.dialect, way, "application/json", kind, author);
                table
                    .entry(cell)
                    .or_default()
                    .push(format!("{}: {how}", place.name));
            }
            Err(how) => wrong.push(format!(
                "{} {} {}: {how}",
                place.dialect.as_str(),
                place.flow.as_str(),
                place.name
            )),
        }
    }
    for (dialect, operation, name, kind, events) in stream_places() {
        match streamed(&engine, dialect, operation, &events) {
            Ok(how) => {
                let cell = row(
                    dialect,
                    "answer, streamed",
                    "text/event-stream",
                    kind,
                    Author::Model,
                );
                table
                    .entry(cell)
                    .or_default()
                    .push(format!("{name}: {how}"));
            }
            Err(how) => wrong.push(format!("{} stream {name}: {how}", dialect.as_str())),
        }
    }
    for dialect in MODELS {
        for content_type in ["text/plain", "text/html"] {
            match opaque(&engine, dialect) {
                Ok((kind, author)) => {
                    let cell = row(dialect, "answer, whole", content_type, kind, author);
                    table
                        .entry(cell)
                        .or_default()
                        .push("the whole body: masked".into());
                }
                Err(how) => wrong.push(format!("{} {content_type}: {how}", dialect.as_str())),
            }
        }
    }
    let text = document(&table, &mut wrong);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/coverage.md");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&file, &text).expect("docs/coverage.md");
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == text,
        "docs/coverage.md is out of date: run this test with UPDATE_EXPECT=1"
    );
}

/// Plants the secret, finds the part that it became, and judges.
fn whole(engine: &Arc<Engine>, place: &Place) -> Result<(Kind, Author, &'static str), String> {
    let about = about(place.dialect, place.operation);
    let secret = secret();
    let coded = STANDARD.encode(format!("the key {secret} is it"));
    let body = place.body.replace("@64", &coded).replace('@', &secret);
    // A tool server sends requests too.
    let is_request = match place.dialect {
        Dialect::Mcp => body.contains(r#""method":"#) && !body.contains(r#""inputRequests":"#),
        _ => place.flow == Flow::Request,
    };
    let read = match is_request {
        true => place.dialect.read_request(place.operation, body.into()),
        false => place.dialect.read_answer(place.operation, body.into()),
    };
    let payload = read.map_err(|e| format!("cannot be read: {e}"))?;
    let planted = if place.body.contains('@') {
        secret.as_str()
    } else {
        "denied_tool"
    };
    let ours = |view: &sallyport_exchange::PartView<'_>| {
        view.text.contains(planted) || view.tool == Some(planted)
    };
    let view = payload
        .views()
        .find(ours)
        .ok_or("no part holds what was planted")?;
    let (kind, author) = (view.kind, view.author);
    let ruling = match (place.dialect, place.flow) {
        (Dialect::Mcp, flow) => engine.judge_message(&about, flow, &payload, &Terms::default()),
        (_, Flow::Request) => engine.judge_request(&about, &payload, &[]),
        (_, Flow::Answer) => engine.judge_answer(&about, &payload, &Terms::default()),
    };
    let passed = ruling.clear().map(|cleared| {
        let bytes = cleared.into_bytes();
        contains(&bytes, planted) || contains(&bytes, &coded)
    });
    match passed {
        Err(_) => Ok((kind, author, "refused")),
        Ok(false) => Ok((kind, author, "masked")),
        Ok(true) => Err(format!(
            "`{planted}` passed, as {} by {}",
            kind.as_str(),
            author.as_str()
        )),
    }
}

fn streamed(
    engine: &Arc<Engine>,
    dialect: Dialect,
    operation: Operation,
    events: &[String],
) -> Result<&'static str, String> {
    let secret = secret();
    let (first, rest) = secret.split_at(7);
    let events: Vec<String> = events
        .iter()
        .map(|event| {
            event
                .replace("@1", first)
                .replace("@2", rest)
                .replace('@', &secret)
        })
        .collect();
    let whole = events.concat();
    let mut refused = false;
    // As it comes, and byte by byte.
    for size in [usize::MAX, 1] {
        let chunks: Vec<&[u8]> = if size == 1 {
            whole.as_bytes().chunks(1).collect()
        } else {
            events.iter().map(String::as_bytes).collect()
        };
        match stream(
            engine,
            &about(dialect, operation),
            Terms::default(),
            chunks.into_iter(),
        ) {
            Err(cut) if cut.contains(rest) || cut.contains("denied_tool") => {
                return Err(format!("it passed before the cut: {cut}"));
            }
            Err(cut) if cut.contains("denied-tool") || cut.contains("gateway/sealed") => {
                refused = true
            }
            Err(cut) => return Err(format!("it was cut for another reason: {cut}")),
            Ok(out) if out.contains(rest) || out.contains("${AWS_KEY") => {
                return Err(format!("it passed: {out}"));
            }
            Ok(_) if whole.contains("denied_tool") => return Err("the call passed".to_owned()),
            Ok(_) => {}
        }
    }
    Ok(if refused { "refused" } else { "masked" })
}

fn opaque(engine: &Arc<Engine>, dialect: Dialect) -> Result<(Kind, Author), String> {
    let secret = secret();
    let payload: Payload = read_opaque(
        Author::Model,
        Bytes::from(format!("<p>the key is {secret}</p>")),
    );
    let view = payload.views().next().ok_or("no part")?;
    let (kind, author) = (view.kind, view.author);
    let ruling = engine.judge_answer(
        &about(dialect, Operation::Chat),
        &payload,
        &Terms::default(),
    );
    match ruling
        .clear()
        .map(|cleared| contains(&cleared.into_bytes(), &secret))
    {
        Ok(true) => Err("it passed".to_owned()),
        _ => Ok((kind, author)),
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(bytes).contains(text)
}

/// Why a combination has no place in any body.
fn reason(dialect: Dialect, way: &str, kind: Kind, author: Author) -> Option<&'static str> {
    if dialect == Dialect::Mcp {
        return reason_of_messages(way, kind, author);
    }
    let request = way == "request";
    Some(match (kind, author) {
        (Kind::Reasoning | Kind::Refusal | Kind::ToolCall, author) if author != Author::Model => {
            "only a model thinks, refuses and calls"
        }
        (Kind::ToolResult, author) if author != Author::Tool => "only tools have results",
        (Kind::ToolOffer, _) if way == "answer, streamed" => {
            "an answer offers no tools that the request had not"
        }
        (Kind::ToolOffer, author) if author != Author::Tool => {
            "what describes a tool counts as the tool's words"
        }
        (Kind::ToolOffer, _) if !request => "an answer offers no tools that the request had not",
        (Kind::Text, Author::Tool) => "what a tool says is a tool result",
        (Kind::Refusal, Author::Model) if dialect == Dialect::Anthropic => {
            "a refusal is a stop reason here, its words are text"
        }
        (Kind::Reasoning, Author::Model) if dialect == Dialect::OpenAiChat && !request => {
            "thoughts are told as text or as fields that no reader knows"
        }
        (_, Author::Operator | Author::User) if !request => {
            "an answer repeats nothing that they said"
        }
        (Kind::Media, Author::Operator) => "instructions are text",
        (Kind::Media, Author::Tool) => "media in a tool's result are parts of the result",
        (Kind::Media, Author::Model) => {
            "a model's media stand among what it made, and are read as unread or text"
        }
        (Kind::Unread, author) if author != Author::Model || request => {
            "what no reader knows counts as the words of whoever wrote its message"
        }
        (Kind::ToolResult, Author::Tool) if !request => "tools at the agent answer in requests",
        (Kind::Unread | Kind::Media, _) => "read with the part it belongs to",
        _ => return None,
    })
}

/// The same for messages between agents and tool servers.
fn reason_of_messages(way: &str, kind: Kind, author: Author) -> Option<&'static str> {
    let request = way == "request";
    Some(match (kind, author) {
        (_, Author::Operator) => "nobody who built the agent speaks here",
        (Kind::Reasoning | Kind::Refusal, _) => "models do not speak here, but for what is sampled",
        (Kind::ToolCall, author) if author != Author::Model => "only a model calls",
        (Kind::ToolCall, _) if !request => "tool servers call no tools",
        (Kind::ToolResult | Kind::ToolOffer, author) if author != Author::Tool => {
            "only tools have results and offers"
        }
        (Kind::ToolOffer, _) if request => "agents offer no tools",
        (Kind::Text, Author::Tool) => "what a tool server says is a tool result",
        (_, Author::User | Author::Model) if !request => "what a tool server says is a tool's",
        (Kind::Media, Author::Tool) => {
            "what an image shows is not looked into; bytes that are text are read with the result"
        }
        (Kind::Media, _) if request => "agents send media only when they sample",
        (Kind::Unread, Author::Model) => {
            "what no reader knows counts as the words of whoever wrote its message"
        }
        _ => return None,
    })
}

fn document(table: &BTreeMap<Row, Vec<String>>, wrong: &mut Vec<String>) -> String {
    let mut text = String::from(
        "# What is scanned\n\nMade by `tests/coverage`, and kept equal by it. A secret is planted in each place below, whole and in \
         streams cut into single bytes; a tool that policy denies is called in each place where one can be called. \
         *Masked* and *refused* is what became of it under a policy that masks secrets and denies the tool; \
         what a provider has signed cannot be masked, and is refused.\n\n\
         A request that is not `application/json` in UTF-8 is refused (415). An answer that is neither JSON nor events is \
         read as one text; if it is no text, it is told to policies as `unscanned`.\n\n\
         Messages between agents and tool servers (`mcp`) are whole, in streams too; *request* is what the agent sends and \
         *answer* what the server does, its own requests and notifications among it.\n",
    );
    for dialect in Dialect::ALL {
        let ways: &[&str] = match dialect {
            Dialect::Mcp => &["request", "answer, whole"],
            _ => &["request", "answer, whole", "answer, streamed"],
        };
        for way in ways.iter().copied() {
            let _ = write!(
                text,
                "\n## {}: {way}\n\n| part | author | content type | where: what became of it |\n|---|---|---|---|\n",
                dialect.as_str()
            );
            for kind in Kind::ALL {
                for author in Author::ALL {
                    let cells: Vec<_> = table
                        .iter()
                        .filter(|((d, w, _, k, a), _)| {
                            (*d, *w, *k, *a)
                                == (dialect.as_str(), way, kind.as_str(), author.as_str())
                        })
                        .collect();
                    for ((_, _, content_type, ..), found) in &cells {
                        let _ = writeln!(
                            text,
                            "| {} | {} | {content_type} | {} |",
                            kind.as_str(),
                            author.as_str(),
                            found.join("; ")
                        );
                    }
                    match (cells.is_empty(), reason(dialect, way, kind, author)) {
                        (true, Some(why)) => {
                            let _ = writeln!(
                                text,
                                "| {} | {} | — | cannot be: {why} |",
                                kind.as_str(),
                                author.as_str()
                            );
                        }
                        (true, None) => wrong.push(format!(
                            "{} {way}: nothing is planted in {} by {}",
                            dialect.as_str(),
                            kind.as_str(),
                            author.as_str()
                        )),
                        _ => {}
                    }
                }
            }
        }
    }
    text
}
