//! A tool server that always answers the same: results of 1 KB and 100 KB, and a list of 500 tools. It speaks both
//! eras of the Model Context Protocol and does no more than it must: it looks for the id and the method where the
//! callers of these measurements write them, at the beginning of the body.

use crate::corpus::{tool_text, words};
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::net::{TcpListener, TcpStream};

/// Tools of the first server.
pub const TOOLS: usize = 500;
/// Tools of the second server.
pub const SECOND_TOOLS: usize = 20;
/// The tool whose result takes about 1 KB.
pub const SMALL: &str = "search_notes";
/// The tool whose result takes about 100 KB.
pub const LARGE: &str = "read_report";
/// The newest revision with sessions.
pub const LEGACY: &str = "2025-11-25";
/// The revision without sessions.
pub const MODERN: &str = "2026-07-28";
/// Where the second server is asked; any other path is the first one's.
const SECOND: &str = "/desk";

/// Verbs and nouns that name the tools. The policy that is measured hides the tools of [`HIDDEN`].
const VERBS: [&str; 25] = [
    "get",
    "list",
    "search",
    "create",
    "update",
    "delete",
    "archive",
    "assign",
    "comment_on",
    "count",
    "describe",
    "duplicate",
    "export",
    "import",
    "label",
    "link",
    "lock",
    "merge",
    "purge",
    "rename",
    "reopen",
    "schedule",
    "subscribe_to",
    "summarise",
    "validate",
];
/// Verbs that the guard's library takes for deleting.
pub const HIDDEN: [&str; 2] = ["delete", "purge"];
const NOUNS: [&str; 20] = [
    "ticket",
    "account",
    "invoice",
    "page",
    "pull_request",
    "branch",
    "release",
    "pipeline",
    "dashboard",
    "alert",
    "contact",
    "calendar_event",
    "document",
    "folder",
    "project",
    "sprint",
    "customer",
    "contract",
    "asset",
    "report_template",
];

/// What is answered, without ids: the members of `result`.
struct Answers {
    small: String,
    large: String,
    list: String,
    second_list: String,
}

/// Serves on a thread of its own until the process ends.
pub fn start() -> std::io::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("tools".into())
        .spawn(move || runtime.block_on(serve(listener)))?;
    Ok(address)
}

async fn serve(listener: std::net::TcpListener) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    let answers = Arc::new(Answers {
        small: members(&result(1 << 10)),
        large: members(&result(100 << 10)),
        list: members(&json!({"tools": tools(TOOLS)})),
        second_list: members(&json!({"tools": tools(SECOND_TOOLS)})),
    });
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        tokio::spawn(connection(stream, answers.clone()));
    }
}

async fn connection(stream: TcpStream, answers: Arc<Answers>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(request, answers.clone()));
    // A caller that hangs up is nothing to tell.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(
    request: Request<Incoming>,
    answers: Arc<Answers>,
) -> Result<Response<Whole>, Infallible> {
    let is_modern = request
        .headers()
        .get("mcp-protocol-version")
        .is_some_and(|version| version == MODERN);
    let is_second = request.uri().path() == SECOND;
    if request.method() != Method::POST {
        // No stream of its own; and a session ends when it likes.
        return Ok(empty(StatusCode::METHOD_NOT_ALLOWED));
    }
    let body = whole(request.into_body()).await;
    let text = std::str::from_utf8(&body).unwrap_or_default();
    let after = |mark: &str| text.split_once(mark).map_or("", |(_, rest)| rest);
    let until = |rest: &'_ str, end: char| rest.split(end).next().unwrap_or_default().to_owned();
    let method = until(after("\"method\":\""), '"');
    let members = match method.as_str() {
        "tools/call" => match until(after("\"name\":\""), '"') == LARGE {
            true => &answers.large,
            false => &answers.small,
        },
        "tools/list" if is_second => &answers.second_list,
        "tools/list" => &answers.list,
        "initialize" => INITIALIZED,
        "server/discover" => DISCOVERED,
        _ => return Ok(empty(StatusCode::ACCEPTED)),
    };
    let id = until(after("\"id\":"), ',');
    let kind = match is_modern {
        true => "\"resultType\":\"complete\",\"ttlMs\":0,\"cacheScope\":\"private\",",
        false => "",
    };
    let body = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{{kind}{members}}}}}");
    let mut response = Response::new(Whole(Some(body.into())));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if method == "initialize" {
        headers.insert("mcp-session-id", HeaderValue::from_static("bench-session"));
    }
    Ok(response)
}

const INITIALIZED: &str = r#""protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"bench","version":"1"}"#;
const DISCOVERED: &str = r#""supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"serverInfo":{"name":"bench","version":"1"}"#;

fn empty(status: StatusCode) -> Response<Whole> {
    let mut response = Response::new(Whole(None));
    *response.status_mut() = status;
    response
}

async fn whole(mut body: Incoming) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(Ok(frame)) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await
    {
        if let Some(data) = frame.data_ref() {
            bytes.extend_from_slice(data);
        }
    }
    bytes
}

/// A body in one piece.
struct Whole(Option<Bytes>);

impl Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

/// An object's members, as JSON without braces.
fn members(object: &Value) -> String {
    let text = object.to_string();
    text[1..text.len() - 1].to_owned()
}

/// A tool's result of about so many bytes.
pub fn result(bytes: usize) -> Value {
    json!({"content": [{"type": "text", "text": tool_text(bytes - 64)}], "isError": false})
}

/// The arguments of a call: about 1 KB with its envelope.
pub fn arguments() -> Value {
    json!({"query": "invoices that were sent twice", "limit": 20, "state": "open",
        "paths": ["src/billing/invoice.rs", "src/billing/mailer.rs", "docs/runbooks/invoices.md"], "context": words(650, 0)})
}

/// So many tools, the two that are called among them.
pub fn tools(count: usize) -> Vec<Value> {
    let named = [SMALL.to_owned(), LARGE.to_owned()];
    let others = NOUNS
        .iter()
        .flat_map(|noun| VERBS.map(|verb| format!("{verb}_{noun}")));
    let named = named.into_iter().chain(others).take(count);
    named
        .enumerate()
        .map(|(at, name)| tool(at, &name))
        .collect()
}

/// A tool as servers declare them: what it does, when to use it, and a schema that says what each argument means.
fn tool(at: usize, name: &str) -> Value {
    let seed = at as u64;
    json!({
        "name": name,
        "title": name.replace('_', " "),
        "description": format!("Performs `{name}` for the team that the key belongs to. {} Returns at most `limit` entries.", words(160, seed)),
        "inputSchema": {
            "type": "object",
            "properties": {
                "query": {"type": "string", "description": words(60, seed + 1), "maxLength": 4096},
                "limit": {"type": "integer", "minimum": 1, "maximum": 200, "default": 20, "description": "How many entries are returned."},
                "state": {"type": "string", "enum": ["open", "closed", "all"], "description": "Which entries are looked at."},
                "paths": {"type": "array", "items": {"type": "string"}, "maxItems": 64, "description": words(40, seed + 2)},
                "context": {"type": "string", "description": "Why this is asked, in a few words."},
            },
            "required": ["query"],
            "additionalProperties": false,
        },
        "annotations": {"readOnlyHint": at.is_multiple_of(2)},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_served_has_the_size_that_tables_say() {
        let list = json!(tools(TOOLS)).to_string();
        assert_eq!(tools(TOOLS).len(), TOOLS);
        assert!(
            (300 << 10..900 << 10).contains(&list.len()),
            "500 tools are as long as real ones: {} bytes",
            list.len()
        );
        for bytes in [1 << 10, 100 << 10] {
            let size = result(bytes).to_string().len();
            let least = bytes - bytes / 20;
            assert!((least..=bytes + 64).contains(&size), "{size} of {bytes}");
        }
        let arguments = arguments().to_string().len();
        assert!((800..=1024).contains(&arguments), "{arguments}");
    }
}
