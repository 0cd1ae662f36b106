//! What the gateway itself says in this protocol: refusals, guidance, the end of a broken stream.

use crate::denial::{Denial, RefusalKind};
use crate::dialect::{Asked, Reply};
use crate::exchange::Operation;
use bytes::Bytes;
use serde_json::{Value, json};

/// Says no, or gives guidance as an answer of the model.
pub(in crate::dialect) fn refuse(denial: &Denial, asked: Asked<'_>) -> Reply {
    let answers = matches!(asked.operation, Operation::Chat | Operation::ToolCall);
    if denial.kind == RefusalKind::Deny || !answers {
        let error = json!({"error": {
            "message": format!("{} (decision {})", denial.say, asked.id),
            "type": "policy_denied",
            "param": null,
            "code": &*denial.rule,
        }});
        return reply(403, "application/json", error.to_string());
    }
    if asked.streamed {
        return reply(
            200,
            "text/event-stream",
            guidance_events(&denial.say, asked),
        );
    }
    reply(
        200,
        "application/json",
        guidance(&denial.say, asked).to_string(),
    )
}

/// The event that ends a stream which has begun. The SDKs raise on its `error`; the other members are
/// those of the protocol's own error event.
pub(in crate::dialect) fn closing(code: &str, say: &str, id: &str) -> Bytes {
    let message = format!("{say} (decision {id})");
    let event = json!({
        "type": "error",
        "code": code,
        "message": message,
        "param": null,
        "sequence_number": 0,
        "error": {"message": message, "type": code, "param": null, "code": code},
    });
    Bytes::from(format!("event: error\ndata: {event}\n\n"))
}

fn reply(status: u16, content_type: &'static str, body: String) -> Reply {
    Reply {
        status,
        content_type,
        body: Bytes::from(body),
    }
}

fn response(asked: Asked<'_>, status: &str, output: Value, usage: Value) -> Value {
    json!({
        "id": format!("resp_{}", asked.id),
        "object": "response",
        "created_at": asked.now_s,
        "status": status,
        "background": false,
        "error": null,
        "incomplete_details": null,
        "instructions": null,
        "max_output_tokens": null,
        "metadata": {},
        "model": asked.model,
        "output": output,
        "parallel_tool_calls": true,
        "previous_response_id": null,
        "reasoning": {"effort": null, "summary": null},
        "service_tier": "default",
        "store": false,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage,
        "user": null,
    })
}

fn message(asked: Asked<'_>, status: &str, content: Value) -> Value {
    json!({
        "id": format!("msg_{}", asked.id),
        "type": "message",
        "role": "assistant",
        "status": status,
        "content": content,
    })
}

fn output_text(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

fn guidance(say: &str, asked: Asked<'_>) -> Value {
    let output = json!([message(asked, "completed", json!([output_text(say)]))]);
    let usage = json!({
        "input_tokens": 0,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 0,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 0,
    });
    response(asked, "completed", output, usage)
}

fn guidance_events(say: &str, asked: Asked<'_>) -> String {
    let begun = response(asked, "in_progress", json!([]), Value::Null);
    let item = format!("msg_{}", asked.id);
    let whole = message(asked, "completed", json!([output_text(say)]));
    let empty = message(asked, "in_progress", json!([]));
    let at = |mut event: Value| {
        event["item_id"] = json!(item);
        event["output_index"] = json!(0);
        event["content_index"] = json!(0);
        event
    };
    let events = [
        json!({"type": "response.created", "response": begun}),
        json!({"type": "response.in_progress", "response": begun}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": empty}),
        at(json!({"type": "response.content_part.added", "part": output_text("")})),
        at(json!({"type": "response.output_text.delta", "delta": say, "logprobs": []})),
        at(json!({"type": "response.output_text.done", "text": say, "logprobs": []})),
        at(json!({"type": "response.content_part.done", "part": output_text(say)})),
        json!({"type": "response.output_item.done", "output_index": 0, "item": whole}),
        json!({"type": "response.completed", "response": guidance(say, asked)}),
    ];
    let mut stream = String::new();
    for (number, mut event) in events.into_iter().enumerate() {
        event["sequence_number"] = json!(number);
        let name = event["type"].as_str().unwrap_or_default().to_owned();
        stream.push_str(&format!("event: {name}\ndata: {event}\n\n"));
    }
    stream
}
