//! JSON-RPC messages, as far as a server needs them.

use serde_json::{Map, Value, json};

/// What a client may send.
#[derive(Clone, Debug)]
pub(crate) enum Incoming {
    Request(Request),
    Notification {
        method: String,
        params: Value,
    },
    Response {
        id: Value,
        outcome: Result<Value, Value>,
    },
}

/// A request of a client.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// As it was written: `1` and `"1"` are two ids.
    pub id: Value,
    pub method: String,
    /// An object, empty if it was absent.
    pub params: Value,
}

impl Request {
    /// One member of `params._meta`.
    pub fn meta(&self, key: &str) -> Option<&Value> {
        self.params.get("_meta")?.get(key)
    }

    /// `params.name`, or another text in `params`.
    pub fn text(&self, key: &str) -> &str {
        self.params
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

impl Incoming {
    /// Reads one message. What is none gets the answer that JSON-RPC has for it.
    pub fn read(bytes: &[u8]) -> Result<Incoming, Failure> {
        let message: Value =
            serde_json::from_slice(bytes).map_err(|e| Failure::new(-32700, &e.to_string()))?;
        let invalid = || Failure::new(-32600, "this is no JSON-RPC message").id(&message["id"]);
        if message["jsonrpc"] != "2.0" {
            return Err(invalid());
        }
        let id = message.get("id").cloned();
        let params = message.get("params").cloned().unwrap_or_else(|| json!({}));
        match (message["method"].as_str(), id) {
            (Some(method), Some(id)) if id.is_string() || id.is_i64() || id.is_u64() => {
                Ok(Incoming::Request(Request {
                    id,
                    method: method.to_owned(),
                    params,
                }))
            }
            (Some(method), None) => Ok(Incoming::Notification {
                method: method.to_owned(),
                params,
            }),
            (None, Some(id)) => match (message.get("result"), message.get("error")) {
                (Some(result), None) => Ok(Incoming::Response {
                    id,
                    outcome: Ok(result.clone()),
                }),
                (None, Some(error)) => Ok(Incoming::Response {
                    id,
                    outcome: Err(error.clone()),
                }),
                _ => Err(invalid()),
            },
            _ => Err(invalid()),
        }
    }
}

/// An error of JSON-RPC, and the HTTP status that goes with it in the modern era.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub code: i64,
    pub message: String,
    pub data: Option<Value>,
    /// The status over HTTP where the answer is not yet under way.
    pub status: u16,
    /// The id, where no request was understood.
    pub id: Option<Value>,
}

impl Failure {
    pub fn new(code: i64, message: &str) -> Self {
        let status = match code {
            -32601 => 404,
            -32700 | -32600 | -32099..=-32020 => 400,
            _ => 200,
        };
        Failure {
            code,
            message: message.to_owned(),
            data: None,
            status,
            id: None,
        }
    }

    pub fn data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }

    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    fn id(mut self, id: &Value) -> Self {
        self.id = (id.is_string() || id.is_number()).then(|| id.clone());
        self
    }

    /// The message.
    pub fn answer(&self, id: Option<&Value>) -> Value {
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some(data) = &self.data {
            error["data"] = data.clone();
        }
        let mut message = Map::from_iter([
            ("jsonrpc".to_owned(), json!("2.0")),
            ("error".to_owned(), error),
        ]);
        if let Some(id) = id.or(self.id.as_ref()) {
            message.insert("id".to_owned(), id.clone());
        }
        Value::Object(message)
    }
}

/// The answer to a request.
pub(crate) fn answer(id: &Value, outcome: &Result<Value, Failure>) -> Value {
    match outcome {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err(failure) => failure.answer(Some(id)),
    }
}

/// A request to the client.
pub(crate) fn request(id: &str, method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

/// A notification.
pub(crate) fn notification(method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "method": method, "params": params})
}
