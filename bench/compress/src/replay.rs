//! Sessions sent again, turn by turn, as their clients sent them.

use crate::bill::{Request, message_tokens};
use crate::corpus::Session;
use crate::count::Counter;
use crate::keep::Store;
use bytes::Bytes;
use sallyport_compress::conversation::BlockReport;
use sallyport_compress::{Class, Memo, Mode, Originals, Rules, compress};
use sallyport_exchange::{Dialect, Operation, Payload};
use serde_json::{Value, json};

/// What one session became.
#[derive(Debug)]
pub struct Replayed {
    /// Its requests as they were forwarded.
    pub requests: Vec<Request>,
    /// What became of each new block.
    pub blocks: Vec<BlockReport>,
    /// The messages of the last request, as they were forwarded.
    pub messages: Vec<Value>,
    /// Turns whose beginning was not forwarded in the bytes of the turn before, though the client sent the same.
    pub broken: usize,
}

/// The body of the request that asks for what comes after these messages.
pub fn body(messages: &[Value]) -> Bytes {
    Bytes::from(json!({"model": "model", "messages": messages}).to_string())
}

/// Reads a body. `None`: it is refused before any compression.
pub fn read(body: &Bytes) -> Option<Payload> {
    let dialect = Dialect::OpenAiChat;
    dialect.read_request(Operation::Chat, body.clone()).ok()
}

/// Replays a session. `None` as mode: untouched.
pub fn replay(session: &Session, mode: Option<Mode>, counter: &mut Counter) -> Replayed {
    let rules = Rules::new(mode.unwrap_or(Mode::Lossless));
    let (memo, mut store) = (Memo::default(), Store::default());
    let mut out = Replayed {
        requests: Vec::new(),
        blocks: Vec::new(),
        messages: Vec::new(),
        broken: 0,
    };
    let head = match mode {
        Some(Mode::Reversible) => counter.count(crate::bill::RETRIEVE_TOOL).o200k as f64,
        _ => 0.0,
    };
    let mut before = (Bytes::new(), Bytes::new());
    for turn in turns(&session.messages) {
        let sent = body(&session.messages[..turn]);
        let mut left_out = 0;
        let forwarded = match (mode, read(&sent)) {
            (Some(mode), Some(payload)) => {
                let originals: Option<&mut dyn Originals> = match mode {
                    Mode::Reversible => Some(&mut store),
                    Mode::Lossless => None,
                };
                let compressed = compress(&payload, &rules, &memo, originals);
                let new = compressed.blocks.into_iter().filter(|block| block.new);
                let first = out.blocks.len();
                out.blocks.extend(new);
                let class = |block: &&BlockReport| block.class == Class::Reversible;
                left_out = out.blocks[first..].iter().filter(class).count();
                compressed.edits.apply(&sent)
            }
            _ => sent.clone(),
        };
        out.broken += usize::from(shared(&before.1, &forwarded) < shared_least(&before, &sent));
        before = (sent, forwarded.clone());
        let messages = messages(&forwarded);
        let same = messages
            .iter()
            .zip(&out.messages)
            .take_while(|(a, b)| a == b);
        let same = same.count();
        out.requests.push(Request {
            head,
            messages: messages
                .iter()
                .map(|m| message_tokens(m, counter))
                .collect(),
            same,
            left_out,
        });
        out.messages = messages;
    }
    out
}

/// How many bytes of the last forwarded body must come again: all, if the client sent all of its last one again.
fn shared_least((sent, forwarded): &(Bytes, Bytes), now: &Bytes) -> usize {
    // Where a list of messages goes on, a comma stands in place of its end.
    let end = sent.len().saturating_sub(2);
    match shared(sent, now) >= end {
        true => forwarded.len().saturating_sub(2),
        false => 0,
    }
}

fn shared(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

fn messages(body: &Bytes) -> Vec<Value> {
    let mut body: Value = serde_json::from_slice(body).unwrap_or_default();
    match body["messages"].take() {
        Value::Array(messages) => messages,
        _ => Vec::new(),
    }
}

/// Where the model was asked: before each of its messages.
pub fn turns(messages: &[Value]) -> Vec<usize> {
    let asked =
        |(at, message): (usize, &Value)| (at > 0 && message["role"] == "assistant").then_some(at);
    let mut turns: Vec<usize> = messages.iter().enumerate().filter_map(asked).collect();
    if messages.last().is_some_and(|m| m["role"] != "assistant") {
        turns.push(messages.len());
    }
    turns
}
