//! A linear model over hashed words: the second stage of the cascade, microseconds for a kilobyte.
//!
//! It is trained on what the transformer is trained on, and exists to pass what is clearly harmless. A text is read as
//! windows of `WINDOW` tokens, `STRIDE` apart; all of them cost one pass over the text and no memory, for a window is
//! three blocks of `STRIDE` tokens, and of a block only its sum is kept.

mod file;
pub mod reader;
mod windows;

pub use file::Malformed;
pub use windows::{Scored, Windows};

/// Who speaks, as the firewall counts them; each has its own bias and thresholds.
pub const CHANNELS: usize = 6;
/// Tokens from the beginning of one window to that of the next.
pub const STRIDE: usize = 12;
/// Tokens in a window.
pub const WINDOW: usize = BLOCKS * STRIDE;
/// Blocks in a window.
pub const BLOCKS: usize = 3;
/// Added to a window's tokens before its sum is divided by their root, so that two words do not shout.
pub const DAMPING: f32 = 4.0;

/// Log-odds are cut to this: what adds up beyond it says no more.
pub const LOGIT_MAX: f32 = 30.0;

/// What a channel has of its own.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Side {
    /// Where a window's score begins.
    pub bias: f32,
    /// Makes a score a log-odds: times this,
    pub slope: f32,
    /// and plus this.
    pub offset: f32,
    /// Below these log-odds a text is harmless as far as this model can tell, if its pairs are known too: of the attacks
    /// it was measured on, 1 in 200 was so. Minus infinity where too few attacks were there to measure.
    pub pass: f32,
    /// The least share of known pairs in each window of a text that may pass.
    pub known: f32,
}

/// The model: a weight for each place of the table, and what each channel adds.
#[derive(Clone, PartialEq)]
pub struct Ngram {
    /// `reader::BUCKETS` of them, in units of `scale`.
    weights: Box<[i8]>,
    scale: f32,
    sides: [Side; CHANNELS],
    /// A bit for each pair of tokens that training saw more than once; `reader::PAIRS` bits.
    seen: Box<[u8]>,
}

impl Ngram {
    /// Every window of `text`, as what `channel` brings. A text with any token has at least one. A channel of
    /// `CHANNELS` or more is read as the last.
    pub fn windows<'m, 't>(&'m self, channel: u8, text: &'t str) -> Windows<'m, 't> {
        Windows::new(self, channel, text)
    }

    /// Whether a window of `channel` is harmless as far as this model can tell; a text is if each of its windows is.
    pub fn passes(&self, channel: u8, window: &Scored) -> bool {
        let side = self.side(channel);
        window.logit < side.pass && window.known >= side.known
    }

    /// What `channel` has of its own.
    pub fn side(&self, channel: u8) -> &Side {
        &self.sides[usize::from(channel).min(CHANNELS - 1)]
    }

    /// The log-odds of an attack in a window with this `sum` of weights and number of `tokens`.
    fn logit(&self, channel: u8, sum: i32, tokens: usize) -> f32 {
        let side = self.side(channel);
        let score = self.scale * sum as f32 / (tokens as f32 + DAMPING).sqrt();
        (side.slope * (side.bias + score) + side.offset).clamp(-LOGIT_MAX, LOGIT_MAX)
    }
}

impl std::fmt::Debug for Ngram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ngram")
            .field("scale", &self.scale)
            .field("sides", &self.sides)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
