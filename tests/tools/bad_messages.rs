//! What an agent may not send: the code that the specification gives, a record, and no byte of it at the server.

use crate::agent::{Agent, LEGACY, MODERN, Said};
use crate::house::{ALL, house, legacy, modern};
use crate::tool_server::{Does, ToolServer};
use sallyport_tests::{Ask, Running};
use serde_json::{Value, json};

const MARK: &str = "mark-of-the-agent";

async fn stage() -> (Running, ToolServer, ToolServer) {
    let old = ToolServer::legacy(|_| Does::TheUsual).await;
    let new = ToolServer::modern(|heard| match heard.method() {
        "tools/list" => Does::Result(json!({"resultType": "complete", "ttlMs": 0, "cacheScope": "private", "tools": [{
            "name": "echo",
            "inputSchema": {"type": "object", "properties": {"text": {"type": "string", "x-mcp-header": "Text"}}},
        }]})),
        _ => Does::TheUsual,
    })
    .await;
    let servers = [("old", legacy(&old.url())), ("new", modern(&new.url()))];
    let gateway = house(&servers, &[("free", ALL)]).start().await;
    (gateway, old, new)
}

fn meta(version: Value, capabilities: Option<Value>) -> Value {
    let mut meta = json!({"io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"}});
    if !version.is_null() {
        meta["io.modelcontextprotocol/protocolVersion"] = version;
    }
    if let Some(capabilities) = capabilities {
        meta["io.modelcontextprotocol/clientCapabilities"] = capabilities;
    }
    meta
}

fn checks(said: &Said, what: &str, status: u16, code: i64) {
    assert_eq!(
        (said.status, said.code()),
        (status, code),
        "{what}: {}",
        said.raw
    );
    let error = &said.response()["error"];
    assert!(error["message"].is_string(), "{what}: {}", said.raw);
    assert!(!said.raw.contains(MARK), "{what}: {}", said.raw);
}

#[tokio::test]
async fn modern_requests_must_introduce_themselves() {
    let (mut gateway, old, new) = stage().await;
    let agent = Agent::new(&gateway, "/mcp/new", "free", MODERN);
    let all = || Some(json!({}));
    let right = || meta(MODERN.into(), all());
    let odd = || meta("v999.0.0".into(), all());
    for (what, header, params, status, code) in [
        ("no _meta", Some(MODERN), json!({}), 400, -32602),
        (
            "no version",
            Some(MODERN),
            json!({"_meta": meta(Value::Null, all())}),
            400,
            -32602,
        ),
        (
            "no capabilities",
            Some(MODERN),
            json!({"_meta": meta(MODERN.into(), None)}),
            400,
            -32602,
        ),
        (
            "odd capabilities",
            Some(MODERN),
            json!({"_meta": meta(MODERN.into(), Some(json!([])))}),
            400,
            -32602,
        ),
        (
            "number as version",
            Some(MODERN),
            json!({"_meta": meta(20260728.into(), all())}),
            400,
            -32602,
        ),
        (
            "unknown version",
            Some("v999.0.0"),
            json!({"_meta": odd()}),
            400,
            -32022,
        ),
        (
            "other header",
            Some(MODERN),
            json!({"_meta": odd()}),
            400,
            -32020,
        ),
        (
            "other body",
            Some("v999.0.0"),
            json!({"_meta": right()}),
            400,
            -32020,
        ),
        (
            "legacy header",
            Some(LEGACY),
            json!({"_meta": right()}),
            400,
            -32020,
        ),
        ("no header", None, json!({"_meta": right()}), 400, -32020),
        (
            "legacy body",
            Some(MODERN),
            json!({"_meta": meta(LEGACY.into(), all())}),
            400,
            -32020,
        ),
        (
            "legacy twice",
            Some(LEGACY),
            json!({"_meta": meta(LEGACY.into(), all())}),
            400,
            -32022,
        ),
    ] {
        let mut params = params;
        params["mark"] = MARK.into();
        let body =
            json!({"jsonrpc": "2.0", "id": 101, "method": "server/discover", "params": params});
        let mut headers = vec![("mcp-method", "server/discover")];
        headers.extend(header.map(|version| ("mcp-protocol-version", version)));
        let said = agent.sends(&body.to_string(), &headers).await;
        checks(&said, what, status, code);
        if code == -32022 {
            assert_eq!(
                said.response()["error"]["data"]["supported"],
                json!([MODERN])
            );
        }
        let record = gateway.record().await;
        assert_eq!(record["status"], status, "{what}: {record}");
        assert_eq!(record["dialect"], "mcp", "{what}: {record}");
    }
    let nameless = json!({"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": {
        "io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}}}});
    let headers = [
        ("mcp-method", "server/discover"),
        ("mcp-protocol-version", MODERN),
    ];
    assert_eq!(
        agent.sends(&nameless.to_string(), &headers).await.status,
        200
    );
    assert!(!new.saw(MARK) && !old.saw(MARK));
}

#[tokio::test]
async fn headers_must_say_what_the_body_says() {
    let (gateway, _old, new) = stage().await;
    let agent = Agent::new(&gateway, "/mcp/new", "free", MODERN);
    let call = |text: &str| {
        agent.message(
            "tools/call",
            json!({"name": "echo", "arguments": {"text": text}}),
        )
    };
    let ask = |text: &str, headers: &[(&str, &str)]| {
        let message = call(text);
        let first = agent
            .bare(message.to_string())
            .header("mcp-protocol-version", MODERN);
        let ask = headers
            .iter()
            .fold(first, |ask, (name, value)| ask.header(name, value));
        (ask, message["id"].clone())
    };
    let (method, name) = (("Mcp-Method", "tools/call"), ("Mcp-Name", "echo"));
    let wrong: [(&str, Vec<(&str, &str)>); 13] = [
        (
            MARK,
            vec![("Mcp-Method", "tools/list"), name, ("Mcp-Param-Text", MARK)],
        ),
        (MARK, vec![name, ("Mcp-Param-Text", MARK)]),
        (
            MARK,
            vec![("Mcp-Method", "TOOLS/CALL"), name, ("Mcp-Param-Text", MARK)],
        ),
        (MARK, vec![method, method, name, ("Mcp-Param-Text", MARK)]),
        (
            MARK,
            vec![method, ("Mcp-Name", "other"), ("Mcp-Param-Text", MARK)],
        ),
        (
            MARK,
            vec![method, ("Mcp-Name", "ECHO"), ("Mcp-Param-Text", MARK)],
        ),
        (MARK, vec![method, name, name, ("Mcp-Param-Text", MARK)]),
        (MARK, vec![method, ("Mcp-Param-Text", MARK)]),
        (MARK, vec![method, name]),
        (MARK, vec![method, name, ("Mcp-Param-Text", "other")]),
        (
            MARK,
            vec![
                method,
                name,
                ("Mcp-Param-Text", MARK),
                ("mcp-param-text", "other"),
            ],
        ),
        (
            "Hello",
            vec![method, name, ("Mcp-Param-Text", "=?base64?SGVsbG8?=")],
        ),
        (
            "Hello",
            vec![method, name, ("Mcp-Param-Text", "=?base64?SGVs!!!bG8=?=")],
        ),
    ];
    for (text, headers) in wrong {
        let (ask, id) = ask(text, &headers);
        let answer = gateway.ask(ask).await;
        let body = answer.json();
        assert_eq!(
            (answer.status, &body["error"]["code"]),
            (400, &json!(-32020)),
            "{headers:?} {body}"
        );
        assert_eq!(body["id"], id, "{headers:?}");
    }
    assert!(new.heard_of("tools/call").is_empty());
    for (text, headers) in [
        (
            "x",
            vec![
                ("mcp-method", "tools/call"),
                ("MCP-NAME", "  echo  "),
                ("mcp-param-text", "x"),
            ],
        ),
        (
            "Hello",
            vec![method, name, ("Mcp-Param-Text", "=?base64?SGVsbG8=?=")],
        ),
        (
            "SGVsbG8=",
            vec![method, name, ("Mcp-Param-Text", "SGVsbG8=")],
        ),
        (
            "=?base64?SGVsbG8=",
            vec![method, name, ("Mcp-Param-Text", "=?base64?SGVsbG8=")],
        ),
    ] {
        let answer = gateway.ask(ask(text, &headers).0).await;
        assert_eq!(answer.status, 200, "{headers:?} {}", answer.text());
        assert!(
            answer.text().contains("done"),
            "{headers:?} {}",
            answer.text()
        );
    }
}

/// Bodies that are no message, or two at once: the status, the error's code.
fn malformed() -> Vec<(String, u16, i64)> {
    let call = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"echo","arguments":{{"text":"{MARK}"}}}}}}"#
    );
    let with = |from: &str, to: &str| call.replacen(from, to, 1);
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    vec![
        ("".into(), 400, -32700),
        ("{".into(), 400, -32700),
        ("\u{feff}{}".into(), 400, -32700),
        (format!("{call} {call}"), 400, -32700),
        (with("\"id\":7,", "\"id\":7,\"id\":8,"), 400, -32700),
        (with("\"text\":", "\"text\":\"\",\"text\":"), 400, -32700),
        (with("\"method\":", "\"method\":\"ping\",\"method\":"), 400, -32700),
        (with(&format!("\"{MARK}\""), &deep), 400, -32700),
        (with("\"jsonrpc\":\"2.0\",", ""), 400, -32600),
        (with("\"2.0\"", "2.0"), 400, -32600),
        (with("\"method\":", "\"Method\":\"ping\",\"method\":"), 400, -32600),
        (with("\"params\":", "\"Params\":{},\"params\":"), 400, -32600),
        (with("\"id\":7", "\"id\":null"), 400, -32600),
        (with("\"id\":7", "\"id\":7.5"), 400, -32600),
        (with("\"id\":7", "\"id\":1e3"), 400, -32600),
        (with("\"id\":7", "\"id\":[7]"), 400, -32600),
        (with("\"id\":7", "\"id\":{\"a\":7}"), 400, -32600),
        (with("\"id\":7", "\"id\":true"), 400, -32600),
        (with("\"method\":\"tools/call\"", "\"method\":[\"tools/call\"]"), 400, -32600),
        (with("\"params\":", "\"result\":{},\"params\":"), 400, -32600),
        (with("\"id\":7,", ""), 400, -32600),
        (with("tools/call", "notifications/cancelled"), 400, -32600),
        (with("tools/call", "notifications/progress"), 400, -32600),
        (format!("[{call}]"), 400, -32600),
        (format!("[[{call}]]"), 400, -32600),
        ("[]".into(), 400, -32600),
        (format!("\"{MARK}\""), 400, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"result":{"x":"mark-of-the-agent"}}"#.into(), 400, -32600),
        (r#"{"jsonrpc":"2.0","id":"question-0","error":{"code":1,"message":"mark-of-the-agent"}}"#.into(), 400, -32600),
    ]
}

#[tokio::test]
async fn what_is_no_message_is_refused_and_recorded() {
    let (mut gateway, old, new) = stage().await;
    let agent = Agent::open(&gateway, "/mcp/old", "free", LEGACY).await;
    gateway.record().await;
    gateway.record().await;
    let mut seen = gateway.further_records().len();
    for (body, status, code) in malformed() {
        let answer = gateway.ask(agent.bare(body.clone())).await;
        let said = answer.json();
        let what: String = body.chars().take(120).collect();
        assert_eq!(
            (answer.status, &said["error"]["code"]),
            (status, &json!(code)),
            "{what} {said}"
        );
        assert!(!answer.text().contains(MARK), "{what} {said}");
        let record = gateway.record().await;
        assert_eq!(record["status"], status, "{what} {record}");
        assert!(!record.to_string().contains(MARK), "{what} {record}");
        seen += 1;
    }
    assert!(seen >= malformed().len());
    assert!(!old.saw(MARK) && !new.saw(MARK));
    assert_eq!(
        agent.call("echo", json!({"text": "x"})).await.text(),
        "done"
    );
    // An id that can be read is given back.
    let posing = r#"{"jsonrpc":"2.0","id":"a7","method":"notifications/cancelled"}"#;
    assert_eq!(agent.sends(posing, &[]).await.code(), -32600);
}

#[tokio::test]
async fn batches_are_for_the_one_revision_that_has_them() {
    let (gateway, old, _new) = stage().await;
    let agent = Agent::open(&gateway, "/mcp/old", "free", "2025-03-26").await;
    let call = |id: u64, text: &str| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "echo", "arguments": {"text": text}}});
    let batch = json!([call(1, "one"), {"jsonrpc": "2.0", "method": "notifications/roots/list_changed"}, call(2, "two")]);
    let answer = gateway.ask(agent.bare(batch.to_string())).await.json();
    let mut ids: Vec<u64> = answer
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one["id"].as_u64())
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2], "{answer}");
    assert_eq!(old.heard_of("tools/call").len(), 2);
    let many: Vec<Value> = (0..65).map(|id| call(id, MARK)).collect();
    let greeting = json!({"jsonrpc": "2.0", "id": 9, "method": "initialize", "params": {}});
    let posing = json!({"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "echo", "arguments": {"text": MARK}}});
    for bad in [
        json!([[call(1, MARK)]]),
        json!([]),
        json!([call(1, MARK), greeting]),
        json!([call(1, MARK), 7]),
        json!([posing]),
        Value::Array(many),
    ] {
        let said = gateway.ask(agent.bare(bad.to_string())).await;
        assert_eq!(said.status, 400, "{}", said.text());
    }
    let said = gateway
        .ask(
            agent
                .bare(json!([call(1, MARK)]).to_string())
                .without("mcp-protocol-version")
                .header("mcp-protocol-version", MODERN),
        )
        .await;
    assert_eq!(said.status, 400, "{}", said.text());
    assert!(!old.saw(MARK));
    // Of two with one id, the second is refused: its answer could not be told from the first's.
    let twice = json!([call(5, "x"), call(5, "x")]);
    let said = gateway.ask(agent.bare(twice.to_string())).await.json();
    let refused = said
        .as_array()
        .into_iter()
        .flatten()
        .filter(|one| one.get("error").is_some());
    assert_eq!(refused.count(), 1, "{said}");
    for revision in ["2025-06-18", LEGACY] {
        let agent = Agent::open(&gateway, "/mcp/old", "free", revision).await;
        let said = gateway.ask(agent.bare(batch.to_string())).await;
        assert_eq!(said.status, 400, "{revision}");
    }
}

#[tokio::test]
async fn eras_are_not_mixed() {
    let (gateway, old, new) = stage().await;
    let legacy = Agent::open(&gateway, "/mcp/old", "free", LEGACY).await;
    for method in ["server/discover", "subscriptions/listen"] {
        let said = legacy.ask(method, json!({"mark": MARK})).await;
        assert!(said.is_refused() && said.status == 400, "{}", said.raw);
    }
    // A modern message belongs to no session, whatever its header says.
    let modern = Agent::new(&gateway, "/mcp/new", "free", MODERN);
    let message = modern.message("tools/list", json!({}));
    let session = legacy.session.clone().unwrap_or_default();
    let ask = modern.carry(&message).header("mcp-session-id", &session);
    assert_eq!(gateway.ask(ask).await.status, 200);
    let told = Agent::new(&gateway, "/mcp/new", "free", MODERN)
        .notify(
            "notifications/roots/list_changed",
            json!({"_meta": {"mark": MARK}}),
        )
        .await;
    assert_eq!(told.status, 400, "{}", told.raw);
    for verb in ["GET", "DELETE"] {
        let ask = Ask::get("/mcp/new")
            .method(verb)
            .key(&crate::house::key("free"))
            .header("accept", "text/event-stream")
            .header("mcp-protocol-version", MODERN);
        assert_eq!(gateway.ask(ask).await.status, 405, "{verb}");
    }
    let sessionless = Agent::new(&gateway, "/mcp/old", "free", LEGACY);
    let said = sessionless
        .ask(
            "tools/call",
            json!({"name": "echo", "arguments": {"text": MARK}}),
        )
        .await;
    assert_eq!(said.status, 400, "{}", said.raw);
    assert!(!old.saw(MARK) && !new.saw(MARK));
}

#[tokio::test]
async fn strangers_and_pages_in_browsers_are_turned_away() {
    let (gateway, old, new) = stage().await;
    let agent = Agent::new(&gateway, "/mcp/old", "free", LEGACY);
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": MARK, "version": "1"}}}).to_string();
    for origin in [
        "http://evil.example",
        "null",
        "http://localhost.evil.example",
        "http://127.0.0.1@evil.example",
        "file://",
        "",
    ] {
        let answer = gateway
            .ask(agent.bare(body.clone()).header("origin", origin))
            .await;
        assert_eq!(answer.status, 403, "{origin:?} {}", answer.text());
    }
    for key in ["", "sp-tools-free-1", "Bearer"] {
        let answer = gateway.ask(agent.bare(body.clone()).key(key)).await;
        assert_eq!(answer.status, 401, "{key:?}");
    }
    assert_eq!(
        gateway.ask(agent.bare(body.clone()).no_key()).await.status,
        401
    );
    let door = Agent::new(&gateway, "/mcp/nobody", "free", LEGACY);
    assert_eq!(gateway.ask(door.bare(body.clone())).await.status, 404);
    let plain = agent
        .bare(body.clone())
        .without("accept")
        .header("accept", "text/html");
    assert_eq!(gateway.ask(plain).await.status, 406);
    let form = agent
        .bare(body.clone())
        .without("content-type")
        .header("content-type", "text/plain");
    assert_eq!(gateway.ask(form).await.status, 415);
    assert_eq!((old.connections(), new.connections()), (0, 0));
    let local = agent.bare(body).header("origin", "http://localhost:3000");
    assert_eq!(gateway.ask(local).await.status, 200);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_not_read() {
    let old = ToolServer::legacy(|_| Does::TheUsual).await;
    let gateway = crate::house::house_with(
        "limits:\n  body: 64KiB",
        &[("old", legacy(&old.url()))],
        &[("free", ALL)],
    )
    .start()
    .await;
    let agent = Agent::open(&gateway, "/mcp/old", "free", LEGACY).await;
    let message = agent.message(
        "tools/call",
        json!({"name": "echo", "arguments": {"text": MARK.repeat(10_000)}}),
    );
    let answer = gateway.ask(agent.carry(&message)).await;
    assert_eq!(answer.status, 413, "{}", answer.text());
    assert!(!old.saw(MARK));
}
