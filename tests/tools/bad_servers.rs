//! Servers that break, lie or flood: contained, told as an error, and no other server or agent is the worse for it.

use crate::agent::{Agent, LEGACY, MODERN};
use crate::healing::PROGRAM;
use crate::house::{ALL, house_with, legacy, modern, python};
use crate::tool_server::{Does, Heard, ToolServer, status, tool};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Little patience, little room.
const LIMITS: &str = "limits:\n  answer: 4MiB\ntimeouts:\n  answer_head: 2s\n  answer_idle: 2s";

fn body(kind: &str, body: &str) -> Does {
    let length = body.len();
    Does::Bytes(
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .into_bytes(),
    )
}

fn redirect(to: &str) -> Does {
    Does::Bytes(
        format!("HTTP/1.1 307 There\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n").into_bytes(),
    )
}

/// What may be wrong with a list of tools.
fn lists(what: &str, elsewhere: &str, heard: &Heard) -> Does {
    let id = &heard.body["id"];
    let result = |tools: &str| {
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"tools\":{tools}}}}}")
    };
    match what {
        "many" => {
            let one = r#"{"name":"t","inputSchema":{}}"#;
            body(
                "application/json",
                &result(&format!("[{}{one}]", format!("{one},").repeat(99_999))),
            )
        }
        "large" => {
            let mut large = tool("large");
            large["description"] = "x".repeat(10 << 20).into();
            body("application/json", &result(&json!([large]).to_string()))
        }
        "deep" => body(
            "application/json",
            &result(&format!("{}{}", "[".repeat(50_000), "]".repeat(50_000))),
        ),
        "twice" => body(
            "application/json",
            &format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"tools\":[]}},\"result\":{{}}}}"
            ),
        ),
        "rubbish" => body("application/json", "<html>not found</html>"),
        "html" => body("text/html", "<html>welcome</html>"),
        "other id" => body(
            "application/json",
            r#"{"jsonrpc":"2.0","id":999999,"result":{"tools":[]}}"#,
        ),
        "endless pages" => body(
            "application/json",
            &format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"tools\":[],\"nextCursor\":\"again\"}}}}"
            ),
        ),
        "endless line" => {
            let mut bytes =
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: ".to_vec();
            bytes.resize(6 << 20, b'x');
            Does::Bytes(bytes)
        }
        "500" => status(500),
        "hang up" => Does::HangUp,
        "silent" => Does::Silence,
        "link-local" => redirect("http://169.254.169.254/latest/meta-data/"),
        _ => redirect(elsewhere),
    }
}

#[tokio::test]
async fn a_bad_list_is_left_out_and_the_others_are_there() {
    let canary = ToolServer::legacy(|_| Does::TheUsual).await;
    let good = ToolServer::legacy(|_| Does::TheUsual).await;
    let whats = [
        "many",
        "large",
        "deep",
        "twice",
        "rubbish",
        "html",
        "other id",
        "endless pages",
        "endless line",
        "500",
        "hang up",
        "silent",
        "link-local",
        "redirect",
    ];
    let mut bad = Vec::new();
    for what in whats {
        let elsewhere = canary.url();
        let server = ToolServer::legacy(move |heard| match heard.method() {
            "tools/list" => lists(what, &elsewhere, heard),
            _ => Does::TheUsual,
        });
        bad.push((what, what.replace(' ', "-"), server.await));
    }
    let mut servers = vec![("good", legacy(&good.url()))];
    servers.extend(
        bad.iter()
            .map(|(_, name, server)| (name.as_str(), legacy(&server.url()))),
    );
    servers.retain(|(name, _)| *name != "500");
    let digits = bad
        .iter()
        .find(|(what, ..)| *what == "500")
        .map(|(_, _, server)| legacy(&server.url()));
    servers.push(("five-hundred", digits.unwrap_or_default()));
    let gateway = house_with(LIMITS, &servers, &[("free", ALL)]).start().await;
    let agent = Agent::open(&gateway, "/mcp", "free", LEGACY).await;
    assert_eq!(agent.tools().await, ["good__echo", "good__other"]);
    assert_eq!(
        agent.call("good__echo", json!({"text": "x"})).await.text(),
        "done"
    );
    for (name, _) in &servers[1..] {
        let alone = Agent::open(&gateway, &format!("/mcp/{name}"), "free", LEGACY).await;
        let said = alone.ask("tools/list", json!({})).await;
        // Asked alone, a server's pages come one by one, and its own long list is its own.
        if !matches!(*name, "endless-pages" | "many") {
            assert!(
                said.is_refused(),
                "{name}: {}",
                &said.raw[..said.raw.len().min(500)]
            );
        }
        assert!(!said.raw.contains("169.254"), "{name}");
        let called = alone.call("echo", json!({"text": "x"})).await;
        assert!(called.is_refused(), "{name}");
    }
    assert_eq!(canary.connections(), 0, "redirects are not followed");
    let (_, most) = gateway.memory();
    assert!(most < 600 << 20, "{} MiB", most >> 20);
}

#[tokio::test]
async fn a_redirect_anywhere_is_not_followed() {
    let canary = ToolServer::legacy(|_| Does::TheUsual).await;
    for method in [
        "initialize",
        "server/discover",
        "tools/call",
        "notifications/initialized",
    ] {
        let elsewhere = canary.url();
        let script = move |heard: &Heard| match heard.method() == method {
            true => redirect(&elsewhere),
            false => Does::TheUsual,
        };
        let is_modern = method == "server/discover";
        let server = ToolServer::at("127.0.0.1:0", is_modern, script).await;
        let lines = if is_modern {
            modern(&server.url())
        } else {
            legacy(&server.url())
        };
        let gateway = house_with(LIMITS, &[("one", lines)], &[("free", ALL)])
            .start()
            .await;
        let agent = Agent::new(&gateway, "/mcp/one", "free", MODERN);
        let said = agent.call("echo", json!({"text": "x"})).await;
        assert!(said.is_refused(), "{method}: {}", said.raw);
        assert!(
            !said.raw.contains(&canary.address().to_string()),
            "{}",
            said.raw
        );
    }
    assert_eq!(canary.connections(), 0);
}

#[tokio::test]
async fn references_to_the_network_are_never_fetched() {
    let canary = ToolServer::legacy(|_| Does::TheUsual).await;
    let url = canary.url();
    let server = ToolServer::legacy(move |heard| match heard.method() {
        "tools/list" => {
            let schema = json!({"$schema": url, "type": "object", "properties": {"text": {"$ref": url}}, "allOf": [{"$ref": format!("{url}#/a")}, {"$dynamicRef": url}]});
            let output = json!({"$ref": url});
            Does::Result(json!({"tools": [{"name": "echo", "inputSchema": schema, "outputSchema": output}]}))
        }
        "tools/call" => Does::Result(json!({"content": [], "structuredContent": {"a": 1}})),
        _ => Does::TheUsual,
    })
    .await;
    let gateway = house_with("", &[("one", legacy(&server.url()))], &[("free", ALL)])
        .start()
        .await;
    let agent = Agent::open(&gateway, "/mcp/one", "free", LEGACY).await;
    assert_eq!(agent.tools().await, ["echo"]);
    agent.call("echo", json!({"text": "x"})).await;
    assert_eq!(canary.connections(), 0);
}

const RUBBISH: &str = "import sys\nfor line in sys.stdin:\n    print('starting up...', flush=True)\n    print('{\"jsonrpc\":\"2.0\"', flush=True)\n    sys.stdout.buffer.write(bytes(range(256)) + b'\\n'); sys.stdout.flush()";
const DIES: &str = "import sys\nsys.stdin.readline()\nsys.exit(3)";
const HANGS: &str = "import time\ntime.sleep(600)";
const DIES_LATER: &str = "        sys.exit(9)\n";

#[tokio::test]
async fn programs_that_talk_rubbish_die_or_hang_harm_nobody() {
    let later = PROGRAM.replace(
        "        r = {\"content\": [{\"type\": \"text\", \"text\": str(os.getpid())}]}\n",
        DIES_LATER,
    );
    assert_ne!(later, PROGRAM);
    let servers = [
        ("dies", python(DIES)),
        ("good", python(PROGRAM)),
        ("hangs", python(HANGS)),
        ("later", python(&later)),
        (
            "missing",
            "command: [\"/nowhere/to/be/found\"]\nera: legacy\n".to_owned(),
        ),
        ("rubbish", python(RUBBISH)),
    ];
    let gateway = house_with(LIMITS, &servers, &[("free", ALL)]).start().await;
    let began = Instant::now();
    let agent = Agent::open(&gateway, "/mcp", "free", LEGACY).await;
    assert_eq!(agent.tools().await, ["good__pid", "later__pid"]);
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "{:?}",
        began.elapsed()
    );
    let pid = agent.call("good__pid", json!({})).await.text();
    for server in ["dies", "hangs", "later", "missing", "rubbish"] {
        let said = agent.call(&format!("{server}__pid"), json!({})).await;
        assert!(said.is_refused(), "{server}: {}", said.raw);
        assert!(!said.raw.contains("starting up"), "{server}: {}", said.raw);
    }
    assert_eq!(agent.call("good__pid", json!({})).await.text(), pid);
}

/// A flood of notifications is an agent's own, and not for ever in memory.
#[tokio::test]
async fn a_flood_of_changes_drowns_nobody() {
    let change: Value = json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"});
    let flood: Arc<Vec<Value>> = Arc::new(vec![change; 20_000]);
    let server = ToolServer::legacy(move |heard| match heard.method() {
        "tools/call" => Does::Tells(
            flood.to_vec(),
            json!({"content": [{"type": "text", "text": "done"}]}),
        ),
        _ => Does::TheUsual,
    })
    .await;
    let good = ToolServer::legacy(|_| Does::TheUsual).await;
    let servers = [
        ("floods", legacy(&server.url())),
        ("good", legacy(&good.url())),
    ];
    let gateway = house_with("", &servers, &[("free", ALL), ("others", ALL)])
        .start()
        .await;
    let agent = Agent::open(&gateway, "/mcp", "free", LEGACY).await;
    let other = Agent::open(&gateway, "/mcp", "others", LEGACY).await;
    let args = || json!({"text": "x"});
    let (flooded, calm) = tokio::join!(
        agent.call("floods__echo", args()),
        other.call("good__echo", args())
    );
    assert_eq!(
        (flooded.text(), calm.text()),
        ("done".to_owned(), "done".to_owned())
    );
    assert!(other.tools().await.contains(&"good__echo".to_owned()));
    let (_, most) = gateway.memory();
    assert!(most < 300 << 20, "{} MiB", most >> 20);
}

/// What a server answers to a call is an error for that call alone.
#[tokio::test]
async fn a_bad_answer_is_an_error_of_its_call() {
    let server = ToolServer::legacy(|heard| match heard.method() {
        "tools/list" => {
            let names = ["good", "rubbish", "twice", "hang up", "silent", "403", "cut", "notification", "batch"];
            Does::Result(json!({"tools": names.map(tool)}))
        }
        "tools/call" => match heard.name() {
            "good" => Does::TheUsual,
            "403" => status(403),
            "cut" => Does::Bytes(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{\"jsonrpc\"".to_vec()),
            "notification" => body("application/json", r#"{"jsonrpc":"2.0","method":"notifications/message"}"#),
            "batch" => body("application/json", &format!("[{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{{}}}}]", heard.body["id"])),
            other => lists(other, "", heard),
        },
        _ => Does::TheUsual,
    })
    .await;
    let mut gateway = house_with(LIMITS, &[("one", legacy(&server.url()))], &[("free", ALL)])
        .start()
        .await;
    let agent = Agent::open(&gateway, "/mcp/one", "free", LEGACY).await;
    for name in [
        "rubbish",
        "twice",
        "hang up",
        "silent",
        "403",
        "cut",
        "notification",
        "batch",
    ] {
        let said = agent.call(name, json!({"text": "x"})).await;
        assert!(said.is_refused(), "{name}: {}", said.raw);
        let mut record = gateway.record().await;
        while record["calls"][0]["tool"] != name {
            record = gateway.record().await;
        }
        assert_eq!(record["failure"]["blame"], "upstream", "{name}: {record}");
        assert_eq!(
            agent.call("good", json!({"text": "x"})).await.text(),
            "done"
        );
    }
}
