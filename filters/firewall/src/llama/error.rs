//! Why weights were not loaded, and why scores were not given.

use std::io;

use super::Digest;

/// Why a model cannot be used. Each says what to do; `file` is the path, or `the weights inside the program`.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The program was compiled for more than this processor can do.
    #[error(
        "this processor lacks {lacks}, which this build's llama.cpp uses: build with those switched off \
         (filters/firewall/README.md), or run without the model"
    )]
    Processor {
        /// The missing instructions' names.
        lacks: String,
    },
    /// The file cannot be read.
    #[error("cannot read {file}: {why}; is the path right, and may this user read it?")]
    Read {
        /// Which weights.
        file: String,
        /// What the system said.
        why: io::Error,
    },
    /// There is no room, in memory or on disk, for the copy that llama.cpp reads.
    #[error("no room for a checked copy of {file}: {why}")]
    Copy {
        /// Which weights.
        file: String,
        /// What the system said.
        why: io::Error,
    },
    /// The file is another than was expected.
    #[error(
        "{file} has SHA-256 {found}, not {expected}: it is damaged or another file; fetch it again, or, if you meant to \
         change it, set the digest to what was found"
    )]
    Digest {
        /// Which weights.
        file: String,
        /// The digest that it has.
        found: Digest,
        /// The digest that it should have.
        expected: Digest,
    },
    /// The file is no GGUF, or one that is cut off.
    #[error("{file} is not a GGUF that can be read ({why}): fetch it again, or convert the model")]
    NotGguf {
        /// Which weights.
        file: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The file holds a model that cannot do what it is configured for.
    #[error("{file} holds no model of the kind it is configured as: {why}")]
    Foreign {
        /// Which weights.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// The classifier's outputs have no labels that are known here.
    #[error("{file}: {why}; say in `labels` what each output means")]
    Labels {
        /// Which weights.
        file: String,
        /// What is wrong with them.
        why: String,
    },
    /// The prompt of a generative guard does not fit the model.
    #[error("the guard's prompt: {why}")]
    Prompt {
        /// What is wrong with it.
        why: &'static str,
    },
    /// llama.cpp would not load it.
    #[error(
        "llama.cpp refused {file}: tensors are missing, have other shapes, or there is no memory for them"
    )]
    Refused {
        /// Which weights.
        file: String,
    },
    /// llama.cpp could not be started, or a context could not be made.
    #[error("llama.cpp could not be started: {why}")]
    Start {
        /// What it said.
        why: String,
    },
}

/// Why there are no scores: never a verdict on the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// More windows were waiting than the queue takes: said at once.
    #[error("the firewall's queue is full")]
    Overloaded,
    /// The deadline passed first.
    #[error("the firewall did not answer in time")]
    Late,
    /// llama.cpp failed, or the pool has stopped.
    #[error("the firewall's model failed")]
    Failed,
}
