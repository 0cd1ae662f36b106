//! How much one decision may cost.

use std::time::Duration;

/// Limits on one evaluation of one layer. A layer that reaches one denies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Wall-clock time of one layer. Looked at every 256 instructions; a single built-in is not interrupted.
    pub time: Duration,
    /// Instructions of one layer. About 30 million a second are executed.
    pub instructions: usize,
    /// The longest string, in bytes, that a built-in may give back.
    pub string_bytes: usize,
    /// The most elements of an array, set or object that a built-in may give back.
    pub elements: usize,
    /// Characters of a `say` or a rule name; longer ones are cut.
    pub say_chars: usize,
    /// Denials, redactions, hidden tools and warnings of one layer, each; more are counted and left out.
    pub entries: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            time: Duration::from_millis(100),
            instructions: 5_000_000,
            string_bytes: 4 << 20,
            elements: 200_000,
            say_chars: 1_000,
            entries: 10_000,
        }
    }
}
