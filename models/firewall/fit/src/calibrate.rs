//! Weights into bytes, and scores into log-odds, with the threshold below which each channel passes.

use crate::learn::Fitted;
use crate::measure::hottest;
use crate::rows::{Row, UNKNOWN};
use sallyport_firewall::ngram::{CHANNELS, Malformed, Ngram, Side};

/// Attacks that may fall below a channel's threshold: one in so many.
const MISSED_ONE_IN: usize = 200;
/// With fewer attacks than this nothing is measured: such a channel passes nothing.
const ATTACKS_MIN: usize = 40;
/// The shares of known pairs that a threshold may ask for.
const KNOWN: [f32; 8] = [0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8];
/// With fewer of either than this a channel's log-odds are those of all channels.
const ROWS_MIN: usize = 40;

/// The model of `fitted`, with its sides fitted to `dev`.
pub fn calibrate(fitted: &Fitted, seen: &[u8], dev: &[Row]) -> Result<Ngram, Malformed> {
    let (scale, weights) = quantise(&fitted.weights);
    let mut sides = fitted.bias.map(|bias| Side {
        bias,
        slope: 1.0,
        offset: 0.0,
        pass: f32::NEG_INFINITY,
        known: 0.0,
    });
    let model = |sides| Ngram::new(scale, sides, seen.into(), weights.clone());
    let raw = model(sides)?;
    // Of each channel its own rows; read as of nobody knows whom, all.
    let scored = |channel: u8| -> Vec<Told> {
        let rows = dev
            .iter()
            .filter(|row| row.channel == channel || channel == UNKNOWN);
        rows.filter_map(|row| {
            let hottest = hottest(&raw, channel, &row.text)?;
            Some(Told {
                score: hottest.logit,
                known: hottest.known,
                attack: row.attack,
            })
        })
        .collect()
    };
    let by_channel: Vec<_> = (0..CHANNELS as u8).map(scored).collect();
    let all: Vec<_> = by_channel[..usize::from(UNKNOWN)].concat();
    for (side, scored) in sides.iter_mut().zip(&by_channel) {
        let attacks = scored.iter().filter(|row| row.attack).count();
        let enough = attacks.min(scored.len() - attacks) >= ROWS_MIN;
        (side.slope, side.offset) = platt(if enough { scored } else { &all });
        if let Some((score, known)) = threshold(scored) {
            side.pass = side.slope * score + side.offset;
            side.known = known;
        }
    }
    model(sides)
}

/// Weights in units of the first value, so that one in ten thousand is cut to what a byte holds.
fn quantise(weights: &[f32]) -> (f32, Box<[i8]>) {
    let mut sizes: Vec<f32> = weights
        .iter()
        .map(|w| w.abs())
        .filter(|w| *w > 0.0)
        .collect();
    sizes.sort_by(f32::total_cmp);
    let most = sizes
        .get(sizes.len() * 9_999 / 10_000)
        .copied()
        .unwrap_or(1.0);
    let scale = most / 127.0;
    let bytes = weights
        .iter()
        .map(|w| (w / scale).round().clamp(-127.0, 127.0) as i8);
    (scale, bytes.collect())
}

/// Slope and offset that make of scores the log-odds of an attack, where both are equally frequent (Platt 1999, by
/// Newton's method, with a little ridge so that what is separated stays finite).
fn platt(scored: &[Told]) -> (f32, f32) {
    let attacks = scored.iter().filter(|row| row.attack).count().max(1) as f64;
    let others = scored.iter().filter(|row| !row.attack).count().max(1) as f64;
    let (mut slope, mut offset) = (1.0f64, 0.0f64);
    for _ in 0..50 {
        let (mut gs, mut go, mut ss, mut so, mut oo) = (0.0, 0.0, 1e-6, 0.0, 1e-6);
        for &Told { score, attack, .. } in scored {
            let score = f64::from(score);
            let p = 1.0 / (1.0 + (-(slope * score + offset)).exp());
            let (target, heed) = if attack {
                (1.0, 0.5 / attacks)
            } else {
                (0.0, 0.5 / others)
            };
            let (wrong, curve) = ((p - target) * heed, (p * (1.0 - p) + 1e-9) * heed);
            gs += wrong * score;
            go += wrong;
            ss += curve * score * score;
            so += curve * score;
            oo += curve;
        }
        gs += 1e-4 * (slope - 1.0);
        ss += 1e-4;
        let det = ss * oo - so * so;
        let (ds, d_o) = ((oo * gs - so * go) / det, (ss * go - so * gs) / det);
        // Half steps: where the start is far off, whole ones may jump away.
        slope -= 0.5 * ds.clamp(-1.0, 1.0);
        offset -= 0.5 * d_o.clamp(-2.0, 2.0);
    }
    (slope.max(1e-3) as f32, offset as f32)
}

/// The score below which, and the share of known pairs from which on, the most harmless texts and at most one attack in
/// `MISSED_ONE_IN` are.
fn threshold(scored: &[Told]) -> Option<(f32, f32)> {
    let attacks = scored.iter().filter(|row| row.attack).count();
    if attacks < ATTACKS_MIN {
        return None;
    }
    let score = |known: f32| {
        let mut scores: Vec<f32> = scored
            .iter()
            .filter(|row| row.attack && row.known >= known)
            .map(|row| row.score)
            .collect();
        scores.sort_by(f32::total_cmp);
        // Where attacks with so many known pairs are too few, nothing was measured.
        let score = scores.get(attacks / MISSED_ONE_IN).copied()?;
        Some((score, known))
    };
    KNOWN
        .into_iter()
        .filter_map(score)
        .max_by_key(|(score, known)| {
            let passed = |row: &&Told| !row.attack && row.score < *score && row.known >= *known;
            scored.iter().filter(passed).count()
        })
}

/// What the uncalibrated model says of one row.
#[derive(Clone, Copy)]
struct Told {
    score: f32,
    known: f32,
    attack: bool,
}
