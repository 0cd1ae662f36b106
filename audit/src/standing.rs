//! How the log is doing.

use std::collections::BTreeMap;

/// Why a record is not in the log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, thiserror::Error)]
pub enum NotKept {
    /// Too many records wait already.
    #[error("too many audit records are waiting to be written")]
    Queue,
    /// The disk is full.
    #[error("the disk of the audit log is full")]
    Full,
    /// The disk fails.
    #[error("the disk of the audit log fails")]
    Io,
    /// The record is longer than a line may be.
    #[error("the audit record is too long")]
    TooLong,
    /// What should have made the record's body failed.
    #[error("the audit record could not be made")]
    Body,
    /// The log is closed.
    #[error("the audit log is closed")]
    Closed,
}

impl NotKept {
    /// All of them, for tables.
    pub const ALL: [NotKept; 6] = [
        NotKept::Queue,
        NotKept::Full,
        NotKept::Io,
        NotKept::TooLong,
        NotKept::Body,
        NotKept::Closed,
    ];

    /// A stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            NotKept::Queue => "queue",
            NotKept::Full => "full",
            NotKept::Io => "io",
            NotKept::TooLong => "too_long",
            NotKept::Body => "body",
            NotKept::Closed => "closed",
        }
    }
}

/// A record that is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kept {
    /// Its place in the log.
    pub seq: u64,
    /// Whether it is on the disk, and not only written: always in strict mode.
    pub synced: bool,
}

/// How the log is doing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Standing {
    /// Records in the log: the size of its tree.
    pub size: u64,
    /// Of these, those that may not be on the disk yet.
    pub unsynced: u64,
    /// Of these, those that no checkpoint covers yet.
    pub unsigned: u64,
    /// Records that are lost, exactly: noted ones that found no room or went with an error, and kept ones that a
    /// failing disk took back. Those whose caller was told `NotKept` are not among them.
    pub lost: u64,
    /// Records written by this process, by their kind.
    pub written: BTreeMap<&'static str, u64>,
    /// Records not kept, by the reason, whether their caller was told or they were only noted.
    pub failures: BTreeMap<NotKept, u64>,
    /// What went wrong last, in words.
    pub last_error: Option<String>,
    /// When the last checkpoint was signed, in nanoseconds since 1970.
    pub last_checkpoint_ns: Option<i64>,
    /// The log takes no records until an error is got over, or cannot sign what it has.
    pub degraded: bool,
}
