//! What the events of a streamed answer add to it.

use crate::exchange::Usage;
use crate::part::{Kind, Segment};
use crate::payload::Outline;

/// One growing thing in a streamed answer: a text, a thought, a call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Slot {
    /// The choice (`n` > 1), or 0.
    pub choice: u32,
    /// The item, content block or tool-call index.
    pub item: u32,
    /// Which of the item's fields.
    pub lane: Lane,
}

/// The fields of an item that can grow side by side.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Lane {
    /// What is said; the number tells content parts of one item apart.
    Text(u16),
    /// Thinking, or its summary.
    Reasoning(u16),
    /// The model's refusal.
    Refusal(u16),
    /// A transcript of sound.
    Transcript,
    /// A tool call.
    Call,
}

impl Lane {
    /// The kind of part it grows into.
    pub fn kind(self) -> Kind {
        match self {
            Lane::Text(_) | Lane::Transcript => Kind::Text,
            Lane::Reasoning(_) => Kind::Reasoning,
            Lane::Refusal(_) => Kind::Refusal,
            Lane::Call => Kind::ToolCall,
        }
    }
}

/// One thing an event says. Segments' `raw` count in the event's data; their `text` counts from the
/// beginning of that piece.
#[derive(Clone, PartialEq, Debug)]
pub enum Delta {
    /// `slot` grows by a piece of text. For [`Lane::Call`]: by a piece of its arguments.
    Grow {
        /// What grows.
        slot: Slot,
        /// By what: the decoded words.
        text: String,
        /// Where they stand.
        segment: Segment,
    },
    /// A call says its name and id (once; later ones of the same slot are ignored by the gate).
    Call {
        /// The call.
        slot: Slot,
        /// Its id.
        id: String,
        /// The tool's name.
        tool: String,
        /// Its input is free text, not a JSON document.
        free_form: bool,
        /// The tool runs at the provider, not at the agent.
        provider: bool,
    },
    /// Nothing more will be added to `slot`.
    Close {
        /// What is complete.
        slot: Slot,
    },
    /// Nothing more will be added to any slot of `choice`.
    CloseChoice {
        /// The choice.
        choice: u32,
    },
    /// Later parts of `slot` are signed: its text must not be edited.
    Seal {
        /// What is signed.
        slot: Slot,
    },
    /// Tokens so far.
    Usage(Usage),
    /// The model that answers.
    Model(String),
    /// An id of state created at the provider.
    Created(String),
    /// The upstream says it failed; its words are among the event's parts.
    Failed,
    /// The answer is complete: everything closes.
    End,
}

/// What one event says: what it adds, and what it holds whole.
#[derive(Debug, Default)]
pub struct Flowing {
    /// Additions, in order.
    pub deltas: Vec<Delta>,
    /// Parts that stand complete in this event (an unknown field, a repetition of what was streamed
    /// before, an error's words), with spans into the event's data. Judged before the event is released.
    pub whole: Outline,
}
