//! What is cut in two where one part ends and the next begins.

use super::floor_boundary;
use crate::judge::Engine;
use sallyport_exchange::{Finding, Kind, Part, PartView};

/// How much text on either side of the seam between two adjoining parts is looked at as one.
const SEAM: usize = 256;

impl Engine {
    /// Looks across the seams between adjoining parts of one author in one message, so that nothing
    /// hides by being cut in two blocks. A finding over a seam becomes one in each of its parts.
    pub(super) fn inspect_seams(
        &self,
        views: &[PartView<'_>],
        parts: &[Part],
        findings: &mut Vec<Finding>,
    ) {
        let mut across = Vec::new();
        let mut joined = String::new();
        for (pair, places) in views.windows(2).zip(parts.windows(2)) {
            let [a, b] = pair else { continue };
            let adjoins =
                a.author == b.author && a.kind == b.kind && places[0].message == places[1].message;
            if !adjoins
                || !matches!(a.kind, Kind::Text | Kind::ToolResult | Kind::Reasoning)
                || a.tool != b.tool
            {
                continue;
            }
            let tail_at = floor_boundary(a.text, a.text.len().saturating_sub(SEAM));
            let head = &b.text[..floor_boundary(b.text, SEAM.min(b.text.len()))];
            joined.clear();
            joined.push_str(&a.text[tail_at..]);
            let seam = joined.len();
            joined.push_str(head);
            across.clear();
            self.inspect(
                &PartView {
                    text: &joined,
                    ..*a
                },
                &mut across,
            );
            for finding in across.drain(..) {
                if finding.range.start < seam && finding.range.end > seam {
                    let first = finding.range.start + tail_at..a.text.len();
                    let second = 0..finding.range.end - seam;
                    findings.push(Finding {
                        range: first,
                        part: a.id,
                        ..finding.clone()
                    });
                    findings.push(Finding {
                        range: second,
                        part: b.id,
                        ..finding
                    });
                }
            }
        }
    }
}
