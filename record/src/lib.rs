//! What is known of an exchange once it has ended: the record that is written down, and what only those see who watch.
//!
//! The gateway makes one [`Observed`] of each exchange and hands it to everybody who wants to know: the decision log and
//! the audit log write its [`Record`]; telemetry makes spans of it, the console shows it. Nobody else measures anything.

mod content;
mod observed;
mod parts;
mod record;
mod trace;

pub use observed::{
    Mark, Observed, PARTS_MAX, PartSeen, Peer, STAGES_MAX, Said, Settings, Stage, StageName,
    TEXT_BYTES_MAX,
};
pub use parts::{
    Blame, BytesRecord, CallRecord, CallerRecord, CompressionRecord, DigestsRecord, FailureRecord,
    FindingRecord, McpRecord, Micros, SavedRecord, UsageRecord, Verdict, WarningRecord,
};
pub use record::{Record, rfc3339, shorten};
pub use trace::{SpanId, Trace, TraceId, TraceParent};

/// A word from a list that is fixed, or was when it was written.
pub type Word = std::borrow::Cow<'static, str>;
