//! Runs of base64 and hexadecimal that hide text.
//!
//! What is read out of a run depends on no more than `RUN_MAX` bytes to either side, so that text
//! that flows in is read as the whole is. A run up to that length is decoded as one. In a longer one
//! (a picture, a file) every stretch of printable ASCII, up to the same length, is read by itself.

use crate::classes::{self, BASE64, HEX};
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::ops::Range;

/// The longest run that is decoded as one.
pub const RUN_MAX: usize = 2048;
/// The shortest run worth decoding.
pub const RUN_MIN: usize = 16;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Calls `found` with each run of the base64 alphabets (hexadecimal is among them) of `RUN_MIN` or more.
pub fn runs(bytes: &[u8], mut found: impl FnMut(Range<usize>)) {
    // A run this long covers at least one whole aligned block of eight.
    let mut at = 0;
    while at + 8 <= bytes.len() {
        let Ok(block) = <[u8; 8]>::try_from(&bytes[at..at + 8]) else {
            return;
        };
        if below_plus(u64::from_le_bytes(block))
            || !block.iter().all(|&byte| classes::is(byte, BASE64))
        {
            at += 8;
            continue;
        }
        let start = classes::run_start(bytes, at, BASE64, usize::MAX);
        let end = classes::run_end(bytes, at + 8, BASE64, usize::MAX);
        if end - start >= RUN_MIN {
            found(start..end);
        }
        at = end.max(at + 8).next_multiple_of(8).max(at + 8);
        // The block in which the run ended may begin no other run of eight within itself.
    }
}

/// Whether any byte is below `+`, the lowest of the alphabets.
#[inline]
fn below_plus(block: u64) -> bool {
    const ONES: u64 = u64::MAX / 255;
    block.wrapping_sub(ONES * b'+' as u64) & !block & (ONES * 0x80) != 0
}

/// The texts that the run at `run` hides, each with the place of its encoded form.
pub(crate) fn decode(
    bytes: &[u8],
    run: Range<usize>,
    found: &mut impl FnMut(Range<usize>, String),
) {
    if run.len() <= RUN_MAX {
        if let Some(text) = decode_whole(&bytes[run.clone()]) {
            let padded = classes::run_end(bytes, run.end, classes::EQUALS, 2);
            found(run.start..padded, text);
        }
    } else {
        decode_stretches(bytes, run, found);
    }
}

fn decode_whole(run: &[u8]) -> Option<String> {
    if let Some(text) = decode_hex(run) {
        return Some(text);
    }
    if !promising(run) {
        return None;
    }
    let engine = if run.iter().any(|byte| matches!(byte, b'-' | b'_')) {
        &URL_SAFE
    } else {
        &STANDARD
    };
    // A dangling sixth of a byte carries nothing.
    let whole = if run.len() % 4 == 1 {
        &run[..run.len() - 1]
    } else {
        run
    };
    readable(engine.decode(whole).ok()?)
}

fn decode_hex(run: &[u8]) -> Option<String> {
    if !run.len().is_multiple_of(2)
        || !matches!(run[0], b'0'..=b'7')
        || !run.iter().all(|&byte| classes::is(byte, HEX))
    {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0) as u8;
    readable(
        run.chunks_exact(2)
            .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
            .collect(),
    )
}

/// A cheap look at the first letters: the first of every four tells the top bits of a byte, and text
/// keeps to a few values there. Most identifiers and paths fail here.
fn promising(run: &[u8]) -> bool {
    let text_like = run
        .iter()
        .step_by(4)
        .take(8)
        .filter(|&&byte| leads_text(byte))
        .count();
    text_like * 4 >= run.len().div_ceil(4).min(8) * 3
}

/// First letters of base64 groups whose first byte is ASCII text or begins a UTF-8 character.
fn leads_text(byte: u8) -> bool {
    matches!(byte, b'I'..=b'Z' | b'a'..=b'f' | b'C' | b'D' | b'w'..=b'z' | b'0'..=b'9')
}

/// Text, if it is nearly all printable.
fn readable(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(bytes).ok()?;
    let odd = text
        .chars()
        .filter(|&c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
        .count();
    (odd * 20 <= text.len() && text.len() >= 8).then_some(text)
}

/// The value of a base64 letter, or 64.
fn value(byte: u8) -> u8 {
    match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => 64,
    }
}

/// Reads the run in each of its four phases, and what is a line of printable ASCII in it.
fn decode_stretches(bytes: &[u8], run: Range<usize>, found: &mut impl FnMut(Range<usize>, String)) {
    for phase in 0..4 {
        let mut at = run.start + phase;
        let mut line = String::new();
        let mut begin = at;
        while at + 4 <= run.end {
            if line.is_empty() && !matches!(bytes[at], b'I'..=b'Z' | b'a'..=b'f') {
                at += 4;
                begin = at;
                continue;
            }
            let group = [0, 1, 2, 3].map(|i| u32::from(value(bytes[at + i]) & 63));
            let word = group[0] << 18 | group[1] << 12 | group[2] << 6 | group[3];
            for shift in [16, 8, 0] {
                let byte = (word >> shift) as u8;
                if matches!(byte, b' '..=b'~' | b'\t') {
                    if line.is_empty() {
                        begin = at;
                    }
                    line.push(char::from(byte));
                } else {
                    end_line(&mut line, begin..at + 4, found);
                }
            }
            at += 4;
        }
        end_line(&mut line, begin..at.min(run.end), found);
    }
}

fn end_line(line: &mut String, place: Range<usize>, found: &mut impl FnMut(Range<usize>, String)) {
    if line.len() >= RUN_MIN * 3 / 4 && place.len() <= RUN_MAX {
        found(place, std::mem::take(line));
    } else {
        line.clear();
    }
}
