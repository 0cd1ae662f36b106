//! What is asked of the policies while an answer flows: about findings, about calls, about the whole.

use super::leaves::Leaves;
use super::{Cut, Gate, UNREAD_MAX};
use crate::decision::Decision;
use crate::facts::{CallFacts, Facts, Via};
use crate::judge::{Engine, call_facts, masked, sealed, strict_object};
use crate::ruling::CallRuling;
use bytes::Bytes;
use sallyport_exchange::stream::Slot;
use sallyport_exchange::{
    Author, Denial, Edits, Finding, Flow, Kind, Operation, Outline, PartId, PartView, Payload,
    Usage,
};

impl Gate {
    /// Notes a finding in a slot, asks the policies, and masks or cuts as they say.
    pub(super) fn rule_on(&mut self, slot: Slot, finding: Finding) -> Result<(), Cut> {
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

    /// Judges a complete tool call, and clears its events if it may run.
    pub(super) fn judge_call(&mut self, slot: Slot) -> Result<(), Cut> {
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

    /// Judges what an event holds whole: unknown fields, repetitions of what was streamed, error words.
    pub(super) fn judge_whole(&mut self, data: &str, outline: Outline) -> Result<Edits, Cut> {
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
    pub(super) fn judge_begin(&mut self) -> Result<(), Cut> {
        if !self.begun {
            self.begun = true;
            self.decide_answer()?;
        }
        Ok(())
    }

    /// Asks the policies about the complete answer before its end is released.
    pub(super) fn settle_end(&mut self) -> Result<(), Cut> {
        let redact_more = self.decide_answer()?;
        self.trail.detail = redact_more.detail;
        Ok(())
    }

    pub(super) fn decide_answer(&mut self) -> Result<Decision, Cut> {
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
        let decision = self.engine.decide(&Facts {
            unread: &unread,
            ..self.facts(&views)
        });
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
}

/// What makes two tellings of a call the same.
fn call_key<'a>(call: &CallFacts<'a>) -> impl std::hash::Hash + use<'a> {
    (call.id, call.tool, call.arguments, call.input)
}
