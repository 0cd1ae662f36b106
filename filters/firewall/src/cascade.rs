//! The cascade: what is known, what the n-grams clear, and what the model is asked.

use crate::boundary;
use crate::cache::{Key, Verdicts};
use crate::calibration::Calibration;
use crate::channel::Channel;
use crate::counts::Counts;
use crate::screen::{Screen, Screened};
use crate::verdict::{Hot, Stage, Verdict};
use crate::{Label, Model, Pool, Shape, Unavailable, Window, narrow, patterns};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Tokens of a classifier's window, with what frames it: what the shipped model was trained on. A generative guard takes
/// what it can, since its prompt is in there too.
const WINDOW_TOKENS: usize = 256;
/// Tokens that two windows share.
const OVERLAP_TOKENS: usize = 80;
/// Text past this many bytes for each token is not even cut into windows.
const TOKEN_BYTES_MAX: usize = 16;
/// Windows that are asked for at a time: when time runs out, the hottest have been judged.
const ASKED_AT_ONCE: usize = 16;
/// The share of its n-gram chance that is the score of a text that the n-grams clear: below all that the model found worth a look.
const CLEARED: f32 = 0.02;
/// The chance from which on words alone are a finding, where there is no model to ask.
const ALONE: f32 = 0.7;
/// Findings of one text.
const HOT_MAX: usize = 16;

/// How a thread waits for the pool: calls what it is given, which blocks. In a runtime of many tasks it makes
/// room for the others first.
pub type Wait = fn(&mut dyn FnMut());

/// A text to be judged.
#[derive(Clone, Copy)]
pub struct Said<'t> {
    /// Who speaks.
    pub channel: Channel,
    /// The words.
    pub text: &'t str,
}

/// What bounds the work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// How long the model is waited for, for all texts of one body together.
    pub deadline: Duration,
    /// Windows of one text that the model reads at most; the rest is `unscanned`.
    pub text_windows: usize,
    /// Windows of all texts of one body.
    pub body_windows: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            deadline: Duration::from_secs(2),
            text_windows: 64,
            body_windows: 256,
        }
    }
}

/// A model that can be asked, and how its answers are read.
pub struct Judge {
    pub(crate) model: Model,
    pub(crate) pool: Pool,
    pub(crate) calibration: Calibration,
    /// Whether it wants to be told who speaks: the shipped model was trained so, others were not.
    pub(crate) told: bool,
}

impl Judge {
    /// The windows of a text, at most `limit`.
    pub(crate) fn windows(&self, channel: Channel, text: &str, limit: usize) -> Vec<Window> {
        let tokens = match self.told {
            true => WINDOW_TOKENS,
            false => self.model.most_tokens(),
        };
        let shape = Shape {
            tokens,
            stride: tokens - OVERLAP_TOKENS.min(tokens / 2),
            limit,
        };
        let prefix = if self.told { channel.prefix() } else { "" };
        let reach = boundary::floor(text, limit * tokens * TOKEN_BYTES_MAX);
        self.model
            .windows(prefix, &self.model.pieces(&text[..reach]), shape)
    }
}

/// All stages together.
pub struct Cascade {
    pub(crate) screen: Screen,
    pub(crate) judge: Option<Judge>,
    pub(crate) verdicts: Verdicts,
    pub(crate) limits: Limits,
    pub(crate) counts: Counts,
    pub(crate) wait: Wait,
}

/// A window that the model is asked about.
struct Asked {
    /// The place of its text among those screened.
    text: usize,
    view: usize,
    /// In the view.
    bytes: Range<usize>,
    window: Option<Window>,
    /// How hot the n-grams found its region.
    heat: f32,
    logits: Option<[f32; 4]>,
}

/// One text on its way through.
struct Open<'t> {
    place: usize,
    key: Key,
    said: Said<'t>,
    screened: Screened<'t>,
    /// Past the budget of windows, in the text as given.
    unscanned: Option<Range<usize>>,
    /// That is for what else is in the body: by itself, or beside less, the text may be read whole.
    crowded: bool,
}

impl Cascade {
    /// Judges texts, all of one body together. One verdict a text, in order.
    pub fn judge(&self, texts: &[Said<'_>]) -> Vec<Arc<Verdict>> {
        let begun = Instant::now();
        let mut verdicts: Vec<Option<Arc<Verdict>>> = vec![None; texts.len()];
        let mut open = Vec::new();
        for (place, said) in texts.iter().enumerate() {
            let key = Key::of(said.channel, said.text);
            match self.verdicts.get(&key) {
                Some(known) => {
                    self.counts.decided(Stage::Cache);
                    verdicts[place] = Some(known);
                }
                None => open.push(Open {
                    place,
                    key,
                    said: *said,
                    screened: self.screen.look(said),
                    unscanned: None,
                    crowded: false,
                }),
            }
        }
        self.counts.screened(begun.elapsed());
        let until = begun + self.limits.deadline;
        let mut asked = self.ask(&mut open, until);
        asked.sort_by_key(|a| a.text);
        let mut rest = &asked[..];
        for (number, text) in open.iter().enumerate() {
            let (mine, others) = rest.split_at(rest.partition_point(|a| a.text <= number));
            rest = others;
            let verdict = Arc::new(self.conclude(text, mine, until));
            self.counts.decided(verdict.stage);
            if !verdict.unavailable && !text.crowded {
                self.verdicts.put(text.key, verdict.clone());
            }
            verdicts[text.place] = Some(verdict);
        }
        verdicts.into_iter().flatten().collect()
    }

    /// Asks the model about everything that is undecided, the hottest first.
    fn ask(&self, open: &mut [Open<'_>], until: Instant) -> Vec<Asked> {
        let Some(judge) = &self.judge else {
            return Vec::new();
        };
        let mut asked = Vec::new();
        let mut left = self.limits.body_windows;
        for (number, text) in open.iter_mut().enumerate() {
            let limit = left.min(self.limits.text_windows);
            let mine = self.windows(judge, number, text, limit);
            text.crowded = limit < self.limits.text_windows && text.unscanned.is_some();
            left -= mine.len();
            asked.extend(mine);
        }
        asked.sort_by(|a, b| b.heat.total_cmp(&a.heat));
        for batch in asked.chunks_mut(ASKED_AT_ONCE) {
            let windows = batch.iter_mut().filter_map(|a| a.window.take()).collect();
            match self.score(judge, windows, until) {
                Ok(logits) => {
                    for (asked, logits) in batch.iter_mut().zip(logits) {
                        asked.logits = Some(logits);
                    }
                }
                Err(_) => break,
            }
        }
        asked
    }

    /// The windows of a text that are to be asked about, at most `limit`.
    fn windows(
        &self,
        judge: &Judge,
        number: usize,
        text: &mut Open<'_>,
        limit: usize,
    ) -> Vec<Asked> {
        let mut asked: Vec<Asked> = Vec::new();
        for region in &text.screened.regions {
            let view = &text.screened.views[region.view];
            let words = &view.text()[region.bytes.clone()];
            let left = limit - asked.len();
            let mut done = 0;
            if left > 0 {
                for window in judge.windows(text.said.channel, words, left) {
                    done = done.max(window.bytes.end);
                    asked.push(Asked {
                        text: number,
                        view: region.view,
                        bytes: window.bytes.start + region.bytes.start
                            ..window.bytes.end + region.bytes.start,
                        window: Some(window),
                        heat: region.heat,
                        logits: None,
                    });
                }
            }
            if done < words.trim_end().len() {
                let past = view.origin(region.bytes.start + done..region.bytes.end);
                text.unscanned = Some(match text.unscanned.take() {
                    Some(known) => known.start.min(past.start)..known.end.max(past.end),
                    None => past,
                });
            }
        }
        asked
    }

    /// Has the pool score windows, and waits.
    pub(crate) fn score(
        &self,
        judge: &Judge,
        windows: Vec<Window>,
        until: Instant,
    ) -> Result<Vec<[f32; 4]>, Unavailable> {
        let begun = Instant::now();
        let number = windows.len();
        let mut windows = Some(windows);
        let mut answer = Err(Unavailable::Failed);
        (self.wait)(&mut || {
            if let Some(windows) = windows.take() {
                answer = judge.pool.score(windows, until);
            }
        });
        self.counts
            .asked(number, answer.as_ref().err().copied(), begun.elapsed());
        answer
    }

    fn conclude(&self, text: &Open<'_>, asked: &[Asked], until: Instant) -> Verdict {
        let answered: Vec<(&Asked, [f32; 4])> =
            asked.iter().filter_map(|a| Some((a, a.logits?))).collect();
        let Some(judge) = &self.judge else {
            return self.without_model(text, false);
        };
        let unavailable = answered.len() < asked.len();
        let said = text.said;
        let threshold = judge.calibration.threshold(said.channel, said.text.len());
        let scale = judge.calibration.of(said.channel);
        let mut verdict = Verdict {
            score: text.screened.chance * CLEARED,
            heat: None,
            label: Label::Benign,
            threshold,
            hot: Vec::new(),
            unscanned: match text.screened.more {
                true => Some(0..said.text.len()),
                false => text.unscanned.clone(),
            },
            unavailable,
            stage: Stage::Ngram,
        };
        let mut hot: Vec<(&Asked, Hot)> = Vec::new();
        for (asked, logits) in answered {
            let heat = heat(logits);
            let (score, label) = (scale.chance(heat), likeliest(logits));
            if verdict.heat.is_none_or(|hottest| heat > hottest) {
                (verdict.score, verdict.label, verdict.heat) = (score, label, Some(heat));
            }
            verdict.stage = Stage::Model;
            if score >= threshold {
                let view = &text.screened.views[asked.view];
                let range = view.origin(asked.bytes.clone());
                hot.push((
                    asked,
                    Hot {
                        label,
                        range,
                        score,
                    },
                ));
            }
        }
        if unavailable && verdict.score < threshold {
            // What the model could not say, the words may: at least they are not lost.
            let rest = self.without_model(text, true);
            verdict.hot = rest.hot;
            verdict.score = verdict.score.max(rest.score);
            verdict.label = rest.label;
            return verdict;
        }
        hot.sort_by(|a, b| b.1.score.total_cmp(&a.1.score));
        hot.truncate(HOT_MAX);
        for (number, (asked, hot)) in hot.iter_mut().enumerate() {
            if number < narrow::WINDOWS_MAX {
                let view = &text.screened.views[asked.view];
                let narrowed =
                    self.narrow(judge, said.channel, view, &asked.bytes, threshold, until);
                hot.range = narrowed.unwrap_or_else(|| hot.range.clone());
            }
        }
        verdict.hot = apart(hot.into_iter().map(|(_, hot)| hot).collect());
        verdict
    }

    /// What the words alone say.
    fn without_model(&self, text: &Open<'_>, unavailable: bool) -> Verdict {
        let screened = &text.screened;
        let threshold = match &self.judge {
            Some(judge) => judge
                .calibration
                .threshold(text.said.channel, text.said.text.len()),
            None => ALONE,
        };
        let mut hot: Vec<Hot> = screened
            .hits
            .iter()
            .map(|(label, range)| Hot {
                label: *label,
                range: range.clone(),
                score: screened.chance.max(patterns::CHANCE),
            })
            .collect();
        if hot.is_empty() && screened.chance >= threshold {
            let of_channel = match text.said.channel {
                Channel::ToolDescription | Channel::ToolResult | Channel::ToolCall => {
                    Label::Embedded
                }
                _ => Label::Override,
            };
            hot.extend(screened.hottest.clone().map(|range| Hot {
                label: of_channel,
                range,
                score: screened.chance,
            }));
        }
        hot.retain(|hot| hot.score >= threshold);
        hot.truncate(HOT_MAX);
        let hottest = hot.iter().max_by(|a, b| a.score.total_cmp(&b.score));
        Verdict {
            score: hottest.map_or(screened.chance.min(threshold), |h| h.score),
            heat: None,
            label: hottest.map_or(Label::Benign, |h| h.label),
            threshold,
            hot: apart(hot),
            unscanned: None,
            unavailable,
            stage: Stage::Ngram,
        }
    }
}

/// How much the attacks together outweigh the benign, in nats.
pub fn heat(logits: [f32; 4]) -> f32 {
    let [benign, attacks @ ..] = logits;
    let most = attacks.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if most == f32::NEG_INFINITY {
        return f32::NEG_INFINITY;
    }
    most + attacks.iter().map(|a| (a - most).exp()).sum::<f32>().ln() - benign
}

/// The likeliest attack.
fn likeliest(logits: [f32; 4]) -> Label {
    let attacks = [Label::Override, Label::Jailbreak, Label::Embedded];
    let best = attacks
        .into_iter()
        .max_by(|a, b| logits[*a as usize].total_cmp(&logits[*b as usize]));
    best.unwrap_or(Label::Override)
}

/// Sorted by place; what overlaps is one, under the label of the hotter.
fn apart(mut hot: Vec<Hot>) -> Vec<Hot> {
    hot.sort_by_key(|h| (h.range.start, h.range.end));
    let mut apart: Vec<Hot> = Vec::new();
    for next in hot {
        match apart.last_mut() {
            Some(last) if next.range.start < last.range.end => {
                last.range.end = last.range.end.max(next.range.end);
                if next.score > last.score {
                    (last.score, last.label) = (next.score, next.label);
                }
            }
            _ => apart.push(next),
        }
    }
    apart
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heat_is_the_sum_of_attacks_over_the_benign() {
        assert!(heat([0.0, 0.0, f32::NEG_INFINITY, f32::NEG_INFINITY]).abs() < 1e-6);
        assert!((heat([0.0, 1.0, 1.0, 1.0]) - (1.0 + 3f32.ln())).abs() < 1e-6);
        assert_eq!(
            heat([0.0, f32::NEG_INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY]),
            f32::NEG_INFINITY
        );
    }

    #[test]
    fn what_overlaps_is_one_finding_under_the_hotter_label() {
        let hot = |label, range, score| Hot {
            label,
            range,
            score,
        };
        let found = apart(vec![
            hot(Label::Override, 5..9, 0.6),
            hot(Label::Embedded, 0..6, 0.9),
            hot(Label::Jailbreak, 9..12, 0.7),
        ]);
        assert_eq!(
            found,
            [
                hot(Label::Embedded, 0..9, 0.9),
                hot(Label::Jailbreak, 9..12, 0.7)
            ]
        );
    }
}
