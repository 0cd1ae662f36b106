//! One look over one text: what was hit, and what might still become a hit if text is added.

use crate::ahead::Aheads;
use std::ops::Range;

/// No finding of one token is longer than this, and no verdict on a token looks further ahead.
pub const TOKEN_MAX: usize = sallyport_normalise::RUN_MAX;
/// No finding that reaches over white space (a card number, a phrase, a tag) is longer than this.
pub const SPREAD_MAX: usize = 512;
/// No finding that is a block (a private key, a hidden comment) is longer than this.
pub const BLOCK_MAX: usize = 6000;
/// No private key is longer than this; one longer than `BLOCK_MAX` is several findings in a row.
pub const KEY_MAX: usize = 4 * BLOCK_MAX;

/// What is looked for in a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Wanted {
    pub secrets: bool,
    pub personal: bool,
    pub hidden: bool,
    /// Text that only a human cannot see in HTML: comments, hidden elements.
    pub hidden_html: bool,
    pub markers: bool,
    pub links: bool,
}

/// How far a finding may reach.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reach {
    /// Within one token, or a short spread over several.
    Token,
    /// Over lines.
    Block,
}

/// Something found in a text.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Hit {
    pub label: &'static str,
    pub range: Range<usize>,
    pub score: f32,
    pub reach: Reach,
}

/// One look over one text.
pub(crate) struct Scan<'t> {
    pub text: &'t str,
    pub bytes: &'t [u8],
    pub wanted: Wanted,
    pub hits: Vec<Hit>,
    /// The earliest place at which something begins that more text could complete or change.
    pub live: usize,
    /// What was read ahead.
    pub aheads: Aheads,
}

impl<'t> Scan<'t> {
    pub fn new(text: &'t str, wanted: Wanted) -> Self {
        Scan {
            text,
            bytes: text.as_bytes(),
            wanted,
            hits: Vec::new(),
            live: usize::MAX,
            aheads: Aheads::default(),
        }
    }

    pub fn hit(&mut self, label: &'static str, range: Range<usize>, score: f32) {
        self.push(label, range, score, Reach::Token);
    }

    pub fn block(&mut self, label: &'static str, range: Range<usize>, score: f32) {
        self.push(label, range, score, Reach::Block);
    }

    fn push(&mut self, label: &'static str, range: Range<usize>, score: f32, reach: Reach) {
        debug_assert!(
            self.text
                .get(range.clone())
                .is_some_and(|found| !found.is_empty())
        );
        self.hits.push(Hit {
            label,
            range,
            score,
            reach,
        });
    }

    /// Notes that a verdict on what begins at `start` read up to the end of the text.
    pub fn reached_end(&mut self, start: usize) {
        self.live = self.live.min(start);
    }

    /// The earliest place of what is live, or was found and reaches over `place`.
    pub fn reaches_over(&self, place: usize) -> usize {
        let over = |hit: &&Hit| hit.range.start < place && place < hit.range.end;
        let over = self
            .hits
            .iter()
            .filter(over)
            .map(|hit| hit.range.start)
            .min();
        over.unwrap_or(usize::MAX).min(self.live)
    }

    /// Whether `at` is the end of the text.
    pub fn ends(&self, at: usize) -> bool {
        at >= self.bytes.len()
    }
}

/// Sorts, and makes one of hits that have the same label and overlap.
pub(crate) fn merge(hits: &mut Vec<Hit>) {
    hits.sort_by(|a, b| {
        (a.label, a.range.start, a.range.end).cmp(&(b.label, b.range.start, b.range.end))
    });
    hits.dedup_by(|next, kept| {
        let same = next.label == kept.label && next.range.start < kept.range.end;
        if same {
            kept.range.end = kept.range.end.max(next.range.end);
            kept.score = kept.score.max(next.score);
        }
        same
    });
    drop_vague(hits);
    hits.sort_by_key(|hit| (hit.range.start, hit.range.end));
}

/// Drops what is only a secret by its name where its form says which.
fn drop_vague(hits: &mut Vec<Hit>) {
    let vague = |hit: &Hit| {
        matches!(
            hit.label,
            "secret.generic" | "secret.password" | "secret.bearer_token"
        )
    };
    if !hits.iter().any(vague) {
        return;
    }
    let mut known: Vec<Range<usize>> = hits
        .iter()
        .filter(|hit| hit.label.starts_with("secret.") && !vague(hit))
        .map(|hit| hit.range.clone())
        .collect();
    known.sort_by_key(|range| range.start);
    let mut reach = 0;
    for range in &mut known {
        // Ends that only grow, so that one look tells.
        reach = reach.max(range.end);
        range.end = reach;
    }
    hits.retain(|hit| {
        let before = known.partition_point(|range| range.start < hit.range.end);
        !(vague(hit) && before > 0 && known[before - 1].end > hit.range.start)
    });
}
