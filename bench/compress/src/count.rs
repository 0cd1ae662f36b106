//! Exact counts of tokens, each text counted once.

use sallyport_compress::tokens::{self, Vocabulary};
use std::collections::HashMap;

/// Tokens in each vocabulary.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Tokens {
    /// In o200k.
    pub o200k: usize,
    /// In cl100k.
    pub cl100k: usize,
}

impl std::ops::AddAssign for Tokens {
    fn add_assign(&mut self, other: Tokens) {
        self.o200k += other.o200k;
        self.cl100k += other.cl100k;
    }
}

/// Counts texts, and remembers what it counted.
#[derive(Default)]
pub struct Counter(HashMap<blake3::Hash, Tokens>);

impl Counter {
    /// The tokens of a text.
    pub fn count(&mut self, text: &str) -> Tokens {
        let counted = self.0.entry(blake3::hash(text.as_bytes()));
        *counted.or_insert_with(|| Tokens {
            o200k: tokens::count(text, Vocabulary::O200k),
            cl100k: tokens::count(text, Vocabulary::Cl100k),
        })
    }
}
