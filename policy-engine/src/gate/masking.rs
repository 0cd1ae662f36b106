//! Placeholders put into events that are held back.

use super::leaves::Leaves;
use super::{Cut, Gate};
use crate::judge::{masked, sealed};
use sallyport_exchange::Finding;
use sallyport_exchange::payload::redact_segments;
use sallyport_exchange::stream::Slot;

impl Gate {
    /// Puts a placeholder in place of a finding, in all the events it lies in.
    pub(super) fn mask(&mut self, slot: Slot, finding: &Finding) -> Result<(), Cut> {
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

    /// Masks findings in a call's arguments: first in the JSON text of the arguments, from there in the
    /// events that brought it.
    pub(super) fn mask_call(
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
}
