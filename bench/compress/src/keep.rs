//! A store of originals in memory: what the gateway keeps on disk.

use sallyport_compress::{Kept, Originals};
use std::collections::HashMap;

/// Originals by their words.
#[derive(Default)]
pub struct Store {
    /// What was kept.
    pub originals: HashMap<String, String>,
}

impl Originals for Store {
    fn handle(&self, digest: &[u8; 32]) -> String {
        const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        let letter = |b: &u8| char::from(LETTERS[usize::from(*b) % 32]);
        digest[..16].iter().map(letter).collect()
    }

    fn keep(&mut self, kept: &Kept<'_>) -> bool {
        let original = || kept.original.to_owned();
        self.originals
            .entry(kept.handle.to_owned())
            .or_insert_with(original);
        true
    }
}
