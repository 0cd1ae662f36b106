//! Escapes written out in place: `%41`, `&#65;`, `\u0041`, `\x41`.

use crate::classes::{self, HEX};
use crate::map::{Map, Rewrite};
use memchr::memchr3;

/// The longest entity read, `&` and `;` included.
const ENTITY_MAX: usize = 12;

/// `text` with its escapes written out once, or `None` where it has none.
pub(crate) fn unescape(text: &str) -> Option<(String, Map)> {
    let bytes = text.as_bytes();
    let mut at = next(bytes, 0)?;
    let mut rewrite = Rewrite::new(text);
    loop {
        let read = match bytes[at] {
            b'%' => percent(bytes, at),
            b'&' => entity(text, at),
            _ => backslash(bytes, at),
        };
        let after = match read {
            Some((end, c)) => {
                rewrite.replace(at..end, c.encode_utf8(&mut [0; 4]));
                end
            }
            None => at + 1,
        };
        match next(bytes, after) {
            Some(found) => at = found,
            None => return rewrite.finish(),
        }
    }
}

fn next(bytes: &[u8], from: usize) -> Option<usize> {
    memchr3(b'%', b'&', b'\\', bytes.get(from..)?).map(|offset| from + offset)
}

fn hex_byte(bytes: &[u8], at: usize) -> Option<u8> {
    let high = char::from(*bytes.get(at)?).to_digit(16)?;
    let low = char::from(*bytes.get(at + 1)?).to_digit(16)?;
    Some((high * 16 + low) as u8)
}

/// One character written as one to four `%XX`.
fn percent(bytes: &[u8], at: usize) -> Option<(usize, char)> {
    let first = hex_byte(bytes, at + 1)?;
    let len = match first {
        0..=0x7f => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    let mut form = [first, 0, 0, 0];
    for (place, byte) in form.iter_mut().enumerate().take(len).skip(1) {
        if bytes.get(at + 3 * place) != Some(&b'%') {
            return None;
        }
        *byte = hex_byte(bytes, at + 3 * place + 1)?;
    }
    let c = std::str::from_utf8(&form[..len]).ok()?.chars().next()?;
    shown(c).then_some((at + 3 * len, c))
}

/// Control characters other than white space stay as they are written.
fn shown(c: char) -> bool {
    !c.is_control() || matches!(c, '\n' | '\t' | '\r')
}

fn entity(text: &str, at: usize) -> Option<(usize, char)> {
    let bytes = text.as_bytes();
    let stop = bytes.len().min(at + ENTITY_MAX);
    let end = at + bytes[at..stop].iter().position(|&byte| byte == b';')?;
    let c = match &bytes[at + 1..end] {
        [b'#', b'x' | b'X', digits @ ..] => number(digits, 16)?,
        [b'#', digits @ ..] => number(digits, 10)?,
        b"lt" => '<',
        b"gt" => '>',
        b"amp" => '&',
        b"quot" => '"',
        b"apos" => '\'',
        b"nbsp" => ' ',
        b"shy" => '\u{ad}',
        b"colon" => ':',
        b"sol" => '/',
        b"commat" => '@',
        b"period" => '.',
        b"equals" => '=',
        b"lpar" => '(',
        b"rpar" => ')',
        b"lsqb" | b"lbrack" => '[',
        b"rsqb" | b"rbrack" => ']',
        b"NewLine" => '\n',
        b"Tab" => '\t',
        b"ZeroWidthSpace" => '\u{200b}',
        _ => return None,
    };
    shown(c).then_some((end + 1, c))
}

fn number(digits: &[u8], radix: u32) -> Option<char> {
    if digits.is_empty() || digits.len() > 8 {
        return None;
    }
    let mut value = 0u32;
    for &digit in digits {
        value = value
            .checked_mul(radix)?
            .checked_add(char::from(digit).to_digit(radix)?)?;
    }
    char::from_u32(value)
}

/// `\u0041`, `\u{41}`, `\x41`, and surrogate pairs.
fn backslash(bytes: &[u8], at: usize) -> Option<(usize, char)> {
    let (end, c) = match bytes.get(at + 1)? {
        b'x' => (at + 4, char::from(hex_byte(bytes, at + 2)?)),
        b'u' if bytes.get(at + 2) == Some(&b'{') => {
            let end = classes::run_end(bytes, at + 3, HEX, 6);
            if bytes.get(end) != Some(&b'}') {
                return None;
            }
            (end + 1, number(&bytes[at + 3..end], 16)?)
        }
        b'u' => unit_pair(bytes, at)?,
        _ => return None,
    };
    shown(c).then_some((end, c))
}

fn unit(bytes: &[u8], at: usize) -> Option<u16> {
    if bytes.get(at) != Some(&b'\\') || bytes.get(at + 1) != Some(&b'u') {
        return None;
    }
    Some(u16::from(hex_byte(bytes, at + 2)?) << 8 | u16::from(hex_byte(bytes, at + 4)?))
}

fn unit_pair(bytes: &[u8], at: usize) -> Option<(usize, char)> {
    let first = unit(bytes, at)?;
    if let Some(c) = char::from_u32(u32::from(first)) {
        return Some((at + 6, c));
    }
    let second = unit(bytes, at + 6)?;
    let c = char::decode_utf16([first, second]).next()?.ok()?;
    Some((at + 12, c))
}
