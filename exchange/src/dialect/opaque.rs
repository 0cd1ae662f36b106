//! Bodies that are not JSON: an error page, a sound. Text is inspected; the rest is said to be unread.

use crate::part::{Answer, Author, Coding, Kind, Part, PartId, Segment, Text};
use crate::payload::{Outline, Payload};
use crate::span::Span;
use crate::{Finding, Label};
use bytes::Bytes;

/// Reads a body that is not JSON: as one part of its text if it is UTF-8, else as a part without text.
pub fn read_opaque(author: Author, body: Bytes) -> Payload {
    let is_text = std::str::from_utf8(&body).is_ok();
    let span = Span::new(0, if is_text { body.len() } else { 0 });
    let outline = Outline {
        parts: vec![Part {
            kind: if is_text { Kind::Unread } else { Kind::Media },
            author,
            message: None,
            tool: None,
            call: None,
            form: None,
            text: Text::Body(span),
            json: None,
            segments: Span::new(0, 1),
            whole: span,
            sealed: false,
            answer: Answer::Fixed,
        }],
        segments: vec![Segment {
            text: span,
            raw: span,
            coding: Coding::Plain,
        }],
        ..Outline::default()
    };
    Payload::new(body, outline)
}

/// The finding that says a part could not be looked into.
pub fn unscanned(part: PartId) -> Finding {
    Finding {
        label: Label::UNSCANNED,
        part,
        range: 0..0,
        score: 1.0,
    }
}
