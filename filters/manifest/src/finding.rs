//! What is found in declarations, and how much it weighs.

use sallyport_exchange::Label;
use std::fmt;
use std::ops::Range;

/// What follows from a finding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// A person should look; the tool may go on.
    Warning,
    /// The tool is not let in until a person accepts this very finding.
    Refusal,
}

impl Severity {
    /// The word a report has for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Refusal => "refusal",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something found in one declaration.
#[derive(Clone, PartialEq, Debug)]
pub struct Observation {
    /// What it is.
    pub label: Label,
    /// What follows from it.
    pub severity: Severity,
    /// Where, as a JSON pointer (RFC 6901) into the declaration. Empty: all of it. `/instructions`, where the
    /// finding is of no tool: the server's own words. A place told of a key is that of its value.
    pub place: String,
    /// What it is, for people.
    pub says: String,
    /// The words it is about, made fit for a terminal; empty where there are none.
    pub excerpt: String,
}

/// A finding in one leaf, before it is told to anybody.
pub(crate) struct Hit {
    pub label: Label,
    pub severity: Severity,
    /// How sure, 0 to 1.
    pub score: f32,
    /// Bytes of the leaf's text.
    pub range: Range<usize>,
    pub says: String,
}

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident = $label:literal, $says:literal;)*) => {
        $($(#[$doc])* pub const $name: Label = Label($label);)*
        /// Every label of this crate, with a sentence on each. Sorted.
        pub fn labels() -> &'static [(&'static str, &'static str)] {
            &[$(($label, $says)),*]
        }
    };
}

labels! {
    /// See [`labels`].
    ANNOTATION = "tool.annotation", "Annotations say that it only reads, and its own words say that it changes things.";
    /// See [`labels`].
    CHANGED = "tool.changed", "It is not what was pinned under this name.";
    /// See [`labels`].
    INSTRUCTIONS = "tool.instructions", "It gives orders to the model, rather than saying what it does.";
    /// See [`labels`].
    INVISIBLE = "tool.invisible", "Characters that people do not see, or that change the order of those they see.";
    /// See [`labels`].
    LOOKALIKE = "tool.lookalike", "Its name looks like that of another tool and is not the same.";
    /// See [`labels`].
    MIXED_SCRIPT = "tool.mixed_script", "A word with letters of several scripts that look alike.";
    /// See [`labels`].
    NAME = "tool.name", "A name other than 1 to 128 of A-Z a-z 0-9 _ - and the dot.";
    /// See [`labels`].
    NEW = "tool.new", "Nobody has pinned it.";
    /// See [`labels`].
    OVERSIZED = "tool.oversized", "A description, a schema or a declaration larger than any honest one.";
    /// See [`labels`].
    SCHEMA = "tool.schema", "A schema that is none, that refers to somewhere else, or with a wrong x-mcp-header.";
    /// See [`labels`].
    SHADOWED = "tool.shadowed", "It takes the name of another server's tool, or gives orders about one.";
    /// See [`labels`].
    TWICE = "tool.twice", "One server declares two tools of this name.";
    /// See [`labels`].
    UNREAD = "tool.unread", "A declaration that cannot be read.";
}
