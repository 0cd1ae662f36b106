//! Parts: who said what, as a flat list of views into the bytes of a body.

use crate::span::Span;
use std::fmt;

/// The place of a part in its payload's list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PartId(pub u32);

/// Who wrote the words. Decides how far they are trusted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Author {
    /// System and developer messages, `instructions`: whoever built the agent.
    Operator,
    /// The person or program the agent works for.
    User,
    /// The model.
    Model,
    /// A tool: its description, its results, a fetched page. Untrusted.
    Tool,
}

impl Author {
    /// All of them, for tests and tables.
    pub const ALL: [Author; 4] = [Author::Operator, Author::User, Author::Model, Author::Tool];

    /// The word a policy sees.
    pub fn as_str(self) -> &'static str {
        match self {
            Author::Operator => "system",
            Author::User => "user",
            Author::Model => "model",
            Author::Tool => "tool",
        }
    }
}

/// What a part is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// Plain words.
    Text,
    /// The model's thinking, shown or summarised.
    Reasoning,
    /// The model's own refusal text.
    Refusal,
    /// A tool on offer: its name, description and schema.
    ToolOffer,
    /// A call of a tool: its name and arguments.
    ToolCall,
    /// What a tool answered.
    ToolResult,
    /// An image, a sound, a file: its text is what can be read of it (media type, address, name).
    Media,
    /// Something no reader understood. Its text is every string in it; policy decides.
    Unread,
}

impl Kind {
    /// All of them, for tests and tables.
    pub const ALL: [Kind; 8] = [
        Kind::Text,
        Kind::Reasoning,
        Kind::Refusal,
        Kind::ToolOffer,
        Kind::ToolCall,
        Kind::ToolResult,
        Kind::Media,
        Kind::Unread,
    ];

    /// The word a policy sees.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Reasoning => "reasoning",
            Kind::Refusal => "refusal",
            Kind::ToolOffer => "tool_offer",
            Kind::ToolCall => "tool_call",
            Kind::ToolResult => "tool_result",
            Kind::Media => "media",
            Kind::Unread => "unread",
        }
    }
}

/// Text that is either a slice of the body as it came, or was decoded into the outline's arena.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Text {
    /// The body's own bytes: nothing needed decoding.
    Body(Span),
    /// A span of the arena.
    Arena(Span),
}

/// How the text of a segment was written in the body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Coding {
    /// `raw` is the text itself: a body that is not JSON.
    Plain,
    /// `raw` lies between the quotes of a JSON string.
    String,
    /// `raw` is a JSON number; an edit replaces all of it and adds quotes.
    Number,
    /// `raw` lies between the quotes of a JSON string without escapes and is base64 (RFC 4648 §4, padded);
    /// the text is what it decodes to.
    Base64,
    /// `raw` counts in the JSON text that decoding the JSON string at `outer` gives: tool arguments.
    Nested {
        /// Between the quotes of the outer string, in the body.
        outer: Span,
        /// Whether the inner value is a number.
        number: bool,
    },
}

/// A stretch of a part's text and the bytes it was read from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    /// In the part's text.
    pub text: Span,
    /// In the body, or as `coding` says.
    pub raw: Span,
    /// How to get from one to the other.
    pub coding: Coding,
}

/// Whether what a tool answered may be put in other words.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Answer {
    /// It may not: no answer, or the provider's own, or something that is cited, searched or shown.
    #[default]
    Fixed,
    /// Plain words of a tool that the client ran.
    Plain,
    /// The same, of a call that failed.
    Failed,
}

/// One thing that was said. Kept flat, in document order; `Payload::view` gives its words.
#[derive(Clone, PartialEq, Debug)]
pub struct Part {
    /// What it is.
    pub kind: Kind,
    /// Who wrote it.
    pub author: Author,
    /// Which message or item it belongs to, counted from 0; `None` outside any.
    pub message: Option<u32>,
    /// The tool's name, for offers, calls and results where the protocol tells it.
    pub tool: Option<Text>,
    /// The call's id, for calls and results.
    pub call: Option<Text>,
    /// An offer's `type` (`function`, `web_search`, `mcp`, …) or a medium's type. Of a call: `custom` if its
    /// input is free text, the type of what the provider runs itself, or nothing for a plain function.
    pub form: Option<Text>,
    /// Its words. For JSON: every key, string and number in it, one a line.
    pub text: Text,
    /// The JSON behind the words: a call's arguments, an offer's declaration.
    pub json: Option<Text>,
    /// Segments of `text`, as a range in the outline's list; sorted by text, disjoint.
    pub segments: Span,
    /// The JSON value this part was read from, in the body.
    pub whole: Span,
    /// Signed or encrypted by the provider: it may be read but never edited.
    pub sealed: bool,
    /// Of what a tool answered: whether these words may be put in others.
    pub answer: Answer,
}

/// A part with its words, as filters see it.
#[derive(Clone, Copy)]
pub struct PartView<'a> {
    /// Its place in the list.
    pub id: PartId,
    /// What it is.
    pub kind: Kind,
    /// Who wrote it.
    pub author: Author,
    /// The tool's name, where there is one.
    pub tool: Option<&'a str>,
    /// The JSON behind the words, where there is one: a call's arguments, an offer's declaration.
    pub json: Option<&'a str>,
    /// Its words, decoded. For JSON: every key, string and number in it, one a line.
    pub text: &'a str,
}

impl fmt::Debug for PartView<'_> {
    /// Says what the part is, never what it says.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartView")
            .field("id", &self.id.0)
            .field("kind", &self.kind)
            .field("author", &self.author)
            .field("bytes", &self.text.len())
            .finish()
    }
}
