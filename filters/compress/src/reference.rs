//! What stands verbatim earlier in the same request is named, not repeated.

use crate::block::Kinds;
use crate::step::Step;

/// What tools said earlier in the same request, as it is forwarded.
#[derive(Default)]
pub struct Earlier {}

impl Earlier {
    /// Remembers a block that was forwarded verbatim; `call` is the id of its call, by which it can be named.
    pub fn add(&mut self, _call: &str, _tool: Option<&str>, _text: &str) {}
}

/// The text with what stands earlier named; `None`: nothing does.
pub(crate) fn refer(_text: &str, _earlier: &Earlier, _kinds: Kinds) -> Option<(Step, String)> {
    None
}
