//! Compression, as it is meant.

use std::path::PathBuf;
use std::time::Duration;

/// What all teams share of compression.
#[derive(Clone, Debug)]
pub struct Compression {
    /// Where originals are kept; `None`: nothing is left out.
    pub originals: Option<Originals>,
    /// Bytes of remembered forms.
    pub memory: usize,
}

/// A folder of originals.
#[derive(Clone, Debug)]
pub struct Originals {
    /// Where.
    pub folder: PathBuf,
    /// Bytes at most.
    pub bytes_max: u64,
    /// How long after it was last sent.
    pub keep: Duration,
}
