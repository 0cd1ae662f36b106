//! From a method and a path to what is asked for, decided once on one normal form.

use crate::mcp::door::Door;
use http::{HeaderMap, Method};
use sallyport_exchange::{Dialect, Operation};

/// Longest path and query that are read, in bytes.
pub const TARGET_MAX: usize = 4096;

/// What a request line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// How the agent speaks here.
    pub dialect: Dialect,
    /// What it wants.
    pub operation: Operation,
    /// Whether a JSON body must come with it.
    pub has_body: bool,
    /// The id of provider-side state that the path names.
    pub stored: Option<String>,
    /// Which tool servers, if it is a door to some.
    pub door: Option<Door>,
}

/// Why a request line leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unrouted {
    /// The path is not in normal form: dots, escapes, doubled slashes, odd characters.
    BadPath,
    /// No such endpoint.
    NoSuchPath,
    /// The endpoint exists, but not for this method.
    WrongMethod,
    /// A WebSocket handshake: refused with 426 so that clients fall back to HTTP at once.
    WebSocket,
}

impl Endpoint {
    /// Finds the endpoint, or says why there is none. `path` comes without its query.
    pub fn find(method: &Method, path: &[u8], headers: &HeaderMap) -> Result<Endpoint, Unrouted> {
        let path = normal_form(path)?;
        if let Some(door) = Door::of(path) {
            return tools(method, door, headers);
        }
        let segments: Vec<&str> = path[1..].split('/').collect();
        let anthropic = headers.contains_key("anthropic-version");
        let (dialect, operation, verb) = match segments.as_slice() {
            ["v1", "chat", "completions"] => (Dialect::OpenAiChat, Operation::Chat, Verb::Post),
            ["v1", "completions"] => (Dialect::OpenAiChat, Operation::Complete, Verb::Post),
            ["v1", "embeddings"] => (Dialect::OpenAiChat, Operation::Embed, Verb::Post),
            ["v1", "models"] | ["v1", "models", ..] if segments.len() <= 4 => {
                let dialect = if anthropic {
                    Dialect::Anthropic
                } else {
                    Dialect::OpenAiChat
                };
                (dialect, Operation::Models, Verb::Get)
            }
            ["v1", "responses"] => (Dialect::OpenAiResponses, Operation::Chat, Verb::Post),
            ["v1", "responses", "input_tokens"] => {
                (Dialect::OpenAiResponses, Operation::CountTokens, Verb::Post)
            }
            ["v1", "responses", "compact"] => {
                (Dialect::OpenAiResponses, Operation::Chat, Verb::Post)
            }
            ["v1", "responses", id] => return stored(method, id, Verb::GetOrDelete),
            ["v1", "responses", id, "cancel"] => return stored(method, id, Verb::EmptyPost),
            ["v1", "responses", id, "input_items"] => return stored(method, id, Verb::Get),
            ["v1", "messages"] => (Dialect::Anthropic, Operation::Chat, Verb::Post),
            ["v1", "messages", "count_tokens"] => {
                (Dialect::Anthropic, Operation::CountTokens, Verb::Post)
            }
            _ => return Err(Unrouted::NoSuchPath),
        };
        if is_websocket(headers) {
            return Err(Unrouted::WebSocket);
        }
        verb.check(method)?;
        Ok(Endpoint {
            dialect,
            operation,
            has_body: verb == Verb::Post,
            stored: None,
            door: None,
        })
    }
}

/// Which methods an endpoint takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Post,
    EmptyPost,
    Get,
    GetOrDelete,
}

impl Verb {
    fn check(self, method: &Method) -> Result<(), Unrouted> {
        let fits = match self {
            Verb::Post | Verb::EmptyPost => method == Method::POST,
            Verb::Get => method == Method::GET,
            Verb::GetOrDelete => method == Method::GET || method == Method::DELETE,
        };
        if fits {
            Ok(())
        } else {
            Err(Unrouted::WrongMethod)
        }
    }
}

fn stored(method: &Method, id: &str, verb: Verb) -> Result<Endpoint, Unrouted> {
    verb.check(method)?;
    Ok(Endpoint {
        dialect: Dialect::OpenAiResponses,
        operation: Operation::Stored,
        has_body: false,
        stored: Some(id.to_owned()),
        door: None,
    })
}

fn tools(method: &Method, door: Door, headers: &HeaderMap) -> Result<Endpoint, Unrouted> {
    if is_websocket(headers) {
        return Err(Unrouted::WebSocket);
    }
    if ![Method::POST, Method::GET, Method::DELETE].contains(method) {
        return Err(Unrouted::WrongMethod);
    }
    Ok(Endpoint {
        dialect: Dialect::Mcp,
        operation: Operation::Connect,
        has_body: method == Method::POST,
        stored: None,
        door: Some(door),
    })
}

fn is_websocket(headers: &HeaderMap) -> bool {
    headers
        .get(http::header::UPGRADE)
        .is_some_and(|v| v.as_bytes().to_ascii_lowercase().starts_with(b"websocket"))
}

/// How the dialect of a path that leads nowhere is guessed, so that even that refusal is in the
/// caller's own words.
pub fn likely_dialect(path: &[u8], headers: &HeaderMap) -> Dialect {
    if path.starts_with(b"/mcp") {
        Dialect::Mcp
    } else if path.starts_with(b"/v1/messages") || headers.contains_key("anthropic-version") {
        Dialect::Anthropic
    } else if path.starts_with(b"/v1/responses") {
        Dialect::OpenAiResponses
    } else {
        Dialect::OpenAiChat
    }
}

/// The path if it is in the one form that all parsers read alike: visible segments of plain characters,
/// no empty or dot segment, nothing escaped. Anything else is refused rather than mended, so that what
/// was judged is what is forwarded.
fn normal_form(path: &[u8]) -> Result<&str, Unrouted> {
    let plain = |b: &u8| matches!(b, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b':' | b'@');
    let text = std::str::from_utf8(path).map_err(|_| Unrouted::BadPath)?;
    let odd_segment = |s: &str| s.is_empty() || s == "." || s == "..";
    if path.len() > TARGET_MAX
        || !path.iter().all(plain)
        || !text.starts_with('/')
        || text[1..].split('/').any(odd_segment)
    {
        return Err(Unrouted::BadPath);
    }
    Ok(text)
}

/// Whether a query string is plain enough to be forwarded.
pub fn is_plain_query(query: &str) -> bool {
    query.len() <= TARGET_MAX && query.bytes().all(|b| b.is_ascii_graphic() && b != b'#')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(method: Method, path: &str) -> Result<Endpoint, Unrouted> {
        Endpoint::find(&method, path.as_bytes(), &HeaderMap::new())
    }

    #[test]
    fn known_endpoints_are_found() {
        for (method, path, operation) in [
            (Method::POST, "/v1/chat/completions", Operation::Chat),
            (Method::POST, "/v1/messages", Operation::Chat),
            (
                Method::POST,
                "/v1/messages/count_tokens",
                Operation::CountTokens,
            ),
            (Method::POST, "/v1/responses", Operation::Chat),
            (Method::GET, "/v1/models/gpt-5:mini", Operation::Models),
            (Method::DELETE, "/v1/responses/resp_1", Operation::Stored),
        ] {
            assert_eq!(
                find(method, path).map(|e| e.operation),
                Ok(operation),
                "{path}"
            );
        }
    }

    #[test]
    fn every_trick_with_a_path_is_refused() {
        for path in [
            "//v1/chat/completions",
            "/v1/./chat/completions",
            "/v1/x/../chat/completions",
            "/v1/..;/chat/completions",
            "/v1/chat%2fcompletions",
            "/v1/%63hat/completions",
            "/v1/chat/completions/",
            "/v1/chat\\completions",
            "/v1/chat/completions;a=b",
            "/v1/chat/completions\u{0}",
            "/v1/chät/completions",
            "v1/chat/completions",
            "",
        ] {
            assert_eq!(find(Method::POST, path), Err(Unrouted::BadPath), "{path:?}");
        }
        for path in [
            "/",
            "/v1",
            "/V1/chat/completions",
            "/v1/files",
            "/v1/chat",
            "/v1/realtime",
        ] {
            let found = find(Method::POST, path);
            assert!(
                matches!(found, Err(Unrouted::NoSuchPath | Unrouted::BadPath)),
                "{path}: {found:?}"
            );
        }
        assert_eq!(
            find(Method::GET, "/v1/chat/completions"),
            Err(Unrouted::WrongMethod)
        );
    }
}
