//! Private keys in PEM form, however long.

use crate::classes::{self, BASE62, BASE64_URL, EQUALS, PLUS_SLASH, SPACE};
use crate::scan::{BLOCK_MAX, KEY_MAX, Scan};
use memchr::memmem;
use sallyport_normalise::{RUN_MIN, runs};
use std::ops::Range;

/// `-----BEGIN … PRIVATE KEY-----` and what follows, up to its end.
pub(crate) fn private_key(scan: &mut Scan<'_>, place: Range<usize>) {
    let bytes = scan.bytes;
    let line = classes::after(scan.text, place.end, 40).as_bytes();
    let Some(dashes) = memmem::find(line, b"-----") else {
        if line.len() < 37 {
            scan.reached_end(place.start);
        }
        return;
    };
    let name = &line[..dashes];
    if memmem::find(name, b"PRIVATE KEY").is_none() {
        return;
    }
    let body = place.end + dashes + 5;
    let limit = classes::floor(scan.text, place.start + BLOCK_MAX);
    let end = match scan.aheads.key_end.find(bytes, body..limit) {
        Some(closing) => closing_end(scan, place.start, closing + 8, limit),
        None => {
            let letters = scan.aheads.key_letters_end.find(bytes, body..limit);
            match letters.unwrap_or(limit) {
                end if scan.ends(limit) => {
                    scan.reached_end(place.start);
                    end
                }
                end if end == limit => continued_end(scan, place.start, limit),
                end => end,
            }
        }
    };
    let before = classes::before(scan.text, place.start, 200);
    let label = if before.contains("private_key_id") {
        "secret.gcp_service_account"
    } else {
        "secret.private_key"
    };
    let first = end.min(limit);
    let letters = bytes[body..first]
        .iter()
        .filter(|&&byte| classes::is(byte, BASE62 | PLUS_SLASH))
        .take(LETTERS_MIN)
        .count();
    if letters < LETTERS_MIN {
        return;
    }
    let score = if memmem::find(&bytes[body..first], b"...").is_some() {
        0.3
    } else {
        0.98
    };
    for block in blocks(bytes, place.start..end) {
        scan.block(label, block, score);
    }
}

/// With fewer letters it is no key, but a form of one.
const LETTERS_MIN: usize = 32;

/// A key cut into blocks, at ends of lines where there are any.
fn blocks(bytes: &[u8], key: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut next = key.start;
    std::iter::from_fn(move || {
        let start = next;
        let most = start + BLOCK_MAX;
        next = key.end;
        if most < key.end {
            let line = bytes[most - LINE_MAX..most]
                .iter()
                .rposition(|&byte| classes::is(byte, SPACE));
            next = line.map_or(most, |offset| most - LINE_MAX + offset + 1);
        }
        (start < key.end).then_some(start..next)
    })
}

/// The longest line of a key at the end of which it is cut.
const LINE_MAX: usize = 512;

/// Where the line ends whose `-----END` ends at `at`.
fn closing_end(scan: &mut Scan<'_>, start: usize, at: usize, limit: usize) -> usize {
    let stop = limit.min(at + 45);
    match memmem::find(&scan.bytes[at..stop], b"-----") {
        Some(dashes) => at + dashes + 5,
        None => {
            if scan.ends(stop) {
                scan.reached_end(start);
            }
            at
        }
    }
}

/// Where a key ends that is longer than a block. What goes on is told by its long words alone, so
/// that it can be known from near by whether there may be a key at all (`may_continue`).
fn continued_end(scan: &mut Scan<'_>, start: usize, limit: usize) -> usize {
    let bytes = scan.bytes;
    let most = bytes.len().min(start + KEY_MAX);
    let mut end = limit;
    let mut at = limit;
    loop {
        let word = key_letters_end_within(bytes, at, most);
        let closing = memmem::find(&bytes[at..word], b"-----END").map(|offset| at + offset);
        if closing.is_some_and(|closing| closing == at) || word - at >= RUN_MIN || at == limit {
            end = word;
        }
        if let Some(closing) = closing {
            let stop = most.min(closing + 53);
            end = memmem::find(&bytes[closing + 8..stop], b"-----")
                .map_or(word, |dashes| closing + 13 + dashes);
            at = stop;
            break;
        }
        let next = classes::run_end(bytes, word, SPACE, 4).min(most);
        // One short word may stand before the end.
        let goes_on = end == word
            || bytes[next..].starts_with(b"-----END")
            || scan.ends(next)
            || scan.ends(next + 8);
        at = next;
        if word == next || next >= most || !goes_on {
            break;
        }
    }
    if scan.ends(at) {
        scan.reached_end(
            blocks(bytes, start..end)
                .last()
                .map_or(start, |block| block.start),
        );
    }
    end
}

/// Whether a key that began long before `at` may still go on there.
pub(crate) fn may_continue(bytes: &[u8], at: usize) -> bool {
    let mut long = false;
    runs(&bytes[at.saturating_sub(CONTINUED_WITHIN)..at], |_| {
        long = true
    });
    long
}

/// In so many bytes of a key that goes on stands a long word.
const CONTINUED_WITHIN: usize = 192;

fn key_letters_end_within(bytes: &[u8], at: usize, most: usize) -> usize {
    let letter =
        |byte: &&u8| classes::is(**byte, BASE64_URL | PLUS_SLASH | EQUALS) || **byte == b'\\';
    at + bytes[at..most].iter().take_while(letter).count()
}
