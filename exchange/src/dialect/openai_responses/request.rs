//! Requests, and the settings that answers repeat from them.

use super::known::Quiet;
use super::reader::{Path, Reader, is_empty};
use crate::exchange::{Flow, Operation};
use crate::json::{Fault, JsonKind, Malformed, Value};
use crate::part::{Author, Kind, PartId};
use crate::read::{Is, wrong_type};
use crate::span::Span;

/// Members of a request that make no sense without its tools.
const OF_TOOLS: &[&str] = &["tool_choice", "parallel_tool_calls", "max_tool_calls"];

/// Types of tools that are declared in full, so that keys within them mean nothing here.
const DECLARED: &[&str] = &["function", "custom", "namespace"];

impl Reader<'_> {
    /// The body of a request.
    pub fn request(&mut self, operation: Operation, root: Value<'_>) -> Result<(), Malformed> {
        if root.kind() != JsonKind::Object {
            return Err(wrong_type(root, "the request"));
        }
        let has = |key| root.member(key).is_some_and(|value| !value.is_null());
        if operation == Operation::Chat && !has("model") && !has("prompt") {
            return Err(Malformed {
                at: 0,
                fault: Fault::Missing("model"),
            });
        }
        self.reading.outline.clears = has("context_management")
            || has("previous_response_id")
            || has("conversation")
            || root.member("truncation").is_some_and(|t| t.is_str("auto"));
        let is = self.operator();
        self.each(root, &Path::ROOT, is, |r, key, value, here| match key {
            "input" | "items" => {
                r.items(value, here, Author::User)?;
                Ok(true)
            }
            "stream" => {
                r.reading.outline.streamed = match value.kind() {
                    JsonKind::Null => false,
                    _ => value.as_bool().ok_or_else(|| wrong_type(value, "stream"))?,
                };
                Ok(true)
            }
            _ => r.setting(root, key, value, here),
        })
    }

    /// A member that requests and answers share.
    pub fn setting(
        &mut self,
        holder: Value<'_>,
        key: &str,
        value: Value<'_>,
        at: &Path<'_>,
    ) -> Result<bool, Malformed> {
        let is = self.operator();
        match key {
            "model" => self.model(value, at)?,
            "instructions" => match value.kind() {
                JsonKind::Object => return Err(wrong_type(value, "instructions")),
                _ => self.items(value, at, Author::Operator)?,
            },
            "tools" => self.offers(holder, value, at, None, OF_TOOLS)?,
            "tool_choice" => self.tool_choice(value, at)?,
            "text" => self.text_format(value, at)?,
            "prompt" => self.prompt(value, at)?,
            "previous_response_id" => return self.stored_id(value, at, is),
            "conversation" => match value.kind() {
                JsonKind::Object => self.each(value, at, is, |r, key, value, here| {
                    Ok(key == "id" && r.stored_id(value, here, is)?)
                })?,
                _ => return self.stored_id(value, at, is),
            },
            "metadata" | "client_metadata" => self.inspect(is, value),
            "user" | "safety_identifier" | "prompt_cache_key" => self.inspect_text(is, value),
            "moderation" if self.flow == Flow::Answer => self.inspect(is, value),
            "moderation" => self.each(value, at, is, |r, key, value, here| {
                Ok(match key {
                    "model" => r.quiet(Quiet::Name, value, here, is).map(|()| true)?,
                    "policy" => {
                        r.inspect(is, value);
                        true
                    }
                    _ => false,
                })
            })?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn model(&mut self, value: Value<'_>, at: &Path<'_>) -> Result<(), Malformed> {
        if value.is_null() {
            return Ok(());
        }
        let model = self
            .reading
            .string(value)
            .ok_or_else(|| wrong_type(value, "model"))?;
        self.reading.outline.model = Some(model);
        self.quiet(Quiet::Name, value, at, self.operator())
    }

    /// `text`: how the answer is to be written. A schema is inspected.
    pub fn text_format(&mut self, value: Value<'_>, at: &Path<'_>) -> Result<(), Malformed> {
        let is = self.operator();
        self.each(value, at, is, |r, key, format, here| {
            let plain = format
                .members()
                .is_none_or(|mut members| members.all(|(k, _)| k.is_str("type")));
            match key {
                "format" if plain => r.quiet(Quiet::Word, format, here, is)?,
                "format" => r.inspect(is, format),
                _ => return Ok(false),
            }
            Ok(true)
        })
    }

    fn prompt(&mut self, value: Value<'_>, at: &Path<'_>) -> Result<(), Malformed> {
        let is = self.operator();
        self.each(value, at, is, |r, key, value, here| match key {
            "id" => r.stored_id(value, here, is),
            "variables" => {
                for (name, variable) in value.members().into_iter().flatten() {
                    let is = Is::new(Kind::Text, Author::User, None);
                    r.quiet(Quiet::Name, name, here, is)?;
                    r.content(is, variable, here)?;
                }
                Ok(true)
            }
            _ => Ok(false),
        })
    }

    /// A list of tools on offer. In a request they can be hidden, with `dependants` of their holder.
    pub fn offers(
        &mut self,
        holder: Value<'_>,
        tools: Value<'_>,
        at: &Path<'_>,
        message: Option<u32>,
        dependants: &[&str],
    ) -> Result<(), Malformed> {
        if tools.is_null() {
            return Ok(());
        }
        let list = tools.elements().ok_or_else(|| wrong_type(tools, "tools"))?;
        let mut offers: Vec<(PartId, Span)> = Vec::new();
        for (index, tool) in list.enumerate() {
            let id = self.offer(tool, &at.at(index), message)?;
            offers.push((id, tool.span()));
        }
        if self.flow == Flow::Request {
            self.reading.offer_list(holder, "tools", dependants, offers);
        }
        Ok(())
    }

    fn offer(
        &mut self,
        tool: Value<'_>,
        at: &Path<'_>,
        message: Option<u32>,
    ) -> Result<PartId, Malformed> {
        if tool.kind() != JsonKind::Object {
            return Err(wrong_type(tool, "a tool"));
        }
        let kind = match tool.member("type") {
            Some(kind) => Some(kind.as_str().ok_or_else(|| wrong_type(kind, "type"))?),
            None => None,
        };
        let form = match tool.member("type") {
            Some(kind) => self.reading.string(kind),
            // The tools that `mcp_list_tools` lists have no type.
            None => Some(self.reading.words("mcp")),
        };
        let name = match kind.as_deref() {
            Some("mcp") => self.member(tool, "server_label").or(form),
            _ => self.member(tool, "name").or(form),
        };
        let is = Is::new(Kind::ToolOffer, Author::Tool, message)
            .tool(name)
            .form(form);
        let id = self.reading.leaves(is, tool);
        if kind.as_deref() == Some("namespace")
            && let Some(tools) = tool.member("tools")
        {
            self.offers(tool, tools, &at.key("tools"), message, &[])?;
        }
        if kind.is_some_and(|kind| !DECLARED.contains(&&*kind)) {
            self.stored_within(tool);
        }
        Ok(id)
    }

    /// Ids of files, stores and containers that a provider's tool is given.
    fn stored_within(&mut self, tool: Value<'_>) {
        for (key, value) in tool.members().into_iter().flatten() {
            match key.as_str().as_deref() {
                Some("file_ids" | "file_id" | "vector_store_ids" | "container_id" | "skill_id") => {
                    self.stored(value);
                }
                Some("container") if value.kind() == JsonKind::String => self.stored(value),
                _ => self.stored_within(value),
            }
        }
        for element in tool.elements().into_iter().flatten() {
            self.stored_within(element);
        }
    }

    fn tool_choice(&mut self, value: Value<'_>, at: &Path<'_>) -> Result<(), Malformed> {
        if self.flow == Flow::Request && value.kind() == JsonKind::Object {
            self.reading.outline.forced_tool = self.forced(value);
        }
        let is = self.operator();
        match value.kind() {
            JsonKind::Object => self.each(value, at, is, |r, key, value, here| {
                match key {
                    "tools" => r.allowed(value, here)?,
                    _ => return Ok(false),
                }
                Ok(true)
            }),
            _ => self.quiet(Quiet::Name, value, at, is),
        }
    }

    fn allowed(&mut self, tools: Value<'_>, at: &Path<'_>) -> Result<(), Malformed> {
        for (index, tool) in tools.elements().into_iter().flatten().enumerate() {
            self.quiet(Quiet::Name, tool, &at.at(index), self.operator())?;
        }
        Ok(())
    }

    /// The one tool that must be called.
    fn forced(&mut self, choice: Value<'_>) -> Option<crate::part::Text> {
        let kind = choice.member("type")?;
        match &*kind.as_str()? {
            "allowed_tools" => {
                let mut tools = choice.member("tools")?.elements()?;
                let only = tools.next().filter(|_| tools.next().is_none())?;
                let required = choice
                    .member("mode")
                    .is_some_and(|mode| mode.is_str("required"));
                required.then(|| self.forced(only)).flatten()
            }
            "mcp" => self
                .member(choice, "name")
                .or_else(|| self.member(choice, "server_label")),
            _ => self
                .member(choice, "name")
                .or_else(|| self.reading.string(kind)),
        }
    }

    /// Whether a member is there and says something.
    pub fn says(&self, object: Value<'_>, key: &str) -> bool {
        object.member(key).is_some_and(|value| !is_empty(value))
    }
}
