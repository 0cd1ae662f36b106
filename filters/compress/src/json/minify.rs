//! JSON without blanks between its tokens. Numbers, strings and the order of keys stand as they were.

use super::{blanks, cut};
use crate::form::Form;
use sallyport_exchange::json::Tape;

/// Bytes of the largest text that is given back.
const TEXT_MAX: usize = 64 << 20;

/// The text without blanks; `None`: it has none, or is not JSON as every reader reads it (a key twice, half an escape),
/// nor the beginning of it.
pub(crate) fn encode(text: &str) -> Option<Form> {
    let first = text.bytes().find(|b| !b.is_ascii_whitespace())?;
    if !matches!(first, b'{' | b'[') {
        return None;
    }
    if Tape::read_str(text).is_err() {
        let cut = cut::find(text)?;
        let whole = [&text[..cut.kept], &cut.closers].concat();
        Tape::read_str(&whole).ok()?;
    }
    let (text, residue) = blanks::strip(text);
    (!residue.is_empty()).then_some(Form { text, residue })
}

/// The text with its blanks.
pub(crate) fn decode(text: &str, residue: &[u8]) -> Option<String> {
    blanks::restore(text, residue, TEXT_MAX)
}
