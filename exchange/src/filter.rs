//! What a filter is: it looks at one part and says what is in it.

use crate::finding::{Finding, Report};
use crate::part::{Author, Kind, PartView};

/// Looks at parts and reports findings. Pure: no clock, no network, no memory of other parts; it can
/// neither change nor deny (ARCHITECTURE.md, "find, decide, act").
pub trait Filter: Send + Sync {
    /// A short name for traces and metrics.
    fn name(&self) -> &'static str;

    /// Whether this filter wants to see parts of this kind by this author.
    fn wants(&self, kind: Kind, author: Author) -> bool;

    /// Reports what is in `part`. Must not panic on any text.
    fn inspect(&self, part: &PartView<'_>, report: &mut Report<'_>);

    /// Reports what is in all parts of one body. What `inspect` says of each that is wanted, unless the
    /// filter would rather look at them together: one that asks a model asks once.
    fn inspect_all(&self, parts: &[PartView<'_>], findings: &mut Vec<Finding>) {
        for part in parts {
            if self.wants(part.kind, part.author) {
                self.inspect(part, &mut Report::new(part.id, findings));
            }
        }
    }

    /// The same as `inspect` for a part that is still being written: what is not settled may be left
    /// out, since it is asked for again.
    fn inspect_growing(&self, part: &PartView<'_>, report: &mut Report<'_>) {
        self.inspect(part, report);
    }

    /// For text that is still being written: the byte offset up to which findings are final.
    ///
    /// Whatever text may follow, `inspect` on the longer text finds the same things ending at or before
    /// this offset, and nothing new that starts before it. On a character boundary. A text of which
    /// nothing is settled gives 0. It only ever grows as text is added.
    fn settled(&self, text: &str) -> usize;

    /// Where to start reading again when text is added after `settled`: everything before this offset
    /// cannot change what is found after `settled`. At most `settled`.
    fn lookbehind(&self, text: &str, settled: usize) -> usize;
}
