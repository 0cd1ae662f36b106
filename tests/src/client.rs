//! An agent that sends exactly the bytes it is given.

use crate::gateway::RED_KEY;
use crate::soon;
use crate::wire::{self, Buffer, Message};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// A request to send.
#[derive(Clone, Debug)]
pub struct Ask {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    key: Option<String>,
}

impl Ask {
    /// A request without a body.
    pub fn get(path: &str) -> Self {
        Ask {
            method: "GET".into(),
            path: path.into(),
            headers: Vec::new(),
            body: None,
            key: Some(RED_KEY.into()),
        }
    }

    /// A JSON body, as text.
    pub fn post(path: &str, body: impl Into<Vec<u8>>) -> Self {
        let ask = Ask {
            method: "POST".into(),
            body: Some(body.into()),
            ..Ask::get(path)
        };
        ask.header("content-type", "application/json")
    }

    /// A chat completion of one user message.
    pub fn chat(words: &str) -> Self {
        Ask::chat_body(words, json!({}))
    }

    /// The same as a stream.
    pub fn chat_stream(words: &str) -> Self {
        Ask::chat_body(words, json!({"stream": true}))
    }

    fn chat_body(words: &str, more: Value) -> Self {
        let mut body =
            json!({"model": "demo-model", "messages": [{"role": "user", "content": words}]});
        for (key, value) in more.as_object().into_iter().flatten() {
            body[key] = value.clone();
        }
        Ask::post("/v1/chat/completions", body.to_string())
    }

    /// A message to Claude.
    pub fn message(words: &str) -> Self {
        let body = json!({"model": "demo-model", "max_tokens": 100, "messages": [{"role": "user", "content": words}]});
        Ask::post("/v1/messages", body.to_string()).header("anthropic-version", "2023-06-01")
    }

    /// Another method.
    pub fn method(mut self, method: &str) -> Self {
        self.method = method.into();
        self
    }

    /// One more header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Without a header that was added before.
    pub fn without(mut self, name: &str) -> Self {
        self.headers
            .retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        self
    }

    /// With this key instead.
    pub fn key(mut self, key: &str) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Without a key.
    pub fn no_key(mut self) -> Self {
        self.key = None;
        self
    }

    /// As it is sent.
    pub fn bytes(&self) -> Vec<u8> {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nhost: gateway\r\n",
            self.method, self.path
        );
        if let Some(key) = &self.key {
            head += &format!("authorization: Bearer {key}\r\n");
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let framed = self.headers.iter().any(|(name, _)| {
            name.eq_ignore_ascii_case("content-length")
                || name.eq_ignore_ascii_case("transfer-encoding")
        });
        if let (Some(body), false) = (&self.body, framed) {
            head += &format!("content-length: {}\r\n", body.len());
        }
        head += "\r\n";
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        bytes
    }

    pub(crate) fn verb(&self) -> &str {
        &self.method
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status; 0: the connection closed without one.
    pub status: u16,
    /// The head as it came.
    pub head: String,
    /// The body without its framing.
    pub body: Vec<u8>,
    /// The body as it came.
    pub raw_body: Vec<u8>,
    /// Whether the body ended where its framing says.
    pub complete: bool,
}

impl Answer {
    fn of(message: Option<Message>) -> Self {
        let message = message.unwrap_or_default();
        Answer {
            status: wire::status(&message.head),
            head: String::from_utf8_lossy(&message.head).into_owned(),
            body: message.body,
            raw_body: message.raw_body,
            complete: message.complete,
        }
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e} in the answer: {}{}", self.head, self.text()))
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<String> {
        wire::field(self.head.as_bytes(), name)
    }

    /// All headers, in order.
    pub fn headers(&self) -> Vec<(String, String)> {
        wire::fields(self.head.as_bytes()).collect()
    }

    /// The data of each event of a stream.
    pub fn events(&self) -> Vec<String> {
        self.text()
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .map(str::to_owned)
            .collect()
    }

    /// The code of an error in the OpenAI dialects.
    pub fn code(&self) -> String {
        self.json()["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

/// A connection on which any bytes can be sent.
#[derive(Debug)]
pub struct Raw {
    socket: TcpStream,
    buffer: Buffer,
}

impl Raw {
    /// Connects.
    pub async fn to(address: SocketAddr) -> Self {
        let socket = soon("connecting", TcpStream::connect(address))
            .await
            .expect("the gateway should accept");
        let _ = socket.set_nodelay(true);
        Raw {
            socket,
            buffer: Buffer::default(),
        }
    }

    /// Sends bytes. A gateway that has already closed is no failure here: what matters is what it says.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let _ = soon("sending", self.socket.write_all(bytes.as_ref())).await;
        self
    }

    /// Reads an answer to a request that is no HEAD.
    pub async fn answer(&mut self) -> Answer {
        self.answer_to("POST").await
    }

    /// Reads an answer to a request with this method.
    pub async fn answer_to(&mut self, method: &str) -> Answer {
        Answer::of(soon("an answer", self.buffer.answer(&mut self.socket, method)).await)
    }

    /// Sends a request and reads its answer.
    pub async fn ask(&mut self, ask: &Ask) -> Answer {
        self.send(ask.bytes()).await;
        self.answer_to(ask.verb()).await
    }

    /// Reads until what was read holds `text`, and gives all of it.
    pub async fn until(&mut self, text: &str) -> String {
        soon(text, async {
            while wire::find(self.buffer.bytes(), text.as_bytes()).is_none() {
                if !self.buffer.fill(&mut self.socket).await {
                    let read = String::from_utf8_lossy(self.buffer.bytes());
                    panic!("the connection closed before `{text}` came, after: {read}");
                }
            }
        })
        .await;
        String::from_utf8_lossy(self.buffer.bytes()).into_owned()
    }

    /// Reads until the other side closes.
    pub async fn rest(&mut self) -> Vec<u8> {
        soon("the end of the connection", async {
            while self.buffer.fill(&mut self.socket).await {}
        })
        .await;
        self.buffer.take()
    }

    /// Whether the other side closes within `time`. What it says before is kept.
    pub async fn closes_within(&mut self, time: Duration) -> bool {
        let read = async { while self.buffer.fill(&mut self.socket).await {} };
        tokio::time::timeout(time, read).await.is_ok()
    }

    /// The connection itself.
    pub fn socket(&mut self) -> &mut TcpStream {
        &mut self.socket
    }
}
