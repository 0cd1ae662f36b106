//! The words that every `input` document is full of, allocated once per thread.

use regorus::Value;
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Tool types come from bodies; past this many words new ones are not kept.
const KEPT: usize = 512;

thread_local! {
    static WORDS: RefCell<HashMap<Box<str>, Value, BuildHasherDefault<Fnv>>> = RefCell::default();
}

/// Quick for short words; that somebody may choose words that collide costs little among so few.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The word as a value, from this thread's store.
pub(crate) fn value(word: &str) -> Value {
    WORDS.with(|words| {
        let mut words = words.borrow_mut();
        if let Some(value) = words.get(word) {
            return value.clone();
        }
        let value = Value::from(word);
        if words.len() < KEPT {
            words.insert(word.into(), value.clone());
        }
        value
    })
}
