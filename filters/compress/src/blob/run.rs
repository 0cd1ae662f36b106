//! Runs of letters that are no words: base64, hexadecimal digits, `data:` URIs, PEM.

use super::{HEAD, Piece, TAIL, media, shorten, vector};
use std::ops::Range;

/// Letters of the shortest base64 that is shortened.
const BASE64_MIN: usize = 200;
/// Digits of the shortest hexadecimal run that is shortened: longer than any digest in use.
const HEX_MIN: usize = 160;
/// Bytes of the shortest data of a URI, or of a PEM block, that are shortened.
const MARKED_MIN: usize = 128;
/// Letters of the shortest line of base64 that is broken into lines.
const LINE_MIN: usize = 48;
/// Lines from which on lines of one length are one run.
const LINES_MIN: usize = 3;
/// Blanks that may stand before each line.
const INDENT_MAX: usize = 16;
/// Of all neighbours in base64, so many in a hundred differ in class. At random, 62 do; in words and paths, under 25.
const CHANGES_PERCENT: usize = 40;
/// Bytes of the longest media type of a URI.
const MEDIA_MAX: usize = 128;

/// Finds what of this stretch is left out.
pub(super) fn find(text: &str, within: Range<usize>, pieces: &mut Vec<Piece>) {
    let Some(bytes) = text.as_bytes().get(..within.end) else {
        return;
    };
    let mut at = within.start;
    while let Some(&byte) = bytes.get(at) {
        at = match byte {
            b'd' if bytes
                .get(at..)
                .is_some_and(|rest| rest.starts_with(b"data:")) =>
            {
                uri(text, bytes, at, pieces)
            }
            b'[' => match vector::read(text, bytes, at) {
                (Some(piece), end) => {
                    pieces.push(piece);
                    end
                }
                (None, end) => end,
            },
            b'-' if bytes
                .get(at..)
                .is_some_and(|rest| rest.starts_with(b"-----BEGIN ")) =>
            {
                pem(text, bytes, at, pieces)
            }
            byte if is_letter(byte) => letters(text, bytes, at, pieces),
            _ => at + 1,
        };
    }
}

/// In the alphabets of base64 and base64url.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'_' | b'-' | b'=')
}

fn end_of(bytes: &[u8], from: usize, is: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    let len = rest.iter().position(|&byte| !is(byte));
    from + len.unwrap_or(rest.len())
}

/// The end of a line break and the blanks after it: a real one, or one escaped in a string.
fn line_break(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let breaks: [&[u8]; 4] = [b"\r\n", b"\n", b"\\r\\n", b"\\n"];
    let found = breaks.iter().find(|line| rest.starts_with(line))?;
    let begun = at + found.len();
    let end = end_of(bytes, begun, |byte| byte == b' ' || byte == b'\t');
    (end - begun <= INDENT_MAX).then_some(end)
}

/// A run of letters, over lines of one length. Where the next look begins.
fn letters(text: &str, bytes: &[u8], start: usize, pieces: &mut Vec<Piece>) -> usize {
    let first = end_of(bytes, start, is_letter);
    let width = first - start;
    let (mut end, mut lines) = (first, 1);
    while width >= LINE_MIN
        && let Some(next) = line_break(bytes, end)
    {
        // The last line is shorter.
        let line_end = end_of(bytes, next, is_letter);
        let len = line_end - next;
        if len == 0 || len > width {
            break;
        }
        end = line_end;
        lines += 1;
        if len < width {
            break;
        }
    }
    if lines < LINES_MIN {
        end = first;
    }
    pieces.extend(run(text, start..end));
    end
}

/// A run of letters as a piece, if it is no words.
fn run(text: &str, at: Range<usize>) -> Option<Piece> {
    let whole = text.get(at.clone())?;
    if whole.len() < HEX_MIN.min(BASE64_MIN) {
        return None;
    }
    let seen = Seen::of(whole.as_bytes());
    if seen.hex && seen.letters >= HEX_MIN && seen.digits > 0 && seen.letters > seen.digits {
        let what = described("hexadecimal digits", media::of_hex(whole));
        return shorten(text, at, HEAD, TAIL, &what);
    }
    if seen.letters < BASE64_MIN || !seen.random() {
        return None;
    }
    let what = described("base64", media::of_base64(whole));
    shorten(text, at, HEAD, TAIL, &what)
}

fn described(form: &str, media: Option<&str>) -> String {
    match media {
        Some(media) => format!("{form}, {media}"),
        None => form.to_owned(),
    }
}

/// What stands in a run.
struct Seen {
    letters: usize,
    digits: usize,
    upper: usize,
    lower: usize,
    changes: usize,
    hex: bool,
}

impl Seen {
    fn of(run: &[u8]) -> Seen {
        let mut seen = Seen {
            letters: 0,
            digits: 0,
            upper: 0,
            lower: 0,
            changes: 0,
            hex: true,
        };
        let mut last = 0;
        let mut escaped = false;
        for &byte in run {
            // `\n` in a string is a line break, not a letter.
            let skipped = byte.is_ascii_whitespace() || byte == b'\\' || escaped;
            escaped = byte == b'\\';
            if skipped {
                continue;
            }
            let class = match byte {
                b'0'..=b'9' => 1,
                b'A'..=b'Z' => 2,
                b'a'..=b'z' => 3,
                _ => 4,
            };
            seen.letters += 1;
            seen.digits += usize::from(class == 1);
            seen.upper += usize::from(class == 2);
            seen.lower += usize::from(class == 3);
            seen.changes += usize::from(class != last);
            seen.hex &= byte.is_ascii_hexdigit();
            last = class;
        }
        seen
    }

    fn random(&self) -> bool {
        let percent = |count: usize| count * 100 / self.letters.max(1);
        percent(self.changes) >= CHANGES_PERCENT
            && percent(self.digits) >= 3
            && percent(self.upper) >= 15
            && percent(self.lower) >= 15
    }
}

/// A `data:` URI (RFC 2397). Where the next look begins.
fn uri(text: &str, bytes: &[u8], start: usize, pieces: &mut Vec<Piece>) -> usize {
    let after = start + "data:".len();
    let is_media = |byte: u8| byte.is_ascii_alphanumeric() || b"/+.;=-_".contains(&byte);
    let window = bytes
        .get(..bytes.len().min(after + MEDIA_MAX))
        .unwrap_or(bytes);
    let comma = end_of(window, after, is_media);
    if bytes.get(comma) != Some(&b',') {
        return after;
    }
    let media = text.get(after..comma).unwrap_or_default();
    let base64 = media.ends_with(";base64");
    let media = media.split(';').next().filter(|media| !media.is_empty());
    let data = comma + 1;
    let end = match base64 {
        true => end_of(bytes, data, |byte| is_letter(byte) || byte == b'%'),
        // What ends a URI in a page, a style or a string.
        false => end_of(bytes, data, |byte| {
            byte.is_ascii_graphic() && !b"\"'<>()\\`".contains(&byte)
        }),
    };
    if end - data < MARKED_MIN {
        return end.max(data);
    }
    let form = if base64 { "base64" } else { "percent-encoding" };
    let what = described(form, media);
    pieces.extend(shorten(text, data..end, HEAD, TAIL, &what));
    end
}

/// A PEM block (RFC 7468). Where the next look begins.
fn pem(text: &str, bytes: &[u8], start: usize, pieces: &mut Vec<Piece>) -> usize {
    let label = end_of(bytes, start + "-----BEGIN ".len(), |byte| {
        byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' '
    });
    let after = label + "-----".len();
    let Some(body) = bytes
        .get(label..)
        .filter(|rest| rest.starts_with(b"-----"))
        .and_then(|_| line_break(bytes, after))
    else {
        return label;
    };
    let mut end = body;
    loop {
        let line = end_of(bytes, end, |byte| is_letter(byte) && byte != b'-');
        match line_break(bytes, line) {
            Some(next) if line > end => end = next,
            _ => break,
        }
    }
    let closed = bytes
        .get(end..)
        .is_some_and(|rest| rest.starts_with(b"-----END "));
    if !closed || end - body < MARKED_MIN {
        return body;
    }
    let kind = text
        .get(start + "-----BEGIN ".len()..label)
        .unwrap_or_default();
    let what = format!("base64, {}", kind.to_ascii_lowercase());
    pieces.extend(shorten(text, body..end, HEAD, TAIL, &what));
    end
}
