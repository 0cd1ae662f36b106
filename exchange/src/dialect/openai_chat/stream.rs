//! A streamed answer: one chunk after another, each adding to some choices.

use super::answer::{read_error, usage};
use super::message::{Turn, read_annotations, read_sound};
use super::{
    Known, elements, given, id, inspect_unless_id, join, members, missing, object, rest,
};
use crate::exchange::Operation;
use crate::json::{JsonKind, Malformed, Tape, Value};
use crate::part::{Author, Coding, Kind, Segment};
use crate::read::{Is, Reading, wrong_type};
use crate::span::Span;
use crate::stream::{Delta, Flowing, Lane, Slot};
use std::collections::HashMap;

const CHUNK: Known = Known {
    keys: &[
        "id", "object", "created", "model", "choices", "usage", "error", "service_tier",
        "system_fingerprint", "moderation", "obfuscation", "prompt_filter_results", "timings",
        "prompt_token_ids",
    ],
    plain: id,
};
const CHOICE: Known = Known {
    keys: &[
        "index", "delta", "text", "finish_reason", "logprobs", "stop_reason", "token_ids",
        "content_filter_results",
    ],
    plain: id,
};
const DELTA: Known = Known {
    keys: &[
        "role", "content", "refusal", "reasoning_content", "reasoning", "tool_calls", "function_call",
        "audio", "annotations",
    ],
    plain: id,
};
const CALL: Known = Known {
    keys: &["index", "id", "type", "function", "custom"],
    plain: id,
};
const FUNCTION: Known = Known {
    keys: &["name", "arguments", "input"],
    plain: id,
};

/// The item of the one legacy `function_call`, out of the way of `tool_calls`.
const FUNCTION_CALL: u32 = u32::MAX;

/// The most choices that one stream may have.
const CHOICES_MAX: usize = 1024;

/// Reads a stream of chat or legacy completions.
#[derive(Debug)]
pub struct Stream {
    model: String,
    choices: HashMap<u32, Choice>,
}

/// What one choice has said so far.
#[derive(Debug, Default)]
struct Choice {
    closed: bool,
    /// The call that grows. Earlier ones are closed.
    open: Option<Call>,
    /// Items of calls that are closed.
    done: Vec<u32>,
}

#[derive(Debug)]
struct Call {
    item: u32,
    id: String,
    /// Empty until it is told; nothing else of the call may be told before.
    tool: String,
}

/// One chunk in the reading.
struct Chunk<'a> {
    reading: &'a mut Reading,
    deltas: &'a mut Vec<Delta>,
    is: Is,
    choice: u32,
}

impl Stream {
    pub(in crate::dialect) fn new(_operation: Operation) -> Self {
        Stream {
            model: String::new(),
            choices: HashMap::new(),
        }
    }

    /// Reads the data of one event.
    pub(in crate::dialect) fn read(&mut self, data: &str) -> Result<Flowing, Malformed> {
        let mut flowing = Flowing::default();
        if data.trim() == "[DONE]" {
            flowing.deltas.push(Delta::End);
            return Ok(flowing);
        }
        let tape = Tape::read_str(data)?;
        let mut reading = Reading::default();
        self.read_chunk(tape.root(), &mut reading, &mut flowing.deltas)?;
        flowing.whole = reading.outline;
        Ok(flowing)
    }

    fn read_chunk(
        &mut self,
        chunk: Value<'_>,
        reading: &mut Reading,
        deltas: &mut Vec<Delta>,
    ) -> Result<(), Malformed> {
        let is = Is::new(Kind::Text, Author::Model, None);
        for (key, value) in members(chunk, "a chunk")? {
            match &*key.as_str().unwrap_or_default() {
                _ if value.is_null() => rest(reading, "", (key, value), &CHUNK, is)?,
                "choices" => {
                    for (i, choice) in elements(value, "choices")? {
                        self.read_choice(i, choice, reading, deltas)?;
                    }
                }
                "model" => {
                    inspect_unless_id(reading, value, is);
                    self.read_model(value, deltas);
                }
                "usage" => {
                    deltas.push(Delta::Usage(usage(value)));
                    rest(reading, "", (key, value), &CHUNK, is)?;
                }
                "error" => {
                    read_error(reading, value)?;
                    deltas.push(Delta::Failed);
                }
                _ => rest(reading, "", (key, value), &CHUNK, is)?,
            }
        }
        Ok(())
    }

    fn read_model(&mut self, model: Value<'_>, deltas: &mut Vec<Delta>) {
        let name = model.as_str().unwrap_or_default();
        if !name.is_empty() && self.model != *name {
            self.model = name.into_owned();
            deltas.push(Delta::Model(self.model.clone()));
        }
    }

    fn read_choice(
        &mut self,
        at: usize,
        value: Value<'_>,
        reading: &mut Reading,
        deltas: &mut Vec<Delta>,
    ) -> Result<(), Malformed> {
        object(value, "a choice")?;
        let choice = index(value, "index")?;
        let room = self.choices.len() < CHOICES_MAX || self.choices.contains_key(&choice);
        if !room {
            return Err(wrong_type(value, "the number of choices"));
        }
        let is = Is::new(Kind::Text, Author::Model, Some(choice));
        let mut chunk = Chunk {
            reading,
            deltas,
            is,
            choice,
        };
        let state = self.choices.entry(choice).or_default();
        chunk.read_choice(&format!("choices[{at}]"), value, state)
    }
}

impl Chunk<'_> {
    fn read_choice(
        &mut self,
        path: &str,
        choice: Value<'_>,
        state: &mut Choice,
    ) -> Result<(), Malformed> {
        for (key, value) in members(choice, "a choice")? {
            match &*key.as_str().unwrap_or_default() {
                _ if value.is_null() => rest(self.reading, path, (key, value), &CHOICE, self.is)?,
                "delta" => self.read_delta(&join(path, "delta"), value, state)?,
                "text" => self.grow(self.slot(0, Lane::Text(0)), value, state)?,
                "logprobs" => {
                    let path = join(path, "logprobs");
                    self.reading.unread_element(&path, value, self.is);
                }
                _ => rest(self.reading, path, (key, value), &CHOICE, self.is)?,
            }
        }
        // Last, wherever it stands: what the same chunk adds is added before.
        if given(choice, "finish_reason").is_some() && !state.closed {
            state.closed = true;
            self.deltas.push(Delta::CloseChoice {
                choice: self.choice,
            });
        }
        Ok(())
    }

    fn read_delta(
        &mut self,
        path: &str,
        delta: Value<'_>,
        state: &mut Choice,
    ) -> Result<(), Malformed> {
        for (key, value) in members(delta, "a delta")? {
            let name = key.as_str().unwrap_or_default();
            let lane = match &*name {
                _ if value.is_null() => {
                    rest(self.reading, path, (key, value), &DELTA, self.is)?;
                    continue;
                }
                "content" => Lane::Text(0),
                "refusal" => Lane::Refusal(0),
                "reasoning_content" => Lane::Reasoning(0),
                "reasoning" => Lane::Reasoning(1),
                "tool_calls" => {
                    self.read_calls(path, value, state)?;
                    continue;
                }
                "function_call" => {
                    let path = join(path, "function_call");
                    self.read_function(&path, value, FUNCTION_CALL, None, false, state)?;
                    continue;
                }
                "audio" => {
                    self.read_audio(&join(path, "audio"), value, state)?;
                    continue;
                }
                "annotations" => {
                    read_annotations(self.reading, path, value, self.is)?;
                    continue;
                }
                _ => {
                    rest(self.reading, path, (key, value), &DELTA, self.is)?;
                    continue;
                }
            };
            match value.kind() {
                JsonKind::String => self.grow(self.slot(0, lane), value, state)?,
                // Content as blocks: complete in this event.
                _ => self.reading.unread_element(&join(path, &name), value, self.is),
            }
        }
        Ok(())
    }

    /// A sound: its transcript grows, all else is whole.
    fn read_audio(
        &mut self,
        path: &str,
        audio: Value<'_>,
        state: &mut Choice,
    ) -> Result<(), Malformed> {
        let before = self.reading.outline.created.len();
        read_sound(self.reading, path, audio, self.is, Turn::Growing)?;
        if self.reading.outline.created.len() > before {
            self.reading.outline.created.truncate(before);
            let named = given(audio, "id").and_then(|id| id.as_str()).unwrap_or_default();
            self.deltas.push(Delta::Created(named.into_owned()));
        }
        match given(audio, "transcript") {
            Some(words) => self.grow(self.slot(0, Lane::Transcript), words, state),
            None => Ok(()),
        }
    }

    fn read_calls(
        &mut self,
        path: &str,
        calls: Value<'_>,
        state: &mut Choice,
    ) -> Result<(), Malformed> {
        for (i, call) in elements(calls, "tool_calls")? {
            let path = format!("{path}.tool_calls[{i}]");
            object(call, "a tool call")?;
            let item = index(call, "index")?;
            let call_id = given(call, "id");
            for (key, value) in members(call, "a tool call")? {
                match &*key.as_str().unwrap_or_default() {
                    "id" => inspect_unless_id(self.reading, value, self.is),
                    "function" | "custom" if !value.is_null() => {
                        let free = key.is_str("custom");
                        let path = join(&path, if free { "custom" } else { "function" });
                        self.read_function(&path, value, item, call_id, free, state)?;
                    }
                    _ => rest(self.reading, &path, (key, value), &CALL, self.is)?,
                }
            }
        }
        Ok(())
    }

    /// A piece of one call: its name, and how its arguments go on.
    fn read_function(
        &mut self,
        path: &str,
        function: Value<'_>,
        item: u32,
        call_id: Option<Value<'_>>,
        free_form: bool,
        state: &mut Choice,
    ) -> Result<(), Malformed> {
        let slot = self.slot(item, Lane::Call);
        self.turn_to(slot, function, state)?;
        for (key, value) in members(function, "a called function")? {
            let read = ["name", "arguments", "input"].iter().any(|known| key.is_str(known));
            if !read {
                rest(self.reading, path, (key, value), &FUNCTION, self.is)?;
            }
        }
        let name = given(function, "name");
        if let Some(name) = name {
            inspect_unless_id(self.reading, name, self.is);
        }
        self.name_call(slot, name, call_id, free_form, state)?;
        for key in ["arguments", "input"] {
            let Some(piece) = given(function, key) else {
                continue;
            };
            let unnamed = state.open.as_ref().is_none_or(|call| call.tool.is_empty());
            if unnamed && !piece.is_str("") {
                return Err(missing(piece, "the name of a called function"));
            }
            self.grow(slot, piece, state)?;
        }
        Ok(())
    }

    /// Makes `slot` the call that grows. The one before is complete, and cannot come back.
    fn turn_to(&mut self, slot: Slot, at: Value<'_>, state: &mut Choice) -> Result<(), Malformed> {
        if state.open.as_ref().is_some_and(|call| call.item == slot.item) {
            return Ok(());
        }
        if state.closed || state.done.contains(&slot.item) {
            return Err(wrong_type(at, "a tool call that was complete"));
        }
        let next = Call {
            item: slot.item,
            id: String::new(),
            tool: String::new(),
        };
        if let Some(call) = state.open.replace(next) {
            state.done.push(call.item);
            self.deltas.push(Delta::Close {
                slot: Slot {
                    item: call.item,
                    ..slot
                },
            });
        }
        Ok(())
    }

    fn name_call(
        &mut self,
        slot: Slot,
        name: Option<Value<'_>>,
        call_id: Option<Value<'_>>,
        free_form: bool,
        state: &mut Choice,
    ) -> Result<(), Malformed> {
        let Some(call) = state.open.as_mut() else {
            return Ok(());
        };
        if let Some(told) = call_id {
            let id = told.as_str().ok_or_else(|| wrong_type(told, "the id of a tool call"))?;
            let again = id.is_empty() || call.id == *id;
            if !again && !(call.id.is_empty() && call.tool.is_empty()) {
                return Err(wrong_type(told, "a second id of a tool call"));
            }
            if !again {
                call.id = id.into_owned();
            }
        }
        let Some(told) = name else {
            return Ok(());
        };
        let tool = told.as_str().ok_or_else(|| wrong_type(told, "the name of a called function"))?;
        if tool.is_empty() {
            return Ok(());
        }
        if !call.tool.is_empty() {
            return Err(wrong_type(told, "a second name of a called function"));
        }
        call.tool = tool.into_owned();
        self.deltas.push(Delta::Call {
            slot,
            id: call.id.clone(),
            tool: call.tool.clone(),
            free_form,
            provider: false,
        });
        Ok(())
    }

    fn grow(&mut self, slot: Slot, value: Value<'_>, state: &Choice) -> Result<(), Malformed> {
        let (Some(text), Some((raw, _))) = (value.as_str(), value.content()) else {
            return Err(wrong_type(value, "a piece of an answer"));
        };
        if text.is_empty() {
            return Ok(());
        }
        if state.closed {
            return Err(wrong_type(value, "a choice that was complete"));
        }
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
        Ok(())
    }

    fn slot(&self, item: u32, lane: Lane) -> Slot {
        Slot {
            choice: self.choice,
            item,
            lane,
        }
    }
}

/// A number that tells choices or calls apart. Without it nobody knows what grows.
fn index(value: Value<'_>, key: &str) -> Result<u32, Malformed> {
    let found = value.member(key).ok_or_else(|| missing(value, "the index in a chunk"))?;
    let index = found.as_u64().and_then(|i| u32::try_from(i).ok());
    index
        .filter(|&i| i != FUNCTION_CALL)
        .ok_or_else(|| wrong_type(found, "the index in a chunk"))
}
