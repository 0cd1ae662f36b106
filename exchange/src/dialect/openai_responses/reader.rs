//! A reader of Responses documents: what all objects of this API have in common.

use super::known::{self, Quiet};
use crate::exchange::Flow;
use crate::json::{JsonKind, Malformed, Value};
use crate::part::{Author, Kind, Text};
use crate::read::{Is, Reading};
use std::collections::HashMap;
use std::fmt;

/// Where a value stands, to tell of what no reader knows.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    up: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    At(usize),
}

impl Path<'static> {
    /// The document itself.
    pub const ROOT: Path<'static> = Path {
        up: None,
        step: Step::Key(""),
    };
}

impl<'a> Path<'a> {
    /// The member `key` of what stands here.
    pub fn key(&'a self, key: &'a str) -> Path<'a> {
        Path {
            up: Some(self),
            step: Step::Key(key),
        }
    }

    /// The element `index` of what stands here.
    pub fn at(&'a self, index: usize) -> Path<'a> {
        Path {
            up: Some(self),
            step: Step::At(index),
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(up) = self.up else { return Ok(()) };
        up.fmt(f)?;
        match self.step {
            Step::At(index) => write!(f, "[{index}]"),
            Step::Key(key) if up.up.is_none() => f.write_str(key),
            Step::Key(key) => write!(f, ".{key}"),
        }
    }
}

/// Reads one document into its outline.
pub(super) struct Reader<'r> {
    pub reading: &'r mut Reading,
    pub flow: Flow,
    /// The first showing of an item that will be told in full later: calls without arguments are none yet.
    pub skeleton: bool,
    /// Call ids and the tools they were made to.
    tools: HashMap<String, Text>,
}

impl<'r> Reader<'r> {
    pub fn new(reading: &'r mut Reading, flow: Flow) -> Self {
        Reader {
            reading,
            flow,
            skeleton: false,
            tools: HashMap::new(),
        }
    }

    /// Shows `take` every member of an object. What it does not take is quiet or unread.
    pub fn each<'t>(
        &mut self,
        object: Value<'t>,
        at: &Path<'_>,
        is: Is,
        mut take: impl FnMut(&mut Self, &str, Value<'t>, &Path<'_>) -> Result<bool, Malformed>,
    ) -> Result<(), Malformed> {
        for (key, value) in object.members().into_iter().flatten() {
            let name = key.as_str().unwrap_or_default();
            if !take(self, &name, value, &at.key(&name))? {
                self.other(key, value, at, is)?;
            }
        }
        Ok(())
    }

    /// A member without a meaning of its own here: a known one that says nothing, or an unread one.
    fn other(
        &mut self,
        key: Value<'_>,
        value: Value<'_>,
        at: &Path<'_>,
        is: Is,
    ) -> Result<(), Malformed> {
        let name = key.as_str().unwrap_or_default();
        match known::quiet(&name) {
            Some(quiet) => self.quiet(quiet, value, &at.key(&name), is),
            None => {
                let lookalikes = if known::KEYS.contains(&&*name) {
                    &[]
                } else {
                    known::KEYS
                };
                let path = at.to_string();
                self.reading.unread(&path, key, value, lookalikes, is)
            }
        }
    }

    /// A value that is known and tells nothing, as long as it holds only words of the protocol, ids or
    /// names. Other strings in it are inspected.
    pub fn quiet(
        &mut self,
        quiet: Quiet,
        value: Value<'_>,
        at: &Path<'_>,
        is: Is,
    ) -> Result<(), Malformed> {
        match value.kind() {
            JsonKind::Object => {
                for (key, member) in value.members().into_iter().flatten() {
                    self.other(key, member, at, is)?;
                }
            }
            JsonKind::Array => {
                for (index, element) in value.elements().into_iter().flatten().enumerate() {
                    self.quiet(quiet, element, &at.at(index), is)?;
                }
            }
            JsonKind::String | JsonKind::Number => {
                if !known::harmless(quiet, self.flow, value) {
                    self.reading.text(is.kind(Kind::Text), value);
                }
            }
            JsonKind::True | JsonKind::False | JsonKind::Null => {}
        }
        Ok(())
    }

    /// The words of a value, unless there are none.
    pub fn inspect(&mut self, is: Is, value: Value<'_>) {
        if !is_empty(value) {
            self.reading.leaves(is, value);
        }
    }

    /// Something the provider encrypted: a part without words. What is not encrypted is read.
    pub fn opaque(&mut self, is: Is, value: Value<'_>) {
        match value.as_str() {
            Some(text) if known::is_base64(&text) => {
                if !text.is_empty() {
                    self.reading.head(is, value, 0);
                }
            }
            _ => self.inspect(is, value),
        }
    }

    /// An image, a sound or a file: its address or name; of a `data:` address only what precedes the
    /// bytes. `bare`: a string that may hold the bytes alone.
    pub fn media(&mut self, is: Is, value: Value<'_>, form: &str, bare: bool) {
        let form = self.reading.words(form);
        let is = is.kind(Kind::Media).form(Some(form));
        let Some(text) = value.as_str() else {
            return self.inspect(is, value);
        };
        if text.is_empty() {
            return;
        }
        let bytes = match text.find(";base64,") {
            Some(mark) if text.starts_with("data:") => mark + ";base64,".len(),
            _ if bare => 0,
            _ => text.len(),
        };
        if known::is_base64(&text[bytes..]) {
            self.reading.head(is, value, bytes);
        } else {
            self.reading.text(is, value);
        }
    }

    /// Notes ids of state at the provider that a request leans on.
    pub fn stored(&mut self, value: Value<'_>) {
        if self.flow == Flow::Answer {
            return;
        }
        if let Some(ids) = value.elements() {
            ids.for_each(|id| self.stored(id));
        } else if let Some(id) = self.reading.string(value) {
            self.reading.outline.stored.push(id);
        }
    }

    /// An id that state is kept under: noted, and inspected if it is none of the provider's making.
    pub fn stored_id(
        &mut self,
        value: Value<'_>,
        at: &Path<'_>,
        is: Is,
    ) -> Result<bool, Malformed> {
        self.stored(value);
        self.quiet(Quiet::Id, value, at, is)?;
        Ok(true)
    }

    /// The string member `key`.
    pub fn member(&mut self, object: Value<'_>, key: &str) -> Option<Text> {
        self.reading.string(object.member(key)?)
    }

    /// Remembers that the call `id` was made to `tool`.
    pub fn note_call(&mut self, id: Option<Value<'_>>, tool: Option<Text>) {
        if let (Some(id), Some(tool)) = (id.and_then(Value::as_str), tool) {
            self.tools.insert(id.into_owned(), tool);
        }
    }

    /// The tool that the call `id` was made to.
    pub fn tool_of(&self, id: Option<Value<'_>>) -> Option<Text> {
        self.tools.get(&*id?.as_str()?).copied()
    }

    /// Words of whoever built the agent.
    pub fn operator(&self) -> Is {
        Is::new(Kind::Text, Author::Operator, None)
    }
}

/// Whether a value says nothing at all.
pub(super) fn is_empty(value: Value<'_>) -> bool {
    match value.kind() {
        JsonKind::Object => value.members().into_iter().flatten().next().is_none(),
        JsonKind::Array => value.elements().into_iter().flatten().all(is_empty),
        JsonKind::String => value.raw() == "\"\"",
        JsonKind::Null => true,
        JsonKind::Number | JsonKind::True | JsonKind::False => false,
    }
}
