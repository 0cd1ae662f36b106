//! Anthropic messages, count_tokens and models.

use super::chat::{media, names, words};
use super::script::{Answer, Turn, pieces, scraps};
use super::sse::Events;
use super::{Asked, Told};
use http::StatusCode;
use serde_json::{Value, json};

/// The signature under a thought. It is no real one: the demo model trusts whoever shows it.
const SIGNATURE: &str = "ZGVtby1zaWduYXR1cmU=";

/// Reads a request.
pub(super) fn turn(body: &Value) -> Turn {
    let none = Vec::new();
    let messages = body["messages"].as_array().unwrap_or(&none);
    let last = &messages.last().unwrap_or(&Value::Null)["content"];
    let result = last
        .as_array()
        .and_then(|blocks| blocks.iter().find(|block| block["type"] == "tool_result"));
    let read = messages
        .iter()
        .map(|message| words(&message["content"]).len())
        .sum::<usize>();
    Turn {
        words: result.map_or_else(|| words(last), |result| words(&result["content"])),
        after_tool: result.is_some(),
        media: media(last),
        tools: names(&body["tools"], |tool| &tool["name"]),
        read: read + words(&body["system"]).len(),
    }
}

/// Counts the tokens of a request.
pub(super) fn count(turn: &Turn) -> Value {
    json!({"input_tokens": turn.read.div_ceil(4)})
}

/// Tells an answer.
pub(super) fn tell(asked: &Asked<'_>) -> Told {
    if asked.streamed() {
        stream(asked)
    } else {
        whole(asked)
    }
}

fn whole(asked: &Asked<'_>) -> Told {
    let mut message = message(asked);
    message["content"] = blocks(asked).into_iter().map(|(block, _)| block).collect();
    message["stop_reason"] = json!(stop(asked.answer));
    message["usage"]["output_tokens"] = json!(asked.answer.tokens());
    Told::whole(message)
}

fn message(asked: &Asked<'_>) -> Value {
    json!({
        "id": format!("msg_{}", asked.id),
        "type": "message",
        "role": "assistant",
        "model": asked.model(),
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": {
            "input_tokens": asked.turn.read.div_ceil(4),
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 1,
            "service_tier": "standard",
        },
    })
}

/// Each block as it stands when complete, and the deltas by which it grows.
fn blocks(asked: &Asked<'_>) -> Vec<(Value, Vec<Value>)> {
    let answer = asked.answer;
    let mut blocks = Vec::new();
    if !answer.thought.is_empty() {
        let thought = pieces(&answer.thought)
            .map(|piece| json!({"type": "thinking_delta", "thinking": piece}));
        let signed = json!({"type": "signature_delta", "signature": SIGNATURE});
        let block = json!({"type": "thinking", "thinking": answer.thought, "signature": SIGNATURE});
        blocks.push((block, thought.chain([signed]).collect()));
    }
    if !answer.text.is_empty() {
        let text = pieces(&answer.text).map(|piece| json!({"type": "text_delta", "text": piece}));
        blocks.push((json!({"type": "text", "text": answer.text}), text.collect()));
    }
    for (at, call) in answer.calls.iter().enumerate() {
        let id = format!("toolu_{}_{at}", asked.id);
        let input: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
        let scraps = scraps(&call.arguments).into_iter();
        let deltas = scraps.map(|scrap| json!({"type": "input_json_delta", "partial_json": scrap}));
        blocks.push((
            json!({"type": "tool_use", "id": id, "name": call.tool, "input": input}),
            deltas.collect(),
        ));
    }
    blocks
}

fn stream(asked: &Asked<'_>) -> Told {
    let mut events = Events::default();
    events.named(&json!({"type": "message_start", "message": message(asked)}));
    events.named(&json!({"type": "ping"}));
    for (index, (block, deltas)) in blocks(asked).into_iter().enumerate() {
        events.named(&json!({"type": "content_block_start", "index": index, "content_block": emptied(block)}));
        for delta in deltas {
            events.named(&json!({"type": "content_block_delta", "index": index, "delta": delta}));
        }
        events.named(&json!({"type": "content_block_stop", "index": index}));
    }
    events.named(&json!({
        "type": "message_delta",
        "delta": {"stop_reason": stop(asked.answer), "stop_sequence": null},
        "usage": {"output_tokens": asked.answer.tokens()},
    }));
    events.named(&json!({"type": "message_stop"}));
    Told::streamed(events)
}

/// A block before its first delta.
fn emptied(mut block: Value) -> Value {
    match block["type"].as_str() {
        Some("text") => block["text"] = json!(""),
        Some("thinking") => {
            block["thinking"] = json!("");
            block["signature"] = json!("");
        }
        _ => block["input"] = json!({}),
    }
    block
}

fn stop(answer: &Answer) -> &'static str {
    match answer {
        Answer { refused: true, .. } => "refusal",
        Answer { calls, .. } if !calls.is_empty() => "tool_use",
        _ => "end_turn",
    }
}

/// One model.
pub(super) fn model(name: &str) -> Value {
    json!({"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"})
}

/// All models.
pub(super) fn models(names: &[&str]) -> Value {
    json!({
        "data": names.iter().map(|name| model(name)).collect::<Vec<_>>(),
        "has_more": false,
        "first_id": names.first(),
        "last_id": names.last(),
    })
}

/// An error.
pub(super) fn error(status: StatusCode, say: &str) -> Value {
    let kind = match status {
        StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
        StatusCode::NOT_FOUND => "not_found_error",
        status if status.is_server_error() => "api_error",
        _ => "invalid_request_error",
    };
    json!({"type": "error", "error": {"type": kind, "message": say}, "request_id": "req_demo"})
}
