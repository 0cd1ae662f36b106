//! A body: the bytes as they came, and what we understood of them.

use crate::edit::Edits;
use crate::exchange::Usage;
use crate::part::{Kind, Part, PartId, PartView, Segment, Text};
use crate::span::Span;
use bytes::Bytes;
use bytestring::ByteString;
use std::fmt;
use std::ops::Range;

/// A list of tools on offer in a request, and what must go with it if every tool in it is hidden.
#[derive(Clone, PartialEq, Debug)]
pub struct OfferList {
    /// Each offer's part and its JSON value, in order.
    pub offers: Vec<(PartId, Span)>,
    /// The members of the object that holds the list, in order: `"key": value`.
    pub members: Vec<Span>,
    /// Which of `members` go when no offer is left: the list itself, `tool_choice` and the like.
    pub dependants: Vec<usize>,
}

/// What was understood of a body. Built by [`crate::read::Reading`].
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Outline {
    /// The model it names.
    pub model: Option<Text>,
    /// A request that asks for a streamed answer.
    pub streamed: bool,
    /// What was said, in document order.
    pub parts: Vec<Part>,
    /// Segments of all parts; each part names its range.
    pub segments: Vec<Segment>,
    /// Text that had to be decoded.
    pub arena: String,
    /// Paths of members that no reader knows, such as `messages[2].foo`. Their content is in parts of
    /// kind `Unread`, so it is inspected all the same.
    pub unread: Vec<Text>,
    /// Lists of tools on offer.
    pub offer_lists: Vec<OfferList>,
    /// A tool that the request forces the model to call.
    pub forced_tool: Option<Text>,
    /// The provider may take out what was said earlier, or what was said earlier stands only there: nothing in
    /// this request may lean on words that precede it.
    pub clears: bool,
    /// Ids of state kept at the provider that this request leans on (`previous_response_id`, file ids).
    pub stored: Vec<Text>,
    /// Ids of state that this answer created at the provider.
    pub created: Vec<Text>,
    /// Tokens, where the answer tells them.
    pub usage: Usage,
}

/// A part that carries a signature cannot be edited without breaking it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the part is signed by the provider and cannot be edited")]
pub struct Sealed;

/// A body and its outline. The bytes are never changed; [`Edits`] make new ones.
#[derive(Clone)]
pub struct Payload {
    bytes: Bytes,
    /// The same bytes as text, checked once; empty if they are none.
    source: ByteString,
    outline: Outline,
}

impl fmt::Debug for Payload {
    /// Sizes only: bodies hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload")
            .field("bytes", &self.bytes.len())
            .field("parts", &self.outline.parts.len())
            .finish()
    }
}

impl Payload {
    /// Puts a body and its outline together. The outline's spans must come from these bytes, which
    /// must be UTF-8 unless the outline has no parts.
    pub fn new(bytes: Bytes, outline: Outline) -> Self {
        let source = ByteString::try_from(bytes.clone()).unwrap_or_default();
        Payload {
            bytes,
            source,
            outline,
        }
    }

    /// The same for a body that is known to be text, so that it is not checked again.
    pub(crate) fn of_text(source: ByteString, outline: Outline) -> Self {
        Payload {
            bytes: source.as_bytes().clone(),
            source,
            outline,
        }
    }

    /// A request without a body, such as `GET /v1/models`.
    pub fn empty() -> Self {
        Payload::new(Bytes::new(), Outline::default())
    }

    /// The bytes as they came.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// What was understood.
    pub fn outline(&self) -> &Outline {
        &self.outline
    }

    /// The body as text; empty if it is not text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The words of a [`Text`] of this outline.
    pub fn text(&self, text: Text) -> &str {
        let (all, span) = match text {
            Text::Body(span) => (&*self.source, span),
            Text::Arena(span) => (&*self.outline.arena, span),
        };
        all.get(span.range()).unwrap_or("")
    }

    /// A part with its words.
    pub fn view(&self, id: PartId) -> PartView<'_> {
        let part = &self.outline.parts[id.0 as usize];
        PartView {
            id,
            json: part.json.map(|t| self.text(t)),
            kind: part.kind,
            author: part.author,
            tool: part.tool.map(|t| self.text(t)),
            text: self.text(part.text),
        }
    }

    /// All parts with their words.
    pub fn views(&self) -> impl Iterator<Item = PartView<'_>> {
        (0..self.outline.parts.len() as u32).map(|id| self.view(PartId(id)))
    }

    /// The parts of one kind, with their ids.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (PartId, &Part)> {
        let numbered = (0u32..).map(PartId).zip(&self.outline.parts);
        numbered.filter(move |(_, part)| part.kind == kind)
    }

    /// The model's name, if the body names one.
    pub fn model(&self) -> Option<&str> {
        self.outline.model.map(|m| self.text(m))
    }

    /// Adds to `edits` what puts `with` in place of `range` of a part's text. Where the range lies over
    /// several stretches of the body, the words go to the first and the others are emptied.
    pub fn redact(
        &self,
        id: PartId,
        range: Range<usize>,
        with: &str,
        edits: &mut Edits,
    ) -> Result<(), Sealed> {
        let part = &self.outline.parts[id.0 as usize];
        if part.sealed {
            return Err(Sealed);
        }
        redact_segments(
            self.source(),
            &self.outline.segments[part.segments.range()],
            range,
            with,
            edits,
        );
        Ok(())
    }
}

/// The edits of `source` that put `with` in place of `range` of the text made of `segments`.
pub fn redact_segments(
    source: &str,
    segments: &[Segment],
    range: Range<usize>,
    with: &str,
    edits: &mut Edits,
) {
    let mut with = with;
    let first = segments.partition_point(|s| s.text.end as usize <= range.start);
    for segment in &segments[first..] {
        let (start, end) = (segment.text.start as usize, segment.text.end as usize);
        if start >= range.end {
            break;
        }
        let within = range.start.max(start)..range.end.min(end);
        edits.insert_segment(source, segment, within, with);
        with = "";
    }
}
