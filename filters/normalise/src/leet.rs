//! Digits in the place of letters, `1gn0r3`: letters again, where enough of a stretch is written so.

use crate::common::is_common;
use crate::map::Rewrite;

/// So many words of a stretch mix letters and digits, and this share of them all (one in so many).
const MIXED_MIN: usize = 3;
const MIXED_ONE_IN: usize = 5;

fn letter(byte: u8) -> u8 {
    match byte {
        b'0' => b'o',
        b'1' | b'!' => b'i',
        b'3' => b'e',
        b'4' | b'@' => b'a',
        b'5' | b'$' => b's',
        b'6' | b'9' => b'g',
        b'7' | b'+' => b't',
        b'8' => b'b',
        other => other,
    }
}

/// Whether a word is of letters, and digits or marks that pass for letters, and which: (letters, others).
fn mixture(word: &[u8]) -> Option<(usize, usize)> {
    let letters = word
        .iter()
        .filter(|byte| byte.is_ascii_alphabetic())
        .count();
    let passing = word.iter().filter(|byte| letter(**byte) != **byte).count();
    (letters + passing == word.len()).then_some((letters, passing))
}

fn is_mixed(word: &[u8]) -> bool {
    word.len() >= 3 && mixture(word).is_some_and(|(letters, others)| letters > 0 && others > 0)
}

/// Whether the words of a stretch are written so.
pub(crate) fn is_written<'t>(words: impl Iterator<Item = &'t str>) -> bool {
    let (mut all, mut mixed, mut common) = (0, 0, false);
    for word in words.map(bare) {
        all += 1;
        if is_mixed(word.as_bytes()) {
            mixed += 1;
            common |= is_common(word.bytes().map(letter));
        }
    }
    mixed >= MIXED_MIN && mixed * MIXED_ONE_IN >= all && common
}

/// A word without the marks around it.
fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '@' | '$'))
}

/// Writes the letters of `word`, which begins at `at`.
pub(crate) fn undo(rewrite: &mut Rewrite<'_>, at: usize, word: &str) {
    let inner = bare(word);
    let at = at + (inner.as_ptr() as usize - word.as_ptr() as usize);
    let Some((letters, others)) = mixture(inner.as_bytes()) else {
        return;
    };
    // A number stays one, unless it may be a word of one or two letters.
    if others == 0 || (letters == 0 && inner.len() > 2) {
        return;
    }
    let letters: String = inner.bytes().map(|byte| char::from(letter(byte))).collect();
    rewrite.replace(at..at + inner.len(), &letters);
}
