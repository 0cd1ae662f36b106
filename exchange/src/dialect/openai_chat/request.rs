//! What an agent asks of a model.

use super::message::{Calls, Turn, read_content, read_message};
use super::{
    Known, elements, given, id, inspect_unless_id, members, missing, object, refuse_lookalikes,
    required, rest, said_anyway, says_nothing, word,
};
use crate::exchange::Operation;
use crate::json::{JsonKind, Malformed, Value};
use crate::part::{Author, Kind, PartId, Text};
use crate::read::{Is, Reading, wrong_type};
use crate::span::Span;

const CHAT: Known = Known {
    keys: &[
        "model",
        "messages",
        "stream",
        "stream_options",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "functions",
        "function_call",
        "web_search_options",
        "prediction",
        "metadata",
        "user",
        "safety_identifier",
        "prompt_cache_key",
        "prompt_cache_retention",
        "prompt_cache_options",
        "response_format",
        "stop",
        "audio",
        "modalities",
        "moderation",
        "store",
        "service_tier",
        "verbosity",
        "reasoning_effort",
        "temperature",
        "top_p",
        "n",
        "seed",
        "max_tokens",
        "max_completion_tokens",
        "frequency_penalty",
        "presence_penalty",
        "logit_bias",
        "logprobs",
        "top_logprobs",
        "top_k",
        "min_p",
        "min_tokens",
        "repetition_penalty",
        "ignore_eos",
    ],
    plain: word,
};
const COMPLETE: Known = Known {
    keys: &[
        "model",
        "prompt",
        "suffix",
        "stream",
        "stream_options",
        "stop",
        "user",
        "best_of",
        "echo",
        "temperature",
        "top_p",
        "n",
        "seed",
        "max_tokens",
        "frequency_penalty",
        "presence_penalty",
        "logit_bias",
        "logprobs",
        "top_k",
        "min_p",
        "min_tokens",
        "repetition_penalty",
        "ignore_eos",
    ],
    plain: word,
};
const EMBED: Known = Known {
    keys: &["model", "input", "encoding_format", "dimensions", "user"],
    plain: word,
};
const PREDICTION: Known = Known {
    keys: &["type", "content"],
    plain: word,
};
const VOICE: Known = Known {
    keys: &["voice", "format"],
    plain: word,
};

pub(in crate::dialect) fn read_request(
    operation: Operation,
    root: Value<'_>,
    reading: &mut Reading,
) -> Result<(), Malformed> {
    let (known, said) = match operation {
        Operation::Complete => (&COMPLETE, None),
        Operation::Embed => (&EMBED, Some("input")),
        _ => (&CHAT, Some("messages")),
    };
    object(root, "the body")?;
    required(root, "model", "model")?;
    if let Some(key) = said
        && root.member(key).is_none()
    {
        return Err(missing(
            root,
            if key == "input" { "input" } else { "messages" },
        ));
    }
    for (key, value) in members(root, "the body")? {
        let name = key.as_str().unwrap_or_default();
        match known.keys.contains(&&*name) {
            true => read_member(reading, root, (key, value), known)?,
            false => rest(reading, "", (key, value), known, operator(Kind::Unread))?,
        }
    }
    Ok(())
}

fn operator(kind: Kind) -> Is {
    Is::new(kind, Author::Operator, None)
}

fn user(kind: Kind) -> Is {
    Is::new(kind, Author::User, None)
}

/// One member that is known for this operation.
fn read_member(
    reading: &mut Reading,
    root: Value<'_>,
    (key, value): (Value<'_>, Value<'_>),
    known: &Known,
) -> Result<(), Malformed> {
    let name = key.as_str().unwrap_or_default();
    match &*name {
        "model" => {
            inspect_unless_id(reading, value, operator(Kind::Text));
            reading.outline.model = reading.string(value);
        }
        "messages" => read_messages(reading, value)?,
        "stream" => {
            let streamed = value.as_bool().or(value.is_null().then_some(false));
            reading.outline.streamed = streamed.ok_or_else(|| wrong_type(value, "stream"))?;
        }
        _ if value.is_null() => {}
        "tools" => read_tools(reading, root, value)?,
        "functions" => read_functions(reading, root, value)?,
        "web_search_options" => read_web_search(reading, root, value),
        "tool_choice" | "function_call" => read_choice(reading, &name, value),
        "prompt" | "input" => read_input(reading, &name, value)?,
        "prediction" => read_prediction(reading, value)?,
        "audio" => read_voice(reading, value)?,
        "suffix" => {
            reading.text(user(Kind::Text), value);
        }
        "metadata" | "user" | "safety_identifier" | "prompt_cache_key" | "stop" => {
            reading.text(operator(Kind::Text), value);
        }
        "response_format" if !says_nothing(value, word) => {
            reading.leaves(operator(Kind::Text), value);
        }
        _ => rest(reading, "", (key, value), known, operator(Kind::Text))?,
    }
    Ok(())
}

fn read_messages(reading: &mut Reading, messages: Value<'_>) -> Result<(), Malformed> {
    if messages.is_null() {
        return Err(wrong_type(messages, "messages"));
    }
    let mut calls = Calls::new();
    for (i, message) in elements(messages, "messages")? {
        let path = format!("messages[{i}]");
        object(message, "a message")?;
        let role = required(message, "role", "the role of a message")?;
        let author = match &*role.as_str().unwrap_or_default() {
            "system" | "developer" => Some(Author::Operator),
            "user" => Some(Author::User),
            "assistant" => Some(Author::Model),
            "tool" | "function" => Some(Author::Tool),
            _ => None,
        };
        let is = |author| Is::new(Kind::Text, author, Some(i as u32));
        match author {
            Some(author) => {
                read_message(reading, &path, message, is(author), Turn::Told, &mut calls)?
            }
            // Nobody knows who speaks, so nobody is trusted.
            None => reading.unread_element(&path, message, is(Author::Tool)),
        }
    }
    Ok(())
}

fn read_tools(reading: &mut Reading, root: Value<'_>, tools: Value<'_>) -> Result<(), Malformed> {
    let mut offers = Vec::new();
    for (_, tool) in elements(tools, "tools")? {
        offers.push(read_tool(reading, tool)?);
    }
    if !offers.is_empty() {
        let dependants = ["tool_choice", "parallel_tool_calls"];
        reading.offer_list(root, "tools", &dependants, offers);
    }
    Ok(())
}

/// One tool on offer. A provider's own tool without a name is called by its type.
fn read_tool(reading: &mut Reading, tool: Value<'_>) -> Result<(PartId, Span), Malformed> {
    object(tool, "a tool")?;
    refuse_lookalikes(tool, &["type", "function", "custom", "name"])?;
    let form = required(tool, "type", "the type of a tool")?;
    let name = match &*form.as_str().unwrap_or_default() {
        "function" => declared_name(tool, "function")?,
        "custom" => declared_name(tool, "custom")?,
        _ => given(tool, "name")
            .filter(|n| n.kind() == JsonKind::String)
            .unwrap_or(form),
    };
    Ok((offer(reading, tool, name, form), tool.span()))
}

fn declared_name<'t>(tool: Value<'t>, kind: &str) -> Result<Value<'t>, Malformed> {
    let declaration = given(tool, kind).unwrap_or(tool);
    object(declaration, "a tool's declaration")?;
    refuse_lookalikes(
        declaration,
        &["name", "description", "parameters", "strict", "format"],
    )?;
    required(declaration, "name", "the name of a tool")
}

fn offer(reading: &mut Reading, tool: Value<'_>, name: Value<'_>, form: Value<'_>) -> PartId {
    let name = reading.string(name);
    let form = reading.string(form);
    let is = Is::new(Kind::ToolOffer, Author::Tool, None);
    reading.leaves(is.tool(name).form(form), tool)
}

fn read_functions(
    reading: &mut Reading,
    root: Value<'_>,
    functions: Value<'_>,
) -> Result<(), Malformed> {
    let mut offers = Vec::new();
    for (_, function) in elements(functions, "functions")? {
        object(function, "a function")?;
        refuse_lookalikes(function, &["name", "description", "parameters"])?;
        let name = required(function, "name", "the name of a function")?;
        let name = reading.string(name);
        let form = reading.words("function");
        let is = Is::new(Kind::ToolOffer, Author::Tool, None);
        let part = reading.leaves(is.tool(name).form(Some(form)), function);
        offers.push((part, function.span()));
    }
    if !offers.is_empty() {
        reading.offer_list(root, "functions", &["function_call"], offers);
    }
    Ok(())
}

/// A member that offers the model a tool of the provider, without a list around it.
fn read_web_search(reading: &mut Reading, root: Value<'_>, options: Value<'_>) {
    let name = reading.words("web_search");
    let is = Is::new(Kind::ToolOffer, Author::Tool, None)
        .tool(Some(name))
        .form(Some(name));
    let part = reading.leaves(is, options);
    reading.offer_list(
        root,
        "web_search_options",
        &[],
        vec![(part, options.span())],
    );
}

/// Which tool the model must or may call.
fn read_choice(reading: &mut Reading, path: &str, choice: Value<'_>) {
    if !says_nothing(choice, id) {
        said_anyway(reading, path, choice, operator(Kind::Text));
    }
    let holder = given(choice, "function")
        .or(given(choice, "custom"))
        .unwrap_or(choice);
    let forced = given(holder, "name").or_else(|| only_allowed(choice));
    let forced = forced.and_then(|name| reading.string(name));
    reading.outline.forced_tool = forced.or(reading.outline.forced_tool);
}

/// The one tool that must be called because no other is allowed.
fn only_allowed(choice: Value<'_>) -> Option<Value<'_>> {
    let allowed = given(choice, "allowed_tools")?;
    let mut tools = given(allowed, "tools")?.elements()?;
    let only = tools.next().filter(|_| tools.next().is_none())?;
    let required = given(allowed, "mode").is_some_and(|mode| mode.is_str("required"));
    let holder = given(only, "function")
        .or(given(only, "custom"))
        .unwrap_or(only);
    given(holder, "name").filter(|_| required)
}

/// A prompt or an input: words, lists of words, or tokens that nobody here can read.
fn read_input(reading: &mut Reading, what: &str, value: Value<'_>) -> Result<(), Malformed> {
    match value.kind() {
        JsonKind::String => {
            reading.text(user(Kind::Text), value);
        }
        JsonKind::Array if is_tokens(value) => read_tokens(reading, value),
        _ => {
            for (i, element) in elements(value, "the input")? {
                let is = Is::new(Kind::Text, Author::User, Some(i as u32));
                match element.kind() {
                    JsonKind::String => {
                        reading.text(is, element);
                    }
                    JsonKind::Array if is_tokens(element) => read_tokens(reading, element),
                    _ => reading.unread_element(&format!("{what}[{i}]"), element, is),
                }
            }
        }
    }
    Ok(())
}

fn is_tokens(value: Value<'_>) -> bool {
    let mut elements = value.elements().into_iter().flatten().peekable();
    elements.peek().is_some() && elements.all(|e| e.kind() == JsonKind::Number)
}

fn read_tokens(reading: &mut Reading, tokens: Value<'_>) {
    let form: Text = reading.words("tokens");
    reading.media(user(Kind::Media).form(Some(form)), tokens, None);
}

fn read_prediction(reading: &mut Reading, prediction: Value<'_>) -> Result<(), Malformed> {
    for (key, value) in members(prediction, "prediction")? {
        match key.is_str("content") {
            true => read_content(reading, "prediction.content", value, user(Kind::Text))?,
            false => rest(
                reading,
                "prediction",
                (key, value),
                &PREDICTION,
                user(Kind::Text),
            )?,
        }
    }
    Ok(())
}

/// The sound that is asked for; a voice of one's own is state at the provider.
fn read_voice(reading: &mut Reading, audio: Value<'_>) -> Result<(), Malformed> {
    for (key, value) in members(audio, "audio")? {
        match given(value, "id").filter(|_| key.is_str("voice")) {
            Some(voice) if says_nothing(value, id) => {
                let stored = reading.string(voice);
                reading.outline.stored.extend(stored);
            }
            _ => rest(reading, "audio", (key, value), &VOICE, operator(Kind::Text))?,
        }
    }
    Ok(())
}
