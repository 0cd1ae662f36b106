//! What came of one text.

use crate::Label;
use std::ops::Range;

/// The stage at which a text was decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// It was known.
    Cache,
    /// The n-gram model found it clearly harmless, or there is no model to ask.
    Ngram,
    /// The model was asked.
    Model,
}

impl Stage {
    /// All of them, for tables.
    pub const ALL: [Stage; 3] = [Stage::Cache, Stage::Ngram, Stage::Model];

    /// Its word in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Cache => "cache",
            Stage::Ngram => "ngram",
            Stage::Model => "model",
        }
    }
}

/// A stretch of text that attacks.
#[derive(Clone, PartialEq, Debug)]
pub struct Hot {
    /// How.
    pub label: Label,
    /// Bytes of the text as it was given, on character boundaries.
    pub range: Range<usize>,
    /// The chance of an attack, 0 to 1.
    pub score: f32,
}

/// What came of one text.
#[derive(Clone, PartialEq, Debug)]
pub struct Verdict {
    /// The chance that the text attacks, 0 to 1: of its hottest window.
    pub score: f32,
    /// What the model computed for the hottest window, in nats, before it was read as a chance; `None` where it
    /// was not asked. For calibration.
    pub heat: Option<f32>,
    /// The likeliest label of the hottest window.
    pub label: Label,
    /// From which score on a text of this channel and length is flagged.
    pub threshold: f32,
    /// What is over the threshold, by place; empty unless flagged.
    pub hot: Vec<Hot>,
    /// What nobody looked at, past the budget of windows.
    pub unscanned: Option<Range<usize>>,
    /// The model should have been asked and could not answer. Such a verdict is not kept.
    pub unavailable: bool,
    /// Where it was decided.
    pub stage: Stage,
}

impl Verdict {
    /// Whether the text is flagged.
    pub fn flagged(&self) -> bool {
        self.score >= self.threshold
    }

    /// What the text is taken for: benign unless flagged.
    pub fn verdict(&self) -> Label {
        match self.flagged() {
            true => self.label,
            false => Label::Benign,
        }
    }
}
