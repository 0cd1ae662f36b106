//! Text of lines: logs, search results, what programs print.

mod alarm;
pub(crate) mod ansi;
pub(crate) mod fold;
pub(crate) mod grep;
mod lex;
mod shape;
pub(crate) mod templates;
#[cfg(test)]
mod tests;
