//! Tools of several rounds (2026-07-28, multi round-trip requests), with state that the client keeps and cannot change.

use crate::message::Failure;
use crate::talk::{Era, Need, Talk};
use crate::tools::{question, text};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

/// Known to everybody: what is tested is that a change is noticed, not that the key is secret.
const KEY: &[u8] = b"a key of the fixture, for tests alone";

/// Runs `test_input_required_result_{round}`.
pub(crate) async fn call(talk: &Talk, round: &str) -> Result<Value, Need> {
    if matches!(talk.era, Era::Legacy(_)) {
        let words = "this tool needs 2026-07-28";
        return Err(Need::Failed(Failure::new(-32602, words)));
    }
    match round {
        "elicitation" => {
            let given = talk
                .ask(
                    "user_name",
                    "elicitation/create",
                    question("What is your name?", "name"),
                )
                .await?;
            let name = given["content"]["name"]
                .as_str()
                .unwrap_or("whoever you are");
            Ok(text(&format!("Hello, {name}!")))
        }
        "sampling" => {
            let given = talk
                .ask("capital_question", "sampling/createMessage", capital())
                .await?;
            Ok(text(given["content"]["text"].as_str().unwrap_or("nothing")))
        }
        "list_roots" => {
            let given = talk.ask("client_roots", "roots/list", json!({})).await?;
            Ok(text(&given["roots"].to_string()))
        }
        "capabilities" => able(talk),
        "request_state" | "tampered_state" => stateful(talk, &[("confirm", confirm())], "state-ok"),
        "multiple_inputs" => stateful(talk, &three(), "all inputs came"),
        _ => rounds(talk),
    }
}

fn elicit(params: Value) -> Value {
    json!({"method": "elicitation/create", "params": params})
}

fn capital() -> Value {
    let said = json!({"type": "text", "text": "What is the capital of France?"});
    json!({"messages": [{"role": "user", "content": said}], "maxTokens": 100})
}

fn confirm() -> Value {
    let schema =
        json!({"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]});
    elicit(json!({"message": "Please confirm", "requestedSchema": schema}))
}

fn three() -> [(&'static str, Value); 3] {
    let said = json!({"type": "text", "text": "Generate a greeting"});
    let greeting = json!({"messages": [{"role": "user", "content": said}], "maxTokens": 50});
    [
        ("user_name", elicit(question("What is your name?", "name"))),
        (
            "greeting",
            json!({"method": "sampling/createMessage", "params": greeting}),
        ),
        (
            "client_roots",
            json!({"method": "roots/list", "params": {}}),
        ),
    ]
}

/// Asks only for what the client can do.
fn able(talk: &Talk) -> Result<Value, Need> {
    let mut requests = Map::new();
    if talk.client_can("sampling") {
        let sample = json!({"method": "sampling/createMessage", "params": capital()});
        requests.insert("sample".to_owned(), sample);
    }
    if talk.client_can("elicitation") {
        requests.insert(
            "user".to_owned(),
            elicit(question("What is your name?", "name")),
        );
    }
    let all_came = !requests.is_empty() && requests.keys().all(|key| given(talk, key).is_some());
    if all_came || requests.is_empty() {
        return Ok(text("nothing more is needed"));
    }
    Err(Need::Input(requests))
}

/// One round that keeps state with the client.
fn stateful(talk: &Talk, wanted: &[(&str, Value)], done: &str) -> Result<Value, Need> {
    let state = state_of(talk)?;
    let came = wanted.iter().all(|(key, _)| given(talk, key).is_some());
    if came && state.is_some() {
        return Ok(text(done));
    }
    Ok(ask_again(talk, wanted, 1))
}

/// Two rounds, each with a state of its own.
fn rounds(talk: &Talk) -> Result<Value, Need> {
    let step1 = [(
        "step1",
        elicit(question("Step 1: What is your name?", "name")),
    )];
    let step2 = [(
        "step2",
        elicit(question("Step 2: What is your favorite color?", "color")),
    )];
    match state_of(talk)? {
        Some(1) if given(talk, "step1").is_some() => Ok(ask_again(talk, &step2, 2)),
        Some(2) if given(talk, "step2").is_some() => Ok(text("both answers came")),
        Some(2) => Ok(ask_again(talk, &step2, 2)),
        _ => Ok(ask_again(talk, &step1, 1)),
    }
}

fn given<'a>(talk: &'a Talk, key: &str) -> Option<&'a Value> {
    let given = talk.request.params.get("inputResponses")?.get(key)?;
    given.is_object().then_some(given)
}

fn ask_again(talk: &Talk, wanted: &[(&str, Value)], round: u64) -> Value {
    let requests: Map<String, Value> = wanted
        .iter()
        .map(|(key, request)| ((*key).to_owned(), request.clone()))
        .collect();
    let state = sealed(talk.request.text("name"), round);
    json!({"resultType": "input_required", "inputRequests": requests, "requestState": state})
}

/// The round that the client's state says, if it is unchanged and of this tool.
fn state_of(talk: &Talk) -> Result<Option<u64>, Need> {
    let Some(state) = talk.request.params.get("requestState") else {
        return Ok(None);
    };
    let refused = || Need::Failed(Failure::new(-32602, "this state was changed").status(400));
    let name = talk.request.text("name");
    let round = state
        .as_str()
        .and_then(|state| state.split('.').next()?.parse().ok())
        .filter(|round| state == &sealed(name, *round));
    round.map(Some).ok_or_else(refused)
}

fn sealed(tool: &str, round: u64) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY)
        .unwrap_or_else(|_| unreachable!("any length of key will do"));
    mac.update(format!("{tool}/{round}").as_bytes());
    let tag = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{round}.{tag}")
}
