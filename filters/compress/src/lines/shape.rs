//! Which lines of a text are alike.
//!
//! Two lines are alike when they have the same words in the same places between the same marks, whatever stands for
//! numbers and paths. Shapes that then differ by one word in one place, at least [`MERGE_MIN`] of them, are one shape
//! with that place free. Linear in the text: every line is hashed place by place, and a place is freed by arithmetic on
//! the hash.

use crate::lines::alarm;
use crate::lines::lex::{self, Atom, Kind};
use std::collections::HashMap;

/// Shapes that differ in one word only become one from this many on.
const MERGE_MIN: u32 = 4;
/// Times that places are freed, one each time.
const ROUNDS: usize = 4;
/// What a line without a shape says.
pub(crate) const NONE: u32 = u32::MAX;

/// A line of a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    /// Where it begins.
    pub start: u32,
    /// Where it ends, before its line end.
    pub end: u32,
    /// Its first atom.
    pub atoms: u32,
    /// How many it has.
    pub count: u16,
    /// Its shape; [`NONE`]: it is like no other.
    pub shape: u32,
    /// Its shape before places were freed.
    pub fine: u32,
}

/// What some lines have in common.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// The first line of it.
    pub first: u32,
    /// Lines of it.
    pub lines: u32,
    /// Places of words that were freed.
    pub freed: Vec<u16>,
    hash: u64,
}

/// A text by its lines and their shapes.
pub(crate) struct Shapes<'a> {
    pub text: &'a str,
    pub lines: Vec<Line>,
    pub atoms: Vec<Atom>,
    pub shapes: Vec<Shape>,
}

impl<'a> Shapes<'a> {
    /// Looks at every line of a text; `ends` says where the lines begin and end.
    pub fn of(text: &'a str, spans: impl Iterator<Item = (usize, usize)>) -> Shapes<'a> {
        let mut all = Shapes {
            text,
            lines: Vec::new(),
            atoms: Vec::new(),
            shapes: Vec::new(),
        };
        let mut known: HashMap<u64, u32> = HashMap::new();
        for (start, end) in spans {
            all.add(start, end, &mut known);
        }
        all.merge();
        all
    }

    fn add(&mut self, start: usize, end: usize, known: &mut HashMap<u64, u32>) {
        let first = self.atoms.len();
        let looked = end > start && lex::line(self.text, start, end, &mut self.atoms);
        let number = self.lines.len() as u32;
        let mut line = Line {
            start: start as u32,
            end: end as u32,
            atoms: first as u32,
            count: (self.atoms.len() - first) as u16,
            shape: NONE,
            fine: NONE,
        };
        if looked {
            let hash = self.hash(&line);
            let shape = *known.entry(hash).or_insert(self.shapes.len() as u32);
            if shape as usize == self.shapes.len() {
                self.shapes.push(Shape {
                    first: number,
                    lines: 0,
                    freed: Vec::new(),
                    hash,
                });
            }
            let representative = self.shapes[shape as usize].first;
            if representative == number || self.alike(&line, representative, &[]) {
                self.shapes[shape as usize].lines += 1;
                line.shape = shape;
                line.fine = shape;
            }
        }
        self.lines.push(line);
    }

    /// The atoms of a line.
    pub fn atoms(&self, line: &Line) -> &[Atom] {
        let start = line.atoms as usize;
        &self.atoms[start..start + line.count as usize]
    }

    /// The words of a line.
    pub fn line(&self, number: usize) -> &'a str {
        let line = &self.lines[number];
        self.text
            .get(line.start as usize..line.end as usize)
            .unwrap_or_default()
    }

    fn hash(&self, line: &Line) -> u64 {
        let atoms = self.atoms(line);
        atoms
            .iter()
            .enumerate()
            .fold(atoms.len() as u64, |sum, (place, atom)| {
                let code = match (place, atom.kind) {
                    // How far a line is indented tells what it is.
                    (0, Kind::Space) => INDENTED + u64::from(atom.len),
                    _ => self.code(atom),
                };
                sum.wrapping_add(mix(code, place))
            })
    }

    fn code(&self, atom: &Atom) -> u64 {
        match atom.kind {
            Kind::Varied => VARIED,
            Kind::Space => 2,
            Kind::Mark => {
                3 + u64::from(atom.of(self.text).as_bytes().first().copied().unwrap_or(0))
            }
            Kind::Word => hash(atom.of(self.text).as_bytes()),
        }
    }

    /// Which lines say that something went wrong. The words of a shape are looked at once.
    pub fn alarms(&self) -> Vec<bool> {
        let word = |atom: &Atom| alarm::says(atom.of(self.text));
        let shapes: Vec<bool> = self
            .shapes
            .iter()
            .map(|shape| {
                let first = &self.lines[shape.first as usize];
                let mut words = self.atoms(first).iter().filter(|a| a.kind == Kind::Word);
                words.any(word)
            })
            .collect();
        let alarm = |(number, line): (usize, &Line)| match line.fine {
            NONE => alarm::says(self.line(number)),
            fine => {
                let mut values = self.atoms(line).iter().filter(|a| a.kind == Kind::Varied);
                shapes[fine as usize] || values.any(word)
            }
        };
        self.lines.iter().enumerate().map(alarm).collect()
    }

    /// Whether a line really is what its hash says: the shape of another line.
    fn alike(&self, line: &Line, other: u32, freed: &[u16]) -> bool {
        let (ours, theirs) = (self.atoms(line), self.atoms(&self.lines[other as usize]));
        ours.len() == theirs.len()
            && ours.iter().zip(theirs).enumerate().all(|(place, (a, b))| {
                let free = freed.contains(&(place as u16));
                match (a.kind, b.kind) {
                    (Kind::Word | Kind::Varied, Kind::Word | Kind::Varied) if free => true,
                    (Kind::Word, Kind::Word) | (Kind::Mark, Kind::Mark) => {
                        a.of(self.text) == b.of(self.text)
                    }
                    (Kind::Space, Kind::Space) if place == 0 => a.len == b.len,
                    (a, b) => a == b,
                }
            })
    }

    /// Frees places.
    fn merge(&mut self) {
        let mut root: Vec<u32> = (0..self.shapes.len() as u32).collect();
        let mut live: Vec<u32> = root.clone();
        for _ in 0..ROUNDS {
            let before = live.len();
            live = self.merge_once(&live, &mut root);
            if live.len() == before {
                break;
            }
        }
        for number in 0..self.lines.len() {
            let line = self.lines[number];
            if line.shape == NONE {
                continue;
            }
            let mut to = line.shape;
            while root[to as usize] != to {
                to = root[to as usize];
            }
            if to == line.shape {
                continue;
            }
            let target = &self.shapes[to as usize];
            let (first, freed) = (target.first, target.freed.clone());
            let agrees = self.alike(&line, first, &freed);
            self.shapes[line.shape as usize].lines -= 1;
            self.lines[number].shape = match agrees {
                true => to,
                false => NONE,
            };
            if agrees {
                self.shapes[to as usize].lines += 1;
            }
        }
    }

    /// Frees one place in every shape that has enough siblings there; says which shapes are left.
    fn merge_once(&mut self, live: &[u32], root: &mut [u32]) -> Vec<u32> {
        let mut siblings: HashMap<u64, u32> = HashMap::new();
        for &shape in live {
            siblings
                .entry(self.shapes[shape as usize].hash)
                .or_insert(1);
        }
        for &shape in live {
            self.each_freed(shape, |_, hash| {
                *siblings.entry(hash).or_insert(0) += 1;
            });
        }
        let mut merged: HashMap<u64, u32> = HashMap::new();
        for &shape in live {
            merged
                .entry(self.shapes[shape as usize].hash)
                .or_insert(shape);
        }
        let mut left = Vec::new();
        for &shape in live {
            let mut best: Option<(u32, u16, u64)> = None;
            self.each_freed(shape, |place, hash| {
                let count = siblings.get(&hash).copied().unwrap_or(0);
                if count >= MERGE_MIN && best.is_none_or(|(most, _, _)| count > most) {
                    best = Some((count, place, hash));
                }
            });
            match best {
                None => left.push(shape),
                Some((_, place, hash)) => {
                    self.free(shape, place, hash, &mut merged, root, &mut left)
                }
            }
        }
        left.retain(|shape| root[*shape as usize] == *shape);
        left
    }

    fn free(
        &mut self,
        shape: u32,
        place: u16,
        hash: u64,
        merged: &mut HashMap<u64, u32>,
        root: &mut [u32],
        left: &mut Vec<u32>,
    ) {
        match merged.get(&hash) {
            Some(&into)
                if into != shape
                    && root[into as usize] == into
                    && self.shapes[into as usize].hash == hash =>
            {
                let more = self.shapes[shape as usize].freed.clone();
                let freed = &mut self.shapes[into as usize].freed;
                freed.extend(more);
                freed.push(place);
                freed.sort_unstable();
                freed.dedup();
                root[shape as usize] = into;
            }
            _ => {
                merged.insert(hash, shape);
                let own = &mut self.shapes[shape as usize];
                own.hash = hash;
                own.freed.push(place);
                own.freed.sort_unstable();
                left.push(shape);
            }
        }
    }

    /// For each word of a shape, where it is and what the hash would be without it.
    fn each_freed(&self, shape: u32, mut seen: impl FnMut(u16, u64)) {
        let shape = &self.shapes[shape as usize];
        let line = &self.lines[shape.first as usize];
        for (place, atom) in self.atoms(line).iter().enumerate() {
            let place16 = place as u16;
            if atom.kind != Kind::Word || shape.freed.contains(&place16) {
                continue;
            }
            let word = atom.of(self.text);
            // The words that say how bad it is, or how it went, are never free.
            if alarm::says(word) || alarm::verdict(word) {
                continue;
            }
            let hash = shape
                .hash
                .wrapping_sub(mix(self.code(atom), place))
                .wrapping_add(mix(VARIED, place));
            seen(place16, hash);
        }
    }
}

const VARIED: u64 = 1;
const INDENTED: u64 = 1 << 20;

fn mix(code: u64, place: usize) -> u64 {
    let x = (code ^ (place as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .wrapping_mul(0xff51_afd7_ed55_8ccd);
    (x ^ (x >> 32)).wrapping_mul(0xc4ce_b9fe_1a85_ec53)
}

fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum: u64, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
