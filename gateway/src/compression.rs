//! Originals of what was made smaller, kept so that an agent can have them back: for the same team, agent, key and
//! session, and for nobody else.

use dashmap::DashMap;
use std::sync::Arc;

/// Originals that are kept at once. Beyond that nothing more is kept, and what is not kept must not be left out of a
/// form.
const KEPT_MAX: usize = 4_096;
/// Bytes of one original.
const BYTES_MAX: usize = 8 << 20;

/// Whose an original is. Only a caller who is all four the same gets it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Scope {
    /// The team.
    pub team: Arc<str>,
    /// The agent within the team.
    pub agent: Arc<str>,
    /// The key's name, never the key.
    pub key: Arc<str>,
    /// The session in which the original came.
    pub session: Arc<str>,
}

/// Originals, in memory, until the gateway stops.
#[derive(Clone, Default)]
pub struct Originals {
    all: Arc<DashMap<Key, Arc<str>>>,
}

/// Whose, and under which handle.
type Key = (Scope, Arc<str>);

impl Originals {
    /// Keeps an original under a handle. False: it is not kept, and must be sent as it is.
    pub fn keep(&self, scope: &Scope, handle: &str, original: &str) -> bool {
        if original.len() > BYTES_MAX || self.all.len() >= KEPT_MAX {
            return false;
        }
        self.all
            .insert((scope.clone(), handle.into()), original.into());
        true
    }

    /// The original of this handle; `None` for every other scope, whether the handle is known there or not.
    pub fn get(&self, scope: &Scope, handle: &str) -> Option<String> {
        let key = (scope.clone(), Arc::from(handle));
        self.all.get(&key).map(|original| original.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_original_is_its_scopes_alone() {
        let originals = Originals::default();
        let mine = Scope {
            team: "red".into(),
            agent: "one".into(),
            key: "k".into(),
            session: "s".into(),
        };
        assert!(originals.keep(&mine, "h", "words"));
        assert_eq!(originals.get(&mine, "h").as_deref(), Some("words"));
        let other = Arc::<str>::from("other");
        for scope in [
            Scope {
                team: other.clone(),
                ..mine.clone()
            },
            Scope {
                agent: other.clone(),
                ..mine.clone()
            },
            Scope {
                key: other.clone(),
                ..mine.clone()
            },
            Scope {
                session: other,
                ..mine.clone()
            },
        ] {
            assert_eq!(originals.get(&scope, "h"), None, "{scope:?}");
        }
        assert_eq!(originals.get(&mine, "i"), None);
        let long = "x".repeat(BYTES_MAX + 1);
        assert!(!originals.keep(&mine, "long", &long), "too large to keep");
    }
}
