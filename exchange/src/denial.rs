//! Why something was refused, and how that is told to whom.

use std::sync::Arc;

/// Whether a refusal says no, or says what to do instead.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RefusalKind {
    /// An error in the caller's protocol.
    Deny,
    /// Guidance for the model, as an answer it can act on.
    Steer,
}

/// A refusal by policy or by a rule of the gateway itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Denial {
    /// No, or guidance.
    pub kind: RefusalKind,
    /// The rule's name, with its layer: `org/no-prod-writes`, `team:payments/injection`, `gateway/unreadable`.
    pub rule: Arc<str>,
    /// What the agent is told. Never holds text of the body.
    pub say: Arc<str>,
}

impl Denial {
    /// A plain no.
    pub fn deny(rule: impl Into<Arc<str>>, say: impl Into<Arc<str>>) -> Self {
        Denial {
            kind: RefusalKind::Deny,
            rule: rule.into(),
            say: say.into(),
        }
    }
}
