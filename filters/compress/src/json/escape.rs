//! Strings written out with escapes, by JSON and by Python: read, and written again to the same bytes.
//!
//! A writer escapes by a rule; where one character is spelled otherwise than the rule says, the residue has its spelling.

use super::varint;

/// Who wrote the string.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Dialect {
    /// RFC 8259; which characters are escaped beyond need is in the flags.
    Json(u8),
    /// `repr` of Python 3, by its quote.
    Python(u8),
}

/// Every character beyond ASCII is escaped (`json.dumps`).
const ASCII: u8 = 1;
/// `<`, `>` and `&` are escaped (Go).
const HTML: u8 = 2;
/// `/` is escaped (PHP).
const SLASH: u8 = 4;

/// A string as it was read.
pub(super) struct Read {
    /// What it says.
    pub text: String,
    /// Where it was spelled otherwise than by the rule.
    pub odd: Vec<u8>,
    /// The rule.
    pub dialect: Dialect,
    /// Bytes read: fewer than all where the last escape is cut off.
    pub len: usize,
}

impl Dialect {
    /// As a byte.
    pub fn code(self) -> u8 {
        match self {
            Dialect::Json(flags) => flags,
            Dialect::Python(quote) => quote | 0x80,
        }
    }

    /// From its byte.
    pub fn from_code(code: u8) -> Option<Dialect> {
        match code {
            0..=7 => Some(Dialect::Json(code)),
            code if code & 0x7f == b'\'' || code & 0x7f == b'"' => {
                Some(Dialect::Python(code & 0x7f))
            }
            _ => None,
        }
    }
}

/// Where the content of a string ends that begins at `at`: at its closing quote, or at the end of a text that was cut.
pub(super) fn end(text: &str, at: usize, quote: u8) -> (usize, bool) {
    let bytes = text.as_bytes();
    let mut end = at;
    while let Some(&byte) = bytes.get(end) {
        match byte {
            b'\\' => end += 2,
            byte if byte == quote => return (end, true),
            _ => end += 1,
        }
    }
    (bytes.len(), false)
}

/// Reads the content of a string. `cut`: the text may end within an escape.
pub(super) fn read(raw: &str, dialect: Dialect, cut: bool) -> Option<Read> {
    let dialect = match dialect {
        Dialect::Json(_) => Dialect::Json(flags(raw)),
        python => python,
    };
    let mut text = String::with_capacity(raw.len());
    let mut odd = Vec::new();
    let (mut at, mut since) = (0, 0);
    let mut spelled = String::new();
    while at < raw.len() {
        let rest = &raw[at..];
        // A run in which nothing is escaped, nor would be.
        let plain = rest.bytes().take_while(|b| is_plain(*b)).count();
        if plain > 0 {
            text.push_str(&rest[..plain]);
            since += plain;
            at += plain;
            continue;
        }
        let (character, len) = match unit(rest, dialect) {
            Some(unit) => unit,
            None if cut && rest.len() < 12 && rest.starts_with('\\') && is_begun(rest) => break,
            None => return None,
        };
        spelled.clear();
        spell(character, dialect, &mut spelled);
        if spelled != rest[..len] {
            varint::put(since, &mut odd);
            varint::put(len, &mut odd);
            odd.extend(&rest.as_bytes()[..len]);
            since = 0;
        } else {
            since += 1;
        }
        text.push(character);
        at += len;
    }
    Some(Read {
        text,
        odd,
        dialect,
        len: at,
    })
}

/// A byte that no dialect ever escapes.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b' ' | b'.' | b',' | b':' | b'-' | b'_' | b'{' | b'}' | b'[' | b']' | b'(' | b')'
        )
}

/// Whether this could be the beginning of an escape that was cut off.
fn is_begun(rest: &str) -> bool {
    rest.bytes().skip(1).enumerate().all(|(at, b)| match at {
        0 => matches!(b, b'u' | b'x' | b'U'),
        5 => b == b'\\' || b.is_ascii_hexdigit(),
        6 => b == b'u' || b.is_ascii_hexdigit(),
        _ => b.is_ascii_hexdigit(),
    })
}

/// Which characters a JSON writer escaped beyond need.
fn flags(raw: &str) -> u8 {
    let mut flags = 0;
    let bytes = raw.as_bytes();
    let mut at = 0;
    while let Some(found) = bytes
        .get(at..)
        .and_then(|b| b.iter().position(|b| *b == b'\\'))
    {
        at += found;
        match bytes.get(at + 1) {
            Some(b'/') => flags |= SLASH,
            Some(b'u') => match bytes.get(at + 2..at + 6) {
                Some(b"003c" | b"003e" | b"0026") => flags |= HTML,
                Some(hex) if hex > b"007f".as_slice() => flags |= ASCII,
                _ => {}
            },
            _ => {}
        }
        at += 2;
    }
    flags
}

/// The character at the start, and the bytes that spell it.
fn unit(rest: &str, dialect: Dialect) -> Option<(char, usize)> {
    let first = rest.chars().next()?;
    if first != '\\' {
        return Some((first, first.len_utf8()));
    }
    let bytes = rest.as_bytes();
    let short = |c| Some((c, 2));
    match (bytes.get(1)?, dialect) {
        (b'n', _) => short('\n'),
        (b'r', _) => short('\r'),
        (b't', _) => short('\t'),
        (b'\\', _) => short('\\'),
        (b'"', _) => short('"'),
        (b'\'', Dialect::Python(_)) => short('\''),
        (b'/', Dialect::Json(_)) => short('/'),
        (b'b', Dialect::Json(_)) => short('\u{8}'),
        (b'f', Dialect::Json(_)) => short('\u{c}'),
        (b'x', Dialect::Python(_)) => Some((char::from_u32(hex(bytes, 2, 2)?)?, 4)),
        (b'U', Dialect::Python(_)) => Some((char::from_u32(hex(bytes, 2, 8)?)?, 10)),
        (b'u', _) => {
            let unit = hex(bytes, 2, 4)?;
            if let Some(character) = char::from_u32(unit) {
                return Some((character, 6));
            }
            let low = hex(bytes, 8, 4).filter(|low| (0xdc00..0xe000).contains(low))?;
            if unit >= 0xdc00
                || bytes.get(6..8) != Some(b"\\u")
                || matches!(dialect, Dialect::Python(_))
            {
                return None;
            }
            Some((
                char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00))?,
                12,
            ))
        }
        _ => None,
    }
}

fn hex(bytes: &[u8], at: usize, digits: usize) -> Option<u32> {
    let digits = bytes.get(at..at + digits)?;
    digits.iter().try_fold(0, |value, b| {
        Some(value << 4 | char::from(*b).to_digit(16)?)
    })
}

/// One character as the rule spells it.
fn spell(character: char, dialect: Dialect, out: &mut String) {
    use std::fmt::Write as _;
    let code = character as u32;
    let done = match (character, dialect) {
        ('\\', _) => Some("\\\\"),
        ('\n', _) => Some("\\n"),
        ('\r', _) => Some("\\r"),
        ('\t', _) => Some("\\t"),
        ('"', Dialect::Json(_) | Dialect::Python(b'"')) => Some("\\\""),
        ('\'', Dialect::Python(b'\'')) => Some("\\'"),
        ('\u{8}', Dialect::Json(_)) => Some("\\b"),
        ('\u{c}', Dialect::Json(_)) => Some("\\f"),
        ('/', Dialect::Json(flags)) if flags & SLASH != 0 => Some("\\/"),
        _ => None,
    };
    if let Some(done) = done {
        out.push_str(done);
        return;
    }
    let _ = match dialect {
        Dialect::Json(flags)
            if code < 0x20 || (flags & HTML != 0 && matches!(character, '<' | '>' | '&')) =>
        {
            write!(out, "\\u{code:04x}")
        }
        Dialect::Json(flags) if code > 0x7f && flags & ASCII != 0 => {
            let mut units = [0; 2];
            character
                .encode_utf16(&mut units)
                .iter()
                .try_for_each(|unit| write!(out, "\\u{unit:04x}"))
        }
        Dialect::Python(_) if !is_printable(character) => match code {
            0..=0xff => write!(out, "\\x{code:02x}"),
            0x100..=0xffff => write!(out, "\\u{code:04x}"),
            _ => write!(out, "\\U{code:08x}"),
        },
        _ => write!(out, "{character}"),
    };
}

/// What Python's `str.isprintable` says, nearly: the rest are exceptions.
fn is_printable(character: char) -> bool {
    let format = matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e000}'..='\u{f8ff}');
    character == ' ' || !(character.is_control() || character.is_whitespace() || format)
}

/// Writes the content of a string again, as it was read.
pub(super) fn write(text: &str, dialect: Dialect, mut odd: &[u8], out: &mut String) -> Option<()> {
    let mut next = take_odd(&mut odd)?;
    let mut since = 0;
    for character in text.chars() {
        match next {
            Some((at, spelled)) if at == since => {
                out.push_str(spelled);
                next = take_odd(&mut odd)?;
                since = 0;
            }
            _ => {
                spell(character, dialect, out);
                since += 1;
            }
        }
    }
    next.is_none().then_some(())
}

/// The next odd spelling; `Some(None)`: there is none.
fn take_odd<'b>(odd: &mut &'b [u8]) -> Option<Option<(usize, &'b str)>> {
    if odd.is_empty() {
        return Some(None);
    }
    let since = varint::take(odd)?;
    let len = varint::take(odd)?;
    let spelled = std::str::from_utf8(varint::take_bytes(odd, len)?).ok()?;
    Some(Some((since, spelled)))
}
