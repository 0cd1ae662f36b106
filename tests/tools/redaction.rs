//! A secret crosses in no direction, in whatever member of whatever message, plain or in base64.

use crate::agent::{Agent, LEGACY, MODERN, Said, end_of, question_in};
use crate::house::{house, legacy, modern};
use crate::tool_server::{Does, Heard, ToolServer, tool};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sallyport_tests::Running;
use serde_json::{Value, json};

const MASKS: &str = "default allow := true\n\nredact contains \"secret.*\"";

/// A key as AWS gives them. Put together here, so that no scanner takes this file for a leak.
fn secret() -> String {
    ["AKIA", "QYLPMN5HFIQR7XYA"].concat()
}

fn words() -> String {
    format!("the key is {} today", secret())
}

fn in_base64() -> String {
    STANDARD.encode(words())
}

/// Whether a text holds the secret, or what base64 makes of it wherever it begins.
fn leaks(text: &str) -> bool {
    let encoded = |before: &str| {
        let whole = STANDARD.encode(format!("{before}{}", secret()));
        whole[4..whole.len() - 4].to_owned()
    };
    text.contains(&secret())
        || ["", "a", "ab"]
            .iter()
            .any(|before| text.contains(&encoded(before)))
}

fn question(method: &str) -> Value {
    match method {
        "elicitation/create" => {
            json!({"message": words(), "requestedSchema": {"type": "object", "properties": {"a": {"type": "string", "description": words()}}}})
        }
        _ => {
            json!({"systemPrompt": words(), "maxTokens": 9, "messages": [{"role": "user", "content": {"type": "text", "text": words()}}]})
        }
    }
}

/// A server that tells the secret wherever it can, and asks for what `text` names.
fn tells(heard: &Heard) -> Does {
    let asked = heard.body["params"]["arguments"]["text"]
        .as_str()
        .unwrap_or_default();
    let note =
        |method: &str, params: Value| json!({"jsonrpc": "2.0", "method": method, "params": params});
    let result = match (heard.method(), asked) {
        ("initialize" | "server/discover", _) => json!({
            "resultType": "complete", "ttlMs": 0, "cacheScope": "private", "supportedVersions": [MODERN],
            "protocolVersion": heard.body["params"]["protocolVersion"], "instructions": words(),
            "capabilities": {"tools": {}, "prompts": {}, "resources": {}, "logging": {}, "completions": {}},
            "serverInfo": {"name": "old", "title": words(), "version": "1"},
        }),
        ("tools/list", _) => {
            let mut one = tool("echo");
            one["description"] = words().into();
            one["inputSchema"]["properties"]["text"]["description"] = words().into();
            one["inputSchema"]["properties"]["more"] = json!({"type": "array"});
            one["inputSchema"]["properties"]["text"]["x-mcp-header"] = "Text".into();
            json!({"resultType": "complete", "ttlMs": 0, "cacheScope": "private", "tools": [one]})
        }
        ("tools/call", "ask a person") => {
            return Does::Asks("elicitation/create", question("elicitation/create"));
        }
        ("tools/call", "ask a model") => {
            return Does::Asks("sampling/createMessage", question("sampling/createMessage"));
        }
        ("tools/call", "fail") => {
            return Does::Error(
                json!({"code": -32000, "message": words(), "data": {"why": [words(), in_base64()]}}),
            );
        }
        ("tools/call", "chat") => {
            let token = &heard.body["params"]["_meta"]["progressToken"];
            let told = vec![
                note(
                    "notifications/progress",
                    json!({"progressToken": token, "progress": 1, "message": words()}),
                ),
                note(
                    "notifications/message",
                    json!({"level": "info", "logger": words(), "data": {"deep": [words(), in_base64()]}}),
                ),
                note("notifications/custom", json!({"anything": words()})),
            ];
            return Does::Tells(told, json!({"content": []}));
        }
        ("tools/call", "speak") => {
            json!({"resultType": "complete", "structuredContent": {"a": [words()], words(): 1}, "_meta": {"x/y": words()}, "unknown": words(), "content": [
                {"type": "text", "text": words()},
                {"type": "text", "text": in_base64()},
                {"type": "resource_link", "uri": format!("file:///{}", secret()), "name": words(), "description": words()},
                {"type": "resource", "resource": {"uri": "file:///a", "text": words()}},
                {"type": "resource", "resource": {"uri": "file:///a", "blob": in_base64(), "mimeType": "text/plain"}},
            ]})
        }
        ("resources/read", _) => {
            json!({"resultType": "complete", "ttlMs": 0, "cacheScope": "private", "contents": [{"uri": "file:///a", "text": words()}, {"uri": "file:///b", "blob": in_base64()}]})
        }
        ("resources/list", _) => {
            json!({"resources": [{"uri": "file:///a", "name": words(), "description": words()}]})
        }
        ("prompts/list", _) => {
            json!({"prompts": [{"name": "hello", "description": words(), "arguments": [{"name": "who", "description": words()}]}]})
        }
        ("prompts/get", _) => {
            json!({"resultType": "complete", "description": words(), "messages": [{"role": "user", "content": {"type": "text", "text": words()}}, {"role": "user", "content": {"type": "resource", "resource": {"uri": "file:///a", "blob": in_base64()}}}]})
        }
        ("completion/complete", _) => json!({"completion": {"values": [words()]}}),
        _ => return Does::TheUsual,
    };
    Does::Result(result)
}

async fn stage() -> (Running, ToolServer, ToolServer) {
    let old = ToolServer::legacy(tells).await;
    let new = ToolServer::modern(tells).await;
    let servers = [("old", legacy(&old.url())), ("new", modern(&new.url()))];
    let gateway = house(&servers, &[("free", MASKS)]).start().await;
    (gateway, old, new)
}

fn clean(said: &Said, what: &str) {
    assert!(!leaks(&said.raw), "{what}: {}", said.raw);
}

const DOORS: [(&str, &str, &str); 6] = [
    ("/mcp/old", "", LEGACY),
    ("/mcp/old", "", MODERN),
    ("/mcp/new", "", LEGACY),
    ("/mcp/new", "", MODERN),
    ("/mcp", "old__", LEGACY),
    ("/mcp", "new__", MODERN),
];

#[tokio::test]
async fn what_servers_tell_is_masked() {
    let (gateway, _old, _new) = stage().await;
    for (path, prefix, revision) in DOORS {
        let mut agent = Agent::new(&gateway, path, "free", revision);
        let greeting = match agent.is_modern() {
            true => agent.ask("server/discover", json!({})).await,
            false => agent.initialize().await,
        };
        clean(&greeting, "greeting");
        assert!(
            greeting.result().to_string().contains("the key is"),
            "{}",
            greeting.raw
        );
        for method in ["tools/list", "resources/list", "prompts/list"] {
            let said = agent.ask(method, json!({})).await;
            clean(&said, method);
            assert!(
                said.result().to_string().contains("the key is"),
                "{method} {}",
                said.raw
            );
        }
        for text in ["speak", "fail", "chat"] {
            let params = json!({"name": format!("{prefix}echo"), "arguments": {"text": text}, "_meta": {"progressToken": 1}});
            let mut message = agent.message("tools/call", params);
            message["params"]["arguments"]["text"] = text.into();
            let ask = agent.carry(&message).header("mcp-param-text", text);
            let answer = gateway.ask(ask).await;
            assert!(
                !leaks(&answer.text()),
                "{path} {revision} {text}: {}",
                answer.text()
            );
            assert_eq!(
                answer.status,
                200,
                "{path} {revision} {text}: {}",
                answer.text()
            );
        }
        let name = format!("{prefix}hello");
        clean(
            &agent.ask("prompts/get", json!({"name": name})).await,
            "prompts/get",
        );
        let uri = match prefix.split_once("__") {
            Some((server, _)) => format!("sallyport+{server}+file:///a"),
            None => "file:///a".to_owned(),
        };
        clean(
            &agent.ask("resources/read", json!({"uri": uri})).await,
            "resources/read",
        );
        let reference = json!({"ref": {"type": "ref/prompt", "name": name}, "argument": {"name": "who", "value": "x"}});
        clean(
            &agent.ask("completion/complete", reference).await,
            "completion/complete",
        );
    }
}

#[tokio::test]
async fn what_servers_ask_and_agents_answer_is_masked() {
    let (gateway, old, _new) = stage().await;
    for (text, method) in [
        ("ask a person", "elicitation/create"),
        ("ask a model", "sampling/createMessage"),
    ] {
        let result = match method {
            "elicitation/create" => {
                json!({"action": "accept", "content": {"a": words(), "b": in_base64()}})
            }
            _ => {
                json!({"role": "assistant", "model": words(), "content": {"type": "text", "text": words()}})
            }
        };
        let agent = Agent::open(&gateway, "/mcp/old", "free", LEGACY).await;
        let (mut raw, id) = agent
            .begin(
                "tools/call",
                json!({"name": "echo", "arguments": {"text": text}}),
            )
            .await;
        raw.until(&format!("\"{method}\"")).await;
        let read = raw.until("}\n\n").await;
        assert!(!leaks(&read), "{read}");
        agent
            .answers(&question_in(&read, method)["id"], result.clone())
            .await;
        clean(&end_of(&mut raw, id).await, method);
        let agent = Agent::open(&gateway, "/mcp/old", "free", MODERN).await;
        let mut message = agent.message(
            "tools/call",
            json!({"name": "echo", "arguments": {"text": text}}),
        );
        let ask = |message: &Value| agent.carry(message).header("mcp-param-text", text);
        let said = gateway.ask(ask(&message)).await;
        assert!(!leaks(&said.text()), "{}", said.text());
        let last = said.events().pop().unwrap_or_else(|| said.text());
        let last: Value = serde_json::from_str(&last).expect("an answer");
        let asked = &last["result"];
        message["params"]["requestState"] = asked["requestState"].clone();
        message["params"]["inputResponses"] = json!({"input": result});
        let said = gateway.ask(ask(&message)).await;
        assert!(!leaks(&said.text()), "{}", said.text());
        assert_eq!(said.status, 200, "{}", said.text());
    }
    assert!(!old.heard().iter().any(|heard| leaks(&heard.text)));
}

#[tokio::test]
async fn what_agents_say_is_masked() {
    let (gateway, old, new) = stage().await;
    for (path, prefix, revision) in DOORS {
        let mut agent = Agent::new(&gateway, path, "free", revision);
        agent.info = json!({"name": "tester", "title": words(), "version": secret()});
        if !agent.is_modern() {
            agent.initialize().await;
        }
        let address = |uri: String| match prefix.split_once("__") {
            Some((server, _)) => format!("sallyport+{server}+{uri}"),
            None => uri,
        };
        let call = json!({"name": format!("{prefix}echo"), "arguments": {"text": words(), "more": [[words()], {"k": in_base64()}]}, "_meta": {"mine": words(), "progressToken": 1}});
        let message = agent.message("tools/call", call);
        let ask = agent
            .carry(&message)
            .header("mcp-param-text", &words())
            .header("mcp-param-other", &words());
        gateway.ask(ask).await;
        let mut others = vec![
            (
                "resources/read",
                json!({"uri": address(format!("file:///{}", secret()))}),
            ),
            (
                "prompts/get",
                json!({"name": format!("{prefix}hello"), "arguments": {"who": words()}}),
            ),
            (
                "completion/complete",
                json!({"ref": {"type": "ref/prompt", "name": format!("{prefix}hello")}, "argument": {"name": "who", "value": words()}}),
            ),
            ("tools/list", json!({"cursor": secret()})),
            (
                "prompts/list",
                json!({"_meta": {"progressToken": secret()}}),
            ),
            (
                "tools/call",
                json!({"name": format!("{prefix}{}", secret()), "arguments": {}}),
            ),
        ];
        if !agent.is_modern() {
            others.push(("resources/subscribe", json!({"uri": address(secret())})));
            others.push(("tasks/get", json!({"taskId": address(secret())})));
            for method in [
                "notifications/progress",
                "notifications/roots/list_changed",
                "notifications/custom",
            ] {
                agent.notify(method, json!({"progressToken": 1, "progress": 1, "message": words(), "x": words()})).await;
            }
        }
        for (method, params) in others {
            agent.ask(method, params).await;
        }
        for heard in old.heard().iter().chain(&new.heard()) {
            let whole = format!("{}{}", heard.head, heard.text);
            assert!(!leaks(&whole), "{path} {revision}: {whole}");
        }
    }
    assert!(!old.heard_of("tools/call").is_empty() && !new.heard_of("tools/call").is_empty());
    assert!(!new.heard_of("resources/read").is_empty());
}
