//! Attacks on agents in what they read and write, found by models.

pub mod ngram;

pub use ngram::{Malformed, Ngram, Scored};
