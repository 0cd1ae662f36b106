//! A tool server on a raw socket: it keeps every byte of each message it was sent, and answers as its script says.

use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// How long a server waits for the answer to its own question.
const ANSWER_TIME: Duration = Duration::from_secs(10);

/// One message as it came.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Request line and headers.
    pub head: String,
    /// The body as it came.
    pub text: String,
    /// The body as JSON; null where there is none.
    pub body: Value,
}

impl Heard {
    /// Its JSON-RPC method; empty if it has none.
    pub fn method(&self) -> &str {
        self.body["method"].as_str().unwrap_or_default()
    }

    /// What `params.name` says.
    pub fn name(&self) -> &str {
        self.body["params"]["name"].as_str().unwrap_or_default()
    }

    /// Whether head or body hold this text.
    pub fn holds(&self, text: &str) -> bool {
        self.head.contains(text) || self.text.contains(text)
    }
}

/// What the server does about a message.
#[derive(Clone, Debug)]
pub enum Does {
    /// What a plain server of its era does.
    TheUsual,
    /// Answers with this result.
    Result(Value),
    /// Answers with this error.
    Error(Value),
    /// Sends these messages as events, then the result.
    Tells(Vec<Value>, Value),
    /// Asks this question on the stream of the request, waits for its answer, and gives that back as the call's text.
    Asks(&'static str, Value),
    /// Sends these bytes.
    Bytes(Vec<u8>),
    /// Says nothing for ever.
    Silence,
    /// Hangs up.
    HangUp,
}

type Script = dyn Fn(&Heard) -> Does + Send + Sync;

#[derive(Default)]
struct Book {
    heard: Mutex<Vec<Heard>>,
    connections: std::sync::atomic::AtomicUsize,
    news: Notify,
    asked: std::sync::atomic::AtomicUsize,
}

/// A running server. It stops when this is dropped.
pub struct ToolServer {
    address: SocketAddr,
    book: Arc<Book>,
    serving: JoinHandle<()>,
}

impl ToolServer {
    /// One that speaks up to 2025-11-25, with sessions.
    pub async fn legacy(script: impl Fn(&Heard) -> Does + Send + Sync + 'static) -> Self {
        ToolServer::at("127.0.0.1:0", false, script).await
    }

    /// One that speaks 2026-07-28.
    pub async fn modern(script: impl Fn(&Heard) -> Does + Send + Sync + 'static) -> Self {
        ToolServer::at("127.0.0.1:0", true, script).await
    }

    /// One at this address.
    pub async fn at(
        address: &str,
        modern: bool,
        script: impl Fn(&Heard) -> Does + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let book = Arc::new(Book::default());
        let (kept, script): (_, Arc<Script>) = (book.clone(), Arc::new(script));
        let serving = tokio::spawn(async move {
            let mut conversations = tokio::task::JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let _ = socket.set_nodelay(true);
                kept.connections
                    .fetch_add(1, std::sync::atomic::Ordering::AcqRel);
                conversations.spawn(converse(socket, kept.clone(), script.clone(), modern));
            }
        });
        ToolServer {
            address,
            book,
            serving,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address as a URL.
    pub fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// Connections that were made to it.
    pub fn connections(&self) -> usize {
        self.book
            .connections
            .load(std::sync::atomic::Ordering::Acquire)
    }

    /// All that it heard.
    pub fn heard(&self) -> Vec<Heard> {
        self.book.heard.lock().expect("no test panicked").clone()
    }

    /// All that it heard with this method.
    pub fn heard_of(&self, method: &str) -> Vec<Heard> {
        let mut heard = self.heard();
        heard.retain(|one| one.method() == method);
        heard
    }

    /// Whether any message held this text.
    pub fn saw(&self, text: &str) -> bool {
        self.heard().iter().any(|one| one.holds(text))
    }

    /// Waits for a message of this kind.
    pub async fn hears(&self, what: &str, is: impl Fn(&Heard) -> bool) -> Heard {
        sallyport_tests::soon(what, wait_for(&self.book, is)).await
    }
}

impl Drop for ToolServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn wait_for(book: &Book, is: impl Fn(&Heard) -> bool) -> Heard {
    loop {
        let news = book.news.notified();
        tokio::pin!(news);
        news.as_mut().enable();
        let found = book
            .heard
            .lock()
            .expect("no panic")
            .iter()
            .find(|h| is(h))
            .cloned();
        if let Some(found) = found {
            return found;
        }
        news.await;
    }
}

async fn converse(mut socket: TcpStream, book: Arc<Book>, script: Arc<Script>, modern: bool) {
    let mut read = Vec::new();
    while let Some(heard) = hear(&mut socket, &mut read).await {
        book.heard
            .lock()
            .expect("no test panicked")
            .push(heard.clone());
        book.news.notify_waiters();
        let mut does = script(&heard);
        if matches!(does, Does::TheUsual) {
            does = usual(&heard, modern);
        }
        if !answer(&mut socket, &book, &heard, does).await {
            return;
        }
    }
}

async fn hear(socket: &mut TcpStream, read: &mut Vec<u8>) -> Option<Heard> {
    let end = loop {
        if let Some(at) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if socket.read_buf(read).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&read[..end]).into_owned();
    let length = head
        .to_ascii_lowercase()
        .split("content-length:")
        .nth(1)
        .and_then(|rest| rest.split("\r\n").next()?.trim().parse::<usize>().ok());
    while read.len() < end + length.unwrap_or(0) {
        if socket.read_buf(read).await.ok()? == 0 {
            return None;
        }
    }
    let rest = read.split_off(end + length.unwrap_or(0));
    let text = String::from_utf8_lossy(&read[end..]).into_owned();
    *read = rest;
    Some(Heard {
        head,
        body: serde_json::from_str(&text).unwrap_or(Value::Null),
        text,
    })
}

/// Answers. False: the connection is over.
async fn answer(socket: &mut TcpStream, book: &Book, heard: &Heard, does: Does) -> bool {
    let id = &heard.body["id"];
    let result = |result: &Value| json!({"jsonrpc": "2.0", "id": id, "result": result});
    let bytes = match does {
        Does::Result(value) => whole(200, &result(&value).to_string(), heard),
        Does::Error(error) => {
            let error = json!({"jsonrpc": "2.0", "id": id, "error": error});
            whole(200, &error.to_string(), heard)
        }
        Does::Tells(messages, value) => {
            let mut bytes = EVENTS.as_bytes().to_vec();
            let all = messages.iter().chain([]).cloned().chain([result(&value)]);
            all.for_each(|message| bytes.extend(event(&message)));
            bytes.extend(b"0\r\n\r\n");
            bytes
        }
        Does::Asks(method, params) => return ask(socket, book, heard, method, params).await,
        Does::Bytes(bytes) => bytes,
        Does::Silence => {
            std::future::pending::<()>().await;
            return false;
        }
        Does::HangUp => return false,
        Does::TheUsual => return false,
    };
    socket.write_all(&bytes).await.is_ok()
}

/// Asks a question of its own on the stream of a call, and ends the call with what was answered.
async fn ask(
    socket: &mut TcpStream,
    book: &Book,
    heard: &Heard,
    method: &str,
    params: Value,
) -> bool {
    let number = book.asked.fetch_add(1, std::sync::atomic::Ordering::AcqRel);
    let question_id = format!("question-{number}");
    let question = json!({"jsonrpc": "2.0", "id": question_id, "method": method, "params": params});
    let mut bytes = EVENTS.as_bytes().to_vec();
    bytes.extend(event(&question));
    if socket.write_all(&bytes).await.is_err() {
        return false;
    }
    let answers = |one: &Heard| one.body["id"] == question_id.as_str() && one.method().is_empty();
    let answered = tokio::time::timeout(ANSWER_TIME, wait_for(book, answers)).await;
    let told = answered.map_or("nothing".to_owned(), |one| one.text);
    let end = json!({"jsonrpc": "2.0", "id": heard.body["id"], "result": {"content": [{"type": "text", "text": told}]}});
    let mut bytes = event(&end);
    bytes.extend(b"0\r\n\r\n");
    socket.write_all(&bytes).await.is_ok()
}

const EVENTS: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// One message as an event in a chunk of its own.
pub fn event(message: &Value) -> Vec<u8> {
    let event = format!("event: message\ndata: {message}\n\n");
    format!("{:x}\r\n{event}\r\n", event.len()).into_bytes()
}

fn whole(status: u16, body: &str, heard: &Heard) -> Vec<u8> {
    let session = match heard.method() {
        "initialize" => "mcp-session-id: a-session\r\n",
        _ => "",
    };
    let length = body.len();
    format!("HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\n{session}content-length: {length}\r\n\r\n{body}").into_bytes()
}

/// Only a status.
pub fn status(status: u16) -> Does {
    Does::Bytes(format!("HTTP/1.1 {status} Said\r\ncontent-length: 0\r\n\r\n").into_bytes())
}

/// A tool of this name that takes a text.
pub fn tool(name: &str) -> Value {
    json!({"name": name, "description": format!("Does {name}."), "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}}})
}

fn usual(heard: &Heard, modern: bool) -> Does {
    if heard.head.starts_with("GET") {
        return status(405);
    }
    if heard.head.starts_with("DELETE") {
        return status(200);
    }
    if heard.body.get("id").is_none() || heard.method().is_empty() {
        return status(202);
    }
    let capabilities = json!({"tools": {"listChanged": true}, "resources": {"subscribe": true}, "prompts": {}, "completions": {}, "logging": {}});
    let result = match (heard.method(), modern) {
        ("initialize", false) => {
            let asked = &heard.body["params"]["protocolVersion"];
            json!({"protocolVersion": asked, "capabilities": capabilities, "serverInfo": {"name": "old", "version": "1"}})
        }
        ("server/discover", true) => {
            json!({"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": capabilities, "serverInfo": {"name": "new", "version": "1"}, "ttlMs": 60000, "cacheScope": "public"})
        }
        ("initialize", true) | ("server/discover", false) => {
            return Does::Error(json!({"code": -32601, "message": "no such method"}));
        }
        ("subscriptions/listen", _) => {
            let id = heard.body["id"].as_u64().unwrap_or(0);
            let told = json!({"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged", "params": {"notifications": {}, "_meta": {"io.modelcontextprotocol/subscriptionId": id}}});
            return Does::Tells(vec![told], json!({"resultType": "complete"}));
        }
        (method, _) => plain(method),
    };
    Does::Result(finished(result, modern))
}

fn finished(mut result: Value, modern: bool) -> Value {
    if modern {
        result["resultType"] = "complete".into();
        result["ttlMs"] = 60_000.into();
        result["cacheScope"] = "public".into();
    }
    result
}

fn plain(method: &str) -> Value {
    match method {
        "tools/list" => json!({"tools": [tool("echo"), tool("other")]}),
        "tools/call" => json!({"content": [{"type": "text", "text": "done"}]}),
        "resources/list" => json!({"resources": [{"uri": "file:///a", "name": "a"}]}),
        "resources/templates/list" => json!({"resourceTemplates": []}),
        "resources/read" => json!({"contents": [{"uri": "file:///a", "text": "read"}]}),
        "prompts/list" => json!({"prompts": [{"name": "hello"}]}),
        "prompts/get" => json!({"messages": []}),
        "completion/complete" => json!({"completion": {"values": []}}),
        "tasks/list" => json!({"tasks": []}),
        _ => json!({}),
    }
}
