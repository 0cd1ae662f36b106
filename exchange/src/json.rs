//! Strict JSON (RFC 8259) read once into a flat tape of spans; nothing is copied.
//!
//! Stricter than the grammar where two parsers could disagree about what was said: a key twice in one
//! object, a lone surrogate, a byte order mark, invalid UTF-8 and trailing data are all refused. What was
//! judged is then what every other parser reads.

mod scan;
pub mod string;

use crate::span::Span;
use std::borrow::Cow;
use std::fmt;

/// How deep arrays and objects may nest.
pub const DEPTH_MAX: usize = 128;

/// How many values one document may hold: bounds the tape to 16 bytes each.
pub const VALUES_MAX: usize = 8 << 20;

/// Why a body cannot be read. Tells where, never what.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{fault} at byte {at}")]
pub struct Malformed {
    /// Byte offset into the document.
    pub at: usize,
    /// What is wrong there.
    pub fault: Fault,
}

/// The ways in which a document can be unreadable.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Fault {
    /// Not UTF-8.
    #[error("not valid UTF-8")]
    Utf8,
    /// Begins with U+FEFF.
    #[error("a byte order mark is not allowed")]
    ByteOrderMark,
    /// Not the JSON grammar.
    #[error("not valid JSON")]
    Grammar,
    /// `\ud800` without its other half.
    #[error("a lone surrogate escape")]
    LoneSurrogate,
    /// One object holds one key twice. The key is told where it is a plain short word.
    #[error("the key {0} appears twice in one object")]
    DuplicateKey(KeyName),
    /// A key that differs only in case from one that is read here.
    #[error("the key {0} differs only in case from one with a meaning")]
    LookalikeKey(KeyName),
    /// Deeper than [`DEPTH_MAX`].
    #[error("nested deeper than {DEPTH_MAX} levels")]
    Depth,
    /// More values than [`VALUES_MAX`].
    #[error("more than {VALUES_MAX} values")]
    Values,
    /// Something after the document.
    #[error("trailing data")]
    Trailing,
    /// A value of another type than its key demands.
    #[error("{0} has an unexpected type")]
    Type(&'static str),
    /// A key that must be there is not.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Something that may not stand where it does, such as a piece of a block that never began.
    #[error("{0} is out of order")]
    Order(&'static str),
}

/// A key as an error may show it: only when it is a short plain word, so that no secret is echoed.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyName(String);

impl KeyName {
    pub(crate) fn new(key: &str) -> Self {
        let plain = key.len() <= 24 && key.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_');
        KeyName(if plain { key.to_owned() } else { String::new() })
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_str() {
            "" => f.write_str("(not shown)"),
            key => write!(f, "`{key}`"),
        }
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The type of a JSON value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JsonKind {
    /// `{…}`
    Object,
    /// `[…]`
    Array,
    /// `"…"`
    String,
    /// `-1.5e3`
    Number,
    /// `true`
    True,
    /// `false`
    False,
    /// `null`
    Null,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    span: Span,
    /// Index of the node after this value and all within it.
    next: u32,
    kind: JsonKind,
    /// For strings: whether any escape occurs.
    escaped: bool,
}

/// A document read into spans. Made by [`Tape::read`]; look at it through [`Tape::root`].
#[derive(Debug)]
pub struct Tape<'a> {
    source: &'a str,
    nodes: Vec<Node>,
}

impl<'a> Tape<'a> {
    /// Reads one JSON document, strictly.
    pub fn read(bytes: &'a [u8]) -> Result<Tape<'a>, Malformed> {
        let source = std::str::from_utf8(bytes).map_err(|e| Malformed {
            at: e.valid_up_to(),
            fault: Fault::Utf8,
        })?;
        Tape::read_str(source)
    }

    /// Reads one JSON document that is known to be UTF-8.
    pub fn read_str(source: &'a str) -> Result<Tape<'a>, Malformed> {
        scan::scan(source).map(|nodes| Tape { source, nodes })
    }

    /// The document's value.
    pub fn root(&self) -> Value<'_> {
        Value { tape: self, at: 0 }
    }
}

/// One value of a document.
#[derive(Clone, Copy)]
pub struct Value<'t> {
    tape: &'t Tape<'t>,
    at: u32,
}

impl fmt::Debug for Value<'_> {
    /// Type and place, never content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {:?}", self.kind(), self.span().range())
    }
}

impl<'t> Value<'t> {
    fn node(self) -> Node {
        self.tape.nodes[self.at as usize]
    }

    /// Its type.
    pub fn kind(self) -> JsonKind {
        self.node().kind
    }

    /// Where it stands, quotes and brackets included.
    pub fn span(self) -> Span {
        self.node().span
    }

    /// Its own bytes.
    pub fn raw(self) -> &'t str {
        &self.tape.source[self.span().range()]
    }

    /// For a string, where its content stands between the quotes, and whether it holds escapes.
    pub fn content(self) -> Option<(Span, bool)> {
        let node = self.node();
        (node.kind == JsonKind::String).then(|| {
            (
                Span::new(node.span.start as usize + 1, node.span.end as usize - 1),
                node.escaped,
            )
        })
    }

    /// The string it is, decoded.
    pub fn as_str(self) -> Option<Cow<'t, str>> {
        let (span, escaped) = self.content()?;
        let raw = &self.tape.source[span.range()];
        Some(if escaped {
            let mut text = String::with_capacity(raw.len());
            string::decode(raw, &mut text);
            Cow::Owned(text)
        } else {
            Cow::Borrowed(raw)
        })
    }

    /// Whether it is this very string.
    pub fn is_str(self, text: &str) -> bool {
        self.as_str().is_some_and(|s| s == text)
    }

    /// The boolean it is.
    pub fn as_bool(self) -> Option<bool> {
        match self.kind() {
            JsonKind::True => Some(true),
            JsonKind::False => Some(false),
            _ => None,
        }
    }

    /// The whole number it is.
    pub fn as_u64(self) -> Option<u64> {
        (self.kind() == JsonKind::Number)
            .then(|| self.raw().parse().ok())
            .flatten()
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        self.kind() == JsonKind::Null
    }

    /// Its elements, if it is an array.
    pub fn elements(self) -> Option<Elements<'t>> {
        (self.kind() == JsonKind::Array).then(|| self.children())
    }

    /// Its members as (key, value), if it is an object.
    pub fn members(self) -> Option<impl Iterator<Item = (Value<'t>, Value<'t>)>> {
        if self.kind() != JsonKind::Object {
            return None;
        }
        let mut all = self.children();
        Some(std::iter::from_fn(move || Some((all.next()?, all.next()?))))
    }

    /// The member `key`, if this is an object that has it.
    pub fn member(self, key: &str) -> Option<Value<'t>> {
        self.members()?
            .find_map(|(k, v)| k.is_str(key).then_some(v))
    }

    /// Everything directly inside: elements, or keys and values in turn.
    fn children(self) -> Elements<'t> {
        Elements {
            tape: self.tape,
            at: self.at + 1,
            end: self.node().next,
        }
    }
}

/// The values directly inside an array.
#[derive(Clone)]
pub struct Elements<'t> {
    tape: &'t Tape<'t>,
    at: u32,
    end: u32,
}

impl<'t> Iterator for Elements<'t> {
    type Item = Value<'t>;

    fn next(&mut self) -> Option<Value<'t>> {
        if self.at >= self.end {
            return None;
        }
        let value = Value {
            tape: self.tape,
            at: self.at,
        };
        self.at = value.node().next;
        Some(value)
    }
}

#[cfg(test)]
mod tests;
