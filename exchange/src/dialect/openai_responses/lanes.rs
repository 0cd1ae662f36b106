//! Lanes: the texts, thoughts and calls that grow in a stream, and the repetition that closes them.

use super::events::Grows;
use super::reader::Reader;
use super::stream::{Event, missing};
use crate::json::string::quoted;
use crate::json::{JsonKind, Malformed, Value};
use crate::part::{Author, Coding, Kind, Segment};
use crate::read::{Is, wrong_type};
use crate::span::Span;
use crate::stream::{Delta, Lane, Slot};

impl Event<'_, '_> {
    fn slot(&self, grows: Grows) -> Result<Slot, Malformed> {
        let number = |key| Ok::<u16, Malformed>(self.number(key, 0x4000)? as u16);
        let lane = match grows {
            Grows::Text => Lane::Text(number("content_index")?),
            Grows::Refusal => Lane::Refusal(number("content_index")?),
            Grows::Summary => Lane::Reasoning(number("summary_index")?),
            // Apart from the summaries.
            Grows::Reasoning => Lane::Reasoning(0x8000 | number("content_index")?),
            Grows::Transcript => Lane::Transcript,
            Grows::Call => Lane::Call,
            Grows::Command => Lane::Text(number("command_index")?),
        };
        let item = match grows {
            Grows::Transcript => 0,
            _ => self.index()?,
        };
        Ok(Slot {
            choice: 0,
            item,
            lane,
        })
    }

    pub fn grow(&mut self, grows: Grows) -> Result<(), Malformed> {
        let slot = self.slot(grows)?;
        let Some(delta) = self.root.member("delta") else {
            return Err(missing("delta"));
        };
        self.push(slot, delta)?;
        self.rest("delta", |_, _, _, _| Ok(()))
    }

    fn push(&mut self, slot: Slot, delta: Value<'_>) -> Result<(), Malformed> {
        let (Some((raw, _)), Some(text)) = (delta.content(), delta.as_str()) else {
            return Err(wrong_type(delta, "delta"));
        };
        let item = self.stream.items.entry(slot.item).or_default();
        if item.open.insert(slot) && item.sealed {
            self.deltas.push(Delta::Seal { slot });
        }
        item.told |= slot.lane == Lane::Call;
        self.deltas.push(Delta::Grow {
            slot,
            segment: Segment {
                text: Span::new(0, text.len()),
                raw,
                coding: Coding::String,
            },
            text: text.into_owned(),
        });
        Ok(())
    }

    /// Closes a lane. Its content comes once more; if it came not at all so far, it comes now.
    pub fn close(&mut self, grows: Grows, member: &str) -> Result<(), Malformed> {
        let slot = self.slot(grows)?;
        let value = self.root.member(member);
        if grows == Grows::Call {
            if let Some(name) = self.root.member("name") {
                let name = name
                    .as_str()
                    .ok_or_else(|| wrong_type(name, "name"))?
                    .into_owned();
                self.same(slot.item, None, &name)?;
            }
            self.unsaid(slot, value)?;
        }
        let item = self.stream.items.entry(slot.item).or_default();
        let (tool, call) = (item.tool.clone(), item.call.clone());
        let (sealed, free) = (item.sealed, item.free_form);
        item.open.remove(&slot);
        item.closed |= slot.lane == Lane::Call;
        self.rest(member, |r, is, value, _| {
            let is = Is {
                sealed,
                ..is.kind(slot.lane.kind())
            };
            let word =
                |r: &mut Reader<'_>, text: &str| (!text.is_empty()).then(|| r.reading.words(text));
            let called = |r: &mut Reader<'_>, tool: &str| {
                let (tool, call) = (word(r, tool), word(r, &call));
                is.kind(Kind::ToolCall).tool(tool).call(call)
            };
            match grows {
                Grows::Call => {
                    let is = called(r, &tool);
                    if free {
                        let form = r.reading.words("custom");
                        r.reading.text(is.form(Some(form)), value)
                    } else {
                        r.reading.nested(is, value)
                    };
                }
                Grows::Command => {
                    let is = called(r, "shell");
                    command(r, is, value);
                }
                _ => r.inspect_text(is, value),
            }
            Ok(())
        })?;
        self.deltas.push(Delta::Close { slot });
        Ok(())
    }

    /// What a call asks, if no delta has told it.
    pub fn unsaid(&mut self, slot: Slot, value: Option<Value<'_>>) -> Result<(), Malformed> {
        let told = self
            .stream
            .items
            .get(&slot.item)
            .is_some_and(|item| item.told);
        match value
            .filter(|value| !told && value.kind() == JsonKind::String && value.raw() != "\"\"")
        {
            Some(value) => self.push(slot, value),
            None => Ok(()),
        }
    }

    pub fn output(&mut self) -> Result<(), Malformed> {
        let item = self.index()?;
        let command = self.number("command_index", 0x1000)? as u16;
        let delta = self.root.member("delta");
        for (n, key) in ["stdout", "stderr"].into_iter().enumerate() {
            let lane = Lane::Text(0x8000 | command << 1 | n as u16);
            if let Some(text) = delta
                .and_then(|delta| delta.member(key))
                .filter(|text| !text.is_null())
            {
                self.push(
                    Slot {
                        choice: 0,
                        item,
                        lane,
                    },
                    text,
                )?;
            }
        }
        self.rest("delta", |r, is, delta, at| {
            r.each(delta, at, is, |_, key, _, _| {
                Ok(matches!(key, "stdout" | "stderr"))
            })
        })
    }

    pub fn output_done(&mut self) -> Result<(), Malformed> {
        let item = self.index()?;
        let command = self.number("command_index", 0x1000)? as u16;
        self.rest("output", |r, is, rows, at| {
            let tool = r.reading.words("shell");
            let is = Is::new(Kind::ToolResult, Author::Tool, is.message).tool(Some(tool));
            r.content(is, rows, at)
        })?;
        for lane in [0, 1].map(|n| Lane::Text(0x8000 | command << 1 | n)) {
            let slot = Slot {
                choice: 0,
                item,
                lane,
            };
            if self
                .stream
                .items
                .get_mut(&item)
                .is_some_and(|item| item.open.remove(&slot))
            {
                self.deltas.push(Delta::Close { slot });
            }
        }
        Ok(())
    }
}

/// A shell command on its own, as the call that the finished item will tell.
fn command(reader: &mut Reader<'_>, is: Is, value: Value<'_>) {
    let id = reader.reading.text(is, value);
    let command = quoted(&value.as_str().unwrap_or_default());
    let json = reader
        .reading
        .words(&format!("{{\"commands\":[{command}]}}"));
    reader.reading.outline.parts[id.0 as usize].json = Some(json);
}
