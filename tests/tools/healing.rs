//! Servers that go away and come back.

use crate::agent::{Agent, LEGACY, MODERN};
use crate::house::{ALL, house, legacy, modern, python};
use crate::tool_server::{Does, ToolServer, status};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A server in Python that says its own process id.
pub const PROGRAM: &str = r#"
import json, os, sys
for line in sys.stdin:
    m = json.loads(line)
    if "id" not in m or "method" not in m:
        continue
    r = {}
    if m["method"] == "initialize":
        r = {"protocolVersion": m["params"]["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": {"name": "p", "version": "1"}}
    elif m["method"] == "tools/list":
        r = {"tools": [{"name": "pid", "inputSchema": {"type": "object"}}]}
    elif m["method"] == "tools/call":
        r = {"content": [{"type": "text", "text": str(os.getpid())}]}
    print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": r}), flush=True)
"#;

#[tokio::test]
async fn a_server_that_forgot_its_session_is_greeted_again() {
    let forgets = Arc::new(AtomicBool::new(false));
    let now = forgets.clone();
    let server = ToolServer::legacy(move |heard| {
        if heard.method() == "tools/call" && now.swap(false, Ordering::AcqRel) {
            return status(404);
        }
        Does::TheUsual
    })
    .await;
    let gateway = house(&[("old", legacy(&server.url()))], &[("free", ALL)])
        .start()
        .await;
    for (path, tool, revision) in [
        ("/mcp/old", "echo", LEGACY),
        ("/mcp", "old__echo", LEGACY),
        ("/mcp/old", "echo", MODERN),
    ] {
        let agent = Agent::open(&gateway, path, "free", revision).await;
        assert_eq!(agent.call(tool, json!({"text": "x"})).await.text(), "done");
        let greeted = server.heard_of("initialize").len();
        forgets.store(true, Ordering::Release);
        assert_eq!(agent.call(tool, json!({"text": "x"})).await.text(), "done");
        assert_eq!(server.heard_of("initialize").len(), greeted + 1);
    }
}

#[tokio::test]
async fn a_server_that_is_down_is_missing_and_comes_back() {
    let up = ToolServer::legacy(|_| Does::TheUsual).await;
    let gone = ToolServer::modern(|_| Does::TheUsual).await;
    let address = gone.address().to_string();
    let servers = [("down", modern(&gone.url())), ("up", legacy(&up.url()))];
    drop(gone);
    let gateway = house(&servers, &[("free", ALL)]).start().await;
    let agent = Agent::open(&gateway, "/mcp", "free", LEGACY).await;
    assert_eq!(agent.tools().await, ["up__echo", "up__other"]);
    let refused = agent.call("down__echo", json!({"text": "x"})).await;
    assert!(refused.is_refused(), "{}", refused.raw);
    assert_eq!(
        agent.call("up__echo", json!({"text": "x"})).await.text(),
        "done"
    );
    // What is told to all is told to those that are there.
    let told = agent
        .notify("notifications/roots/list_changed", json!({}))
        .await;
    assert_eq!(told.status, 202, "{}", told.raw);
    assert_eq!(up.heard_of("notifications/roots/list_changed").len(), 1);
    let said = Agent::new(&gateway, "/mcp/down", "free", LEGACY)
        .initialize()
        .await;
    assert!(said.is_refused(), "{}", said.raw);
    let _back = ToolServer::at(&address, true, |_| Does::TheUsual).await;
    assert_eq!(agent.tools().await.len(), 4);
    assert_eq!(
        agent.call("down__echo", json!({"text": "x"})).await.text(),
        "done"
    );
}

#[tokio::test]
async fn a_program_that_was_killed_is_started_again() {
    let gateway = house(
        &[("p", python(PROGRAM)), ("q", python(PROGRAM))],
        &[("free", ALL)],
    )
    .start()
    .await;
    let agent = Agent::open(&gateway, "/mcp", "free", LEGACY).await;
    let pid = agent.call("p__pid", json!({})).await.text();
    let other = agent.call("q__pid", json!({})).await.text();
    let killed = std::process::Command::new("kill")
        .args(["-9", &pid])
        .status();
    assert!(killed.is_ok_and(|status| status.success()));
    let mut again = agent.call("p__pid", json!({})).await;
    for _ in 0..50 {
        if !again.is_refused() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        again = agent.call("p__pid", json!({})).await;
    }
    assert_ne!(again.text(), pid);
    assert_eq!(agent.call("q__pid", json!({})).await.text(), other);
}
