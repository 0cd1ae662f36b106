//! Anthropic messages: the request, the answer, its stream, and how a refusal is worded.

mod reader;
mod shape;
mod stream;
mod words;

use crate::exchange::Operation;
use crate::json::{Fault, JsonKind, Malformed, Value};
use crate::part::{Author, Kind};
use crate::read::{Is, Reading, wrong_type};
use reader::{Path, Reader};
use shape::Rows;

pub use stream::Stream;
pub(super) use words::{closing, fault, refuse};

/// Reads the body of messages and of count_tokens.
pub(super) fn read_request(root: Value<'_>, reading: &mut Reading) -> Result<(), Malformed> {
    demand(root, "model", JsonKind::String)?;
    demand(root, "messages", JsonKind::Array)?;
    let has = |key| root.member(key).is_some_and(|value| !value.is_null());
    reading.outline.clears = has("context_management") || has("compaction") || has("thread");
    let is = Is::new(Kind::Text, Author::Operator, None);
    Reader::request(reading).object(Path::Root, root, is, shape::REQUEST)
}

/// Reads a whole answer: a message, a count of tokens, models, an error.
pub(super) fn read_answer(root: Value<'_>, reading: &mut Reading) -> Result<(), Malformed> {
    if root.kind() != JsonKind::Object {
        return Err(wrong_type(root, "the body"));
    }
    let (message, rows) = answer_rows(root);
    let is = Is::new(Kind::Text, Author::Model, message);
    Reader::answer(reading).object(Path::Root, root, is, rows)
}

/// What an answer may hold, and the number of the message it is, if it is one.
fn answer_rows(root: Value<'_>) -> (Option<u32>, Rows) {
    match root.member("type").and_then(Value::as_str).as_deref() {
        Some("message") => (Some(0), shape::MESSAGE),
        Some("error") => (None, shape::ERROR),
        Some("model") => (None, shape::MODEL),
        Some(_) => (None, shape::UNKNOWN),
        None if root.member("content").is_some() => (Some(0), shape::MESSAGE),
        None if root.member("data").is_some() => (None, shape::MODELS),
        None => (None, shape::COUNT),
    }
}

fn demand(root: Value<'_>, key: &'static str, kind: JsonKind) -> Result<(), Malformed> {
    if root.kind() != JsonKind::Object {
        return Err(wrong_type(root, "the body"));
    }
    match root.member(key) {
        None => Err(missing(root, key)),
        Some(value) if value.kind() != kind => Err(wrong_type(value, key)),
        Some(_) => Ok(()),
    }
}

fn missing(holder: Value<'_>, what: &'static str) -> Malformed {
    Malformed {
        at: holder.span().start as usize,
        fault: Fault::Missing(what),
    }
}

fn disorder(at: Value<'_>, what: &'static str) -> Malformed {
    Malformed {
        at: at.span().start as usize,
        fault: Fault::Order(what),
    }
}

/// Whether guidance can be given: only a message can carry it.
fn can_steer(operation: Operation) -> bool {
    matches!(operation, Operation::Chat)
}
