//! Streams: what each event adds, and what it holds whole.

use super::calls::{self, Begun};
use super::events::{Does, Ending, does};
use super::known::{self, Quiet};
use super::reader::{Path, Reader};
use crate::exchange::{Flow, Usage};
use crate::json::{Fault, Malformed, Tape, Value};
use crate::part::{Author, Kind};
use crate::read::{Is, Reading, wrong_type};
use crate::stream::{Delta, Flowing, Lane, Slot};
use std::collections::{BTreeMap, BTreeSet};

/// Output items of one response: bounds what a stream remembers.
const ITEMS_MAX: u32 = 1 << 14;

/// Reads a stream.
#[derive(Debug, Default)]
pub struct Stream {
    pub(super) items: BTreeMap<u32, Item>,
    created: bool,
    model: String,
}

/// What is remembered of an output item.
#[derive(Debug, Default)]
pub(super) struct Item {
    /// The item's type and, for calls, the tool's name: they may not change.
    pub kind: String,
    pub tool: String,
    pub call: String,
    pub free_form: bool,
    /// Signed by the provider.
    pub sealed: bool,
    pub open: BTreeSet<Slot>,
    /// Its call has been told of, by deltas or at the latest with its end.
    pub told: bool,
    /// Its call has been closed.
    pub closed: bool,
}

impl Stream {
    pub(in crate::dialect) fn read(
        &mut self,
        name: Option<&str>,
        data: &str,
    ) -> Result<Flowing, Malformed> {
        let mut flowing = Flowing::default();
        match data.trim() {
            "" => return Ok(flowing),
            "[DONE]" => {
                flowing.deltas.push(Delta::End);
                return Ok(flowing);
            }
            _ => {}
        }
        let tape = Tape::read_str(data)?;
        let mut reading = Reading::default();
        let mut event = Event {
            root: tape.root(),
            stream: self,
            reader: Reader::new(&mut reading, Flow::Answer),
            deltas: &mut flowing.deltas,
        };
        event.read(name.filter(|name| !name.is_empty()))?;
        flowing.whole = reading.outline;
        Ok(flowing)
    }
}

/// One event while it is read.
pub(super) struct Event<'e, 't> {
    pub root: Value<'t>,
    pub stream: &'e mut Stream,
    pub reader: Reader<'e>,
    pub deltas: &'e mut Vec<Delta>,
}

impl<'t> Event<'_, 't> {
    fn read(&mut self, name: Option<&str>) -> Result<(), Malformed> {
        let Some(kind) = self.root.member("type") else {
            return self.untyped(name);
        };
        let word = kind.as_str().ok_or_else(|| wrong_type(kind, "type"))?;
        if name.is_some_and(|name| name != word) {
            return Err(out_of_order(kind, "an event unlike its name"));
        }
        let Some(does) = does(&word) else {
            let path = if known::is_name(&word) {
                &*word
            } else {
                "event"
            };
            let is = self.said(None);
            self.reader.reading.unread_element(path, self.root, is);
            return Ok(());
        };
        match does {
            Does::Tell(ending) => self.tell(ending),
            Does::Added => self.added(),
            Does::Done => self.done(),
            Does::Part(kind) => self.part(kind),
            Does::Grow(grows) => self.grow(grows),
            Does::Close(grows, member) => self.close(grows, member),
            Does::Annotation => self.rest("annotation", |r, is, value, at| {
                r.annotations(is, value, at)
            }),
            Does::Media(member, form) => self.rest(member, |r, is, value, _| {
                r.media(is, value, form, true);
                Ok(())
            }),
            Does::Output => self.output(),
            Does::OutputDone => self.output_done(),
            Does::Notice => self.rest("", |_, _, _, _| Ok(())),
            Does::Error => self.error(),
        }
    }

    /// An event that does not say what it is: an error in the shape of other answers, or unread.
    fn untyped(&mut self, name: Option<&str>) -> Result<(), Malformed> {
        let said = self.said(None);
        if self
            .root
            .member("error")
            .is_some_and(|error| !error.is_null())
        {
            return self.error();
        }
        if name.is_some() {
            return Err(missing("type"));
        }
        self.reader.reading.unread_element("event", self.root, said);
        Ok(())
    }

    /// Words of the model in output item `index`.
    fn said(&self, index: Option<u32>) -> Is {
        Is::new(Kind::Text, Author::Model, index)
    }

    /// Reads the members of the event: `with` reads the one named `member`, the others are quiet or unread.
    pub fn rest(
        &mut self,
        member: &str,
        mut with: impl FnMut(&mut Reader<'_>, Is, Value<'t>, &Path<'_>) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        let is = self.said(self.index().ok());
        self.reader
            .each(self.root, &Path::ROOT, is, |r, key, value, here| {
                match key {
                    "type" => {}
                    _ if key == member => with(r, is, value, here)?,
                    "obfuscation" if is_padding(value) => {}
                    "obfuscation" => r.inspect(is, value),
                    "logprobs" => r.inspect(is.kind(Kind::Unread), value),
                    "background" => r.quiet(Quiet::Word, value, here, is)?,
                    _ => return Ok(false),
                }
                Ok(true)
            })
    }

    pub fn number(&self, key: &'static str, max: u32) -> Result<u32, Malformed> {
        let Some(value) = self.root.member(key) else {
            return Err(missing(key));
        };
        let number = value
            .as_u64()
            .and_then(|n| u32::try_from(n).ok())
            .filter(|&n| n < max);
        number.ok_or_else(|| wrong_type(value, key))
    }

    pub fn index(&self) -> Result<u32, Malformed> {
        self.number("output_index", ITEMS_MAX)
    }

    /// Holds an item to the type and name it had before.
    pub fn same(&mut self, index: u32, kind: Option<&str>, tool: &str) -> Result<(), Malformed> {
        let item = self.stream.items.entry(index).or_default();
        let differs = |old: &str, new: &str| !old.is_empty() && old != new;
        if differs(&item.tool, tool) || kind.is_some_and(|kind| differs(&item.kind, kind)) {
            return Err(out_of_order(self.root, "an item unlike its beginning"));
        }
        item.tool = tool.to_owned();
        item.kind = kind.unwrap_or(&item.kind).to_owned();
        Ok(())
    }

    /// The event's item, remembered by its index.
    fn item(&mut self) -> Result<(u32, Value<'t>, Option<Begun>), Malformed> {
        let index = self.index()?;
        let Some(value) = self.root.member("item") else {
            return Err(missing("item"));
        };
        let kind = value
            .member("type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let begun = calls::begun(value);
        let tool = begun.as_ref().map_or("", |begun| &begun.tool);
        self.same(index, Some(&kind), tool)?;
        let item = self.stream.items.entry(index).or_default();
        if let Some(begun) = &begun {
            item.call.clone_from(&begun.id);
            item.free_form = begun.free_form;
        }
        item.sealed |= self.reader.says(value, "encrypted_content");
        Ok((index, value, begun))
    }

    fn added(&mut self) -> Result<(), Malformed> {
        let (index, _, begun) = self.item()?;
        if let Some(begun) = begun.filter(|begun| begun.grows) {
            self.deltas.push(Delta::Call {
                slot: Slot {
                    choice: 0,
                    item: index,
                    lane: Lane::Call,
                },
                id: begun.id,
                tool: begun.tool,
                free_form: begun.free_form,
                provider: begun.provider,
            });
        }
        self.reader.skeleton = true;
        self.rest("item", |r, _, item, at| r.item(item, at, index))
    }

    fn done(&mut self) -> Result<(), Malformed> {
        let (index, value, begun) = self.item()?;
        let slot = Slot {
            choice: 0,
            item: index,
            lane: Lane::Call,
        };
        let grows = begun.is_some_and(|begun| begun.grows);
        if grows {
            let input = ["arguments", "input", "code"]
                .iter()
                .find_map(|key| value.member(key));
            self.unsaid(slot, input)?;
        }
        self.rest("item", |r, _, item, at| r.item(item, at, index))?;
        let item = self.stream.items.entry(index).or_default();
        if grows && !std::mem::replace(&mut item.closed, true) {
            item.open.insert(slot);
        }
        let open = std::mem::take(&mut item.open);
        self.deltas
            .extend(open.into_iter().map(|slot| Delta::Close { slot }));
        Ok(())
    }

    /// A part of a message or a summary, or a command, shown before it grows or after.
    fn part(&mut self, kind: Kind) -> Result<(), Malformed> {
        let index = self.index()?;
        let sealed = self
            .stream
            .items
            .get(&index)
            .is_some_and(|item| item.sealed);
        let is = Is {
            sealed,
            ..self.said(Some(index)).kind(kind)
        };
        let member = if self.root.member("command").is_some() {
            "command"
        } else {
            "part"
        };
        self.rest(member, |r, _, part, at| match part.raw() {
            "\"\"" => Ok(()),
            _ => r.content(is, part, at),
        })
    }

    fn tell(&mut self, ending: Ending) -> Result<(), Malformed> {
        self.reader.skeleton = ending == Ending::None;
        self.rest("response", |r, _, response, at| r.answer(response, at))?;
        let outline = &mut self.reader.reading.outline;
        let usage = outline.usage;
        outline.created.clear();
        let response = self.root.member("response");
        let word = |key| Some(response?.member(key)?.as_str()?.into_owned());
        if let Some(id) = word("id").filter(|_| !std::mem::replace(&mut self.stream.created, true))
        {
            self.deltas.push(Delta::Created(id));
        }
        if let Some(model) = word("model").filter(|model| *model != self.stream.model) {
            self.stream.model.clone_from(&model);
            self.deltas.push(Delta::Model(model));
        }
        if usage != Usage::default() {
            self.deltas.push(Delta::Usage(usage));
        }
        if ending == Ending::Failed {
            self.deltas.push(Delta::Failed);
        }
        if ending != Ending::None {
            self.deltas.push(Delta::End);
        }
        Ok(())
    }

    fn error(&mut self) -> Result<(), Malformed> {
        let said = self.said(None);
        self.reader
            .each(self.root, &Path::ROOT, said, |r, key, value, _| {
                match key {
                    "type" if value.is_str("error") => {}
                    "error" | "code" | "message" | "param" => r.inspect(said, value),
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
        self.deltas.push(Delta::Failed);
        Ok(())
    }
}

fn out_of_order(value: Value<'_>, what: &'static str) -> Malformed {
    Malformed {
        at: value.span().start as usize,
        fault: Fault::Order(what),
    }
}

pub(super) fn missing(key: &'static str) -> Malformed {
    Malformed {
        at: 0,
        fault: Fault::Missing(key),
    }
}

/// Random letters that hide how long a delta is.
fn is_padding(value: Value<'_>) -> bool {
    value
        .as_str()
        .is_some_and(|text| text.len() <= 256 && known::is_base64(&text))
}
