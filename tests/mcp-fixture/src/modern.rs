//! What a request of 2026-07-28 must be like before it is served.

use crate::catalogue::{LEGACY, MODERN};
use crate::headers;
use crate::message::{Failure, Request};
use http::HeaderMap;
use serde_json::{Value, json};

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// The header of both eras that names the revision.
pub(crate) const VERSION_HEADER: &str = "mcp-protocol-version";

/// Whether these headers are of the modern era, or of one that is yet to come.
pub(crate) fn speaks(headers: &HeaderMap) -> bool {
    let version = headers.get(VERSION_HEADER);
    version.is_some_and(|version| LEGACY.iter().all(|known| version != known))
}

/// Whether a request is of the modern era by what it says itself.
pub(crate) fn is_modern(request: &Request) -> bool {
    request.meta(VERSION).is_some()
}

/// Checks a request's `_meta`.
pub(crate) fn check_meta(request: &Request) -> Result<&str, Failure> {
    let lacks = |key: &str| Failure::new(-32602, &format!("_meta lacks {key}")).status(400);
    let version = request
        .meta(VERSION)
        .and_then(Value::as_str)
        .ok_or_else(|| lacks(VERSION))?;
    let capabilities = request.meta(CAPABILITIES).filter(|known| known.is_object());
    capabilities.ok_or_else(|| lacks(CAPABILITIES))?;
    Ok(version)
}

/// Checks the revision.
pub(crate) fn check_version(version: &str) -> Result<(), Failure> {
    if version == MODERN {
        return Ok(());
    }
    let data = json!({"supported": [MODERN], "requested": version});
    Err(Failure::new(-32022, "this revision is not spoken here").data(data))
}

/// Checks a request that came over HTTP.
pub(crate) fn check(headers: &HeaderMap, request: &Request) -> Result<(), Failure> {
    let version = check_meta(request)?;
    if headers
        .get(VERSION_HEADER)
        .is_none_or(|header| header != version)
    {
        return Err(Failure::new(
            -32020,
            "MCP-Protocol-Version: header and body differ",
        ));
    }
    check_version(version)?;
    headers::check(headers, request)
}
