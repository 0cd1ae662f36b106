//! Streams of the transport of 2024-11-05 that wait for their `initialize`.

use super::outbox::Outbox;
use super::session::random_word;
use dashmap::DashMap;
use sallyport_exchange::Caller;
use std::sync::Arc;

/// Streams that wait at once.
const WAITING_MAX: usize = 1024;

/// Streams by the word that their first event told.
#[derive(Clone, Default)]
pub struct Waiting(Arc<DashMap<String, (Caller, Arc<Outbox>)>>);

impl Waiting {
    /// Opens a stream.
    pub fn open(&self, caller: &Caller) -> Option<(String, Arc<Outbox>)> {
        if self.0.len() >= WAITING_MAX {
            return None;
        }
        let word = random_word();
        let out = Arc::new(Outbox::new(0));
        self.0.insert(word.clone(), (caller.clone(), out.clone()));
        Some((word, out))
    }

    /// Takes a stream for the session that begins; only its own caller can.
    pub fn take(&self, word: &str, caller: &Caller) -> Option<Arc<Outbox>> {
        let (_, (_, out)) = self.0.remove_if(word, |_, (owner, _)| owner == caller)?;
        Some(out)
    }

    /// The agent left.
    pub fn forget(&self, word: &str) {
        self.0.remove(word);
    }
}
