//! Text of lines: logs, search results, what programs print.

pub(crate) mod ansi;
pub(crate) mod fold;
pub(crate) mod grep;
pub(crate) mod templates;
