//! What a modern request says in headers, against what it says in its body.

use crate::catalogue;
use crate::message::{Failure, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde_json::{Map, Value};

/// Checks `Mcp-Method`, `Mcp-Name` and `Mcp-Param-*`.
pub(crate) fn check(headers: &HeaderMap, request: &Request) -> Result<(), Failure> {
    agree(headers, "Mcp-Method", Some(request.method.clone()))?;
    let name = match request.method.as_str() {
        "tools/call" | "prompts/get" => Some(request.text("name")),
        "resources/read" => Some(request.text("uri")),
        _ => None,
    };
    if let Some(name) = name {
        agree(headers, "Mcp-Name", Some(name.to_owned()))?;
    }
    if request.method == "tools/call"
        && let Some(tool) = catalogue::entry("tools", request.text("name"))
    {
        let none = Map::new();
        let arguments = request
            .params
            .get("arguments")
            .and_then(Value::as_object)
            .unwrap_or(&none);
        params(headers, &tool["inputSchema"], arguments)?;
    }
    Ok(())
}

/// Checks the headers of one level of a schema, and of those below.
fn params(headers: &HeaderMap, schema: &Value, given: &Map<String, Value>) -> Result<(), Failure> {
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(name) = property.get("x-mcp-header").and_then(Value::as_str) {
            let expected = match given.get(key) {
                None | Some(Value::Null) => None,
                Some(Value::String(text)) => Some(text.clone()),
                Some(other) => Some(other.to_string()),
            };
            agree(headers, &format!("Mcp-Param-{name}"), expected)?;
        }
        if let Some(Value::Object(below)) = given.get(key) {
            params(headers, property, below)?;
        }
    }
    Ok(())
}

fn agree(headers: &HeaderMap, name: &str, expected: Option<String>) -> Result<(), Failure> {
    let mismatch = |why: &str| Err(Failure::new(-32020, &format!("{name}: {why}")));
    let mut values = headers.get_all(name).iter();
    let came = match (values.next(), values.next()) {
        (Some(value), None) => value,
        (None, _) if expected.is_none() => return Ok(()),
        (None, _) => return mismatch("the header is missing"),
        (Some(_), Some(_)) => return mismatch("the header comes twice"),
    };
    let Some(came) = came.to_str().ok().and_then(decoded) else {
        return mismatch("the header cannot be read");
    };
    match expected {
        Some(expected) if expected == came => Ok(()),
        Some(_) => mismatch("header and body differ"),
        None => mismatch("the body has no such value"),
    }
}

/// A header's value, out of its base64 if it wears it. `None`: it wears it wrongly.
fn decoded(value: &str) -> Option<String> {
    match value
        .strip_prefix("=?base64?")
        .and_then(|rest| rest.strip_suffix("?="))
    {
        Some(inner) => String::from_utf8(STANDARD.decode(inner).ok()?).ok(),
        None => Some(value.to_owned()),
    }
}
