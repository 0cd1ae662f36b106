//! What can be wrong with a log.

use std::fmt;

/// What kind of wrong it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum What {
    /// A record differs from what was signed.
    Changed,
    /// A line is no record.
    Malformed,
    /// A record stands where another should: something was taken out, put in, or swapped.
    Sequence,
    /// A record does not follow from the one before it.
    Chain,
    /// The log ends before the size that was signed.
    Truncated,
    /// A segment is not there, and no `retention` record says why.
    SegmentMissing,
    /// The records are a whole chain, and not the one that was signed.
    Root,
    /// The checkpoint is not there.
    CheckpointMissing,
    /// The checkpoint is damaged, or signed by another key, or another log's.
    Checkpoint,
    /// A checkpoint in the file `checkpoints` is damaged, or contradicts the records.
    History,
    /// A later checkpoint is known than the one that stands.
    RolledBack,
    /// A checkpoint that was held elsewhere contradicts the log.
    Contradicted,
    /// A tile is damaged, and the records that it could be made from are gone.
    Tile,
    /// There is no key to check with.
    Key,
    /// Something cannot be read.
    Unreadable,
}

impl What {
    /// A stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            What::Changed => "changed",
            What::Malformed => "malformed",
            What::Sequence => "sequence",
            What::Chain => "chain",
            What::Truncated => "truncated",
            What::SegmentMissing => "segment_missing",
            What::Root => "root",
            What::CheckpointMissing => "checkpoint_missing",
            What::Checkpoint => "checkpoint",
            What::History => "history",
            What::RolledBack => "rolled_back",
            What::Contradicted => "contradicted",
            What::Tile => "tile",
            What::Key => "key",
            What::Unreadable => "unreadable",
        }
    }
}

/// The first thing that is wrong with a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bad {
    /// The first record that is bad, where one is to blame. For [`What::Root`], the first that may be.
    pub seq: Option<u64>,
    /// The file it lies in, relative to the log's folder.
    pub segment: Option<String>,
    /// The line of that file, counted from 1.
    pub line: Option<u64>,
    /// What kind of wrong it is.
    pub what: What,
    /// The same for people: what was found, and what was expected.
    pub words: String,
}

impl Bad {
    pub(crate) fn new(what: What, words: impl Into<String>) -> Bad {
        Bad {
            seq: None,
            segment: None,
            line: None,
            what,
            words: words.into(),
        }
    }

    pub(crate) fn unreadable(path: &str, error: impl fmt::Display) -> Bad {
        Bad::new(
            What::Unreadable,
            format!("`{path}` cannot be read: {error}"),
        )
    }

    pub(crate) fn at(mut self, seq: u64) -> Bad {
        self.seq = Some(seq);
        self
    }

    /// `line` is counted from 1.
    pub(crate) fn in_file(mut self, path: impl Into<String>, line: Option<u64>) -> Bad {
        self.segment = Some(path.into());
        self.line = line;
        self
    }
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(seq) = self.seq {
            write!(f, "record {seq}")?;
            match (&self.segment, self.line) {
                (Some(segment), Some(line)) => write!(f, " (`{segment}`, line {line}): ")?,
                (Some(segment), None) => write!(f, " (`{segment}`): ")?,
                _ => f.write_str(": ")?,
            }
        }
        f.write_str(&self.words)
    }
}

impl std::error::Error for Bad {}
