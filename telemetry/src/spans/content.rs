//! What was said, where `content` asks for it. It comes masked.
//!
//! Messages are JSON by the schemas of the conventions (`gen-ai-input-messages.json`, `gen-ai-output-messages.json`), as a
//! string, which they allow on spans and every backend reads. What does not fit is left out whole, oldest first, so that
//! what is left is still JSON.

use super::attributes::Attributes;
use crate::limits::CONTENT_BYTES_MAX;
use sallyport_record::{Observed, PartSeen};
use serde_json::{Value, json};
use std::collections::VecDeque;

/// `gen_ai.input.messages` and `gen_ai.output.messages`.
pub fn messages(observed: &Observed, attributes: &mut Attributes) {
    let input = conversation(observed, "request");
    if let Some(text) = fitting(input) {
        attributes.long("gen_ai.input.messages", text);
    }
    let finish = observed.said.finish_reasons.first();
    let finish = finish.map(String::as_str).unwrap_or("unknown");
    let output = conversation(observed, "answer");
    let output = output.into_iter().map(|mut message| {
        message["finish_reason"] = json!(finish);
        message
    });
    if let Some(text) = fitting(output.collect()) {
        attributes.long("gen_ai.output.messages", text);
    }
}

/// `gen_ai.tool.call.arguments` and `gen_ai.tool.call.result`.
pub fn call(observed: &Observed, attributes: &mut Attributes) {
    for (flow, kind, key) in [
        ("request", "tool_call", "gen_ai.tool.call.arguments"),
        ("answer", "tool_result", "gen_ai.tool.call.result"),
    ] {
        let parts = observed.parts.iter();
        let parts = parts.filter(|part| part.flow == flow && part.kind == kind);
        let mut texts: VecDeque<Value> = parts
            .filter_map(|part| part.text.as_deref().map(structured))
            .collect();
        let text = match texts.len() {
            1 => texts.pop_front().map(|only| match only {
                Value::String(text) => text,
                structured => structured.to_string(),
            }),
            _ => fitting(texts),
        };
        if let Some(text) = text {
            let text = super::shortened(&text, CONTENT_BYTES_MAX);
            attributes.long(key, text);
        }
    }
}

/// Messages of one flow: neighbouring parts by one author are one message.
fn conversation(observed: &Observed, flow: &str) -> VecDeque<Value> {
    let mut messages: VecDeque<Value> = VecDeque::new();
    let mut last_role = None;
    for part in observed.parts.iter().filter(|part| part.flow == flow) {
        let Some(said) = said(part) else { continue };
        let role = role(part);
        let open = messages.back_mut().filter(|_| last_role == Some(role));
        match open.and_then(|message| message["parts"].as_array_mut()) {
            Some(parts) => parts.push(said),
            None => messages.push_back(json!({"role": role, "parts": [said]})),
        }
        last_role = Some(role);
    }
    messages
}

fn role(part: &PartSeen) -> &'static str {
    match part.author.as_ref() {
        "system" => "system",
        "model" => "assistant",
        "tool" => "tool",
        _ => "user",
    }
}

/// A part by the schemas; nothing for what is no part of a message, such as the tools on offer.
fn said(part: &PartSeen) -> Option<Value> {
    let Some(text) = part.text.as_deref() else {
        return (part.kind == "media").then(|| json!({"type": "media", "bytes": part.bytes}));
    };
    let name = part.tool.as_deref().unwrap_or_default();
    match part.kind.as_ref() {
        "text" | "refusal" => Some(json!({"type": "text", "content": text})),
        "reasoning" => Some(json!({"type": "reasoning", "content": text})),
        "tool_call" => {
            Some(json!({"type": "tool_call", "name": name, "arguments": structured(text)}))
        }
        "tool_result" => Some(json!({"type": "tool_call_response", "response": text})),
        "tool_offer" => None,
        other => Some(json!({"type": other, "content": text})),
    }
}

/// JSON as what it is, anything else as text.
fn structured(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Value::Object(object),
        _ => Value::String(text.to_owned()),
    }
}

/// As one JSON array, of the newest that fit.
fn fitting(messages: VecDeque<Value>) -> Option<String> {
    let mut texts: VecDeque<String> = messages.iter().map(Value::to_string).collect();
    let mut bytes: usize = texts.iter().map(|text| text.len() + 1).sum();
    while bytes > CONTENT_BYTES_MAX - 2 {
        bytes -= texts.pop_front()?.len() + 1;
    }
    let all: Vec<String> = texts.into();
    (!all.is_empty()).then(|| format!("[{}]", all.join(",")))
}
