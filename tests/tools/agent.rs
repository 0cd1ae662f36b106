//! Agents of both eras, who send what they are told to.

use crate::house::key;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sallyport_tests::{Answer, Ask, Raw, Running};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The revision without sessions.
pub const MODERN: &str = "2026-07-28";
/// The last one with sessions.
pub const LEGACY: &str = "2025-11-25";
/// All that an agent can do.
const CAPABLE: &str = r#"{"sampling":{},"elicitation":{},"roots":{"listChanged":true}}"#;

/// An agent at a door.
#[derive(Clone)]
pub struct Agent {
    at: SocketAddr,
    /// The door.
    pub path: String,
    team: String,
    /// What it speaks.
    pub revision: String,
    /// Its session, if it has one.
    pub session: Option<String>,
    /// Its `clientInfo`.
    pub info: Value,
    numbers: Arc<AtomicU64>,
}

/// What came back.
#[derive(Debug)]
pub struct Said {
    /// The HTTP status.
    pub status: u16,
    /// Head and body as they came.
    pub raw: String,
    /// All messages, in order.
    pub messages: Vec<Value>,
    id: Value,
}

impl Said {
    fn of(answer: &Answer, id: Value) -> Said {
        let text = answer.text();
        let messages = match serde_json::from_str::<Value>(&text) {
            Ok(Value::Array(batch)) => batch,
            Ok(one) => vec![one],
            Err(_) => answer
                .events()
                .iter()
                .filter_map(|data| serde_json::from_str(data).ok())
                .collect(),
        };
        Said {
            status: answer.status,
            raw: format!("{}{text}", answer.head),
            messages,
            id,
        }
    }

    /// The response under the request's own id.
    pub fn response(&self) -> &Value {
        let found = self.messages.iter().find(|m| {
            m["id"] == self.id && (m.get("result").is_some() || m.get("error").is_some())
        });
        found.unwrap_or_else(|| panic!("no response to {}: {}", self.id, self.raw))
    }

    /// Its result.
    pub fn result(&self) -> &Value {
        let response = self.response();
        assert!(response.get("result").is_some(), "an error: {response}");
        &response["result"]
    }

    /// Its error's code.
    pub fn code(&self) -> i64 {
        self.response()["error"]["code"].as_i64().unwrap_or(0)
    }

    /// Whether it says no: an error, or a result that is one, under the request's own id.
    pub fn is_refused(&self) -> bool {
        let response = self.response();
        response.get("error").is_some() || response["result"]["isError"] == true
    }

    /// The text of a tool's result.
    pub fn text(&self) -> String {
        let content = &self.result()["content"][0]["text"];
        content.as_str().unwrap_or_default().to_owned()
    }
}

impl Agent {
    /// One who has said nothing yet.
    pub fn new(gateway: &Running, path: &str, team: &str, revision: &str) -> Agent {
        Agent {
            at: gateway.agents,
            path: path.to_owned(),
            team: team.to_owned(),
            revision: revision.to_owned(),
            session: None,
            info: json!({"name": "tester", "version": "1"}),
            numbers: Arc::new(AtomicU64::new(1)),
        }
    }

    /// One who has begun: of the legacy era, with a session.
    pub async fn open(gateway: &Running, path: &str, team: &str, revision: &str) -> Agent {
        let mut agent = Agent::new(gateway, path, team, revision);
        if !agent.is_modern() {
            let said = agent.initialize().await;
            assert!(!said.is_refused(), "initialize: {}", said.raw);
            let noted = agent.notify("notifications/initialized", json!({})).await;
            assert_eq!(noted.status, 202, "{}", noted.raw);
        }
        agent
    }

    /// Whether it speaks the revision without sessions.
    pub fn is_modern(&self) -> bool {
        self.revision == MODERN
    }

    /// Begins a session.
    pub async fn initialize(&mut self) -> Said {
        let params = json!({"protocolVersion": self.revision, "capabilities": capable(), "clientInfo": self.info});
        let id = self.number();
        let body = json!({"jsonrpc": "2.0", "id": id, "method": "initialize", "params": params});
        let answer = self.post(&body.to_string(), &[]).await;
        self.session = answer.header("mcp-session-id");
        Said::of(&answer, id.into())
    }

    /// The next id.
    pub fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// A request as its era writes it: the id, the body.
    pub fn message(&self, method: &str, mut params: Value) -> Value {
        if self.is_modern() {
            let meta = &mut params["_meta"];
            meta["io.modelcontextprotocol/protocolVersion"] = MODERN.into();
            meta["io.modelcontextprotocol/clientCapabilities"] = capable();
            meta["io.modelcontextprotocol/clientInfo"] = self.info.clone();
        }
        json!({"jsonrpc": "2.0", "id": self.number(), "method": method, "params": params})
    }

    /// The HTTP request that carries a message.
    pub fn carry(&self, message: &Value) -> Ask {
        let ask = self.bare(message.to_string());
        if !self.is_modern() {
            return ask;
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let method = text(&message["method"]).unwrap_or_default();
        let params = &message["params"];
        let name = match &*method {
            "tools/call" | "prompts/get" => text(&params["name"]),
            "resources/read" => text(&params["uri"]),
            _ => None,
        };
        let ask = ask
            .header("mcp-protocol-version", MODERN)
            .header("mcp-method", &method);
        match name {
            Some(name) => ask.header("mcp-name", &in_header(&name)),
            None => ask,
        }
    }

    /// A POST with this body, key and session, and nothing that a revision demands.
    pub fn bare(&self, body: impl Into<Vec<u8>>) -> Ask {
        let ask = Ask::post(&self.path, body)
            .key(&key(&self.team))
            .header("accept", "application/json, text/event-stream");
        match &self.session {
            Some(session) => ask
                .header("mcp-session-id", session)
                .header("mcp-protocol-version", &self.revision),
            None => ask,
        }
    }

    async fn post(&self, body: &str, headers: &[(&str, &str)]) -> Answer {
        let ask = headers.iter().fold(self.bare(body), |ask, (name, value)| {
            ask.header(name, value)
        });
        self.connection().await.ask(&ask).await
    }

    /// A connection of its own.
    pub async fn connection(&self) -> Raw {
        Raw::to(self.at).await
    }

    /// Sends a body with these headers more.
    pub async fn sends(&self, body: &str, headers: &[(&str, &str)]) -> Said {
        let id = serde_json::from_str::<Value>(body).map_or(Value::Null, |body| body["id"].clone());
        Said::of(&self.post(body, headers).await, id)
    }

    /// Sends a message as its era does.
    pub async fn send(&self, message: &Value) -> Said {
        let answer = self.connection().await.ask(&self.carry(message)).await;
        Said::of(&answer, message["id"].clone())
    }

    /// Asks.
    pub async fn ask(&self, method: &str, params: Value) -> Said {
        self.send(&self.message(method, params)).await
    }

    /// Calls a tool.
    pub async fn call(&self, tool: &str, arguments: Value) -> Said {
        let params = json!({"name": tool, "arguments": arguments});
        self.ask("tools/call", params).await
    }

    /// Tells.
    pub async fn notify(&self, method: &str, params: Value) -> Said {
        let message = json!({"jsonrpc": "2.0", "method": method, "params": params});
        self.send(&message).await
    }

    /// Sends a call and gives the connection on which its answer will come.
    pub async fn begin(&self, method: &str, params: Value) -> (Raw, Value) {
        let message = self.message(method, params);
        let mut raw = self.connection().await;
        raw.send(self.carry(&message).bytes()).await;
        (raw, message["id"].clone())
    }

    /// Answers a question of a server.
    pub async fn answers(&self, id: &Value, result: Value) -> Said {
        let message = json!({"jsonrpc": "2.0", "id": id, "result": result});
        self.send(&message).await
    }

    /// The names of the tools in its list.
    pub async fn tools(&self) -> Vec<String> {
        let said = self.ask("tools/list", json!({})).await;
        let tools = said.result()["tools"].as_array().cloned();
        let names = tools.unwrap_or_default().into_iter();
        names
            .map(|tool| tool["name"].as_str().unwrap_or("(none)").to_owned())
            .collect()
    }
}

/// Reads a call's answer to its end.
pub async fn end_of(raw: &mut Raw, id: Value) -> Said {
    let answer = raw.answer().await;
    Said::of(&answer, id)
}

/// The question within what was read of a stream so far.
pub fn question_in(read: &str, method: &str) -> Value {
    let datas = read.lines().filter_map(|line| line.strip_prefix("data: "));
    let mut messages = datas.filter_map(|data| serde_json::from_str::<Value>(data).ok());
    let found = messages.find(|message| message["method"] == method);
    found.unwrap_or_else(|| panic!("no {method} in {read}"))
}

/// As headers carry it (2026-07-28, Value Encoding).
fn in_header(name: &str) -> String {
    let plain = name.bytes().all(|b| (0x20..0x7f).contains(&b)) && name.trim() == name;
    match plain {
        true => name.to_owned(),
        false => format!("=?base64?{}?=", STANDARD.encode(name)),
    }
}

fn capable() -> Value {
    serde_json::from_str(CAPABLE).expect("is JSON")
}
