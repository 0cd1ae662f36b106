//! What a model, or the server before it, answers.

use super::message::{Calls, Turn, read_message};
use super::{
    Known, base64, elements, given, id, inspect_unless_id, join, members, rest, says_nothing,
};
use crate::exchange::{Operation, Usage};
use crate::json::{JsonKind, Malformed, Value};
use crate::part::{Author, Kind};
use crate::read::{Is, Reading};

const ANSWER: Known = Known {
    keys: &[
        "id",
        "object",
        "created",
        "model",
        "choices",
        "usage",
        "error",
        "data",
        "service_tier",
        "system_fingerprint",
        "moderation",
        "metadata",
        "prompt_filter_results",
        "timings",
        "prompt_logprobs",
        "prompt_token_ids",
        "kv_transfer_params",
    ],
    plain: id,
};
const CHOICE: Known = Known {
    keys: &[
        "index",
        "message",
        "text",
        "finish_reason",
        "logprobs",
        "stop_reason",
        "token_ids",
        "content_filter_results",
    ],
    plain: id,
};
const ERROR: Known = Known {
    keys: &["message", "type", "param", "code"],
    plain: id,
};
const VECTOR: Known = Known {
    keys: &["object", "index", "embedding"],
    plain: base64,
};
const MODEL: Known = Known {
    keys: &[
        "id",
        "object",
        "created",
        "owned_by",
        "shutdown_date",
        "data",
        "error",
        "root",
        "parent",
        "max_model_len",
        "permission",
        "meta",
    ],
    plain: id,
};

pub(in crate::dialect) fn read_answer(
    operation: Operation,
    root: Value<'_>,
    reading: &mut Reading,
) -> Result<(), Malformed> {
    let known = match operation {
        Operation::Models => &MODEL,
        _ => &ANSWER,
    };
    for (key, value) in members(root, "the answer")? {
        match &*key.as_str().unwrap_or_default() {
            "error" if !value.is_null() => read_error(reading, value)?,
            "data" => read_data(reading, operation, value)?,
            "model" if operation != Operation::Models => {
                inspect_unless_id(reading, value, said());
                reading.outline.model = reading.string(value);
            }
            "choices" if operation != Operation::Models => {
                for (i, choice) in elements(value, "choices")? {
                    read_choice(reading, i, choice)?;
                }
            }
            "usage" => {
                reading.outline.usage.update(usage(value));
                rest(reading, "", (key, value), known, said())?;
            }
            _ => rest(reading, "", (key, value), known, said())?,
        }
    }
    Ok(())
}

fn said() -> Is {
    Is::new(Kind::Text, Author::Model, None)
}

fn read_choice(reading: &mut Reading, at: usize, choice: Value<'_>) -> Result<(), Malformed> {
    let path = format!("choices[{at}]");
    let index = given(choice, "index").and_then(|i| u32::try_from(i.as_u64()?).ok());
    let is = Is {
        message: Some(index.unwrap_or(at as u32)),
        ..said()
    };
    for (key, value) in members(choice, "a choice")? {
        match &*key.as_str().unwrap_or_default() {
            _ if value.is_null() => rest(reading, &path, (key, value), &CHOICE, is)?,
            "message" => {
                let path = join(&path, "message");
                read_message(reading, &path, value, is, Turn::New, &mut Calls::new())?;
            }
            "text" => {
                reading.text(is, value);
            }
            // The same words again, cut into tokens: inspected, but a policy should think twice.
            "logprobs" => reading.unread_element(&join(&path, "logprobs"), value, is),
            _ => rest(reading, &path, (key, value), &CHOICE, is)?,
        }
    }
    Ok(())
}

/// An error's words: the server's, told in place of the model's.
pub(super) fn read_error(reading: &mut Reading, error: Value<'_>) -> Result<(), Malformed> {
    if error.kind() != JsonKind::Object {
        reading.text(said(), error);
        return Ok(());
    }
    for (key, value) in members(error, "error")? {
        match key.is_str("message") && !value.is_null() {
            true => {
                reading.text(said(), value);
            }
            false => rest(reading, "error", (key, value), &ERROR, said())?,
        }
    }
    Ok(())
}

/// Vectors or models. A vector says nothing that anyone could read.
fn read_data(
    reading: &mut Reading,
    operation: Operation,
    data: Value<'_>,
) -> Result<(), Malformed> {
    let known = match operation {
        Operation::Models => &MODEL,
        _ => &VECTOR,
    };
    for (i, element) in elements(data, "data")? {
        let path = format!("data[{i}]");
        for (key, value) in members(element, "an element of data")? {
            if !(key.is_str("embedding") && is_vector(value)) {
                rest(reading, &path, (key, value), known, said())?;
            }
        }
    }
    Ok(())
}

fn is_vector(value: Value<'_>) -> bool {
    match value.kind() {
        JsonKind::String => says_nothing(value, base64),
        _ => value
            .elements()
            .is_some_and(|mut e| e.all(|v| v.kind() == JsonKind::Number)),
    }
}

/// Tokens as the upstream counted them.
pub(super) fn usage(value: Value<'_>) -> Usage {
    let count = |key: &str| value.member(key).and_then(Value::as_u64);
    let details = value.member("prompt_tokens_details");
    Usage {
        input: count("prompt_tokens"),
        output: count("completion_tokens"),
        cached: details.and_then(|d| d.member("cached_tokens")?.as_u64()),
    }
}
