//! Somebody who is told what policies were asked, and what they decided: enough to ask them again.

use crate::decision::Decision;
use regorus::Value;

/// Is told of every decision while it is made; must not wait.
pub trait Witness: Send + Sync {
    /// The policies have decided.
    fn decided(&self, question: &Question<'_>);
}

/// One question to the policies, and the answer.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The exchange's decision id.
    pub exchange: &'a str,
    /// Whose policy.
    pub team: &'a str,
    /// Whether `allow` was asked for.
    pub asks_allow: bool,
    /// The revision of the policies.
    pub revision: &'a str,
    /// What they decided.
    pub decision: &'a Decision,
    pub(crate) input: &'a Value,
}

impl Question<'_> {
    /// The `input` document as JSON: all that was said in it, as far as these policies read it.
    pub fn input(&self) -> serde_json::Value {
        serde_json::to_value(self.input).unwrap_or_default()
    }
}
