//! What servers ask of agents: denied means that the agent sees no byte of it and the server gets an error.

use crate::agent::{Agent, LEGACY, MODERN, end_of, question_in};
use crate::house::{ALL, house, legacy, modern};
use crate::tool_server::{Does, Heard, ToolServer};
use sallyport_tests::Running;
use serde_json::{Value, json};

/// Calls are allowed, and nothing that a server may ask.
const CALLS: &str = "default allow := false\n\nallow if input.operation in {\"connect\", \"tool_call\", \"tool_list\"}";
const DENIED: &str = "default allow := true\n\ndeny contains {\"rule\": \"no\", \"say\": \"Not this.\"} if not input.operation in {\"connect\", \"tool_call\", \"tool_list\"}";
const MARK: &str = "mark-of-the-server";
/// What a server may ask, in the last revision in which it asks at all.
const QUESTIONS: [&str; 7] = [
    "sampling/createMessage",
    "elicitation/create",
    "roots/list",
    "tasks/get",
    "tasks/result",
    "tasks/list",
    "tasks/cancel",
];

fn question(method: &str) -> Value {
    match method {
        "sampling/createMessage" => {
            json!({"messages": [{"role": "user", "content": {"type": "text", "text": MARK}}], "maxTokens": 5})
        }
        "elicitation/create" => {
            json!({"message": MARK, "requestedSchema": {"type": "object", "properties": {}}})
        }
        _ => json!({"taskId": MARK, "_meta": {"mark": MARK}}),
    }
}

/// Asks what the call's tool is called after.
fn asks(heard: &Heard) -> Does {
    let all = QUESTIONS
        .into_iter()
        .chain(["ping", "tools/call", "custom/question"]);
    match heard.method() {
        "tools/list" => {
            let tools: Vec<Value> = all
                .map(|name| json!({"name": name.replace('/', "_"), "inputSchema": {"type": "object"}}))
                .collect();
            Does::Result(json!({"tools": tools}))
        }
        "tools/call" => {
            let mut all = all;
            let asked = all.find(|method| method.replace('/', "_") == heard.name());
            asked.map_or(Does::HangUp, |method| Does::Asks(method, question(method)))
        }
        _ => Does::TheUsual,
    }
}

async fn stage() -> (Running, ToolServer) {
    let server = ToolServer::legacy(asks).await;
    let servers = [("old", legacy(&server.url()))];
    let teams = [("free", ALL), ("calls", CALLS), ("denied", DENIED)];
    (house(&servers, &teams).start().await, server)
}

#[tokio::test]
async fn a_question_that_may_not_be_asked_is_not_heard() {
    let (gateway, _server) = stage().await;
    for path in ["/mcp/old", "/mcp"] {
        let prefix = if path == "/mcp" { "old__" } else { "" };
        for team in ["calls", "denied"] {
            let agent = Agent::open(&gateway, path, team, LEGACY).await;
            for method in QUESTIONS {
                let tool = format!("{prefix}{}", method.replace('/', "_"));
                let said = agent.call(&tool, json!({})).await;
                let what = format!("{path} {team} {method}: {}", said.raw);
                let questions = said.messages.iter().filter(|m| m.get("method").is_some());
                assert_eq!(questions.count(), 0, "{what}");
                assert!(!said.raw.contains(MARK), "{what}");
                assert!(said.text().contains("\"error\""), "{what}");
            }
        }
    }
}

#[tokio::test]
async fn a_question_that_may_be_asked_is_answered_once() {
    let (gateway, server) = stage().await;
    for path in ["/mcp/old", "/mcp"] {
        let prefix = if path == "/mcp" { "old__" } else { "" };
        let agent = Agent::open(&gateway, path, "free", LEGACY).await;
        let other = Agent::open(&gateway, path, "free", LEGACY).await;
        for method in QUESTIONS {
            let tool = format!("{prefix}{}", method.replace('/', "_"));
            let (mut raw, id) = agent
                .begin("tools/call", json!({"name": tool, "arguments": {}}))
                .await;
            let read = raw.until(&format!("\"method\":\"{method}\"")).await;
            let read = match read.ends_with("\n\n\r\n") {
                true => read,
                false => raw.until("\n\n\r\n").await,
            };
            let asked = question_in(&read, method);
            assert!(asked.to_string().contains(MARK), "{asked}");
            // Another session of the same agent was not asked.
            let stray = other.answers(&asked["id"], json!({"stray": true})).await;
            assert_eq!(stray.status, 400, "{}", stray.raw);
            let answered = agent
                .answers(&asked["id"], json!({"answer": "from the agent"}))
                .await;
            assert_eq!(answered.status, 202, "{}", answered.raw);
            let again = agent
                .answers(&asked["id"], json!({"answer": "again"}))
                .await;
            assert_eq!(again.status, 400, "{}", again.raw);
            let end = end_of(&mut raw, id).await;
            assert!(end.text().contains("from the agent"), "{}", end.raw);
        }
    }
    assert!(!server.saw("stray") && !server.saw("again"));
}

#[tokio::test]
async fn a_ping_of_a_server_is_answered_here() {
    let (gateway, _server) = stage().await;
    for revision in [LEGACY, MODERN] {
        let agent = Agent::open(&gateway, "/mcp/old", "calls", revision).await;
        let said = agent.call("ping", json!({})).await;
        assert!(
            said.text().contains("\"result\":{}"),
            "{revision}: {}",
            said.raw
        );
        assert_eq!(said.messages.len(), 1, "{revision}: {}", said.raw);
    }
}

/// What servers do not ask in any revision is no agent's business.
#[tokio::test]
async fn a_server_cannot_ask_what_only_agents_ask() {
    let (gateway, _server) = stage().await;
    for (team, method) in [
        ("free", "tools/call"),
        ("calls", "tools/call"),
        ("calls", "custom/question"),
        ("denied", "custom/question"),
    ] {
        let agent = Agent::open(&gateway, "/mcp/old", team, LEGACY).await;
        let said = agent.call(&method.replace('/', "_"), json!({})).await;
        assert!(
            said.text().contains("\"error\""),
            "{team} {method}: {}",
            said.raw
        );
        assert_eq!(said.messages.len(), 1, "{team} {method}: {}", said.raw);
    }
}

/// To a modern agent a question is a result; where it may not be asked, the server is told, and the call ends.
#[tokio::test]
async fn a_modern_agent_is_not_asked_what_may_not_be_asked() {
    let (gateway, server) = stage().await;
    for team in ["calls", "denied"] {
        let agent = Agent::open(&gateway, "/mcp/old", team, MODERN).await;
        for method in ["sampling/createMessage", "elicitation/create", "roots/list"] {
            let before = server.heard().len();
            let said = agent.call(&method.replace('/', "_"), json!({})).await;
            assert!(!said.raw.contains(MARK), "{team} {method}: {}", said.raw);
            assert!(
                !said.raw.contains("input_required"),
                "{team} {method}: {}",
                said.raw
            );
            server
                .hears("an error for the server's question", |heard| {
                    heard.body["error"]["code"].is_i64()
                })
                .await;
            let told = server.heard()[before..]
                .iter()
                .any(|heard| heard.body.get("error").is_some());
            assert!(told, "{team} {method}");
        }
    }
}

/// A modern server asks within its results.
#[tokio::test]
async fn a_modern_server_asks_only_what_may_be_asked() {
    let server = ToolServer::modern(|heard| match heard.method() {
        "tools/call" if heard.body["params"].get("inputResponses").is_none() => {
            let requests: serde_json::Map<String, Value> = QUESTIONS[..3]
                .iter()
                .filter(|method| heard.text.contains(**method))
                .map(|method| ("one".to_owned(), json!({"method": method, "params": question(method)})))
                .collect();
            Does::Result(json!({"resultType": "input_required", "inputRequests": requests, "requestState": "state"}))
        }
        _ => Does::TheUsual,
    })
    .await;
    let teams = [("free", ALL), ("calls", CALLS), ("denied", DENIED)];
    let gateway = house(&[("new", modern(&server.url()))], &teams)
        .start()
        .await;
    for (team, revision) in [
        ("calls", LEGACY),
        ("denied", LEGACY),
        ("calls", MODERN),
        ("denied", MODERN),
    ] {
        let agent = Agent::open(&gateway, "/mcp/new", team, revision).await;
        for method in &QUESTIONS[..3] {
            let said = agent.call("echo", json!({"text": method})).await;
            let what = format!("{team} {revision} {method}: {}", said.raw);
            assert!(!said.raw.contains(MARK), "{what}");
            assert!(said.is_refused(), "{what}");
        }
    }
}
