//! Logistic regression by AdaGrad, window by window.
//!
//! Each text is read in all the ways in which the firewall reads it. Of an attack the hottest window is taught to be one, for nobody says where in the text it stands; of a harmless text
//! the hottest few are taught not to be.

use crate::rows::{Row, UNKNOWN, views};
use sallyport_firewall::ngram::reader::{BUCKETS, PAIRS, Reader, pair_bit};
use sallyport_firewall::ngram::{BLOCKS, CHANNELS, DAMPING, STRIDE};
use std::collections::HashMap;

/// How to learn.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub epochs: usize,
    /// The first step's size.
    pub rate: f32,
    /// What a weight loses of itself with each step that touches it.
    pub decay: f32,
    /// How much more an attack counts than a harmless window.
    pub attacks: f32,
}

/// Windows of one harmless text that are learnt from.
const HOTTEST: usize = 6;
/// One row in so many is read as if nobody knew who speaks.
const UNKNOWN_EVERY: u64 = 8;

/// Weights as they were learnt.
pub struct Fitted {
    pub weights: Vec<f32>,
    pub bias: [f32; CHANNELS],
}

/// A text's features in blocks, as the model reads them.
struct Blocks(Vec<(Vec<u32>, usize)>);

impl Blocks {
    fn of(channel: u8, text: &str) -> Blocks {
        let mut reader = Reader::new(channel, text);
        let mut blocks: Vec<(Vec<u32>, usize)> = Vec::new();
        while reader.advance().is_some() {
            if blocks.last().is_none_or(|block| block.1 == STRIDE) {
                blocks.push((Vec::new(), 0));
            }
            if let Some(block) = blocks.last_mut() {
                block.0.extend_from_slice(reader.buckets());
                block.1 += 1;
            }
        }
        Blocks(blocks)
    }

    fn windows(&self) -> impl Iterator<Item = &[(Vec<u32>, usize)]> {
        self.0.windows(BLOCKS.min(self.0.len().max(1)))
    }
}

/// Numbers that look random and are the same each time (SplitMix64).
pub struct Dice(u64);

impl Dice {
    fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn shuffle(&mut self, order: &mut [u32]) {
        for at in (1..order.len()).rev() {
            let other = (self.throw() % (at as u64 + 1)) as usize;
            order.swap(at, other);
        }
    }
}

struct Learner {
    fitted: Fitted,
    squares: Vec<f32>,
    bias_squares: [f32; CHANNELS],
    plan: Plan,
}

fn share(window: &[(Vec<u32>, usize)]) -> f32 {
    let tokens: usize = window.iter().map(|block| block.1).sum();
    1.0 / (tokens as f32 + DAMPING).sqrt()
}

impl Learner {
    fn score(&self, channel: u8, window: &[(Vec<u32>, usize)]) -> f32 {
        let features = window.iter().flat_map(|block| &block.0);
        let sum: f32 = features.map(|at| self.fitted.weights[*at as usize]).sum();
        self.fitted.bias[usize::from(channel)] + sum * share(window)
    }

    /// One step; gives the loss before it.
    fn step(&mut self, channel: u8, window: &[(Vec<u32>, usize)], attack: bool) -> f32 {
        let score = self.score(channel, window);
        let (target, heed) = if attack {
            (1.0, self.plan.attacks)
        } else {
            (0.0, 1.0)
        };
        let wrong = (1.0 / (1.0 + (-score).exp()) - target) * heed;
        let slope = wrong * share(window);
        for at in window.iter().flat_map(|block| &block.0) {
            let at = *at as usize;
            let weight = self.fitted.weights[at];
            let push = slope + self.plan.decay * weight;
            self.squares[at] += push * push;
            self.fitted.weights[at] = weight - self.plan.rate * push / self.squares[at].sqrt();
        }
        let side = usize::from(channel);
        self.bias_squares[side] += wrong * wrong;
        self.fitted.bias[side] -= self.plan.rate * 0.1 * wrong / self.bias_squares[side].sqrt();
        let margin = if attack { score } else { -score };
        (1.0 + (-margin).exp()).ln() * heed
    }

    fn row(&mut self, channel: u8, row: &Row) -> f32 {
        let views: Vec<_> = views(&row.text)
            .iter()
            .map(|view| Blocks::of(channel, view.text()))
            .collect();
        let mut scored: Vec<_> = views
            .iter()
            .flat_map(Blocks::windows)
            .map(|window| (self.score(channel, window), window))
            .collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        let taught = if row.attack { 1 } else { HOTTEST };
        let windows = scored.iter().filter(|(_, window)| !window.is_empty());
        windows
            .take(taught)
            .map(|(_, window)| self.step(channel, window, row.attack))
            .sum()
    }
}

/// Learns from `rows`.
pub fn learn(rows: &[Row], plan: Plan) -> Fitted {
    let mut learner = Learner {
        fitted: Fitted {
            weights: vec![0.0; BUCKETS],
            bias: [0.0; CHANNELS],
        },
        squares: vec![1e-4; BUCKETS],
        bias_squares: [1e-4; CHANNELS],
        plan,
    };
    let mut dice = Dice(20_261_122);
    let mut order: Vec<u32> = (0..rows.len() as u32).collect();
    for epoch in 1..=plan.epochs {
        dice.shuffle(&mut order);
        let mut loss = 0.0;
        for &at in &order {
            let row = &rows[at as usize];
            let unknown = dice.throw().is_multiple_of(UNKNOWN_EVERY);
            let channel = if unknown { UNKNOWN } else { row.channel };
            loss += f64::from(learner.row(channel, row));
        }
        println!("epoch {epoch}: loss {:.4} a row", loss / rows.len() as f64);
        learner.plan.rate *= 0.8;
    }
    learner.fitted
}

/// The map of pairs that stand in several rows: in so many that at most a quarter of its bits is set.
pub fn seen(rows: &[Row]) -> Box<[u8]> {
    let mut rows_of: HashMap<u64, (u32, u32)> = HashMap::new();
    for (at, row) in rows.iter().enumerate() {
        let at = at as u32 + 1;
        let mut reader = Reader::new(row.channel, &row.text);
        while reader.advance().is_some() {
            let pair = rows_of.entry(reader.pair()).or_default();
            if pair.0 != at {
                *pair = (at, pair.1 + 1);
            }
        }
    }
    for least in 2.. {
        let mut map = vec![0u8; PAIRS / 8];
        for pair in rows_of.iter().filter(|(_, (_, rows))| *rows >= least) {
            let bit = pair_bit(*pair.0);
            map[bit / 8] |= 1 << (bit % 8);
        }
        let set: u32 = map.iter().map(|byte| byte.count_ones()).sum();
        if set as usize <= PAIRS / 4 {
            println!(
                "{} pairs, those of {least} rows or more are known: {:.1} % of the map",
                rows_of.len(),
                set as f32 * 100.0 / PAIRS as f32
            );
            return map.into();
        }
    }
    Box::default()
}
