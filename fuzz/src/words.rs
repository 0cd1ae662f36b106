//! Words that flow in: the detectors find the same as in the whole of them.

use crate::take;
use sallyport_detect::Detectors;
use sallyport_exchange::{Author, Filter, Finding, Kind, PartId, PartView, Report};

type Found = Vec<(usize, usize, &'static str)>;

fn inspect(detectors: &Detectors, text: &str) -> Found {
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
    let mut found: Found = findings
        .into_iter()
        .map(|f| (f.range.start, f.range.end, f.label.as_str()))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Looks as the gate does: at each cut, from `lookbehind` on, keeping what is newly settled.
fn in_pieces(detectors: &Detectors, text: &str, cuts: &[usize]) -> Found {
    let mut found = Found::new();
    let mut before = 0;
    let ends = cuts
        .iter()
        .map(|cut| (*cut, false))
        .chain([(text.len(), true)]);
    for (cut, last) in ends {
        let settled = if last {
            text.len()
        } else {
            detectors.settled(&text[..cut])
        };
        assert!(settled >= before, "settled went back");
        let from = detectors.lookbehind(&text[..cut], before);
        let shifted = inspect(detectors, &text[from..cut])
            .into_iter()
            .map(|(start, end, label)| (start + from, end + from, label));
        found.extend(
            shifted.filter(|(start, end, _)| *start >= before && (*end <= settled || last)),
        );
        before = settled;
    }
    found.sort_unstable();
    found
}

/// Detectors on flowing text. Bytes: lengths of the pieces (4), text.
pub fn flow(mut data: &[u8]) {
    let lens: [u8; 4] = take(&mut data);
    let text = String::from_utf8_lossy(data);
    let mut cuts = Vec::new();
    let mut at = 0;
    for len in lens.iter().cycle().take(48) {
        at = text.ceil_char_boundary((at + *len as usize + 1).min(text.len()));
        cuts.push(at);
    }
    let detectors = Detectors::default();
    let (whole, flowed) = (
        inspect(&detectors, &text),
        in_pieces(&detectors, &text, &cuts),
    );
    assert_eq!(
        whole, flowed,
        "found otherwise when cut at {cuts:?}: {text:?}"
    );
}
