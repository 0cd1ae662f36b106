//! A text that flows in is found to hold the same things as the whole of it.

mod planted;

use proptest::prelude::*;
use sallyport_detect::{Detectors, HOLDBACK_MAX};
use sallyport_exchange::{Author, Filter, Finding, Kind, PartId, PartView, Report};

fn inspect(detectors: &Detectors, text: &str) -> Vec<(usize, usize, &'static str)> {
    let part = PartView {
        id: PartId(0),
        json: None,
        kind: Kind::ToolResult,
        author: Author::Tool,
        tool: None,
        text,
    };
    let mut findings: Vec<Finding> = Vec::new();
    detectors.inspect(&part, &mut Report::new(part.id, &mut findings));
    let mut found: Vec<_> = findings
        .into_iter()
        .map(|f| (f.range.start, f.range.end, f.label.0))
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Looks at `text` as the gate does: at each cut, from `lookbehind` on, keeping what is newly settled.
fn flow(detectors: &Detectors, text: &str, cuts: &[usize]) -> Vec<(usize, usize, &'static str)> {
    let mut found = Vec::new();
    let mut before = 0;
    for &cut in cuts {
        let so_far = &text[..cut];
        let settled = detectors.settled(so_far);
        assert!(
            settled >= before,
            "settled went back from {before} to {settled} at {cut} of {:?}",
            &text[..cut.min(4000)]
        );
        assert!(so_far.is_char_boundary(settled) && so_far.len() - settled <= HOLDBACK_MAX);
        take(detectors, so_far, before, settled, false, &mut found);
        before = settled;
    }
    take(detectors, text, before, text.len(), true, &mut found);
    found.sort();
    found
}

fn take(
    detectors: &Detectors,
    text: &str,
    before: usize,
    settled: usize,
    last: bool,
    found: &mut Vec<(usize, usize, &'static str)>,
) {
    let from = detectors.lookbehind(text, before);
    assert!(from <= before && text.is_char_boundary(from));
    for (start, end, label) in inspect(detectors, &text[from..]) {
        let (start, end) = (start + from, end + from);
        if start >= before && (end <= settled || last) {
            found.push((start, end, label));
        }
    }
}

fn check(text: &str, steps: &[usize]) {
    let detectors = Detectors::default();
    let mut cuts = Vec::new();
    let mut at = 0;
    let mut steps = steps.iter().cycle();
    while at < text.len() {
        at += steps.next().map_or(1, |step| (*step).max(1));
        while !text.is_char_boundary(at.min(text.len())) {
            at += 1;
        }
        at = at.min(text.len());
        cuts.push(at);
    }
    let whole = inspect(&detectors, text);
    let flowed = flow(&detectors, text, &cuts);
    let missed: Vec<_> = whole
        .iter()
        .filter(|found| !flowed.contains(found))
        .map(|found| (found, &text[found.0..found.1]))
        .collect();
    let extra: Vec<_> = flowed
        .iter()
        .filter(|found| !whole.contains(found))
        .map(|found| (found, &text[found.0..found.1]))
        .collect();
    assert!(
        missed.is_empty() && extra.is_empty(),
        "missed {missed:?}\nextra {extra:?}\ntext {text:?}"
    );
}

fn pieces() -> impl Strategy<Value = String> {
    let planted = planted::all();
    prop_oneof![
        4 => prop::sample::select(planted::PROSE).prop_map(str::to_owned),
        6 => prop::sample::select(planted),
        1 => "[a-zA-Z0-9+/]{1,80}",
        1 => "[0-9 .+()-]{1,30}",
        1 => "\\PC{1,20}",
        1 => "[\u{200b}\u{200d}\u{fe0f}\u{e0041}-\u{e007a}\u{e0100}-\u{e01ef}]{1,12}",
        1 => (1usize..900).prop_map(|count| "QUJDREVGR0hJSktMTU5P".repeat(count / 20 + 1)),
    ]
}

fn glue() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&[" ", "\n", "", ", ", "\n\n", ": ", "=", "文", "/", "%20"][..])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn flowing_text_is_judged_like_the_whole(
        parts in prop::collection::vec((pieces(), glue()), 1..14),
        steps in prop::collection::vec(1usize..40, 1..20),
    ) {
        let text: String = parts.iter().map(|(piece, glue)| format!("{piece}{glue}")).collect();
        check(&text, &steps);
    }
}

#[test]
fn every_planted_thing_is_found_however_it_is_cut() {
    for thing in planted::all() {
        let text = format!("Some words before {thing} and some after it, 12 of them.");
        for step in [1, 2, 3, 7, 64] {
            check(&text, &[step]);
        }
    }
}

#[test]
fn a_very_long_token_is_judged_alike() {
    let secret = planted::github();
    for gap in [0, 1, 1900, 2047, 2048, 2049, 4100, 9000] {
        let text = format!(
            "{}={secret}={}{}",
            "QUJDREVG".repeat(gap / 8),
            "eHh4".repeat(1500),
            planted::all().join("/")
        );
        check(&text, &[13, 200, 1]);
        check(&text, &[701]);
    }
    check(&"\u{200b}".repeat(3000), &[100]);
    check(&format!("a{}b", "\u{e0041}".repeat(3000)), &[97]);
}

#[test]
fn prose_is_held_back_little() {
    let detectors = Detectors::default();
    let text = planted::PROSE.join(" ");
    let mut most = 0;
    for (cut, _) in text.char_indices() {
        most = most.max(cut - detectors.settled(&text[..cut]));
    }
    assert!(
        most <= 72,
        "{most} bytes held back, where the longest token has 67"
    );
}

/// A key longer than one block: every letter of it lies in some finding, to its last line.
#[test]
fn a_long_private_key_leaks_no_tail() {
    for (lines, size) in [(94, 64), (130, 64), (220, 76), (300, 64)] {
        let body: String = (0..lines)
            .map(|line| format!("{}\n", &planted::letters(size + 40)[line % 40..][..size]))
            .collect();
        let key = format!(
            "-----BEGIN {0}-----\n{body}{1}==\n-----END {0}-----",
            "PRIVATE KEY",
            planted::letters(9)
        );
        let text =
            format!("Here it is:\n{key}\nThat was it, and nothing more is to come after it.");
        let found = inspect(&Detectors::default(), &text);
        let at = text.find("-----BEGIN").expect("a key");
        let covered = found
            .iter()
            .filter(|found| found.2 == "secret.private_key")
            .fold(at, |end, &(start, stop, _)| {
                assert_eq!(start, end, "no gap in {found:?}");
                stop
            });
        assert_eq!(covered, at + key.len(), "{lines} lines: {found:?}");
        check(&text, &[701, 13]);
        check(&text, &[64]);
    }
}
