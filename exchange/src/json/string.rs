//! JSON string escapes: decoding, encoding, and the way back from decoded text to raw bytes.

use super::Fault;
use std::fmt::Write as _;

/// The length in bytes of the escape at the start of `raw` (a surrogate pair counts as one).
pub(super) fn escape_len(raw: &str) -> Result<usize, Fault> {
    match raw.as_bytes().get(1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(2),
        Some(b'u') => {
            let unit = hex4(raw.as_bytes(), 2).ok_or(Fault::Grammar)?;
            match unit {
                0xd800..=0xdbff => {
                    let pair = raw.as_bytes().get(6..8) == Some(b"\\u");
                    match hex4(raw.as_bytes(), 8) {
                        Some(0xdc00..=0xdfff) if pair => Ok(12),
                        _ => Err(Fault::LoneSurrogate),
                    }
                }
                0xdc00..=0xdfff => Err(Fault::LoneSurrogate),
                _ => Ok(6),
            }
        }
        _ => Err(Fault::Grammar),
    }
}

fn hex4(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.iter().try_fold(0, |value, &b| {
        Some(value << 4 | char::from(b).to_digit(16)?)
    })
}

/// The character an escape stands for, and the escape's length. `raw` was scanned before.
fn unescape(raw: &str) -> (char, usize) {
    let bytes = raw.as_bytes();
    let simple = |c| (c, 2);
    match bytes.get(1) {
        Some(b'b') => simple('\u{8}'),
        Some(b'f') => simple('\u{c}'),
        Some(b'n') => simple('\n'),
        Some(b'r') => simple('\r'),
        Some(b't') => simple('\t'),
        Some(b'u') => {
            let first = hex4(bytes, 2).unwrap_or(0xfffd);
            match (first, hex4(bytes, 8)) {
                (0xd800..=0xdbff, Some(second @ 0xdc00..=0xdfff)) => {
                    let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                    (char::from_u32(code).unwrap_or('\u{fffd}'), 12)
                }
                _ => (char::from_u32(first).unwrap_or('\u{fffd}'), 6),
            }
        }
        Some(&b) => simple(char::from(b)),
        None => ('\\', 1),
    }
}

/// Appends the text that the content of a scanned JSON string stands for.
pub fn decode(raw: &str, text: &mut String) {
    let mut rest = raw;
    while let Some(stop) = memchr::memchr(b'\\', rest.as_bytes()) {
        text.push_str(&rest[..stop]);
        let (character, len) = unescape(&rest[stop..]);
        text.push(character);
        rest = &rest[(stop + len).min(rest.len())..];
    }
    text.push_str(rest);
}

/// Where the decoded bytes `range` stand in the raw content: widened to whole escapes.
pub fn raw_range(raw: &str, range: std::ops::Range<usize>) -> std::ops::Range<usize> {
    raw_range_from(raw, (0, 0), range)
}

/// The same, beginning at a place that is known: so many decoded bytes lie before so many raw ones. `range`
/// must not begin before it.
pub fn raw_range_from(
    raw: &str,
    known: (usize, usize),
    range: std::ops::Range<usize>,
) -> std::ops::Range<usize> {
    let (mut decoded, mut at) = known;
    let mut start = None;
    loop {
        let plain = memchr::memchr(b'\\', &raw.as_bytes()[at..]).unwrap_or(raw.len() - at);
        if start.is_none() && range.start < decoded + plain {
            start = Some(at + range.start - decoded);
        }
        if range.end <= decoded + plain {
            let end = at + range.end - decoded;
            return start.unwrap_or(end).min(end)..end;
        }
        decoded += plain;
        at += plain;
        if at >= raw.len() {
            return start.unwrap_or(raw.len())..raw.len();
        }
        let (character, len) = unescape(&raw[at..]);
        if start.is_none() && range.start < decoded + character.len_utf8() {
            start = Some(at);
        }
        decoded += character.len_utf8();
        at = (at + len).min(raw.len());
        if range.end <= decoded {
            return start.unwrap_or(at)..at;
        }
    }
}

/// Appends `text` as the content of a JSON string, without the quotes.
pub fn encode(text: &str, raw: &mut String) {
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        raw.push_str(&text[from..at]);
        from = at + 1;
        match byte {
            b'"' => raw.push_str("\\\""),
            b'\\' => raw.push_str("\\\\"),
            b'\n' => raw.push_str("\\n"),
            b'\r' => raw.push_str("\\r"),
            b'\t' => raw.push_str("\\t"),
            _ => {
                // Writing to a String cannot fail.
                let _ = write!(raw, "\\u{byte:04x}");
            }
        }
    }
    raw.push_str(&text[from..]);
}

/// `text` as a whole JSON string, quotes included.
pub fn quoted(text: &str) -> String {
    let mut raw = String::with_capacity(text.len() + 2);
    raw.push('"');
    encode(text, &mut raw);
    raw.push('"');
    raw
}
