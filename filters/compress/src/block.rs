//! What is asked of the engine, and what it answers.

use crate::reference::Earlier;
use crate::step::{Step, StepKind};

/// Bytes of the smallest block that is looked at: a token is a byte at the least, and 40 must be saved.
pub const BLOCK_MIN: usize = 40;
/// Bytes of the largest block that is looked at; a larger one stays as it is.
pub const BLOCK_MAX: usize = 8 << 20;

/// How far a team lets the engine go.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Mode {
    /// Forms that hold every byte.
    Lossless,
    /// Also forms that leave something out, where the original can be had back.
    Reversible,
}

/// What became of a block.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Class {
    /// It stays as it is.
    None,
    /// Another form that holds every byte.
    Lossless,
    /// A form that leaves something out; the original is kept.
    Reversible,
}

impl Class {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::None => "none",
            Class::Lossless => "lossless",
            Class::Reversible => "reversible",
        }
    }
}

/// What one tool answered.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// Its text.
    pub text: &'a str,
    /// The tool's name, where it is known.
    pub tool: Option<&'a str>,
}

/// Which kinds of step may be taken. All, unless a team says otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Kinds(u16);

impl Kinds {
    /// All kinds.
    pub const ALL: Kinds = Kinds(u16::MAX);

    /// Without this one.
    #[must_use]
    pub fn without(self, kind: StepKind) -> Kinds {
        Kinds(self.0 & !(1 << kind as u16))
    }

    /// As a number, for a digest.
    pub(crate) fn bits(self) -> u16 {
        self.0
    }

    /// Whether this one may be taken.
    pub fn has(self, kind: StepKind) -> bool {
        self.0 & (1 << kind as u16) != 0
    }
}

/// What a block stands in. Everything here is part of what a plan depends on; nothing else is.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// How far to go.
    pub mode: Mode,
    /// By which kinds of step.
    pub kinds: Kinds,
    /// The text must stay as it is, byte for byte, but for what stands verbatim earlier: a file that the model will
    /// edit by its exact words.
    pub exact: bool,
    /// What was said by tools earlier in the same request, as it is forwarded.
    pub earlier: &'a Earlier,
    /// The word under which the original can be had back; `None`: it cannot be, so nothing may be left out.
    pub handle: Option<&'a str>,
}

/// Why a block stays as it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reason {
    /// Too little would be saved: under a tenth, or under 40 tokens.
    Little,
    /// No form fits it.
    NoForm,
    /// It is larger than [`BLOCK_MAX`].
    Large,
    /// It says what only the gateway says: a mark of its own.
    Imitates,
    /// A form did not decode to the same bytes. Never seen; counted so that it would be.
    Unproven,
}

impl Reason {
    /// All of them, for metrics.
    pub const ALL: [Reason; 5] = [
        Reason::Little,
        Reason::NoForm,
        Reason::Large,
        Reason::Imitates,
        Reason::Unproven,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Little => "little",
            Reason::NoForm => "no_form",
            Reason::Large => "large",
            Reason::Imitates => "imitates",
            Reason::Unproven => "unproven",
        }
    }
}

/// In which form a block is forwarded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Plan {
    /// As it came.
    Keep(Reason),
    /// In other words.
    Rewrite {
        /// Whether the bytes can be had back from `text` and `steps` alone.
        class: Class,
        /// What was done, in order.
        steps: Vec<Step>,
        /// What the model reads.
        text: String,
    },
}

impl Plan {
    /// What became of the block.
    pub fn class(&self) -> Class {
        match self {
            Plan::Keep(_) => Class::None,
            Plan::Rewrite { class, .. } => *class,
        }
    }

    /// What the model reads in place of `original`.
    pub fn text<'a>(&'a self, original: &'a str) -> &'a str {
        match self {
            Plan::Keep(_) => original,
            Plan::Rewrite { text, .. } => text,
        }
    }
}
