//! Long lists of numbers that are one thing: an embedding, the bytes of a file.

use super::{Piece, digest};

/// Fractions from which on a list is an embedding.
const FRACTIONS_MIN: usize = 64;
/// Whole numbers under 256 from which on a list is bytes.
const BYTES_MIN: usize = 256;
/// Digits after the point that a fraction of an embedding has, at least.
const DECIMALS: usize = 4;
/// Numbers that are kept before and after.
const FIRST: usize = 4;
const LAST: usize = 2;

/// Reads a list of numbers from its `[`. A piece, if most of it is left out, and where the next look begins.
pub(super) fn read(text: &str, bytes: &[u8], start: usize) -> (Option<Piece>, usize) {
    let mut list = List::default();
    let mut at = start + 1;
    loop {
        at = blanks(bytes, at);
        let end = number(bytes, at);
        if end == at {
            return (None, at.max(start + 1));
        }
        list.push(text.get(at..end).unwrap_or_default(), at, end);
        at = blanks(bytes, end);
        match bytes.get(at) {
            Some(b',') => at += 1,
            Some(b']') => return (list.piece(text, start, at + 1), at + 1),
            _ => return (None, at),
        }
    }
}

fn blanks(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count()
}

fn number(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    if !rest
        .first()
        .is_some_and(|byte| byte.is_ascii_digit() || *byte == b'-')
    {
        return at;
    }
    let is = |byte: &&u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
    at + rest.iter().take_while(is).count()
}

#[derive(Default)]
struct List {
    count: usize,
    fractions: usize,
    bytes: usize,
    /// Where the kept numbers before end.
    first_end: usize,
    /// Where the last numbers begin.
    last: [usize; LAST],
}

impl List {
    fn push(&mut self, number: &str, start: usize, end: usize) {
        self.count += 1;
        let decimals = number.split_once('.').map_or(0, |(_, after)| after.len());
        self.fractions += usize::from(decimals >= DECIMALS || number.contains("e-"));
        self.bytes += usize::from(number.parse::<u8>().is_ok());
        if self.count == FIRST {
            self.first_end = end;
        }
        self.last.rotate_left(1);
        if let Some(slot) = self.last.last_mut() {
            *slot = start;
        }
    }

    fn piece(&self, text: &str, start: usize, end: usize) -> Option<Piece> {
        // An embedding may hold a few short fractions; a file holds bytes alone.
        let fractions = self.count >= FRACTIONS_MIN && self.fractions * 10 >= self.count * 8;
        let bytes = self.count >= BYTES_MIN && self.bytes == self.count;
        let what = match (fractions, bytes) {
            (true, _) => "fractions",
            (_, true) => "whole numbers under 256",
            _ => return None,
        };
        let whole = text.get(start..end)?;
        let last = *self.last.first()?;
        let count = self.count - FIRST - LAST;
        let len = last - self.first_end;
        let note = format!(
            ", \"…[left out: {count} {what}, {len} bytes, blake3 {}]…\", ",
            digest(whole)
        );
        Some(Piece {
            start: self.first_end,
            end: last,
            note,
        })
    }
}
