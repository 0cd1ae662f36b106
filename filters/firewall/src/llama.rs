//! The transformer: weights are loaded, text becomes windows of tokens, a pool of contexts gives each window's scores.
//!
//! [`Model::load`] takes weights only if they have the digest that was expected. [`Model::pieces`] and
//! [`Model::windows`] cut text; [`Pool::score`] has windows judged within a deadline, or says at once that it cannot.
//!
//! llama.cpp ends the process where it finds a mistake of the caller (`GGML_ASSERT`), and so nothing that it would
//! object to may get there: the file is read over before it ([`gguf`]), windows are never longer than the positions
//! that the model has, special tokens in text are text. What remains, a well-formed file that is not a model, is what
//! the digest is for: who configures weights vouches for them.
//!
//! Only this module knows llama.cpp, and there is no unsafe code in it.

mod digest;
mod error;
mod gguf;
mod guard;
mod label;
mod model;
mod pool;
mod processor;
mod runner;
mod scratch;
mod text;

pub use digest::{Digest, NotADigest};
pub use error::{LoadError, Unavailable};
pub use guard::Guard;
pub use label::{Label, probabilities};
pub use model::{Model, Reads, Source};
pub use pool::{Pool, Size};
pub use text::{Piece, Shape, Token, Window};
