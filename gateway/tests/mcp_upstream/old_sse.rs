//! HTTP+SSE, the transport of 2024.

use crate::fake::{Asked, Fake, Piece, Reply, event, hello, json, result, status};
use crate::{ask, introduction, next, open, open_with, server};
use sallyport::mcp::upstream::{Era, Fault, Revision};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

/// A server that answers posts over its one stream.
async fn two_channels() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut stream = None;
        while let Ok((socket, _)) = listener.accept().await {
            let mut socket = BufReader::new(socket);
            let mut first = String::new();
            let _ = socket.read_line(&mut first).await;
            let (mut line, mut length) = (String::new(), 0);
            while line.trim() != "" || line.is_empty() {
                line.clear();
                let _ = socket.read_line(&mut line).await;
                if let Some(n) = line.to_lowercase().strip_prefix("content-length:") {
                    length = n.trim().parse().unwrap_or(0);
                }
            }
            let mut body = vec![0; length];
            let _ = socket.read_exact(&mut body).await;
            let body = String::from_utf8(body).expect("text");
            if first.starts_with("GET /sse") {
                let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\nevent: endpoint\ndata: /post?s=1\n\n").await;
                stream = Some(socket);
                continue;
            }
            let taken = first.starts_with("POST /post?s=1 ");
            let status = if taken { "202 Accepted" } else { "405 No" };
            let head =
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = socket.write_all(head.as_bytes()).await;
            let says = if body.contains("\"initialize\"") {
                hello("2024-11-05")
            } else if body.contains("\"id\":16") {
                format!(
                    "{}\n\ndata: {}",
                    r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#,
                    result(16, "{}")
                )
            } else {
                continue;
            };
            if let Some(stream) = stream.as_mut().filter(|_| taken) {
                let _ = stream
                    .write_all(format!("event: message\ndata: {says}\n\n").as_bytes())
                    .await;
            }
        }
    });
    address
}

#[tokio::test]
async fn it_is_found_and_spoken() {
    let address = two_channels().await;
    for transport in ["auto", "sse"] {
        let server = server(&format!(
            "url: http://{address}/sse\ntransport: {transport}"
        ));
        let (connection, mut inbox) = open(&server, Era::Modern).await;
        assert_eq!(connection.hello().revision, Revision::V2024_11_05);
        let answer = ask(&connection, 16, "tools/list").await.expect("an answer");
        assert_eq!(answer, [result(16, "{}")]);
        assert!(next(&mut inbox).await.contains("list_changed"));
        connection.close().await;
        assert!(!connection.is_alive());
    }
}

#[tokio::test]
async fn an_endpoint_elsewhere_is_refused() {
    for endpoint in [
        "http://127.0.0.1:1/post",
        "//example.com/post",
        "https://example.com/",
    ] {
        let fake = Fake::new(move |_: &Asked| {
            Reply::Stream(vec![
                Piece::Text(format!("event: endpoint\ndata: {endpoint}\n\n")),
                Piece::Hang,
            ])
        })
        .await;
        let server = server(&format!("{}\ntransport: sse", fake.url("/sse")));
        let refused = open_with(&server, &introduction(Era::Legacy)).await;
        assert_eq!(refused.err(), Some(Fault::Garbled), "{endpoint}");
        assert_eq!(fake.count(|asked| asked.verb == "POST"), 0);
    }
}

#[tokio::test]
async fn the_end_of_the_stream_ends_what_is_in_flight() {
    let fake = Fake::new(|asked| match asked.verb.as_str() {
        "GET" => Reply::Stream(vec![
            Piece::Text("event: endpoint\ndata: /post\n\n".into()),
            Piece::Pause(200),
            event(&hello("2024-11-05")),
            Piece::Pause(500),
            Piece::Cut,
        ]),
        _ if asked.says("now") => json("{}"),
        _ => status(202),
    })
    .await;
    let server = server(&format!("{}\ntransport: sse", fake.url("/sse")));
    let (connection, _inbox) = open(&server, Era::Legacy).await;
    assert_eq!(
        ask(&connection, 16, "tools/call").await.expect("sent"),
        ["Broke"]
    );
    assert!(!connection.is_alive());
}
