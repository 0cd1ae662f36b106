//! From alike lines to their template: what is the same in all of them is words, the rest holes.

use super::template::{Pad, Piece};
use crate::lines::lex::{Atom, Kind};
use crate::lines::shape::Shapes;

/// Where the value of a hole stands in a line: which atom, without how many bytes at its ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Source {
    place: usize,
    before: usize,
    after: usize,
}

impl Source {
    /// The value in one line.
    pub fn of<'a>(&self, shapes: &Shapes<'a>, line: u32) -> &'a str {
        let line = &shapes.lines[line as usize];
        let word = shapes.atoms(line)[self.place].of(shapes.text);
        word.get(self.before..word.len() - self.after)
            .unwrap_or(word)
    }
}

/// What alike lines have in common.
pub(super) struct Common {
    pub pieces: Vec<Piece>,
    pub holes: Vec<Source>,
}

/// Widest column that is padded.
const WIDTH_MAX: usize = 200;
/// Holes of a template at most that are looked at for repetition of an earlier one.
const AGAIN_MAX: usize = 24;

/// The template of `lines`, which all have one shape.
pub(super) fn common(shapes: &Shapes<'_>, lines: &[u32]) -> Common {
    let places = Places { shapes, lines };
    let first = places.atoms(lines[0]);
    let varies = places.varies();
    let mut pads = vec![Pad::None; first.len()];
    let mut spent = vec![false; first.len()];
    let mut columns = vec![0; first.len()];
    for place in 0..first.len() {
        if varies[place] && first[place].kind == Kind::Space {
            places.align(place, &varies, &mut pads, &mut spent);
            if !spent[place] {
                columns[place] = places.column(place).unwrap_or(0);
            }
        }
    }
    let mut all = Common {
        pieces: Vec::new(),
        holes: Vec::new(),
    };
    let mut words = String::new();
    let push = |words: &mut String, pieces: &mut Vec<Piece>| {
        if !words.is_empty() {
            pieces.push(Piece::Text(std::mem::take(words)));
        }
    };
    for (place, atom) in first.iter().enumerate() {
        let text = atom.of(shapes.text);
        match (varies[place], spent[place]) {
            (false, _) => words.push_str(text),
            (true, true) => {}
            (true, false) if columns[place] > 0 => {
                push(&mut words, &mut all.pieces);
                all.pieces.push(Piece::Column(columns[place]));
            }
            (true, false) => {
                let source = places.trim(place, pads[place]);
                words.push_str(&text[..source.before]);
                push(&mut words, &mut all.pieces);
                words.push_str(&text[text.len() - source.after..]);
                places.hole(source, pads[place], &mut all);
            }
        }
    }
    push(&mut words, &mut all.pieces);
    all
}

struct Places<'a, 'b> {
    shapes: &'a Shapes<'b>,
    lines: &'a [u32],
}

impl<'b> Places<'_, 'b> {
    fn atoms(&self, line: u32) -> &[Atom] {
        self.shapes.atoms(&self.shapes.lines[line as usize])
    }

    fn at(&self, line: u32, place: usize) -> &'b str {
        self.atoms(line)[place].of(self.shapes.text)
    }

    /// Which places are not the same in all lines.
    fn varies(&self) -> Vec<bool> {
        let first = self.atoms(self.lines[0]);
        let mut varies = vec![false; first.len()];
        for &line in &self.lines[1..] {
            for ((place, ours), theirs) in self.atoms(line).iter().enumerate().zip(first) {
                if !varies[place] && ours.of(self.shapes.text) != theirs.of(self.shapes.text) {
                    varies[place] = true;
                }
            }
        }
        varies
    }

    /// Blanks of varying number, explained as the padding of the value before or after them.
    fn align(&self, place: usize, varies: &[bool], pads: &mut [Pad], spent: &mut [bool]) {
        let free = |beside: usize| {
            varies.get(beside).copied().unwrap_or(false)
                && pads[beside] == Pad::None
                && self.atoms(self.lines[0])[beside].kind != Kind::Space
        };
        if place > 0
            && free(place - 1)
            && let Some(width) = self.width(place, place - 1)
        {
            pads[place - 1] = Pad::After(width);
            spent[place] = true;
        } else if free(place + 1)
            && let Some(width) = self.width(place, place + 1)
        {
            pads[place + 1] = Pad::Before(width);
            spent[place] = true;
        }
    }

    /// The column up to which the blanks at `place` go, in every line.
    fn column(&self, place: usize) -> Option<usize> {
        let of = |line: u32| {
            let start = self.shapes.lines[line as usize].start as usize;
            let blanks = self.atoms(line)[place];
            let before = self.shapes.text.get(start..blanks.start as usize);
            (before.map_or(0, |b| b.chars().count()), blanks.len as usize)
        };
        let pairs = || self.lines.iter().map(|line| of(*line));
        let column = pairs()
            .filter(|(_, blanks)| *blanks > 1)
            .map(|(before, blanks)| before + blanks)
            .max()?;
        let fits = column <= WIDTH_MAX
            && pairs().all(|(before, blanks)| blanks == column.saturating_sub(before).max(1));
        fits.then_some(column)
    }

    /// The width to which the value at `beside` is padded by the blanks at `place`, in every line.
    fn width(&self, place: usize, beside: usize) -> Option<usize> {
        let of = |line: u32| {
            let value = self.at(line, beside).chars().count();
            (value, self.at(line, place).len())
        };
        let pairs = || self.lines.iter().map(|line| of(*line));
        let width = pairs()
            .filter(|(_, blanks)| *blanks > 1)
            .map(|(value, blanks)| value + blanks)
            .max()?;
        let fits = width <= WIDTH_MAX
            && pairs().all(|(value, blanks)| blanks == width.saturating_sub(value).max(1));
        fits.then_some(width)
    }

    /// What all values of a place begin and end with is words, as far as it holds no digit and is no part of a word.
    fn trim(&self, place: usize, pad: Pad) -> Source {
        let whole = Source {
            place,
            before: 0,
            after: 0,
        };
        let first = self.at(self.lines[0], place).as_bytes();
        if self.atoms(self.lines[0])[place].kind == Kind::Space || first.contains(&b' ') {
            return whole;
        }
        let (mut before, mut after) = (first.len(), first.len());
        let mut shortest = first.len();
        for &line in self.lines {
            let value = self.at(line, place).as_bytes();
            shortest = shortest.min(value.len());
            before = same(first.iter(), value.iter(), before);
            after = same(first.iter().rev(), value.iter().rev(), after);
            if before == 0 && after == 0 {
                return whole;
            }
        }
        let before = match pad {
            Pad::Before(_) => 0,
            _ => edge(first, before.min(shortest.saturating_sub(1)), |at| at),
        };
        let after = match pad {
            Pad::After(_) => 0,
            _ => {
                let most = after.min(shortest.saturating_sub(before + 1));
                edge(first, most, |at| first.len() - 1 - at)
            }
        };
        Source {
            place,
            before,
            after,
        }
    }

    /// Adds a hole, or the repetition of an earlier one.
    fn hole(&self, source: Source, pad: Pad, all: &mut Common) {
        let pad = match pad {
            Pad::None => Pad::None,
            Pad::After(width) => {
                Pad::After(width.saturating_sub(self.chars(source.place, 0..source.before)))
            }
            Pad::Before(width) => {
                let len = self.at(self.lines[0], source.place).len();
                Pad::Before(width.saturating_sub(self.chars(source.place, len - source.after..len)))
            }
        };
        let same = |other: &Source| {
            self.lines
                .iter()
                .all(|line| other.of(self.shapes, *line) == source.of(self.shapes, *line))
        };
        let earlier = match pad {
            Pad::None => all.holes.iter().take(AGAIN_MAX).position(same),
            _ => None,
        };
        match earlier {
            Some(hole) => all.pieces.push(Piece::Again(hole + 1)),
            None => {
                all.pieces.push(Piece::Hole(pad));
                all.holes.push(source);
            }
        }
    }

    fn chars(&self, place: usize, part: std::ops::Range<usize>) -> usize {
        let word = self.at(self.lines[0], place);
        word.get(part).map_or(0, |part| part.chars().count())
    }
}

/// How many bytes two words share, at most `most`.
fn same<'a>(
    ours: impl Iterator<Item = &'a u8>,
    theirs: impl Iterator<Item = &'a u8>,
    most: usize,
) -> usize {
    ours.zip(theirs)
        .take(most)
        .take_while(|(a, b)| a == b)
        .count()
}

/// The longest stretch of at most `most` bytes that holds no digit and ends between words; `at` maps a distance from
/// the end that is looked at to a place in the word.
fn edge(word: &[u8], most: usize, at: impl Fn(usize) -> usize) -> usize {
    let plain = (0..most)
        .take_while(|step| {
            let byte = word[at(*step)];
            byte.is_ascii() && !byte.is_ascii_digit()
        })
        .count();
    (1..=plain)
        .rev()
        .find(|len| {
            let (last, next) = (word[at(len - 1)], word[at(*len)]);
            match last {
                b'-' | b'+' => *len > 1 && word[at(len - 2)].is_ascii_alphanumeric(),
                b'a'..=b'z' | b'A'..=b'Z' => next.is_ascii_digit(),
                _ => true,
            }
        })
        .unwrap_or(0)
}
