//! Agents of one era before servers of the other.

use crate::agent::{Agent, LEGACY, MODERN, end_of, question_in};
use crate::house::{ALL, house, legacy, modern};
use crate::tool_server::{Does, Heard, ToolServer};
use sallyport_tests::Running;
use serde_json::{Value, json};

fn elicitation() -> Value {
    json!({"message": "Which town?", "requestedSchema": {"type": "object", "properties": {"town": {"type": "string"}}}})
}

fn sampling() -> Value {
    json!({"messages": [{"role": "user", "content": {"type": "text", "text": "Say a town."}}], "maxTokens": 5})
}

/// A legacy server whose tools ask: `echo` for a town, `other` for a model's answer.
fn asks(heard: &Heard) -> Does {
    match (heard.method(), heard.name()) {
        ("tools/call", "echo") => Does::Asks("elicitation/create", elicitation()),
        ("tools/call", "other") => Does::Asks("sampling/createMessage", sampling()),
        _ => Does::TheUsual,
    }
}

async fn before_legacy() -> (Running, ToolServer) {
    let server = ToolServer::legacy(asks).await;
    let gateway = house(
        &[("old", legacy(&server.url()))],
        &[("free", ALL), ("others", ALL)],
    );
    (gateway.start().await, server)
}

#[tokio::test]
async fn a_legacy_agent_brings_what_a_modern_server_needs() {
    let server = ToolServer::modern(|heard| {
        let params = &heard.body["params"];
        match heard.method() {
            "tools/call" if params.get("inputResponses").is_none() => Does::Result(json!({
                "resultType": "input_required",
                "inputRequests": {"town": {"method": "elicitation/create", "params": elicitation()}},
                "requestState": "state \u{e9} \"quoted\"",
            })),
            "tools/call" => {
                let told = format!("{} {}", params["requestState"], params["inputResponses"]);
                Does::Result(json!({"resultType": "complete", "content": [{"type": "text", "text": told}]}))
            }
            _ => Does::TheUsual,
        }
    })
    .await;
    let gateway = house(&[("new", modern(&server.url()))], &[("free", ALL)])
        .start()
        .await;
    for (path, tool) in [("/mcp/new", "echo"), ("/mcp", "new__echo")] {
        let agent = Agent::open(&gateway, path, "free", LEGACY).await;
        let call = json!({"name": tool, "arguments": {"text": "x"}});
        let (mut raw, id) = agent.begin("tools/call", call).await;
        raw.until("requestedSchema").await;
        let asked = question_in(&raw.until("}\n\n").await, "elicitation/create");
        assert_eq!(asked["params"]["message"], "Which town?");
        let answer = json!({"action": "accept", "content": {"town": "Ulm"}});
        let took = agent.answers(&asked["id"], answer.clone()).await;
        assert_eq!(took.status, 202);
        let end = end_of(&mut raw, id).await;
        assert_eq!(
            end.text(),
            format!(
                "{} {}",
                json!("state \u{e9} \"quoted\""),
                json!({"town": answer})
            )
        );
    }
    let calls = server.heard_of("tools/call");
    assert_eq!(calls.len(), 4);
    assert_ne!(calls[0].body["id"], calls[1].body["id"]);
}

/// A retry of a call as the modern era has it.
fn retry(name: &str, key: &str, answer: &Value, state: &Value) -> Value {
    json!({"name": name, "arguments": {"text": "x"}, "inputResponses": {key: answer}, "requestState": state})
}

#[tokio::test]
async fn a_modern_agent_comes_again_with_what_a_legacy_server_asked() {
    let (gateway, server) = before_legacy().await;
    let answer =
        json!({"role": "assistant", "content": {"type": "text", "text": "Ulm"}, "model": "m"});
    for (path, tool, method) in [
        ("/mcp/old", "other", "sampling/createMessage"),
        ("/mcp/old", "echo", "elicitation/create"),
        ("/mcp", "old__other", "sampling/createMessage"),
    ] {
        let agent = Agent::open(&gateway, path, "free", MODERN).await;
        let before = server.heard_of("tools/call").len();
        let said = agent.call(tool, json!({"text": "x"})).await;
        let result = said.result();
        assert_eq!(result["resultType"], "input_required", "{}", said.raw);
        let (key, asked) = result["inputRequests"]
            .as_object()
            .and_then(|all| all.iter().next())
            .expect("a question");
        assert_eq!(asked["method"], method);
        let again = agent
            .ask(
                "tools/call",
                retry(tool, key, &answer, &result["requestState"]),
            )
            .await;
        assert!(again.text().contains("Ulm"), "{}", again.raw);
        assert_eq!(again.result()["resultType"], "complete");
        // Once only: neither is the server answered twice, nor does the call run again.
        let thrice = agent
            .ask(
                "tools/call",
                retry(tool, key, &answer, &result["requestState"]),
            )
            .await;
        assert!(thrice.is_refused(), "{}", thrice.raw);
        assert_eq!(server.heard_of("tools/call").len(), before + 1);
    }
}

#[tokio::test]
async fn a_state_is_good_for_its_own_call_and_its_own_agent() {
    let (gateway, server) = before_legacy().await;
    let agent = Agent::open(&gateway, "/mcp/old", "free", MODERN).await;
    let answer = json!({"action": "decline"});
    for wrong in [
        "another team",
        "another tool",
        "other arguments",
        "tampered",
        "another door",
    ] {
        let said = agent.call("echo", json!({"text": "x"})).await;
        let state = said.result()["requestState"].clone();
        let calls = server.heard_of("tools/call").len();
        let answers = || {
            server
                .heard()
                .iter()
                .filter(|h| h.body["result"]["action"] == "decline")
                .count()
        };
        let answered = answers();
        let mut params = retry("echo", "input", &answer, &state);
        let mut who = agent.clone();
        match wrong {
            "another team" => who = Agent::open(&gateway, "/mcp/old", "others", MODERN).await,
            "another door" => {
                who = Agent::open(&gateway, "/mcp", "free", MODERN).await;
                params["name"] = "old__echo".into();
            }
            "another tool" => params["name"] = "other".into(),
            "other arguments" => params["arguments"]["text"] = "y".into(),
            _ => {
                params["requestState"] = format!("{}-TAMPERED", state.as_str().unwrap_or("")).into()
            }
        }
        let refused = who.ask("tools/call", params).await;
        assert!(refused.is_refused(), "{wrong}: {}", refused.raw);
        assert_eq!(server.heard_of("tools/call").len(), calls, "{wrong}");
        assert_eq!(answers(), answered, "{wrong}");
    }
}

#[tokio::test]
async fn each_era_reads_the_lists_and_results_of_the_other() {
    let old = ToolServer::legacy(|_| Does::TheUsual).await;
    let new = ToolServer::modern(|_| Does::TheUsual).await;
    let servers = [("old", legacy(&old.url())), ("new", modern(&new.url()))];
    let gateway = house(&servers, &[("free", ALL)]).start().await;
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18", LEGACY, MODERN] {
        let agent = Agent::open(&gateway, "/mcp", "free", revision).await;
        let mut tools = agent.tools().await;
        tools.sort();
        assert_eq!(
            tools,
            ["new__echo", "new__other", "old__echo", "old__other"]
        );
        for tool in ["new__echo", "old__echo"] {
            let said = agent.call(tool, json!({"text": "x"})).await;
            assert_eq!(said.text(), "done");
            if agent.is_modern() {
                assert_eq!(said.result()["resultType"], "complete", "{}", said.raw);
            }
        }
    }
    let call = &new.heard_of("tools/call")[0];
    assert!(
        call.head.to_lowercase().contains("mcp-method: tools/call"),
        "{}",
        call.head
    );
    assert!(
        call.head.to_lowercase().contains("mcp-name: echo"),
        "{}",
        call.head
    );
    let to_old = &old.heard_of("tools/call")[0];
    assert!(
        to_old
            .head
            .to_lowercase()
            .contains("mcp-session-id: a-session"),
        "{}",
        to_old.head
    );
}
