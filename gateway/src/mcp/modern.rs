//! The modern era on the wire: what a request must carry, and the headers that mirror it
//! (2026-07-28, Streamable HTTP, Request Metadata and Server Validation).

use super::door::Heads;
use crate::edge::failure::RpcFault;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use sallyport_exchange::json::{JsonKind, Value};
use sallyport_exchange::mcp::{Code, Era, Message, Method, Revision};

/// `_meta` of a request names the revision by this.
pub const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES_KEY: &str = "io.modelcontextprotocol/clientCapabilities";
const CLIENT_KEY: &str = "io.modelcontextprotocol/clientInfo";
/// How a value that headers cannot carry is written (Value Encoding).
const SENTINEL: (&str, &str) = ("=?base64?", "?=");

/// How a modern agent introduces itself in each request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Introduced {
    /// The revision.
    pub revision: Revision,
    /// `clientInfo`, as JSON.
    pub client_info: String,
    /// `clientCapabilities`, as JSON.
    pub capabilities: String,
}

/// Whether a message is of the modern era: its `_meta` says so, or else its header.
pub fn is_modern(root: Value<'_>, heads: &Heads) -> bool {
    let meta = root.member("params").and_then(|p| p.member("_meta"));
    meta.is_some_and(|meta| meta.member(VERSION_KEY).is_some()) || heads.is_modern()
}

/// Checks a modern request: `_meta`, then the version, then the headers against the body.
pub fn check(
    root: Value<'_>,
    message: &Message,
    heads: &Heads,
    headers: &HeaderMap,
) -> Result<Introduced, RpcFault> {
    let introduced = introduced(root, heads)?;
    check_mirror(message, headers)?;
    Ok(introduced)
}

fn introduced(root: Value<'_>, heads: &Heads) -> Result<Introduced, RpcFault> {
    let params = |say: &str| RpcFault::bad_request(Code::InvalidParams, say);
    let mismatch = |say: &str| RpcFault::bad_request(Code::HeaderMismatch, say);
    let meta = root.member("params").and_then(|p| p.member("_meta"));
    let meta = meta.ok_or_else(|| params("`params._meta` is missing."))?;
    let version = meta
        .member(VERSION_KEY)
        .and_then(Value::as_str)
        .ok_or_else(|| params("`_meta` must name the protocol version."))?;
    let capabilities = meta
        .member(CAPABILITIES_KEY)
        .filter(|c| c.kind() == JsonKind::Object)
        .ok_or_else(|| params("`_meta` must hold the client's capabilities."))?;
    match heads.version.as_deref() {
        None => {
            return Err(mismatch("The header `MCP-Protocol-Version` is missing."));
        }
        Some(header) if header != version => {
            return Err(mismatch("`MCP-Protocol-Version` differs from `_meta`."));
        }
        Some(_) => {}
    }
    let revision = match Revision::of(&version) {
        Some(revision) if revision.era() == Era::Modern => revision,
        _ => return Err(unsupported(&version)),
    };
    let client_info = meta
        .member(CLIENT_KEY)
        .filter(|c| c.kind() == JsonKind::Object)
        .map_or("{\"name\":\"unnamed\",\"version\":\"0\"}", Value::raw);
    Ok(Introduced {
        revision,
        client_info: client_info.to_owned(),
        capabilities: capabilities.raw().to_owned(),
    })
}

fn unsupported(version: &str) -> RpcFault {
    let shown: String = version
        .chars()
        .filter(|c| !c.is_control())
        .take(64)
        .collect();
    let requested = sallyport_exchange::json::string::quoted(&shown);
    RpcFault {
        data: Some(format!(
            "{{\"supported\":[\"{}\"],\"requested\":{requested}}}",
            Revision::MODERN
        )),
        ..RpcFault::bad_request(
            Code::UnsupportedVersion,
            "This protocol version is not spoken here.",
        )
    }
}

/// The mirrored headers must say what the body says.
fn check_mirror(message: &Message, headers: &HeaderMap) -> Result<(), RpcFault> {
    let mismatch = |say: &str| RpcFault::bad_request(Code::HeaderMismatch, say);
    match one(headers, "mcp-method") {
        Some(method) if method == message.method_name => {}
        Some(_) => return Err(mismatch("`Mcp-Method` differs from the body.")),
        None => return Err(mismatch("The header `Mcp-Method` is missing.")),
    }
    if !message.method.is_named_in_header() {
        return Ok(());
    }
    let Some(name) = message.name.as_ref().and_then(|name| name.text()) else {
        return Err(RpcFault::bad_request(
            Code::InvalidParams,
            "The name or address is missing.",
        ));
    };
    let header = one(headers, "mcp-name").map(decoded);
    match header {
        Some(Some(header)) if header == name => Ok(()),
        Some(_) => Err(mismatch("`Mcp-Name` differs from the body.")),
        None => Err(mismatch("The header `Mcp-Name` is missing.")),
    }
}

/// The headers `Mcp-Param-*` as the agent sent them.
pub fn sent_params(headers: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("mcp-param-"))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Checks mirrored arguments that the agent sent against those that its body demands.
pub fn check_params(
    sent: &[(HeaderName, HeaderValue)],
    demanded: &[(HeaderName, HeaderValue)],
) -> Result<(), RpcFault> {
    let text = |value: &HeaderValue| decoded(value.to_str().ok().unwrap_or("").trim());
    for (name, value) in demanded {
        let mut found = sent.iter().filter(|(sent, _)| sent == name);
        let matches = match (found.next(), found.next()) {
            (Some((_, sent)), None) => match (text(sent), text(value)) {
                (Some(sent), Some(value)) => same(&sent, &value),
                _ => false,
            },
            _ => false,
        };
        if !matches {
            return Err(RpcFault::bad_request(
                Code::HeaderMismatch,
                format!("The header `{name}` differs from the body."),
            ));
        }
    }
    Ok(())
}

/// Integers compare as numbers.
fn same(one: &str, other: &str) -> bool {
    one == other || matches!((one.parse::<i64>(), other.parse::<i64>()), (Ok(a), Ok(b)) if a == b)
}

fn one<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    if values.next().is_some() {
        return Some("");
    }
    Some(first.to_str().unwrap_or("").trim())
}

/// What a header value means; `None` if it begins as base64 and is none.
fn decoded(value: &str) -> Option<String> {
    let inner = value
        .strip_prefix(SENTINEL.0)
        .and_then(|v| v.strip_suffix(SENTINEL.1));
    match inner {
        Some(inner) => {
            let bytes = STANDARD.decode(inner).ok()?;
            String::from_utf8(bytes).ok()
        }
        None => Some(value.to_owned()),
    }
}

/// A text as a header value: as it is if headers can carry it, else in base64.
pub fn header_value(text: &str) -> String {
    let plain = text.bytes().all(|b| (0x20..0x7f).contains(&b));
    let poses = text.starts_with(SENTINEL.0) && text.ends_with(SENTINEL.1);
    if plain && text.trim() == text && !poses {
        return text.to_owned();
    }
    format!("{}{}{}", SENTINEL.0, STANDARD.encode(text), SENTINEL.1)
}

/// The headers of a modern request to a server.
pub fn headers(
    method: Method,
    name: Option<&str>,
    params: Vec<(HeaderName, HeaderValue)>,
) -> Vec<(HeaderName, HeaderValue)> {
    named_headers(method.as_str(), name, params)
}

/// The same for a method by name.
pub fn named_headers(
    method: &str,
    name: Option<&str>,
    params: Vec<(HeaderName, HeaderValue)>,
) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = params;
    let mut add = |header: &'static str, text: &str| {
        if let Ok(value) = HeaderValue::try_from(header_value(text)) {
            headers.push((HeaderName::from_static(header), value));
        }
    };
    add("mcp-method", method);
    if let Some(name) = name {
        add("mcp-name", name);
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_headers_cannot_carry_are_wrapped() {
        for text in ["plain", "a b", "", "=?base64?", "SGVsbG8="] {
            assert_eq!(header_value(text), text);
        }
        for text in [" edge", "Köln", "a\nb", "=?base64?SGVsbG8=?="] {
            let value = header_value(text);
            assert_eq!(decoded(&value).as_deref(), Some(text), "{text:?}");
            assert!(value.is_ascii());
        }
        for odd in ["=?base64?SGVsbG8?=", "=?base64?SGVs!!!bG8=?="] {
            assert_eq!(decoded(odd), None, "{odd}");
        }
    }
}
