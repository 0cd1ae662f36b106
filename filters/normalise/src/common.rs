//! Does this look like language? A few words that every text of some length has.

/// Words of English and of its neighbours that stand in nearly every sentence, sorted. None is another one's mirror
/// image or thirteen letters away, so that a text cannot look like language in two ways.
const WORDS: &[&str] = &[
    "about",
    "access",
    "after",
    "agent",
    "all",
    "also",
    "and",
    "any",
    "are",
    "assistant",
    "aus",
    "been",
    "before",
    "but",
    "can",
    "como",
    "con",
    "das",
    "data",
    "delete",
    "der",
    "die",
    "email",
    "est",
    "file",
    "first",
    "follow",
    "for",
    "forget",
    "from",
    "give",
    "has",
    "have",
    "how",
    "ignore",
    "instruction",
    "instructions",
    "into",
    "ist",
    "its",
    "les",
    "los",
    "make",
    "message",
    "mit",
    "more",
    "must",
    "new",
    "nicht",
    "not",
    "now",
    "only",
    "our",
    "out",
    "para",
    "password",
    "please",
    "por",
    "pour",
    "previous",
    "prompt",
    "que",
    "reply",
    "reveal",
    "rules",
    "say",
    "send",
    "should",
    "show",
    "system",
    "tell",
    "that",
    "the",
    "their",
    "them",
    "then",
    "there",
    "they",
    "this",
    "una",
    "und",
    "user",
    "was",
    "what",
    "when",
    "which",
    "who",
    "will",
    "with",
    "without",
    "would",
    "you",
    "your",
];

/// The longest of them.
const LONGEST: usize = 12;

/// Whether `word`, in letters of any case, is one of them.
pub(crate) fn is_common(word: impl Iterator<Item = u8>) -> bool {
    let mut small = [0u8; LONGEST];
    let mut len = 0;
    for byte in word {
        let Some(place) = small.get_mut(len) else {
            return false;
        };
        *place = byte.to_ascii_lowercase();
        len += 1;
    }
    len >= 3
        && WORDS
            .binary_search_by(|word| word.as_bytes().cmp(&small[..len]))
            .is_ok()
}

/// The letter thirteen places on.
pub(crate) fn rot13(byte: u8) -> u8 {
    match byte {
        b'a'..=b'm' | b'A'..=b'M' => byte + 13,
        b'n'..=b'z' | b'N'..=b'Z' => byte - 13,
        _ => byte,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_sorted_and_mean_one_thing() {
        assert!(WORDS.is_sorted());
        for word in WORDS {
            assert!(word.len() <= LONGEST && is_common(word.bytes()), "{word}");
            assert!(!is_common(word.bytes().rev()), "{word} backwards");
            assert!(!is_common(word.bytes().map(rot13)), "{word} by rot13");
        }
    }
}
