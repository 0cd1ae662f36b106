//! An agent that speaks HTTP/2.

use crate::soon;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// Opens a connection with prior knowledge.
pub async fn connect(address: SocketAddr) -> SendRequest<Full<Bytes>> {
    let socket = soon("connecting", TcpStream::connect(address))
        .await
        .expect("the gateway should accept");
    let shaken = soon(
        "the handshake",
        handshake(TokioExecutor::new(), TokioIo::new(socket)),
    )
    .await;
    let (sender, connection) = shaken.expect("the gateway should speak HTTP/2");
    tokio::spawn(connection);
    sender
}

/// A POST of JSON with a key.
pub fn post(path: &str, key: &str, json: &str) -> Request<Full<Bytes>> {
    Request::post(format!("http://gateway{path}"))
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(json.to_owned())))
        .expect("a request")
}

/// Sends a request and reads its whole answer.
pub async fn ask(
    sender: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Response<Bytes> {
    let response = soon("an answer", sender.send_request(request))
        .await
        .expect("an answer");
    let (head, body) = response.into_parts();
    let body = soon("the body", body.collect())
        .await
        .expect("a body")
        .to_bytes();
    Response::from_parts(head, body)
}
