//! The checks as a filter: tools on offer in a chat's body profit from them as well.

use crate::checks::{plain, words};
use sallyport_exchange::json::Tape;
use sallyport_exchange::{Author, Filter, Kind, PartView, Report};

/// Reports `tool.name`, `tool.mixed_script`, `tool.invisible`, `tool.instructions` and `tool.oversized` in tools
/// on offer. What needs other tools, a lock, or a schema's meaning is not for a filter, which sees one part.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offers;

fn text_hits(text: &str, report: &mut Report<'_>) {
    for hit in plain(text) {
        report.found(hit.label, hit.range, hit.score);
    }
}

impl Filter for Offers {
    fn name(&self) -> &'static str {
        "tool-offers"
    }

    fn wants(&self, kind: Kind, _author: Author) -> bool {
        kind == Kind::ToolOffer
    }

    fn inspect(&self, part: &PartView<'_>, report: &mut Report<'_>) {
        let Some(tape) = part.json.and_then(|json| Tape::read_str(json).ok()) else {
            // Not JSON: all of it is words.
            return text_hits(part.text, report);
        };
        words(tape.root(), &mut |leaf, hit| {
            let range = leaf.at + hit.range.start..leaf.at + hit.range.end;
            // The words of a part are those of its JSON. Should they ever not be, all of them are meant.
            match part.text.get(range.clone()) {
                Some(found) if *found == leaf.text[hit.range] => {
                    report.found(hit.label, range, hit.score)
                }
                _ => report.found(hit.label, 0..part.text.len(), hit.score),
            }
        });
    }

    /// Offers come whole; of one that did not, nothing would be settled.
    fn settled(&self, _text: &str) -> usize {
        0
    }

    fn lookbehind(&self, _text: &str, _settled: usize) -> usize {
        0
    }
}
