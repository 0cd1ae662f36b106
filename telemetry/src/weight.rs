//! How much memory an exchange holds, roughly, while it waits.

use sallyport_record::Observed;

/// Bytes of an exchange that says next to nothing.
const BASE: usize = 2 << 10;
/// Bytes of an entry of its lists.
const ENTRY: usize = 192;

/// Bytes, roughly and rather too many. It is asked of every exchange, so it only adds up lengths.
pub(crate) fn weight(observed: &Observed) -> usize {
    let record = &observed.record;
    let entries = record.findings.len() + record.calls.len() + observed.parts.len();
    let texts: usize = observed
        .parts
        .iter()
        .filter_map(|part| part.text.as_ref())
        .map(String::len)
        .sum();
    BASE + entries * ENTRY + texts
}
