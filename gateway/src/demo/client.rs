//! The demo's agent: asks the gateway over HTTP, and reads whole and streamed answers.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::io::{Error, Result};
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// What the agent got.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// The HTTP status.
    pub status: u16,
    /// The decision id.
    pub id: String,
    /// The body as it came.
    pub body: String,
    /// What the model said.
    pub text: String,
    /// Tools that the agent may now call.
    pub calls: Vec<String>,
    /// Tools that a tool server offers.
    pub offers: Option<Vec<String>>,
    /// The error, if there is one: in place of an answer, or at the end of a stream.
    pub error: Option<String>,
}

impl Heard {
    /// All of it in one line.
    pub fn told(&self) -> String {
        let calls = self.calls.iter().map(|call| format!("calls {call}"));
        let offers = self
            .offers
            .iter()
            .map(|names| format!("offers {}", names.join(", ")));
        let error = self.error.iter().map(|error| format!("error: {error}"));
        let text = Some(self.text.clone()).filter(|text| !text.is_empty());
        text.into_iter()
            .chain(calls)
            .chain(offers)
            .chain(error)
            .collect::<Vec<_>>()
            .join(" ⏎ ")
    }

    /// Adds what a whole answer, or an event of a stream, says.
    fn hear(&mut self, said: &Value) {
        let texts = [
            &said["choices"][0]["message"]["content"],
            &said["choices"][0]["delta"]["content"],
            &said["delta"]["text"],
            &said["content"][0]["text"],
            &said["result"]["content"][0]["text"],
        ];
        texts
            .iter()
            .filter_map(|text| text.as_str())
            .for_each(|text| self.text.push_str(text));
        let calls = [
            &said["choices"][0]["message"]["tool_calls"][0]["function"]["name"],
            &said["choices"][0]["delta"]["tool_calls"][0]["function"]["name"],
            &said["content_block"]["name"],
            &said["content"][0]["name"],
        ];
        self.calls.extend(
            calls
                .iter()
                .filter_map(|name| name.as_str())
                .map(str::to_owned),
        );
        if let Some(tools) = said["result"]["tools"].as_array() {
            let names = tools.iter().filter_map(|tool| tool["name"].as_str());
            self.offers = Some(names.map(str::to_owned).collect());
        }
        if let Some(error) = said["error"]["message"].as_str() {
            self.error = Some(error.to_owned());
        }
    }
}

/// Sends one request on a fresh connection, as an SDK would.
pub(super) async fn ask(gateway: SocketAddr, path: &str, key: &str, body: &Value) -> Result<Heard> {
    let socket = TcpStream::connect(gateway).await?;
    let (mut sender, connection) = handshake(TokioIo::new(socket))
        .await
        .map_err(Error::other)?;
    tokio::spawn(connection);
    let mut request = Request::post(path)
        .header("host", gateway.to_string())
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json");
    if path == "/v1/messages" {
        request = request.header("anthropic-version", "2023-06-01");
    }
    if path.starts_with("/mcp") {
        request = request
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", body["method"].as_str().unwrap_or_default());
        if let Some(name) = body["params"]["name"].as_str() {
            request = request.header("mcp-name", name);
        }
    }
    let request = request
        .body(Full::new(Bytes::from(body.to_string())))
        .map_err(Error::other)?;
    let response = sender.send_request(request).await.map_err(Error::other)?;
    let id = response
        .headers()
        .get("x-sallyport-id")
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default();
    let mut heard = Heard {
        status: response.status().as_u16(),
        id: id.to_owned(),
        ..Heard::default()
    };
    let body = response
        .into_body()
        .collect()
        .await
        .map_err(Error::other)?
        .to_bytes();
    heard.body = String::from_utf8_lossy(&body).into_owned();
    read(&mut heard);
    Ok(heard)
}

fn read(heard: &mut Heard) {
    let body = heard.body.clone();
    if let Ok(whole) = serde_json::from_str(&body) {
        return heard.hear(&whole);
    }
    let data = body.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter_map(|data| serde_json::from_str(data).ok())
        .for_each(|event| heard.hear(&event));
}
