//! What a terminal would show: without colours, titles and links, and without what was overwritten.
//!
//! The text is each line as it looks when the program is done: colours (SGR), operating-system commands (OSC: titles,
//! links), showing and hiding the cursor are taken out; what `\r`, backspace and "erase in line" overwrote is gone;
//! blanks at the end of a line so changed are gone. A line with any other control sequence (moves over lines) stays as
//! it is. No line is taken out or added.
//!
//! The residue holds, for each changed line, three numbers (little-endian base-128, as in protobuf) and the line's bytes
//! as they were: how many lines were passed since the last changed one; how many bytes of the shown line's beginning,
//! and of its end, are also the beginning and the end of the line as it was; how many bytes follow. At most
//! [`RESIDUE_MAX`] bytes in all; a text that needs more stays as it is.

use crate::form::Form;

/// Bytes of the largest residue.
const RESIDUE_MAX: usize = 64 << 10;
/// Columns of the widest line that is followed.
const COLUMNS_MAX: usize = 4096;
/// Cells that a line of so many bytes may erase, for each byte: enough for a bar redrawn at every step.
const ERASED_SHARE: usize = 64;
/// Bytes of the longest control sequence.
const SEQUENCE_MAX: usize = 2048;
const ESCAPE: char = '\u{1b}';

pub(crate) fn encode(text: &str) -> Option<Form> {
    let bytes = text.as_bytes();
    let overwritten =
        |at: usize| bytes[at] == b'\r' && bytes.get(at + 1).is_none_or(|b| *b != b'\n');
    if !(0..bytes.len()).any(|at| matches!(bytes[at], 0x1b | 0x08) || overwritten(at)) {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut residue = Vec::new();
    let mut passed = 0;
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            out.push('\n');
        }
        let (words, end) = match line.strip_suffix('\r') {
            Some(words) => (words, "\r"),
            None => (line, ""),
        };
        match shown(words) {
            Some(seen) if seen != words => {
                remember(words, &seen, passed, &mut residue);
                out.push_str(&seen);
                passed = 0;
            }
            _ => {
                out.push_str(words);
                passed += 1;
            }
        }
        out.push_str(end);
        if residue.len() > RESIDUE_MAX {
            return None;
        }
    }
    (!residue.is_empty()).then_some(Form { text: out, residue })
}

/// What stands in a line at the end; `None`: something in it is not understood.
fn shown(line: &str) -> Option<String> {
    if line.len() > RESIDUE_MAX || !line.contains([ESCAPE, '\r', '\u{8}']) {
        return None;
    }
    let mut screen = Screen {
        erasable: line.len() * ERASED_SHARE,
        ..Screen::default()
    };
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let len = match first {
            ESCAPE => screen.sequence(rest)?,
            '\r' => {
                screen.column = 0;
                1
            }
            '\u{8}' => {
                screen.column = screen.column.saturating_sub(1);
                1
            }
            '\t' if screen.overwrites() => return None,
            _ => {
                screen.put(first)?;
                first.len_utf8()
            }
        };
        rest = &rest[len..];
    }
    let mut seen: String = screen.cells.into_iter().collect();
    seen.truncate(seen.trim_end_matches(' ').len());
    Some(seen)
}

/// Letters of one column among those that progress bars are made of.
fn narrow(letter: char) -> bool {
    matches!(letter, '\u{a0}'..='\u{2ff}' | '\u{2010}'..='\u{2027}' | '\u{2190}'..='\u{21ff}' | '\u{2500}'..='\u{25ff}' | '\u{2800}'..='\u{28ff}' | '✓' | '✔' | '✗' | '✖')
}

#[derive(Default)]
struct Screen {
    cells: Vec<char>,
    column: usize,
    /// Cells that may yet be erased.
    erasable: usize,
    /// A letter of unknown width stands somewhere: what is written over the line cannot be told.
    wide: bool,
}

impl Screen {
    fn overwrites(&self) -> bool {
        self.column < self.cells.len()
    }

    fn put(&mut self, letter: char) -> Option<()> {
        self.wide |= !letter.is_ascii() && !narrow(letter);
        if self.column >= COLUMNS_MAX || self.wide && self.overwrites() {
            return None;
        }
        if self.column < self.cells.len() {
            self.cells[self.column] = letter;
        } else {
            self.cells.push(letter);
        }
        self.column += 1;
        Some(())
    }

    /// Does what a control sequence says; its length.
    fn sequence(&mut self, rest: &str) -> Option<usize> {
        let bytes = &rest.as_bytes()[..rest.len().min(SEQUENCE_MAX)];
        match bytes.get(1)? {
            b'[' => {
                let len = bytes[2..].iter().position(|b| (0x40..=0x7e).contains(b))? + 3;
                let said = rest.get(2..len - 1)?;
                match bytes[len - 1] {
                    b'm' => {}
                    b'K' => self.erase(said)?,
                    b'h' | b'l' if said.starts_with('?') => {}
                    b'G' if matches!(said, "" | "0" | "1") => self.column = 0,
                    _ => return None,
                }
                Some(len)
            }
            b']' => {
                let end = bytes.iter().position(|b| *b == 0x07);
                let string = bytes.windows(2).position(|pair| pair == b"\x1b\\");
                let string = string.map(|at| at + 1);
                Some(
                    match (end, string) {
                        (Some(end), Some(string)) => end.min(string),
                        (Some(end), None) | (None, Some(end)) => end,
                        (None, None) => return None,
                    } + 1,
                )
            }
            b'(' if bytes.get(2) == Some(&b'B') => Some(3),
            _ => None,
        }
    }

    fn erase(&mut self, said: &str) -> Option<()> {
        self.erasable = self.erasable.checked_sub(self.cells.len())?;
        match said {
            "" | "0" => self.cells.truncate(self.column),
            "1" => {
                let to = (self.column + 1).min(self.cells.len());
                self.cells[..to].fill(' ');
            }
            "2" => {
                self.cells.clear();
                // The cursor stays where it is: what is written next stands behind blanks.
                self.cells.resize(self.column, ' ');
            }
            _ => return None,
        }
        Some(())
    }
}

/// Notes how the line was.
fn remember(was: &str, seen: &str, passed: usize, residue: &mut Vec<u8>) {
    let (a, b) = (was.as_bytes(), seen.as_bytes());
    let before = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let most = a.len().min(b.len()) - before;
    let after = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take(most)
        .take_while(|(a, b)| a == b)
        .count();
    let middle = &a[before..a.len() - after];
    for number in [passed, before, after, middle.len()] {
        push_number(number, residue);
    }
    residue.extend_from_slice(middle);
}

fn push_number(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn number(rest: &mut &[u8]) -> Option<usize> {
    let mut number = 0;
    for shift in (0..35).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        number |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

pub(crate) fn decode(text: &str, residue: &[u8]) -> Option<String> {
    let mut out: Vec<u8> = Vec::with_capacity(text.len() + residue.len());
    let mut rest = residue;
    let mut wait = match rest {
        [] => None,
        _ => Some(number(&mut rest)?),
    };
    for (place, line) in text.split('\n').enumerate() {
        if place > 0 {
            out.push(b'\n');
        }
        let (words, end) = match line.strip_suffix('\r') {
            Some(words) => (words, "\r"),
            None => (line, ""),
        };
        match wait {
            Some(0) => {
                let (before, after) = (number(&mut rest)?, number(&mut rest)?);
                let len = number(&mut rest)?;
                let words = words.as_bytes();
                out.extend_from_slice(words.get(..before)?);
                out.extend_from_slice(rest.get(..len)?);
                out.extend_from_slice(words.get(words.len().checked_sub(after)?..)?);
                rest = &rest[len..];
                wait = match rest {
                    [] => None,
                    _ => Some(number(&mut rest)?),
                };
            }
            left => {
                out.extend_from_slice(words.as_bytes());
                wait = left.map(|lines| lines - 1);
            }
        }
        out.extend_from_slice(end.as_bytes());
    }
    match wait {
        None => String::from_utf8(out).ok(),
        Some(_) => None,
    }
}
