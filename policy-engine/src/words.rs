//! The words that every `input` document is full of, allocated once per thread.

use regorus::Value;
use std::cell::RefCell;
use std::collections::HashMap;

/// Tool types come from bodies; past this many words new ones are not kept.
const KEPT: usize = 512;

thread_local! {
    static WORDS: RefCell<HashMap<Box<str>, Value>> = RefCell::new(HashMap::new());
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
