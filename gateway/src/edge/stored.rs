//! Which state at a provider was created by whom: the ledger for `previous_response_id` and the like.

use crate::route::Endpoint;
use sallyport_exchange::{Caller, Payload};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

/// Ids that are remembered. The oldest are forgotten first, and are then refused like unknown ones.
pub const STORED_MAX: usize = 100_000;

/// Shards, so that exchanges rarely wait for one another.
const SHARDS: usize = 16;

/// Ids of provider-side state and the team and agent that own each. In memory: after a restart, ids made before it
/// are unknown and refused.
pub struct Stored {
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Default)]
struct Shard {
    owners: HashMap<Arc<str>, (Arc<str>, Arc<str>)>,
    oldest: VecDeque<Arc<str>>,
}

impl Default for Stored {
    fn default() -> Self {
        Stored {
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }
}

impl Stored {
    /// Notes that `caller` created `id`.
    pub fn created(&self, caller: &Caller, id: &str) {
        let id: Arc<str> = id.into();
        let mut shard = self.shard(&id);
        let owner = (caller.team.clone(), caller.agent.clone());
        if shard.owners.insert(id.clone(), owner).is_none() {
            shard.oldest.push_back(id);
        }
        while shard.oldest.len() > STORED_MAX / SHARDS {
            if let Some(old) = shard.oldest.pop_front() {
                shard.owners.remove(&old);
            }
        }
    }

    /// The ids that a request leans on and that its caller did not create.
    pub fn foreign<'a>(
        &self,
        caller: &Caller,
        endpoint: &'a Endpoint,
        payload: &'a Payload,
    ) -> Vec<&'a str> {
        let in_body = payload.outline().stored.iter().map(|id| payload.text(*id));
        let all = endpoint.stored.as_deref().into_iter().chain(in_body);
        all.filter(|id| !self.is_own(caller, id)).collect()
    }

    fn is_own(&self, caller: &Caller, id: &str) -> bool {
        let shard = self.shard(id);
        let owner = shard.owners.get(id);
        owner.is_some_and(|(team, agent)| *team == caller.team && *agent == caller.agent)
    }

    fn shard(&self, id: &str) -> std::sync::MutexGuard<'_, Shard> {
        let hash = id.bytes().fold(0usize, |hash, byte| {
            hash.wrapping_mul(31).wrapping_add(byte.into())
        });
        // A panic while the lock was held cannot leave a shard half written in a way that matters.
        self.shards[hash % SHARDS]
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::caller;
    use sallyport_exchange::{Dialect, Operation};

    #[test]
    fn state_belongs_to_who_made_it() {
        let stored = Stored::default();
        let (mine, theirs) = (caller("k", "a", "x", &[]), caller("k", "b", "x", &[]));
        stored.created(&mine, "resp_1");
        let endpoint = Endpoint {
            dialect: Dialect::OpenAiResponses,
            operation: Operation::Stored,
            door: None,
            has_body: false,
            stored: Some("resp_1".into()),
        };
        let none = Payload::empty();
        assert!(stored.foreign(&mine, &endpoint, &none).is_empty());
        assert_eq!(stored.foreign(&theirs, &endpoint, &none), ["resp_1"]);
    }
}
