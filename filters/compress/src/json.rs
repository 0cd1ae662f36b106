//! JSON, and what wraps it.

pub(crate) mod elide;
pub(crate) mod minify;
pub(crate) mod table;
pub(crate) mod unwrap;
