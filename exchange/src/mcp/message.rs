//! One JSON-RPC message: its shape, and where its envelope's values stand.

use super::BATCH_MAX;
use super::method::Method;
use crate::json::{Fault, JsonKind, KeyName, Malformed, Tape, Value};
use crate::span::Span;

/// The members of a message (JSON-RPC 2.0 §4, §5).
const ENVELOPE: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];
/// Longest method name that is looked at.
const METHOD_MAX: usize = 256;

/// What a message is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Shape {
    /// Has a method and an id.
    Request,
    /// Has a method and no id.
    Notification,
    /// Has an id and a result.
    Result,
    /// Has an error, and an id if the request could be read.
    Error,
}

/// A value of the envelope: where it stands, and what is written there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// In the body, quotes included.
    pub span: Span,
    /// The JSON written there.
    pub raw: String,
}

impl Place {
    fn of(value: Value<'_>) -> Self {
        Place {
            span: value.span(),
            raw: value.raw().to_owned(),
        }
    }

    /// The string it is, decoded; `None` if it is none.
    pub fn text(&self) -> Option<String> {
        let inner = self.raw.strip_prefix('"')?.strip_suffix('"')?;
        let mut text = String::with_capacity(inner.len());
        crate::json::string::decode(inner, &mut text);
        Some(text)
    }
}

/// A message, as far as a router needs to know it. All places are in the body it was read from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// Request, notification, result or error.
    pub shape: Shape,
    /// The method; [`Method::Other`] for responses.
    pub method: Method,
    /// The method as written; empty for responses.
    pub method_name: String,
    /// The id: a string or a whole number.
    pub id: Option<Place>,
    /// The whole `params`, `result` or `error`.
    pub content: Option<Span>,
    /// What is meant: `params.name`, `params.uri`, `params.taskId`, as the method has it.
    pub name: Option<Place>,
    /// `params._meta.progressToken` of a request, `params.progressToken` of a progress notification.
    pub progress_token: Option<Place>,
    /// `params.requestId` of a cancellation.
    pub request_id: Option<Place>,
    /// `params.cursor`.
    pub cursor: Option<Place>,
    /// `_meta["io.modelcontextprotocol/subscriptionId"]`: the id of the request that listens.
    pub subscription: Option<Place>,
    /// `params._meta`, or `result._meta`.
    pub meta: Option<Span>,
}

/// The members of one message, before they are understood.
#[derive(Clone, Copy)]
pub struct Envelope<'t> {
    /// The whole message.
    pub whole: Value<'t>,
    /// `id`, if it is there and not `null`.
    pub id: Option<Value<'t>>,
    /// `method`.
    pub method: Option<Value<'t>>,
    /// `params`.
    pub params: Option<Value<'t>>,
    /// `result`.
    pub result: Option<Value<'t>>,
    /// `error`.
    pub error: Option<Value<'t>>,
}

impl<'t> Envelope<'t> {
    /// Reads the envelope of a message; strict, so that no other parser takes it for something else.
    pub fn read(whole: Value<'t>) -> Result<Self, Malformed> {
        let mut envelope = Envelope {
            whole,
            id: None,
            method: None,
            params: None,
            result: None,
            error: None,
        };
        let mut version = None;
        let members = whole
            .members()
            .ok_or_else(|| fault(whole, Fault::Type("the message")))?;
        for (key, value) in members {
            match &*key.as_str().unwrap_or_default() {
                "jsonrpc" => version = Some(value),
                "id" => envelope.id = Some(value),
                "method" => envelope.method = Some(value),
                "params" => envelope.params = Some(value),
                "result" => envelope.result = Some(value),
                "error" => envelope.error = Some(value),
                other if ENVELOPE.iter().any(|k| k.eq_ignore_ascii_case(other)) => {
                    return Err(fault(key, Fault::LookalikeKey(KeyName::new(other))));
                }
                _ => {}
            }
        }
        match version {
            Some(version) if version.is_str("2.0") => envelope.check(),
            Some(version) => Err(fault(version, Fault::Type("jsonrpc"))),
            None => Err(fault(whole, Fault::Missing("jsonrpc"))),
        }
    }

    /// A message is a request, a notification, a result or an error, and not two of them at once.
    fn check(mut self) -> Result<Self, Malformed> {
        let whole_number = |id: Value<'_>| {
            let raw = id.raw().strip_prefix('-').unwrap_or(id.raw());
            raw.bytes().all(|b| b.is_ascii_digit())
        };
        match self.id {
            Some(id) if id.is_null() && self.error.is_some() => self.id = None,
            Some(id) if id.kind() == JsonKind::String => {}
            Some(id) if id.kind() == JsonKind::Number && whole_number(id) => {}
            Some(id) => return Err(fault(id, Fault::Type("id"))),
            None => {}
        }
        if let Some(method) = self.method
            && (method.kind() != JsonKind::String || method.raw().len() > METHOD_MAX)
        {
            return Err(fault(method, Fault::Type("method")));
        }
        if let Some(params) = self.params
            && params.kind() != JsonKind::Object
        {
            return Err(fault(params, Fault::Type("params")));
        }
        if let Some(error) = self.error
            && error.kind() != JsonKind::Object
        {
            return Err(fault(error, Fault::Type("error")));
        }
        let kinds = [
            self.method.is_some(),
            self.result.is_some(),
            self.error.is_some(),
        ];
        let stray_params = self.method.is_none() && self.params.is_some();
        if kinds.into_iter().filter(|is| *is).count() != 1 || stray_params {
            return Err(fault(self.whole, Fault::Type("the message")));
        }
        if self.result.is_some() && self.id.is_none() {
            return Err(fault(self.whole, Fault::Missing("id")));
        }
        Ok(self)
    }

    /// What it is.
    pub fn shape(&self) -> Shape {
        match (self.method, self.id, self.error) {
            (Some(_), Some(_), _) => Shape::Request,
            (Some(_), None, _) => Shape::Notification,
            (None, _, Some(_)) => Shape::Error,
            (None, ..) => Shape::Result,
        }
    }

    /// The method's name; empty for responses.
    pub fn method_name(&self) -> String {
        let name = self.method.and_then(Value::as_str);
        name.map(|name| name.into_owned()).unwrap_or_default()
    }
}

impl Message {
    /// Reads one message from a body that holds just that.
    pub fn read(body: &str) -> Result<Message, Malformed> {
        let tape = Tape::read_str(body)?;
        Message::of(tape.root())
    }

    /// Reads one message.
    pub fn of(whole: Value<'_>) -> Result<Message, Malformed> {
        let envelope = Envelope::read(whole)?;
        let method_name = envelope.method_name();
        let method = Method::of(&method_name);
        let params = envelope.params;
        let param = |key: &str| params.and_then(|params| params.member(key));
        let content = params.or(envelope.result).or(envelope.error);
        let meta = content.and_then(|content| content.member("_meta"));
        let progress_token = match method {
            Method::Progress => param("progressToken"),
            _ => params.and(meta).and_then(|m| m.member("progressToken")),
        };
        Ok(Message {
            shape: envelope.shape(),
            method,
            id: envelope.id.map(Place::of),
            content: content.map(Value::span),
            name: method.name_key().and_then(param).map(Place::of),
            progress_token: progress_token.map(Place::of),
            request_id: (method == Method::Cancelled)
                .then(|| param("requestId"))
                .flatten()
                .map(Place::of),
            cursor: param("cursor").map(Place::of),
            subscription: meta
                .and_then(|m| m.member("io.modelcontextprotocol/subscriptionId"))
                .map(Place::of),
            meta: meta.map(Value::span),
            method_name,
        })
    }

    /// Whether it answers a request.
    pub fn is_response(&self) -> bool {
        matches!(self.shape, Shape::Result | Shape::Error)
    }
}

/// Where the messages of a body stand: one, or those of a batch.
pub fn envelopes(body: &str) -> Result<Vec<Span>, Malformed> {
    let tape = Tape::read_str(body)?;
    let root = tape.root();
    let Some(elements) = root.elements() else {
        return Ok(vec![root.span()]);
    };
    let spans: Vec<Span> = elements.map(Value::span).take(BATCH_MAX + 1).collect();
    match spans.len() {
        0 => Err(fault(root, Fault::Type("the batch"))),
        n if n > BATCH_MAX => Err(fault(root, Fault::Values)),
        _ => Ok(spans),
    }
}

fn fault(at: Value<'_>, fault: Fault) -> Malformed {
    Malformed {
        at: at.span().start as usize,
        fault,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(body: &str) -> Result<Shape, Fault> {
        Message::read(body).map(|m| m.shape).map_err(|e| e.fault)
    }

    #[test]
    fn a_message_is_one_thing_and_says_so() {
        for (body, expected) in [
            (
                r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
                Shape::Request,
            ),
            (
                r#"{"jsonrpc":"2.0","id":"1","method":"x/y","params":{}}"#,
                Shape::Request,
            ),
            (
                r#"{"jsonrpc":"2.0","method":"notifications/x"}"#,
                Shape::Notification,
            ),
            (r#"{"jsonrpc":"2.0","id":-7,"result":{}}"#, Shape::Result),
            (
                r#"{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":""}}"#,
                Shape::Error,
            ),
            (
                r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":""}}"#,
                Shape::Error,
            ),
        ] {
            assert_eq!(shape(body), Ok(expected), "{body}");
        }
    }

    #[test]
    fn what_could_be_two_things_is_refused() {
        for body in [
            r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
            r#"{"id":1,"method":"ping"}"#,
            r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1e3,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":["ping"]}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{},"params":{}}"#,
            r#"{"jsonrpc":"2.0","result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"Method":"tools/call","method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping"} {}"#,
            "null",
        ] {
            assert!(shape(body).is_err(), "{body}");
        }
    }

    #[test]
    fn names_that_only_look_like_a_method_are_others() {
        for name in [
            "Tools/call",
            "tools/call ",
            "tools\u{2215}call",
            "tools//call",
            "",
        ] {
            assert_eq!(Method::of(name), Method::Other, "{name:?}");
        }
        for method in Method::ALL {
            assert_eq!(Method::of(method.as_str()), *method);
        }
    }

    #[test]
    fn places_are_where_the_values_stand() {
        let body = r#"{"jsonrpc":"2.0","id":"a\u0062","method":"tools/call","params":{"name":"t","arguments":{"name":"no"},"_meta":{"progressToken":7}}}"#;
        let message = Message::read(body).expect("reads");
        for place in [&message.id, &message.name, &message.progress_token] {
            let place = place.as_ref().expect("is there");
            assert_eq!(&body[place.span.range()], place.raw);
        }
        assert_eq!(message.id.and_then(|id| id.text()).as_deref(), Some("ab"));
        assert_eq!(message.name.map(|n| n.raw).as_deref(), Some("\"t\""));
    }
}
