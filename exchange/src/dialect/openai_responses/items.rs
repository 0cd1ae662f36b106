//! Items: messages, calls, results and thoughts, the same in requests, answers and streams.

use super::calls::{CALLS, RESULTS};
use super::reader::{Path, Reader, is_empty};
use crate::exchange::Flow;
use crate::json::{Fault, JsonKind, Malformed, Value};
use crate::part::{Author, Kind};
use crate::read::{Is, wrong_type};

impl Reader<'_> {
    /// A list of items, or a string that stands for a message of `author`.
    pub fn items(
        &mut self,
        value: Value<'_>,
        at: &Path<'_>,
        author: Author,
    ) -> Result<(), Malformed> {
        match value.kind() {
            JsonKind::Null => Ok(()),
            JsonKind::String => {
                self.reading.text(Is::new(Kind::Text, author, None), value);
                Ok(())
            }
            JsonKind::Array => {
                for (index, item) in value.elements().into_iter().flatten().enumerate() {
                    self.item(item, &at.at(index), index as u32)?;
                }
                Ok(())
            }
            _ => Err(wrong_type(value, "a list of items")),
        }
    }

    /// One item.
    pub fn item(&mut self, item: Value<'_>, at: &Path<'_>, message: u32) -> Result<(), Malformed> {
        if item.kind() != JsonKind::Object {
            return Err(wrong_type(item, "an item"));
        }
        let kind = match item.member("type") {
            Some(kind) if !kind.is_null() => {
                kind.as_str().ok_or_else(|| wrong_type(kind, "type"))?
            }
            _ if item.member("role").is_some() => "message".into(),
            _ => "item_reference".into(),
        };
        if let Some(call) = CALLS.iter().find(|c| c.item == kind) {
            return self.call(call, item, at, message);
        }
        if let Some(&(_, tool, member)) = RESULTS.iter().find(|r| r.0 == kind) {
            return self.result(tool, member, item, at, message);
        }
        let said = |author| Is::new(Kind::Text, author, Some(message));
        match &*kind {
            "message" => self.message(item, at, message),
            "reasoning" => self.reasoning(item, at, message),
            "agent_message" => self.each(item, at, said(Author::Model), |r, key, value, here| {
                Ok(key == "content" && {
                    r.content(said(Author::Model), value, here)?;
                    true
                })
            }),
            "mcp_list_tools" | "tool_search_output" | "additional_tools" => {
                self.listed_tools(item, at, message)
            }
            "mcp_approval_response" => {
                self.each(item, at, said(Author::User), |r, key, value, _| {
                    Ok(key == "reason" && {
                        r.inspect_text(said(Author::User), value);
                        true
                    })
                })
            }
            "compaction" | "compaction_trigger" => self.compaction(item, at, message),
            "item_reference" => {
                self.each(item, at, said(Author::Operator), |r, key, value, here| {
                    Ok(key == "id" && r.stored_id(value, here, said(Author::Operator))?)
                })
            }
            "configuration_update" => {
                self.each(item, at, said(Author::Operator), |r, key, value, here| {
                    Ok(key == "text" && {
                        r.text_format(value, here)?;
                        true
                    })
                })
            }
            _ => {
                self.reading
                    .unread_element(&at.to_string(), item, said(self.unknown_author()));
                Ok(())
            }
        }
    }

    /// Who wrote what nobody knows: the least trusted who can stand there.
    fn unknown_author(&self) -> Author {
        match self.flow {
            Flow::Request => Author::Tool,
            Flow::Answer => Author::Model,
        }
    }

    fn message(&mut self, item: Value<'_>, at: &Path<'_>, message: u32) -> Result<(), Malformed> {
        let role = item.member("role");
        let author = match role.and_then(Value::as_str).as_deref() {
            Some("system" | "developer") => Author::Operator,
            Some("user") => Author::User,
            Some("assistant") => Author::Model,
            Some("tool") => Author::Tool,
            None if role.is_none() && self.flow == Flow::Answer => Author::Model,
            Some(_) => {
                let path = self.reading.words(&at.key("role").to_string());
                self.reading.outline.unread.push(path);
                Author::Tool
            }
            None => {
                return Err(Malformed {
                    at: role.unwrap_or(item).span().start as usize,
                    fault: match role {
                        Some(_) => Fault::Type("role"),
                        None => Fault::Missing("role"),
                    },
                });
            }
        };
        let is = Is::new(Kind::Text, author, Some(message));
        self.each(item, at, is, |r, key, value, here| {
            Ok(key == "content" && {
                r.content(is, value, here)?;
                true
            })
        })
    }

    fn reasoning(&mut self, item: Value<'_>, at: &Path<'_>, message: u32) -> Result<(), Malformed> {
        let sealed = item
            .member("encrypted_content")
            .is_some_and(|sealed| !is_empty(sealed));
        let is = Is {
            sealed,
            ..Is::new(Kind::Reasoning, Author::Model, Some(message))
        };
        self.each(item, at, is, |r, key, value, here| {
            match key {
                "summary" | "content" => r.content(is, value, here)?,
                "encrypted_content" => r.opaque(is, value),
                _ => return Ok(false),
            }
            Ok(true)
        })
    }

    fn compaction(
        &mut self,
        item: Value<'_>,
        at: &Path<'_>,
        message: u32,
    ) -> Result<(), Malformed> {
        let is = Is::new(Kind::Reasoning, Author::Model, Some(message)).sealed();
        self.each(item, at, is, |r, key, value, _| {
            Ok(key == "encrypted_content" && {
                r.opaque(is, value);
                true
            })
        })
    }

    fn listed_tools(
        &mut self,
        item: Value<'_>,
        at: &Path<'_>,
        message: u32,
    ) -> Result<(), Malformed> {
        let is = Is::new(Kind::ToolResult, Author::Tool, Some(message));
        self.each(item, at, is, |r, key, value, here| {
            match key {
                "tools" => r.offers(item, value, here, Some(message), &[])?,
                "error" => r.inspect(is, value),
                _ => return Ok(false),
            }
            Ok(true)
        })
    }
}
