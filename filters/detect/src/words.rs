//! Lists of words, and where they stand in a text.

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use std::ops::Range;
use std::sync::LazyLock;

/// Words to look for, whatever the case of ASCII letters.
#[derive(Debug)]
pub(crate) struct List {
    words: &'static [&'static str],
    /// The length of the longest.
    most: usize,
    /// None never happens: so few words always fit in a table.
    search: Option<AhoCorasick>,
}

impl List {
    pub fn new(words: &'static [&'static str]) -> Self {
        let search = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            .ascii_case_insensitive(true)
            .build(words);
        List {
            words,
            most: words.iter().map(|word| word.len()).max().unwrap_or(0),
            search: search.ok(),
        }
    }

    /// Whether any of them stands in `body`.
    pub fn any_in(&self, body: &[u8]) -> bool {
        self.search
            .as_ref()
            .is_some_and(|search| search.is_match(body))
    }
}

/// The places of a list's words in one text, as far as it was asked about them. Stretches that
/// overlap are read once, if they are asked about from left to right.
#[derive(Debug)]
pub(crate) struct Places {
    list: &'static LazyLock<List>,
    searched: Range<usize>,
    /// For each word its places in what was searched, in order.
    places: Vec<Vec<usize>>,
    /// How many bytes were read so far; for tests.
    #[cfg(test)]
    pub read: usize,
}

impl Places {
    pub const fn new(list: &'static LazyLock<List>) -> Self {
        Places {
            list,
            searched: 0..0,
            places: Vec::new(),
            #[cfg(test)]
            read: 0,
        }
    }

    /// The words that stand in `range`, by their number in the list.
    pub fn within(
        &mut self,
        bytes: &[u8],
        range: Range<usize>,
    ) -> impl Iterator<Item = usize> + '_ {
        self.search(bytes, &range);
        let list = self.list.words;
        let stands = move |&(word, places): &(usize, &Vec<usize>)| {
            let next = places.partition_point(|&at| at < range.start);
            places
                .get(next)
                .is_some_and(|at| at + list[word].len() <= range.end)
        };
        let words = self.places.iter().enumerate().filter(stands);
        words.map(|(word, _)| word)
    }

    /// Reads what of `range` was not read before.
    fn search(&mut self, bytes: &[u8], range: &Range<usize>) {
        let Some(search) = &self.list.search else {
            return;
        };
        self.places.resize_with(self.list.words.len(), Vec::new);
        if range.start < self.searched.start || self.searched.end < range.start {
            self.searched = range.start..range.start;
            self.places.iter_mut().for_each(Vec::clear);
        }
        if range.end <= self.searched.end {
            return;
        }
        // A word may have begun in what was searched.
        let overlap = self.searched.end.saturating_sub(self.list.most - 1);
        let from = overlap.max(self.searched.start);
        for found in search.find_overlapping_iter(&bytes[from..range.end]) {
            if from + found.end() > self.searched.end {
                self.places[found.pattern().as_usize()].push(from + found.start());
            }
        }
        self.searched.end = range.end;
        #[cfg(test)]
        {
            self.read += range.end - from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::letters::contains_any;
    use proptest::prelude::*;

    const WORDS: [&str; 6] = [
        "llm",
        "lm ",
        "password",
        "passwords",
        "ai agent",
        "<important>",
    ];
    static LIST: LazyLock<List> = LazyLock::new(|| List::new(&WORDS));

    proptest! {
        #[test]
        fn what_is_remembered_is_what_a_fresh_look_finds(
            words in prop::collection::vec((0..WORDS.len() + 3, any::<bool>()), 0..12),
            ranges in prop::collection::vec((0usize..80, 0usize..80), 1..20),
            sorted: bool,
        ) {
            let word = |(word, upper): (usize, bool)| match WORDS.get(word) {
                Some(word) if upper => word.to_ascii_uppercase(),
                Some(word) => (*word).to_owned(),
                None => "l".to_owned(),
            };
            let text: String = words.into_iter().map(word).collect();
            let bytes = text.as_bytes();
            let mut ranges: Vec<_> = ranges
                .into_iter()
                .map(|(start, len)| (start.min(bytes.len()), (start + len).min(bytes.len())))
                .collect();
            if sorted {
                ranges.sort_unstable();
            }
            let mut places = Places::new(&LIST);
            for (start, end) in ranges {
                let fresh: Vec<usize> = (0..WORDS.len())
                    .filter(|&word| contains_any(&bytes[start..end], &[WORDS[word]]))
                    .collect();
                prop_assert_eq!(LIST.any_in(&bytes[start..end]), !fresh.is_empty());
                prop_assert_eq!(places.within(bytes, start..end).collect::<Vec<_>>(), fresh);
            }
        }
    }
}
