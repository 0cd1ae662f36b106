//! What kind of byte is this: the alphabets that tokens are written in.

/// `0-9`.
pub const DIGIT: u16 = 1;
/// `a-f`.
pub const LOWER_AF: u16 = 2;
/// `g-z`.
pub const LOWER_GZ: u16 = 4;
/// `A-F`.
pub const UPPER_AF: u16 = 8;
/// `G-Z`.
pub const UPPER_GZ: u16 = 16;
/// `_`.
pub const UNDERSCORE: u16 = 32;
/// `-`.
pub const DASH: u16 = 64;
/// `.`.
pub const DOT: u16 = 128;
/// `+` and `/`.
pub const PLUS_SLASH: u16 = 256;
/// `=`.
pub const EQUALS: u16 = 512;
/// Space, tab, line feed, carriage return, vertical tab, form feed.
pub const SPACE: u16 = 1024;
/// Marks that passwords have and prose words do not end on.
pub const MARK: u16 = 2048;

/// Lower-case hexadecimal.
pub const HEX_LOWER: u16 = DIGIT | LOWER_AF;
/// Hexadecimal.
pub const HEX: u16 = HEX_LOWER | UPPER_AF;
/// `a-z`.
pub const LOWER: u16 = LOWER_AF | LOWER_GZ;
/// `A-Z`.
pub const UPPER: u16 = UPPER_AF | UPPER_GZ;
/// Letters.
pub const ALPHA: u16 = LOWER | UPPER;
/// Letters and digits.
pub const BASE62: u16 = ALPHA | DIGIT;
/// What identifiers are made of.
pub const WORD: u16 = BASE62 | UNDERSCORE;
/// The URL-safe base64 alphabet.
pub const BASE64_URL: u16 = WORD | DASH;
/// Both base64 alphabets.
pub const BASE64: u16 = BASE64_URL | PLUS_SLASH;
/// Upper-case letters and digits.
pub const UPPER_DIGIT: u16 = UPPER | DIGIT;

const fn class_of(byte: u8) -> u16 {
    match byte {
        b'0'..=b'9' => DIGIT,
        b'a'..=b'f' => LOWER_AF,
        b'g'..=b'z' => LOWER_GZ,
        b'A'..=b'F' => UPPER_AF,
        b'G'..=b'Z' => UPPER_GZ,
        b'_' => UNDERSCORE,
        b'-' => DASH,
        b'.' => DOT,
        b'+' | b'/' => PLUS_SLASH,
        b'=' => EQUALS,
        b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => SPACE,
        b'!' | b'#' | b'$' | b'%' | b'&' | b'*' | b'?' | b'@' | b'^' | b'~' | b':' => MARK,
        _ => 0,
    }
}

const CLASSES: [u16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = class_of(byte as u8);
        byte += 1;
    }
    table
};

/// Whether `byte` belongs to `class`.
#[inline]
pub fn is(byte: u8, class: u16) -> bool {
    CLASSES[byte as usize] & class != 0
}

/// Whether the byte at `at` exists and belongs to `class`.
#[inline]
pub fn has(bytes: &[u8], at: usize, class: u16) -> bool {
    bytes.get(at).is_some_and(|&byte| is(byte, class))
}

/// Where the run of `class` that begins at `at` ends, looking at no more than `most` bytes.
#[inline]
pub fn run_end(bytes: &[u8], at: usize, class: u16, most: usize) -> usize {
    let stop = bytes.len().min(at.saturating_add(most));
    let mut end = at;
    while end < stop && is(bytes[end], class) {
        end += 1;
    }
    end
}

/// Where the run of `class` that ends before `at` begins, looking at no more than `most` bytes.
#[inline]
pub fn run_start(bytes: &[u8], at: usize, class: u16, most: usize) -> usize {
    let stop = at.saturating_sub(most);
    let mut start = at;
    while start > stop && is(bytes[start - 1], class) {
        start -= 1;
    }
    start
}

/// Whether a token may begin at `at`: the byte before it is none of `class`, or is the letter of an
/// escape such as `\n` that a body carried over as two characters.
pub fn begins(bytes: &[u8], at: usize, class: u16) -> bool {
    if at == 0 || !is(bytes[at - 1], class) {
        return true;
    }
    at >= 2 && bytes[at - 2] == b'\\' && matches!(bytes[at - 1], b'n' | b't' | b'r')
}

/// Whether `bytes` at `at` reads `word`, whatever the case of ASCII letters.
pub fn reads(bytes: &[u8], at: usize, word: &[u8]) -> bool {
    bytes
        .get(at..at + word.len())
        .is_some_and(|found| found.eq_ignore_ascii_case(word))
}

/// Whether `bytes` ends on `word` (lower case), whatever the case of its own letters.
pub fn ends_with(bytes: &[u8], word: &[u8]) -> bool {
    bytes.len() >= word.len() && bytes[bytes.len() - word.len()..].eq_ignore_ascii_case(word)
}

/// Where the first byte at or after `at` is that belongs to a character beyond ASCII, or the end.
pub fn wide(bytes: &[u8], mut at: usize) -> usize {
    while let Some(block) = bytes.get(at..).and_then(|rest| rest.first_chunk::<32>()) {
        if !block.is_ascii() {
            break;
        }
        at += 32;
    }
    bytes[at..]
        .iter()
        .position(|byte| !byte.is_ascii())
        .map_or(bytes.len(), |offset| at + offset)
}

/// Where the first digit at or after `at` is.
pub fn digit(bytes: &[u8], mut at: usize) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    while let Some(block) = bytes.get(at..)?.first_chunk::<8>() {
        // Of a digit and of nothing else, less than ten is left of its low seven bits and its high bit.
        let left = u64::from_le_bytes(*block) ^ (ONES * u64::from(b'0'));
        let others = ((left & (ONES * 0x7f)) + ONES * 0x76) | left;
        let digits = !others & (ONES * 0x80);
        if digits != 0 {
            return Some(at + digits.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    bytes
        .get(at..)?
        .iter()
        .position(u8::is_ascii_digit)
        .map(|offset| at + offset)
}

/// A character that no token reaches across: ASCII white space, and scripts that are written without
/// spaces, so that text in them need not be held back until a space comes.
pub fn separates(c: char) -> bool {
    match c {
        ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' => true,
        _ if c < '\u{e01}' => false,
        '\u{e01}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17b3}' => true,
        '\u{3000}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' => true,
        _ => false,
    }
}

/// The nearest character boundary at or below `at`.
pub fn floor(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at)
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(0)
}

/// The nearest character boundary at or above `at`.
pub fn ceil(text: &str, at: usize) -> usize {
    (at..text.len())
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(text.len())
}

/// The part of `text` of at most `most` bytes that ends at `at`.
pub fn before(text: &str, at: usize, most: usize) -> &str {
    &text[ceil(text, at.saturating_sub(most)).min(at)..at]
}

/// The part of `text` of at most `most` bytes that begins at `at`.
pub fn after(text: &str, at: usize, most: usize) -> &str {
    &text[at..floor(text, at.saturating_add(most)).max(at)]
}
