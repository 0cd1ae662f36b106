//! The windows of one text, scored while it is read once.

use super::reader::{Reader, pair_bit};
use super::{BLOCKS, CHANNELS, Ngram, STRIDE};
use std::ops::Range;

/// What the model says of one window.
#[derive(Clone, PartialEq, Debug)]
pub struct Scored {
    /// Where it stands in the text, on character boundaries: from its first token to the end of its last.
    pub bytes: Range<usize>,
    /// The log-odds that there is an attack in it.
    pub logit: f32,
    /// The share of its pairs of neighbouring tokens that training had seen, 0 to 1. Of what is unlike all it was
    /// trained on the model knows nothing, whatever the log-odds.
    pub known: f32,
}

/// Some tokens in a row, as far as the score needs them.
#[derive(Clone, Copy, Debug, Default)]
struct Block {
    start: usize,
    end: usize,
    tokens: usize,
    /// Of the weights of its tokens: at most `STRIDE * FEATURES_MAX * 127`.
    sum: i32,
    seen: usize,
}

/// Gives the windows from left to right.
#[derive(Clone, Debug)]
pub struct Windows<'m, 't> {
    model: &'m Ngram,
    channel: u8,
    reader: Reader<'t>,
    /// The last blocks that were read, the newest last.
    last: [Block; BLOCKS],
    begun: bool,
    ended: bool,
}

impl<'m, 't> Windows<'m, 't> {
    pub(super) fn new(model: &'m Ngram, channel: u8, text: &'t str) -> Self {
        let channel = channel.min(CHANNELS as u8 - 1);
        Windows {
            model,
            channel,
            reader: Reader::new(channel, text),
            last: [Block::default(); BLOCKS],
            begun: false,
            ended: false,
        }
    }

    /// Reads the next block; false if there is none.
    fn block(&mut self) -> bool {
        let mut block = Block::default();
        while block.tokens < STRIDE {
            let Some(token) = self.reader.advance() else {
                self.ended = true;
                break;
            };
            if block.tokens == 0 {
                block.start = token.start;
            }
            block.end = token.end;
            block.tokens += 1;
            let weights = &self.model.weights;
            block.sum += self
                .reader
                .buckets()
                .iter()
                .map(|&at| {
                    weights
                        .get(at as usize)
                        .map_or(0, |weight| i32::from(*weight))
                })
                .sum::<i32>();
            let pair = pair_bit(self.reader.pair());
            let byte = self.model.seen.get(pair / 8).copied().unwrap_or(0);
            block.seen += usize::from(byte >> (pair % 8) & 1);
        }
        if block.tokens > 0 {
            self.last.rotate_left(1);
            self.last[BLOCKS - 1] = block;
        }
        block.tokens > 0
    }

    fn scored(&self) -> Option<Scored> {
        let blocks = || self.last.iter().filter(|block| block.tokens > 0);
        let tokens = blocks().map(|block| block.tokens).sum();
        let seen: usize = blocks().map(|block| block.seen).sum();
        Some(Scored {
            bytes: blocks().next()?.start..self.last[BLOCKS - 1].end,
            logit: self
                .model
                .logit(self.channel, blocks().map(|block| block.sum).sum(), tokens),
            known: seen as f32 / tokens as f32,
        })
    }
}

impl Iterator for Windows<'_, '_> {
    type Item = Scored;

    fn next(&mut self) -> Option<Scored> {
        if self.ended {
            return None;
        }
        let blocks = if self.begun { 1 } else { BLOCKS };
        self.begun = true;
        let mut read = false;
        for _ in 0..blocks {
            read |= !self.ended && self.block();
        }
        if read { self.scored() } else { None }
    }
}
