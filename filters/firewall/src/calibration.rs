//! From what a model computes to the chance of an attack, and from which chance on a text is flagged.

use crate::channel::Channel;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Upper ends of the length buckets, in bytes; the last bucket has none. The hottest of many windows is hotter
/// than that of one, so the threshold rises with the length.
pub const LENGTHS: [usize; 3] = [1 << 10, 4 << 10, 16 << 10];

/// How a channel's scores are read.
#[derive(Clone, Copy, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// Of the logistic curve (Platt 1999): chance = 1 / (1 + exp(-(slope * logit + offset))).
    pub slope: f32,
    /// See `slope`.
    pub offset: f32,
    /// The chance from which on a text is flagged, a length bucket each.
    pub thresholds: [f32; LENGTHS.len() + 1],
}

impl Scale {
    /// Of a model about which nothing is known: its own word, flagged from one half on.
    const PLAIN: Scale = Scale {
        slope: 1.0,
        offset: 0.0,
        thresholds: [0.5; LENGTHS.len() + 1],
    };

    /// The chance of an attack, 0 to 1.
    pub fn chance(&self, logit: f32) -> f32 {
        1.0 / (1.0 + (-(self.slope * logit + self.offset)).exp())
    }
}

/// The scales of all channels.
#[derive(Clone, PartialEq, Debug)]
pub struct Calibration([Scale; Channel::ALL.len()]);

impl Default for Calibration {
    fn default() -> Self {
        Calibration([Scale::PLAIN; Channel::ALL.len()])
    }
}

/// Why a calibration cannot be read.
#[derive(Clone, PartialEq, Debug)]
pub enum Uncalibrated {
    /// It is not the JSON it should be; the parser's words.
    Malformed(String),
    /// A channel is missing.
    Missing(Channel),
    /// A number is none, a slope falls, or a threshold is no chance.
    Senseless(Channel),
}

impl std::fmt::Display for Uncalibrated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Uncalibrated::Malformed(why) => write!(f, "the calibration is not readable: {why}"),
            Uncalibrated::Missing(c) => write!(f, "the calibration lacks `{}`", c.as_str()),
            Uncalibrated::Senseless(c) => {
                write!(f, "the calibration of `{}` makes no sense", c.as_str())
            }
        }
    }
}

impl std::error::Error for Uncalibrated {}

impl Calibration {
    /// Reads `{"user": {"slope": …, "offset": …, "thresholds": [four]}, …}`, a scale for each channel.
    pub fn read(json: &str) -> Result<Calibration, Uncalibrated> {
        let mut read: BTreeMap<String, Scale> =
            serde_json::from_str(json).map_err(|e| Uncalibrated::Malformed(e.to_string()))?;
        let mut scales = [Scale::PLAIN; Channel::ALL.len()];
        for (channel, place) in Channel::ALL.into_iter().zip(&mut scales) {
            let scale = read
                .remove(channel.as_str())
                .ok_or(Uncalibrated::Missing(channel))?;
            let right = scale.slope > 0.0
                && scale.slope.is_finite()
                && scale.offset.is_finite()
                && scale.thresholds.iter().all(|t| (0.0..=1.0).contains(t));
            if !right {
                return Err(Uncalibrated::Senseless(channel));
            }
            *place = scale;
        }
        Ok(Calibration(scales))
    }

    /// How a channel is read.
    pub fn of(&self, channel: Channel) -> &Scale {
        &self.0[channel as usize]
    }

    /// The chance from which on a text of this channel and this many bytes is flagged.
    pub fn threshold(&self, channel: Channel, bytes: usize) -> f32 {
        let bucket = LENGTHS.iter().filter(|end| bytes > **end).count();
        self.of(channel).thresholds[bucket]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(slope: f32, threshold: f32) -> String {
        let scale = format!(
            r#"{{"slope": {slope}, "offset": -1, "thresholds": [0.5, 0.6, 0.7, {threshold}]}}"#
        );
        let all: Vec<String> = Channel::ALL
            .iter()
            .map(|c| format!("\"{}\": {scale}", c.as_str()))
            .collect();
        format!("{{{}}}", all.join(", "))
    }

    #[test]
    fn a_length_has_its_threshold() {
        let read = Calibration::read(&json(2.0, 0.8)).expect("a calibration");
        for (bytes, threshold) in [
            (0, 0.5),
            (1024, 0.5),
            (1025, 0.6),
            (16384, 0.7),
            (1 << 30, 0.8),
        ] {
            assert_eq!(read.threshold(Channel::User, bytes), threshold, "{bytes}");
        }
        assert!((read.of(Channel::User).chance(0.5) - 0.5).abs() < 1e-6);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert!(matches!(
            Calibration::read("{"),
            Err(Uncalibrated::Malformed(_))
        ));
        assert_eq!(
            Calibration::read("{}"),
            Err(Uncalibrated::Missing(Channel::User))
        );
        for bad in [json(-1.0, 0.8), json(1.0, 1.8)] {
            assert_eq!(
                Calibration::read(&bad),
                Err(Uncalibrated::Senseless(Channel::User))
            );
        }
    }
}
