//! A template: words that alike lines share, with holes. Written in the legend, read back from it.

use std::collections::HashMap;

/// Digits of the widest column, and of the number of the last hole that is repeated.
const WIDTH_DIGITS: usize = 3;

/// Bytes of the longest hole, as it is written.
const HOLE_MAX: usize = 8;

/// How a hole is padded with blanks, at least one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pad {
    /// Not at all.
    None,
    /// Blanks follow the value, up to so many characters in all: `<*14>`.
    After(usize),
    /// Blanks stand before the value, up to so many characters in all: `<14*>`.
    Before(usize),
}

/// A part of a template.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Piece {
    /// Words that stand in every line.
    Text(String),
    /// A value of the row: `<*>`.
    Hole(Pad),
    /// Blanks up to so many characters from the beginning of the line, at least one: `<@60>`.
    Column(usize),
    /// The value of an earlier hole of the same row, counted from 1: `<=1>`.
    Again(usize),
}

/// Words with holes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Template {
    pub pieces: Vec<Piece>,
    /// For each hole, where its last value is remembered.
    pub slots: Vec<usize>,
}

/// As it stands in the legend.
pub(super) fn write(pieces: &[Piece]) -> String {
    let mut out = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Hole(Pad::None) => out.push_str("<*>"),
            Piece::Hole(Pad::After(width)) => out.push_str(&format!("<*{width}>")),
            Piece::Hole(Pad::Before(width)) => out.push_str(&format!("<{width}*>")),
            Piece::Column(column) => out.push_str(&format!("<@{column}>")),
            Piece::Again(hole) => out.push_str(&format!("<={hole}>")),
        }
    }
    out
}

/// Where the last values are remembered: holes behind the same beginning, in whatever template, share a place.
#[derive(Default)]
pub(super) struct Slots {
    known: HashMap<String, usize>,
}

impl Slots {
    /// Places so far.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Reads a template; what is no hole is words.
    pub fn read(&mut self, written: &str) -> Template {
        let mut pieces = Vec::new();
        let mut slots = Vec::new();
        let mut from = 0;
        let mut at = 0;
        while let Some(found) = written[at..].find('<') {
            at += found;
            let Some((piece, len)) = hole(&written[at..]) else {
                at += 1;
                continue;
            };
            if from < at {
                pieces.push(Piece::Text(written[from..at].to_owned()));
            }
            if matches!(piece, Piece::Hole(_)) {
                let next = self.known.len();
                slots.push(*self.known.entry(written[..at].to_owned()).or_insert(next));
            }
            pieces.push(piece);
            at += len;
            from = at;
        }
        if from < written.len() {
            pieces.push(Piece::Text(written[from..].to_owned()));
        }
        Template { pieces, slots }
    }
}

/// The hole at the beginning of `rest`, and its length.
fn hole(rest: &str) -> Option<(Piece, usize)> {
    let mut window = rest.bytes().take(HOLE_MAX);
    let end = window.position(|b| b == b'>')?;
    let inside = rest.get(1..end)?;
    let number = |digits: &str| {
        let plain = !digits.is_empty()
            && digits.len() <= WIDTH_DIGITS
            && !digits.starts_with('0')
            && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| digits.parse::<usize>().ok()).flatten()
    };
    let piece = match inside {
        "*" => Piece::Hole(Pad::None),
        _ => match (inside.as_bytes().first()?, inside.strip_suffix('*')) {
            (b'*', _) => Piece::Hole(Pad::After(number(&inside[1..])?)),
            (b'@', _) => Piece::Column(number(&inside[1..])?),
            (b'=', _) => Piece::Again(number(&inside[1..])?),
            (_, width) => Piece::Hole(Pad::Before(number(width?)?)),
        },
    };
    Some((piece, inside.len() + 2))
}

/// The line that the last values of the template's places make, appended; false where it cannot be.
pub(super) fn fill(template: &Template, above: &[String], out: &mut String) -> bool {
    let value = |hole: usize| {
        let slot = template.slots.get(hole)?;
        above.get(*slot).map(String::as_str)
    };
    let mut hole = 0;
    let begun = out.len();
    for piece in &template.pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Column(column) => {
                let so_far = out[begun..].chars().count();
                blanks(column.saturating_sub(so_far), out);
            }
            Piece::Again(earlier) => match value(earlier.wrapping_sub(1)) {
                Some(value) if out.len() <= crate::BLOCK_MAX => out.push_str(value),
                _ => return false,
            },
            Piece::Hole(pad) => {
                let Some(value) = value(hole) else {
                    return false;
                };
                hole += 1;
                pad.write(value, out);
            }
        }
    }
    true
}

impl Pad {
    fn write(self, value: &str, out: &mut String) {
        let (before, after): (Option<usize>, Option<usize>) = match self {
            Pad::None => (None, None),
            Pad::After(width) => (None, Some(width)),
            Pad::Before(width) => (Some(width), None),
        };
        let width = value.chars().count();
        if let Some(before) = before {
            blanks(before.saturating_sub(width), out);
        }
        out.push_str(value);
        if let Some(after) = after {
            blanks(after.saturating_sub(width), out);
        }
    }
}

/// So many blanks, at least one.
fn blanks(count: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', count.max(1)));
}
