//! Words that others choose, told apart only up to a bound.

use crate::limits::DISTINCT_MAX;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What stands for every word that came after the bound was reached.
pub(crate) const OTHER: &str = "other";
/// Bytes of a word.
const WORD_BYTES_MAX: usize = 200;

/// The words seen so far of each kind.
#[derive(Default)]
pub(crate) struct Vocabulary {
    kinds: HashMap<&'static str, HashSet<Arc<str>>>,
    other: Option<Arc<str>>,
}

impl Vocabulary {
    /// The word, or [`OTHER`] if there are too many of this kind already.
    pub fn word(&mut self, kind: &'static str, word: &str) -> Arc<str> {
        let known = self.kinds.entry(kind).or_default();
        if let Some(known) = known.get(word) {
            return known.clone();
        }
        let room = known.len() < DISTINCT_MAX && word.len() <= WORD_BYTES_MAX;
        if !room {
            return self.other.get_or_insert_with(|| OTHER.into()).clone();
        }
        let word: Arc<str> = word.into();
        known.insert(word.clone());
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_words_are_kept_and_the_rest_is_other() {
        let mut words = Vocabulary::default();
        for n in 0..DISTINCT_MAX * 3 {
            let word = format!("m{n}");
            let got = words.word("model", &word);
            assert_eq!(got.as_ref(), if n < DISTINCT_MAX { &word } else { OTHER });
        }
        assert_eq!(words.word("model", "m1").as_ref(), "m1");
        assert_eq!(words.word("tool", "m9999").as_ref(), "m9999");
        assert_eq!(words.word("tool", &"x".repeat(201)).as_ref(), OTHER);
    }
}
