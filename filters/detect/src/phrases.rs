//! Phrases that give orders to agents from where only data is expected.

use crate::classes::{self, BASE62};
use crate::grams::rarity;
use crate::scan::Scan;
use std::sync::LazyLock;

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

const OLD: &[&str] = &[
    "previous",
    "prior",
    "above",
    "earlier",
    "preceding",
    "all",
    "any",
    "your",
    "other",
    "everything",
    "foregoing",
    "original",
    "existing",
    "former",
];
const SMALL: &[&str] = &[
    "all",
    "any",
    "the",
    "of",
    "these",
    "those",
    "your",
    "my",
    "and",
    "or",
    "every",
    "previous",
    "prior",
    "above",
    "earlier",
    "preceding",
    "other",
    "current",
    "system",
    "user",
    "foregoing",
    "original",
    "existing",
    "initial",
    "given",
    "safety",
    "former",
    "about",
];
const RULES: &[&str] = &[
    "instructions",
    "instruction",
    "directions",
    "prompts",
    "prompt",
    "guidelines",
    "directives",
    "orders",
    "commands",
    "rules",
    "context",
    "programming",
    "training",
    "messages",
    "constraints",
    "policies",
];

const fn order(start: &'static str, score: f32) -> Phrase {
    Phrase {
        start,
        fill: SMALL,
        need: OLD,
        end: RULES,
        score,
    }
}

const fn saying(start: &'static str, score: f32) -> Phrase {
    Phrase {
        start,
        fill: &[],
        need: &[],
        end: &[],
        score,
    }
}

const fn between(
    start: &'static str,
    fill: &'static [&'static str],
    end: &'static [&'static str],
    score: f32,
) -> Phrase {
    Phrase {
        start,
        fill,
        need: &[],
        end,
        score,
    }
}

const THE: &[&str] = &[
    "the", "your", "this", "that", "to", "its", "full", "entire", "complete", "hidden", "initial",
    "original", "own", "exact", "me", "us", "internal", "secret", "current", "above",
];
const PROMPTS: &[&str] = &[
    "system prompt",
    "system message",
    "initial prompt",
    "initial instructions",
    "hidden instructions",
    "system instructions",
];
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
    between("do not tell", THE, PEOPLE, 0.8), between("don't tell", THE, PEOPLE, 0.8), between("don’t tell", THE, PEOPLE, 0.8), between("do not inform", THE, PEOPLE, 0.75), between("do not alert", THE, PEOPLE, 0.75),
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

/// What may lie between two words, where a string of two is looked for.
const GAPS: &[&str] = &[
    " ", "  ", "   ", "\n", "\r\n", "\t", ", ", "_", "-", "* ", " *", " \n", "\n ", " \"", "*",
];
/// What a gap is made of.
const GAP: &[u8] = b" \t\n\r,*_-\":>.!";

/// By which of its words a phrase is looked for: the words that come before that one.
pub(crate) type Word = &'static str;

/// The strings to look for where `phrase` may stand: its rarest word, or a short one and what follows.
pub(crate) fn anchored(phrase: &Phrase) -> (Word, Vec<String>) {
    let start = phrase.start;
    let words = start.split(' ').scan(0, |at, word| {
        let begin = *at;
        *at += word.len() + 1;
        Some((begin, word))
    });
    let last = start.rfind(' ').map_or(0, |at| at + 1);
    let longest = words
        .clone()
        .filter(|(_, word)| word.len() >= 5)
        .max_by_key(|(_, word)| rarity(word));
    if let Some((begin, word)) = longest {
        return (start[..begin].trim_end(), vec![word.to_owned()]);
    }
    let short = words
        .clone()
        .find(|&(begin, word)| word.len() == 4 && (begin < last || !phrase.end.is_empty()));
    if let Some((begin, word)) = short {
        let followed = GAP
            .iter()
            .map(|&gap| format!("{word}{}", char::from(gap)))
            .collect();
        return (start[..begin].trim_end(), followed);
    }
    let begin = start[..last].trim_end().rfind(' ').map_or(0, |at| at + 1);
    let (first, second) = (start[begin..last].trim_end(), &start[last..]);
    (
        start[..begin].trim_end(),
        GAPS.iter()
            .map(|gap| format!("{first}{gap}{second}"))
            .collect(),
    )
}

/// Judges the phrase of which a word stands at `at`.
pub(crate) fn found(scan: &mut Scan<'_>, phrase: usize, before: Word, mut at: usize) {
    for word in before.rsplit(' ').filter(|word| !word.is_empty()) {
        let gap = scan.bytes[..at]
            .iter()
            .rev()
            .take(GAP_MAX + 1)
            .take_while(|byte| GAP.contains(byte))
            .count();
        at -= gap;
        if !(1..=GAP_MAX).contains(&gap) || !classes::ends_with(&scan.bytes[..at], word.as_bytes())
        {
            return;
        }
        at -= word.len();
    }
    judge(scan, &PHRASES[phrase], at);
}

/// Whether `word` can stand in a phrase.
fn known(word: &[u8]) -> bool {
    VOCABULARY
        .binary_search_by(|known| known.bytes().cmp(word.iter().map(u8::to_ascii_lowercase)))
        .is_ok()
}

/// Every word of every phrase, and what stands to either side of an apostrophe, sorted.
static VOCABULARY: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let forms = |phrase: &Phrase| [&[phrase.start], phrase.fill, phrase.end].concat();
    let mut words: Vec<&str> = PHRASES
        .iter()
        .flat_map(forms)
        .flat_map(|form| form.split(|c: char| !c.is_ascii_alphanumeric()))
        .collect();
    words.sort_unstable();
    words.dedup();
    words
});

/// Looks for phrases that reach over `place`, or may once more text comes: all of their words before
/// it are words of phrases.
pub(crate) fn reaching_over(scan: &mut Scan<'_>, place: usize) {
    let bytes = scan.bytes;
    let between =
        |byte: &&u8| GAP.contains(byte) || **byte == b'\'' || "\u{2019}".as_bytes().contains(byte);
    let mut at = place;
    loop {
        let gap = bytes[..at]
            .iter()
            .rev()
            .take(GAP_MAX + 1)
            .take_while(between)
            .count();
        let end = at - gap;
        let letters = end - classes::run_start(bytes, end, BASE62, WORD_MAX + 1);
        if !(1..=GAP_MAX).contains(&gap) || !known(&bytes[end - letters..end]) {
            return;
        }
        at = end - letters;
        for phrase in PHRASES {
            if phrase.start.as_bytes()[0] == bytes[at] | 0x20 {
                judge(scan, phrase, at);
            }
        }
    }
}

/// The longest word of a phrase, and more.
const WORD_MAX: usize = 24;
/// The most words between start and end.
const FILL_MAX: usize = 8;
/// The most bytes between two words.
const GAP_MAX: usize = 6;

/// Judges the phrase whose first word is at `start`.
fn judge(scan: &mut Scan<'_>, phrase: &Phrase, start: usize) {
    if !classes::begins(scan.bytes, start, BASE62) {
        return;
    }
    let mut words = Words {
        scan,
        begin: start,
        at: start,
    };
    if !words.all(phrase.start) {
        return;
    }
    if phrase.end.is_empty() {
        let end = words.at;
        scan.hit("injection.phrase", start..end, phrase.score);
        return;
    }
    let mut needed = phrase.need.is_empty();
    for _ in 0..=FILL_MAX {
        // The longest reading first: `prompt` may fill or end, `rules` ends.
        let ended = phrase.end.iter().any(|end| words.all(end));
        if ended && needed {
            let end = words.at;
            scan.hit("injection.phrase", start..end, phrase.score);
            return;
        }
        if ended {
            return;
        }
        let Some(fill) = phrase.fill.iter().find(|fill| words.all(fill)) else {
            return;
        };
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
        let start = if self.at == self.begin {
            self.at
        } else {
            self.gap_end()
        };
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
        while end < stop && GAP.contains(&bytes[end]) {
            end += 1;
        }
        if self.scan.ends(end) {
            self.scan.reached_end(self.begin);
        }
        end
    }
}
