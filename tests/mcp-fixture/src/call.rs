//! Serves one request: every method that both eras have, and those of the legacy era.

use crate::catalogue::{self, LEGACY, MODERN};
use crate::message::{self, Failure};
use crate::talk::{Era, LEVELS, Need, Out, Talk, locked};
use crate::{Change, Settings, tools};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use tokio::sync::broadcast::error::RecvError;

/// How long a client may keep what is the same for everybody, in milliseconds.
const TTL_MS: u64 = 60_000;

/// Serves a request to its end, and sends the answer.
pub(crate) async fn serve(talk: Talk, settings: Settings) {
    let outcome = match perform(&talk, settings).await {
        Ok(result) => Ok(finished(&talk, result)),
        Err(failure) => Err(failure),
    };
    let status = outcome
        .as_ref()
        .map_or_else(|failure| failure.status, |_| 200);
    let answer = message::answer(&talk.request.id, &outcome);
    talk.send(Out::Answer(answer, status)).await;
}

async fn perform(talk: &Talk, settings: Settings) -> Result<Value, Failure> {
    let request = &talk.request;
    let page = |kind| catalogue::page(kind, &request.params, settings.page);
    match (request.method.as_str(), &talk.era) {
        ("tools/list", _) => page("tools"),
        ("prompts/list", _) => page("prompts"),
        ("resources/list", _) => page("resources"),
        ("resources/templates/list", _) => page("resourceTemplates"),
        ("resources/read", _) => catalogue::read(request.text("uri")),
        ("tools/call", _) => tools::call(talk).await,
        ("prompts/get", _) => prompt(talk).await,
        ("completion/complete", _) => Ok(complete(&request.params)),
        ("server/discover", Era::Modern) => Ok(json!({
            "supportedVersions": [MODERN],
            "capabilities": catalogue::capabilities(),
            "instructions": "A server for tests."
        })),
        ("subscriptions/listen", Era::Modern) => listen(talk).await,
        (method, Era::Legacy(_)) => legacy(talk, method),
        (method, Era::Modern) => Err(unknown(method)),
    }
}

fn legacy(talk: &Talk, method: &str) -> Result<Value, Failure> {
    let Era::Legacy(conversation) = &talk.era else {
        return Err(unknown(method));
    };
    let request = &talk.request;
    match method {
        "initialize" => {
            let capabilities = request.params.get("capabilities").cloned();
            *locked(&conversation.capabilities) = capabilities.unwrap_or_default();
            let wanted = request.text("protocolVersion");
            let version = LEGACY
                .iter()
                .find(|known| **known == wanted)
                .unwrap_or(&LEGACY[0]);
            Ok(json!({
                "protocolVersion": version,
                "capabilities": catalogue::capabilities(),
                "serverInfo": catalogue::server_info(),
                "instructions": "A server for tests."
            }))
        }
        "ping" => Ok(json!({})),
        "logging/setLevel" => {
            let level = LEVELS
                .iter()
                .position(|known| *known == request.text("level"));
            let level = level.ok_or_else(|| Failure::new(-32602, "there is no such level"))?;
            conversation.level.store(level as u64, Ordering::Relaxed);
            Ok(json!({}))
        }
        "resources/subscribe" => {
            locked(&conversation.watched).push(request.text("uri").to_owned());
            Ok(json!({}))
        }
        "resources/unsubscribe" => {
            locked(&conversation.watched).retain(|uri| uri != request.text("uri"));
            Ok(json!({}))
        }
        _ => Err(unknown(method)),
    }
}

fn unknown(method: &str) -> Failure {
    Failure::new(-32601, &format!("there is no method {method}"))
}

/// What the modern era wants in every result, and in those that may be kept.
fn finished(talk: &Talk, mut result: Value) -> Value {
    if matches!(talk.era, Era::Legacy(_)) {
        return result;
    }
    if result.get("resultType").is_none() {
        result["resultType"] = json!("complete");
    }
    result["_meta"]["io.modelcontextprotocol/serverInfo"] = catalogue::server_info();
    let scope = match talk.request.method.as_str() {
        "tools/list"
        | "prompts/list"
        | "resources/list"
        | "resources/templates/list"
        | "server/discover" => "public",
        "resources/read" => "private",
        _ => return result,
    };
    result["ttlMs"] = json!(TTL_MS);
    result["cacheScope"] = json!(scope);
    result
}

async fn prompt(talk: &Talk) -> Result<Value, Failure> {
    let user = |content: Value| json!({"role": "user", "content": content});
    let text = |words: &str| user(json!({"type": "text", "text": words}));
    let argument = |name: &str| {
        let arguments = talk.request.params.get("arguments");
        arguments
            .and_then(|all| all[name].as_str())
            .unwrap_or_default()
            .to_owned()
    };
    let messages = match talk.request.text("name") {
        "test_simple_prompt" => json!([text("This is a simple prompt for testing.")]),
        "test_prompt_with_arguments" => {
            let (one, two) = (argument("arg1"), argument("arg2"));
            json!([text(&format!(
                "Prompt with arguments: arg1='{one}', arg2='{two}'"
            ))])
        }
        "test_prompt_with_embedded_resource" => json!([
            user(json!({"type": "resource", "resource": {
                "uri": argument("resourceUri"),
                "mimeType": "text/plain",
                "text": "Embedded resource content for testing."
            }})),
            text("Please process the embedded resource above."),
        ]),
        "test_prompt_with_image" => json!([
            user(json!({"type": "image", "data": catalogue::IMAGE, "mimeType": "image/png"})),
            text("Please analyze the image above."),
        ]),
        "test_input_required_result_prompt" => {
            let question = tools::question("What context should the prompt use?", "context");
            match talk
                .ask("user_context", "elicitation/create", question)
                .await
            {
                Ok(given) => json!([text(&format!("Context: {}", given["content"]["context"]))]),
                Err(Need::Input(requests)) => {
                    return Ok(json!({"resultType": "input_required", "inputRequests": requests}));
                }
                Err(Need::Failed(failure)) => return Err(failure),
            }
        }
        name => return Err(Failure::new(-32602, &format!("there is no prompt {name}"))),
    };
    Ok(json!({"messages": messages}))
}

fn complete(params: &Value) -> Value {
    let begun = params["argument"]["value"].as_str().unwrap_or_default();
    let values = [format!("{begun}-one"), format!("{begun}-two")];
    json!({"completion": {"values": values, "total": values.len(), "hasMore": false}})
}

/// Tells of changes until the client leaves.
async fn listen(talk: &Talk) -> Result<Value, Failure> {
    let mut changes = talk.changes.subscribe();
    let wanted = talk
        .request
        .params
        .get("notifications")
        .cloned()
        .unwrap_or_default();
    let meta = json!({"io.modelcontextprotocol/subscriptionId": talk.request.id});
    let acknowledged = json!({"_meta": meta, "notifications": wanted});
    talk.notify("notifications/subscriptions/acknowledged", acknowledged)
        .await;
    loop {
        match changes.recv().await {
            Ok(Change::Closing) | Err(RecvError::Closed) => return Ok(json!({"_meta": meta})),
            Ok(change) if change.is_wanted(&wanted) => {
                let (method, mut params) = change.told();
                params["_meta"] = meta.clone();
                talk.notify(method, params).await;
            }
            Ok(_) | Err(RecvError::Lagged(_)) => {}
        }
    }
}
