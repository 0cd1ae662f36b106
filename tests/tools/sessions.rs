//! Sessions and streams belong to one agent, at one door.

use crate::agent::{Agent, LEGACY, MODERN, end_of};
use crate::house::{ALL, house, key, legacy};
use crate::tool_server::{Does, ToolServer};
use sallyport_tests::{Ask, Running};
use serde_json::json;
use std::time::Duration;

async fn stage() -> (Running, ToolServer) {
    let server = ToolServer::legacy(|heard| match (heard.method(), heard.name()) {
        ("tools/call", "echo") => Does::Tells(
            vec![json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "meanwhile"}})],
            json!({"content": [{"type": "text", "text": "the words of free"}]}),
        ),
        ("tools/call", "other") => Does::Silence,
        _ => Does::TheUsual,
    })
    .await;
    let servers = [
        ("old", legacy(&server.url())),
        ("too", legacy(&server.url())),
    ];
    let gateway = house(&servers, &[("free", ALL), ("others", ALL)]);
    (gateway.start().await, server)
}

fn stream(path: &str, team: &str, session: &str, after: &str) -> Ask {
    Ask::get(path)
        .key(&key(team))
        .header("accept", "text/event-stream")
        .header("mcp-protocol-version", LEGACY)
        .header("mcp-session-id", session)
        .header("last-event-id", after)
}

#[tokio::test]
async fn a_session_is_found_by_its_own_agent_at_its_own_door() {
    let (gateway, server) = stage().await;
    let agent = Agent::open(&gateway, "/mcp/old", "free", LEGACY).await;
    let session = agent.session.clone();
    let posted = || {
        server
            .heard()
            .iter()
            .filter(|heard| heard.head.starts_with("POST"))
            .count()
    };
    let before = posted();
    for (path, team) in [
        ("/mcp/old", "others"),
        ("/mcp/too", "free"),
        ("/mcp", "free"),
    ] {
        let mut thief = Agent::new(&gateway, path, team, LEGACY);
        thief.session = session.clone();
        for method in ["tools/list", "ping", "tools/call"] {
            let said = thief.ask(method, json!({"name": "echo"})).await;
            assert_eq!(said.status, 404, "{path} {team} {method}: {}", said.raw);
            assert!(said.code() < 0, "{}", said.raw);
        }
        let told = thief
            .notify("notifications/cancelled", json!({"requestId": 1}))
            .await;
        assert_eq!(told.status, 404, "{}", told.raw);
        let id = session.clone().unwrap_or_default();
        for ask in [
            stream(path, team, &id, "0-0").without("last-event-id"),
            stream(path, team, &id, "1-0"),
            stream(path, team, &id, "1-0").method("DELETE"),
        ] {
            assert_eq!(gateway.ask(ask).await.status, 404, "{path} {team}");
        }
    }
    assert_eq!(posted(), before);
    assert!(!agent.ask("ping", json!({})).await.is_refused());
    let ended = stream(
        "/mcp/old",
        "free",
        &session.clone().unwrap_or_default(),
        "0-0",
    )
    .method("DELETE");
    assert_eq!(gateway.ask(ended).await.status, 200);
    assert_eq!(agent.ask("ping", json!({})).await.status, 404);
}

#[tokio::test]
async fn a_stream_is_read_again_by_its_own_agent_only() {
    let (gateway, _server) = stage().await;
    let agent = Agent::open(&gateway, "/mcp/old", "free", LEGACY).await;
    let session = agent.session.clone().unwrap_or_default();
    let said = agent.call("echo", json!({"text": "x"})).await;
    let event = said.raw.lines().find_map(|line| line.strip_prefix("id: "));
    let event = event.expect("events have ids").to_owned();
    let again = gateway
        .ask(stream("/mcp/old", "free", &session, &event))
        .await;
    assert!(
        again.text().contains("the words of free"),
        "{}",
        again.text()
    );
    let other = Agent::open(&gateway, "/mcp/old", "others", LEGACY).await;
    let others = other.session.clone().unwrap_or_default();
    let stolen = gateway
        .ask(stream("/mcp/old", "others", &session, &event))
        .await;
    assert_eq!(stolen.status, 404);
    // In a session of its own the id names a stream of its own, or none.
    let own = gateway
        .ask(stream("/mcp/old", "others", &others, &event))
        .await;
    assert_eq!(own.status, 400);
    for odd in [
        "rubbish",
        "-",
        "1",
        "99999999999999999999999-1",
        "1-1-1",
        "0x1-1",
        "1-\u{e9}",
        "777-0",
    ] {
        let said = gateway.ask(stream("/mcp/old", "free", &session, odd)).await;
        assert_eq!(said.status, 400, "{odd}: {}", said.text());
    }
}

#[tokio::test]
async fn nobody_cancels_for_somebody_else() {
    let (gateway, server) = stage().await;
    let agent = Agent::open(&gateway, "/mcp/old", "free", LEGACY).await;
    let call =
        json!({"name": "other", "arguments": {"text": "x"}, "_meta": {"progressToken": "token"}});
    let (mut raw, id) = agent.begin("tools/call", call).await;
    let called = server
        .hears("the call", |heard| heard.method() == "tools/call")
        .await;
    for (team, path) in [
        ("others", "/mcp/old"),
        ("free", "/mcp/old"),
        ("free", "/mcp"),
    ] {
        let other = Agent::open(&gateway, path, team, LEGACY).await;
        for request in [&id, &called.body["id"]] {
            other
                .notify("notifications/cancelled", json!({"requestId": request}))
                .await;
        }
        let told = other
            .notify(
                "notifications/progress",
                json!({"progressToken": "token", "progress": 1}),
            )
            .await;
        assert!(told.status < 500, "{}", told.raw);
    }
    let modern = Agent::open(&gateway, "/mcp/old", "free", MODERN).await;
    let told = modern
        .notify("notifications/cancelled", json!({"requestId": id}))
        .await;
    assert_eq!(told.status, 400, "{}", told.raw);
    assert!(server.heard_of("notifications/cancelled").is_empty());
    assert!(!raw.closes_within(Duration::from_millis(200)).await);
    let told = agent
        .notify("notifications/cancelled", json!({"requestId": id}))
        .await;
    assert_eq!(told.status, 202);
    let cancelled = server
        .hears("the cancellation", |heard| {
            heard.method() == "notifications/cancelled"
        })
        .await;
    assert_eq!(cancelled.body["params"]["requestId"], called.body["id"]);
    let end = raw.answer().await;
    assert_eq!((end.status, end.text().as_str()), (202, ""));
}

#[tokio::test]
async fn an_id_that_is_under_way_is_refused_and_the_first_goes_on() {
    let (gateway, server) = stage().await;
    let agent = Agent::open(&gateway, "/mcp/old", "free", LEGACY).await;
    let message = agent.message(
        "tools/call",
        json!({"name": "other", "arguments": {"text": "x"}}),
    );
    let mut first = agent.connection().await;
    first.send(agent.carry(&message).bytes()).await;
    server
        .hears("the call", |heard| heard.method() == "tools/call")
        .await;
    let second = agent.send(&message).await;
    assert_eq!(
        (second.status, second.code()),
        (400, -32600),
        "{}",
        second.raw
    );
    assert_eq!(server.heard_of("tools/call").len(), 1);
    // A modern request stands alone: its id means something on its own connection only.
    let modern = Agent::open(&gateway, "/mcp/old", "free", MODERN).await;
    let message = modern.message(
        "tools/call",
        json!({"name": "echo", "arguments": {"text": "x"}}),
    );
    let mut one = modern.connection().await;
    one.send(modern.carry(&message).bytes()).await;
    let two = modern.send(&message).await;
    assert_eq!(two.text(), "the words of free");
    assert_eq!(
        end_of(&mut one, message["id"].clone()).await.text(),
        "the words of free"
    );
}

#[tokio::test]
async fn an_id_may_be_used_again_as_soon_as_its_answer_is_there() {
    let (gateway, _server) = stage().await;
    let agent = Agent::open(&gateway, "/mcp/old", "free", LEGACY).await;
    let params = json!({"name": "echo", "arguments": {"text": "x"}});
    let mut call = agent.message("tools/call", params);
    call["id"] = 7.into();
    for _ in 0..200 {
        let said = agent.send(&call).await;
        assert_eq!(said.response()["id"], 7, "{}", said.raw);
        assert!(said.response().get("error").is_none(), "{}", said.raw);
    }
}
