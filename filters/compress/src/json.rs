//! JSON, and what wraps it.

mod blanks;
mod cut;
pub(crate) mod elide;
mod escape;
pub(crate) mod minify;
mod node;
pub(crate) mod table;
pub(crate) mod unwrap;
mod varint;

#[cfg(test)]
mod tests;
