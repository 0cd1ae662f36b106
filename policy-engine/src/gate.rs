//! The gate: a streamed answer is judged like a whole one, behind a short hold-back.
//!
//! It works event by event, so how the stream is cut into chunks cannot matter. Text is released up to
//! where no filter could still change its mind; a tool call is released only when its arguments are
//! complete and allowed; events leave in the order they came.

mod slot;

use crate::decision::Decision;
use crate::facts::{CallFacts, Facts, Via};
use crate::judge::{
    Engine, FINDINGS_MAX, Terms, call_facts, floor_boundary, masked, sealed, strict_object,
    too_many_findings,
};
use crate::ruling::{CallRuling, Cleared, Trail};
use bytes::{Bytes, BytesMut};
use sallyport_exchange::payload::redact_segments;
use sallyport_exchange::sse::{Event, Parser};
use sallyport_exchange::stream::{Delta, Flowing, Lane, Slot};
use sallyport_exchange::{
    Author, Denial, Edits, Exchange, Finding, Flow, Kind, Operation, Outline, PartId, PartView,
    Payload, RefusalKind, StreamReader, Usage,
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
        self.engine.inspect(&view, &mut findings);
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

    /// Notes a finding in a slot, asks the policies, and masks or cuts as they say.
    fn rule_on(&mut self, slot: Slot, finding: Finding) -> Result<(), Cut> {
        let words = self.slots.get(&slot).map(|g| {
            let range = finding.range.start.saturating_sub(g.base)
                ..finding.range.end.saturating_sub(g.base);
            g.text.get(range).unwrap_or_default()
        });
        let digest = self.digest((finding.label, words.unwrap_or_default()));
        self.seen.insert(digest);
        self.note(finding.clone(), slot.lane.kind(), Author::Model);
        let decision = self.decide_answer()?;
        if Engine::is_masked(finding.label, &decision.redact) {
            self.mask(slot, &finding)?;
        }
        Ok(())
    }

    fn note(&mut self, finding: Finding, kind: Kind, author: Author) {
        self.trail.findings.push(finding);
        self.trail.seen_in.push((kind, author));
    }

    /// Puts a placeholder in place of a finding, in all the events it lies in.
    fn mask(&mut self, slot: Slot, finding: &Finding) -> Result<(), Cut> {
        let Some(growing) = self.slots.get(&slot) else {
            return Ok(());
        };
        if growing.sealed {
            return Err(Cut::Denied(sealed(finding.label)));
        }
        // A finding that meets one masked before it: only what is new is masked.
        let start = finding.range.start.max(growing.masked_to);
        let end = finding.range.end;
        let local = start.saturating_sub(growing.base)..end.saturating_sub(growing.base);
        if start >= end {
            return Ok(());
        }
        let secret = growing.text.get(local).unwrap_or("");
        let mut words =
            self.engine
                .placeholders
                .words(&self.about.caller.team, finding.label, secret);
        for place in growing.places(start..end) {
            let index = (place.event - self.front) as usize;
            if let Some(held) = self.queue.get_mut(index) {
                let data = held.event.data().unwrap_or("");
                redact_segments(
                    data,
                    std::slice::from_ref(&place.segment),
                    start..end,
                    &words,
                    &mut held.edits,
                );
            }
            words.clear();
        }
        self.trail.masked += 1;
        if let Some(growing) = self.slots.get_mut(&slot) {
            growing.masked_to = end;
        }
        Ok(())
    }

    /// Judges a complete tool call, and clears its events if it may run.
    fn judge_call(&mut self, slot: Slot) -> Result<(), Cut> {
        let Some(growing) = self.slots.get(&slot) else {
            return Ok(());
        };
        let Some(call) = growing.call.clone() else {
            // Arguments of a call that never said its name.
            return Err(Cut::Garbled);
        };
        let arguments = growing.text.clone();
        let json = strict_object(&arguments).filter(|_| !call.free_form);
        let leaves = Leaves::of(json, &arguments);
        let part = growing.part;
        let view = PartView {
            id: part,
            json,
            kind: Kind::ToolCall,
            author: Author::Model,
            tool: Some(&call.tool),
            text: leaves.text(),
        };
        let mut findings = Vec::new();
        let begun = (self.engine.stopwatch)();
        self.engine.inspect(&view, &mut findings);
        self.spent_inspecting(begun);
        for finding in &findings {
            self.note(finding.clone(), Kind::ToolCall, Author::Model);
        }
        let facts_call = CallFacts {
            id: &call.id,
            tool: &call.tool,
            arguments: json,
            input: call.free_form.then_some(arguments.as_str()),
        };
        let via = if call.provider {
            Via::Provider
        } else {
            Via::Chat
        };
        let decision = self.decide_call(facts_call, via, view)?;
        let mut redact = decision.redact;
        if !findings.is_empty() {
            redact.extend(self.decide_answer()?.redact);
        }
        self.mask_call(slot, &leaves, &findings, &redact)?;
        if let Some(growing) = self.slots.get_mut(&slot) {
            growing.set_clear(growing.base + growing.text.len(), true);
            growing.call_cleared = true;
        }
        Ok(())
    }

    fn decide_call(
        &mut self,
        call: CallFacts<'_>,
        via: Via,
        view: PartView<'_>,
    ) -> Result<Decision, Cut> {
        let begun = (self.engine.stopwatch)();
        let views = [view];
        let facts = Facts {
            operation: Operation::ToolCall,
            via,
            call: Some(call),
            ..self.facts(&views)
        };
        let ruled = self.engine.judge_call(&facts, &self.terms);
        self.spent_deciding(begun);
        self.trail.calls.push(CallRuling {
            tool: call.tool.to_owned(),
            refused_by: ruled.as_ref().err().map(|denial| denial.rule.clone()),
        });
        match ruled {
            Ok(decision) => {
                let digest = self.digest(call_key(&call));
                self.allowed.insert(digest, decision.redact.clone());
                self.trail.note_rules(decision.rules.clone());
                self.trail.note_warnings(decision.warnings.clone());
                Ok(decision)
            }
            Err(denial) => Err(self.denied(denial)),
        }
    }

    /// Masks findings in a call's arguments: first in the JSON text of the arguments, from there in the
    /// events that brought it.
    fn mask_call(
        &mut self,
        slot: Slot,
        leaves: &Leaves,
        findings: &[Finding],
        patterns: &[String],
    ) -> Result<(), Cut> {
        for (part, label, range) in masked(findings, patterns) {
            let secret = leaves.text().get(range.clone()).unwrap_or("");
            let words = self
                .engine
                .placeholders
                .words(&self.about.caller.team, label, secret);
            for edit in leaves.edits(part, range, &words).iter() {
                let Some(growing) = self.slots.get(&slot) else {
                    continue;
                };
                if growing.sealed {
                    return Err(Cut::Denied(sealed(label)));
                }
                let mut with = edit.with.clone();
                let span = edit.span.range();
                for place in growing.places(span.clone()) {
                    let index = (place.event - self.front) as usize;
                    if let Some(held) = self.queue.get_mut(index) {
                        let data = held.event.data().unwrap_or("");
                        redact_segments(
                            data,
                            std::slice::from_ref(&place.segment),
                            span.clone(),
                            &with,
                            &mut held.edits,
                        );
                    }
                    with.clear();
                }
            }
            self.trail.masked += 1;
        }
        Ok(())
    }

    /// Judges what an event holds whole: unknown fields, repetitions of what was streamed, error words.
    fn judge_whole(&mut self, data: &str, outline: Outline) -> Result<Edits, Cut> {
        let payload = Payload::new(Bytes::copy_from_slice(data.as_bytes()), outline);
        let first = self.parts;
        let mut findings = Vec::new();
        let begun = (self.engine.stopwatch)();
        for view in payload.views() {
            if view.kind == Kind::Media {
                findings.push(sallyport_exchange::dialect::unscanned(view.id));
            }
            self.engine.inspect(&view, &mut findings);
        }
        self.spent_inspecting(begun);
        for path in &payload.outline().unread {
            let path = payload.text(*path);
            if self.unread.len() < UNREAD_MAX && !self.unread.iter().any(|known| known == path) {
                self.unread.push(path.to_owned());
            }
        }
        self.parts += payload.outline().parts.len() as u32;
        for finding in &findings {
            let view = payload.view(finding.part);
            let words = view.text.get(finding.range.clone()).unwrap_or_default();
            if self.seen.insert(self.digest((finding.label, words))) {
                let part = PartId(finding.part.0 + first);
                self.note(
                    Finding {
                        part,
                        ..finding.clone()
                    },
                    view.kind,
                    view.author,
                );
            }
        }
        let mut redact = Vec::new();
        if !findings.is_empty() {
            redact = self.decide_answer()?.redact;
        }
        for (id, part) in payload.of_kind(Kind::ToolCall) {
            if part.author != Author::Model {
                continue;
            }
            let (call, via) = call_facts(part, &payload);
            match self.allowed.get(&self.digest(call_key(&call))) {
                Some(patterns) => redact.extend_from_slice(patterns),
                None => redact.extend(self.decide_call(call, via, payload.view(id))?.redact),
            }
        }
        let mut edits = Edits::default();
        for (part, label, range) in masked(&findings, &redact) {
            let secret = payload
                .view(part)
                .text
                .get(range.clone())
                .unwrap_or("")
                .to_owned();
            let words = self
                .engine
                .placeholders
                .words(&self.about.caller.team, label, &secret);
            payload
                .redact(part, range, &words, &mut edits)
                .map_err(|_| Cut::Denied(sealed(label)))?;
            self.trail.masked += 1;
        }
        Ok(edits)
    }

    /// Asks the policies once, before anything is released: a rule may refuse answers as such.
    fn judge_begin(&mut self) -> Result<(), Cut> {
        if !self.begun {
            self.begun = true;
            self.decide_answer()?;
        }
        Ok(())
    }

    /// Asks the policies about the complete answer before its end is released.
    fn settle_end(&mut self) -> Result<(), Cut> {
        let redact_more = self.decide_answer()?;
        self.trail.detail = redact_more.detail;
        Ok(())
    }

    fn decide_answer(&mut self) -> Result<Decision, Cut> {
        let begun = (self.engine.stopwatch)();
        let unread: Vec<&str> = self.unread.iter().map(String::as_str).collect();
        let views: Vec<PartView<'_>> = self
            .slots
            .iter()
            .map(|(slot, growing)| PartView {
                id: growing.part,
                json: None,
                kind: slot.lane.kind(),
                author: Author::Model,
                tool: growing.call.as_ref().map(|call| call.tool.as_str()),
                text: &growing.text,
            })
            .collect();
        let decision = self.engine.policy.decide(
            &self.about.caller.team,
            &Facts {
                unread: &unread,
                ..self.facts(&views)
            },
        );
        self.spent_deciding(begun);
        self.trail.note_rules(decision.rules.clone());
        self.trail.note_warnings(decision.warnings.clone());
        match decision.denials.first() {
            Some(denial) => Err(self.denied(denial.clone())),
            None => Ok(decision),
        }
    }

    fn denied(&mut self, denial: Denial) -> Cut {
        self.trail.note_rules(vec![denial.rule.clone()]);
        Cut::Denied(denial)
    }

    fn facts<'f>(&'f self, views: &'f [PartView<'f>]) -> Facts<'f> {
        Facts {
            about: &self.about,
            flow: Flow::Answer,
            operation: self.about.operation,
            via: Via::Chat,
            model: self.model.as_deref().or(self.terms.model.as_deref()),
            stream: true,
            parts: views,
            offers: &[],
            call: None,
            findings: &self.trail.findings,
            unread: &[],
            stored: &[],
            usage: (self.usage != Usage::default()).then_some(self.usage),
        }
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

/// What makes two tellings of a call the same.
fn call_key<'a>(call: &CallFacts<'a>) -> impl std::hash::Hash + use<'a> {
    (call.id, call.tool, call.arguments, call.input)
}

/// The words inside a call's arguments, with the way back to the JSON text of the arguments.
enum Leaves {
    /// Read from this JSON document.
    Json(Box<Payload>),
    /// Not JSON: the text itself.
    Plain(Box<Payload>),
}

impl Leaves {
    fn of(json: Option<&str>, arguments: &str) -> Self {
        let read = |text: &str| {
            let mut reading = sallyport_exchange::read::Reading::default();
            let tape = sallyport_exchange::json::Tape::read_str(text).ok()?;
            let is = sallyport_exchange::read::Is::new(Kind::ToolCall, Author::Model, None);
            reading.leaves(is, tape.root());
            Some(Payload::new(
                Bytes::copy_from_slice(text.as_bytes()),
                reading.outline,
            ))
        };
        match json.and_then(read) {
            Some(payload) => Leaves::Json(Box::new(payload)),
            None => {
                let bytes = Bytes::copy_from_slice(arguments.as_bytes());
                Leaves::Plain(Box::new(sallyport_exchange::dialect::read_opaque(
                    Author::Model,
                    bytes,
                )))
            }
        }
    }

    fn payload(&self) -> &Payload {
        match self {
            Leaves::Json(payload) | Leaves::Plain(payload) => payload,
        }
    }

    fn text(&self) -> &str {
        self.payload().view(PartId(0)).text
    }

    fn edits(&self, _part: PartId, range: std::ops::Range<usize>, words: &str) -> Edits {
        let mut edits = Edits::default();
        // A call's arguments as streamed are never sealed by themselves; the slot says so.
        let _ = self.payload().redact(PartId(0), range, words, &mut edits);
        edits
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
