//! The pieces of a record.

use crate::Word;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What became of an exchange.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It passed as it came.
    Allowed,
    /// It passed with something masked or hidden.
    Redacted,
    /// A rule said no.
    Denied,
    /// A rule said what to do instead.
    Steered,
    /// Something broke before a verdict, or after it.
    Failed,
}

impl Verdict {
    /// All of them, for tables.
    pub const ALL: [Verdict; 5] = [
        Verdict::Allowed,
        Verdict::Redacted,
        Verdict::Denied,
        Verdict::Steered,
        Verdict::Failed,
    ];

    /// The word in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Allowed => "allowed",
            Verdict::Redacted => "redacted",
            Verdict::Denied => "denied",
            Verdict::Steered => "steered",
            Verdict::Failed => "failed",
        }
    }
}

/// Whose doing a failure is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Blame {
    /// The agent's: what it sent cannot be served, or it left.
    Agent,
    /// The upstream's: it cannot be reached, or broke.
    Upstream,
    /// The gateway's own.
    Gateway,
}

impl Blame {
    /// The word in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Blame::Agent => "agent",
            Blame::Upstream => "upstream",
            Blame::Gateway => "gateway",
        }
    }
}

/// Who asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CallerRecord {
    /// The team.
    pub team: Arc<str>,
    /// The agent's name within the team.
    pub agent: Arc<str>,
    /// The key's name.
    pub key: Arc<str>,
}

/// One finding: what and where, never the words.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FindingRecord {
    /// What it is.
    pub label: Word,
    /// How sure the detector is, 0 to 1.
    pub score: f32,
    /// What kind of part it lies in.
    pub kind: Word,
    /// Who wrote that part.
    pub author: Word,
    /// The part's place in its body.
    pub part: u32,
    /// First byte in the part's text.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
    /// `request` or `answer`.
    pub flow: Word,
    /// The words, only where `decisions.text` asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Something a policy wanted noted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WarningRecord {
    /// The rule.
    pub rule: Arc<str>,
    /// What it says, only where `decisions.text` asks for it: a policy may quote the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub say: Option<String>,
}

/// One tool call that was judged.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CallRecord {
    /// The tool's name, shortened.
    pub tool: String,
    /// What became of it.
    pub verdict: Verdict,
    /// The rule that refused it.
    pub rule: Option<Arc<str>>,
}

/// Tokens; nothing where the upstream did not say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UsageRecord {
    /// Read, cached ones included.
    pub input: Option<u64>,
    /// Written, reasoning included.
    pub output: Option<u64>,
    /// Of those read, from the provider's cache.
    pub cached: Option<u64>,
}

/// Microseconds of each stage; nothing for a stage that was not reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Micros {
    /// Until the whole request was there and read.
    pub read: Option<u64>,
    /// Spent in detectors, both ways.
    pub inspect: Option<u64>,
    /// Spent in policies, both ways.
    pub policy: Option<u64>,
    /// Spent on making results of tools small; left out where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compress: Option<u64>,
    /// Waited for the audit log; left out where it was not waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<u64>,
    /// From sending to the upstream's first byte.
    pub upstream_first: Option<u64>,
    /// From the first byte of the request to the last of the answer.
    pub total: Option<u64>,
}

/// Bytes of the two bodies.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BytesRecord {
    /// From the agent.
    pub request: u64,
    /// To the agent.
    pub answer: u64,
}

/// What broke.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FailureRecord {
    /// A stable word, such as `upstream_unreachable`.
    pub code: Word,
    /// Whose doing.
    pub blame: Blame,
}

/// What compression did in one exchange.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CompressionRecord {
    /// How far the team lets it go: `observe`, `lossless`, `reversible`.
    pub mode: Word,
    /// Results of tools that were looked at; none where it is only observed.
    pub blocks: usize,
    /// Of these, those that went on in another form.
    pub rewritten: usize,
    /// What forms without loss saved, or would have; nothing if it was not counted in time.
    pub lossless: Option<SavedRecord>,
    /// The same with forms whose original can be had back.
    pub reversible: Option<SavedRecord>,
}

/// Tokens saved (o200k).
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct SavedRecord {
    /// Of what was rewritten, as it came.
    pub tokens_before: u64,
    /// The same, as it went on.
    pub tokens_after: u64,
    /// What that is on the bill, in tokens read afresh: what the provider has in its cache already costs a tenth.
    pub billed_saved: f64,
}

/// Digests of the bodies (SHA-256, small hex digits), by which a body that somebody kept can be known for the one that passed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DigestsRecord {
    /// The request as the agent sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The request as it went on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent: Option<String>,
    /// The answer as the agent got it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// What a message between an agent and a tool server is about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct McpRecord {
    /// The method as it was written, shortened.
    pub method: String,
    /// The tool, prompt or resource it names, as the server calls it, shortened.
    pub name: Option<String>,
    /// The revision that the agent speaks.
    pub revision: Word,
}
