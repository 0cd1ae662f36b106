//! Calls and results: who runs which tool, and where their items say what.

use super::known::Quiet;
use super::reader::{Path, Reader, is_empty};
use crate::json::{Fault, JsonKind, Malformed, Value};
use crate::part::{Answer, Author, Kind, Text};
use crate::read::{Is, wrong_type};

/// How the input of a call is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// A JSON document in a string.
    Nested,
    /// Free text.
    Free,
    /// A JSON value.
    Json,
}

/// A kind of call item.
pub(super) struct Call {
    /// The item's type.
    pub item: &'static str,
    /// The tool's name, where the item does not tell it: else the member that does.
    tool: Result<&'static str, &'static str>,
    /// The members that hold what is asked of the tool.
    input: &'static [&'static str],
    written: Written,
    /// The members that hold what the tool answered.
    result: &'static [&'static str],
    /// Runs at the provider.
    provider: bool,
}

#[rustfmt::skip]
const fn call(
    item: &'static str,
    tool: Result<&'static str, &'static str>,
    input: &'static [&'static str],
    written: Written,
) -> Call {
    Call { item, tool, input, written, result: &[], provider: false }
}

const fn hosted(call: Call, result: &'static [&'static str]) -> Call {
    Call {
        provider: true,
        result,
        ..call
    }
}

#[rustfmt::skip]
pub(super) const CALLS: &[Call] = &[
    call("function_call", Err("name"), &["arguments"], Written::Nested),
    call("custom_tool_call", Err("name"), &["input"], Written::Free),
    call("mcp_approval_request", Err("name"), &["arguments"], Written::Nested),
    call("multi_agent_call", Err("action"), &["arguments"], Written::Nested),
    call("computer_call", Ok("computer"), &["action", "actions"], Written::Json),
    call("local_shell_call", Ok("local_shell"), &["action"], Written::Json),
    call("shell_call", Ok("shell"), &["action"], Written::Json),
    call("apply_patch_call", Ok("apply_patch"), &["operation"], Written::Json),
    call("tool_search_call", Ok("tool_search"), &["arguments"], Written::Json),
    hosted(call("mcp_call", Err("name"), &["arguments"], Written::Nested), &["output", "error"]),
    hosted(call("web_search_call", Ok("web_search"), &["action"], Written::Json), &["results"]),
    hosted(call("file_search_call", Ok("file_search"), &["queries"], Written::Json), &["results"]),
    hosted(call("code_interpreter_call", Ok("code_interpreter"), &["code"], Written::Free), &["outputs"]),
    hosted(call("image_generation_call", Ok("image_generation"), &["revised_prompt"], Written::Free), &[]),
    hosted(call("program", Ok("program"), &["code"], Written::Free), &[]),
];

/// Items that hold what a tool answered: the item's type, the tool's name and the member.
pub(super) const RESULTS: &[(&str, Option<&str>, &str)] = &[
    ("function_call_output", None, "output"),
    ("custom_tool_call_output", None, "output"),
    ("multi_agent_call_output", None, "output"),
    ("computer_call_output", Some("computer"), "output"),
    ("local_shell_call_output", Some("local_shell"), "output"),
    ("shell_call_output", Some("shell"), "output"),
    ("apply_patch_call_output", Some("apply_patch"), "output"),
    ("program_output", Some("program"), "result"),
];

/// What a stream needs to know of a call before its input comes.
pub(super) struct Begun {
    pub tool: String,
    pub id: String,
    pub free_form: bool,
    pub provider: bool,
    /// It is told of when it begins. Others come whole in the item's end.
    pub grows: bool,
}

/// What call an item begins, if it is one.
pub(super) fn begun(item: Value<'_>) -> Option<Begun> {
    let kind = item.member("type")?.as_str()?;
    let call = CALLS.iter().find(|c| c.item == kind)?;
    let word = |key: &str| Some(item.member(key)?.as_str()?.into_owned());
    Some(Begun {
        tool: match call.tool {
            Ok(tool) => tool.to_owned(),
            Err(key) => word(key)?,
        },
        id: word("call_id").or_else(|| word("id")).unwrap_or_default(),
        free_form: call.written == Written::Free,
        provider: call.provider,
        grows: call.provider || matches!(call.item, "function_call" | "custom_tool_call"),
    })
}

impl Reader<'_> {
    /// A call, with what it was answered where the item tells.
    pub fn call(
        &mut self,
        call: &Call,
        item: Value<'_>,
        at: &Path<'_>,
        message: u32,
    ) -> Result<(), Malformed> {
        let id = item.member("call_id").or_else(|| item.member("id"));
        let tool = match call.tool {
            Ok(tool) => Some(self.reading.words(tool)),
            Err(key) => self.named(item, key)?,
        };
        self.note_call(id, tool);
        let call_id = id.and_then(|id| self.reading.string(id));
        let form = match (call.provider, call.written) {
            (true, _) => Some(self.reading.words(call.item)),
            (false, Written::Free) => Some(self.reading.words("custom")),
            (false, _) => None,
        };
        let is = Is::new(Kind::ToolCall, Author::Model, Some(message))
            .tool(tool)
            .call(call_id)
            .form(form);
        let answered = Is {
            author: Author::Tool,
            ..is.kind(Kind::ToolResult)
        };
        let mut told = false;
        self.each(item, at, is, |r, key, value, here| {
            if call.input.contains(&key) && call.tool != Err(key) {
                told |= !value.is_null();
                r.asked(call.written, is, value);
            } else if call.result.contains(&key) {
                r.answered(answered, value, here)?;
            } else {
                return r.call_member(is, key, value, here);
            }
            Ok(true)
        })?;
        if !told && !self.skeleton {
            // A call that does not say what it asks for is still a call.
            match item.member("type") {
                Some(kind) if call.provider => self.reading.head(is, kind, 0),
                _ => self.reading.leaves(is, item),
            };
        }
        self.sources(item, answered);
        Ok(())
    }

    /// The name in the member `key`, which must be there.
    fn named(&mut self, item: Value<'_>, key: &'static str) -> Result<Option<Text>, Malformed> {
        let Some(name) = item.member(key) else {
            return Err(Malformed {
                at: item.span().start as usize,
                fault: Fault::Missing(key),
            });
        };
        match self.reading.string(name) {
            Some(text) => Ok(Some(text)),
            None => Err(wrong_type(name, key)),
        }
    }

    fn asked(&mut self, written: Written, is: Is, value: Value<'_>) {
        if value.is_null() || (self.skeleton && is_blank(value)) {
            return;
        }
        match written {
            Written::Nested => self.reading.nested(is, value),
            Written::Free => self.reading.text(is, value),
            Written::Json => self.reading.leaves(is, value),
        };
    }

    fn answered(&mut self, is: Is, value: Value<'_>, at: &Path<'_>) -> Result<(), Malformed> {
        if let Some(rows) = value.elements() {
            for (index, row) in rows.enumerate() {
                match row.member("type").and_then(Value::as_str).as_deref() {
                    Some("logs" | "image") => self.content(is, row, &at.at(index))?,
                    _ => self.row(is, row, &at.at(index))?,
                }
            }
            Ok(())
        } else if value.kind() == JsonKind::Object {
            self.inspect(is, value);
            Ok(())
        } else {
            self.content(is, value, at)
        }
    }

    /// The pages a search looked at: they stand in its action, but the model did not write them.
    fn sources(&mut self, item: Value<'_>, is: Is) {
        let sources = item
            .member("action")
            .and_then(|action| action.member("sources"));
        for source in sources.and_then(Value::elements).into_iter().flatten() {
            self.inspect(is, source);
        }
    }

    fn call_member(
        &mut self,
        is: Is,
        key: &str,
        value: Value<'_>,
        at: &Path<'_>,
    ) -> Result<bool, Malformed> {
        match key {
            "action" => self.quiet(Quiet::Word, value, at, is)?,
            "result" => self.media(is, value, "image", true),
            "fingerprint" => self.opaque(is.kind(Kind::Reasoning), value),
            "pending_safety_checks" => self.inspect(is.kind(Kind::Text), value),
            "environment" if value.member("skills").is_none() => {
                self.quiet(Quiet::Word, value, at, is)?;
            }
            "environment" => self.inspect(is.kind(Kind::Text), value),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What a tool answered.
    pub fn result(
        &mut self,
        tool: Option<&'static str>,
        member: &str,
        item: Value<'_>,
        at: &Path<'_>,
        message: u32,
    ) -> Result<(), Malformed> {
        let id = item.member("call_id").or_else(|| item.member("id"));
        let tool = match tool {
            Some(tool) => Some(self.reading.words(tool)),
            None => self.member(item, "name").or_else(|| self.tool_of(id)),
        };
        let call_id = id.and_then(|id| self.reading.string(id));
        let form = item.member("type").and_then(Value::as_str);
        let answer = match form.as_deref() {
            Some("function_call_output" | "custom_tool_call_output") => Answer::Plain,
            _ => Answer::Fixed,
        };
        let is = Is::new(Kind::ToolResult, Author::Tool, Some(message))
            .tool(tool)
            .call(call_id);
        self.each(item, at, is, |r, key, value, here| {
            match key {
                _ if key == member => r.content(is.answer(answer), value, here)?,
                "acknowledged_safety_checks" => r.inspect(is.kind(Kind::Text), value),
                "action" => r.quiet(Quiet::Name, value, here, is)?,
                _ => return Ok(false),
            }
            Ok(true)
        })
    }
}

/// Whether an input has its shape but no content yet.
fn is_blank(input: Value<'_>) -> bool {
    const SHAPE: &[&str] = &[
        "command",
        "commands",
        "env",
        "max_output_length",
        "timeout_ms",
    ];
    match input.members() {
        Some(mut members) => members.all(|(key, value)| {
            let shape = key.as_str().is_some_and(|key| SHAPE.contains(&&*key));
            shape && is_blank(value) || key.is_str("type") && value.is_str("exec")
        }),
        None => is_empty(input),
    }
}
