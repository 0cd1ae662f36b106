//! One look at one call: what was found so far, and how much may still be read.

use crate::action::Action;

/// The most bytes of one argument that are read; a longer one is `action.unparsed`.
pub const ARGUMENT_MAX: usize = 256 << 10;
/// The most bytes that one call may make the guard read, all layers and expansions together.
pub const READ_MAX: usize = 1 << 20;
/// The most layers of code within code: `bash -c`, `$(…)`, here-documents, base64.
pub const LAYERS_MAX: u8 = 8;
/// The longest word that expanding variables may make, in bytes.
pub const WORD_MAX: usize = 64 << 10;

/// What one argument came to.
#[derive(Debug)]
pub(crate) struct Look {
    found: Vec<(Action, f32)>,
    left: usize,
    layer: u8,
}

impl Look {
    pub(crate) fn new() -> Self {
        Look {
            found: Vec::new(),
            left: READ_MAX,
            layer: 0,
        }
    }

    /// Notes an action; of one kind only the surest counts.
    pub(crate) fn found(&mut self, action: Action, score: f32) {
        match self.found.iter_mut().find(|(known, _)| *known == action) {
            Some((_, known)) => *known = known.max(score),
            None => self.found.push((action, score)),
        }
    }

    /// Takes what was found.
    pub(crate) fn take(&mut self) -> Vec<(Action, f32)> {
        std::mem::take(&mut self.found)
    }

    /// Whether `bytes` more may be read; if not, that is a finding.
    pub(crate) fn spend(&mut self, bytes: usize) -> bool {
        if bytes > self.left {
            self.left = 0;
            self.found(Action::Unparsed, 0.9);
            return false;
        }
        self.left -= bytes;
        true
    }

    /// Looks one layer deeper; too deep is a finding.
    pub(crate) fn deeper<T: Default>(&mut self, look: impl FnOnce(&mut Look) -> T) -> T {
        if self.layer >= LAYERS_MAX {
            self.found(Action::Unparsed, 0.9);
            return T::default();
        }
        self.layer += 1;
        let seen = look(self);
        self.layer -= 1;
        seen
    }
}
