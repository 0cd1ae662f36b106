//! What the conventions call what a record says.
//!
//! HTTP: semantic conventions 1.44, `docs/http/http-spans.md`. GenAI and MCP: `docs/gen-ai/gen-ai-spans.md`,
//! `gen-ai-metrics.md` and `mcp.md` of 1.41.1, and of <https://github.com/open-telemetry/semantic-conventions-genai> as of
//! November 2026 where the newest are asked for.

use crate::spans::Attributes;
use crate::vocabulary::Vocabulary;
use sallyport_record::{McpRecord, Record};

/// What the HTTP conventions call a method that is not known; a record does not say it.
pub(crate) const METHOD_OTHER: &str = "_OTHER";

/// Method and route of what was asked, where they follow from it. Provider-side state is asked for by several methods.
pub(crate) fn endpoint(record: &Record) -> (Option<&'static str>, Option<&'static str>) {
    let (Some(dialect), Some(operation)) = (&record.dialect, &record.operation) else {
        return (None, None);
    };
    let post = |route| (Some("POST"), Some(route));
    match (dialect.as_ref(), operation.as_ref()) {
        ("openai.chat", "chat") => post("/v1/chat/completions"),
        ("openai.chat", "complete") => post("/v1/completions"),
        ("openai.chat", "embed") => post("/v1/embeddings"),
        ("openai.responses", "chat") => post("/v1/responses"),
        ("openai.responses", "count_tokens") => post("/v1/responses/input_tokens"),
        ("openai.responses", "stored") => (None, Some("/v1/responses/{id}")),
        ("anthropic.messages", "chat") => post("/v1/messages"),
        ("anthropic.messages", "count_tokens") => post("/v1/messages/count_tokens"),
        (_, "models") => (Some("GET"), Some("/v1/models")),
        _ => (None, None),
    }
}

/// `gen_ai.operation.name`. What the conventions have no word for goes by the gateway's own, as they allow.
pub(crate) fn genai_operation(record: &Record) -> &str {
    match record.operation.as_deref() {
        Some("chat") => "chat",
        Some("complete") => "text_completion",
        Some("embed") => "embeddings",
        Some("stored") => "fetch_response",
        Some(other) => other,
        None => "unknown",
    }
}

/// Whether it is a call of a model that makes something of its input: what the inference metrics count.
pub(crate) fn is_inference(record: &Record) -> bool {
    matches!(
        record.operation.as_deref(),
        Some("chat" | "complete" | "embed")
    )
}

/// `gen_ai.provider.name`: what the upstream speaks, or else what the agent does.
pub(crate) fn provider(provider: Option<&str>, dialect: Option<&str>) -> &'static str {
    match provider.or(dialect).unwrap_or_default() {
        word if word.starts_with("anthropic") => "anthropic",
        _ => "openai",
    }
}

/// What a message to a tool server names.
pub(crate) enum Target<'a> {
    Tool(&'a str),
    Prompt(&'a str),
    Resource(&'a str),
}

pub(crate) fn target<'a>(record: &'a Record, mcp: &'a McpRecord) -> Option<Target<'a>> {
    let name = mcp.name.as_deref()?;
    match record.operation.as_deref()? {
        "tool_call" => Some(Target::Tool(name)),
        "prompt_get" => Some(Target::Prompt(name)),
        "resource_read" | "resource_subscribe" => Some(Target::Resource(name)),
        _ => None,
    }
}

/// The attributes that both MCP spans have.
pub(crate) fn mcp(record: &Record, attributes: &mut Attributes) {
    let Some(mcp) = &record.mcp else {
        return;
    };
    attributes.text("mcp.method.name", &mcp.method);
    if !mcp.revision.is_empty() {
        attributes.text("mcp.protocol.version", &mcp.revision);
    }
    match target(record, mcp) {
        Some(Target::Tool(name)) => {
            attributes.text("gen_ai.operation.name", "execute_tool");
            attributes.text("gen_ai.tool.name", name);
        }
        Some(Target::Prompt(name)) => attributes.text("gen_ai.prompt.name", name),
        Some(Target::Resource(uri)) => attributes.text("mcp.resource.uri", uri),
        None => {}
    }
}

/// `{mcp.method.name} {target}`. Both are the agent's to choose, so only so many are told apart.
pub(crate) fn mcp_span_name(record: &Record, names: &mut Vocabulary) -> String {
    let Some(mcp) = &record.mcp else {
        return "HTTP".to_owned();
    };
    let method = names.word("mcp.method.name", &mcp.method);
    match target(record, mcp) {
        Some(Target::Tool(name) | Target::Prompt(name)) => {
            format!("{method} {}", names.word("mcp.target", name))
        }
        _ => method.to_string(),
    }
}

/// Tokens that compression saved: what really went on in another form, by the mode that was in force.
pub(crate) fn saved(record: &Record) -> Option<u64> {
    let compression = record.compression.as_ref()?;
    let saved = match compression.mode.as_ref() {
        "lossless" => compression.lossless,
        "reversible" => compression.reversible,
        _ => None,
    }?;
    let saved = saved.tokens_before.saturating_sub(saved.tokens_after);
    (compression.rewritten > 0).then_some(saved)
}
