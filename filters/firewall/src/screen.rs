//! What is seen before the model is asked: the forms in which a text can be read, the patterns, the n-grams.

use crate::boundary;
use crate::channel::Channel;
use crate::patterns::Patterns;
use crate::{Label, Ngram, cascade::Said};
use sallyport_normalise::{View, disguises, normalise};
use std::ops::Range;

/// Forms of one text that are read; the text itself comes first.
const VIEWS_MAX: usize = 32;
/// Text on either side of a pattern that goes to the model with it.
const AROUND: usize = 320;
/// Stretches with no more than this between them are one: a window costs more than the words between.
const GAP_MAX: usize = 160;
/// Stretches of one form that are handed on by themselves; what is closer than that is one anyway.
const REGIONS_MAX: usize = 256;

/// The stages before the model, each of which can be off.
pub struct Screen {
    pub(crate) patterns: Option<Patterns>,
    pub(crate) ngram: Option<Ngram>,
}

/// A stretch of one form that the n-grams could not clear.
#[derive(Clone, PartialEq, Debug)]
pub struct Region {
    /// Which form.
    pub view: usize,
    /// Bytes of that form.
    pub bytes: Range<usize>,
    /// How hot it is, by the n-grams; the model is asked about the hottest first.
    pub heat: f32,
}

/// A text, seen.
pub struct Screened<'t> {
    /// The forms in which it can be read.
    pub views: Vec<View<'t>>,
    /// What is to be handed on.
    pub regions: Vec<Region>,
    /// The chance of an attack by the n-grams: of the hottest window of all forms.
    pub chance: f32,
    /// That window, in the text as given.
    pub hottest: Option<Range<usize>>,
    /// Patterns, in the text as given.
    pub hits: Vec<(Label, Range<usize>)>,
    /// There were more forms than are read.
    pub more: bool,
}

impl Screen {
    /// Looks at a text.
    pub fn look<'t>(&self, said: &Said<'t>) -> Screened<'t> {
        let mut views = normalise(said.text);
        views.extend(disguises(said.text));
        let more = views.len() > VIEWS_MAX;
        views.truncate(VIEWS_MAX);
        let mut screened = Screened {
            views,
            regions: Vec::new(),
            chance: 0.0,
            hottest: None,
            hits: Vec::new(),
            more,
        };
        for view in 0..screened.views.len() {
            let mut regions = self.windows(said.channel, view, &mut screened);
            self.patterns(view, &mut screened, &mut regions);
            let form = &screened.views[view];
            let differs = |region: &Region| {
                let words = &form.text()[region.bytes.clone()];
                said.text.get(form.origin(region.bytes.clone())) != Some(words)
            };
            let mut regions = joined(regions);
            // What reads as it does in the text itself is asked about there.
            regions.retain(|region| view == 0 || differs(region));
            screened.regions.extend(regions);
        }
        screened
    }

    /// The windows of a form that the n-grams do not clear; all of it where there are no n-grams.
    fn windows(&self, channel: Channel, view: usize, screened: &mut Screened<'_>) -> Vec<Region> {
        let form = &screened.views[view];
        let Some(ngram) = &self.ngram else {
            let bytes = 0..form.text().len();
            return vec![Region {
                view,
                bytes,
                heat: 0.0,
            }];
        };
        let channel = channel as u8;
        let mut regions = Vec::new();
        for window in ngram.windows(channel, form.text()) {
            let chance = 1.0 / (1.0 + (-window.logit).exp());
            if chance > screened.chance || screened.hottest.is_none() {
                screened.chance = chance.max(screened.chance);
                screened.hottest = Some(form.origin(window.bytes.clone()));
            }
            if !ngram.passes(channel, &window) {
                regions.push(Region {
                    view,
                    bytes: window.bytes,
                    heat: window.logit,
                });
            }
        }
        regions
    }

    fn patterns(&self, view: usize, screened: &mut Screened<'_>, regions: &mut Vec<Region>) {
        let Some(patterns) = &self.patterns else {
            return;
        };
        let form = &screened.views[view];
        let text = form.text();
        for (label, hit) in patterns.hits(text) {
            screened.hits.push((label, form.origin(hit.clone())));
            let start = boundary::floor(text, hit.start.saturating_sub(AROUND));
            let end = boundary::ceil(text, hit.end + AROUND);
            regions.push(Region {
                view,
                bytes: start..end,
                heat: f32::INFINITY,
            });
        }
    }
}

/// Sorted; what overlaps or almost touches is one. More than `REGIONS_MAX` are one from the first to the last.
fn joined(mut regions: Vec<Region>) -> Vec<Region> {
    regions.sort_by_key(|r| (r.bytes.start, r.bytes.end));
    let mut joined: Vec<Region> = Vec::new();
    for next in regions {
        match joined.last_mut() {
            Some(last) if next.bytes.start <= last.bytes.end + GAP_MAX => {
                last.bytes.end = last.bytes.end.max(next.bytes.end);
                last.heat = last.heat.max(next.heat);
            }
            _ => joined.push(next),
        }
    }
    if joined.len() > REGIONS_MAX
        && let (Some(first), Some(last)) = (joined.first(), joined.last())
    {
        let whole = Region {
            view: first.view,
            bytes: first.bytes.start..last.bytes.end,
            heat: joined.iter().fold(f32::NEG_INFINITY, |h, r| h.max(r.heat)),
        };
        return vec![whole];
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_that_touch_are_one() {
        let region = |bytes, heat| Region {
            view: 0,
            bytes,
            heat,
        };
        assert_eq!(
            joined(vec![
                region(220..230, 1.0),
                region(0..8, 2.0),
                region(18..22, 3.0)
            ]),
            [region(0..22, 3.0), region(220..230, 1.0)]
        );
        let many = (0..1000)
            .map(|i| region(i * 1000..i * 1000 + 5, i as f32))
            .collect();
        assert_eq!(joined(many), [region(0..999_005, 999.0)]);
    }
}
