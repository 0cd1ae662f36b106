//! What the server offers: `catalogue.json`, whole or in pages.

use crate::message::Failure;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// The revisions of the legacy era that are spoken, newest first.
pub(crate) const LEGACY: [&str; 3] = ["2025-11-25", "2025-06-18", "2025-03-26"];
/// The revision of the modern era that is spoken.
pub(crate) const MODERN: &str = "2026-07-28";

/// A picture of one red dot.
pub(crate) const IMAGE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
/// One sample of silence.
pub(crate) const SOUND: &str = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";

static CATALOGUE: LazyLock<Value> = LazyLock::new(|| {
    let mut catalogue: Value =
        serde_json::from_str(include_str!("catalogue.json")).unwrap_or_default();
    for tool in catalogue["tools"].as_array_mut().into_iter().flatten() {
        if tool.get("inputSchema").is_none() {
            tool["inputSchema"] = json!({"type": "object", "properties": {}});
        }
    }
    catalogue
});

/// All entries of a kind, such as `tools`.
pub(crate) fn entries(kind: &str) -> &'static [Value] {
    CATALOGUE[kind].as_array().map_or(&[], Vec::as_slice)
}

/// The entry with this name.
pub(crate) fn entry(kind: &str, name: &str) -> Option<&'static Value> {
    entries(kind).iter().find(|entry| entry["name"] == name)
}

/// One page of a list, and the cursor of the next.
pub(crate) fn page(kind: &str, params: &Value, size: usize) -> Result<Value, Failure> {
    let all = entries(kind);
    let first = match params.get("cursor") {
        None => 0,
        Some(cursor) => cursor
            .as_str()
            .and_then(|cursor| cursor.strip_prefix("from-")?.parse().ok())
            .filter(|first| *first < all.len())
            .ok_or_else(|| Failure::new(-32602, "no such cursor"))?,
    };
    let end = all.len().min(first.saturating_add(size));
    let mut result = json!({kind: all[first..end]});
    if end < all.len() {
        result["nextCursor"] = json!(format!("from-{end}"));
    }
    Ok(result)
}

/// What the server can do.
pub(crate) fn capabilities() -> Value {
    json!({
        "tools": {"listChanged": true},
        "resources": {"subscribe": true, "listChanged": true},
        "prompts": {"listChanged": true},
        "completions": {},
        "logging": {}
    })
}

/// Who the server is.
pub(crate) fn server_info() -> Value {
    json!({"name": "sallyport-mcp-fixture", "version": env!("CARGO_PKG_VERSION"), "title": "Fixture"})
}

/// What is at a URI.
pub(crate) fn read(uri: &str) -> Result<Value, Failure> {
    let contents = match uri {
        "test://static-text" => {
            json!({"uri": uri, "mimeType": "text/plain", "text": "This is the content of the static text resource."})
        }
        "test://static-binary" => json!({"uri": uri, "mimeType": "image/png", "blob": IMAGE}),
        "test://watched-resource" | "test://example-resource" => {
            json!({"uri": uri, "mimeType": "text/plain", "text": format!("This is {uri}.")})
        }
        _ => {
            let id = uri
                .strip_prefix("test://template/")
                .and_then(|rest| rest.strip_suffix("/data"))
                .filter(|id| !id.is_empty() && !id.contains('/'));
            let Some(id) = id else {
                return Err(
                    Failure::new(-32602, "there is no such resource").data(json!({"uri": uri}))
                );
            };
            let text =
                json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")});
            json!({"uri": uri, "mimeType": "application/json", "text": text.to_string()})
        }
    };
    Ok(json!({"contents": [contents]}))
}
