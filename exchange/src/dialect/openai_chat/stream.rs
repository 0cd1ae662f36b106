//! A streamed answer: one chunk after another, each adding to some choices.

use super::answer::{read_error, usage};
use super::message::{Turn, read_annotations, read_sound};
use super::{Known, elements, given, id, inspect_unless_id, join, members, missing, object, rest};
use crate::exchange::Operation;
use crate::json::{Fault, JsonKind, Malformed, Tape, Value};
use crate::part::{Author, Coding, Kind, Segment};
use crate::read::{Is, Reading, wrong_type};
use crate::span::Span;
use crate::stream::{Delta, Flowing, Lane, Slot};
use std::collections::HashMap;

const CHUNK: Known = Known {
    keys: &[
        "id",
        "object",
        "created",
        "model",
        "choices",
        "usage",
        "error",
        "service_tier",
        "system_fingerprint",
        "moderation",
        "obfuscation",
        "prompt_filter_results",
        "timings",
        "prompt_token_ids",
    ],
    plain: id,
};
const CHOICE: Known = Known {
    keys: &[
        "index",
        "delta",
        "text",
        "finish_reason",
        "logprobs",
        "stop_reason",
        "token_ids",
        "content_filter_results",
    ],
    plain: id,
};
const DELTA: Known = Known {
    keys: &[
        "role",
        "content",
        "refusal",
        "reasoning_content",
        "reasoning",
        "tool_calls",
        "function_call",
        "audio",
        "annotations",
    ],
    plain: id,
};
const CALL: Known = Known {
    keys: &["index", "id", "type", "function", "custom"],
    plain: id,
};
const FUNCTION: Known = Known {
    keys: &["name", "arguments"],
    plain: id,
};
const CUSTOM: Known = Known {
    keys: &["name", "input"],
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
    /// May be told before the name, and not after.
    id: String,
    /// Empty until it is told; no argument may be told before.
    tool: String,
    /// Told under `custom`. Pieces under `function` would be another text to the agent.
    free_form: bool,
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
            return Err(out_of_order(value, "one choice too many"));
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
                // Not the lane of chat's `content`: to the agent they are two texts.
                "text" => self.grow(self.slot(0, Lane::Text(1)), value, state)?,
                "logprobs" => {
                    let path = join(path, "logprobs");
                    self.reading.unread_element(&path, value, self.is);
                }
                _ => rest(self.reading, path, (key, value), &CHOICE, self.is)?,
            }
        }
        // Last, wherever it stands: what the same chunk adds is added before.
        let finished = given(choice, "finish_reason").is_some_and(|reason| !reason.is_str(""));
        if finished && !state.closed {
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
                    let slot = self.slot(FUNCTION_CALL, Lane::Call);
                    self.read_function(&path, slot, value, false, state)?;
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
                _ => self
                    .reading
                    .unread_element(&join(path, &name), value, self.is),
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
            let named = given(audio, "id")
                .and_then(|id| id.as_str())
                .unwrap_or_default();
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
            let slot = self.slot(index(call, "index")?, Lane::Call);
            let growing = self.turn_to(slot, call, state)?;
            if let Some(id) = given(call, "id") {
                inspect_unless_id(self.reading, id, self.is);
                growing.tell_id(id)?;
            }
            for (key, value) in members(call, "a tool call")? {
                match &*key.as_str().unwrap_or_default() {
                    "id" => {}
                    "function" if !value.is_null() => {
                        self.read_function(&join(&path, "function"), slot, value, false, state)?;
                    }
                    "custom" if !value.is_null() => {
                        self.read_function(&join(&path, "custom"), slot, value, true, state)?;
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
        slot: Slot,
        function: Value<'_>,
        free_form: bool,
        state: &mut Choice,
    ) -> Result<(), Malformed> {
        let (known, words) = match free_form {
            true => (&CUSTOM, "input"),
            false => (&FUNCTION, "arguments"),
        };
        let call = self.turn_to(slot, function, state)?;
        let name = given(function, "name").filter(|name| !name.is_str(""));
        if let Some(name) = name {
            call.tell_name(name, free_form)?;
            self.deltas.push(Delta::Call {
                slot,
                id: call.id.clone(),
                tool: call.tool.clone(),
                free_form,
                provider: false,
            });
            inspect_unless_id(self.reading, name, self.is);
        }
        let piece = given(function, words).filter(|piece| !piece.is_str(""));
        if let Some(piece) = piece {
            call.ready(piece, free_form)?;
            self.grow(slot, piece, state)?;
        }
        for (key, value) in members(function, "a called function")? {
            let read = key.is_str("name") || key.is_str(words);
            if !read {
                rest(self.reading, path, (key, value), known, self.is)?;
            }
        }
        Ok(())
    }

    /// Makes `slot` the call that grows. The one before is complete, and cannot come back.
    fn turn_to<'s>(
        &mut self,
        slot: Slot,
        at: Value<'_>,
        state: &'s mut Choice,
    ) -> Result<&'s mut Call, Malformed> {
        let open = state.open.as_ref().map(|call| call.item);
        if open != Some(slot.item) {
            if state.closed || state.done.contains(&slot.item) {
                return Err(out_of_order(at, "a piece of a complete tool call"));
            }
            if let Some(item) = open {
                state.done.push(item);
                self.deltas.push(Delta::Close {
                    slot: Slot { item, ..slot },
                });
            }
            state.open = None;
        }
        Ok(state.open.get_or_insert_with(|| Call {
            item: slot.item,
            id: String::new(),
            tool: String::new(),
            free_form: false,
        }))
    }

    fn grow(&mut self, slot: Slot, value: Value<'_>, state: &Choice) -> Result<(), Malformed> {
        let (Some(text), Some((raw, _))) = (value.as_str(), value.content()) else {
            return Err(wrong_type(value, "a piece of an answer"));
        };
        if text.is_empty() {
            return Ok(());
        }
        if state.closed {
            return Err(out_of_order(value, "a piece of a complete choice"));
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

impl Call {
    /// Some upstreams say the id with every piece; it has to be the same.
    fn tell_id(&mut self, told: Value<'_>) -> Result<(), Malformed> {
        let id = told
            .as_str()
            .ok_or_else(|| wrong_type(told, "the id of a tool call"))?;
        if id.is_empty() || self.id == *id {
            return Ok(());
        }
        if !(self.id.is_empty() && self.tool.is_empty()) {
            return Err(out_of_order(told, "a second id of a tool call"));
        }
        self.id = id.into_owned();
        Ok(())
    }

    /// Once: SDKs disagree on what a second name means.
    fn tell_name(&mut self, told: Value<'_>, free_form: bool) -> Result<(), Malformed> {
        let what = "the name of a called function";
        let tool = told.as_str().ok_or_else(|| wrong_type(told, what))?;
        if !self.tool.is_empty() {
            return Err(out_of_order(told, "a second name of a called function"));
        }
        self.tool = tool.into_owned();
        self.free_form = free_form;
        Ok(())
    }

    /// Whether it may grow.
    fn ready(&self, piece: Value<'_>, free_form: bool) -> Result<(), Malformed> {
        if self.tool.is_empty() {
            return Err(out_of_order(piece, "an argument of a call without a name"));
        }
        if self.free_form != free_form {
            return Err(out_of_order(piece, "a piece of a tool call"));
        }
        Ok(())
    }
}

fn out_of_order(value: Value<'_>, what: &'static str) -> Malformed {
    Malformed {
        at: value.span().start as usize,
        fault: Fault::Order(what),
    }
}

/// A number that tells choices or calls apart. Without it nobody knows what grows.
fn index(value: Value<'_>, key: &str) -> Result<u32, Malformed> {
    let found = value
        .member(key)
        .ok_or_else(|| missing(value, "the index in a chunk"))?;
    let index = found.as_u64().and_then(|i| u32::try_from(i).ok());
    index
        .filter(|&i| i != FUNCTION_CALL)
        .ok_or_else(|| wrong_type(found, "the index in a chunk"))
}
