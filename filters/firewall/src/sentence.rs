//! Text that a model writes is judged a sentence at a time, so that a stream need not wait for more than one.

use std::ops::Range;

/// A sentence without an end is cut at the first space past this many bytes.
pub const SENTENCE_MAX: usize = 512;

/// The sentences of `text`, one after the other without gaps. Where one ends depends on nothing before it,
/// so that the sentences of a longer text begin with the same ones. The last may be unfinished.
pub fn sentences(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
        let end = start + end(rest).unwrap_or(rest.len());
        let found = start..end;
        start = end;
        Some(found)
    })
}

/// Where the last finished sentence ends, in bytes.
pub fn finished(text: &str) -> usize {
    let mut done = 0;
    while let Some(end) = end(&text[done..]) {
        done += end;
    }
    done
}

/// The end of the first sentence, white space after it included; `None` while more text could move it.
fn end(text: &str) -> Option<usize> {
    let mut stopped = false;
    let mut after: Option<usize> = None;
    for (at, c) in text.char_indices() {
        if let Some(end) = after {
            if c.is_whitespace() {
                after = Some(at + c.len_utf8());
                continue;
            }
            return Some(end);
        }
        let next = at + c.len_utf8();
        let far = at >= SENTENCE_MAX;
        if c == '\n' || (c.is_whitespace() && (stopped || far)) || matches!(c, '。' | '！' | '？')
        {
            after = Some(next);
        } else if at >= 2 * SENTENCE_MAX {
            return Some(next);
        }
        stopped = matches!(c, '.' | '!' | '?' | ':' | ';' | '…')
            || (stopped && matches!(c, '"' | '\'' | ')' | ']' | '*' | '”' | '’'));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_cover_the_text_and_the_last_is_open() {
        let text = "One. Two (so to say).  Three!\nFour: e.g. 3.14 is \"pi\". And";
        let found: Vec<&str> = sentences(text).map(|range| &text[range]).collect();
        assert_eq!(
            found,
            [
                "One. ",
                "Two (so to say).  ",
                "Three!\n",
                "Four: ",
                "e.g. ",
                "3.14 is \"pi\". ",
                "And"
            ]
        );
        assert_eq!(finished(text), text.len() - 3);
    }

    #[test]
    fn what_follows_moves_no_end() {
        let text =
            "Eins. Zwei drei 四。五！ six\n\n seven? ".to_owned() + &"x".repeat(3000) + " y. z";
        let whole: Vec<_> = sentences(&text).collect();
        for (at, _) in text.char_indices() {
            let done = finished(&text[..at]);
            let cut: Vec<_> = sentences(&text[..done]).collect();
            assert!(whole.starts_with(&cut), "differs at {at}");
        }
    }

    #[test]
    fn no_sentence_is_longer_than_allowed() {
        for text in ["x".repeat(10_000), "x ".repeat(5_000), " ".repeat(50_000)] {
            let longest = sentences(text.trim_start()).map(|r| r.len()).max();
            assert!(longest.unwrap_or(0) <= 2 * SENTENCE_MAX + 4);
        }
    }
}
