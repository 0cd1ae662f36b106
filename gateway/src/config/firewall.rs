//! The semantic firewall, as it is meant.

use sallyport_firewall::{Digest, Reads};
use std::path::PathBuf;
use std::time::Duration;

/// How the firewall runs.
#[derive(Clone, Debug)]
pub struct Firewall {
    /// Certain words always go to the model.
    pub patterns: bool,
    /// An n-gram model clears what is clearly harmless.
    pub ngram: bool,
    /// Which model is asked; `None`: none is.
    pub model: Option<FirewallModel>,
    /// Windows read at the same time. At least 1.
    pub contexts: usize,
    /// Threads for each. At least 1.
    pub threads: usize,
    /// Windows that may wait.
    pub queue: usize,
    /// How long the model is waited for.
    pub deadline: Duration,
    /// Windows of one text that are read.
    pub windows: usize,
    /// Verdicts that are kept.
    pub cache: usize,
}

/// Which model is asked.
#[derive(Clone, Debug)]
pub enum FirewallModel {
    /// The one that is built in.
    Shipped,
    /// One of the team's own.
    Own {
        /// The GGUF file.
        file: PathBuf,
        /// What it must be.
        digest: Digest,
        /// How it is asked, and how its answer is read.
        reads: Reads,
    },
}
