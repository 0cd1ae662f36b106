//! The names of the conventions, as tables to check what is sent against.
//!
//! Sources: `docs/gen-ai/gen-ai-spans.md`, `gen-ai-metrics.md` and `mcp.md` of open-telemetry/semantic-conventions at
//! v1.41.1; `docs/gen-ai/client-inference.md`, `gen-ai-token-metrics.md` and `mcp.md` of
//! open-telemetry/semantic-conventions-genai at 024a4f944a12, 066d4a7f356f and 0393513c908b (October 2026);
//! `docs/http/http-spans.md` and `http-metrics.md` at v1.44.0.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use sallyport_telemetry::Conventions;
use std::collections::HashMap;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Is {
    Text,
    Int,
    Double,
    Bool,
    Texts,
}

use Is::{Bool, Double, Int, Text, Texts};

/// Inference spans: name, type, and whether there must be one.
const INFERENCE: &[(&str, Is, bool)] = &[
    ("gen_ai.operation.name", Text, true),
    ("gen_ai.provider.name", Text, true),
    ("error.type", Text, false),
    ("gen_ai.request.choice.count", Int, true),
    ("gen_ai.request.model", Text, true),
    ("gen_ai.request.seed", Int, true),
    ("gen_ai.request.stream", Bool, true),
    ("gen_ai.request.max_tokens", Int, true),
    ("gen_ai.request.temperature", Double, true),
    ("gen_ai.request.top_p", Double, true),
    ("gen_ai.response.finish_reasons", Texts, true),
    ("gen_ai.response.id", Text, true),
    ("gen_ai.response.model", Text, true),
    ("gen_ai.response.time_to_first_chunk", Double, true),
    ("gen_ai.usage.input_tokens", Int, true),
    ("gen_ai.usage.output_tokens", Int, true),
    ("gen_ai.usage.cache_read.input_tokens", Int, true),
    ("server.address", Text, true),
    ("server.port", Int, true),
    ("gen_ai.input.messages", Text, false),
    ("gen_ai.output.messages", Text, false),
];

/// MCP spans, both sides.
const MCP: &[(&str, Is, bool)] = &[
    ("mcp.method.name", Text, true),
    ("mcp.protocol.version", Text, true),
    ("gen_ai.operation.name", Text, true),
    ("gen_ai.tool.name", Text, true),
    ("network.transport", Text, true),
    ("network.protocol.name", Text, true),
    ("error.type", Text, false),
];

/// What the conventions say of inference spans.
pub fn inference(conventions: Conventions) -> Vec<(&'static str, Is, bool)> {
    let mut table = INFERENCE.to_vec();
    match conventions {
        Conventions::V1_41 => table.push(("gen_ai.request.top_k", Double, true)),
        Conventions::Latest => {
            table.push(("gen_ai.request.top_k", Int, true));
            table.push(("gen_ai.conversation.compacted", Bool, true));
        }
    }
    table
}

/// What they say of the span of an MCP client.
pub fn mcp_client() -> Vec<(&'static str, Is, bool)> {
    let mut table = MCP.to_vec();
    table.push(("server.address", Text, true));
    table.push(("server.port", Int, true));
    table.push(("gen_ai.tool.call.arguments", Text, false));
    table.push(("gen_ai.tool.call.result", Text, false));
    table
}

/// What they say of the span of an MCP server; the status is that of HTTP, on which it stands.
pub fn mcp_server() -> Vec<(&'static str, Is, bool)> {
    let mut table = MCP.to_vec();
    table.push(("http.response.status_code", Int, true));
    table
}

/// What they say of the span of an HTTP server, as far as an exchange tells.
pub fn http_server() -> Vec<(&'static str, Is, bool)> {
    vec![
        ("http.request.method", Text, true),
        ("http.route", Text, true),
        ("http.response.status_code", Int, true),
        ("error.type", Text, false),
    ]
}

/// Checks that attributes are those of the table, with the types it says, all that must be there, each once, and beside them
/// only our own.
pub fn check(what: &str, attributes: &[KeyValue], table: &[(&str, Is, bool)]) {
    let mut seen: HashMap<&str, Is> = HashMap::new();
    for attribute in attributes {
        let key = attribute.key.as_str();
        let before = seen.insert(key, kind(attribute));
        assert_eq!(before, None, "{what}: {key} is there twice");
        let own = key.starts_with("sallyport.");
        let known = table.iter().find(|(name, ..)| *name == key);
        match known {
            Some((_, is, _)) => assert_eq!(kind(attribute), *is, "{what}: {key}"),
            None => assert!(own, "{what}: {key} is in no convention"),
        }
    }
    for (name, _, must) in table {
        assert!(!must || seen.contains_key(name), "{what}: no {name}");
    }
}

fn kind(attribute: &KeyValue) -> Is {
    let value = attribute.value.as_ref().and_then(|v| v.value.as_ref());
    match value {
        Some(Value::StringValue(_)) => Text,
        Some(Value::IntValue(_)) => Int,
        Some(Value::DoubleValue(_)) => Double,
        Some(Value::BoolValue(_)) => Bool,
        Some(Value::ArrayValue(_)) => Texts,
        other => panic!("{} is {other:?}", attribute.key),
    }
}

/// Kind of instrument, unit, and attributes that points must have.
pub type MetricRow = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
);

const GENAI: &[&str] = &[
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "server.address",
    "server.port",
];
const TOKENS_OLD: &[&str] = &[
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.token.type",
    "gen_ai.request.model",
];
const TOKENS_NEW: &[&str] = &[
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.token.modality",
    "gen_ai.request.model",
];

/// The metrics of a chat and of a tool call.
pub fn metrics(conventions: Conventions) -> Vec<MetricRow> {
    let genai = match conventions {
        Conventions::V1_41 => GENAI_1_41,
        Conventions::Latest => GENAI_LATEST,
    };
    [METRICS, genai].concat()
}

const METRICS: &[MetricRow] = &[
    ("http.server.request.duration", "histogram", "s", HTTP),
    (
        "mcp.server.operation.duration",
        "histogram",
        "s",
        MCP_SERVER,
    ),
    (
        "mcp.client.operation.duration",
        "histogram",
        "s",
        MCP_CLIENT,
    ),
    (
        "sallyport.exchanges",
        "counter",
        "{exchange}",
        &["sallyport.verdict", "sallyport.team"],
    ),
    (
        "sallyport.refusals",
        "counter",
        "{refusal}",
        &["sallyport.rule"],
    ),
    (
        "sallyport.findings",
        "counter",
        "{finding}",
        &["sallyport.label", "sallyport.flow"],
    ),
    (
        "sallyport.cost",
        "counter",
        "{USD}",
        &["sallyport.team", "sallyport.route"],
    ),
    (
        "sallyport.tokens.saved",
        "counter",
        "{token}",
        &["sallyport.team"],
    ),
];
const HTTP: &[&str] = &[
    "http.request.method",
    "http.route",
    "http.response.status_code",
];
const MCP_SERVER: &[&str] = &["mcp.method.name", "gen_ai.tool.name", "network.transport"];
const MCP_CLIENT: &[&str] = &["mcp.method.name", "gen_ai.tool.name", "server.address"];

const GENAI_1_41: &[MetricRow] = &[
    ("gen_ai.client.operation.duration", "histogram", "s", GENAI),
    (
        "gen_ai.client.operation.time_to_first_chunk",
        "histogram",
        "s",
        GENAI,
    ),
    (
        "gen_ai.client.token.usage",
        "histogram",
        "{token}",
        TOKENS_OLD,
    ),
];

const GENAI_LATEST: &[MetricRow] = &[
    ("gen_ai.client.inference.duration", "histogram", "s", GENAI),
    (
        "gen_ai.client.inference.time_to_first_chunk",
        "histogram",
        "s",
        GENAI,
    ),
    (
        "gen_ai.client.inference.operation.input_tokens",
        "histogram",
        "{token}",
        GENAI,
    ),
    (
        "gen_ai.client.inference.operation.output_tokens",
        "histogram",
        "{token}",
        GENAI,
    ),
    (
        "gen_ai.client.inference.usage.input_tokens",
        "counter",
        "{token}",
        TOKENS_NEW,
    ),
    (
        "gen_ai.client.inference.usage.output_tokens",
        "counter",
        "{token}",
        TOKENS_NEW,
    ),
    (
        "gen_ai.client.inference.usage.cache_read.input_tokens",
        "counter",
        "{token}",
        TOKENS_NEW,
    ),
];
