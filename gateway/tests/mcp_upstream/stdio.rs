//! Tool servers that are started.

use crate::{all, ask, call, introduction, next, open, open_with, server, server_with, until};
use sallyport::mcp::upstream::{Call, Connection, Era, Fault, Server};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

fn lines(mode: &str) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mcp_upstream/server.py");
    format!("command: [python3, '{script}', {mode}]")
}

fn python(mode: &str) -> Arc<Server> {
    server(&lines(mode))
}

async fn json(connection: &Connection, id: u64, method: &str) -> Value {
    let said = ask(connection, id, method).await.expect("sent");
    serde_json::from_str(&said[0]).expect("JSON")
}

/// Whether a process is there and not merely waiting to be buried.
fn lives(pid: u64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[tokio::test]
async fn messages_go_through_as_they_are() {
    let (connection, _inbox) = open(&python("plain"), Era::Legacy).await;
    assert!(connection.hello().result.contains("\"serverInfo\""));
    // An agent may write its message on many lines.
    let pretty =
        "{\n\"jsonrpc\": \"2.0\",\r\n\"id\": 16,\n\"method\": \"x\", \"unknown\": {\"a\": 1.50}\n}";
    let mut replies = connection
        .request(Call::new(16, pretty.into()))
        .await
        .expect("sent");
    let said = all(&mut replies).await;
    assert!(said[0].contains(r#""unknown": {"a": 1.5}"#), "{said:?}");
    assert_eq!((replies.status(), replies.is_stream()), (200, false));
    connection.close().await;
    assert_eq!(ask(&connection, 17, "x").await, Err(Fault::Closed));
}

#[tokio::test]
async fn many_requests_share_the_channel() {
    let (connection, mut inbox) = open(&python("plain"), Era::Legacy).await;
    let mut waiting = Vec::new();
    for id in 16..80 {
        waiting.push((
            id,
            connection.request(call(id, "x", "{}")).await.expect("sent"),
        ));
    }
    for (id, mut replies) in waiting.into_iter().rev() {
        let said = all(&mut replies).await;
        assert!(said[0].contains(&format!("\"id\": {id},")), "{said:?}");
    }
    let progress = Call {
        token: Some("\"t\"".into()),
        ..call(80, "progress", r#"{"_meta":{"progressToken":"t"}}"#)
    };
    let mut replies = connection.request(progress).await.expect("sent");
    let said = all(&mut replies).await;
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("notifications/progress"), "{said:?}");
    assert!(next(&mut inbox).await.contains("list_changed"));
}

#[tokio::test]
async fn its_environment_holds_what_it_is_given_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().canonicalize().expect("a path");
    let more = format!("env: {{TOKEN: s3cret}}\ndirectory: '{}'", path.display());
    let (connection, _inbox) =
        open(&server(&format!("{}\n{more}", lines("plain"))), Era::Legacy).await;
    let said = json(&connection, 16, "env").await;
    let env = said["result"]["env"].as_object().expect("variables");
    assert_eq!(env["TOKEN"], "s3cret");
    assert!(env.contains_key("PATH"));
    assert_eq!(
        Path::new(said["result"]["directory"].as_str().expect("a path")),
        path
    );
    for name in ["CARGO_MANIFEST_DIR", "CARGO", "NEXTEST", "CARGO_PKG_NAME"] {
        assert!(!env.contains_key(name), "{name} is the gateway's own");
    }
}

#[tokio::test]
async fn its_limits_hold() {
    let (connection, _inbox) = open(
        &server(&format!("{}\nopen_files: 64\nmemory: 4GiB", lines("plain"))),
        Era::Legacy,
    )
    .await;
    let said = json(&connection, 16, "limits").await;
    assert_eq!(said["result"], serde_json::json!([64, 64]));
}

#[tokio::test]
async fn both_eras_are_found() {
    for (mode, prefer, found) in [
        ("modern", Era::Modern, Era::Modern),
        ("modern", Era::Legacy, Era::Modern),
        ("plain", Era::Modern, Era::Legacy),
        ("dies-of-probe", Era::Modern, Era::Legacy),
    ] {
        let (connection, _inbox) = open(&python(mode), prefer).await;
        assert_eq!(connection.hello().era, found, "{mode}");
        assert_eq!(json(&connection, 16, "x").await["id"], 16);
    }
}

#[tokio::test]
async fn one_that_says_nothing_to_the_probe_is_legacy() {
    let server = server_with(&lines("silent-to-probe"), "timeouts: {answer_head: 2s}");
    let (connection, _inbox) = open(&server, Era::Modern).await;
    assert_eq!(connection.hello().era, Era::Legacy);
}

#[tokio::test]
async fn rubbish_is_passed_over_until_it_is_too_much() {
    let server = python("rubbish");
    let (connection, _inbox) = open(&server, Era::Legacy).await;
    assert_eq!(json(&connection, 16, "x").await["id"], 16);
    assert_eq!(server.tally.rubbish.load(Ordering::Relaxed), 3);
    let refused = open_with(&python("endless-rubbish"), &introduction(Era::Legacy)).await;
    assert!(matches!(refused.err(), Some(Fault::Garbled | Fault::Died)));
}

#[tokio::test]
async fn one_that_dies_fails_what_is_in_flight() {
    let server = python("plain");
    let (connection, _inbox) = open(&server, Era::Legacy).await;
    let mut waiting = connection
        .request(call(16, "hang", "{}"))
        .await
        .expect("sent");
    assert_eq!(ask(&connection, 17, "die").await.expect("sent"), ["Died"]);
    assert_eq!(all(&mut waiting).await, ["Died"]);
    assert!(!connection.is_alive());
    assert_eq!(ask(&connection, 18, "x").await, Err(Fault::Died));
    let (again, _inbox) = open(&server, Era::Legacy).await;
    assert_eq!(
        json(&again, 16, "x").await["id"],
        16,
        "another one can be started"
    );
}

#[tokio::test]
async fn one_that_keeps_dying_is_let_rest() {
    let server = python("crash");
    let began = Instant::now();
    let mut faults = Vec::new();
    while faults.last() != Some(&Fault::Resting) && faults.len() < 20 {
        let (to, _inbox) = tokio::sync::mpsc::channel(1);
        let opened = Connection::open(&server, &introduction(Era::Legacy), to).await;
        faults.push(opened.expect_err("a fault"));
    }
    assert_eq!(faults.last(), Some(&Fault::Resting), "{faults:?}");
    assert!(faults.len() >= 2 && began.elapsed() < Duration::from_secs(30));
    let missing = crate::server("command: [/nowhere/at/all]");
    let fault = open_with(&missing, &introduction(Era::Legacy)).await.err();
    assert_eq!(fault, Some(Fault::NotStarted));
}

#[tokio::test]
async fn a_flood_is_bounded_and_the_answer_comes_through() {
    let server = python("plain");
    let (connection, _inbox) = open(&server, Era::Legacy).await;
    let mut replies = connection
        .request(call(16, "flood", "{}"))
        .await
        .expect("sent");
    until("the flood is over", || {
        server.tally.dropped.load(Ordering::Relaxed) > 19_930
    })
    .await;
    let said = all(&mut replies).await;
    assert!(said.len() <= 65, "{}", said.len());
    assert!(
        said.last().is_some_and(|last| last.contains("\"result\"")),
        "{:?}",
        said.last()
    );
}

#[tokio::test]
async fn unreadable_answers_and_endless_lines_are_faults() {
    let (connection, _inbox) = open(&python("plain"), Era::Legacy).await;
    assert_eq!(
        ask(&connection, 16, "twice").await.expect("sent"),
        ["Garbled"]
    );
    assert!(connection.is_alive());
    let mut waiting = connection
        .request(call(17, "hang", "{}"))
        .await
        .expect("sent");
    assert_eq!(
        ask(&connection, 18, "long").await.expect("sent"),
        ["TooLarge(16777216)"]
    );
    assert_eq!(all(&mut waiting).await, ["TooLarge(16777216)"]);
    assert!(!connection.is_alive());
}

#[tokio::test]
async fn a_request_that_is_never_answered_ends() {
    let server = server_with(
        &lines("plain"),
        "timeouts: {answer_head: 5s, answer_idle: 1s, tool_answer: 1s}",
    );
    let (connection, _inbox) = open(&server, Era::Legacy).await;
    let mut replies = connection
        .request(call(16, "hang", "{}"))
        .await
        .expect("sent");
    assert_eq!(all(&mut replies).await, ["Slow"]);
    assert!(connection.is_alive());
}

#[tokio::test]
async fn it_ends_when_it_is_told_to_or_nobody_holds_it() {
    for drop_it in [false, true] {
        let (connection, inbox) = open(&python("plain"), Era::Legacy).await;
        let pid = json(&connection, 16, "env").await["result"]["pid"]
            .as_u64()
            .expect("a number");
        assert!(lives(pid));
        let began = Instant::now();
        match drop_it {
            true => drop((connection, inbox)),
            false => connection.close().await,
        }
        until("it is gone", || !lives(pid)).await;
        assert!(
            began.elapsed() < Duration::from_secs(3),
            "closing its input is enough"
        );
    }
}

#[tokio::test]
async fn one_that_does_not_want_to_end_is_killed_with_all_it_started() {
    let (connection, _inbox) = open(&python("stubborn"), Era::Legacy).await;
    let pid = json(&connection, 16, "env").await["result"]["pid"]
        .as_u64()
        .expect("a number");
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let child: u64 = children.expect("a list").trim().parse().expect("one child");
    assert!(lives(child));
    connection.close().await;
    assert!(!lives(pid), "close waits for it");
    until("its child is gone", || !lives(child)).await;
}

/// Real servers, where there are any: `SALLYPORT_MCP_EVERYTHING` is the path of `dist/index.js` of the npm package
/// `@modelcontextprotocol/server-everything`.
#[tokio::test]
async fn the_reference_server_is_spoken_to_over_all_its_transports() {
    let Ok(script) = std::env::var("SALLYPORT_MCP_EVERYTHING") else {
        eprintln!("SKIPPED: SALLYPORT_MCP_EVERYTHING is not set");
        return;
    };
    let list = |connection: Connection| async move {
        let said = ask(&connection, 16, "tools/list").await.expect("sent");
        assert!(
            said.last().expect("an answer").contains("\"tools\":["),
            "{said:?}"
        );
        connection.close().await;
    };
    let started = server(&format!("command: [node, '{script}', stdio]"));
    for era in [Era::Modern, Era::Legacy] {
        list(open(&started, era).await.0).await;
    }
    for (mode, path) in [("streamableHttp", "/mcp"), ("sse", "/sse")] {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let mut node = tokio::process::Command::new("node");
        node.args([&script, mode]).env("PORT", port.to_string());
        let node = node
            .stderr(std::process::Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let _node = node.expect("node");
        let server = server(&format!("url: http://127.0.0.1:{port}{path}"));
        for _ in 0..100 {
            if open_with(&server, &introduction(Era::Legacy)).await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        for era in [Era::Modern, Era::Legacy] {
            list(open(&server, era).await.0).await;
        }
    }
}
