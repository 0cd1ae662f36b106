//! What the gateway tells the console of itself: plain, owned, and without secrets.

use serde::{Deserialize, Serialize};

/// How everything stands, as of one request.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// Sallyport's version.
    pub version: String,
    /// When the gateway started: nanoseconds since 1970; 0 if that is not said.
    pub started_ns: i64,
    /// Whether the operators' listener has a loopback address: only then is the console shown without a token.
    pub loopback: bool,
    /// Why the gateway is not ready; empty if it is.
    pub not_ready: Vec<String>,
    /// The policies.
    pub policies: PolicyFacts,
    /// The keys.
    pub keys: KeyFacts,
    /// The upstreams.
    pub upstreams: Vec<UpstreamFacts>,
    /// The tool servers; nothing if none are configured.
    pub tools: Option<ToolFacts>,
    /// The semantic firewall; nothing if it does not run.
    pub firewall: Option<FirewallFacts>,
    /// What compression saved since the start, by team.
    pub savings: Vec<SavingFacts>,
    /// Bytes of originals that are kept; nothing if none are.
    pub originals_bytes: Option<u64>,
    /// The audit log; nothing if there is none.
    pub audit: Option<AuditFacts>,
    /// Telemetry; nothing if nothing is exported.
    pub telemetry: Option<TelemetryFacts>,
    /// Decision records that were lost.
    pub records_dropped: u64,
}

/// The policies.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PolicyFacts {
    /// The revision in force.
    pub revision: String,
    /// Since when: nanoseconds since 1970.
    pub since_ns: i64,
    /// The folder.
    pub path: Option<String>,
    /// Why what is there now is not in force.
    pub error: Option<String>,
    /// Whether the platform has rules of its own.
    pub platform: bool,
    /// Teams with a policy.
    pub teams: Vec<String>,
    /// Files that they were made from.
    pub files: Vec<String>,
    /// How often something new came into force, and was refused.
    pub loads: u64,
    /// See `loads`.
    pub failures: u64,
    /// What their tests said; nothing if they were not run.
    pub tests: Option<TestFacts>,
}

/// What policies' tests said.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TestFacts {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that did not, by name.
    pub failed: Vec<String>,
}

/// The keys.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyFacts {
    /// What is in force, as a line.
    pub revision: String,
    /// Why what is there now is not in force.
    pub error: Option<String>,
    /// Each key; never the key itself.
    pub keys: Vec<KeyFact>,
}

/// One key.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyFact {
    /// Its name.
    pub key: String,
    /// The team.
    pub team: String,
    /// The agent.
    pub agent: String,
}

/// An upstream.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UpstreamFacts {
    /// Its name.
    pub name: String,
    /// Its address, without anything secret.
    pub address: String,
    /// What it speaks.
    pub speaks: String,
    /// Whether it is sent a key of ours.
    pub key: bool,
    /// Routes that lead to it, each as a line.
    pub routes: Vec<String>,
}

/// The tool servers.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ToolFacts {
    /// Sessions of agents.
    pub sessions: u64,
    /// The lock file; nothing if none is configured.
    pub lock: Option<LockFacts>,
    /// Each server.
    pub servers: Vec<ServerFacts>,
}

/// The lock file.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LockFacts {
    /// Its name.
    pub file: String,
    /// Whether it is signed.
    pub signed: bool,
    /// Why what is there now is not in force.
    pub error: Option<String>,
}

/// A tool server.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerFacts {
    /// Its name.
    pub name: String,
    /// How it is reached, without arguments or anything secret.
    pub reached: String,
    /// Teams that see it; empty for every team.
    pub teams: Vec<String>,
    /// Its tools that are pinned, with the beginning of the digest that each is pinned by; nothing if the lock does not
    /// name the server.
    pub pinned: Option<Vec<PinFact>>,
    /// Sessions that were begun.
    pub opened: u64,
    /// Sessions that could not be.
    pub failed: u64,
    /// Messages that went nowhere.
    pub lost: u64,
}

/// A pinned tool.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PinFact {
    /// The tool.
    pub tool: String,
    /// Its digest, or the beginning of it.
    pub digest: String,
}

/// The semantic firewall, counted since the start.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FirewallFacts {
    /// The model, as a line.
    pub model: Option<String>,
    /// Texts by the stage that decided them, in the order of the cascade: `("cache", 12)`.
    pub decided: Vec<(String, u64)>,
    /// Windows of text that the model was asked about.
    pub windows: u64,
    /// Windows that wait for it now.
    pub waiting: u64,
    /// Verdicts that are remembered.
    pub remembered: u64,
    /// Times that the model did not answer, by why: `("late", 1)`.
    pub unavailable: Vec<(String, u64)>,
    /// Seconds that screening took.
    pub screen_seconds: f64,
    /// Seconds that were waited for the model.
    pub model_seconds: f64,
}

/// What compression saved.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SavingFacts {
    /// The team.
    pub team: String,
    /// `observe`, `lossless`, `reversible`.
    pub mode: String,
    /// Which forms: `lossless`, `reversible`.
    pub plan: String,
    /// Tokens (o200k) of what was rewritten, as it came.
    pub before: u64,
    /// As it went on.
    pub after: u64,
    /// What that is on the bill, in tokens read afresh.
    pub billed: f64,
}

/// The audit log.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditFacts {
    /// Its folder.
    pub folder: String,
    /// `strict` or `fast`.
    pub mode: String,
    /// The log's name in its checkpoints.
    pub origin: String,
    /// Records in the tree.
    pub tree_size: u64,
    /// Records that are not yet on disk.
    pub unsynced: u64,
    /// Records that were lost.
    pub lost: u64,
    /// Times that it could not be written.
    pub failures: u64,
    /// The root hash of the last checkpoint, or the beginning of it.
    pub root: Option<String>,
    /// When that was signed: nanoseconds since 1970.
    pub checkpoint_ns: Option<i64>,
    /// Why it cannot be written now.
    pub error: Option<String>,
}

/// Telemetry.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TelemetryFacts {
    /// Where it goes, without anything secret.
    pub endpoint: String,
    /// How.
    pub protocol: String,
    /// Spans that were sent.
    pub sent: u64,
    /// Spans that were dropped: too many waited.
    pub dropped: u64,
    /// Spans that the collector did not take.
    pub failed: u64,
    /// What the collector said last, if it was no.
    pub error: Option<String>,
}
