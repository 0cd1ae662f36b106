//! Letters spread out, `i g n o r e`, `i.g.n.o.r.e`, one a line: joined again.

use crate::map::{Map, Rewrite};

/// So many single letters in a row are a word that was spread.
const LETTERS_MIN: usize = 5;
/// White space and separators between two spread words, at most.
const GAP_MAX: usize = 8;

/// A character with its place.
type Placed = (usize, char);

/// `text` with its spread words joined, or `None` where none is spread.
pub(crate) fn join(text: &str) -> Option<(String, Map)> {
    let mut rewrite = Rewrite::new(text);
    let mut from = 0;
    while from < text.len() {
        let run = Run::read(text, from);
        if run.letters >= LETTERS_MIN && run.longest >= 3 {
            for (place, with) in run.cuts {
                rewrite.replace(place, with);
            }
        }
        from = next_word(text, run.end);
    }
    rewrite.finish()
}

/// Where the first word at or after `from` begins that has only one letter.
fn next_word(text: &str, from: usize) -> usize {
    let mut before = text[..from].chars().next_back();
    let mut chars = text[from..].char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let alone = c.is_alphanumeric() && !before.is_some_and(char::is_alphanumeric);
        if alone && chars.peek().is_some_and(|(_, next)| is_separator(*next)) {
            return from + at;
        }
        before = Some(c);
    }
    text.len()
}

fn is_separator(c: char) -> bool {
    matches!(
        c,
        ' ' | '.' | '_' | '-' | '*' | '|' | '/' | ',' | '~' | '+' | '\n' | '\u{b7}'
    )
}

/// Single letters with the same separator after each, and wider gaps between words.
struct Run {
    /// What stands between, and what it becomes.
    cuts: Vec<(std::ops::Range<usize>, &'static str)>,
    letters: usize,
    /// The letters of its longest word.
    longest: usize,
    end: usize,
}

impl Run {
    /// The run at `from`, where a character stands. Reads no further than a gap past what it takes.
    fn read(text: &str, from: usize) -> Run {
        let mut chars = text[from..]
            .char_indices()
            .map(|(at, c)| (from + at, c))
            .peekable();
        let mut run = Run {
            cuts: Vec::new(),
            letters: 0,
            longest: 0,
            end: from,
        };
        let Some((at, first)) = chars.next() else {
            return run;
        };
        run.end = at + first.len_utf8();
        let Some(&(_, separator)) = chars
            .peek()
            .filter(|(_, c)| first.is_alphanumeric() && is_separator(*c))
        else {
            return run;
        };
        run.letters = usize::from(first.is_alphabetic());
        let mut word = 1;
        loop {
            let gap = gap(&mut chars, separator);
            let (Some(&(at, c)), Some(narrow)) = (chars.peek(), gap) else {
                break;
            };
            // A word of more than one letter is none of the run, and no part of it is.
            let mut ahead = chars.clone();
            ahead.next();
            if c.is_whitespace()
                || ahead
                    .next()
                    .is_some_and(|(_, next)| c.is_alphanumeric() && next.is_alphanumeric())
            {
                break;
            }
            word = if narrow { word + 1 } else { 1 };
            run.cuts.push((run.end..at, if narrow { "" } else { " " }));
            run.letters += usize::from(c.is_alphabetic());
            run.longest = run.longest.max(word);
            run.end = at + c.len_utf8();
            chars.next();
        }
        run
    }
}

/// Takes what separates two letters: true for the separator alone, false for more, `None` for nothing or too much.
fn gap(
    chars: &mut std::iter::Peekable<impl Iterator<Item = Placed>>,
    separator: char,
) -> Option<bool> {
    let mut taken = 0;
    let mut same = 0;
    while let Some((_, c)) = chars.next_if(|(_, c)| *c == separator || c.is_whitespace()) {
        taken += 1;
        same += usize::from(c == separator);
        if taken > GAP_MAX {
            return None;
        }
    }
    (same > 0 || taken > 1).then_some(taken == 1)
}
