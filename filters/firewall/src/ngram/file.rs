//! The model as bytes: a mark, a few numbers, the seen pairs, the weights, and a sum over all of them.
//!
//! Little-endian. `sallyng1` | scale f32 | for each channel bias, slope, offset, pass, known f32 | pairs, a bit each | weights,
//! a signed byte each | FNV-1a 64 over all before it. The sum finds damage, not malice: who ships the file is trusted.

use super::reader::{BUCKETS, PAIRS};
use super::{CHANNELS, Ngram, Side};

const MARK: &[u8; 8] = b"sallyng1";
const NUMBERS: usize = 1 + 5 * CHANNELS;
/// The length of every file.
const LEN: usize = MARK.len() + 4 * NUMBERS + PAIRS / 8 + BUCKETS + 8;

/// What is wrong with a file that should be a model.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Malformed {
    /// It does not begin as these files do: another format, or another version of this one.
    Mark,
    /// It has more or fewer bytes than a model.
    Length(usize),
    /// Its bytes are not those that were written.
    Sum,
    /// A number in it is none.
    Number,
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Malformed::Mark => write!(f, "this is no n-gram model of this version"),
            Malformed::Length(len) => write!(f, "an n-gram model has {LEN} bytes, not {len}"),
            Malformed::Sum => write!(f, "the n-gram model is damaged: its bytes do not add up"),
            Malformed::Number => write!(f, "the n-gram model holds something that is no number"),
        }
    }
}

impl std::error::Error for Malformed {}

fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    })
}

impl Ngram {
    /// Reads a model.
    pub fn from_bytes(bytes: &[u8]) -> Result<Ngram, Malformed> {
        let rest = bytes.strip_prefix(MARK).ok_or(Malformed::Mark)?;
        if bytes.len() != LEN {
            return Err(Malformed::Length(bytes.len()));
        }
        let (before, told) = bytes.split_at(LEN - 8);
        if told != sum(before).to_le_bytes() {
            return Err(Malformed::Sum);
        }
        let (numbers, rest) = rest.split_at(4 * NUMBERS);
        let (seen, rest) = rest.split_at(PAIRS / 8);
        let mut numbers = numbers
            .chunks_exact(4)
            .map(|four| f32::from_le_bytes(four.try_into().unwrap_or_default()));
        let mut number = || numbers.next().ok_or(Malformed::Number);
        let scale = number()?;
        let mut sides = [Side::default(); CHANNELS];
        for side in &mut sides {
            *side = Side {
                bias: number()?,
                slope: number()?,
                offset: number()?,
                pass: number()?,
                known: number()?,
            };
        }
        Ngram::new(
            scale,
            sides,
            seen.into(),
            rest[..BUCKETS].iter().map(|byte| *byte as i8).collect(),
        )
    }

    /// A model of these parts; for those who fit one.
    ///
    /// `scale` is a weight's unit, `seen` has a bit for each of `reader::PAIRS`, `weights` one for each of
    /// `reader::BUCKETS`.
    pub fn new(
        scale: f32,
        sides: [Side; CHANNELS],
        seen: Box<[u8]>,
        weights: Box<[i8]>,
    ) -> Result<Ngram, Malformed> {
        if seen.len() != PAIRS / 8 || weights.len() != BUCKETS {
            return Err(Malformed::Length(seen.len() + weights.len()));
        }
        let sound = |side: &Side| {
            side.bias.is_finite()
                && side.slope.is_finite()
                && side.offset.is_finite()
                && side.known.is_finite()
                && (side.pass.is_finite() || side.pass == f32::NEG_INFINITY)
        };
        if !scale.is_finite() || !sides.iter().all(sound) {
            return Err(Malformed::Number);
        }
        Ok(Ngram {
            weights,
            scale,
            sides,
            seen,
        })
    }

    /// The model as `from_bytes` reads it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LEN);
        bytes.extend_from_slice(MARK);
        bytes.extend_from_slice(&self.scale.to_le_bytes());
        for side in &self.sides {
            for number in [side.bias, side.slope, side.offset, side.pass, side.known] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
        }
        bytes.extend_from_slice(&self.seen);
        bytes.extend(self.weights.iter().map(|weight| *weight as u8));
        let sum = sum(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        bytes
    }
}
