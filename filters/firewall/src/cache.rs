//! Verdicts by what was judged, so that a history that is sent again each turn costs only what is new in it.

use crate::channel::Channel;
use crate::verdict::Verdict;
use quick_cache::sync::Cache;
use std::sync::Arc;

/// What a verdict is kept under: the first half of BLAKE3 over the channel and the text. A text made to meet
/// another's verdict is a collision of 128 bits of a cryptographic hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u8; 16]);

impl Key {
    /// The key of a text on a channel.
    pub fn of(channel: Channel, text: &str) -> Key {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[channel as u8]);
        hasher.update(text.as_bytes());
        let mut key = [0; 16];
        hasher.finalize_xof().fill(&mut key);
        Key(key)
    }
}

/// A bounded cache of one model's verdicts. Only what was fully judged is in it.
pub struct Verdicts(Cache<Key, Arc<Verdict>>);

impl Verdicts {
    /// A cache of at most this many verdicts.
    pub fn new(entries: usize) -> Verdicts {
        Verdicts(Cache::new(entries))
    }

    /// What is known of a text.
    pub fn get(&self, key: &Key) -> Option<Arc<Verdict>> {
        self.0.get(key)
    }

    /// Keeps a verdict.
    pub fn put(&self, key: Key, verdict: Arc<Verdict>) {
        self.0.insert(key, verdict);
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}
