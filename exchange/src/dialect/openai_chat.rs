//! OpenAI chat completions, with their forebears and neighbours: legacy completions, embeddings, models.
//!
//! Every string of a body ends up in one of three places: in a part, in a plain field of the outline, or in
//! a member that is known here *and* so plain that it can say nothing ([`Known`]). There is no fourth.

mod answer;
mod message;
mod request;
mod stream;
mod words;

pub(super) use answer::read_answer;
pub(super) use request::read_request;
pub use stream::Stream;
pub(super) use words::{closing, fault, refuse};

use crate::json::{Fault, JsonKind, KeyName, Malformed, Value};
use crate::part::Kind;
use crate::read::{Is, Reading, wrong_type};

/// The members that an object may have, and what the ones without words may hold unseen.
struct Known {
    keys: &'static [&'static str],
    plain: fn(&str) -> bool,
}

/// Words of an enumeration, such as `auto` or `json_object`: too short and too few letters for a secret.
fn word(text: &str) -> bool {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b);
    text.len() <= 24 && text.bytes().all(letter)
}

/// Ids, fingerprints, model names: no blanks, so no sentences.
fn id(text: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphanumeric() || b"_-.:/+=@".contains(&b);
    text.len() <= 128 && text.bytes().all(letter)
}

/// Sounds and vectors, as base64 of any length.
fn base64(text: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphanumeric() || b"+/=-_\r\n".contains(&b);
    text.bytes().all(letter)
}

/// Whether a value says nothing: no word in it, however deep, that `plain` would not let pass, and no
/// whole number long enough for a card or an account.
fn says_nothing(value: Value<'_>, plain: fn(&str) -> bool) -> bool {
    match value.kind() {
        JsonKind::Null | JsonKind::True | JsonKind::False => true,
        JsonKind::String => value.as_str().is_some_and(|s| plain(&s)),
        JsonKind::Number => {
            let raw = value.raw();
            raw.len()
                <= if raw.contains(['.', 'e', 'E']) {
                    24
                } else {
                    12
                }
        }
        JsonKind::Array => value
            .elements()
            .into_iter()
            .flatten()
            .all(|v| says_nothing(v, plain)),
        JsonKind::Object => value
            .members()
            .into_iter()
            .flatten()
            .all(|(k, v)| says_nothing(k, plain) && says_nothing(v, plain)),
    }
}

/// A member that no reader has a place for. One of `known` is silent while it says nothing; else it is
/// inspected. Others are unread.
fn rest(
    reading: &mut Reading,
    path: &str,
    (key, value): (Value<'_>, Value<'_>),
    known: &Known,
    is: Is,
) -> Result<(), Malformed> {
    let name = key.as_str().unwrap_or_default();
    if !known.keys.contains(&&*name) {
        reading.unread(path, key, value, known.keys, is)?;
        if !id(&name) {
            reading.text(is.kind(Kind::Unread), key);
        }
        return Ok(());
    }
    if !says_nothing(value, known.plain) {
        said_anyway(reading, &join(path, &name), value, is);
    }
    Ok(())
}

/// A known member that holds more than it should.
fn said_anyway(reading: &mut Reading, path: &str, value: Value<'_>, is: Is) {
    match value.kind() {
        JsonKind::Object | JsonKind::Array => reading.unread_element(path, value, is),
        _ => {
            reading.text(is.kind(Kind::Text), value);
        }
    }
}

/// An id or a name that is kept in a plain field of the outline: inspected as well if it is more than that.
fn inspect_unless_id(reading: &mut Reading, value: Value<'_>, is: Is) {
    if !says_nothing(value, id) {
        reading.text(is.kind(Kind::Text), value);
    }
}

/// Refuses keys that differ only in case from known ones, in an object that is read by its leaves.
fn refuse_lookalikes(object: Value<'_>, known: &[&str]) -> Result<(), Malformed> {
    for (key, _) in object.members().into_iter().flatten() {
        let name = key.as_str().unwrap_or_default();
        let alike = |k: &&str| *k != &*name && k.eq_ignore_ascii_case(&name);
        if known.iter().any(alike) {
            return Err(Malformed {
                at: key.span().start as usize,
                fault: Fault::LookalikeKey(KeyName::new(&name)),
            });
        }
    }
    Ok(())
}

fn join(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    }
}

/// What must be an object.
fn object<'t>(value: Value<'t>, what: &'static str) -> Result<Value<'t>, Malformed> {
    match value.kind() {
        JsonKind::Object => Ok(value),
        _ => Err(wrong_type(value, what)),
    }
}

/// The members of what must be an object.
fn members<'t>(
    value: Value<'t>,
    what: &'static str,
) -> Result<impl Iterator<Item = (Value<'t>, Value<'t>)>, Malformed> {
    value.members().ok_or_else(|| wrong_type(value, what))
}

/// The elements of what must be an array; none of `null`.
fn elements<'t>(
    value: Value<'t>,
    what: &'static str,
) -> Result<impl Iterator<Item = (usize, Value<'t>)>, Malformed> {
    let all = match value.is_null() {
        true => None,
        false => Some(value.elements().ok_or_else(|| wrong_type(value, what))?),
    };
    Ok(all.into_iter().flatten().enumerate())
}

/// A member, unless it is absent or `null`.
fn given<'t>(object: Value<'t>, key: &str) -> Option<Value<'t>> {
    object.member(key).filter(|v| !v.is_null())
}

fn missing(at: Value<'_>, what: &'static str) -> Malformed {
    Malformed {
        at: at.span().start as usize,
        fault: Fault::Missing(what),
    }
}

/// A string that must be there.
fn required<'t>(object: Value<'t>, key: &str, what: &'static str) -> Result<Value<'t>, Malformed> {
    let value = given(object, key).ok_or_else(|| missing(object, what))?;
    match value.kind() {
        JsonKind::String => Ok(value),
        _ => Err(wrong_type(value, what)),
    }
}
