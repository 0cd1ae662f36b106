//! The OpenAI Responses API: how its requests, answers and streams are read, and how it says no.

mod answer;
mod calls;
mod content;
mod events;
mod items;
mod known;
mod lanes;
mod reader;
mod request;
mod stream;
mod words;

use crate::exchange::{Flow, Operation};
use crate::json::{Malformed, Value};
use crate::read::Reading;
use reader::Reader;

pub use stream::Stream;
pub(super) use words::{closing, refuse};

/// Reads the body of `POST /v1/responses` and of what lies below it.
pub(super) fn read_request(
    operation: Operation,
    root: Value<'_>,
    reading: &mut Reading,
) -> Result<(), Malformed> {
    Reader::new(reading, Flow::Request).request(operation, root)
}

/// Reads a response, a list of items, an acknowledgement or an error.
pub(super) fn read_answer(root: Value<'_>, reading: &mut Reading) -> Result<(), Malformed> {
    Reader::new(reading, Flow::Answer).answer(root, &reader::Path::ROOT)
}
