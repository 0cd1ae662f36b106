//! Reads a streamed message, event by event.

use super::reader::{Path, Reader, kind_of};
use super::shape::{self, Rows, Sort, Take};
use super::{disorder, missing};
use crate::exchange::Usage;
use crate::json::{JsonKind, Malformed, Tape, Value};
use crate::part::{Author, Coding, Kind, Segment, Text};
use crate::payload::Outline;
use crate::read::{Is, Reading, wrong_type};
use crate::span::Span;
use crate::stream::{Delta, Flowing, Lane, Slot};
use std::collections::HashMap;

/// Reads the events of one message. SDKs count blocks as they come and take an event's `index` into that
/// list, so anything out of order is refused: they could read something else than was judged.
#[derive(Debug, Default)]
pub struct Stream {
    started: bool,
    ended: bool,
    /// One for each block so far, by its index.
    blocks: Vec<Block>,
    /// The names of the tools that the provider called, by the call's id.
    calls: HashMap<String, String>,
}

/// What may still be added to a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Block {
    /// Text of the model.
    Text,
    /// Thinking.
    Thinking,
    /// The arguments of a call.
    Call,
    /// A summary, in one piece.
    Compaction,
    /// Nothing: it came complete.
    Whole,
    /// Nobody here knows.
    Unknown,
    /// Nothing any more.
    Stopped,
}

impl Block {
    fn lane(self) -> Option<Lane> {
        match self {
            Block::Text => Some(Lane::Text(0)),
            Block::Thinking => Some(Lane::Reasoning(0)),
            Block::Call => Some(Lane::Call),
            Block::Compaction | Block::Whole | Block::Unknown | Block::Stopped => None,
        }
    }

    fn slot(self, index: u32) -> Option<Slot> {
        self.lane().map(|lane| Slot {
            choice: 0,
            item: index,
            lane,
        })
    }
}

const EVENT: Rows = &[("type", Take::Word)];

const MESSAGE_START: Rows = &[
    ("type", Take::Word),
    ("message", Take::Object(shape::MESSAGE)),
];

const BLOCK_EVENT: Rows = &[
    ("type", Take::Word),
    ("index", Take::Word),
    ("content_block", Take::Elsewhere),
    ("delta", Take::Elsewhere),
];

const MESSAGE_DELTA: Rows = &[
    ("type", Take::Word),
    ("delta", Take::Object(shape::MESSAGE_CHANGE)),
    ("usage", Take::Usage),
    ("context_management", Take::Words),
    ("input_transformations", Take::Words),
];

/// One event while it is read.
struct Event<'r, 't> {
    root: Value<'t>,
    reader: Reader<'r, 't>,
    deltas: Vec<Delta>,
    is: Is,
}

impl Stream {
    pub(in super::super) fn read(
        &mut self,
        name: Option<&str>,
        data: &str,
    ) -> Result<Flowing, Malformed> {
        let tape = Tape::read_str(data)?;
        let root = tape.root();
        let Some(kind) = root.member("type") else {
            return Err(missing(root, "type"));
        };
        let Some(kind_name) = kind.as_str() else {
            return Err(wrong_type(kind, "type"));
        };
        if name.is_some_and(|name| name != kind_name) {
            return Err(disorder(kind, "the event's name"));
        }
        let mut reading = Reading::default();
        let mut event = Event {
            root,
            reader: Reader::answer(&mut reading),
            deltas: Vec::new(),
            is: Is::new(Kind::Text, Author::Model, Some(0)),
        };
        self.event(&kind_name, &mut event)?;
        let mut deltas = event.deltas;
        lift(data, &reading.outline, &mut deltas);
        Ok(Flowing {
            deltas,
            whole: reading.outline,
        })
    }

    fn event(&mut self, kind: &str, event: &mut Event<'_, '_>) -> Result<(), Malformed> {
        match kind {
            "ping" => return event.rest(EVENT),
            "error" => {
                event.deltas.push(Delta::Failed);
                event.is.message = None;
                return event.rest(shape::ERROR);
            }
            "message_start" if !self.started => return self.start(event),
            "message_start" => return Err(disorder(event.root, "message_start")),
            "content_block_start"
            | "content_block_delta"
            | "content_block_stop"
            | "message_delta"
            | "message_stop" => {}
            _ => {
                event
                    .reader
                    .reading
                    .unread_element("event", event.root, event.is);
                return Ok(());
            }
        }
        if !self.started || self.ended {
            return Err(disorder(event.root, "the event"));
        }
        match kind {
            "content_block_start" => self.block_start(event),
            "content_block_delta" => self.block_delta(event),
            "content_block_stop" => self.block_stop(event),
            "message_delta" => event.rest(MESSAGE_DELTA),
            _ => {
                self.ended = true;
                event.deltas.push(Delta::End);
                event.rest(EVENT)
            }
        }
    }

    fn start(&mut self, event: &mut Event<'_, '_>) -> Result<(), Malformed> {
        self.started = true;
        let message = event.root.member("message");
        let content = message.and_then(|m| m.member("content"));
        let begun = content.and_then(Value::elements).map_or(0, Iterator::count);
        self.blocks = vec![Block::Stopped; begun];
        event.rest(MESSAGE_START)
    }

    fn block_start(&mut self, event: &mut Event<'_, '_>) -> Result<(), Malformed> {
        let index = event.index()?;
        if index as usize != self.blocks.len() {
            return Err(disorder(event.root, "index"));
        }
        let Some(block) = event.root.member("content_block") else {
            return Err(missing(event.root, "content_block"));
        };
        event.rest(BLOCK_EVENT)?;
        let kind = kind_of(block);
        let sort = shape::block(&kind).map(|(sort, _)| sort);
        let state = match (&*kind, sort) {
            ("text", _) => Block::Text,
            ("thinking", _) => Block::Thinking,
            ("compaction", _) => Block::Compaction,
            (_, Some(Sort::Call | Sort::ProviderCall)) if has_input(block) => Block::Whole,
            (_, Some(Sort::Call | Sort::ProviderCall)) => Block::Call,
            (_, Some(_)) => Block::Whole,
            (_, None) => Block::Unknown,
        };
        self.blocks.push(state);
        match state {
            Block::Text => event.begin(state, index, block, "text", shape::TEXT_START),
            Block::Thinking => event.begin(state, index, block, "thinking", shape::THINKING_START),
            Block::Call => self.call(event, index, block, sort == Some(Sort::ProviderCall)),
            _ => self.whole(event, block),
        }
    }

    /// A block that came complete, or that nobody here knows.
    fn whole<'t>(&mut self, event: &mut Event<'_, 't>, block: Value<'t>) -> Result<(), Malformed> {
        if let Some(id) = block.member("tool_use_id").and_then(Value::as_str)
            && let Some(tool) = self.calls.get(&*id)
        {
            event.reader.called(id, tool);
        }
        self.remember(block);
        let at = Path::Key(&Path::Root, "content_block");
        event.reader.block(at, block, event.is)
    }

    fn remember(&mut self, block: Value<'_>) {
        let word = |key| block.member(key).and_then(Value::as_str);
        if let (Some(id), Some(tool)) = (word("id"), word("name")) {
            self.calls.insert(id.into_owned(), tool.into_owned());
        }
    }

    fn call<'t>(
        &mut self,
        event: &mut Event<'_, 't>,
        index: u32,
        block: Value<'t>,
        provider: bool,
    ) -> Result<(), Malformed> {
        let word = |key: &'static str| match block.member(key) {
            None => Err(missing(block, key)),
            Some(value) => value.as_str().ok_or_else(|| wrong_type(value, key)),
        };
        let (id, tool) = (word("id")?.into_owned(), word("name")?.into_owned());
        self.remember(block);
        if let Some(slot) = Block::Call.slot(index) {
            event.deltas.push(Delta::Call {
                slot,
                id,
                tool,
                free_form: false,
                provider,
            });
        }
        let at = Path::Key(&Path::Root, "content_block");
        event.reader.object(at, block, event.is, shape::CALL_START)
    }

    fn block_delta(&mut self, event: &mut Event<'_, '_>) -> Result<(), Malformed> {
        let (index, block) = self.open(event)?;
        let Some(delta) = event.root.member("delta") else {
            return Err(missing(event.root, "delta"));
        };
        event.rest(BLOCK_EVENT)?;
        let kind = kind_of(delta);
        let at = Path::Key(&Path::Root, "delta");
        let rows = match (block, &*kind) {
            (Block::Text, "text_delta") => {
                return event.grow(block, index, delta, "text", shape::TEXT_DELTA);
            }
            (Block::Thinking, "thinking_delta") => {
                return event.grow(block, index, delta, "thinking", shape::THINKING_DELTA);
            }
            (Block::Call, "input_json_delta") => {
                return event.grow(block, index, delta, "partial_json", shape::INPUT_DELTA);
            }
            (Block::Text, "citations_delta") => shape::CITATIONS_DELTA,
            (Block::Thinking, "signature_delta") => shape::SIGNATURE_DELTA,
            (Block::Compaction, "compaction_delta") => shape::COMPACTION_DELTA,
            // Some upstreams close the input they have already given with an empty piece.
            (Block::Whole, "input_json_delta")
                if delta.member("partial_json").is_some_and(|v| v.is_str("")) =>
            {
                shape::INPUT_DELTA
            }
            (Block::Unknown, _) => {
                event
                    .reader
                    .reading
                    .unread_element("delta", delta, event.is);
                return Ok(());
            }
            (_, known) if shape::is_delta(known) => return Err(disorder(delta, "delta")),
            _ => {
                event
                    .reader
                    .reading
                    .unread_element("delta", delta, event.is);
                return Ok(());
            }
        };
        event.reader.object(at, delta, event.is, rows)
    }

    fn block_stop(&mut self, event: &mut Event<'_, '_>) -> Result<(), Malformed> {
        let (index, block) = self.open(event)?;
        self.blocks[index as usize] = Block::Stopped;
        if let Some(slot) = block.slot(index) {
            event.deltas.push(Delta::Close { slot });
        }
        event.rest(BLOCK_EVENT)
    }

    /// The block that an event adds to: one that has begun and not stopped.
    fn open(&self, event: &Event<'_, '_>) -> Result<(u32, Block), Malformed> {
        let index = event.index()?;
        match self.blocks.get(index as usize) {
            None | Some(Block::Stopped) => Err(disorder(event.root, "index")),
            Some(block) => Ok((index, *block)),
        }
    }
}

impl<'t> Event<'_, 't> {
    /// Reads the members that no other function does.
    fn rest(&mut self, rows: Rows) -> Result<(), Malformed> {
        self.reader.object(Path::Root, self.root, self.is, rows)
    }

    fn index(&self) -> Result<u32, Malformed> {
        let Some(index) = self.root.member("index") else {
            return Err(missing(self.root, "index"));
        };
        let number = index.as_u64().and_then(|n| u32::try_from(n).ok());
        number.ok_or_else(|| wrong_type(index, "index"))
    }

    /// A block begins, perhaps with its first words.
    fn begin(
        &mut self,
        block: Block,
        index: u32,
        value: Value<'t>,
        key: &'static str,
        rows: Rows,
    ) -> Result<(), Malformed> {
        if let (Block::Thinking, Some(slot)) = (block, block.slot(index)) {
            self.deltas.push(Delta::Seal { slot });
        }
        self.piece(block, index, value.member(key), key)?;
        let at = Path::Key(&Path::Root, "content_block");
        self.reader.object(at, value, self.is, rows)
    }

    fn grow(
        &mut self,
        block: Block,
        index: u32,
        delta: Value<'t>,
        key: &'static str,
        rows: Rows,
    ) -> Result<(), Malformed> {
        self.piece(block, index, delta.member(key), key)?;
        let at = Path::Key(&Path::Root, "delta");
        self.reader.object(at, delta, self.is, rows)
    }

    fn piece(
        &mut self,
        block: Block,
        index: u32,
        value: Option<Value<'t>>,
        key: &'static str,
    ) -> Result<(), Malformed> {
        let Some(value) = value.filter(|value| !value.is_null()) else {
            return Ok(());
        };
        let (Some((raw, _)), Some(text)) = (value.content(), value.as_str()) else {
            return Err(wrong_type(value, key));
        };
        if let (false, Some(slot)) = (text.is_empty(), block.slot(index)) {
            let segment = Segment {
                text: Span::new(0, text.len()),
                raw,
                coding: Coding::String,
            };
            self.deltas.push(Delta::Grow {
                slot,
                text: text.into_owned(),
                segment,
            });
        }
        Ok(())
    }
}

/// Whether a call comes with its input already; SDKs then take that, unless pieces follow.
fn has_input(block: Value<'_>) -> bool {
    block
        .member("input")
        .is_some_and(|input| match input.kind() {
            JsonKind::Object => input.members().into_iter().flatten().next().is_some(),
            JsonKind::Null => false,
            _ => true,
        })
}

/// What an event tells of the whole answer.
fn lift(data: &str, outline: &Outline, deltas: &mut Vec<Delta>) {
    let words = |text| match text {
        Text::Body(span) => data[span.range()].to_owned(),
        Text::Arena(span) => outline.arena[span.range()].to_owned(),
    };
    if outline.usage != Usage::default() {
        deltas.push(Delta::Usage(outline.usage));
    }
    deltas.extend(outline.model.map(words).map(Delta::Model));
    deltas.extend(outline.created.iter().map(|id| Delta::Created(words(*id))));
}
