//! Tools as they were pinned: what differs is held back until somebody approves it.
use sallyport_exchange::{Finding, PartId};
/// Pins.
pub struct Pins;
impl Pins {
    /// Names of those tools that are held back.
    pub fn held_back<'t>(
        &self,
        _server: &str,
        _declarations: impl IntoIterator<Item = &'t str>,
    ) -> Vec<String> {
        Vec::new()
    }
    /// Findings.
    pub fn findings(&self, _server: &str, _part: PartId, _declaration: &str) -> Vec<Finding> {
        Vec::new()
    }
}
