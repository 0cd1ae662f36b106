//! A template: words that alike lines share, with holes. Written in the legend, read back from it.

use std::collections::HashMap;

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
    let inside = &rest[1..rest.len().min(12)];
    let inside = &inside[..inside.find('>')?];
    let number = |digits: &str| {
        let plain = !digits.is_empty()
            && !digits.starts_with('0')
            && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| digits.parse::<usize>().ok()).flatten()
    };
    let piece = match inside {
        "*" => Piece::Hole(Pad::None),
        _ => match (
            inside.strip_prefix('*'),
            inside.strip_suffix('*'),
            inside.strip_prefix('='),
        ) {
            (Some(width), _, _) => Piece::Hole(Pad::After(number(width)?)),
            (_, Some(width), _) => Piece::Hole(Pad::Before(number(width)?)),
            (_, _, Some(earlier)) => Piece::Again(number(earlier)?),
            _ => return None,
        },
    };
    Some((piece, inside.len() + 2))
}

/// The line that the values make, appended; false where a value is wanting.
pub(super) fn fill(template: &Template, values: &[&str], out: &mut String) -> bool {
    let mut next = values.iter();
    for piece in &template.pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Again(hole) => match values.get(hole.wrapping_sub(1)) {
                Some(value) if out.len() <= crate::BLOCK_MAX => out.push_str(value),
                _ => return false,
            },
            Piece::Hole(pad) => {
                let Some(value) = next.next() else {
                    return false;
                };
                let blanks = |width: usize| width.saturating_sub(value.chars().count()).max(1);
                match *pad {
                    Pad::None => out.push_str(value),
                    Pad::After(width) => {
                        out.push_str(value);
                        out.extend(std::iter::repeat_n(' ', blanks(width)));
                    }
                    Pad::Before(width) => {
                        out.extend(std::iter::repeat_n(' ', blanks(width)));
                        out.push_str(value);
                    }
                }
            }
        }
    }
    next.next().is_none()
}
