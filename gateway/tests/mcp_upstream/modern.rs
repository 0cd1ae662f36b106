//! Streamable HTTP of the modern era.

use crate::fake::{Fake, Piece, Reply, event, json, result};
use crate::{all, call, open, server, until};
use http::{HeaderName, HeaderValue};
use sallyport::mcp::upstream::{Call, Era, Fault, Revision};

fn tool_call(id: u64) -> Call {
    let header = |name, value| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    Call {
        headers: vec![
            header("mcp-method", "tools/call"),
            header("mcp-name", "t"),
            header("mcp-param-region", "x"),
        ],
        ..call(id, "tools/call", r#"{"name":"t"}"#)
    }
}

#[tokio::test]
async fn every_request_stands_alone_with_its_headers() {
    let fake = Fake::modern(|_| json(&result(16, r#"{"resultType":"complete"}"#))).await;
    let (connection, _inbox) = open(&server(&fake.url("/mcp")), Era::Modern).await;
    assert_eq!(connection.hello().era, Era::Modern);
    assert_eq!(connection.hello().revision, Revision::V2026_07_28);
    assert!(connection.hello().result.contains("supportedVersions"));
    let mut replies = connection.request(tool_call(16)).await.expect("an answer");
    assert_eq!((replies.status(), replies.is_stream()), (200, false));
    assert_eq!(all(&mut replies).await.len(), 1);
    connection.close().await;
    let asked = fake.asked();
    assert_eq!(asked.len(), 2, "nothing but the two requests: {asked:?}");
    assert_eq!(asked[0].header("mcp-method"), Some("server/discover"));
    assert_eq!(asked[1].header("mcp-param-region"), Some("x"));
    for asked in asked {
        assert_eq!(asked.header("mcp-protocol-version"), Some("2026-07-28"));
        assert_eq!(asked.header("mcp-session-id"), None);
    }
}

#[tokio::test]
async fn an_error_with_its_status_is_an_answer() {
    for status in [400, 404, 500] {
        let error =
            r#"{"jsonrpc":"2.0","id":16,"error":{"code":-32021,"message":"m","data":{"x":1}}}"#;
        let fake = Fake::modern(move |_| {
            Reply::Whole(
                status,
                "content-type: application/json\r\n".into(),
                error.into(),
            )
        })
        .await;
        let (connection, _inbox) = open(&server(&fake.url("/mcp")), Era::Modern).await;
        let mut replies = connection.request(tool_call(16)).await.expect("an answer");
        assert_eq!(replies.status(), status);
        assert_eq!(all(&mut replies).await, [error]);
        assert!(connection.is_alive());
    }
}

#[tokio::test]
async fn an_error_of_no_request_is_a_refusal() {
    for (status, body) in [
        (404, "not here"),
        (
            400,
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600}}"#,
        ),
        (403, ""),
    ] {
        let fake = Fake::modern(move |_| {
            Reply::Whole(
                status,
                "content-type: application/json\r\n".into(),
                body.into(),
            )
        })
        .await;
        let (connection, _inbox) = open(&server(&fake.url("/mcp")), Era::Modern).await;
        assert_eq!(
            connection.request(tool_call(16)).await.err(),
            Some(Fault::Refused { status })
        );
    }
}

#[tokio::test]
async fn dropping_the_replies_cancels() {
    let fake = Fake::modern(|_| {
        Reply::Stream(vec![
            event(r#"{"jsonrpc":"2.0","method":"a"}"#),
            Piece::Hang,
        ])
    })
    .await;
    let (connection, _inbox) = open(&server(&fake.url("/mcp")), Era::Modern).await;
    let mut replies = connection.request(tool_call(16)).await.expect("a stream");
    replies.next().await.expect("a message").expect("no fault");
    assert_eq!(fake.gone(), 0);
    drop(replies);
    until("the connection is closed", || fake.gone() == 1).await;
}

#[tokio::test]
async fn a_subscription_stays_on_its_stream_and_the_server_asks_nothing() {
    let tagged = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":16}}}"#;
    let fake = Fake::modern(move |_| {
        Reply::Stream(vec![
            event(tagged),
            event(r#"{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage"}"#),
            event(tagged),
            event(&result(16, "{}")),
        ])
    })
    .await;
    let (connection, _inbox) = open(&server(&fake.url("/mcp")), Era::Modern).await;
    let listen = Call {
        lasts: true,
        ..call(16, "subscriptions/listen", "{}")
    };
    let mut replies = connection.request(listen).await.expect("a stream");
    assert_eq!(all(&mut replies).await, [tagged, tagged, &result(16, "{}")]);
}

#[tokio::test]
async fn a_broken_stream_is_not_taken_up_again() {
    let fake =
        Fake::modern(|_| Reply::Stream(vec![Piece::Text("id: 1\ndata:\n\n".into()), Piece::Cut]))
            .await;
    let (connection, _inbox) = open(&server(&fake.url("/mcp")), Era::Modern).await;
    let mut replies = connection.request(tool_call(16)).await.expect("a stream");
    assert_eq!(all(&mut replies).await, ["Broke"]);
    assert_eq!(fake.count(|asked| asked.verb == "GET"), 0);
}
