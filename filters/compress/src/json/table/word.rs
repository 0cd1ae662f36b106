//! Which strings may stand without their quotes.

/// The content of a JSON string that stands in quotes.
fn content(raw: &str) -> &str {
    raw.get(1..raw.len().saturating_sub(1)).unwrap_or("")
}

/// A string as a value: bare where nothing else could be meant.
pub(super) fn value(raw: &str) -> &str {
    let inside = content(raw);
    if shape(inside) && !is_plain(inside) {
        inside
    } else {
        raw
    }
}

/// A string as a cell of a column of strings.
pub(super) fn text(raw: &str) -> &str {
    let inside = content(raw);
    if shape(inside) { inside } else { raw }
}

/// Whether a string would be taken for a number or a literal, were it bare.
pub(super) fn looks_plain(raw: &str) -> bool {
    let inside = content(raw);
    shape(inside) && is_plain(inside)
}

/// A key: bare where nothing in it means anything else.
pub(super) fn key(raw: &str) -> &str {
    let inside = content(raw);
    let sign = |b: u8| matches!(b, b'=' | b'?' | b'{' | b'}' | b'[' | b']');
    if shape(inside) && !inside.bytes().any(sign) {
        inside
    } else {
        raw
    }
}

/// Whether a reader finds both ends of it.
fn shape(inside: &str) -> bool {
    let bytes = inside.as_bytes();
    match bytes.first() {
        None | Some(b'{' | b'[' | b'^' | b':') => return false,
        Some(b'-' | b'#') if bytes.len() == 1 => return false,
        _ => {}
    }
    let (mut open, mut ascii) = (0i64, true);
    for &byte in bytes {
        match byte {
            0..=b' ' | b'"' | b'\\' | 0x7f => return false,
            b'{' | b'[' => open += 1,
            b'}' | b']' => open -= 1,
            0x80.. => ascii = false,
            _ => {}
        }
        if open < 0 {
            return false;
        }
    }
    open == 0 && (ascii || !inside.chars().any(|c| c.is_whitespace() || c.is_control()))
}

/// Whether it is a JSON number, `true`, `false` or `null`.
pub(super) fn is_plain(word: &str) -> bool {
    matches!(word, "true" | "false" | "null") || is_number(word.as_bytes())
}

/// RFC 8259, section 6.
fn is_number(word: &[u8]) -> bool {
    let digits = |bytes: &[u8]| bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let mut rest = word.strip_prefix(b"-").unwrap_or(word);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest[0] == b'0') {
        return false;
    }
    rest = &rest[whole..];
    if let Some(after) = rest.strip_prefix(b".") {
        let part = digits(after);
        if part == 0 {
            return false;
        }
        rest = &after[part..];
    }
    if let Some(b'e' | b'E') = rest.first() {
        rest = &rest[1..];
        if let Some(b'+' | b'-') = rest.first() {
            rest = &rest[1..];
        }
        let part = digits(rest);
        if part == 0 {
            return false;
        }
        rest = &rest[part..];
    }
    rest.is_empty()
}
