//! Contents: texts, images and files within messages, results and reasoning.

use super::known::Quiet;
use super::reader::{Path, Reader, is_empty};
use crate::json::{JsonKind, Malformed, Value};
use crate::part::{Answer, Author, Kind};
use crate::read::{Is, wrong_type};

impl Reader<'_> {
    /// A content: a string, one block or a list of blocks.
    pub fn content(&mut self, is: Is, value: Value<'_>, at: &Path<'_>) -> Result<(), Malformed> {
        match value.kind() {
            JsonKind::Null => {}
            JsonKind::String => {
                self.reading.text(is, value);
            }
            JsonKind::Object => self.block(is, value, at)?,
            JsonKind::Array => {
                for (index, block) in value.elements().into_iter().flatten().enumerate() {
                    match block.kind() {
                        JsonKind::Object => self.block(is, block, &at.at(index))?,
                        _ => self.content(is, block, &at.at(index))?,
                    }
                }
            }
            _ => return Err(wrong_type(value, "content")),
        }
        Ok(())
    }

    fn block(&mut self, is: Is, block: Value<'_>, at: &Path<'_>) -> Result<(), Malformed> {
        let plain = is;
        let is = is.answer(Answer::Fixed);
        let Some(kind) = block.member("type").and_then(Value::as_str) else {
            return match is.kind {
                Kind::ToolResult => self.row(is, block, at),
                _ => {
                    self.reading.unread_element(&at.to_string(), block, is);
                    Ok(())
                }
            };
        };
        match &*kind {
            "summary_text" | "reasoning_text" => self.each(block, at, is, |r, key, value, here| {
                r.text_member(is.kind(Kind::Reasoning), key, value, here)
            }),
            "input_text" | "output_text" | "text" => {
                let cited = block
                    .member("annotations")
                    .is_some_and(|all| !is_empty(all));
                let words = if cited { is } else { plain };
                self.each(block, at, is, |r, key, value, here| match key {
                    "text" => r.text_member(words, key, value, here),
                    _ => r.text_member(is, key, value, here),
                })
            }
            "refusal" => self.each(block, at, is, |r, key, value, _| {
                Ok(key == "refusal" && {
                    r.inspect_text(is.kind(Kind::Refusal), value);
                    true
                })
            }),
            "input_image" | "image" | "computer_screenshot" => {
                self.each(block, at, is, |r, key, value, here| match key {
                    "image_url" | "url" => r.link(is, value, here),
                    "file_id" => r.stored_medium(is, value, here, "image"),
                    _ => Ok(false),
                })
            }
            "input_file" => self.each(block, at, is, |r, key, value, here| {
                r.file(is, key, value, here)
            }),
            "input_audio" | "output_audio" => self.each(block, at, is, |r, key, value, here| {
                r.audio(is, key, value, here)
            }),
            "logs" => self.row(is, block, at),
            "encrypted_content" => self.each(block, at, is, |r, key, value, _| {
                Ok(key == "encrypted_content" && {
                    r.opaque(is.sealed(), value);
                    true
                })
            }),
            _ => {
                self.reading.unread_element(&at.to_string(), block, is);
                Ok(())
            }
        }
    }

    /// Words, if there are any.
    pub fn inspect_text(&mut self, is: Is, value: Value<'_>) {
        if !value.is_null() {
            self.reading.text(is, value);
        }
    }

    fn text_member(
        &mut self,
        is: Is,
        key: &str,
        value: Value<'_>,
        at: &Path<'_>,
    ) -> Result<bool, Malformed> {
        match key {
            "text" => self.inspect_text(is, value),
            "annotations" => self.annotations(is, value, at)?,
            "logprobs" => self.inspect(is.kind(Kind::Unread), value),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Citations: addresses and titles come from pages and files, not from the model.
    pub fn annotations(
        &mut self,
        is: Is,
        value: Value<'_>,
        at: &Path<'_>,
    ) -> Result<(), Malformed> {
        let cited = Is {
            author: Author::Tool,
            ..is.kind(Kind::Text)
        };
        match value.elements() {
            None if value.kind() == JsonKind::Object => self.row(cited, value, at),
            None => {
                self.inspect(cited, value);
                Ok(())
            }
            Some(all) => {
                for (index, annotation) in all.enumerate() {
                    self.annotations(is, annotation, &at.at(index))?;
                }
                Ok(())
            }
        }
    }

    /// One row of a result: a page, a passage, what a command printed.
    pub fn row(&mut self, is: Is, row: Value<'_>, at: &Path<'_>) -> Result<(), Malformed> {
        if row.kind() != JsonKind::Object {
            self.inspect(is, row);
            return Ok(());
        }
        self.each(row, at, is, |r, key, value, _| {
            match key {
                "text" | "stdout" | "stderr" | "logs" | "filename" | "url" | "title"
                | "snippet" | "quote" => r.inspect_text(is, value),
                "attributes" => r.inspect(is, value),
                _ => return Ok(false),
            }
            Ok(true)
        })
    }

    fn link(&mut self, is: Is, value: Value<'_>, at: &Path<'_>) -> Result<bool, Malformed> {
        if value.kind() == JsonKind::Object {
            self.each(value, at, is, |r, key, url, _| {
                Ok(key == "url" && {
                    r.media(is, url, "image", false);
                    true
                })
            })?;
        } else if !value.is_null() {
            self.media(is, value, "image", false);
        }
        Ok(true)
    }

    /// A medium that the provider keeps: its id is all that can be read of it.
    fn stored_medium(
        &mut self,
        is: Is,
        value: Value<'_>,
        at: &Path<'_>,
        form: &str,
    ) -> Result<bool, Malformed> {
        if !value.is_null() {
            self.media(is, value, form, false);
        }
        self.stored_id(value, at, is)
    }

    fn file(
        &mut self,
        is: Is,
        key: &str,
        value: Value<'_>,
        at: &Path<'_>,
    ) -> Result<bool, Malformed> {
        match key {
            "file_id" => return self.stored_medium(is, value, at, "file"),
            "file_data" => self.media(is, value, "file", true),
            "file_url" | "filename" => self.media(is, value, "file", false),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn audio(
        &mut self,
        is: Is,
        key: &str,
        value: Value<'_>,
        at: &Path<'_>,
    ) -> Result<bool, Malformed> {
        match key {
            "data" => self.media(is, value, "audio", true),
            "transcript" => self.inspect_text(is, value),
            "input_audio" => self.each(value, at, is, |r, key, value, here| {
                Ok(match key {
                    "data" => {
                        r.media(is, value, "audio", true);
                        true
                    }
                    "format" => {
                        r.quiet(Quiet::Name, value, here, is)?;
                        true
                    }
                    _ => false,
                })
            })?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}
