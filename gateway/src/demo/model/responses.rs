//! OpenAI Responses.

use super::chat::{media, names, words};
use super::script::{Turn, pieces, scraps};
use super::sse::Events;
use super::{Asked, CREATED, Told, tokens};
use serde_json::{Value, json};

/// Reads a request.
pub(super) fn turn(body: &Value) -> Turn {
    let tools = names(&body["tools"], |tool| &tool["name"]);
    let items = match &body["input"] {
        Value::Array(items) => items.as_slice(),
        input => {
            let words = input.as_str().unwrap_or_default().to_owned();
            return Turn {
                read: words.len(),
                words,
                tools,
                ..Turn::default()
            };
        }
    };
    let last = items.last().unwrap_or(&Value::Null);
    let after_tool = last["type"] == "function_call_output";
    Turn {
        words: words(if after_tool {
            &last["output"]
        } else {
            &last["content"]
        }),
        after_tool,
        media: media(&last["content"]),
        tools,
        read: items.iter().map(|item| words(&item["content"]).len()).sum(),
    }
}

/// Tells an answer.
pub(super) fn tell(asked: &Asked<'_>) -> Told {
    let complete = response(asked, "completed");
    let mut told = if asked.streamed() {
        Told::streamed(stream(asked, &complete))
    } else {
        Told::whole(complete.clone())
    };
    told.stored = (asked.body["store"] != json!(false)).then_some(complete);
    told
}

fn response(asked: &Asked<'_>, status: &str) -> Value {
    let complete = status == "completed";
    let or = |key: &str, other: Value| match &asked.body[key] {
        Value::Null => other,
        given => given.clone(),
    };
    json!({
        "id": format!("resp_{}", asked.id),
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "background": false,
        "error": null,
        "incomplete_details": null,
        "instructions": asked.body["instructions"],
        "max_output_tokens": asked.body["max_output_tokens"],
        "model": asked.model(),
        "output": if complete { items(asked) } else { Vec::new() },
        "parallel_tool_calls": true,
        "previous_response_id": asked.body["previous_response_id"],
        "reasoning": {"effort": null, "summary": null},
        "store": or("store", json!(true)),
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": or("tool_choice", json!("auto")),
        "tools": or("tools", json!([])),
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": if complete { usage(asked) } else { Value::Null },
        "user": null,
        "metadata": {},
    })
}

/// The items of the answer, complete.
fn items(asked: &Asked<'_>) -> Vec<Value> {
    let answer = asked.answer;
    let mut items = Vec::new();
    if !answer.thought.is_empty() {
        items.push(json!({
            "id": format!("rs_{}", asked.id),
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": answer.thought}],
        }));
    }
    if !answer.text.is_empty() {
        items.push(json!({
            "id": format!("msg_{}", asked.id),
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [content(&answer.text, answer.refused)],
        }));
    }
    for (at, call) in answer.calls.iter().enumerate() {
        items.push(json!({
            "id": format!("fc_{}_{at}", asked.id),
            "type": "function_call",
            "status": "completed",
            "arguments": call.arguments,
            "call_id": format!("call_{}_{at}", asked.id),
            "name": call.tool,
        }));
    }
    items
}

fn content(text: &str, refused: bool) -> Value {
    match refused {
        true => json!({"type": "refusal", "refusal": text}),
        false => json!({"type": "output_text", "annotations": [], "logprobs": [], "text": text}),
    }
}

fn usage(asked: &Asked<'_>) -> Value {
    let (read, written) = (asked.turn.read.div_ceil(4), asked.answer.tokens());
    json!({
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": tokens(&asked.answer.thought)},
        "total_tokens": read + written,
    })
}

/// Events in the order in which they were said.
struct Sequence(Events, u64);

impl Sequence {
    fn say(&mut self, mut event: Value) {
        event["sequence_number"] = json!(self.1);
        self.1 += 1;
        self.0.named(&event);
    }
}

fn stream(asked: &Asked<'_>, complete: &Value) -> Events {
    let mut sequence = Sequence(Events::default(), 0);
    let begun = response(asked, "in_progress");
    sequence.say(json!({"type": "response.created", "response": begun}));
    sequence.say(json!({"type": "response.in_progress", "response": begun}));
    for (at, item) in items(asked).into_iter().enumerate() {
        stream_item(&mut sequence, asked, at, item);
    }
    sequence.say(json!({"type": "response.completed", "response": complete}));
    sequence.0
}

fn stream_item(sequence: &mut Sequence, asked: &Asked<'_>, at: usize, item: Value) {
    let id = item["id"].clone();
    let mut begun = item.clone();
    let kind = item["type"].as_str().unwrap_or_default().to_owned();
    match kind.as_str() {
        "reasoning" => begun["summary"] = json!([]),
        "message" => begun["content"] = json!([]),
        _ => begun["arguments"] = json!(""),
    }
    if begun["status"].is_string() {
        begun["status"] = json!("in_progress");
    }
    sequence.say(json!({"type": "response.output_item.added", "output_index": at, "item": begun}));
    let mut say = |mut event: Value| {
        event["item_id"] = id.clone();
        event["output_index"] = json!(at);
        sequence.say(event);
    };
    match kind.as_str() {
        "reasoning" => {
            let thought = &asked.answer.thought;
            let part = |text: &str| json!({"type": "summary_text", "text": text});
            say(
                json!({"type": "response.reasoning_summary_part.added", "summary_index": 0, "part": part("")}),
            );
            for piece in pieces(thought) {
                say(
                    json!({"type": "response.reasoning_summary_text.delta", "summary_index": 0, "delta": piece}),
                );
            }
            say(
                json!({"type": "response.reasoning_summary_text.done", "summary_index": 0, "text": thought}),
            );
            say(
                json!({"type": "response.reasoning_summary_part.done", "summary_index": 0, "part": part(thought)}),
            );
        }
        "message" => {
            let (text, refused) = (&asked.answer.text, asked.answer.refused);
            let (word, field) = if refused {
                ("refusal", "refusal")
            } else {
                ("output_text", "text")
            };
            say(
                json!({"type": "response.content_part.added", "content_index": 0, "part": content("", refused)}),
            );
            for piece in pieces(text) {
                let kind = format!("response.{word}.delta");
                say(json!({"type": kind, "content_index": 0, "delta": piece, "logprobs": []}));
            }
            let kind = format!("response.{word}.done");
            say(json!({"type": kind, "content_index": 0, field: text, "logprobs": []}));
            say(
                json!({"type": "response.content_part.done", "content_index": 0, "part": content(text, refused)}),
            );
        }
        _ => {
            let arguments = item["arguments"].as_str().unwrap_or_default();
            for scrap in scraps(arguments) {
                say(json!({"type": "response.function_call_arguments.delta", "delta": scrap}));
            }
            let name = &item["name"];
            say(
                json!({"type": "response.function_call_arguments.done", "arguments": arguments, "name": name}),
            );
        }
    }
    sequence.say(json!({"type": "response.output_item.done", "output_index": at, "item": item}));
}
