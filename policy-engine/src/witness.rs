//! Somebody who is told what policies were asked, and what they decided: enough to ask them again.

use crate::decision::Decision;
use crate::facts::Facts;
use crate::judge::Engine;
use crate::needs::Needs;
use regorus::Value;
use std::sync::Arc;

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
    /// The `input` document as JSON: all that policies could read.
    pub fn input(&self) -> serde_json::Value {
        serde_json::to_value(self.input).unwrap_or_default()
    }
}

impl Engine {
    /// The same, with somebody who is told what policies are asked.
    #[must_use]
    pub fn before(mut self, witness: Arc<dyn Witness>) -> Self {
        self.witness = Some(witness);
        self
    }

    /// Which costly fields are put together: those that policies read, or all where somebody keeps what they were asked,
    /// since other policies may be asked the same some day.
    pub(crate) fn needs(&self, team: &str) -> Needs {
        match self.witness {
            Some(_) => Needs::ALL,
            None => self.policy.needs(team),
        }
    }

    pub(crate) fn decide(&self, facts: &Facts<'_>) -> Decision {
        self.decide_asking(facts, facts.asks_allow())
    }

    pub(crate) fn decide_asking(&self, facts: &Facts<'_>, asks_allow: bool) -> Decision {
        let team = &facts.about.caller.team;
        let witness = self.witness.as_deref();
        self.policy.decide_before(witness, team, facts, asks_allow)
    }
}
