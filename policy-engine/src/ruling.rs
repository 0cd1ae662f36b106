//! A ruling, and the only bytes that may leave: those a ruling has cleared.

use crate::decision::{Settings, Warning};
use crate::judge::Terms;
use bytes::Bytes;
use sallyport_exchange::{Denial, Edits, Finding, Payload};
use std::fmt;
use std::sync::Arc;

/// Bytes that may leave. Nothing but a ruling, or the gate that rules on a stream, makes one.
#[derive(Clone, Default)]
pub struct Cleared(Bytes);

impl fmt::Debug for Cleared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cleared, {} bytes", self.0.len())
    }
}

impl Cleared {
    pub(crate) fn new(bytes: Bytes) -> Self {
        Cleared(bytes)
    }

    /// The bytes, to be sent.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// The same message under another address: ids, names and headers of the envelope, which the gateway changes
    /// because it stands between the two. Nothing else may be changed here: it would leave unjudged.
    pub fn readdressed(self, edits: &Edits) -> Self {
        Cleared(edits.apply(&self.0))
    }

    /// What was cleared, within a message of another shape: `body` says nothing that this did not say.
    pub fn reshaped(self, body: Bytes) -> Self {
        Cleared(body)
    }

    /// The bytes, to be digested.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, to be looked at.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What was decided of one tool call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallRuling {
    /// The tool.
    pub tool: String,
    /// The rule that refused it; `None`: it may run.
    pub refused_by: Option<Arc<str>>,
}

/// What was found and decided along the way; all of it is for the record.
#[derive(Clone, Debug, Default)]
pub struct Trail {
    /// What the filters saw.
    pub findings: Vec<Finding>,
    /// Kind and author of the part of each finding, in the same order.
    pub seen_in: Vec<(sallyport_exchange::Kind, sallyport_exchange::Author)>,
    /// Rules that spoke, each once.
    pub rules: Vec<Arc<str>>,
    /// What policies wanted noted.
    pub warnings: Vec<Warning>,
    /// Tools taken out of what was offered.
    pub hidden: Vec<String>,
    /// Tool calls that were judged.
    pub calls: Vec<CallRuling>,
    /// Patterns of findings that policies wanted masked.
    pub redact: Vec<String>,
    /// Findings that were masked.
    pub masked: usize,
    /// What went wrong inside a policy; for the log only.
    pub detail: Option<String>,
    /// Time in filters and in policy, in nanoseconds, where a clock was given.
    pub spent: Spent,
}

/// Where the time of judging went, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// In filters.
    pub inspect_ns: u64,
    /// In policies.
    pub policy_ns: u64,
    /// In each filter, by its name, where a body was inspected whole; those beyond the last share its place.
    pub filters_ns: [(&'static str, u64); FILTERS_MAX],
}

/// Filters whose time is told apart.
pub const FILTERS_MAX: usize = 8;

impl Trail {
    pub(crate) fn note_rules(&mut self, rules: Vec<Arc<str>>) {
        for rule in rules {
            if !self.rules.contains(&rule) {
                self.rules.push(rule);
            }
        }
    }

    pub(crate) fn note_warnings(&mut self, warnings: Vec<Warning>) {
        for warning in warnings {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
    }
}

/// The outcome of judging one whole body.
#[derive(Debug)]
pub struct Ruling {
    pub(crate) verdict: Result<Bytes, Denial>,
    pub(crate) edited: bool,
    /// What was found and decided.
    pub trail: Trail,
    /// What the policies set.
    pub settings: Settings,
}

impl Ruling {
    /// The bytes that may leave: the payload's own, or with the edits that were ruled.
    pub fn clear(&self) -> Result<Cleared, Denial> {
        self.verdict.clone().map(Cleared)
    }

    /// What the answer is to be judged with.
    pub fn terms(&self, payload: &Payload) -> Terms {
        Terms {
            hidden: self.trail.hidden.clone(),
            model: payload.model().map(str::to_owned),
            ..Terms::default()
        }
    }

    /// Why it was refused, if it was.
    pub fn denial(&self) -> Option<&Denial> {
        self.verdict.as_ref().err()
    }

    /// Whether the body leaves otherwise than it came.
    pub fn is_edited(&self) -> bool {
        self.edited && self.verdict.is_ok()
    }
}
