//! The Model Context Protocol as messages: what one is, which method it has, which revision it follows.
//!
//! Read by spans like everything else: a [`Message`] says where the envelope's values stand, so that ids and
//! names can be changed without touching anything else. What a message *says* is read by
//! [`crate::Dialect::Mcp`] into parts.

mod message;
mod method;
mod revision;
mod words;

pub use message::{Envelope, Message, Place, Shape, envelopes};
pub use method::{Method, Side};
pub use revision::{Era, Revision};
pub use words::{Code, error, fault, refused, refused_result, tool_error};

/// Messages in one JSON-RPC batch (only 2025-03-26 has batches).
pub const BATCH_MAX: usize = 64;
