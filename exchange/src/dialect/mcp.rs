//! What a message of the Model Context Protocol says: its words, its offers, its call.
//!
//! One table for all methods: a member means the same wherever it stands. What a server sends is a tool's
//! words, whatever it calls them.

use super::{Asked, Fault, Reply};
use crate::denial::Denial;
use crate::exchange::Operation;
use crate::json::{JsonKind, Malformed, Value};
use crate::mcp::{self, Envelope, Method, Side};
use crate::part::{Author, Kind, PartId};
use crate::read::{Is, Reading};
use crate::span::Span;
use bytes::Bytes;

/// How a member is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum As {
    /// A number, a word of the protocol, an id: nothing that anybody says.
    Bare,
    /// Every key, string and number in it.
    Words,
    /// Content blocks: one, or a list.
    Blocks,
    /// Messages, each with content blocks.
    Messages,
    /// A list of tools.
    Tools,
    /// The contents of resources.
    Contents,
    /// Requests of the server within a result, or the agent's answers to them, by key.
    Inputs,
    /// Kept by the agent for the server and given back unchanged: it may be looked at but not edited.
    Opaque,
    /// `_meta`.
    Meta,
}

/// Members of `params`, of every method.
const PARAMS: &[(&str, As)] = &[
    ("_meta", As::Meta),
    ("action", As::Bare),
    ("argument", As::Words),
    ("arguments", As::Words),
    ("capabilities", As::Bare),
    ("clientInfo", As::Words),
    ("context", As::Words),
    ("createdAt", As::Bare),
    ("cursor", As::Bare),
    ("data", As::Words),
    ("elicitationId", As::Bare),
    ("includeContext", As::Bare),
    ("inputResponses", As::Inputs),
    ("lastUpdatedAt", As::Bare),
    ("level", As::Bare),
    ("logger", As::Words),
    ("maxTokens", As::Bare),
    ("message", As::Words),
    ("messages", As::Messages),
    ("metadata", As::Words),
    ("mode", As::Bare),
    ("modelPreferences", As::Words),
    ("name", As::Words),
    ("notifications", As::Words),
    ("pollInterval", As::Bare),
    ("progress", As::Bare),
    ("progressToken", As::Bare),
    ("protocolVersion", As::Bare),
    ("reason", As::Words),
    ("ref", As::Words),
    ("requestId", As::Bare),
    ("requestState", As::Opaque),
    ("requestedSchema", As::Words),
    ("status", As::Bare),
    ("statusMessage", As::Words),
    ("stopSequences", As::Words),
    ("systemPrompt", As::Words),
    ("task", As::Words),
    ("taskId", As::Bare),
    ("temperature", As::Bare),
    ("toolChoice", As::Words),
    ("tools", As::Words),
    ("total", As::Bare),
    ("ttl", As::Bare),
    ("uri", As::Words),
    ("url", As::Words),
];

/// Members of `result`, of every method.
const RESULT: &[(&str, As)] = &[
    ("_meta", As::Meta),
    ("action", As::Bare),
    ("cacheScope", As::Bare),
    ("capabilities", As::Bare),
    ("completion", As::Words),
    ("content", As::Blocks),
    ("contents", As::Contents),
    ("createdAt", As::Bare),
    ("description", As::Words),
    ("inputRequests", As::Inputs),
    ("instructions", As::Words),
    ("isError", As::Bare),
    ("lastUpdatedAt", As::Bare),
    ("messages", As::Messages),
    ("model", As::Words),
    ("nextCursor", As::Bare),
    ("pollInterval", As::Bare),
    ("pollIntervalMs", As::Bare),
    ("prompts", As::Words),
    ("protocolVersion", As::Bare),
    ("requestState", As::Opaque),
    ("resourceTemplates", As::Words),
    ("resources", As::Words),
    ("resultType", As::Bare),
    ("role", As::Bare),
    ("roots", As::Words),
    ("serverInfo", As::Words),
    ("status", As::Bare),
    ("statusMessage", As::Words),
    ("stopReason", As::Bare),
    ("structuredContent", As::Words),
    ("supportedVersions", As::Bare),
    ("task", As::Words),
    ("taskId", As::Bare),
    ("tasks", As::Words),
    ("tools", As::Tools),
    ("ttl", As::Bare),
    ("ttlMs", As::Bare),
];

/// Members of `_meta` that the specifications define, bare all of them; others are read as words.
const META: &[&str] = &[
    "progressToken",
    "traceparent",
    "tracestate",
    "io.modelcontextprotocol/protocolVersion",
    "io.modelcontextprotocol/clientCapabilities",
    "io.modelcontextprotocol/logLevel",
    "io.modelcontextprotocol/subscriptionId",
];

/// Reads a request or a notification, whoever sent it.
pub(super) fn read_request(root: Value<'_>, reading: &mut Reading) -> Result<(), Malformed> {
    let envelope = Envelope::read(root)?;
    let name = envelope.method_name();
    let method = Method::of(&name);
    // What a server may send counts as a tool's words, whoever sent it: those are trusted least.
    let (kind, author) = match method.side() {
        Side::Server | Side::Either => (Kind::ToolResult, Author::Tool),
        Side::Agent => (Kind::Text, Author::User),
    };
    let is = Is::new(kind, author, None);
    unknown_members(&envelope, is, reading)?;
    if method == Method::Other && envelope.method.is_some() {
        let unread = reading.words("method");
        reading.outline.unread.push(unread);
        if let Some(method) = envelope.method {
            reading.text(is.kind(Kind::Unread).sealed(), method);
        }
        if let Some(params) = envelope.params {
            reading.leaves(is.kind(Kind::Unread), params);
        }
        return Ok(());
    }
    let Some(params) = envelope.params else {
        return Ok(());
    };
    if method == Method::ToolsCall {
        return tool_call(&envelope, params, reading);
    }
    object("params", params, PARAMS, is, reading)
}

/// Reads a response, of the server or of the agent.
pub(super) fn read_answer(
    operation: Operation,
    root: Value<'_>,
    reading: &mut Reading,
) -> Result<(), Malformed> {
    let envelope = Envelope::read(root)?;
    let is = match operation {
        Operation::Sample => Is::new(Kind::Text, Author::Model, Some(0)),
        operation if operation.is_asked_by_server() => Is::new(Kind::Text, Author::User, Some(0)),
        _ => Is::new(Kind::ToolResult, Author::Tool, Some(0)),
    };
    unknown_members(&envelope, is, reading)?;
    match (envelope.result, envelope.error) {
        (Some(result), _) if result.kind() == JsonKind::Object => {
            object("result", result, RESULT, is, reading)
        }
        (Some(value), _) | (None, Some(value)) => {
            reading.leaves(is, value);
            Ok(())
        }
        (None, None) => read_request(root, reading),
    }
}

/// Members beside the envelope's are nobody's business, so they are looked at.
fn unknown_members(
    envelope: &Envelope<'_>,
    is: Is,
    reading: &mut Reading,
) -> Result<(), Malformed> {
    const KNOWN: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];
    for (key, value) in envelope.whole.members().into_iter().flatten() {
        if !KNOWN.contains(&&*key.as_str().unwrap_or_default()) {
            unknown_member("", key, value, &KNOWN, is, reading)?;
        }
    }
    Ok(())
}

/// What no revision knows: its name may say as much as its value.
fn unknown_member(
    path: &str,
    key: Value<'_>,
    value: Value<'_>,
    known: &[&str],
    is: Is,
    reading: &mut Reading,
) -> Result<(), Malformed> {
    reading.text(is.kind(Kind::Unread), key);
    reading.unread(path, key, value, known, is)
}

fn tool_call(
    envelope: &Envelope<'_>,
    params: Value<'_>,
    reading: &mut Reading,
) -> Result<(), Malformed> {
    let tool = params.member("name").and_then(|name| reading.string(name));
    let call = envelope.id.map(|id| match reading.string(id) {
        Some(text) => text,
        None => reading.words(id.raw()),
    });
    let is = Is::new(Kind::ToolCall, Author::Model, None)
        .tool(tool)
        .call(call);
    match params.member("arguments") {
        Some(arguments) => {
            reading.leaves(is, arguments);
        }
        None => {
            let nothing = reading.words("{}");
            let id = reading.media(is, params, None);
            reading.outline.parts[id.0 as usize].json = Some(nothing);
        }
    }
    let words = Is::new(Kind::Text, Author::User, None);
    for (key, value) in params.members().into_iter().flatten() {
        match &*key.as_str().unwrap_or_default() {
            "name" | "arguments" => {}
            _ => member("params", key, value, PARAMS, words, reading)?,
        }
    }
    Ok(())
}

fn object(
    path: &str,
    value: Value<'_>,
    table: &[(&str, As)],
    is: Is,
    reading: &mut Reading,
) -> Result<(), Malformed> {
    for (key, member_value) in value.members().into_iter().flatten() {
        if table == RESULT && key.is_str("tools") {
            tools(value, member_value, is, reading)?;
        } else {
            member(path, key, member_value, table, is, reading)?;
        }
    }
    Ok(())
}

fn member(
    path: &str,
    key: Value<'_>,
    value: Value<'_>,
    table: &[(&str, As)],
    is: Is,
    reading: &mut Reading,
) -> Result<(), Malformed> {
    let name = key.as_str().unwrap_or_default();
    let Some((_, reads)) = table.iter().find(|(known, _)| *known == name) else {
        let known: Vec<&str> = table.iter().map(|(known, _)| *known).collect();
        return unknown_member(path, key, value, &known, is, reading);
    };
    match reads {
        As::Bare => bare(value, is, reading),
        As::Words | As::Tools => {
            words(value, is, reading);
        }
        As::Blocks => blocks(path, value, is, reading)?,
        As::Messages => {
            for element in value.elements().into_iter().flatten() {
                message(element, is, reading)?;
            }
        }
        As::Contents => {
            for contents in value.elements().into_iter().flatten() {
                resource(contents, is, reading)?;
            }
        }
        As::Inputs => inputs(value, is, reading)?,
        As::Opaque => {
            reading.text(is.sealed(), value);
        }
        As::Meta => meta(value, is, reading),
    }
    Ok(())
}

/// One message of a prompt or of a conversation to be sampled.
fn message(value: Value<'_>, is: Is, reading: &mut Reading) -> Result<(), Malformed> {
    if value.kind() != JsonKind::Object {
        words(value, is, reading);
        return Ok(());
    }
    for (key, member) in value.members().into_iter().flatten() {
        match &*key.as_str().unwrap_or_default() {
            "role" => bare(member, is, reading),
            "content" => blocks("content", member, is, reading)?,
            "_meta" => meta(member, is, reading),
            _ => beside(key, member, is, reading),
        }
    }
    Ok(())
}

/// What is bare by the specification may still hold words if somebody puts them there.
fn bare(value: Value<'_>, is: Is, reading: &mut Reading) {
    match value.kind() {
        JsonKind::String | JsonKind::Object | JsonKind::Array => {
            reading.leaves(is.sealed(), value);
        }
        _ => {}
    }
}

fn words(value: Value<'_>, is: Is, reading: &mut Reading) {
    reading.text(is, value);
}

/// A member that says no more than the next one: its words, and its name if no revision knows it.
fn beside(key: Value<'_>, value: Value<'_>, is: Is, reading: &mut Reading) {
    const KNOWN: [&str; 12] = [
        "_meta",
        "annotations",
        "description",
        "icons",
        "id",
        "input",
        "mimeType",
        "name",
        "size",
        "text",
        "title",
        "uri",
    ];
    if !KNOWN.contains(&&*key.as_str().unwrap_or_default()) {
        reading.text(is, key);
    }
    words(value, is, reading);
}

fn meta(value: Value<'_>, is: Is, reading: &mut Reading) {
    for (key, member) in value.members().into_iter().flatten() {
        if META.contains(&&*key.as_str().unwrap_or_default()) {
            bare(member, is, reading);
        } else {
            reading.text(is, key);
            words(member, is, reading);
        }
    }
}

/// A list of tools, each an offer; remembered so that hidden ones can be taken out.
fn tools(
    holder: Value<'_>,
    list: Value<'_>,
    is: Is,
    reading: &mut Reading,
) -> Result<(), Malformed> {
    let Some(elements) = list.elements() else {
        words(list, is, reading);
        return Ok(());
    };
    let mut offers: Vec<(PartId, Span)> = Vec::new();
    for tool in elements {
        let name = tool.member("name").and_then(|name| reading.string(name));
        let id = reading.leaves(is.kind(Kind::ToolOffer).tool(name), tool);
        offers.push((id, tool.span()));
    }
    // An empty list stays a list: the member is demanded by the schema.
    reading.offer_list(holder, "", &[], offers);
    Ok(())
}

fn blocks(path: &str, value: Value<'_>, is: Is, reading: &mut Reading) -> Result<(), Malformed> {
    match value.kind() {
        JsonKind::Array => {
            for element in value.elements().into_iter().flatten() {
                block(path, element, is, reading)?;
            }
            Ok(())
        }
        JsonKind::Object if value.member("type").is_some() => block(path, value, is, reading),
        _ => {
            words(value, is, reading);
            Ok(())
        }
    }
}

/// One content block (2026-07-28, Tools, Tool Result).
fn block(path: &str, value: Value<'_>, is: Is, reading: &mut Reading) -> Result<(), Malformed> {
    let kind = value.member("type").and_then(Value::as_str);
    match kind.as_deref() {
        Some("text") => known_block(value, &["text"], is, reading),
        Some("image" | "audio") => {
            for (key, member) in value.members().into_iter().flatten() {
                match &*key.as_str().unwrap_or_default() {
                    "type" => {}
                    "data" => {
                        let form = value.member("mimeType").and_then(|m| reading.string(m));
                        // Bytes that are text after all, such as a drawing in SVG, are read.
                        reading.base64(is, form, member);
                    }
                    _ => beside(key, member, is, reading),
                }
            }
            Ok(())
        }
        Some("resource") => {
            for (key, member) in value.members().into_iter().flatten() {
                match &*key.as_str().unwrap_or_default() {
                    "type" => {}
                    "resource" => resource(member, is, reading)?,
                    _ => beside(key, member, is, reading),
                }
            }
            Ok(())
        }
        Some("resource_link" | "tool_use") => {
            words(value, is, reading);
            Ok(())
        }
        Some("tool_result") => {
            for (key, member) in value.members().into_iter().flatten() {
                match &*key.as_str().unwrap_or_default() {
                    "type" => {}
                    "toolUseId" | "isError" => bare(member, is, reading),
                    "content" => blocks("content", member, is, reading)?,
                    _ => beside(key, member, is, reading),
                }
            }
            Ok(())
        }
        _ => {
            reading.unread_element(path, value, is);
            Ok(())
        }
    }
}

/// A block whose `told` members are each a part of their own; everything else in it is words too.
fn known_block(
    value: Value<'_>,
    told: &[&str],
    is: Is,
    reading: &mut Reading,
) -> Result<(), Malformed> {
    for (key, member) in value.members().into_iter().flatten() {
        let name = key.as_str().unwrap_or_default();
        if name == "type" {
            continue;
        }
        if told
            .iter()
            .any(|t| *t != name && t.eq_ignore_ascii_case(&name))
        {
            return unknown_member("content", key, member, told, is, reading);
        }
        beside(key, member, is, reading);
    }
    Ok(())
}

/// The contents of a resource: text, or bytes in base64.
fn resource(value: Value<'_>, is: Is, reading: &mut Reading) -> Result<(), Malformed> {
    if value.kind() != JsonKind::Object {
        words(value, is, reading);
        return Ok(());
    }
    for (key, member) in value.members().into_iter().flatten() {
        match &*key.as_str().unwrap_or_default() {
            "blob" => {
                let form = value.member("mimeType").and_then(|m| reading.string(m));
                reading.base64(is, form, member);
            }
            "mimeType" => bare(member, is, reading),
            _ => beside(key, member, is, reading),
        }
    }
    Ok(())
}

/// Requests within a result, or results within a request, by key.
fn inputs(value: Value<'_>, is: Is, reading: &mut Reading) -> Result<(), Malformed> {
    for (key, input) in value.members().into_iter().flatten() {
        reading.text(is.sealed(), key);
        match (input.member("method"), input.member("params")) {
            (Some(method), params) => {
                bare(method, is, reading);
                if let Some(params) = params {
                    object("inputRequests", params, PARAMS, is, reading)?;
                }
            }
            _ if input.kind() == JsonKind::Object => {
                object("inputResponses", input, RESULT, is, reading)?;
            }
            _ => words(input, is, reading),
        }
    }
    Ok(())
}

/// A refusal where no id of a request is known.
pub(super) fn refuse(denial: &Denial, asked: Asked<'_>) -> Reply {
    Reply {
        status: 403,
        content_type: "application/json",
        body: mcp::refused("null", denial, asked.id),
    }
}

/// A failure where no id of a request is known.
pub(super) fn fault(fault: &Fault, id: &str) -> Reply {
    Reply {
        status: fault.status,
        content_type: "application/json",
        body: mcp::fault("null", fault, id),
    }
}

/// The last event of a stream: an error that answers no request.
pub(super) fn closing(code: &str, say: &str, id: &str) -> Bytes {
    let fault = Fault {
        status: 502,
        code: "stream_ended",
        message: format!("{say} ({code})"),
    };
    let mut event = b"event: message\ndata: ".to_vec();
    event.extend_from_slice(&mcp::fault("null", &fault, id));
    event.extend_from_slice(b"\n\n");
    Bytes::from(event)
}
