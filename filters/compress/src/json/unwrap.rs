//! What tool servers and their clients wrap around words: taken off.
//!
//! Known wrappings, each within another if need be: an MCP `CallToolResult` or its `content` as JSON, the same as
//! Python's `repr` of it, and a document that is one JSON string. Taken off only where the wrapping says nothing: one
//! block of text, no error, no annotations, no structured content but what the text itself says. What was cut off at
//! its end is read as far as it goes.
//!
//! The residue: for each wrapping, the outermost first, what stood before and after the words, and how they were
//! escaped.

use super::escape::{self, Dialect};
use super::varint;
use crate::form::Form;
use crate::mark;
use sallyport_exchange::json::{JsonKind, Tape, Value};

/// Wrappings within each other, at most.
const LAYERS_MAX: usize = 4;

/// One wrapping: where the words' raw content stands.
struct Layer {
    start: usize,
    end: usize,
    dialect: Dialect,
    /// The text ends within the words.
    cut: bool,
}

/// The words; `None`: nothing known is around them.
pub(crate) fn encode(text: &str) -> Option<Form> {
    let mut residue = Vec::new();
    let mut words: Option<String> = None;
    for _ in 0..LAYERS_MAX {
        let wrapped = words.as_deref().unwrap_or(text);
        let Some(inner) = peel(wrapped, &mut residue) else {
            break;
        };
        words = Some(inner);
    }
    // What was escaped may now stand at the beginning of a line.
    let text = words.filter(|words| !mark::imitates(words))?;
    Some(Form { text, residue })
}

fn peel(wrapped: &str, residue: &mut Vec<u8>) -> Option<String> {
    let layer = match wrapped.trim_start().as_bytes().first()? {
        b'm' | b'C' | b'c' => python(wrapped)?,
        b'{' | b'[' => result(wrapped).or_else(|| cut_result(wrapped))?,
        b'"' => string(wrapped)?,
        _ => return None,
    };
    let read = escape::read(&wrapped[layer.start..layer.end], layer.dialect, layer.cut)?;
    let after = &wrapped[layer.start + read.len..];
    residue.push(read.dialect.code());
    for part in [
        &wrapped.as_bytes()[..layer.start],
        after.as_bytes(),
        &read.odd,
    ] {
        varint::put(part.len(), residue);
        residue.extend(part);
    }
    Some(read.text)
}

/// The text with its wrapping.
pub(crate) fn decode(text: &str, residue: &[u8]) -> Option<String> {
    let mut rest = residue;
    let mut layers = Vec::new();
    while let Some((&code, after)) = rest.split_first() {
        rest = after;
        let mut part = || {
            let len = varint::take(&mut rest)?;
            varint::take_bytes(&mut rest, len)
        };
        layers.push((Dialect::from_code(code)?, part()?, part()?, part()?));
        if layers.len() > LAYERS_MAX {
            return None;
        }
    }
    let mut text = text.to_owned();
    for (dialect, before, after, odd) in layers.into_iter().rev() {
        let mut wrapped = std::str::from_utf8(before).ok()?.to_owned();
        escape::write(&text, dialect, odd, &mut wrapped)?;
        wrapped.push_str(std::str::from_utf8(after).ok()?);
        text = wrapped;
    }
    Some(text)
}

/// A document that is one JSON string: worth reading where something in it is escaped.
fn string(wrapped: &str) -> Option<Layer> {
    let tape = Tape::read_str(wrapped).ok()?;
    let (span, escaped) = tape.root().content()?;
    let range = span.range();
    escaped.then_some(Layer {
        start: range.start,
        end: range.end,
        dialect: Dialect::Json(0),
        cut: false,
    })
}

/// A `CallToolResult`, or its content, as JSON.
fn result(wrapped: &str) -> Option<Layer> {
    // A look at the beginning: most documents are something else.
    let head: &str = wrapped.get(..200).unwrap_or(wrapped);
    if !head.is_char_boundary(head.len())
        || !(head.contains("\"content\"")
            || head.contains("\"type\"")
            || head.contains("\"isError\"")
            || head.contains("\"_meta\"")
            || head.contains("\"structuredContent\""))
    {
        return None;
    }
    let tape = Tape::read_str(wrapped).ok()?;
    let root = tape.root();
    let (blocks, structured) = match root.kind() {
        JsonKind::Array => (root, None),
        JsonKind::Object => content(root)?,
        _ => return None,
    };
    let mut all = blocks.elements()?;
    let block = all.next()?;
    if all.next().is_some() {
        return None;
    }
    let words = text_of(block)?;
    if let Some(structured) = structured {
        says_the_same(structured, &words.as_str()?)?;
    }
    let range = words.content()?.0.range();
    Some(Layer {
        start: range.start,
        end: range.end,
        dialect: Dialect::Json(0),
        cut: false,
    })
}

/// The blocks of a result, and its structured content, if it says nothing else.
fn content<'t>(result: Value<'t>) -> Option<(Value<'t>, Option<Value<'t>>)> {
    let (mut blocks, mut structured) = (None, None);
    for (key, value) in result.members()? {
        match &*key.as_str()? {
            "content" => blocks = Some(value),
            "structuredContent" if !value.is_null() => structured = Some(value),
            "isError" if matches!(value.as_bool(), Some(false)) || value.is_null() => {}
            "_meta" | "meta" | "structuredContent" if value.is_null() => {}
            _ => return None,
        }
    }
    Some((blocks?, structured))
}

/// The words of a block that is nothing but them.
fn text_of(block: Value<'_>) -> Option<Value<'_>> {
    let (mut text, mut typed) = (None, false);
    for (key, value) in block.members()? {
        match &*key.as_str()? {
            "text" if value.kind() == JsonKind::String => text = Some(value),
            "type" if value.is_str("text") => typed = true,
            "annotations" | "_meta" | "meta" if value.is_null() => {}
            _ => return None,
        }
    }
    text.filter(|_| typed)
}

/// Whether structured content says what the text says: the same JSON, or that under `result`.
fn says_the_same(structured: Value<'_>, text: &str) -> Option<()> {
    let mut members = structured.members();
    let only = members
        .as_mut()
        .and_then(|members| members.next().filter(|_| members.next().is_none()));
    let result = only
        .filter(|(key, _)| key.is_str("result"))
        .map(|(_, value)| value);
    if result.is_some_and(|result| result.is_str(text)) {
        return Some(());
    }
    let tape = Tape::read_str(text).ok()?;
    let said = tape.root();
    (alike(structured, said) || result.is_some_and(|result| alike(result, said))).then_some(())
}

/// Whether two values are the same, numbers by their spelling and keys by their order.
fn alike(one: Value<'_>, other: Value<'_>) -> bool {
    if one.kind() != other.kind() {
        return false;
    }
    match one.kind() {
        JsonKind::String => one.as_str() == other.as_str(),
        JsonKind::Array => match (one.elements(), other.elements()) {
            (Some(mut one), Some(mut other)) => loop {
                match (one.next(), other.next()) {
                    (None, None) => return true,
                    (Some(one), Some(other)) if alike(one, other) => {}
                    _ => return false,
                }
            },
            _ => false,
        },
        JsonKind::Object => match (one.members(), other.members()) {
            (Some(mut one), Some(mut other)) => loop {
                match (one.next(), other.next()) {
                    (None, None) => return true,
                    (Some((key, one)), Some((name, other)))
                        if key.as_str() == name.as_str() && alike(one, other) => {}
                    _ => return false,
                }
            },
            _ => false,
        },
        _ => one.raw() == other.raw(),
    }
}

/// A `CallToolResult` as JSON that was cut off in, or after, its words.
fn cut_result(wrapped: &str) -> Option<Layer> {
    let mut at = 0;
    let mut next = |token: &str| -> Option<usize> {
        let rest = &wrapped[at..];
        let begun = rest.len() - rest.trim_start().len();
        rest[begun..].starts_with(token).then(|| {
            at += begun + token.len();
            at
        })
    };
    let opened = next("{");
    if opened.is_some() {
        for key in ["\"_meta\"", "\"meta\""] {
            if next(key).is_some() {
                next(":")?;
                next("null")?;
                next(",")?;
            }
        }
        next("\"content\"")?;
        next(":")?;
    }
    for token in ["[", "{", "\"type\"", ":", "\"text\"", ",", "\"text\"", ":"] {
        next(token)?;
    }
    let start = next("\"")?;
    let (end, closed) = escape::end(wrapped, start, b'"');
    if closed {
        let after: String = wrapped[end + 1..].split_ascii_whitespace().collect();
        let ends = [
            ",\"annotations\":null}],\"isError\":false}",
            "}],\"isError\":false}",
        ];
        ends.iter()
            .any(|end| end.starts_with(&after))
            .then_some(())?;
    }
    Some(Layer {
        start,
        end,
        dialect: Dialect::Json(0),
        cut: !closed,
    })
}

/// A `CallToolResult` as Python writes it down.
fn python(wrapped: &str) -> Option<Layer> {
    let mut rest = wrapped;
    for piece in ["CallToolResult(", "meta=None", ", ", " ", "content=["] {
        rest = rest.strip_prefix(piece).unwrap_or(rest);
    }
    rest = rest.strip_prefix("TextContent(type='text', text=")?;
    let quote = *rest
        .as_bytes()
        .first()
        .filter(|b| matches!(b, b'\'' | b'"'))?;
    let start = wrapped.len() - rest.len() + 1;
    let (end, closed) = escape::end(wrapped, start, quote);
    if closed {
        empty_words(&wrapped[end + 1..])?;
    }
    Some(Layer {
        start,
        end,
        dialect: Dialect::Python(quote),
        cut: !closed,
    })
}

/// What may stand after the words and says nothing; the last piece may be cut off.
fn empty_words(mut rest: &str) -> Option<()> {
    const PIECES: [&str; 10] = [
        ", annotations=None",
        ", meta=None",
        ", _meta=None",
        ")]",
        " structuredContent=None",
        ", structuredContent=None",
        " isError=False",
        ", isError=False",
        ")",
        "\n",
    ];
    while !rest.is_empty() {
        match PIECES.iter().find_map(|piece| rest.strip_prefix(piece)) {
            Some(after) => rest = after,
            None => {
                return PIECES
                    .iter()
                    .any(|piece| piece.starts_with(rest))
                    .then_some(());
            }
        }
    }
    Some(())
}
