//! Text in a disguise that a model sees through and a filter does not: spread letters, leet, rot13, backwards.
//!
//! These are guesses, where `views` only undoes what is certain. So each is a view of its own beside the others, made only
//! where a stretch looks more like language afterwards than before; of ordinary text there is none.

use crate::common::{is_common, rot13};
use crate::leet;
use crate::map::{Map, Rewrite};
use crate::spread;
use crate::views::View;
use std::ops::Range;

/// A way to write so that filters do not read it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disguise {
    /// `i g n o r e`, `i.g.n.o.r.e`, one letter a line.
    Spread,
    /// `1gn0r3`.
    Leet,
    /// `vtaber`.
    Rot13,
    /// `snoitcurtsni ruoy erongi`.
    Reversed,
    /// `erongi ruoy snoitcurtsni`: each word backwards, in the order of the words.
    ReversedWords,
    /// The same sign between words again and again, as emoji.
    Strewn,
    /// `ignore+all+previous+instructions`, and other signs where spaces should be.
    Joined,
}

/// Words of a stretch that is judged by itself.
const STRETCH: usize = 16;
/// So many words of a stretch must be common ones once the disguise is off, one in `COMMON_ONE_IN` at least; and while it
/// is on, fewer than half as many.
const COMMON_MIN: usize = 2;
const COMMON_ONE_IN: usize = 6;
/// So often a sign stands between words before it is taken for a disguise.
const STREWN_MIN: usize = 3;
/// Different signs that are counted; more of them are no disguise.
const SIGNS_MAX: usize = 8;

/// So many words must be joined by a sign before that is taken for a disguise.
const JOINED_MIN: usize = 5;
/// The same of signs that join the words of names and addresses too.
const JOINED_NAMES_MIN: usize = 10;

/// The other texts that `text` may be in a disguise, each with the way back to its bytes; usually none. Every one of them
/// is about as long as the text, and there are at most seven.
pub fn disguises(text: &str) -> Vec<View<'_>> {
    let base = crate::views::undecoded(text).pop();
    let Some(base) = base else {
        return Vec::new();
    };
    let mut views = Vec::new();
    let mut add = |disguise, undone: Option<(String, Map)>| {
        views.extend(undone.map(|(text, map)| base.undisguised(text, map, disguise)));
    };
    add(Disguise::Spread, spread::join(base.text()));
    add(Disguise::Strewn, unstrew(base.text()));
    add(Disguise::Joined, part(base.text()));
    let found = Found::of(base.text());
    add(Disguise::Leet, found.undo_leet());
    add(
        Disguise::Rot13,
        found.undo(&found.rot13, |run| {
            run.chars()
                .map(|c| {
                    if c.is_ascii() {
                        char::from(rot13(c as u8))
                    } else {
                        c
                    }
                })
                .collect()
        }),
    );
    add(
        Disguise::Reversed,
        found.undo(&found.reversed, |run| run.chars().rev().collect()),
    );
    add(
        Disguise::ReversedWords,
        found.undo(&found.reversed, |run| {
            let words = run.split_inclusive(char::is_whitespace);
            words
                .flat_map(|word| {
                    let inner = word.trim_end();
                    inner.chars().rev().chain(word[inner.len()..].chars())
                })
                .collect()
        }),
    );
    views
}

/// The stretches of a text that are disguised, in order; neighbours within a line are one.
struct Found<'t> {
    text: &'t str,
    leet: Vec<Range<usize>>,
    rot13: Vec<Range<usize>>,
    reversed: Vec<Range<usize>>,
}

impl<'t> Found<'t> {
    fn of(text: &'t str) -> Self {
        let mut found = Found {
            text,
            leet: Vec::new(),
            rot13: Vec::new(),
            reversed: Vec::new(),
        };
        let mut stretch: Vec<(usize, &str)> = Vec::with_capacity(STRETCH);
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            for (offset, word) in words(line) {
                stretch.push((at + offset, word));
                if stretch.len() == STRETCH {
                    found.judge(&stretch);
                    stretch.clear();
                }
            }
            found.judge(&stretch);
            stretch.clear();
            at += line.len();
        }
        found
    }

    fn judge(&mut self, stretch: &[(usize, &str)]) {
        let (Some(first), Some(last)) = (stretch.first(), stretch.last()) else {
            return;
        };
        let place = first.0..last.0 + last.1.len();
        let words = || stretch.iter().map(|(_, word)| *word);
        if words().any(|word| word.bytes().any(|byte| byte.is_ascii_digit()))
            && leet::is_written(words())
        {
            join(&mut self.leet, self.text, place.clone());
        }
        let common = |read: fn(&str) -> bool| words().filter(|word| read(word)).count();
        let plain = common(|word| is_common(letters(word)));
        let speaks = |common: usize| {
            common >= COMMON_MIN && common * COMMON_ONE_IN >= stretch.len() && common > plain * 2
        };
        if plain * 3 > stretch.len() {
            return;
        }
        if speaks(common(|word| is_common(letters(word).map(rot13)))) {
            join(&mut self.rot13, self.text, place);
        } else if speaks(common(|word| is_common(letters(word).rev()))) {
            join(&mut self.reversed, self.text, place);
        }
    }

    fn undo(
        &self,
        ranges: &[Range<usize>],
        read: impl Fn(&str) -> String,
    ) -> Option<(String, Map)> {
        let mut rewrite = Rewrite::new(self.text);
        for range in ranges {
            rewrite.replace(range.clone(), &read(&self.text[range.clone()]));
        }
        rewrite.finish()
    }

    fn undo_leet(&self) -> Option<(String, Map)> {
        let mut rewrite = Rewrite::new(self.text);
        for range in &self.leet {
            for (offset, word) in words(&self.text[range.clone()]) {
                leet::undo(&mut rewrite, range.start + offset, word);
            }
        }
        rewrite.finish()
    }
}

/// Adds a range, as one with the last if only blanks stand between.
fn join(ranges: &mut Vec<Range<usize>>, text: &str, range: Range<usize>) {
    match ranges.last_mut() {
        Some(last)
            if text[last.end..range.start]
                .bytes()
                .all(|byte| matches!(byte, b' ' | b'\t')) =>
        {
            last.end = range.end;
        }
        _ => ranges.push(range),
    }
}

/// The words of a line with their places.
fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    line.split_whitespace()
        .map(move |word| (word.as_ptr() as usize - line.as_ptr() as usize, word))
}

/// A word without what is no ASCII letter around it.
fn letters(word: &str) -> impl DoubleEndedIterator<Item = u8> {
    word.trim_matches(|c: char| !c.is_ascii_alphabetic())
        .bytes()
}

/// `text` without the sign that stands between its words again and again.
fn unstrew(text: &str) -> Option<(String, Map)> {
    if text.is_ascii() {
        return None;
    }
    let signs = || {
        text.char_indices()
            .filter(|(at, c)| is_sign(*c) && between_words(text, *at, c.len_utf8()))
    };
    let mut counts: Vec<(char, usize)> = Vec::new();
    for (_, sign) in signs() {
        if let Some((_, count)) = counts.iter_mut().find(|(known, _)| *known == sign) {
            *count += 1;
        } else if counts.len() < SIGNS_MAX {
            counts.push((sign, 1));
        }
    }
    let strewn = |sign: char| {
        counts
            .iter()
            .any(|(known, count)| *known == sign && *count >= STREWN_MIN)
    };
    let mut rewrite = Rewrite::new(text);
    for (at, sign) in signs().filter(|(_, sign)| strewn(*sign)) {
        rewrite.replace(at..at + sign.len_utf8(), " ");
    }
    rewrite.finish()
}

/// `text` with spaces for the signs that join words, or `None` where none are joined.
fn part(text: &str) -> Option<(String, Map)> {
    let mut rewrite = Rewrite::new(text);
    for (at, run) in words(text) {
        let Some(sign) = joint(run) else {
            continue;
        };
        for (offset, _) in run.match_indices(sign) {
            rewrite.replace(at + offset..at + offset + 1, " ");
        }
    }
    rewrite.finish()
}

/// The sign that joins the words of a run without white space, if there are enough and common ones among them.
fn joint(run: &str) -> Option<char> {
    if run.len() < 2 * JOINED_MIN {
        return None;
    }
    let sign = ['+', '.', '_', '-', '~', '*', '|', ',', '/']
        .into_iter()
        .max_by_key(|sign| run.bytes().filter(|byte| *byte == *sign as u8).count())?;
    let (mut all, mut common) = (0, 0);
    for word in run.split(sign) {
        all += 1;
        common += usize::from(is_common(letters(word)));
    }
    let least = if matches!(sign, '_' | '-' | '|' | '/') {
        JOINED_NAMES_MIN
    } else {
        JOINED_MIN
    };
    (all >= least && common >= COMMON_MIN && common * COMMON_ONE_IN >= all).then_some(sign)
}

/// Pictures. Arrows and boxes are not among them: they stand between words in honest texts.
fn is_sign(c: char) -> bool {
    matches!(c, '\u{2600}'..='\u{27bf}' | '\u{2b1b}'..='\u{2b55}' | '\u{1f000}'..='\u{1faff}')
}

/// Whether words stand on both sides within a blank.
fn between_words(text: &str, at: usize, len: usize) -> bool {
    let before = text[..at].strip_suffix(' ').unwrap_or(&text[..at]);
    let after = &text[at + len..];
    let after = after.strip_prefix(' ').unwrap_or(after);
    let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    letter(before.chars().next_back()) && letter(after.chars().next())
}
