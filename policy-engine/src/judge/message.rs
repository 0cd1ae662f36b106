//! Judging one message between an agent and a tool server.

use super::*;
use std::collections::HashSet;

impl Engine {
    /// Judges a message of the Model Context Protocol, whole: a request of either side, a response, a
    /// notification. A tool call is judged by its arguments and by the offer it answers to; out of a list
    /// of tools the hidden ones are cut, and what is hidden cannot be called.
    pub fn judge_message(
        &self,
        about: &Exchange,
        flow: Flow,
        payload: &Payload,
        terms: &Terms,
    ) -> Ruling {
        let mut judging = Judging::begin(self, about, flow, payload, &[]);
        judging.note(&terms.found);
        let calls = about.operation == Operation::ToolCall && flow == Flow::Request;
        let call = payload
            .of_kind(Kind::ToolCall)
            .next()
            .filter(|_| calls)
            .map(|(_, part)| call_facts(part, payload).0);
        let decision = judging.decide_message(call, terms);
        let verdict = judging
            .refused(&decision)
            .or_else(|| judging.too_many())
            .or_else(|| call.and_then(|call| refused_call(call, terms, &decision)))
            .map_or_else(|| judging.message_edits(&decision, terms), Err);
        if let Some(call) = call {
            judging.trail.calls.push(CallRuling {
                tool: call.tool.to_owned(),
                refused_by: verdict.as_ref().err().map(|denial| denial.rule.clone()),
            });
        }
        judging.end(verdict, decision)
    }
}

impl Judging<'_> {
    /// Adds findings that others made: only those that know more than one message can.
    fn note(&mut self, found: &[Finding]) {
        for finding in found {
            let Some(view) = self.views.get(finding.part.0 as usize) else {
                continue;
            };
            self.trail.seen_in.push((view.kind, view.author));
            self.trail.findings.push(finding.clone());
        }
    }

    fn decide_message(&mut self, call: Option<CallFacts<'_>>, terms: &Terms) -> Decision {
        let begun = (self.engine.stopwatch)();
        let needs = self.engine.needs(&self.about.caller.team);
        let mut offers = Vec::new();
        if needs.tools {
            offers = self.offers();
            if let (Some(call), Some(json)) = (call, terms.offer.as_deref()) {
                offers.push(OfferFacts {
                    name: call.tool,
                    form: "function",
                    server_url: None,
                    description: json,
                    json,
                });
            }
        }
        let unread: Vec<&str> = self
            .payload
            .outline()
            .unread
            .iter()
            .map(|t| self.payload.text(*t))
            .collect();
        let facts = self.facts(self.about.operation, None, &offers, &unread, call);
        let asks_allow = !terms.granted && facts.asks_allow();
        let decision = self.engine.decide_asking(&facts, asks_allow);
        self.trail.spent.policy_ns += nanos((self.engine.stopwatch)() - begun);
        decision
    }

    fn message_edits(&mut self, decision: &Decision, terms: &Terms) -> Result<Edits, Denial> {
        let mut edits = self.masks(&decision.redact)?;
        let outline = self.payload.outline();
        // Both may be as long as a server likes, so they are not compared pair by pair.
        let held: HashSet<&str> = decision
            .hide
            .iter()
            .chain(&terms.hidden)
            .map(|s| &**s)
            .collect();
        let mut hidden = Vec::new();
        for list in &outline.offer_lists {
            let gone = |i: usize| {
                let tool = outline.parts[list.offers[i].0.0 as usize].tool;
                let tool = tool.map_or("", |t| self.payload.text(t));
                held.contains(tool)
            };
            let spans: Vec<Span> = list.offers.iter().map(|(_, span)| *span).collect();
            cut(&mut edits, &spans, gone);
            hidden.extend((0..spans.len()).filter(|i| gone(*i)).map(|i| {
                let tool = outline.parts[list.offers[i].0.0 as usize].tool;
                tool.map_or(String::new(), |t| shown(self.payload.text(t)))
            }));
        }
        self.trail.hidden = hidden;
        Ok(edits)
    }
}

/// What is hidden, or is held back by the gateway, cannot be called; nor can what is no object.
fn refused_call(call: CallFacts<'_>, terms: &Terms, decision: &Decision) -> Option<Denial> {
    let mut hidden = decision.hide.iter().chain(&terms.hidden);
    if hidden.any(|tool| tool == call.tool) {
        return Some(Denial::deny(
            "gateway/hidden-tool",
            format!("The tool `{}` is not available here.", shown(call.tool)),
        ));
    }
    call.arguments.is_none().then(|| {
        Denial::deny(
            "gateway/unreadable-arguments",
            format!(
                "The arguments of `{}` are not a JSON object.",
                shown(call.tool)
            ),
        )
    })
}
