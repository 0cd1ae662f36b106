//! Connections to tool servers, against servers that are real enough: sockets, and programs in Python.

#![expect(clippy::panic, reason = "a test says what is wrong by panicking")]

#[path = "mcp_upstream/era.rs"]
mod era;
#[path = "mcp_upstream/fake.rs"]
mod fake;
#[path = "mcp_upstream/hostile.rs"]
mod hostile;
#[path = "mcp_upstream/legacy.rs"]
mod legacy;
#[path = "mcp_upstream/modern.rs"]
mod modern;
#[path = "mcp_upstream/oauth.rs"]
mod oauth;
#[path = "mcp_upstream/old_sse.rs"]
mod old_sse;
#[path = "mcp_upstream/stdio.rs"]
mod stdio;

use bytes::Bytes;
use sallyport::config::Config;
use sallyport::mcp::upstream::{
    Call, Connection, Era, Fault, Introduction, Replies, Revision, Server,
};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// A server by the lines of its configuration; `more` goes to the top of the file.
fn server_with(lines: &str, more: &str) -> Arc<Server> {
    let lines = lines.replace('\n', "\n    ");
    let text = format!("{more}\ntool_servers:\n  tested:\n    {lines}\n");
    let config = Config::read(Path::new("sallyport.yaml"), &text, &|_| None);
    let config = config.unwrap_or_else(|errors| panic!("{text}\n{errors}"));
    Server::new(config.tool_servers[0].clone(), &config)
}

fn server(lines: &str) -> Arc<Server> {
    server_with(lines, "timeouts: {answer_head: 20s, connect: 2s}")
}

fn introduction(prefer: Era) -> Introduction {
    Introduction {
        prefer,
        revision: None,
        client_info: r#"{"name":"tester","version":"1"}"#.into(),
        capabilities: "{}".into(),
    }
}

async fn open_with(
    server: &Arc<Server>,
    introduction: &Introduction,
) -> Result<(Connection, mpsc::Receiver<Bytes>), Fault> {
    let (to, inbox) = mpsc::channel(16);
    let opening = Connection::open(server, introduction, to);
    let opened = tokio::time::timeout(Duration::from_secs(60), opening).await;
    Ok((opened.expect("opening ends")?, inbox))
}

async fn open(server: &Arc<Server>, prefer: Era) -> (Connection, mpsc::Receiver<Bytes>) {
    let opened = open_with(server, &introduction(prefer)).await;
    opened.expect("the server takes the session")
}

fn call(id: u64, method: &str, params: &str) -> Call {
    let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#);
    Call::new(id, body.into())
}

/// All that is said to a request, the fault that ends it last.
async fn all(replies: &mut Replies) -> Vec<String> {
    let mut all = Vec::new();
    let reading = async {
        while let Some(next) = replies.next().await {
            all.push(match next {
                Ok(message) => String::from_utf8(message.into()).expect("text"),
                Err(fault) => format!("{fault:?}"),
            });
        }
    };
    let read = tokio::time::timeout(Duration::from_secs(40), reading).await;
    read.expect("replies end");
    all
}

async fn ask(connection: &Connection, id: u64, method: &str) -> Result<Vec<String>, Fault> {
    let mut replies = connection.request(call(id, method, "{}")).await?;
    Ok(all(&mut replies).await)
}

async fn next(inbox: &mut mpsc::Receiver<Bytes>) -> String {
    let message = tokio::time::timeout(Duration::from_secs(20), inbox.recv()).await;
    let message = message.expect("in time").expect("a message");
    String::from_utf8(message.into()).expect("text")
}

/// Waits until something is true.
async fn until(what: &str, is: impl Fn() -> bool) {
    for _ in 0..400 {
        if is() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}

#[test]
fn faults_say_nothing_of_the_server() {
    let words = Fault::Refused { status: 418 }.to_string();
    assert_eq!(words, "the tool server answered with HTTP status 418");
    assert_eq!(Revision::LEGACY.era(), Era::Legacy);
}
