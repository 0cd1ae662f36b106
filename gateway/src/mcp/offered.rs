//! The tools that a server offers, asked for page by page over one connection.

use super::upstream::{Call, Connection, Era, Fault, Introduction};
use bytes::Bytes;
use sallyport_exchange::json::{Tape, Value};
use sallyport_exchange::mcp::{Message, Method, Shape};
use std::sync::Arc;

/// Pages of one list that are asked for.
const PAGES_MAX: usize = 200;
/// Tools of one server; one with more is not used.
const TOOLS_MAX: usize = 20_000;
/// Bytes of all declarations of one server.
const BYTES_MAX: usize = 32 << 20;
/// JSON-RPC: the server has no such method, so it has no tools.
const METHOD_NOT_FOUND: i64 = -32601;

/// Why there is no list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoList {
    /// The server gave no answer.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// More pages, tools or bytes than are looked at.
    #[error(
        "the tool server offers more than is looked at: {TOOLS_MAX} tools, {PAGES_MAX} pages or {BYTES_MAX} bytes"
    )]
    TooMuch,
    /// It answered with this error.
    #[error("the tool server answers `tools/list` with error {0}")]
    Error(i64),
}

/// Asks for all pages of `tools/list`: the JSON of each declaration, in the server's order. `number` gives ids that were
/// not used on this connection. A server that has no such method has no tools.
pub async fn tools(
    connection: &Connection,
    introduction: &Introduction,
    number: impl Fn() -> u64,
) -> Result<Vec<Arc<str>>, NoList> {
    let mut declarations: Vec<Arc<str>> = Vec::new();
    let mut bytes = 0;
    let mut cursor = None;
    for _ in 0..PAGES_MAX {
        let call = call(connection, introduction, number(), cursor.as_deref());
        let Some(page) = page(connection, call).await? else {
            return Ok(declarations);
        };
        let tape = Tape::read(&page).map_err(|_| Fault::Garbled)?;
        let result = tape.root().member("result");
        let tools = result.and_then(|r| r.member("tools"));
        for tool in tools.and_then(Value::elements).into_iter().flatten() {
            bytes += tool.raw().len();
            declarations.push(tool.raw().into());
        }
        if declarations.len() > TOOLS_MAX || bytes > BYTES_MAX {
            return Err(NoList::TooMuch);
        }
        let next = result
            .and_then(|r| r.member("nextCursor"))
            .filter(|next| !next.is_null());
        match next {
            Some(next) => cursor = Some(next.raw().to_owned()),
            None => return Ok(declarations),
        }
    }
    Err(NoList::TooMuch)
}

fn call(
    connection: &Connection,
    introduction: &Introduction,
    id: u64,
    cursor: Option<&str>,
) -> Call {
    let cursor = cursor.map_or(String::new(), |c| format!("\"cursor\":{c}"));
    let hello = connection.hello();
    let params = match hello.era {
        Era::Legacy => cursor,
        Era::Modern => {
            let meta = super::readdress::modern_meta(
                hello.revision.as_str(),
                &introduction.client_info,
                &introduction.capabilities,
            );
            let comma = if cursor.is_empty() { "" } else { "," };
            format!("\"_meta\":{{{meta}}}{comma}{cursor}")
        }
    };
    let body = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/list\",\"params\":{{{params}}}}}"
    );
    Call {
        headers: super::modern::headers(Method::ToolsList, None, Vec::new()),
        ..Call::new(id, body.into())
    }
}

/// One page; `None`: the server has no such list.
async fn page(connection: &Connection, call: Call) -> Result<Option<Bytes>, NoList> {
    let mut replies = connection.request(call).await?;
    while let Some(reply) = replies.next().await {
        let reply = reply?;
        let text = std::str::from_utf8(&reply).unwrap_or_default();
        match Message::read(text).map(|message| message.shape) {
            Ok(Shape::Result) => return Ok(Some(reply)),
            Ok(Shape::Error) => {
                return match error_code(text) {
                    METHOD_NOT_FOUND => Ok(None),
                    code => Err(NoList::Error(code)),
                };
            }
            _ => {}
        }
    }
    Err(Fault::Garbled.into())
}

fn error_code(text: &str) -> i64 {
    let tape = Tape::read_str(text).ok();
    let code = tape.and_then(|t| t.root().member("error")?.member("code")?.raw().parse().ok());
    code.unwrap_or_default()
}
