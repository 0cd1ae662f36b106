//! Lines of a log by their templates, without loss.
//!
//! # The form
//!
//! ```text
//! [compact log: a|x y = row, fills <*> of a; ^ same as above, ~ new end of it, $ named, =n line again]
//! a=2026-03-01 <*> INFO [<*>] db: query took <*> ms for <*>
//! b=2026-03-01 <*> INFO [<*>] api: GET /orders/<*> -> <*>
//! $1=4bd14bad-3171-74ba-5911-248752b7ae17
//!
//! a|12:00:01.118 main 14 $1
//! b|~204 ^ 7 200
//! |~377 ^ 9
//! =2
//! 2026-03-01 12:00:01.380 ERROR [main] api: order 9 is nowhere
//! ```
//!
//! After the mark comes the *legend*, one entry a line, up to the first empty line: a template is its name (one or two
//! letters), `=`, and its words; a named value is `$` and its number (counted from 1), `=`, and the value to the end of
//! the line. Then the lines of the log, in their order, each as one of:
//!
//! * **A row**: a template's name, `|`, and the values of its holes from left to right, with one blank between them.
//!   Without a name before the `|` it is of the template of the row right above. A value is
//!   * `^`: the value *above*: that of the last row whose template begins with the same words and holes up to this hole
//!     (so that times are shared by all rows whose templates begin with the time). So is every value that is wanting at
//!     the end of a row;
//!   * `~end`: the value above with its last characters, as many as `end` has, replaced by `end`;
//!   * `$7`: the value with this name;
//!   * `"…"`: what stands between the quotes (blanks, or a value that begins with one of these signs);
//!   * else itself, spelled as it was.
//! * **`=n`**, n a number: the line above n times more.
//! * **Any other line**: itself, after a `\`, if there is one, that is no part of it (a line that could be taken for one
//!   of the others has it).
//!
//! In a template `<*>` is a hole. A column has blanks beside its value, at least one: `<*14>` is a hole with blanks after
//! the value up to 14 characters in all, `<14*>` one with blanks before it; `<@60>` is blanks up to the 60th character
//! of the line. `<=2>` is the value of the row's second hole again.
//!
//! What stands as it is: lines that are like at most [`pick::RARE_MAX`] − 1 others; lines that say that something went
//! wrong (`error`, `warn`, `fatal`, `fail`, `exception`, `traceback`, `panic`, `critical`, `severe`, in any case) with
//! the indented lines after them, up to twelve of a kind and an eighth of the text, rare kinds first; of commoner kinds
//! the first.
//!
//! The residue says only how lines end: empty, or one byte, the sum of 1 (lines end with `\r\n`) and 2 (the last line
//! has no end).

mod column;
mod pick;
mod row;
mod template;

use crate::form::Form;
use crate::lines::shape::{NONE, Shapes};
use crate::mark;
use pick::Picked;
pub(super) use pick::{RARE_MAX, continues};
use row::{Above, Counts, Names, Said};
use template::{Slots, Template};

/// What stands on the mark.
const LEGEND: &str = "compact log";
/// The legend of the form, in the mark.
const FORM: &str =
    "log: a|x y = row, fills <*> of a; ^ same as above, ~ new end of it, $ named, =n line again";
/// Lines of the smallest log.
const LINES_MIN: usize = 6;
/// Bit of the residue: lines end with `\r\n`.
const CRLF: u8 = 1;
/// Bit of the residue: the last line has no end.
const OPEN: u8 = 2;

pub(crate) fn encode(text: &str) -> Option<Form> {
    let (body, flags) = body(text);
    let end = match flags & CRLF {
        0 => "\n",
        _ => "\r\n",
    };
    let shapes = pick::worth(body, end)?;
    let picked = Picked::of(&shapes);
    if picked.templates.is_empty() {
        return None;
    }
    let out = Writer::new(&shapes, &picked).write();
    let residue = match flags {
        0 => Vec::new(),
        flags => vec![flags],
    };
    (out.len() < text.len()).then_some(Form { text: out, residue })
}

/// The text without its last line end, and what its line ends are.
fn body(text: &str) -> (&str, u8) {
    let crlf = text.contains("\r\n") && !bare_newline(text);
    let end = if crlf { "\r\n" } else { "\n" };
    let flags = if crlf { CRLF } else { 0 };
    match text.strip_suffix(end) {
        Some(body) => (body, flags),
        None => (text, flags | OPEN),
    }
}

/// Whether some line ends with `\n` alone.
fn bare_newline(text: &str) -> bool {
    let bytes = text.as_bytes();
    text.match_indices('\n')
        .any(|(at, _)| at == 0 || bytes[at - 1] != b'\r')
}

/// Where the lines of a text begin and end.
pub(super) fn spans<'a>(text: &'a str, end: &'a str) -> impl Iterator<Item = (usize, usize)> + 'a {
    let mut at = 0;
    text.split(end).map(move |line| {
        let start = at;
        at += line.len() + end.len();
        (start, start + line.len())
    })
}

/// The name of a template: letters, the commonest ones first and short.
fn name(number: usize) -> String {
    let letter =
        |n: usize| char::from(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[n % 52]);
    match number.checked_sub(52) {
        None => letter(number).to_string(),
        Some(more) => [letter(more / 52), letter(more)].iter().collect(),
    }
}

/// The number of the template of this name.
fn number(name: &str) -> Option<usize> {
    let letter = |byte: u8| match byte {
        b'a'..=b'z' => Some(usize::from(byte - b'a')),
        b'A'..=b'Z' => Some(usize::from(byte - b'A') + 26),
        _ => None,
    };
    match *name.as_bytes() {
        [one] => letter(one),
        [one, two] => Some(52 + letter(one)? * 52 + letter(two)?),
        _ => None,
    }
}

struct Writer<'a, 'b> {
    shapes: &'a Shapes<'b>,
    picked: &'a Picked,
    templates: Vec<Template>,
    places: usize,
    out: String,
}

impl<'a, 'b> Writer<'a, 'b> {
    fn new(shapes: &'a Shapes<'b>, picked: &'a Picked) -> Self {
        let mut slots = Slots::default();
        let templates = picked
            .templates
            .iter()
            .map(|picked| slots.read(&picked.written))
            .collect();
        Writer {
            shapes,
            picked,
            templates,
            places: slots.len(),
            out: mark::lossless(FORM),
        }
    }

    fn write(mut self) -> String {
        let (said, names) = self.say();
        for (number, picked) in self.picked.templates.iter().enumerate() {
            self.line(&[&name(number), "=", &picked.written]);
        }
        for (number, value) in names.list.iter().enumerate() {
            self.line(&["$", &(number + 1).to_string(), "=", value]);
        }
        self.out.push('\n');
        self.rows(&said, &names);
        // The last line end is not said.
        self.out.pop();
        self.out
    }

    fn line(&mut self, parts: &[&str]) {
        for part in parts {
            self.out.push_str(part);
        }
        self.out.push('\n');
    }

    /// All values of all rows, one after the other, as they are said; names for those that would be written out most.
    fn say(&self) -> (Vec<Said<'b>>, Names<'b>) {
        let mut above = Above::new(self.places);
        let mut counts = Counts::default();
        let mut said = Vec::new();
        for (number, template) in self.picked.lines.iter().enumerate() {
            if *template == NONE {
                continue;
            }
            let template = *template as usize;
            let holes = &self.picked.templates[template].holes;
            for (source, slot) in holes.iter().zip(&self.templates[template].slots) {
                let how = above.say(*slot, source.of(self.shapes, number as u32));
                if let Said::Whole(value) = how {
                    counts.add(value);
                }
                said.push(how);
            }
        }
        (said, Names::choose(&counts))
    }

    fn rows(&mut self, said: &[Said<'b>], names: &Names<'b>) {
        let mut rest = said;
        let mut last = NONE;
        let mut number = 0;
        while number < self.picked.lines.len() {
            let template = self.picked.lines[number];
            let line = self.shapes.line(number);
            let mut holes = 0;
            if template == NONE {
                if looks_ours(line) {
                    self.out.push('\\');
                }
                self.out.push_str(line);
            } else {
                if template != last {
                    self.out.push_str(&name(template as usize));
                }
                self.out.push('|');
                holes = self.templates[template as usize].slots.len();
                row::write(&rest[..holes], names, &mut self.out);
            }
            self.out.push('\n');
            last = template;
            number += 1;
            let again = self.again(number, line);
            if again > 0 {
                self.line(&["=", &again.to_string()]);
                number += again;
            }
            // A line that comes again has the same values: they are passed over.
            rest = &rest[holes * (again + 1)..];
        }
    }

    /// How many lines from `number` on are this line again; one that is shorter than saying so is none.
    fn again(&self, number: usize, line: &str) -> usize {
        // A repetition stands with its line, in whatever form that is.
        let of = self.picked.lines[number - 1];
        let again = (number..self.picked.lines.len())
            .take_while(|next| self.picked.lines[*next] == of && self.shapes.line(*next) == line)
            .count();
        match line.len() {
            0..4 if again < 4 => 0,
            _ => again,
        }
    }
}

/// Whether a line could be taken for one of the form's own.
fn looks_ours(line: &str) -> bool {
    let bytes = line.as_bytes();
    match bytes.first() {
        Some(b'\\') => true,
        Some(b'=') => bytes.get(1).is_some_and(u8::is_ascii_digit),
        _ => row_of(line).is_some(),
    }
}

/// The name and the values of a row.
fn row_of(line: &str) -> Option<(&str, &str)> {
    let bytes = line.as_bytes();
    let bar = bytes.iter().take(3).position(|b| *b == b'|')?;
    let (name, row) = line.split_at(bar);
    name.bytes()
        .all(|b| b.is_ascii_alphabetic())
        .then_some((name, &row[1..]))
}

pub(crate) fn decode(text: &str, residue: &[u8]) -> Option<String> {
    let flags = match residue {
        [] => 0,
        [flags] => *flags,
        _ => return None,
    };
    let mut lines = text.split('\n');
    if !lines.next()?.starts_with(&mark::HEAD[..1]) || !text[1..].starts_with(LEGEND) {
        return None;
    }
    let mut slots = Slots::default();
    let (mut templates, mut names) = (Vec::new(), Vec::new());
    for line in lines.by_ref() {
        if line.is_empty() {
            break;
        }
        match line.split_once('=')? {
            (name, value) if name.starts_with('$') => names.push(value),
            (_, written) => templates.push(slots.read(written)),
        }
    }
    let end = match flags & CRLF {
        0 => "\n",
        _ => "\r\n",
    };
    let reader = Reader {
        templates: &templates,
        names: &names,
        above: vec![String::new(); slots.len()],
        out: String::with_capacity(text.len() * 2),
        end,
    };
    let mut out = reader.read(lines)?;
    if flags & OPEN != 0 {
        let open = out.strip_suffix(end)?.len();
        out.truncate(open);
    }
    Some(out)
}

/// Bytes of the largest text that is given back.
const TEXT_MAX: usize = crate::BLOCK_MAX;

struct Reader<'a> {
    templates: &'a [Template],
    names: &'a [&'a str],
    above: Vec<String>,
    out: String,
    end: &'static str,
}

impl<'a> Reader<'a> {
    fn read(mut self, lines: impl Iterator<Item = &'a str>) -> Option<String> {
        let mut last = None;
        let mut begun = 0;
        for line in lines {
            if let Some(times) = line.strip_prefix('=').and_then(times) {
                let line = self.out.get(begun..)?.to_owned();
                if self.out.len() + line.len().checked_mul(times)? > TEXT_MAX + line.len() {
                    return None;
                }
                for _ in 0..times {
                    self.out.push_str(&line);
                }
                begun = self.out.len() - line.len();
                continue;
            }
            begun = self.out.len();
            last = self.line(line, last)?;
            self.out.push_str(self.end);
            if self.out.len() > TEXT_MAX + self.end.len() {
                return None;
            }
        }
        Some(self.out)
    }

    /// Reads one line; gives back the template it has.
    fn line(&mut self, line: &'a str, last: Option<usize>) -> Option<Option<usize>> {
        let Some((name, row)) = row_of(line) else {
            self.out.push_str(line.strip_prefix('\\').unwrap_or(line));
            return Some(None);
        };
        let number = match name {
            "" => last?,
            name => number(name)?,
        };
        let template = self.templates.get(number)?;
        let done = row::read(row, template, self.names, &mut self.above)
            && template::fill(template, &self.above, &mut self.out);
        done.then_some(Some(number))
    }
}

/// How many times more: digits.
fn times(digits: &str) -> Option<usize> {
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}
