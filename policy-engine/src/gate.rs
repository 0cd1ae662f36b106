//! The gate: a streamed answer is judged like a whole one, behind a short hold-back.
//!
//! It works event by event, so how the stream is cut into chunks cannot matter. Text is released up to
//! where no filter could still change its mind; a tool call is released only when its arguments are
//! complete and allowed; events leave in the order they came.

mod leaves;
mod masking;
mod slot;
mod verdicts;

use crate::judge::{Engine, FINDINGS_MAX, Terms, floor_boundary, too_many_findings};
use crate::ruling::{Cleared, Trail};
use bytes::BytesMut;
use sallyport_exchange::sse::{Event, Parser};
use sallyport_exchange::stream::{Delta, Flowing, Lane, Slot};
use sallyport_exchange::{
    Author, Denial, Edits, Exchange, Kind, PartId, PartView, RefusalKind, StreamReader, Usage,
};
use slot::{Growing, Place};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// How many things one answer may grow side by side.
const SLOTS_MAX: usize = 4096;

/// Paths of unknown members that are kept for policies; one stream repeats the same few in every event.
const UNREAD_MAX: usize = 64;

/// Why a stream is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cut {
    /// A policy, or a rule of the gateway, refused it.
    Denied(Denial),
    /// The upstream sent what cannot be read.
    Garbled,
    /// More would have to be held back than is allowed.
    HeldTooMuch,
    /// The upstream ended before the answer was complete.
    EndedEarly,
}

/// What may go to the agent now, and whether that is the end.
#[derive(Debug, Default)]
pub struct Flowed {
    /// To be sent.
    pub cleared: Cleared,
    /// The stream is over: nothing after `cleared` may be sent but the closing words.
    pub cut: Option<Cut>,
}

/// An event that waits for its text or its call to be cleared.
struct Held {
    event: Event,
    edits: Edits,
    /// Slots, and how much of each must be clear before this event may go.
    waits: Vec<(Slot, usize)>,
}

/// Holds a flowing answer back until it is judged.
pub struct Gate {
    engine: Arc<Engine>,
    about: Arc<Exchange>,
    terms: Terms,
    hold_max: usize,
    parser: Parser,
    reader: StreamReader,
    queue: VecDeque<Held>,
    /// The number of the event at the front of the queue.
    front: u64,
    held_bytes: usize,
    slots: BTreeMap<Slot, Growing>,
    /// Part ids handed out so far.
    parts: u32,
    /// Whether a policy reads text, so that all of it is held until it is complete.
    whole_text: bool,
    model: Option<String>,
    begun: bool,
    ended: bool,
    /// Findings by digest: protocols repeat at the end what they streamed, and a repetition is masked
    /// again but not recorded twice.
    seen: HashSet<u64>,
    /// Calls that were allowed, by digest, with what is to be masked in them.
    allowed: HashMap<u64, Vec<String>>,
    /// Keyed at random, so that nobody can build two calls with one digest.
    digests: RandomState,
    /// Paths of what no reader knows.
    unread: Vec<String>,
    /// Usage so far.
    pub usage: Usage,
    /// Ids of state created at the provider.
    pub created: Vec<String>,
    /// What was found and decided.
    pub trail: Trail,
}

impl Gate {
    /// A gate for one streamed answer. At most `hold_max` bytes of events are held back.
    pub fn new(engine: Arc<Engine>, about: Arc<Exchange>, terms: Terms, hold_max: usize) -> Self {
        let reader = about.dialect.stream(about.operation);
        let whole_text = engine.policy.needs(&about.caller.team).text;
        Gate {
            engine,
            about,
            terms,
            hold_max,
            parser: Parser::default(),
            reader,
            queue: VecDeque::new(),
            front: 0,
            held_bytes: 0,
            slots: BTreeMap::new(),
            parts: 0,
            whole_text,
            model: None,
            begun: false,
            ended: false,
            seen: HashSet::new(),
            allowed: HashMap::new(),
            digests: RandomState::new(),
            unread: Vec::new(),
            usage: Usage::default(),
            created: Vec::new(),
            trail: Trail::default(),
        }
    }

    /// Whether the answer said that it is complete.
    pub fn is_complete(&self) -> bool {
        self.ended
    }

    /// The model that answers, if it said so.
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// How many things no reader knew.
    pub fn unread(&self) -> usize {
        self.unread.len()
    }

    /// Whether anything is being held back.
    pub fn is_holding(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Takes the next bytes from the upstream.
    pub fn push(&mut self, chunk: &[u8]) -> Flowed {
        let mut out = BytesMut::new();
        self.parser.push(chunk);
        let cut = self.take_events(&mut out).err();
        Flowed {
            cleared: Cleared::new(out.freeze()),
            cut,
        }
    }

    /// The upstream has ended.
    pub fn finish(mut self) -> (Flowed, Trail, Usage, Vec<String>) {
        let mut out = BytesMut::new();
        let cut = self.take_rest(&mut out).err();
        let flowed = Flowed {
            cleared: Cleared::new(out.freeze()),
            cut,
        };
        (flowed, self.trail, self.usage, self.created)
    }

    fn take_events(&mut self, out: &mut BytesMut) -> Result<(), Cut> {
        while let Some(event) = self.parser.next_event().map_err(|_| Cut::Garbled)? {
            self.take(event, out)?;
        }
        match self.parser.held() > self.hold_max {
            true => Err(Cut::HeldTooMuch),
            false => Ok(()),
        }
    }

    fn take_rest(&mut self, out: &mut BytesMut) -> Result<(), Cut> {
        if let Some(event) = std::mem::take(&mut self.parser)
            .finish()
            .map_err(|_| Cut::Garbled)?
        {
            self.take(event, out)?;
        }
        if self.ended {
            return Ok(());
        }
        // Whatever text came is complete now; a call that never closed is not.
        let texts: Vec<Slot> = self
            .slots
            .keys()
            .copied()
            .filter(|s| s.lane != Lane::Call)
            .collect();
        for slot in texts {
            self.close(slot)?;
        }
        self.settle_end()?;
        self.release(out);
        let all_closed = self
            .slots
            .values()
            .all(|growing| growing.was_closed_by_upstream);
        if self.queue.is_empty() && all_closed && self.begun {
            return Ok(());
        }
        Err(Cut::EndedEarly)
    }

    fn take(&mut self, event: Event, out: &mut BytesMut) -> Result<(), Cut> {
        if self.ended {
            // Nothing counts after the end.
            return Ok(());
        }
        let mut held = Held {
            edits: Edits::default(),
            waits: Vec::new(),
            event,
        };
        let number = self.front + self.queue.len() as u64;
        if let Some(data) = held.event.data() {
            let flowing = self
                .reader
                .read(held.event.name(), data)
                .map_err(|_| Cut::Garbled)?;
            let Flowing { deltas, whole } = flowing;
            if !whole.parts.is_empty() {
                held.edits = self.judge_whole(data, whole)?;
            }
            let touched = self.grow(deltas, number, &mut held)?;
            self.held_bytes += held.event.raw().len();
            self.queue.push_back(held);
            self.judge_begin()?;
            for slot in touched {
                self.advance(slot)?;
            }
            if self.ended {
                self.settle_end()?;
            }
        } else {
            self.held_bytes += held.event.raw().len();
            self.queue.push_back(held);
        }
        if self.trail.findings.len() > FINDINGS_MAX {
            return Err(Cut::Denied(too_many_findings()));
        }
        self.release(out);
        match self.held_bytes > self.hold_max {
            true => Err(Cut::HeldTooMuch),
            false => Ok(()),
        }
    }

    /// Notes what an event adds; gives back the slots that changed, each once, in order.
    fn grow(&mut self, deltas: Vec<Delta>, number: u64, held: &mut Held) -> Result<Vec<Slot>, Cut> {
        let mut touched: Vec<Slot> = Vec::new();
        for delta in deltas {
            let mut touch = |slot: Slot| {
                if !touched.contains(&slot) {
                    touched.push(slot);
                }
            };
            match delta {
                Delta::Grow {
                    slot,
                    text,
                    segment,
                } => {
                    let growing = self.slot(slot)?;
                    if growing.closed {
                        return Err(Cut::Garbled);
                    }
                    let end = growing.add(
                        &text,
                        Place {
                            event: number,
                            segment,
                        },
                    );
                    held.waits.push((slot, end));
                    touch(slot);
                }
                Delta::Call {
                    slot,
                    id,
                    tool,
                    free_form,
                    provider,
                } => {
                    let growing = self.slot(slot)?;
                    growing.begin_call(id, tool, free_form, provider);
                    // Even a call without arguments waits for its verdict.
                    held.waits.push((slot, 1));
                    touch(slot);
                }
                Delta::Close { slot } => {
                    self.mark_closed(|s| s == slot);
                    touch(slot);
                }
                Delta::CloseChoice { choice } => {
                    self.mark_closed(|s| s.choice == choice);
                    self.slots
                        .keys()
                        .filter(|s| s.choice == choice)
                        .for_each(|s| touch(*s));
                }
                Delta::Seal { slot } => self.slot(slot)?.sealed = true,
                Delta::Usage(usage) => self.usage.update(usage),
                Delta::Model(model) => self.model = Some(model),
                Delta::Created(id) => self.created.push(id),
                Delta::Failed => {}
                Delta::End => {
                    self.mark_closed(|_| true);
                    self.slots.keys().for_each(|s| touch(*s));
                    self.ended = true;
                }
            }
        }
        Ok(touched)
    }

    fn mark_closed(&mut self, which: impl Fn(Slot) -> bool) {
        for (slot, growing) in &mut self.slots {
            if which(*slot) {
                growing.closed = true;
                growing.was_closed_by_upstream = true;
            }
        }
    }

    fn slot(&mut self, slot: Slot) -> Result<&mut Growing, Cut> {
        if !self.slots.contains_key(&slot) {
            if self.slots.len() >= SLOTS_MAX {
                return Err(Cut::HeldTooMuch);
            }
            let id = self.next_part();
            self.slots.insert(slot, Growing::new(id));
        }
        self.slots.get_mut(&slot).ok_or(Cut::Garbled)
    }

    fn next_part(&mut self) -> PartId {
        self.parts += 1;
        PartId(self.parts - 1)
    }

    fn close(&mut self, slot: Slot) -> Result<(), Cut> {
        if let Some(growing) = self.slots.get_mut(&slot) {
            growing.closed = true;
        }
        self.advance(slot)
    }

    /// Judges as much of a slot as is settled.
    fn advance(&mut self, slot: Slot) -> Result<(), Cut> {
        let Some(growing) = self.slots.get(&slot) else {
            return Ok(());
        };
        if growing.is_clear() {
            return Ok(());
        }
        if slot.lane == Lane::Call {
            return if growing.closed {
                self.judge_call(slot)
            } else {
                Ok(())
            };
        }
        let settled = match (growing.closed, self.whole_text) {
            (true, _) => growing.text.len(),
            (false, true) => return Ok(()),
            (false, false) => self.settled(slot.lane.kind(), &growing.text),
        };
        if growing.base + settled > growing.clear || growing.closed {
            self.judge_text(slot, settled)?;
        }
        Ok(())
    }

    /// Up to where every filter has made up its mind.
    fn settled(&self, kind: Kind, text: &str) -> usize {
        let filters = self
            .engine
            .filters
            .iter()
            .filter(|f| f.wants(kind, Author::Model));
        let settled = filters.map(|f| f.settled(text)).min().unwrap_or(text.len());
        floor_boundary(text, settled)
    }

    /// Judges the text of a slot up to `settled`, which counts in the text at hand.
    fn judge_text(&mut self, slot: Slot, settled: usize) -> Result<(), Cut> {
        let Some(growing) = self.slots.get(&slot) else {
            return Ok(());
        };
        let kind = slot.lane.kind();
        let from_clear = growing.clear - growing.base;
        let filters = self
            .engine
            .filters
            .iter()
            .filter(|f| f.wants(kind, Author::Model));
        let from = filters
            .map(|f| f.lookbehind(&growing.text, from_clear))
            .min()
            .unwrap_or(from_clear);
        let from = floor_boundary(&growing.text, from.min(from_clear));
        let view = PartView {
            id: growing.part,
            json: None,
            kind,
            author: Author::Model,
            tool: None,
            text: &growing.text[from..],
        };
        let mut findings = Vec::new();
        let begun = (self.engine.stopwatch)();
        if growing.closed {
            self.engine.inspect(&view, &mut findings);
        } else {
            self.engine.inspect_growing(&view, &mut findings);
        }
        let (base, judged) = (growing.base, growing.clear);
        self.spent_inspecting(begun);
        let clear = base + settled;
        findings.retain_mut(|finding| {
            finding.range.start += from + base;
            finding.range.end += from + base;
            (judged..clear).contains(&finding.range.start)
        });
        if self.whole_text && findings.is_empty() {
            // A policy that reads text reads it now that it is complete.
            self.decide_answer()?;
        }
        for finding in findings {
            self.rule_on(slot, finding)?;
        }
        if let Some(growing) = self.slots.get_mut(&slot) {
            growing.set_clear(clear, !self.whole_text);
        }
        Ok(())
    }

    /// Moves every event that need not wait any more from the queue into `out`.
    fn release(&mut self, out: &mut BytesMut) {
        while let Some(held) = self.queue.front() {
            let clear = |(slot, end): &(Slot, usize)| {
                self.slots
                    .get(slot)
                    .is_none_or(|growing| growing.is_clear_to(*slot, *end))
            };
            if !held.waits.iter().all(clear) {
                break;
            }
            self.held_bytes -= held.event.raw().len();
            out.extend_from_slice(&held.event.edited(&held.edits));
            self.queue.pop_front();
            self.front += 1;
        }
    }

    fn digest(&self, what: impl std::hash::Hash) -> u64 {
        self.digests.hash_one(what)
    }

    fn spent_inspecting(&mut self, begun: std::time::Duration) {
        self.trail.spent.inspect_ns += ((self.engine.stopwatch)() - begun).as_nanos() as u64;
    }

    fn spent_deciding(&mut self, begun: std::time::Duration) {
        self.trail.spent.policy_ns += ((self.engine.stopwatch)() - begun).as_nanos() as u64;
    }
}

impl Cut {
    /// As a denial, for the record.
    pub fn denial(&self) -> Option<&Denial> {
        match self {
            Cut::Denied(denial) => Some(denial),
            _ => None,
        }
    }

    /// Whether it is guidance rather than a no.
    pub fn is_steer(&self) -> bool {
        self.denial().is_some_and(|d| d.kind == RefusalKind::Steer)
    }
}
