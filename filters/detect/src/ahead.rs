//! Looking ahead for the same thing from place after place, without reading anything twice.

use crate::classes::{self, BASE64_URL, DOT, EQUALS, PLUS_SLASH, SPACE};
use crate::words::Places;
use crate::{hidden, links};
use memchr::{memchr, memmem};
use std::ops::Range;

/// What the openers of one text look ahead for. An opener that is repeated over a whole text shares
/// what it reads with the others, so that all of them cost no more than a few looks over the text.
#[derive(Debug)]
pub(crate) struct Aheads {
    pub comment_end: Ahead,
    pub tag_end: Ahead,
    pub element_end: Ahead,
    pub key_end: Ahead,
    pub key_letters_end: Ahead,
    pub attribute_end: Ahead,
    pub markdown_end: Ahead,
    pub cues: Places,
    pub script_words: Places,
}

impl Default for Aheads {
    fn default() -> Self {
        Aheads {
            comment_end: Ahead::new(3, |bytes| memmem::find(bytes, b"-->")),
            tag_end: Ahead::new(1, |bytes| memchr(b'>', bytes)),
            element_end: Ahead::new(2, |bytes| memmem::find(bytes, b"</")),
            key_end: Ahead::new(8, |bytes| memmem::find(bytes, b"-----END")),
            key_letters_end: Ahead::new(1, |bytes| bytes.iter().position(|&byte| !in_key(byte))),
            attribute_end: Ahead::new(1, |bytes| bytes.iter().position(|&byte| ends_address(byte))),
            markdown_end: Ahead::new(1, |bytes| {
                let ends = |&byte: &u8| ends_address(byte) || byte == b')';
                bytes.iter().position(ends)
            }),
            cues: hidden::cues(),
            script_words: links::script_words(),
        }
    }
}

/// What the body of a private key is written with, escapes and headers among it.
fn in_key(byte: u8) -> bool {
    classes::is(byte, BASE64_URL | PLUS_SLASH | EQUALS | SPACE | DOT)
        || matches!(byte, b'\\' | b':' | b',')
}

/// What no address of a link goes on after.
fn ends_address(byte: u8) -> bool {
    matches!(
        byte,
        0..=b' ' | b'"' | b'\'' | b'<' | b'>' | b'`' | b'\\' | 0x80..
    )
}

/// Where something stands next, for places that move on, or hardly back.
#[derive(Debug)]
pub(crate) struct Ahead {
    /// How long it is, in bytes.
    len: usize,
    /// Where it first stands.
    first: fn(&[u8]) -> Option<usize>,
    /// What was searched. It stands nowhere in this, or first at `found`.
    searched: Range<usize>,
    found: Option<usize>,
    /// How many bytes were read so far; for tests.
    #[cfg(test)]
    pub read: usize,
}

impl Ahead {
    const fn new(len: usize, first: fn(&[u8]) -> Option<usize>) -> Self {
        Ahead {
            len,
            first,
            searched: 0..0,
            found: None,
            #[cfg(test)]
            read: 0,
        }
    }

    /// The first place where it lies wholly within `range`.
    pub fn find(&mut self, bytes: &[u8], range: Range<usize>) -> Option<usize> {
        let passed = self.found.is_some_and(|found| found < range.start);
        let apart = range.end < self.searched.start || self.searched.end < range.start;
        if passed || apart {
            self.searched = range.start..range.start;
            self.found = None;
        }
        if range.start < self.searched.start {
            // It may end in what was searched.
            let most = (self.searched.start + self.len - 1).min(bytes.len());
            self.found = self.read(bytes, range.start..most).or(self.found);
            self.searched.start = range.start;
        }
        if self.found.is_none() && self.searched.end < range.end {
            // It may have begun in what was searched.
            let least = self.searched.end.saturating_sub(self.len - 1);
            let from = least.max(self.searched.start);
            self.found = self.read(bytes, from..range.end);
            self.searched.end = self.found.map_or(range.end, |found| found + self.len);
        }
        if self.found.is_some_and(|found| found < range.start) {
            // What began in what was searched and ends beyond it may begin before the range: look from there anew.
            return self.find(bytes, range);
        }
        self.found.filter(|found| found + self.len <= range.end)
    }

    fn read(&mut self, bytes: &[u8], range: Range<usize>) -> Option<usize> {
        let found = (self.first)(&bytes[range.clone()]).map(|offset| range.start + offset);
        #[cfg(test)]
        {
            self.read += found.unwrap_or(range.end) - range.start;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anchors;
    use crate::scan::{Scan, Wanted};
    use proptest::prelude::*;

    /// How many bytes are read ahead in one scan of `text`.
    fn read(text: &str) -> usize {
        let wanted = Wanted {
            secrets: true,
            links: true,
            hidden_html: true,
            ..Wanted::default()
        };
        let mut scan = Scan::new(text, wanted);
        anchors::scan(&mut scan);
        let aheads = &scan.aheads;
        let places = [
            &aheads.comment_end,
            &aheads.tag_end,
            &aheads.element_end,
            &aheads.key_end,
            &aheads.key_letters_end,
            &aheads.attribute_end,
            &aheads.markdown_end,
        ];
        let words = aheads.cues.read + aheads.script_words.read;
        words + places.iter().map(|ahead| ahead.read).sum::<usize>()
    }

    /// Each of these is looked at over hundreds or thousands of bytes; without what is remembered,
    /// from every opener again.
    #[test]
    fn what_repeated_openers_read_ahead_is_read_a_few_times_at_most() {
        for opener in [
            "<!--",
            "<!-- ignore ",
            "<!-- llm --",
            "<a style=\"display:none\">",
            "<a style=\"display:none\">password ",
            "<p style=\"opacity:0 color:white",
            "](http://a.b/",
            "](javascript:",
            "src=http://a.b/?",
            "src=href=javascript:",
            "-----BEGIN PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\n",
            "<!--](http://a.b/ -----BEGIN PRIVATE KEY-----",
        ] {
            let text = opener.repeat(100_000 / opener.len());
            let read = read(&text);
            assert!(read > 0, "{opener:?} is looked at");
            assert!(read < 8 * text.len(), "{opener:?}: {read} bytes were read");
        }
    }

    #[test]
    fn what_straddles_the_end_of_what_was_searched_may_begin_too_early() {
        let bytes = b"a>a-> -  >>  a- -->";
        let mut ahead = Ahead::new(3, |bytes| memmem::find(bytes, b"-->"));
        assert_eq!(ahead.find(bytes, 5..18), None);
        assert_eq!(ahead.find(bytes, 17..19), None);
        assert_eq!(ahead.find(bytes, 5..19), Some(16));
    }

    proptest! {
        #[test]
        fn what_is_remembered_is_what_a_fresh_look_finds(
            text in "[-> a]{0,80}",
            ranges in prop::collection::vec((0usize..80, 0usize..80), 1..20),
            sorted: bool,
        ) {
            let bytes = text.as_bytes();
            let mut ranges: Vec<_> = ranges
                .into_iter()
                .map(|(start, len)| (start.min(bytes.len()), (start + len).min(bytes.len())))
                .collect();
            if sorted {
                ranges.sort_unstable();
            }
            let mut ahead = Ahead::new(3, |bytes| memmem::find(bytes, b"-->"));
            for (start, end) in ranges {
                let fresh = memmem::find(&bytes[start..end], b"-->").map(|offset| start + offset);
                prop_assert_eq!(ahead.find(bytes, start..end), fresh);
            }
        }
    }
}
