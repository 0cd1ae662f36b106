//! Phrases that give orders to agents from where only data is expected.

use crate::classes::{self, BASE62};
use crate::scan::Scan;
use std::ops::Range;

/// A way to give an order: how it begins, what may lie between, how it ends.
pub(crate) struct Phrase {
    /// Words it begins with, one after the other, given as one string.
    pub start: &'static str,
    /// Words that may come between; at least one of `need` must, if there are any.
    fill: &'static [&'static str],
    need: &'static [&'static str],
    /// One of these ends it. None: the start alone is the phrase.
    end: &'static [&'static str],
    score: f32,
}

const OLD: &[&str] = &["previous", "prior", "above", "earlier", "preceding", "all", "any", "your", "other", "everything", "foregoing", "original", "existing", "former"];
const SMALL: &[&str] = &["all", "any", "the", "of", "these", "those", "your", "my", "and", "or", "every", "previous", "prior", "above", "earlier", "preceding", "other", "current", "system", "user", "foregoing", "original", "existing", "initial", "given", "safety", "former", "about"];
const RULES: &[&str] = &["instructions", "instruction", "directions", "prompts", "prompt", "guidelines", "directives", "orders", "commands", "rules", "context", "programming", "training", "messages", "constraints", "policies"];

const fn order(start: &'static str, score: f32) -> Phrase {
    Phrase { start, fill: SMALL, need: OLD, end: RULES, score }
}

const fn saying(start: &'static str, score: f32) -> Phrase {
    Phrase { start, fill: &[], need: &[], end: &[], score }
}

const fn between(start: &'static str, fill: &'static [&'static str], end: &'static [&'static str], score: f32) -> Phrase {
    Phrase { start, fill, need: &[], end, score }
}

const THE: &[&str] = &["the", "your", "this", "that", "to", "its", "full", "entire", "complete", "hidden", "initial", "original", "own", "exact", "me", "us", "internal", "secret", "current", "above"];
const PROMPTS: &[&str] = &["system prompt", "system message", "initial prompt", "initial instructions", "hidden instructions", "system instructions"];
const PEOPLE: &[&str] = &["user", "human", "operator", "anyone", "customer", "owner"];

/// Every phrase.
#[rustfmt::skip]
pub(crate) const PHRASES: &[Phrase] = &[
    order("ignore", 0.9), order("disregard", 0.9), order("forget", 0.85), order("override", 0.8), order("bypass", 0.7), order("discard", 0.8),
    order("do not follow", 0.8), order("don't follow", 0.8), order("stop following", 0.85), order("pay no attention to", 0.85), order("neglect", 0.8),
    saying("ignore everything above", 0.9), saying("ignore the above", 0.85), saying("disregard the above", 0.85), saying("forget everything above", 0.85),
    saying("forget everything you", 0.8), saying("ignore what you were told", 0.9), saying("new instructions for the assistant", 0.9),
    saying("your new instructions are", 0.9), saying("your new task is", 0.8), saying("your real task is", 0.85), saying("from now on you are", 0.8),
    saying("from now on you must", 0.75), saying("from now on you will", 0.7), saying("you are no longer bound", 0.85),
    between("do not tell", THE, PEOPLE, 0.8), between("don't tell", THE, PEOPLE, 0.8), between("do not inform", THE, PEOPLE, 0.75), between("do not alert", THE, PEOPLE, 0.75),
    between("without telling", THE, PEOPLE, 0.8), between("without informing", THE, PEOPLE, 0.75), between("without notifying", THE, PEOPLE, 0.6),
    between("without the", &[], &["user knowing", "user noticing", "user's knowledge"], 0.75), between("hide this from", THE, PEOPLE, 0.8),
    between("do not mention", &["this", "that", "it", "to", "the", "any", "of", "these", "instructions"], PEOPLE, 0.75), between("don't mention", &["this", "that", "it", "to", "the"], PEOPLE, 0.75),
    between("do not reveal", &["this", "that", "it", "to", "the"], PEOPLE, 0.6),
    between("you must now", &["immediately", "also", "first"], &["call", "use", "invoke", "execute", "run", "send"], 0.8),
    between("before using this tool", &["you", "always", "please", "the", "assistant"], &["must", "read", "call", "send"], 0.75),
    between("before calling this tool", &["you", "always", "please", "the", "assistant"], &["must", "read", "send"], 0.7),
    between("reveal", THE, PROMPTS, 0.8), between("print", THE, PROMPTS, 0.8), between("repeat", THE, PROMPTS, 0.8), between("output", THE, PROMPTS, 0.7),
    between("show me", THE, PROMPTS, 0.7), between("leak", THE, PROMPTS, 0.8), between("send", THE, PROMPTS, 0.8),
    between("exfiltrate", THE, &["data", "secrets", "credentials", "keys", "files", "conversation", "tokens", "passwords", "contents", "information"], 0.8),
    saying("attention ai assistant", 0.8), saying("attention ai agent", 0.8), saying("important instructions for the assistant", 0.85), saying("message to the ai", 0.7),
    saying("if you are an ai", 0.7), saying("if you are a language model", 0.8), saying("if you are an llm", 0.8), saying("you are now dan", 0.9), saying("you are now in developer mode", 0.9), saying("jailbreak mode", 0.7), saying("end of system prompt", 0.7),
    saying("information this is an important message from me", 0.9),
];

/// What may lie between the first two words of a phrase.
pub(crate) const GAPS: &[&str] = &[" ", "  ", "   ", "\n", "\r\n", "\t", ", ", "_", "-", "* ", " *", " \n", "\n ", " \"", "*"];

/// Whether `word` is the first of several words that a phrase begins with.
pub(crate) fn opens(word: &str) -> bool {
    PHRASES.iter().any(|phrase| phrase.start.split_once(' ').is_some_and(|(first, _)| first.eq_ignore_ascii_case(word)))
}

/// The most words between start and end.
const FILL_MAX: usize = 8;
/// The most bytes between two words.
const GAP_MAX: usize = 6;

/// Judges the phrase whose first word is at `place`.
pub(crate) fn phrase(scan: &mut Scan<'_>, phrase: usize, place: Range<usize>) {
    let phrase = &PHRASES[phrase];
    if !classes::begins(scan.bytes, place.start, BASE62) {
        return;
    }
    let mut words = Words { scan, begin: place.start, at: place.start };
    if !words.all(phrase.start) {
        return;
    }
    if phrase.end.is_empty() {
        let end = words.at;
        scan.hit("injection.phrase", place.start..end, phrase.score);
        return;
    }
    let mut needed = phrase.need.is_empty();
    for _ in 0..=FILL_MAX {
        // The longest reading first: `prompt` may fill or end, `rules` ends.
        let ended = phrase.end.iter().any(|end| words.all(end));
        if ended && needed {
            let end = words.at;
            scan.hit("injection.phrase", place.start..end, phrase.score);
            return;
        }
        if ended {
            return;
        }
        let Some(fill) = phrase.fill.iter().find(|fill| words.all(fill)) else { return };
        needed |= phrase.need.contains(fill);
    }
}

/// Reads words one by one.
struct Words<'s, 't> {
    scan: &'s mut Scan<'t>,
    begin: usize,
    at: usize,
}

impl Words<'_, '_> {
    /// Reads the words of `expected`, or nothing.
    fn all(&mut self, expected: &str) -> bool {
        let back = self.at;
        for word in expected.split(' ') {
            if !self.one(word.as_bytes()) {
                self.at = back;
                return false;
            }
        }
        true
    }

    fn one(&mut self, word: &[u8]) -> bool {
        let bytes = self.scan.bytes;
        let start = if self.at == self.begin { self.at } else { self.gap_end() };
        let end = start + word.len();
        if start == self.at && self.at != self.begin {
            return false;
        }
        if end >= bytes.len() {
            let rest = &bytes[start.min(bytes.len())..];
            if word.len() >= rest.len() && word[..rest.len()].eq_ignore_ascii_case(rest) {
                self.scan.reached_end(self.begin);
            }
        }
        if !classes::reads(bytes, start, word) || classes::has(bytes, end, BASE62) {
            return false;
        }
        self.at = end;
        true
    }

    /// Past the blanks and marks after a word.
    fn gap_end(&mut self) -> usize {
        let bytes = self.scan.bytes;
        let stop = bytes.len().min(self.at + GAP_MAX);
        let mut end = self.at;
        while end < stop && matches!(bytes[end], b' ' | b'\t' | b'\n' | b'\r' | b',' | b'*' | b'_' | b'-' | b'"' | b':' | b'>' | b'.' | b'!') {
            end += 1;
        }
        if self.scan.ends(end) {
            self.scan.reached_end(self.begin);
        }
        end
    }
}
