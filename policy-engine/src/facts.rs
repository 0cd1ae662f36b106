//! What is known about one exchange, and the `input` document that policies read.

use crate::needs::Needs;
use regorus::{Rc, Value};
use sallyport_exchange::{Exchange, Finding, Flow, McpTarget, Operation, PartView, Usage};
use std::collections::BTreeMap;

/// The version of the `input` document. It changes when a field changes its meaning or goes.
pub const INPUT_VERSION: u32 = 1;

/// Which way something came to the gateway.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Via {
    /// A model's API: chat completions, responses, messages.
    Chat,
    /// A tool server.
    Mcp,
    /// The provider runs it itself: a hosted tool.
    Provider,
}

impl Via {
    /// The word a policy sees.
    pub fn as_str(self) -> &'static str {
        match self {
            Via::Chat => "chat",
            Via::Mcp => "mcp",
            Via::Provider => "provider",
        }
    }
}

/// A tool on offer.
#[derive(Clone, Copy, Debug)]
pub struct OfferFacts<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its type: `function`, `web_search`, `mcp`, …
    pub form: &'a str,
    /// Where the provider would reach it, for hosted tool servers.
    pub server_url: Option<&'a str>,
    /// What it says it does.
    pub description: &'a str,
    /// Its declaration, as JSON.
    pub json: &'a str,
}

/// A tool call to be judged.
#[derive(Clone, Copy, Debug)]
pub struct CallFacts<'a> {
    /// The call's id.
    pub id: &'a str,
    /// The tool's name.
    pub tool: &'a str,
    /// Its arguments as JSON that has been read strictly; `None` where they are no JSON.
    pub arguments: Option<&'a str>,
    /// The free-form input of a custom tool.
    pub input: Option<&'a str>,
}

/// Everything that policies may know about one exchange.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Who asks, for what, when.
    pub about: &'a Exchange,
    /// Which way the body travels.
    pub flow: Flow,
    /// What is judged: the exchange's operation, or a tool call found in it.
    pub operation: Operation,
    /// Which way it came.
    pub via: Via,
    /// The model asked for, or that answered.
    pub model: Option<&'a str>,
    /// Whether the answer flows.
    pub stream: bool,
    /// Who said what.
    pub parts: &'a [PartView<'a>],
    /// Tools on offer.
    pub offers: &'a [OfferFacts<'a>],
    /// The call that is judged, for the operation `tool_call`.
    pub call: Option<CallFacts<'a>>,
    /// What the filters found.
    pub findings: &'a [Finding],
    /// Names of what no reader understood.
    pub unread: &'a [&'a str],
    /// Ids of state at the provider that this leans on and that is not the caller's own.
    pub stored: &'a [&'a str],
    /// Tokens, as the upstream counted them.
    pub usage: Option<Usage>,
}

/// Why facts cannot be put into a document: the caller's doing.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FactsError {
    /// The arguments of the call are no JSON that a policy could read.
    #[error("the tool call's arguments cannot be read: {0}")]
    Arguments(String),
}

impl Facts<'_> {
    /// Whether `allow` is asked: for all that an agent wants to do, for each tool call of a model, and for all that
    /// a tool server wants of the agent. The result of a call at a tool server asks for none.
    pub fn asks_allow(&self) -> bool {
        let is_call = self.operation == Operation::ToolCall && self.via != Via::Mcp;
        self.flow == Flow::Request || is_call || self.operation.is_asked_by_server()
    }

    /// The `input` document, with those costly fields that `needs` names.
    pub fn document(&self, needs: Needs) -> Result<Value, FactsError> {
        let about = self.about;
        let mut input = Document::new();
        input.set("version", Value::from(INPUT_VERSION));
        input.set("id", shared(&about.id));
        input.set("time_ns", Value::from(about.now_ns));
        input.set("flow", word(self.flow.as_str()));
        input.set("operation", word(self.operation.as_str()));
        input.set("via", word(self.via.as_str()));
        input.set("route", shared(&about.route));
        input.set("dialect", word(about.dialect.as_str()));
        input.set("path", shared(&about.path));
        input.set("caller", self.caller());
        input.set_text("model", self.model);
        input.set("stream", Value::Bool(self.stream));
        if needs.parts {
            input.set(
                "parts",
                list(self.parts, |part| part_document(part, needs.text)),
            );
        }
        if needs.tools {
            input.set(
                "tools",
                list(self.offers, |offer| offer_document(offer, needs.offer_text)),
            );
        }
        if let Some(target) = &about.mcp {
            input.set("mcp", mcp_document(target));
        }
        if let Some(call) = &self.call {
            input.set("call", call_document(call)?);
        }
        if needs.findings {
            input.set("findings", self.findings());
        }
        input.set("unread", list(self.unread, |name| Value::from(*name)));
        input.set("stored", list(self.stored, |id| Value::from(*id)));
        if let Some(usage) = self.usage {
            input.set("usage", usage_document(usage));
        }
        Ok(input.finish())
    }

    fn caller(&self) -> Value {
        let caller = &self.about.caller;
        let mut labels = BTreeMap::new();
        for (key, value) in caller.labels.iter() {
            labels.insert(shared(key), shared(value));
        }
        let mut document = Document::new();
        document.set("team", shared(&caller.team));
        document.set("agent", shared(&caller.agent));
        document.set("key", shared(&caller.key));
        document.set("labels", Value::from(labels));
        document.finish()
    }

    fn findings(&self) -> Value {
        list(self.findings, |finding| {
            let mut document = Document::new();
            document.set("label", word(finding.label.as_str()));
            document.set("score", score(finding.score));
            if let Some(part) = self.part(finding) {
                document.set("kind", word(part.kind.as_str()));
                document.set("author", word(part.author.as_str()));
                document.set_text("tool", part.tool);
            }
            document.set("part", Value::from(finding.part.0));
            document.set("start", Value::from(finding.range.start));
            document.set("end", Value::from(finding.range.end));
            document.finish()
        })
    }

    /// The part in which a finding lies. Parts lie in order of their ids, most often at their id.
    fn part(&self, finding: &Finding) -> Option<&PartView<'_>> {
        match self.parts.get(finding.part.0 as usize) {
            Some(part) if part.id == finding.part => Some(part),
            _ => self.parts.iter().find(|part| part.id == finding.part),
        }
    }
}

fn part_document(part: &PartView<'_>, with_text: bool) -> Value {
    let mut document = Document::new();
    document.set("kind", word(part.kind.as_str()));
    document.set("author", word(part.author.as_str()));
    document.set_text("tool", part.tool);
    document.set_text("text", with_text.then_some(part.text));
    document.finish()
}

fn offer_document(offer: &OfferFacts<'_>, with_text: bool) -> Value {
    let mut document = Document::new();
    document.set("name", Value::from(offer.name));
    document.set("type", word(offer.form));
    document.set_text("server_url", offer.server_url);
    if with_text {
        document.set("description", Value::from(offer.description));
        if let Ok(definition) = Value::from_json_str(offer.json) {
            document.set("definition", definition);
        }
    }
    document.finish()
}

fn call_document(call: &CallFacts<'_>) -> Result<Value, FactsError> {
    let mut document = Document::new();
    document.set("id", Value::from(call.id));
    document.set("tool", Value::from(call.tool));
    if let Some(arguments) = call.arguments {
        let arguments = Value::from_json_str(arguments)
            .map_err(|error| FactsError::Arguments(error.to_string()))?;
        document.set("arguments", arguments);
    }
    document.set_text("input", call.input);
    Ok(document.finish())
}

fn mcp_document(target: &McpTarget) -> Value {
    let mut document = Document::new();
    document.set("server", shared(&target.server));
    document.set("method", shared(&target.method));
    document.set("revision", word(target.revision));
    if let Some(name) = &target.name {
        document.set("name", shared(name));
    }
    document.finish()
}

fn usage_document(usage: Usage) -> Value {
    let mut document = Document::new();
    for (key, count) in [
        ("input", usage.input),
        ("output", usage.output),
        ("cached", usage.cached),
    ] {
        if let Some(count) = count {
            document.set(key, Value::from(count));
        }
    }
    document.finish()
}

/// A score as it is written: the nearest `f32` to 0.9 lies below 0.9, and must not fail `score >= 0.9`.
fn score(score: f32) -> Value {
    Value::from((f64::from(score) * 1e6).round() / 1e6)
}

/// An object in the making.
struct Document(BTreeMap<Value, Value>);

impl Document {
    fn new() -> Self {
        Document(BTreeMap::new())
    }

    fn set(&mut self, key: &str, value: Value) {
        self.0.insert(word(key), value);
    }

    fn set_text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.set(key, Value::from(text));
        }
    }

    fn finish(self) -> Value {
        Value::from(self.0)
    }
}

fn list<T>(items: &[T], document: impl FnMut(&T) -> Value) -> Value {
    Value::from(items.iter().map(document).collect::<Vec<_>>())
}

fn shared(text: &Rc<str>) -> Value {
    Value::String(text.clone())
}

/// One of the few words that documents are full of. (Interned in `words`, so that it costs no allocation.)
fn word(text: &str) -> Value {
    crate::words::value(text)
}
