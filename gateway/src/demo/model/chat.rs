//! OpenAI chat completions, legacy completions, embeddings and models.

use super::script::{Answer, Turn, pieces, scraps};
use super::sse::Events;
use super::{Asked, CREATED, Told, fingerprint, tokens};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::{Value, json};

/// Reads a chat request.
pub(super) fn turn(body: &Value) -> Turn {
    let none = Vec::new();
    let messages = body["messages"].as_array().unwrap_or(&none);
    let last = messages.last().unwrap_or(&Value::Null);
    Turn {
        words: words(&last["content"]),
        after_tool: last["role"] == "tool",
        media: media(&last["content"]),
        tools: names(&body["tools"], |tool| &tool["function"]["name"]),
        read: messages
            .iter()
            .map(|message| words(&message["content"]).len())
            .sum(),
    }
}

/// Reads a legacy completion request.
pub(super) fn prompt(body: &Value) -> Turn {
    let words = match &body["prompt"] {
        Value::Array(prompts) => prompts
            .first()
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        prompt => prompt.as_str().unwrap_or_default().to_owned(),
    };
    Turn {
        read: words.len(),
        words,
        ..Turn::default()
    }
}

/// The text of a message's content: a string, or parts.
pub(super) fn words(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part["text"].as_str());
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

/// How many parts of a content are no text.
pub(super) fn media(content: &Value) -> usize {
    let parts = content.as_array().map(Vec::as_slice).unwrap_or_default();
    parts
        .iter()
        .filter(|part| !part["text"].is_string())
        .count()
}

/// The names of the tools on offer.
pub(super) fn names(tools: &Value, name: impl Fn(&Value) -> &Value) -> Vec<String> {
    let tools = tools.as_array().map(Vec::as_slice).unwrap_or_default();
    tools
        .iter()
        .filter_map(|tool| name(tool).as_str())
        .map(str::to_owned)
        .collect()
}

/// Tells an answer to a chat request.
pub(super) fn tell(asked: &Asked<'_>) -> Told {
    let choices = asked.body["n"].as_u64().unwrap_or(1).clamp(1, 8);
    if asked.streamed() {
        stream(asked, choices)
    } else {
        whole(asked, choices)
    }
}

fn whole(asked: &Asked<'_>, choices: u64) -> Told {
    let choices: Vec<Value> = (0..choices)
        .map(|index| {
            json!({
                "index": index,
                "message": message(asked.answer, asked.id, index),
                "logprobs": null,
                "finish_reason": finish(asked.answer),
            })
        })
        .collect();
    let mut told = head(asked, "chat.completion");
    told["choices"] = json!(choices);
    told["usage"] = usage(asked);
    Told::whole(told)
}

fn message(answer: &Answer, id: &str, choice: u64) -> Value {
    let said = (!answer.text.is_empty()).then_some(&answer.text);
    let mut message = json!({
        "role": "assistant",
        "content": said.filter(|_| !answer.refused),
        "refusal": said.filter(|_| answer.refused),
        "annotations": [],
    });
    if !answer.calls.is_empty() {
        let calls = answer.calls.iter().enumerate().map(|(at, call)| {
            json!({
                "id": call_id(id, choice, at),
                "type": "function",
                "function": {"name": call.tool, "arguments": call.arguments},
            })
        });
        message["tool_calls"] = calls.collect();
    }
    message
}

fn stream(asked: &Asked<'_>, choices: u64) -> Told {
    let counted = asked.body["stream_options"]["include_usage"] == json!(true);
    let mut events = Events::default();
    let mut chunk = |choices: Value, usage: Option<Value>| {
        let mut told = head(asked, "chat.completion.chunk");
        told["choices"] = choices;
        if counted {
            told["usage"] = usage.unwrap_or(Value::Null);
        }
        events.data(&told);
    };
    let mut each = |delta: &dyn Fn(u64) -> Value, finish: Option<&str>| {
        for index in 0..choices {
            let choice = json!({"index": index, "delta": delta(index), "logprobs": null, "finish_reason": finish});
            chunk(json!([choice]), None);
        }
    };
    each(
        &|_| json!({"role": "assistant", "content": "", "refusal": null}),
        None,
    );
    let field = if asked.answer.refused {
        "refusal"
    } else {
        "content"
    };
    for piece in pieces(&asked.answer.text) {
        each(&|_| json!({field: piece}), None);
    }
    for (at, call) in asked.answer.calls.iter().enumerate() {
        let begin = |choice| {
            json!({"tool_calls": [{
                "index": at,
                "id": call_id(asked.id, choice, at),
                "type": "function",
                "function": {"name": call.tool, "arguments": ""},
            }]})
        };
        each(&begin, None);
        for scrap in scraps(&call.arguments) {
            each(
                &|_| json!({"tool_calls": [{"index": at, "function": {"arguments": scrap}}]}),
                None,
            );
        }
    }
    each(&|_| json!({}), Some(finish(asked.answer)));
    if counted {
        chunk(json!([]), Some(usage(asked)));
    }
    events.done();
    Told::streamed(events)
}

/// Tells a legacy completion.
pub(super) fn complete(asked: &Asked<'_>) -> Told {
    let told = |text: &str, finish: Option<&str>| {
        let mut told = head(asked, "text_completion");
        told["id"] = json!(format!("cmpl-{}", asked.id));
        told["choices"] =
            json!([{"index": 0, "text": text, "logprobs": null, "finish_reason": finish}]);
        told
    };
    if !asked.streamed() {
        let mut told = told(&asked.answer.text, Some("stop"));
        told["usage"] = usage(asked);
        return Told::whole(told);
    }
    let mut events = Events::default();
    for piece in pieces(&asked.answer.text) {
        events.data(&told(piece, None));
    }
    events.data(&told("", Some("stop")));
    events.done();
    Told::streamed(events)
}

fn head(asked: &Asked<'_>, object: &str) -> Value {
    json!({
        "id": format!("chatcmpl-{}", asked.id),
        "object": object,
        "created": CREATED,
        "model": asked.model(),
        "service_tier": "default",
        "system_fingerprint": "fp_demo",
    })
}

fn call_id(id: &str, choice: u64, at: usize) -> String {
    format!("call_{id}_{choice}_{at}")
}

fn finish(answer: &Answer) -> &'static str {
    if answer.calls.is_empty() {
        "stop"
    } else {
        "tool_calls"
    }
}

fn usage(asked: &Asked<'_>) -> Value {
    let (read, written) = (asked.turn.read.div_ceil(4), asked.answer.tokens());
    json!({
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": tokens(&asked.answer.thought),
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}

/// Vectors that depend on the text alone.
pub(super) fn embed(body: &Value) -> Value {
    let inputs: Vec<String> = match &body["input"] {
        Value::Array(inputs) if inputs.first().is_some_and(Value::is_number) => {
            vec![body["input"].to_string()]
        }
        Value::Array(inputs) => inputs
            .iter()
            .map(|i| i.as_str().map_or_else(|| i.to_string(), str::to_owned))
            .collect(),
        input => vec![input.as_str().unwrap_or_default().to_owned()],
    };
    let length = body["dimensions"].as_u64().unwrap_or(8).clamp(1, 4096);
    let base64 = body["encoding_format"] == "base64";
    let data: Vec<Value> = inputs
        .iter()
        .enumerate()
        .map(|(index, input)| {
            let vector = vector(input, length);
            let vector = if base64 {
                json!(packed(&vector))
            } else {
                json!(vector)
            };
            json!({"object": "embedding", "index": index, "embedding": vector})
        })
        .collect();
    let read: usize = inputs.iter().map(|input| tokens(input)).sum();
    json!({
        "object": "list",
        "model": body["model"],
        "data": data,
        "usage": {"prompt_tokens": read, "total_tokens": read},
    })
}

fn vector(text: &str, length: u64) -> Vec<f32> {
    let seed = fingerprint(text.as_bytes());
    let place = |at: u64| fingerprint(&(seed ^ at).to_le_bytes()) % 2_000;
    (0..length)
        .map(|at| place(at) as f32 / 1_000.0 - 1.0)
        .collect()
}

fn packed(vector: &[f32]) -> String {
    STANDARD.encode(
        vector
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect::<Vec<u8>>(),
    )
}

/// One model.
pub(super) fn model(name: &str) -> Value {
    json!({"id": name, "object": "model", "created": CREATED, "owned_by": "sallyport-demo"})
}

/// An error.
pub(super) fn error(status: StatusCode, say: &str) -> Value {
    let kind = match status {
        StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
        status if status.is_server_error() => "server_error",
        _ => "invalid_request_error",
    };
    json!({"error": {"message": say, "type": kind, "param": null, "code": null}})
}
