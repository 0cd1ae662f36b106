//! Plans that were made, so that what was seen costs a digest.

use crate::block::Plan;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::sync::Arc;

/// Bytes that [`Memo::default`] keeps.
pub const MEMO_BYTES: u64 = 64 << 20;
/// What a plan weighs beside its text, in bytes.
const PLAN_BYTES: usize = 256;
/// Plans that are expected, for the table's first size.
const PLANS: usize = 4096;

/// What a plan depends on, as a digest: 128 bits, so that nobody finds two blocks with one key.
pub(crate) type Key = [u8; 16];

/// A plan, and what it was found to save.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Planned {
    pub plan: Plan,
    /// Tokens as it came and as it is forwarded, roughly.
    pub tokens: (usize, usize),
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Key, Arc<Planned>> for ByBytes {
    fn weight(&self, _: &Key, planned: &Arc<Planned>) -> u64 {
        let text = match &planned.plan {
            Plan::Keep(_) => 0,
            Plan::Rewrite { steps, text, .. } => {
                text.len() + steps.iter().map(|s| s.residue.len()).sum::<usize>()
            }
        };
        (text + PLAN_BYTES) as u64
    }
}

/// Plans that were made, bounded by their bytes. Shared by all; what is forgotten is made again, the same.
pub struct Memo(Cache<Key, Arc<Planned>, ByBytes>);

impl Memo {
    /// A memo of so many bytes.
    pub fn new(bytes: u64) -> Memo {
        Memo(Cache::with_weighter(PLANS, bytes, ByBytes))
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Planned>> {
        self.0.get(key)
    }

    pub(crate) fn put(&self, key: Key, planned: &Arc<Planned>) {
        self.0.insert(key, Arc::clone(planned));
    }
}

impl Default for Memo {
    fn default() -> Self {
        Memo::new(MEMO_BYTES)
    }
}
