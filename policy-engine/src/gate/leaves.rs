//! The arguments of a streamed call, taken apart.

use bytes::Bytes;
use sallyport_exchange::{Author, Edits, Kind, PartId, Payload};

/// The words inside a call's arguments, with the way back to the JSON text of the arguments.
pub(super) enum Leaves {
    /// Read from this JSON document.
    Json(Box<Payload>),
    /// Not JSON: the text itself.
    Plain(Box<Payload>),
}

impl Leaves {
    pub(super) fn of(json: Option<&str>, arguments: &str) -> Self {
        let read = |text: &str| {
            let mut reading = sallyport_exchange::read::Reading::default();
            let tape = sallyport_exchange::json::Tape::read_str(text).ok()?;
            let is = sallyport_exchange::read::Is::new(Kind::ToolCall, Author::Model, None);
            reading.leaves(is, tape.root());
            Some(Payload::new(
                Bytes::copy_from_slice(text.as_bytes()),
                reading.outline,
            ))
        };
        match json.and_then(read) {
            Some(payload) => Leaves::Json(Box::new(payload)),
            None => {
                let bytes = Bytes::copy_from_slice(arguments.as_bytes());
                Leaves::Plain(Box::new(sallyport_exchange::dialect::read_opaque(
                    Author::Model,
                    bytes,
                )))
            }
        }
    }

    fn payload(&self) -> &Payload {
        match self {
            Leaves::Json(payload) | Leaves::Plain(payload) => payload,
        }
    }

    pub(super) fn text(&self) -> &str {
        self.payload().view(PartId(0)).text
    }

    pub(super) fn edits(&self, _part: PartId, range: std::ops::Range<usize>, words: &str) -> Edits {
        let mut edits = Edits::default();
        // A call's arguments as streamed are never sealed by themselves; the slot says so.
        let _ = self.payload().redact(PartId(0), range, words, &mut edits);
        edits
    }
}
