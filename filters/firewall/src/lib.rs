//! The semantic firewall: a small classifier in the gateway's own process that scores what agents read and
//! write for attacks on the model.
//!
//! A cascade ([`Cascade`](cascade::Cascade)): what is known already; then the forms in which a text can be read,
//! patterns, and an n-gram model that clears the clearly harmless ([`screen`]); then the transformer in llama.cpp
//! for what is undecided ([`Pool`]). Start with [`Firewall`], which is the filter.

pub mod boundary;
mod cache;
mod calibration;
pub mod cascade;
mod channel;
mod counts;
mod firewall;
mod llama;
mod narrow;
pub mod ngram;
mod patterns;
pub mod screen;
mod sentence;
pub mod shipped;
mod verdict;

pub use calibration::{Calibration, LENGTHS, Scale, Uncalibrated};
pub use cascade::{Limits, Said, Wait};
pub use channel::Channel;
pub use counts::Counted;
pub use firewall::{Firewall, Options, StartError, labels, name};
pub use llama::{
    Digest, Guard, Label, LoadError, Model, NotADigest, Piece, Pool, Reads, Shape, Size, Source,
    Token, Unavailable, Window, probabilities,
};
pub use ngram::{Malformed, Ngram, Scored};
pub use patterns::Patterns;
pub use verdict::{Hot, Stage, Verdict};
