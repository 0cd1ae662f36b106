//! The parts of an exchange: always their shape, their words where they are kept, and what was found in them.

use crate::request::encode;
use crate::words::{bytes, count};
use maud::{Markup, html};
use sallyport_record::{FindingRecord, Mark, Observed, PartSeen};

/// The section.
pub(crate) fn parts(observed: &Observed) -> Markup {
    let record = &observed.record;
    let belongs = |finding: &&FindingRecord, part: &PartSeen| {
        finding.part == part.part && finding.flow == part.flow
    };
    let stray: Vec<&FindingRecord> = record
        .findings
        .iter()
        .filter(|finding| !observed.parts.iter().any(|part| belongs(finding, part)))
        .collect();
    let worded = observed.parts.iter().any(|part| part.text.is_some());
    html! {
        section.parts { h2 { "Parts" span.soft { " " (observed.parts.len()) @if observed.parts_left_out > 0 { ", and " (observed.parts_left_out) " left out" } } }
            @if !observed.parts.is_empty() && !worded { p.soft { "Their words are not kept: only their shape is, and where in them something was found." } }
            @if observed.parts.is_empty() { p.soft { "Nothing of the bodies was read." } }
            ol { @for part in &observed.parts {
                (show(part, record.findings.iter().filter(|finding| belongs(finding, part)).collect()))
            } }
            @if !stray.is_empty() { h3 { "Found elsewhere" } (findings(&stray)) }
        }
    }
}

fn show(part: &PartSeen, found: Vec<&FindingRecord>) -> Markup {
    let hot = !found.is_empty() || !part.marks.is_empty();
    html! {
        li.part.hot[hot] {
            p.shape {
                span class={ "flow " (if part.flow == "answer" { "answer" } else { "request" }) } { (part.flow) }
                " " span.soft { "#" (part.part) } " " strong { (part.kind) } " " span.soft { "by " } (part.author)
                @if let Some(tool) = &part.tool { " " a.tool href={ "/?tool=" (encode(tool)) } { (tool) } }
                " " span.soft { (bytes(part.bytes)) }
            }
            @if let Some(text) = &part.text {
                pre tabindex="0" aria-label={ "Words of part " (part.part) } { (marked(text, &part.marks)) }
                @if (text.len() as u64) < part.bytes && part.marks.iter().all(|mark| !mark.masked) { p.soft { "The beginning: " (count(text.len() as u64)) " of " (count(part.bytes)) " bytes." } }
            }
            @if !found.is_empty() { (findings(&found)) }
        }
    }
}

fn findings(found: &[&FindingRecord]) -> Markup {
    html! {
        ul.findings { @for finding in found {
            li { a.finding href={ "/?finding=" (encode(&finding.label)) } { (finding.label) }
                " " span.soft { "score " } (format!("{:.2}", finding.score)) " " span.soft { "bytes " (finding.start) "–" (finding.end) " of " (finding.kind) " by " (finding.author) }
                @if let Some(text) = &finding.text { " " q { (text) } } }
        } }
    }
}

/// The nearest place between characters at or before `at`, or at or after it.
fn boundary(text: &str, at: usize, after: bool) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at = if after { at + 1 } else { at - 1 };
    }
    at
}

/// A text with what was found in it marked. Where marks overlap, the one that begins first has the place, and of those the longest.
fn marked(text: &str, marks: &[Mark]) -> Markup {
    let mut marks: Vec<(usize, usize, &Mark)> = marks
        .iter()
        .map(|mark| {
            (
                boundary(text, mark.start, false),
                boundary(text, mark.end, true),
                mark,
            )
        })
        .collect();
    marks.sort_by_key(|(start, end, _)| (*start, std::cmp::Reverse(*end)));
    let mut pieces: Vec<(&str, Option<&Mark>)> = Vec::new();
    let mut at = 0;
    for (start, end, mark) in marks {
        let start = start.max(at);
        if start >= end {
            continue;
        }
        pieces.push((&text[at..start], None));
        pieces.push((&text[start..end], Some(mark)));
        at = end;
    }
    pieces.push((&text[at..], None));
    html! {
        @for (piece, mark) in pieces {
            @match mark {
                None => (piece),
                Some(mark) => mark.masked[mark.masked] title={ (mark.label) @if mark.masked { ", masked" } } { (piece) span.label { (mark.label) @if mark.masked { ", masked" } } },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(start: usize, end: usize) -> Mark {
        Mark {
            start,
            end,
            label: "x".into(),
            masked: false,
        }
    }

    #[test]
    fn marks_may_overlap_lie_outside_and_cut_characters() {
        let text = "aé<b>";
        let shown = marked(
            text,
            &[
                mark(1, 2),
                mark(2, 4),
                mark(9, 12),
                mark(4, 3),
                mark(3, 900),
            ],
        )
        .into_string();
        assert_eq!(
            shown,
            "a<mark class=\"\" title=\"x\">é&lt;<span class=\"label\">x</span></mark><mark class=\"\" title=\"x\">b&gt;<span class=\"label\">x</span></mark>"
        );
    }
}
