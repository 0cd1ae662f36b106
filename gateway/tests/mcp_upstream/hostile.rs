//! Servers over HTTP that are broken, or mean harm.

use crate::fake::{Fake, Piece, Reply, event, json, result, status};
use crate::{all, ask, call, introduction, open, open_with, server, server_with, until};
use sallyport::mcp::upstream::{Era, Fault, Tally};
use std::sync::atomic::Ordering;

const SMALL: &str = "limits: {answer: 64KiB}\ntimeouts: {answer_head: 1s, answer_idle: 1s, tool_answer: 2s, connect: 1s}";

async fn asked(fake: &Fake) -> Result<Vec<String>, Fault> {
    let server = server_with(&fake.url("/mcp"), SMALL);
    let (connection, _inbox) = open(&server, Era::Legacy).await;
    ask(&connection, 16, "tools/call").await
}

#[tokio::test]
async fn answers_that_cannot_be_read_are_faults() {
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    for body in [
        "",
        "<html>",
        "{}",
        "[]",
        &result(17, "{}"),
        r#"{"jsonrpc":"2.0","id":"16","result":{}}"#,
        r#"{"jsonrpc":"2.0","id":16,"result":{},"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":16,"result":{"a":1,"a":2}}"#,
        r#"{"jsonrpc":"2.0","id":16,"method":"x","result":{}}"#,
        &result(16, &deep),
    ] {
        let text = body.to_owned();
        let fake = Fake::legacy(move |_| json(&text)).await;
        assert_eq!(asked(&fake).await, Err(Fault::Garbled), "{body:.80}");
        let text = body.to_owned();
        let fake = Fake::legacy(move |_| Reply::Stream(vec![event(&text)])).await;
        let said = asked(&fake).await.expect("a stream");
        let ended = said.last().map(String::as_str);
        assert!(
            matches!(ended, Some("Garbled" | "Broke")),
            "{said:?} for {body:.80}"
        );
    }
}

#[tokio::test]
async fn packed_and_foreign_bodies_are_faults() {
    for head in [
        "content-type: application/json\r\ncontent-encoding: gzip\r\n",
        "content-type: text/html\r\n",
        "",
    ] {
        let fake = Fake::legacy(move |_| Reply::Whole(200, head.into(), result(16, "{}"))).await;
        assert_eq!(asked(&fake).await, Err(Fault::Garbled), "{head}");
    }
    let fake = Fake::legacy(|_| status(202)).await;
    assert_eq!(
        asked(&fake).await,
        Err(Fault::Garbled),
        "a request is not merely accepted"
    );
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Fake::new(|_| json(&result(16, "{}"))).await;
    for code in [301, 302, 303, 307, 308] {
        let location = format!("location: http://{}/\r\n", elsewhere.address);
        let fake = Fake::legacy(move |_| Reply::Whole(code, location.clone(), String::new())).await;
        assert_eq!(asked(&fake).await, Err(Fault::Redirected));
    }
    assert!(elsewhere.asked().is_empty(), "nobody went there");
}

#[tokio::test]
async fn large_answers_are_refused() {
    let large = result(16, &format!("\"{}\"", "x".repeat(100 << 10)));
    let body = large.clone();
    let fake = Fake::legacy(move |_| json(&body)).await;
    assert_eq!(asked(&fake).await, Err(Fault::TooLarge(64 << 10)));
    let body = large.clone();
    let fake = Fake::legacy(move |_| Reply::Stream(vec![event(&body)])).await;
    assert_eq!(asked(&fake).await.expect("a stream"), ["TooLarge(65536)"]);
    let endless = "data: x\n".repeat(1000);
    let fake = Fake::legacy(move |_| Reply::Stream(vec![Piece::Forever(endless.clone())])).await;
    assert_eq!(asked(&fake).await.expect("a stream"), ["TooLarge(65536)"]);
    until("the connection is closed", || fake.gone() == 1).await;
}

#[tokio::test]
async fn silence_ends_in_time() {
    let fake = Fake::legacy(|_| Reply::Stream(vec![Piece::Hang])).await;
    assert_eq!(asked(&fake).await.expect("a stream"), ["Slow"]);
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = silent.local_addr().expect("an address");
    let server = server_with(&format!("url: http://{address}/"), SMALL);
    let fault = open_with(&server, &introduction(Era::Legacy)).await.err();
    assert_eq!(fault, Some(Fault::Slow));
    drop(silent);
    let fault = open_with(&server, &introduction(Era::Legacy)).await.err();
    assert_eq!(fault, Some(Fault::Unreachable));
    assert_eq!(server.tally.failed.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_server_that_talks_for_ever_is_cut_off() {
    let progress = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n";
    let fake = Fake::legacy(move |_| Reply::Stream(vec![Piece::Forever(progress.into())])).await;
    let server = server_with(&fake.url("/mcp"), SMALL);
    let (connection, _inbox) = open(&server, Era::Legacy).await;
    let mut replies = connection
        .request(call(16, "tools/call", "{}"))
        .await
        .expect("a stream");
    let said = all(&mut replies).await;
    assert_eq!(
        said.last().map(String::as_str),
        Some("Slow"),
        "`tool_answer` holds"
    );
    until("the connection is closed", || fake.gone() == 1).await;
}

#[tokio::test]
async fn a_flood_on_the_servers_own_stream_is_bounded() {
    let flood = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n"
        .repeat(50);
    let fake = Fake::new(move |asked| match asked.verb.as_str() {
        "GET" => Reply::Stream(vec![Piece::Forever(flood.clone())]),
        _ if asked.says("\"initialize\"") => json(&crate::fake::hello("2025-11-25")),
        _ => status(202),
    })
    .await;
    let server = server(&fake.url("/mcp"));
    let (_connection, mut inbox) = open(&server, Era::Legacy).await;
    let Tally { coalesced, .. } = &*server.tally;
    until("they are said once", || {
        coalesced.load(Ordering::Relaxed) > 10_000
    })
    .await;
    let mut kept = 0;
    while inbox.try_recv().is_ok() {
        kept += 1;
    }
    assert!(kept <= 20, "{kept} were kept for one who slept");
}

#[tokio::test]
async fn a_session_id_that_no_header_should_carry_is_refused() {
    let fake = Fake::new(|_| {
        let head = "content-type: application/json\r\nmcp-session-id: a b\r\n";
        Reply::Whole(200, head.into(), crate::fake::hello("2025-11-25"))
    })
    .await;
    let refused = open_with(&server(&fake.url("/mcp")), &introduction(Era::Legacy)).await;
    assert_eq!(refused.err(), Some(Fault::Garbled));
}
