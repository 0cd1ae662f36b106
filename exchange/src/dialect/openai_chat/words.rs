//! How OpenAI's protocols say no: in errors that their SDKs know, or as a message of the model.

use crate::denial::{Denial, RefusalKind};
use crate::dialect::{Asked, Fault, Reply};
use crate::exchange::Operation;
use bytes::Bytes;
use serde_json::{Value, json};

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

pub(in crate::dialect) fn refuse(denial: &Denial, asked: Asked<'_>) -> Reply {
    let speaks = matches!(asked.operation, Operation::Chat | Operation::Complete);
    match denial.kind {
        RefusalKind::Steer if speaks => steer(denial, asked),
        _ => deny(denial, asked),
    }
}

/// 403: the SDKs raise `PermissionDeniedError` and do not try again.
fn deny(denial: &Denial, asked: Asked<'_>) -> Reply {
    let message = with_id(&denial.say, asked.id);
    reply(
        403,
        JSON,
        error(&message, "policy_denied", &denial.rule, asked.id).to_string(),
    )
}

fn steer(denial: &Denial, asked: Asked<'_>) -> Reply {
    let say = with_id(&denial.say, asked.id);
    let chat = asked.operation == Operation::Chat;
    if !asked.streamed {
        let choice = match chat {
            true => {
                json!({"index": 0, "message": {"role": "assistant", "content": say, "refusal": null},
                "logprobs": null, "finish_reason": "stop"})
            }
            false => json!({"index": 0, "text": say, "logprobs": null, "finish_reason": "stop"}),
        };
        let mut body = completion(
            if chat {
                "chat.completion"
            } else {
                "text_completion"
            },
            choice,
            asked,
        );
        body["usage"] = json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0});
        return reply(200, JSON, body.to_string());
    }
    let object = if chat {
        "chat.completion.chunk"
    } else {
        "text_completion"
    };
    let choice = |delta: Value, finish: Option<&str>| match chat {
        true => json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}),
        false => {
            json!({"index": 0, "text": delta["content"].as_str().unwrap_or(""), "logprobs": null,
            "finish_reason": finish})
        }
    };
    let chunks = [
        choice(json!({"role": "assistant", "content": say}), None),
        choice(json!({}), Some("stop")),
    ];
    let mut events = String::new();
    for chunk in chunks {
        events.push_str(&event(&completion(object, chunk, asked)));
    }
    events.push_str("data: [DONE]\n\n");
    reply(200, EVENTS, events)
}

fn completion(object: &str, choice: Value, asked: Asked<'_>) -> Value {
    json!({
        "id": format!("chatcmpl-{}", asked.id),
        "object": object,
        "created": asked.now_s,
        "model": asked.model,
        "choices": [choice],
    })
}

pub(in crate::dialect) fn fault(fault: &Fault, id: &str) -> Reply {
    let kind = match fault.status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        _ => "server_error",
    };
    let message = with_id(&fault.message, id);
    reply(
        fault.status,
        JSON,
        error(&message, kind, fault.code, id).to_string(),
    )
}

/// The event that SDKs raise as an error. No `[DONE]` follows: the answer is not complete.
pub(in crate::dialect) fn closing(code: &str, say: &str, id: &str) -> Bytes {
    // Rules are named `layer/rule`, failures by one word.
    let kind = if code.contains('/') {
        "policy_denied"
    } else {
        "server_error"
    };
    Bytes::from(event(&error(&with_id(say, id), kind, code, id)))
}

fn error(message: &str, kind: &str, code: &str, id: &str) -> Value {
    json!({"error": {
        "message": message,
        "type": kind,
        "param": null,
        "code": code,
        "sallyport": {"id": id},
    }})
}

fn with_id(say: &str, id: &str) -> String {
    format!("{say} (decision {id})")
}

fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

fn reply(status: u16, content_type: &'static str, body: String) -> Reply {
    Reply {
        status,
        content_type,
        body: Bytes::from(body),
    }
}
