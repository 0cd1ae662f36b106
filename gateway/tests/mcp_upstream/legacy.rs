//! Streamable HTTP of the legacy era.

use crate::fake::{Fake, Piece, Reply, event, json, result, status};
use crate::{all, ask, call, introduction, next, open, open_with, server, until};
use bytes::Bytes;
use sallyport::mcp::upstream::{Era, Fault, Introduction, Revision};
use std::time::Duration;

#[tokio::test]
async fn a_session_lives_from_initialize_to_delete() {
    let fake = Fake::legacy(|asked| match asked.verb.as_str() {
        "DELETE" => status(204),
        _ if asked.says("notifications/cancelled") => status(202),
        _ => json(&result(16, r#"{"n":1.50,"unknown":"\u0061"}"#)),
    })
    .await;
    let server = server(&format!(
        "{}\nkey: k-1\nheaders: {{x-tenant: a}}",
        fake.url("/mcp/?v=1")
    ));
    let asked = Introduction {
        revision: Some(Revision::V2025_06_18),
        ..introduction(Era::Legacy)
    };
    let (connection, _inbox) = open_with(&server, &asked).await.expect("a session");
    assert_eq!(
        connection.hello().revision,
        Revision::V2025_11_25,
        "the server's word"
    );
    assert!(
        connection.hello().result.contains(r#""unknown":[1.50]"#),
        "as it came"
    );
    let answer = ask(&connection, 16, "tools/list").await.expect("an answer");
    assert_eq!(
        answer,
        [result(16, r#"{"n":1.50,"unknown":"\u0061"}"#)],
        "byte for byte"
    );
    let cancel = r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#;
    connection
        .post(Bytes::from_static(cancel.as_bytes()))
        .await
        .expect("taken");
    connection.close().await;
    assert!(!connection.is_alive());
    assert_eq!(
        connection.request(call(17, "ping", "{}")).await.err(),
        Some(Fault::Closed)
    );

    let all = fake.asked();
    assert!(
        all[0].says(r#""protocolVersion":"2025-06-18""#),
        "{}",
        all[0].body
    );
    assert_eq!(all[0].header("mcp-session-id"), None);
    for asked in &all {
        assert_eq!(
            asked.target, "/mcp/?v=1",
            "the address exactly as configured"
        );
        assert_eq!(asked.header("authorization"), Some("Bearer k-1"));
        assert_eq!(asked.header("x-tenant"), Some("a"));
        assert_eq!(asked.header("accept-encoding"), Some("identity"));
    }
    for asked in &all[1..] {
        assert_eq!(asked.header("mcp-session-id"), Some("s-1"), "{asked:?}");
        assert_eq!(asked.header("mcp-protocol-version"), Some("2025-11-25"));
    }
    let posted = all
        .iter()
        .find(|asked| asked.says("tools/list"))
        .expect("the request");
    assert_eq!(
        posted.header("accept"),
        Some("application/json, text/event-stream")
    );
    assert_eq!(all.last().map(|asked| asked.verb.as_str()), Some("DELETE"));
}

#[tokio::test]
async fn a_stream_gives_what_belongs_to_the_request_and_the_inbox_the_rest() {
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#;
    let sampling = r#"{"jsonrpc":"2.0","id":"s","method":"sampling/createMessage","params":{}}"#;
    let changed = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
    let fake = Fake::legacy(move |_| {
        Reply::Stream(vec![
            Piece::Text(": hello\n\nevent: ping\ndata: x\n\n".into()),
            event(progress),
            event(changed),
            event(sampling),
            event(&result(99, "{}")),
            event(&result(16, "{}")),
        ])
    })
    .await;
    let (connection, mut inbox) = open(&server(&fake.url("/mcp")), Era::Legacy).await;
    let mut replies = connection
        .request(call(16, "tools/call", "{}"))
        .await
        .expect("a stream");
    assert!(replies.is_stream());
    assert_eq!(
        all(&mut replies).await,
        [progress, sampling, &result(16, "{}")]
    );
    assert_eq!(next(&mut inbox).await, changed);
}

#[tokio::test]
async fn a_stream_that_breaks_is_taken_up_again() {
    let first = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"n":1}}"#;
    let second = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"n":2}}"#;
    let fake = Fake::legacy(move |asked| match asked.header("last-event-id") {
        // Polling: the connection is closed in good order after a priming event.
        None => Reply::Stream(vec![
            Piece::Text("id: e-0\nretry: 300\ndata:\n\n".into()),
            Piece::Text(format!("id: e-1\ndata: {first}\n\n")),
        ]),
        // A break in the middle of an event.
        Some("e-1") => Reply::Stream(vec![
            Piece::Text(format!(
                "id: e-2\ndata: {second}\n\nid: e-3\ndata: {{\"half"
            )),
            Piece::Cut,
        ]),
        Some("e-2") => Reply::Stream(vec![event(&result(16, "{}"))]),
        Some(other) => panic!("resumed after {other}"),
    })
    .await;
    let (connection, _inbox) = open(&server(&fake.url("/mcp")), Era::Legacy).await;
    let began = std::time::Instant::now();
    let mut replies = connection
        .request(call(16, "tools/call", "{}"))
        .await
        .expect("a stream");
    assert_eq!(all(&mut replies).await, [first, second, &result(16, "{}")]);
    assert!(
        began.elapsed() >= Duration::from_millis(600),
        "`retry` is respected"
    );
    let resumed = fake.asked();
    let resumed: Vec<_> = resumed
        .iter()
        .filter(|asked| asked.header("last-event-id").is_some())
        .collect();
    assert_eq!(resumed.len(), 2);
    assert!(
        resumed
            .iter()
            .all(|asked| asked.verb == "GET" && asked.header("mcp-session-id") == Some("s-1"))
    );
}

#[tokio::test]
async fn a_stream_without_ids_cannot_be_taken_up_again() {
    let fake = Fake::legacy(|_| {
        Reply::Stream(vec![event(r#"{"jsonrpc":"2.0","method":"a"}"#), Piece::Cut])
    })
    .await;
    let (connection, _inbox) = open(&server(&fake.url("/mcp")), Era::Legacy).await;
    let answer = ask(&connection, 16, "tools/call").await.expect("a stream");
    assert_eq!(answer.last().map(String::as_str), Some("Broke"));
    assert_eq!(
        fake.count(|asked| asked.header("last-event-id").is_some()),
        0
    );
}

#[tokio::test]
async fn a_stream_that_never_goes_on_is_given_up() {
    let fake = Fake::legacy(|asked| match asked.header("last-event-id") {
        None => Reply::Stream(vec![Piece::Text("id: e\ndata:\n\n".into()), Piece::Cut]),
        Some(_) => Reply::Stream(vec![Piece::Cut]),
    })
    .await;
    let (connection, _inbox) = open(&server(&fake.url("/mcp")), Era::Legacy).await;
    assert_eq!(
        ask(&connection, 16, "tools/call").await.expect("a stream"),
        ["Broke"]
    );
    assert!(fake.count(|asked| asked.header("last-event-id").is_some()) <= 6);
}

#[tokio::test]
async fn a_session_that_is_gone_says_so() {
    let fake = Fake::legacy(|_| status(404)).await;
    let server = server(&fake.url("/mcp"));
    let (connection, _inbox) = open(&server, Era::Legacy).await;
    assert!(connection.is_alive());
    assert_eq!(
        ask(&connection, 16, "tools/call").await,
        Err(Fault::SessionGone)
    );
    assert!(!connection.is_alive());
    let (again, _inbox) = open(&server, Era::Legacy).await;
    assert!(again.is_alive(), "another session can be begun");
}

#[tokio::test]
async fn the_servers_own_stream_comes_into_the_inbox_and_is_taken_up_again() {
    let said = |n: u8| {
        format!(r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{{"n":{n}}}}}"#)
    };
    let fake = Fake::new(move |asked| {
        if asked.says("\"initialize\"") {
            return json(&crate::fake::hello("2025-06-18"));
        }
        match (asked.verb.as_str(), asked.header("last-event-id")) {
            ("GET", None) => Reply::Stream(vec![
                Piece::Text(format!("id: 1\ndata: {}\n\n", said(1))),
                Piece::Cut,
            ]),
            ("GET", Some("1")) => Reply::Stream(vec![
                Piece::Text(format!("id: 2\ndata: {}\n\n", said(2))),
                Piece::Hang,
            ]),
            _ => status(202),
        }
    })
    .await;
    let (connection, mut inbox) = open(&server(&fake.url("/mcp")), Era::Legacy).await;
    assert_eq!(next(&mut inbox).await, said(1));
    assert_eq!(next(&mut inbox).await, said(2));
    drop(connection);
    until("the stream is closed with its connection", || {
        fake.gone() == 1
    })
    .await;
}

#[tokio::test]
async fn dropping_a_legacy_request_does_not_close_its_connection() {
    let fake = Fake::legacy(|_| {
        Reply::Stream(vec![
            event(r#"{"jsonrpc":"2.0","method":"a"}"#),
            Piece::Pause(700),
            event(&result(16, "{}")),
            Piece::Hang,
        ])
    })
    .await;
    let (connection, _inbox) = open(&server(&fake.url("/mcp")), Era::Legacy).await;
    let mut replies = connection
        .request(call(16, "tools/call", "{}"))
        .await
        .expect("a stream");
    replies.next().await.expect("a message").expect("no fault");
    drop(replies);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(fake.gone(), 0, "it is not a cancellation");
    until("the answer is read to its end and thrown away", || {
        fake.gone() == 1
    })
    .await;
}

#[tokio::test]
async fn only_so_many_requests_are_in_flight() {
    let fake = Fake::legacy(|_| Reply::Stream(vec![Piece::Hang])).await;
    let (connection, _inbox) = open(&server(&fake.url("/mcp")), Era::Legacy).await;
    let mut kept = Vec::new();
    for id in 0..sallyport::mcp::upstream::IN_FLIGHT_MAX as u64 {
        kept.push(
            connection
                .request(call(16 + id, "tools/call", "{}"))
                .await
                .expect("room"),
        );
    }
    assert_eq!(
        connection.request(call(999, "ping", "{}")).await.err(),
        Some(Fault::Busy)
    );
}
