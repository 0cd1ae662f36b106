//! The semantic firewall, as it is written.

use crate::config::units::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The classifier that reads what agents read and write for attacks. What it finds (`injection.override`, `injection.jailbreak`, `injection.embedded`) is a fact for policies, and forbids nothing by itself.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FirewallFile {
    /// Whether it runs at all.
    pub enabled: bool,
    /// Its first stage: certain words always go to the model. Without the model they are findings.
    pub patterns: bool,
    /// Its second stage: an n-gram model clears, in microseconds, what is clearly harmless. Without it, the model reads everything.
    pub ngram: bool,
    /// Its third stage: the model. Without it, the other two decide alone.
    pub classifier: bool,
    /// Another model than the one that comes with the gateway.
    pub model: Option<ModelFile>,
    /// How many windows of text are read at the same time; 0 is one for each core.
    pub contexts: u16,
    /// How many threads read one window.
    pub threads: u16,
    /// How many windows may wait; past that the finding `unavailable` comes at once.
    pub queue: u32,
    /// How long the model is waited for, for all that is new in one body.
    pub deadline: Time,
    /// How many windows of one text are read at most, of about 900 bytes each; the rest is the finding `unscanned`.
    pub windows: u16,
    /// How many verdicts are kept, so that a history costs only what is new in it.
    pub cache: u32,
}

/// A model of your own: a classifier, or a generative guard, as GGUF.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// The GGUF file.
    pub file: String,
    /// Its SHA-256, 64 hex digits: another file is not loaded.
    pub sha256: String,
    /// What a classifier's outputs mean, in their order: `benign`, `override`, `jailbreak`, `embedded`. Unless given, the file must say so itself.
    #[serde(default)]
    pub labels: Vec<LabelFile>,
    /// For a model that answers in words.
    #[serde(default)]
    pub guard: Option<GuardFile>,
}

/// How a generative guard is asked, and how its answer is read.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GuardFile {
    /// The prompt, with the model's own markers; `{text}` stands for what is judged.
    pub template: String,
    /// The word with which an answer begins that means an attack, such as `unsafe`.
    pub attack: String,
    /// The word with which one begins that means none, such as `safe`.
    pub safe: String,
    /// What its attacks are called.
    #[serde(default = "jailbreak")]
    pub label: LabelFile,
}

fn jailbreak() -> LabelFile {
    LabelFile::Jailbreak
}

/// What a text is taken for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LabelFile {
    /// No attack.
    Benign,
    /// Drops, replaces or extracts instructions.
    Override,
    /// Sheds the model's rules.
    Jailbreak,
    /// An instruction to the agent inside data.
    Embedded,
}

impl Default for FirewallFile {
    fn default() -> Self {
        FirewallFile {
            enabled: true,
            patterns: true,
            ngram: true,
            classifier: true,
            model: None,
            contexts: 0,
            threads: 1,
            queue: 1024,
            deadline: Time::secs(2),
            windows: 64,
            cache: 50_000,
        }
    }
}
