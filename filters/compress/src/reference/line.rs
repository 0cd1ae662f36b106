//! Lines, with and without the number that stands before some of them.

use std::hash::{DefaultHasher, Hasher};

/// Lines of a window, at least, unless one is long.
const WINDOW_LINES: usize = 3;
/// Lines of a window, at most.
const WINDOW_MAX: usize = 8;
/// Bytes of a window, at least.
const WINDOW_BYTES: u32 = 32;
/// Bytes at which a window may be fewer lines.
const WINDOW_LONG: u32 = 160;
/// Digits of a line's number, at most.
const DIGITS_MAX: usize = 7;

/// One line, without its end. It may begin with its number, as editors and `cat -n` show it.
#[derive(Clone, Copy)]
pub(super) struct Line {
    pub start: u32,
    pub end: u32,
    /// Blanks before the number, and its digits; no digits: no number.
    pub blanks: u8,
    pub digits: u8,
    pub number: u32,
    /// Of what follows the number.
    pub hash: u64,
}

impl Line {
    fn read(text: &str, start: usize) -> Line {
        let (blanks, digits, number) = number(text.as_bytes());
        let mut hasher = DefaultHasher::new();
        hasher.write(&text.as_bytes()[usize::from(blanks + digits)..]);
        Line {
            start: start as u32,
            end: (start + text.len()) as u32,
            blanks,
            digits,
            number,
            hash: hasher.finish(),
        }
    }

    pub fn is_numbered(&self) -> bool {
        self.digits > 0
    }

    /// What the line says after its number, of the text it was cut from.
    pub fn rest<'t>(&self, text: &'t str) -> &'t str {
        let at = self.start as usize + usize::from(self.blanks + self.digits);
        &text[at..self.end as usize]
    }

    pub fn whole<'t>(&self, text: &'t str) -> &'t str {
        &text[self.start as usize..self.end as usize]
    }

    /// How its number is written when `by` is added to it: blanks and digits. Numbers that are set flush right stay so.
    pub fn renumbered(&self, by: i64) -> Option<String> {
        let number = i64::from(self.number).checked_add(by).filter(|n| *n >= 0)?;
        let width = match self.blanks {
            0 => 0,
            _ => usize::from(self.blanks + self.digits),
        };
        Some(format!("{number:>width$}"))
    }
}

/// The blanks and the digits that a line begins with, and their value, if what follows them ends a line's number.
fn number(line: &[u8]) -> (u8, u8, u32) {
    let blanks = line.iter().take_while(|b| **b == b' ').count();
    if blanks > 12 {
        return (0, 0, 0);
    }
    let after = &line[blanks..];
    let digits = after.iter().take_while(|b| b.is_ascii_digit()).count();
    let zero = digits > 1 && after[0] == b'0';
    if digits == 0 || digits > DIGITS_MAX || zero {
        return (0, 0, 0);
    }
    let ends = match after.get(digits) {
        None => blanks > 0,
        Some(b':' | b'\t' | b'|') => true,
        Some(b' ') => after.get(digits + 1) == Some(&b'|'),
        // →
        Some(0xe2) => after[digits..].starts_with("→".as_bytes()),
        Some(_) => false,
    };
    if !ends {
        return (0, 0, 0);
    }
    let value = |sum: u32, b: &u8| sum * 10 + u32::from(b - b'0');
    let number = after[..digits].iter().fold(0, value);
    (blanks as u8, digits as u8, number)
}

/// Cuts a text that stands at `base` at its line ends. A text that ends with a line end has an empty last line.
pub(super) fn cut(text: &str, base: usize, lines: &mut Vec<Line>) {
    let mut at = base;
    for line in text.split('\n') {
        lines.push(Line::read(line, at));
        at += line.len() + 1;
    }
}

/// A few lines that begin at one place: enough to tell it from others.
pub(super) struct Window(pub u64);

impl Window {
    /// The window that begins with line `at`. What it spans depends on the lines alone.
    pub fn at(lines: &[Line], at: usize) -> Option<Window> {
        let mut hasher = DefaultHasher::new();
        let mut bytes = 0;
        for (count, line) in lines[at..].iter().take(WINDOW_MAX).enumerate() {
            hasher.write_u64(line.hash);
            bytes += line.end - line.start;
            let enough = count + 1 >= WINDOW_LINES && bytes >= WINDOW_BYTES;
            if enough || bytes >= WINDOW_LONG {
                return Some(Window(hasher.finish()));
            }
        }
        None
    }
}
