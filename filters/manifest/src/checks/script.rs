//! Words of letters from several scripts that pass for words of one.

use crate::clean::latin;
use crate::finding::{Hit, MIXED_SCRIPT, Severity};
use crate::leaves::Leaf;
use unicode_script::{Script, UnicodeScript as _};

/// The shortest word that is looked at, in letters: shorter ones are units and symbols, such as `μm`.
const WORD_MIN: usize = 3;
/// The most words told of one text.
const WORDS_MAX: usize = 4;

/// Reports words with Latin letters and letters of other scripts that look Latin. Where the others do not
/// look Latin (`使用API`, `Δt`), nobody is misled.
pub(crate) fn check(leaf: &Leaf<'_, '_>, hits: &mut Vec<Hit>) {
    if leaf.text.is_ascii() {
        return;
    }
    let mut told = 0;
    let mut at = 0;
    for word in leaf.text.split(|c: char| !c.is_alphanumeric()) {
        if let Some(other) = foreign(word) {
            hits.push(Hit {
                label: MIXED_SCRIPT,
                severity: Severity::Refusal,
                score: 0.9,
                range: at..at + word.len(),
                says: format!(
                    "a word of Latin letters in which U+{:04X} is {}",
                    other as u32,
                    other.script().full_name()
                ),
            });
            told += 1;
        }
        if told == WORDS_MAX {
            return;
        }
        at += word.len();
        at += leaf.text[at..].chars().next().map_or(0, char::len_utf8);
    }
}

/// A letter of another script that helps `word` pass for a Latin one.
fn foreign(word: &str) -> Option<char> {
    if word.is_ascii() {
        return None;
    }
    let own = |c: char| {
        matches!(
            c.script(),
            Script::Latin | Script::Common | Script::Inherited
        )
    };
    let other = word.chars().find(|c| !own(*c))?;
    let passes = |c: char| own(c) || latin(c).bytes().all(|b| b.is_ascii_alphabetic());
    let real = word.chars().any(|c| c.script() == Script::Latin);
    (real && word.chars().nth(WORD_MIN - 1).is_some() && word.chars().all(passes)).then_some(other)
}
