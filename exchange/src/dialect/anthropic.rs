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
    let is = Is::new(Kind::Text, Author::Operator, None);
    Reader::request(reading).object(Path::Root, root, is, shape::REQUEST)
}

/// Reads a whole answer: a message, a count of tokens, models, an error.
pub(super) fn read_answer(root: Value<'_>, reading: &mut Reading) -> Result<(), Malformed> {
    if root.kind() != JsonKind::Object {
        return Err(wrong_type(root, "the body"));
    }
    let is = Is::new(Kind::Text, Author::Model, None);
    Reader::answer(reading).object(Path::Root, root, is, answer_rows(root))
}

fn answer_rows(root: Value<'_>) -> Rows {
    match root.member("type").and_then(Value::as_str).as_deref() {
        Some("message") => shape::MESSAGE,
        Some("error") => shape::ERROR,
        Some("model") => shape::MODEL,
        Some(_) => shape::UNKNOWN,
        None if root.member("content").is_some() => shape::MESSAGE,
        None if root.member("data").is_some() => shape::MODELS,
        None => shape::COUNT,
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

/// Whether there is anything to refuse with guidance: only a message can carry it.
fn can_steer(operation: Operation) -> bool {
    matches!(operation, Operation::Chat)
}
