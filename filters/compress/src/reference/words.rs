//! How a run is named in the text, and how its name is read.

use super::find::Run;
use super::line::Line;
use super::{Earlier, Said};
use crate::mark;

/// The line that begins a text in which some lines are named.
pub(super) const HEAD_LINE: &str = "[compact refs]";

/// What a line of the form says: which lines of which earlier result stand here.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Words<'a> {
    /// The first and the last line, counted from 1; `None`: all.
    lines: Option<(usize, usize)>,
    name: &'a str,
    shift: i64,
}

/// All of a result, named.
pub(super) fn all_of(name: &str) -> String {
    format!("{}all of {name}]", mark::HEAD)
}

/// The text with each run as one line.
pub(super) fn write(text: &str, lines: &[Line], runs: &[Run], earlier: &Earlier) -> String {
    let mut out = String::with_capacity(text.len() / 2);
    if runs.first().is_none_or(|run| run.first > 0) {
        out.push_str(HEAD_LINE);
        out.push('\n');
    }
    let mut at = 0;
    for run in runs {
        literal(text, &lines[at..run.first], &mut out);
        name(run, earlier).write(&mut out);
        at = run.first + run.len;
    }
    literal(text, &lines[at..], &mut out);
    out.pop();
    out
}

fn literal(text: &str, lines: &[Line], out: &mut String) {
    if let (Some(first), Some(last)) = (lines.first(), lines.last()) {
        out.push_str(&text[first.start as usize..last.end as usize]);
        out.push('\n');
    }
}

fn name<'e>(run: &Run, earlier: &'e Earlier) -> Words<'e> {
    let said = earlier.said_at(run.at);
    let first = (run.at - said.lines.start) as usize;
    let all = first == 0 && run.len == said.lines.len();
    Words {
        lines: (!all).then_some((first + 1, first + run.len)),
        name: &said.name,
        shift: run.shift,
    }
}

impl<'a> Words<'a> {
    fn write(&self, out: &mut String) {
        out.push_str(mark::HEAD);
        match self.lines {
            None => out.push_str("all"),
            Some((first, last)) if first == last => out.push_str(&format!("line {first}")),
            Some((first, last)) => out.push_str(&format!("lines {first}-{last}")),
        }
        out.push_str(" of ");
        out.push_str(self.name);
        if self.shift != 0 {
            out.push_str(&format!(", numbers {:+}", self.shift));
        }
        out.push_str("]\n");
    }

    /// Reads one line of the form.
    pub fn read(line: &'a str) -> Option<Words<'a>> {
        let words = line.strip_prefix(mark::HEAD)?.strip_suffix(']')?;
        let (which, rest) = words.split_once(" of ")?;
        let lines = match which.split_once(' ') {
            None if which == "all" => None,
            Some(("line", at)) => Some((at.parse().ok()?, at.parse().ok()?)),
            Some(("lines", range)) => {
                let (first, last) = range.split_once('-')?;
                Some((first.parse().ok()?, last.parse().ok()?))
            }
            _ => return None,
        };
        let (name, shift) = match rest.split_once(", numbers ") {
            None => (rest, 0),
            Some((name, shift)) => (name, shift.parse().ok()?),
        };
        Some(Words { lines, name, shift })
    }

    /// Adds the lines that are named, each with its end.
    pub fn put(&self, earlier: &Earlier, out: &mut String) -> Option<()> {
        let Said { lines, .. } = earlier.named(self.name)?;
        let all = &earlier.lines[lines.start as usize..lines.end as usize];
        let (first, last) = self.lines.unwrap_or((1, all.len()));
        let (begin, end) = (
            all.get(first.checked_sub(1)?)?,
            all.get(last.checked_sub(1)?)?,
        );
        if self.shift == 0 {
            out.push_str(earlier.text.get(begin.start as usize..end.end as usize)?);
            out.push('\n');
            return Some(());
        }
        for line in all.get(first - 1..last)? {
            if line.is_numbered() {
                out.push_str(&line.renumbered(self.shift)?);
                out.push_str(line.rest(&earlier.text));
            } else {
                out.push_str(line.whole(&earlier.text));
            }
            out.push('\n');
        }
        Some(())
    }
}
