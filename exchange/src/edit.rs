//! Edits: how a body changes, by sorted and disjoint byte ranges, and in no other way.

use crate::json::string;
use crate::part::{Coding, Segment};
use crate::span::Span;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use std::borrow::Cow;
use std::ops::Range;

/// One replacement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edit {
    /// What goes.
    pub span: Span,
    /// What stands there instead, already written as the place demands.
    pub with: String,
}

/// Replacements in one body. Invariant: sorted by place, disjoint.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Edits(Vec<Edit>, Known);

/// How far one string was walked when it was edited last, so that a string with many edits is walked once.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Known {
    /// The string, between its quotes.
    raw: Span,
    decoded: usize,
    at: usize,
}

impl Edits {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The replacements, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Edit> {
        self.0.iter()
    }

    /// Adds a replacement. Where it meets earlier ones, all become one: the widest keeps its words, so a
    /// dropped element swallows a redaction inside it.
    pub fn insert(&mut self, mut edit: Edit) {
        let first = self
            .0
            .partition_point(|e| e.span.end <= edit.span.start && e.span != edit.span);
        let mut last = first;
        while let Some(met) = self
            .0
            .get(last)
            .filter(|e| e.span.start < edit.span.end || e.span == edit.span)
        {
            if met.span.len() >= edit.span.len() {
                edit.with.clone_from(&met.with);
            }
            edit.span.start = edit.span.start.min(met.span.start);
            edit.span.end = edit.span.end.max(met.span.end);
            last += 1;
        }
        self.0.splice(first..last, [edit]);
    }

    /// Puts `with` in place of `range` of the text that `segment` of `source` was read into. `range` counts
    /// in that text and lies within the segment. Fast where edits come in the order of the text.
    pub fn insert_segment(
        &mut self,
        source: &str,
        segment: &Segment,
        range: Range<usize>,
        with: &str,
    ) {
        let edit = segment_edit(source, segment, range, with, &mut self.1);
        self.insert(edit);
    }

    /// The bytes with the edits made. Without edits: the very same bytes, not a copy.
    pub fn apply(&self, source: &Bytes) -> Bytes {
        if self.is_empty() {
            return source.clone();
        }
        let added: usize = self.0.iter().map(|e| e.with.len()).sum();
        let mut out = BytesMut::with_capacity(source.len() + added);
        let mut at = 0;
        for edit in &self.0 {
            out.extend_from_slice(&source[at..edit.span.start as usize]);
            out.extend_from_slice(edit.with.as_bytes());
            at = edit.span.end as usize;
        }
        out.extend_from_slice(&source[at..]);
        out.freeze()
    }
}

fn segment_edit(
    source: &str,
    segment: &Segment,
    range: Range<usize>,
    with: &str,
    known: &mut Known,
) -> Edit {
    let start = segment.text.start as usize;
    let within = range.start.saturating_sub(start)..range.end.saturating_sub(start);
    match segment.coding {
        Coding::Plain => Edit {
            span: Span::new(within.start, within.end).shifted(segment.raw.start as usize),
            with: with.to_owned(),
        },
        Coding::String if segment.raw.len() == segment.text.len() => {
            // Nothing is escaped.
            string_edit(segment.raw, within, with)
        }
        Coding::String => {
            let raw = &source[segment.raw.range()];
            string_edit(segment.raw, known.find(raw, segment.raw, within), with)
        }
        Coding::Number => Edit {
            span: segment.raw,
            with: string::quoted(with),
        },
        Coding::Base64 => base64_edit(&source[segment.raw.range()], segment.raw, within, with),
        Coding::Nested { outer, number } => {
            let outer_raw = &source[outer.range()];
            let inner = decoded(outer_raw);
            let edit = if number {
                Edit {
                    span: segment.raw,
                    with: string::quoted(with),
                }
            } else {
                let found = string::raw_range(&inner[segment.raw.range()], within);
                string_edit(segment.raw, found, with)
            };
            let found = string::raw_range(outer_raw, edit.span.range());
            string_edit(outer, found, &edit.with)
        }
    }
}

impl Known {
    /// Where the decoded bytes `range` stand in `raw`, which stands at `at`.
    fn find(&mut self, raw: &str, at: Span, range: Range<usize>) -> Range<usize> {
        let goes_on = self.raw == at && self.decoded <= range.start;
        let from = match goes_on {
            true => (self.decoded, self.at),
            false => (0, 0),
        };
        let decoded = range.end;
        let found = string::raw_range_from(raw, from, range);
        *self = Known {
            raw: at,
            decoded,
            at: found.end,
        };
        found
    }
}

/// Edits the raw bytes `found` of the content of a JSON string, which stands at `at`.
fn string_edit(at: Span, found: Range<usize>, with: &str) -> Edit {
    let mut encoded = String::with_capacity(with.len());
    string::encode(with, &mut encoded);
    Edit {
        span: Span::new(found.start, found.end).shifted(at.start as usize),
        with: encoded,
    }
}

/// Edits the decoded bytes `range` of the base64 in `raw`, which stands at `at`. Only whole groups of three bytes
/// change, so that what follows stays as it was written: words that do not fill a group are filled with spaces.
fn base64_edit(raw: &str, at: Span, range: Range<usize>, with: &str) -> Edit {
    let groups = range.start / 3..range.end.div_ceil(3).min(raw.len() / 4);
    let coded = groups.start * 4..groups.end * 4;
    let bytes = STANDARD.decode(&raw[coded.clone()]).unwrap_or_default();
    let first = groups.start * 3;
    let kept = |range: Range<usize>| bytes.get(range).unwrap_or_default();
    let mut edited = kept(0..range.start - first).to_vec();
    edited.extend_from_slice(with.as_bytes());
    let after = kept((range.end - first).min(bytes.len())..bytes.len());
    if coded.end < raw.len() {
        let odd = (edited.len() + after.len()) % 3;
        edited.resize(edited.len() + (3 - odd) % 3, b' ');
    }
    edited.extend_from_slice(after);
    Edit {
        span: Span::new(coded.start, coded.end).shifted(at.start as usize),
        with: STANDARD.encode(edited),
    }
}

fn decoded(raw: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', raw.as_bytes()).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut text = String::with_capacity(raw.len());
    string::decode(raw, &mut text);
    Cow::Owned(text)
}

/// What to delete so that some of several comma-separated items go and the rest stays a list.
/// `items` are in order; `gone` says which go. If all go, the answer is one span over all of them.
pub fn cuts(items: &[Span], gone: impl Fn(usize) -> bool) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut at = 0;
    while at < items.len() {
        if !gone(at) {
            at += 1;
            continue;
        }
        let first = at;
        while at < items.len() && gone(at) {
            at += 1;
        }
        let start = match first.checked_sub(1) {
            // With the comma before it.
            Some(kept) => items[kept].end,
            None => items[first].start,
        };
        let end = match (first, items.get(at)) {
            // Nothing is kept before: the comma after it goes too.
            (0, Some(kept)) => kept.start,
            _ => items[at - 1].end,
        };
        spans.push(Span { start, end });
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn edit(start: usize, end: usize, with: &str) -> Edit {
        Edit {
            span: Span::new(start, end),
            with: with.to_owned(),
        }
    }

    #[test]
    fn no_edits_give_the_very_same_bytes() {
        let source = Bytes::from_static(b"{\"a\": 1.0}");
        let same = Edits::default().apply(&source);
        assert_eq!(same.as_ptr(), source.as_ptr());
    }

    #[test]
    fn meeting_edits_become_one_and_the_widest_keeps_its_words() {
        let mut edits = Edits::default();
        edits.insert(edit(2, 4, "x"));
        edits.insert(edit(8, 9, "y"));
        edits.insert(edit(0, 6, "W"));
        edits.insert(edit(3, 5, "z"));
        assert_eq!(edits.apply(&Bytes::from_static(b"0123456789")), "W67y9");
    }

    #[test]
    fn a_number_becomes_a_string_and_nesting_is_escaped_twice() {
        let source = r#"{"arguments":"{\"card\": 4111, \"note\": \"a\\nb\"}"}"#;
        let outer = Span::new(14, source.len() - 2);
        let inner = decoded(&source[outer.range()]).into_owned();
        let at = inner.find("4111").unwrap();
        let segment = Segment {
            text: Span::new(0, 4),
            raw: Span::new(at, at + 4),
            coding: Coding::Nested {
                outer,
                number: true,
            },
        };
        let mut edits = Edits::default();
        edits.insert_segment(source, &segment, 0..4, "[\"x\"]");
        let out = edits.apply(&Bytes::from(source.to_owned()));
        let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let args: serde_json::Value =
            serde_json::from_str(json["arguments"].as_str().unwrap()).unwrap();
        assert_eq!(args["card"], "[\"x\"]");
        assert_eq!(args["note"], "a\nb");
    }

    proptest! {
        #[test]
        fn edits_change_only_their_spans(
            source in "[a-z]{0,60}",
            spans in proptest::collection::vec((0usize..60, 0usize..10), 0..8),
        ) {
            let mut edits = Edits::default();
            let mut touched = vec![false; source.len()];
            for (start, len) in spans {
                let start = start.min(source.len());
                let end = (start + len).min(source.len());
                touched[start..end].fill(true);
                edits.insert(edit(start, end, "#"));
            }
            let list: Vec<_> = edits.iter().collect();
            prop_assert!(list.windows(2).all(|w| w[0].span.end <= w[1].span.start));
            let kept: String = source.char_indices().filter(|(i, _)| !touched[*i]).map(|(_, c)| c).collect();
            let out = edits.apply(&Bytes::from(source.clone()));
            let out: String = String::from_utf8_lossy(&out).replace('#', "");
            prop_assert_eq!(out, kept);
        }

        #[test]
        fn cutting_items_leaves_a_list(gone in proptest::collection::vec(any::<bool>(), 1..8)) {
            let mut source = String::from("[ ");
            let mut items = Vec::new();
            for i in 0..gone.len() {
                if i > 0 { source.push_str(" , "); }
                let start = source.len();
                source.push_str(&i.to_string());
                items.push(Span::new(start, source.len()));
            }
            source.push_str(" ]");
            let mut edits = Edits::default();
            for span in cuts(&items, |i| gone[i]) {
                edits.insert(Edit { span, with: String::new() });
            }
            let out = edits.apply(&Bytes::from(source));
            let left: Vec<usize> = serde_json::from_slice(&out).unwrap();
            let expected: Vec<usize> = (0..gone.len()).filter(|i| !gone[*i]).collect();
            prop_assert_eq!(left, expected);
        }
    }
}
