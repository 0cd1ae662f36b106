//! What a plan is remembered under: a digest of all that it depends on.

use super::Asked;
use crate::block::{Kinds, Mode};
use crate::memo::Key;
use crate::step::StepKind;
use blake3::Hasher;

/// Counts up with every change of any form: what an older engine planned is not used.
const ENGINE: u32 = 1;

/// The digest of what stands before a block: of all that is forwarded there, while anything may lean on it.
pub(super) struct Chain {
    kinds: Kinds,
    before: [u8; 32],
}

impl Chain {
    pub fn begin(kinds: Kinds) -> Chain {
        Chain {
            kinds,
            before: [0; 32],
        }
    }

    /// The key of the next block.
    pub fn key(&self, asked: &Asked<'_>, mode: Mode, handle: Option<&str>) -> Key {
        let mut hasher = Hasher::new();
        hasher.update(&ENGINE.to_le_bytes());
        hasher.update(&self.before);
        hasher.update(&[mode as u8, u8::from(asked.exact)]);
        hasher.update(&self.kinds.bits().to_le_bytes());
        word(&mut hasher, asked.block.tool);
        word(&mut hasher, handle);
        hasher.update(&asked.digest);
        let mut key = Key::default();
        hasher.finalize_xof().fill(&mut key);
        key
    }

    /// Goes on to the next result: whose it is, and what `mark` says of the text it is forwarded as.
    pub fn tell(&mut self, call: &str, tool: Option<&str>, mark: &Mark) {
        if !self.kinds.has(StepKind::Reference) {
            return;
        }
        let mut hasher = Hasher::new();
        hasher.update(&self.before);
        word(&mut hasher, Some(call));
        word(&mut hasher, tool);
        match mark {
            Mark::Nothing => hasher.update(&[0]),
            Mark::Same(digest) => hasher.update(&[1]).update(digest),
            Mark::Planned(key) => hasher.update(&[2]).update(key),
        };
        self.before = *hasher.finalize().as_bytes();
    }
}

/// What says as which text a result is forwarded.
pub(super) enum Mark {
    Nothing,
    /// As it came: its digest.
    Same([u8; 32]),
    /// As it was planned: under which key.
    Planned(Key),
}

fn word(hasher: &mut Hasher, word: Option<&str>) {
    let len = word.map_or(u64::MAX, |word| word.len() as u64);
    hasher.update(&len.to_le_bytes());
    hasher.update(word.unwrap_or("").as_bytes());
}
