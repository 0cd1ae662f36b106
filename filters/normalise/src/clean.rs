//! The cleaned form of a text: what a model reads in it, without what only hides it.

use crate::classes::wide;
use crate::confusables::latin;
use crate::map::{Map, Rewrite};
use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization;

/// Where tag characters begin: U+E0000 plus an ASCII code.
const TAGS: u32 = 0xE0000;

/// What becomes of one character.
#[derive(Clone, Copy)]
enum Fold {
    Keep,
    Drop,
    One(char),
    Many(char),
}

/// Whether a character shows nothing and moves nothing.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        || is_variation(c)
}

/// Variation selectors, both blocks.
pub fn is_variation(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Tag characters that stand for ASCII.
pub fn is_tag(c: char) -> bool {
    matches!(c, '\u{e0000}'..='\u{e007f}')
}

/// The byte that a variation selector stands for where text is smuggled in them.
fn variation_byte(c: char) -> u8 {
    match c as u32 {
        low @ 0xFE00..=0xFE0F => (low - 0xFE00) as u8,
        high => (high.wrapping_sub(0xE0100).wrapping_add(16) & 0xFF) as u8,
    }
}

fn fold(c: char) -> Fold {
    if c.is_ascii() {
        return Fold::Keep;
    }
    if is_invisible(c)
        || matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20f0}')
    {
        return Fold::Drop;
    }
    if let Some(letter) = latin(c) {
        return Fold::One(letter);
    }
    // Han, kana, Hangul and most punctuation are their own compatibility form.
    if matches!(c, '\u{3001}'..='\u{309a}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{2010}'..='\u{2016}' | '\u{2018}'..='\u{2022}')
    {
        return Fold::Keep;
    }
    if c.is_whitespace() {
        return Fold::One(if matches!(c, '\u{2028}' | '\u{2029}' | '\u{85}') {
            '\n'
        } else {
            ' '
        });
    }
    let mut form = std::iter::once(c).nfkd();
    match form.next() {
        Some(first) if first != c => Fold::Many(c),
        _ => Fold::Keep,
    }
}

/// The characters that a character with a compatibility form stands for.
fn spell_out(c: char, out: &mut String) {
    let mut letters = String::new();
    for part in std::iter::once(c).nfkd() {
        match fold_once(part) {
            Fold::Keep | Fold::Many(_) => letters.push(part),
            Fold::One(letter) => letters.push(letter),
            Fold::Drop => {}
        }
    }
    if letters.is_ascii() {
        out.push_str(&letters);
    } else {
        // Not Latin: the composed form, so that Hangul and accents of other scripts stay whole.
        for part in std::iter::once(c).nfkc() {
            match fold_once(part) {
                Fold::Keep | Fold::Many(_) => out.push(part),
                Fold::One(letter) => out.push(letter),
                Fold::Drop => {}
            }
        }
    }
}

fn fold_once(c: char) -> Fold {
    if c.is_ascii() {
        Fold::Keep
    } else if is_invisible(c) || matches!(c, '\u{300}'..='\u{36f}') {
        Fold::Drop
    } else if let Some(letter) = latin(c) {
        Fold::One(letter)
    } else if c.is_whitespace() {
        Fold::One(' ')
    } else {
        Fold::Keep
    }
}

/// The cleaned form of `text`, or `None` where that is the text itself.
///
/// Compatibility forms are written out and look-alikes made Latin, accents and invisible characters
/// dropped, tag characters and runs of variation selectors read as the text they smuggle.
pub(crate) fn clean(text: &str) -> Option<(String, Map)> {
    let mut rewrite = Rewrite::new(text);
    let mut at = wide(text.as_bytes(), 0);
    while let Some(c) = text[at..].chars().next() {
        let mut end = at + c.len_utf8();
        if is_tag(c) {
            end = run_end(text, at, is_tag);
            let flag = text[..at].ends_with('\u{1f3f4}');
            write_tags(&mut rewrite, at, &text[at..end], flag);
        } else if is_variation(c) {
            end = run_end(text, at, is_variation);
            write_variations(&mut rewrite, at, &text[at..end]);
        } else {
            match quick_fold(c) {
                Fold::Keep => {}
                Fold::Drop => rewrite.replace(at..end, ""),
                Fold::One(letter) => rewrite.replace(at..end, letter.encode_utf8(&mut [0; 4])),
                Fold::Many(c) => {
                    let mut form = String::new();
                    spell_out(c, &mut form);
                    if form.as_str() != &text[at..end] {
                        rewrite.replace(at..end, &form);
                    }
                }
            }
        }
        at = wide(text.as_bytes(), end);
    }
    rewrite.finish()
}

/// Where the run of characters like the one at `at` ends.
fn run_end(text: &str, at: usize, like: fn(char) -> bool) -> usize {
    text[at..]
        .find(|c| !like(c))
        .map_or(text.len(), |offset| at + offset)
}

/// Below this every character's fold is kept in a table: Latin, Greek, Cyrillic with their accents.
const TABLE_END: usize = 0x600;

static FOLDS: LazyLock<Vec<Fold>> = LazyLock::new(|| {
    (0..TABLE_END as u32)
        .map(|code| char::from_u32(code).map_or(Fold::Keep, settle))
        .collect()
});

fn quick_fold(c: char) -> Fold {
    match FOLDS.get(c as usize) {
        Some(fold) => *fold,
        None => fold(c),
    }
}

/// `fold`, but what one character is spelled out as is known.
fn settle(c: char) -> Fold {
    let Fold::Many(c) = fold(c) else {
        return fold(c);
    };
    let mut form = String::new();
    spell_out(c, &mut form);
    let mut letters = form.chars();
    match (letters.next(), letters.next()) {
        (Some(letter), None) if letter == c => Fold::Keep,
        (Some(letter), None) => Fold::One(letter),
        (None, _) => Fold::Drop,
        _ => Fold::Many(c),
    }
}

/// Writes a run of tag characters as the ASCII it stands for, a space on either side; the tags of a
/// flag emoji are dropped.
fn write_tags(rewrite: &mut Rewrite<'_>, at: usize, run: &str, flag: bool) {
    let shown = |c: char| matches!(c as u32 - TAGS, 0x20..=0x7e);
    if flag || !run.chars().any(shown) {
        rewrite.replace(at..at + run.len(), "");
        return;
    }
    let last = run.len() - run.chars().next_back().map_or(0, char::len_utf8);
    for (offset, c) in run.char_indices() {
        let mut form = String::new();
        if offset == 0 {
            form.push(' ');
        }
        if shown(c) {
            form.extend(char::from_u32(c as u32 - TAGS));
        }
        if offset == last {
            form.push(' ');
        }
        rewrite.replace(at + offset..at + offset + c.len_utf8(), &form);
    }
}

/// Writes two or more variation selectors in a row as the ASCII bytes they stand for.
fn write_variations(rewrite: &mut Rewrite<'_>, at: usize, run: &str) {
    let several = run.chars().nth(1).is_some();
    for (offset, c) in run.char_indices() {
        let byte = variation_byte(c);
        let shown = several && matches!(byte, b' '..=b'~' | b'\n');
        let mut form = String::new();
        if several && offset == 0 {
            form.push(' ');
        }
        if shown {
            form.push(char::from(byte));
        }
        if several && offset + c.len_utf8() == run.len() {
            form.push(' ');
        }
        rewrite.replace(at + offset..at + offset + c.len_utf8(), &form);
    }
}
