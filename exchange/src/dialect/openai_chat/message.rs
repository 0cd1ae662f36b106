//! One message, as a request repeats it and as an answer brings it.

use super::{
    Known, base64, elements, given, id, inspect_unless_id, join, members, missing, required, rest,
    says_nothing,
};
use crate::json::{JsonKind, Malformed, Value};
use crate::part::{Answer, Author, Kind, PartId, Text};
use crate::read::{Is, Reading, wrong_type};
use std::collections::HashMap;

/// The tools' names by the ids of their calls, so that a result can tell whose it is.
pub(super) type Calls = HashMap<String, Text>;

const MESSAGE: Known = Known {
    keys: &[
        "role",
        "content",
        "name",
        "refusal",
        "reasoning_content",
        "reasoning",
        "audio",
        "annotations",
        "tool_calls",
        "tool_call_id",
        "function_call",
    ],
    plain: id,
};
const CALL: Known = Known {
    keys: &["id", "type", "index", "function", "custom"],
    plain: id,
};
const FUNCTION: Known = Known {
    keys: &["name", "arguments"],
    plain: id,
};
const CUSTOM: Known = Known {
    keys: &["name", "input"],
    plain: id,
};
const BLOCK: Known = Known {
    keys: &[
        "type",
        "text",
        "refusal",
        "image_url",
        "video_url",
        "audio_url",
        "input_audio",
        "file",
        "prompt_cache_breakpoint",
    ],
    plain: id,
};
const MEDIUM: Known = Known {
    keys: &[
        "url",
        "detail",
        "data",
        "format",
        "filename",
        "file_data",
        "file_id",
    ],
    plain: id,
};
const SOUND: Known = Known {
    keys: &["id", "data", "expires_at", "transcript", "format"],
    plain: id,
};
const ANNOTATION: Known = Known {
    keys: &["type", "url_citation"],
    plain: id,
};
const CITATION: Known = Known {
    keys: &["url", "title", "start_index", "end_index"],
    plain: id,
};

/// How a message comes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Repeated by a request.
    Told,
    /// Brought by an answer.
    New,
    /// Brought piece by piece: a transcript is left to who joins the pieces.
    Growing,
}

/// Reads one message. `is` says who speaks.
pub(super) fn read_message(
    reading: &mut Reading,
    path: &str,
    message: Value<'_>,
    is: Is,
    turn: Turn,
    calls: &mut Calls,
) -> Result<(), Malformed> {
    let is = result_of(reading, message, is, calls);
    for (key, value) in members(message, "a message")? {
        match &*key.as_str().unwrap_or_default() {
            _ if value.is_null() && !key.is_str("role") => {
                rest(reading, path, (key, value), &MESSAGE, is)?
            }
            "content" if is.kind == Kind::ToolResult => {
                let is = is.answer(Answer::Plain);
                read_content(reading, &join(path, "content"), value, is)?
            }
            "content" => read_content(reading, &join(path, "content"), value, is)?,
            "name" if is.kind == Kind::ToolResult => inspect_unless_id(reading, value, is),
            "tool_call_id" => inspect_unless_id(reading, value, is),
            "name" => {
                reading.text(is.kind(Kind::Text), value);
            }
            "refusal" => {
                reading.text(is.kind(Kind::Refusal), value);
            }
            "reasoning_content" | "reasoning" => {
                reading.text(is.kind(Kind::Reasoning), value);
            }
            "tool_calls" => read_calls(reading, path, value, is, calls)?,
            "function_call" => {
                read_function(reading, &join(path, "function_call"), value, is)?;
            }
            "audio" => read_sound(reading, &join(path, "audio"), value, is, turn)?,
            "annotations" => read_annotations(reading, path, value, is)?,
            _ => rest(reading, path, (key, value), &MESSAGE, is)?,
        }
    }
    Ok(())
}

/// What a message of a tool is: the result of a call that was told earlier.
fn result_of(reading: &mut Reading, message: Value<'_>, is: Is, calls: &Calls) -> Is {
    if is.author != Author::Tool {
        return is;
    }
    let call = given(message, "tool_call_id");
    let called = call.and_then(|c| calls.get(&*c.as_str()?).copied());
    let named = || given(message, "name").and_then(|name| reading.string(name));
    let tool = called.or_else(named);
    let call = call.and_then(|c| reading.string(c));
    is.kind(Kind::ToolResult).tool(tool).call(call)
}

/// Content: a string, or a list of blocks.
pub(super) fn read_content(
    reading: &mut Reading,
    path: &str,
    content: Value<'_>,
    is: Is,
) -> Result<(), Malformed> {
    match content.kind() {
        JsonKind::Null => {}
        JsonKind::String => {
            reading.text(is, content);
        }
        _ => {
            for (i, block) in elements(content, "content")? {
                read_block(reading, &format!("{path}[{i}]"), block, is)?;
            }
        }
    }
    Ok(())
}

fn read_block(
    reading: &mut Reading,
    path: &str,
    block: Value<'_>,
    is: Is,
) -> Result<(), Malformed> {
    if block.kind() == JsonKind::String {
        reading.text(is, block);
        return Ok(());
    }
    let form = given(block, "type")
        .and_then(|t| t.as_str())
        .unwrap_or_default();
    let main = match &*form {
        "text" | "refusal" | "image_url" | "video_url" | "audio_url" | "input_audio" | "file" => {
            &*form
        }
        _ => {
            reading.unread_element(path, block, is.answer(Answer::Fixed));
            return Ok(());
        }
    };
    let what = block
        .member(main)
        .ok_or_else(|| missing(block, "a content block's value"))?;
    let plain = is;
    let is = is.answer(Answer::Fixed);
    for (key, value) in members(block, "a content block")? {
        if !key.is_str(main) {
            rest(reading, path, (key, value), &BLOCK, is)?;
            continue;
        }
        match main {
            "text" => {
                reading.text(plain, expect_string(what, "text")?);
            }
            "refusal" => {
                reading.text(is.kind(Kind::Refusal), expect_string(what, "refusal")?);
            }
            _ => read_medium(reading, &join(path, main), main, what, is)?,
        }
    }
    Ok(())
}

fn expect_string<'t>(value: Value<'t>, what: &'static str) -> Result<Value<'t>, Malformed> {
    match value.kind() {
        JsonKind::String => Ok(value),
        _ => Err(wrong_type(value, what)),
    }
}

/// An image, a sound, a film, a file. What it shows or says stays unseen; where it comes from does not.
fn read_medium(
    reading: &mut Reading,
    path: &str,
    block: &str,
    medium: Value<'_>,
    is: Is,
) -> Result<(), Malformed> {
    let form = match block {
        "image_url" => "image",
        "video_url" => "video",
        "file" => "file",
        _ => "audio",
    };
    let form = reading.words(form);
    let is = is.kind(Kind::Media).form(Some(form));
    if medium.kind() == JsonKind::String {
        reading.media(is, medium, Some(medium));
        return Ok(());
    }
    let fields = ["url", "filename", "format", "file_id"];
    let mut found = fields.iter().filter_map(|field| given(medium, field));
    let telling = found.find(|v| v.kind() == JsonKind::String);
    reading.media(is, medium, telling);
    for (key, value) in members(medium, "a medium")? {
        let told = telling.is_some_and(|t| t.span() == value.span());
        match &*key.as_str().unwrap_or_default() {
            "file_id" => {
                if !told {
                    inspect_unless_id(reading, value, is.form(None));
                }
                let stored = reading.string(value);
                reading.outline.stored.extend(stored);
            }
            _ if told => {}
            "data" | "file_data" if says_nothing(value, base64) => {}
            "file_data" if value.kind() == JsonKind::String => {
                reading.media(is, value, Some(value));
            }
            "url" | "filename" | "data" => {
                reading.text(is.kind(Kind::Text).form(None), value);
            }
            _ => rest(reading, path, (key, value), &MEDIUM, is.form(None))?,
        }
    }
    Ok(())
}

/// A sound of the model: its id stands for the sound at the provider; its transcript is what was said.
pub(super) fn read_sound(
    reading: &mut Reading,
    path: &str,
    sound: Value<'_>,
    is: Is,
    turn: Turn,
) -> Result<(), Malformed> {
    for (key, value) in members(sound, "audio")? {
        match &*key.as_str().unwrap_or_default() {
            "id" => {
                inspect_unless_id(reading, value, is);
                let named = reading.string(value);
                match turn {
                    Turn::Told => reading.outline.stored.extend(named),
                    Turn::New | Turn::Growing => reading.outline.created.extend(named),
                }
            }
            "transcript" if turn == Turn::Growing => {}
            "transcript" if !value.is_null() => {
                reading.text(is.kind(Kind::Text), value);
            }
            "data" if value.kind() == JsonKind::String && says_nothing(value, base64) => {
                let form = reading.words("audio");
                reading.media(is.kind(Kind::Media).form(Some(form)), value, None);
            }
            _ => rest(reading, path, (key, value), &SOUND, is)?,
        }
    }
    Ok(())
}

pub(super) fn read_annotations(
    reading: &mut Reading,
    path: &str,
    annotations: Value<'_>,
    is: Is,
) -> Result<(), Malformed> {
    let is = is.kind(Kind::Text);
    for (i, annotation) in elements(annotations, "annotations")? {
        let path = format!("{path}.annotations[{i}]");
        for (key, value) in members(annotation, "an annotation")? {
            if !key.is_str("url_citation") || value.is_null() {
                rest(reading, &path, (key, value), &ANNOTATION, is)?;
                continue;
            }
            for (key, value) in members(value, "a citation")? {
                match &*key.as_str().unwrap_or_default() {
                    "url" | "title" if !value.is_null() => {
                        reading.text(is, value);
                    }
                    _ => rest(
                        reading,
                        &join(&path, "url_citation"),
                        (key, value),
                        &CITATION,
                        is,
                    )?,
                }
            }
        }
    }
    Ok(())
}

fn read_calls(
    reading: &mut Reading,
    path: &str,
    list: Value<'_>,
    is: Is,
    calls: &mut Calls,
) -> Result<(), Malformed> {
    for (i, call) in elements(list, "tool_calls")? {
        let path = format!("{path}.tool_calls[{i}]");
        let call_id = given(call, "id");
        let is = is.call(call_id.and_then(|c| reading.string(c)));
        if given(call, "function").or(given(call, "custom")).is_none() {
            reading.unread_element(&path, call, is);
            continue;
        }
        for (key, value) in members(call, "a tool call")? {
            let tool = match &*key.as_str().unwrap_or_default() {
                "function" if !value.is_null() => {
                    read_function(reading, &join(&path, "function"), value, is)?
                }
                "custom" if !value.is_null() => {
                    read_custom(reading, &join(&path, "custom"), value, is)?
                }
                _ => {
                    rest(reading, &path, (key, value), &CALL, is.kind(Kind::Text))?;
                    continue;
                }
            };
            if let Some((id, tool)) = call_id.and_then(|c| c.as_str()).zip(tool) {
                calls.insert(id.into_owned(), tool);
            }
        }
    }
    Ok(())
}

/// A call of a function: its arguments are a JSON document in a string.
fn read_function(
    reading: &mut Reading,
    path: &str,
    function: Value<'_>,
    is: Is,
) -> Result<Option<Text>, Malformed> {
    let name = required(function, "name", "the name of a called function")?;
    let tool = reading.string(name);
    let is = is.kind(Kind::ToolCall).tool(tool);
    inspect_unless_id(reading, name, is);
    match given(function, "arguments") {
        Some(arguments) => {
            reading.nested(is, arguments);
        }
        None => without_arguments(reading, is, function),
    }
    for (key, value) in members(function, "a called function")? {
        let read = key.is_str("name") || key.is_str("arguments");
        if !read {
            rest(reading, path, (key, value), &FUNCTION, is)?;
        }
    }
    Ok(tool)
}

/// A call without arguments is a call all the same.
fn without_arguments(reading: &mut Reading, is: Is, function: Value<'_>) {
    let PartId(part) = reading.media(is, function, None);
    let empty = reading.words("{}");
    if let Some(part) = reading.outline.parts.get_mut(part as usize) {
        part.json = Some(empty);
    }
}

/// A call of a custom tool: its input is free text.
fn read_custom(
    reading: &mut Reading,
    path: &str,
    custom: Value<'_>,
    is: Is,
) -> Result<Option<Text>, Malformed> {
    let name = required(custom, "name", "the name of a called tool")?;
    let tool = reading.string(name);
    let form = reading.words("custom");
    let is = is.kind(Kind::ToolCall).tool(tool).form(Some(form));
    inspect_unless_id(reading, name, is);
    match given(custom, "input") {
        Some(input) => reading.text(is, input),
        None => reading.media(is, custom, None),
    };
    for (key, value) in members(custom, "a called tool")? {
        let read = key.is_str("name") || key.is_str("input");
        if !read {
            rest(reading, path, (key, value), &CUSTOM, is)?;
        }
    }
    Ok(tool)
}
