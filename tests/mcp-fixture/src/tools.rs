//! The tools. Those that ask the client do so in the way of its era.

use crate::Change;
use crate::catalogue::{self, IMAGE, SOUND};
use crate::message::Failure;
use crate::rounds;
use crate::talk::{Era, Need, Out, Talk, missing};
use serde_json::{Value, json};
use std::time::Duration;

/// Between two messages of one tool.
const PAUSE: Duration = Duration::from_millis(50);
/// The longest that a client may let a tool wait.
const WAIT_MAX_MS: u64 = 60_000;

/// Runs the tool that is asked for.
pub(crate) async fn call(talk: &Talk) -> Result<Value, Failure> {
    let name = talk.request.text("name");
    if catalogue::entry("tools", name).is_none() {
        return Err(Failure::new(-32602, &format!("there is no tool {name}")));
    }
    let outcome = match name.strip_prefix("test_input_required_result_") {
        Some(round) => rounds::call(talk, round).await,
        None => match plain(talk, name).await {
            Some(result) => Ok(result),
            None => asking(talk, name).await,
        },
    };
    match outcome {
        Ok(result) => Ok(result),
        Err(Need::Input(requests)) => {
            Ok(json!({"resultType": "input_required", "inputRequests": requests}))
        }
        // The legacy era has no code for what a client cannot do: the model is told.
        Err(Need::Failed(failure)) if matches!(talk.era, Era::Legacy(_)) => {
            Ok(failed(&failure.message))
        }
        Err(Need::Failed(failure)) => Err(failure),
    }
}

/// A result of one text.
pub(crate) fn text(words: &str) -> Value {
    json!({"content": [{"type": "text", "text": words}]})
}

fn failed(words: &str) -> Value {
    json!({"content": [{"type": "text", "text": words}], "isError": true})
}

/// A question to the user with one text field.
pub(crate) fn question(message: &str, field: &str) -> Value {
    let schema =
        json!({"type": "object", "properties": {field: {"type": "string"}}, "required": [field]});
    json!({"message": message, "requestedSchema": schema})
}

/// Tools that need nothing from the client.
async fn plain(talk: &Talk, name: &str) -> Option<Value> {
    let arguments = talk
        .request
        .params
        .get("arguments")
        .cloned()
        .unwrap_or_else(|| json!({}));
    let image = json!({"type": "image", "data": IMAGE, "mimeType": "image/png"});
    Some(match name {
        "test_simple_text" => text("This is a simple text response for testing."),
        "test_image_content" => json!({"content": [image]}),
        "test_audio_content" => {
            json!({"content": [{"type": "audio", "data": SOUND, "mimeType": "audio/wav"}]})
        }
        "test_embedded_resource" => json!({"content": [{"type": "resource", "resource": {
            "uri": "test://embedded-resource",
            "mimeType": "text/plain",
            "text": "This is an embedded resource content."
        }}]}),
        "test_multiple_content_types" => json!({"content": [
            {"type": "text", "text": "Multiple content types test:"},
            image,
            {"type": "resource", "resource": {
                "uri": "test://mixed-content-resource",
                "mimeType": "application/json",
                "text": json!({"test": "data", "value": 123}).to_string()
            }}
        ]}),
        "test_error_handling" => failed("This tool intentionally returns an error for testing"),
        "json_schema_2020_12_tool" | "test_x_mcp_header" => text(&arguments.to_string()),
        "echo" => json!({
            "content": [{"type": "text", "text": arguments.to_string()}],
            "structuredContent": {"arguments": arguments}
        }),
        "test_wait" => {
            let wait = arguments["milliseconds"]
                .as_u64()
                .unwrap_or(0)
                .min(WAIT_MAX_MS);
            talk.progress(0, 1).await;
            tokio::time::sleep(Duration::from_millis(wait)).await;
            text(&format!("waited {wait} ms"))
        }
        _ => return telling(talk, name).await,
    })
}

/// Tools that say something before they answer.
async fn telling(talk: &Talk, name: &str) -> Option<Value> {
    match name {
        "test_tool_with_logging" => {
            for words in [
                "Tool execution started",
                "Tool processing data",
                "Tool execution completed",
            ] {
                talk.log("info", words).await;
                tokio::time::sleep(PAUSE).await;
            }
        }
        "test_logging_tool" => talk.log("info", "This is the log").await,
        "test_tool_with_progress" => {
            for progress in [0, 50, 100] {
                talk.progress(progress, 100).await;
                tokio::time::sleep(PAUSE).await;
            }
        }
        "test_reconnection" => {
            if matches!(talk.era, Era::Legacy(_)) {
                talk.send(Out::Hangup).await;
            }
            tokio::time::sleep(PAUSE * 2).await;
        }
        "test_trigger_tool_change" => change(talk, Change::Tools),
        "test_trigger_prompt_change" => change(talk, Change::Prompts),
        "test_trigger_resource_change" => {
            change(talk, Change::Resources);
            change(talk, Change::Resource("test://watched-resource".to_owned()));
        }
        _ => return None,
    }
    Some(text(&format!("{name} is done")))
}

fn change(talk: &Talk, change: Change) {
    // Nobody listens: nobody is told.
    let _ = talk.changes.send(change);
}

/// Tools that ask the client.
async fn asking(talk: &Talk, name: &str) -> Result<Value, Need> {
    let argument = |key: &str| {
        talk.request.params["arguments"][key]
            .as_str()
            .unwrap_or_default()
    };
    let answer = match name {
        "test_sampling" => {
            let said = json!({"type": "text", "text": argument("prompt")});
            let params = json!({"messages": [{"role": "user", "content": said}], "maxTokens": 100});
            let given = talk.ask("sample", "sampling/createMessage", params).await?;
            let words = given["content"]["text"].as_str().unwrap_or("nothing");
            return Ok(text(&format!("LLM response: {words}")));
        }
        "test_missing_capability" if !talk.client_can("sampling") => {
            return Err(Need::Failed(missing("sampling")));
        }
        "test_missing_capability" => return Ok(text("the client can sample")),
        "test_roots" => {
            let given = talk.ask("roots", "roots/list", json!({})).await?;
            return Ok(text(&given["roots"].to_string()));
        }
        "test_elicitation" => {
            let field = |about: &str| json!({"type": "string", "description": about});
            let schema = json!({
                "type": "object",
                "properties": {"username": field("User's response"), "email": field("User's email address")},
                "required": ["username", "email"]
            });
            let params = json!({"message": argument("message"), "requestedSchema": schema});
            talk.ask("user", "elicitation/create", params).await?
        }
        "test_elicitation_sep1034_defaults" => {
            let params =
                json!({"message": "Please review the defaults", "requestedSchema": defaults()});
            talk.ask("user", "elicitation/create", params).await?
        }
        "test_elicitation_sep1330_enums" => {
            let params = json!({"message": "Please choose", "requestedSchema": choices()});
            talk.ask("user", "elicitation/create", params).await?
        }
        _ => {
            talk.progress(1, 2).await;
            tokio::time::sleep(PAUSE).await;
            talk.ask(
                "user",
                "elicitation/create",
                question("What is your name?", "name"),
            )
            .await?
        }
    };
    let (action, content) = (&answer["action"], &answer["content"]);
    Ok(text(&format!(
        "Elicitation completed: action={action}, content={content}"
    )))
}

fn defaults() -> Value {
    json!({
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "User name", "default": "John Doe"},
            "age": {"type": "integer", "description": "User age", "default": 30},
            "score": {"type": "number", "description": "User score", "default": 95.5},
            "status": {"type": "string", "description": "User status", "enum": ["active", "inactive", "pending"], "default": "active"},
            "verified": {"type": "boolean", "description": "Verification status", "default": true}
        },
        "required": []
    })
}

fn choices() -> Value {
    let plain = json!(["option1", "option2", "option3"]);
    let titled = json!([
        {"const": "value1", "title": "First"},
        {"const": "value2", "title": "Second"},
        {"const": "value3", "title": "Third"}
    ]);
    json!({
        "type": "object",
        "properties": {
            "untitledSingle": {"type": "string", "enum": plain},
            "titledSingle": {"type": "string", "oneOf": titled},
            "legacyEnum": {"type": "string", "enum": ["opt1", "opt2", "opt3"], "enumNames": ["Option One", "Option Two", "Option Three"]},
            "untitledMulti": {"type": "array", "items": {"type": "string", "enum": plain}},
            "titledMulti": {"type": "array", "items": {"anyOf": titled}}
        },
        "required": []
    })
}
