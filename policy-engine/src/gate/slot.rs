//! One growing thing in a streamed answer: its text so far, and the events that brought it.

use sallyport_exchange::stream::{Lane, Slot};
use sallyport_exchange::{PartId, Segment, Span};
use std::collections::VecDeque;
use std::ops::Range;

/// Text kept behind what is clear, for filters that look back. Beyond it, old text is let go.
const KEPT_BEHIND: usize = 16 << 10;

/// Where a piece of text lies: in which event, and in which of its bytes.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) event: u64,
    /// `text` counts from the beginning of the slot's whole text.
    pub(super) segment: Segment,
}

/// What a call said about itself.
#[derive(Clone, Debug)]
pub(super) struct CallHead {
    pub(super) id: String,
    pub(super) tool: String,
    pub(super) free_form: bool,
    pub(super) provider: bool,
}

#[derive(Debug)]
pub(super) struct Growing {
    pub(super) part: PartId,
    /// The text from `base` on.
    pub(super) text: String,
    /// How many bytes of text have been let go.
    pub(super) base: usize,
    /// Where the text lies, from what is not yet clear on; sorted.
    places: VecDeque<Place>,
    /// Up to where it is judged, counted in the whole text.
    pub(super) clear: usize,
    /// Up to where it is masked.
    pub(super) masked_to: usize,
    pub(super) closed: bool,
    pub(super) was_closed_by_upstream: bool,
    pub(super) sealed: bool,
    pub(super) call: Option<CallHead>,
    pub(super) call_cleared: bool,
}

impl Growing {
    pub(super) fn new(part: PartId) -> Self {
        Growing {
            part,
            text: String::new(),
            base: 0,
            places: VecDeque::new(),
            clear: 0,
            masked_to: 0,
            closed: false,
            was_closed_by_upstream: false,
            sealed: false,
            call: None,
            call_cleared: false,
        }
    }

    /// Adds a piece of text; gives back the length of the whole text.
    pub(super) fn add(&mut self, text: &str, mut place: Place) -> usize {
        let start = self.base + self.text.len();
        self.text.push_str(text);
        let end = self.base + self.text.len();
        place.segment.text = Span::new(start, end);
        self.places.push_back(place);
        end
    }

    pub(super) fn begin_call(&mut self, id: String, tool: String, free_form: bool, provider: bool) {
        self.call.get_or_insert(CallHead {
            id,
            tool,
            free_form,
            provider,
        });
    }

    /// Whether nothing is left to judge for now.
    pub(super) fn is_clear(&self) -> bool {
        match &self.call {
            Some(_) => self.call_cleared,
            None => self.clear == self.base + self.text.len() && !self.text.is_empty(),
        }
    }

    pub(super) fn is_clear_to(&self, slot: Slot, end: usize) -> bool {
        match slot.lane {
            Lane::Call => self.call_cleared,
            _ => self.clear >= end,
        }
    }

    /// The pieces that `range` of the whole text lies in.
    pub(super) fn places(&self, range: Range<usize>) -> impl Iterator<Item = &Place> {
        let first = self
            .places
            .partition_point(|p| p.segment.text.end as usize <= range.start);
        self.places
            .range(first..)
            .take_while(move |p| (p.segment.text.start as usize) < range.end)
    }

    /// Marks the text up to `clear` as judged; lets old text go if it may.
    pub(super) fn set_clear(&mut self, clear: usize, may_forget: bool) {
        self.clear = clear;
        while self
            .places
            .front()
            .is_some_and(|p| p.segment.text.end as usize <= clear)
        {
            self.places.pop_front();
        }
        let behind = clear - self.base;
        if may_forget && behind > 2 * KEPT_BEHIND {
            let mut cut = behind - KEPT_BEHIND;
            while !self.text.is_char_boundary(cut) {
                cut -= 1;
            }
            self.text.drain(..cut);
            self.base += cut;
        }
    }
}
