//! Which sentences of a hot window are hot.

use crate::Window;
use crate::cascade::{Cascade, Judge, heat};
use crate::channel::Channel;
use crate::sentence::sentences;
use sallyport_normalise::View;
use std::ops::Range;
use std::time::Instant;

/// Windows of one text that are looked into more closely.
pub const WINDOWS_MAX: usize = 2;
/// Pieces that a window is cut into.
const PIECES_MAX: usize = 8;

impl Cascade {
    /// The narrowest run of sentences within `bytes` of `view` that holds all that is hot by itself, in the
    /// text as given; `None` where no sentence is, or nobody can be asked.
    pub(crate) fn narrow(
        &self,
        judge: &Judge,
        channel: Channel,
        view: &View<'_>,
        bytes: &Range<usize>,
        threshold: f32,
        until: Instant,
    ) -> Option<Range<usize>> {
        let pieces = pieces(&view.text()[bytes.clone()]);
        if pieces.len() < 2 {
            return None;
        }
        let (mut places, mut windows): (Vec<Range<usize>>, Vec<Window>) = (Vec::new(), Vec::new());
        for piece in pieces {
            let place = bytes.start + piece.start..bytes.start + piece.end;
            let window = judge.windows(channel, &view.text()[place.clone()], 1);
            if let Some(window) = window.into_iter().next() {
                places.push(place);
                windows.push(window);
            }
        }
        let logits = self.score(judge, windows, until).ok()?;
        let scale = judge.calibration.of(channel);
        let hot: Vec<&Range<usize>> = places
            .iter()
            .zip(&logits)
            .filter(|(_, logits)| scale.chance(heat(**logits)) >= threshold)
            .map(|(place, _)| place)
            .collect();
        let (first, last) = (hot.first()?, hot.last()?);
        Some(view.origin(first.start..last.end))
    }
}

/// The sentences of a window, joined to at most `PIECES_MAX` of about the same length.
fn pieces(text: &str) -> Vec<Range<usize>> {
    let least = text.len() / PIECES_MAX;
    let mut pieces: Vec<Range<usize>> = Vec::new();
    for sentence in sentences(text) {
        match pieces.last_mut() {
            Some(last) if last.len() < least => last.end = sentence.end,
            _ => pieces.push(sentence),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_cut_into_few_pieces_that_cover_it() {
        let text = "One. Two. ".repeat(40);
        let cut = pieces(&text);
        assert!(cut.len() <= PIECES_MAX && cut.len() > PIECES_MAX / 2);
        assert_eq!(cut.first().map(|r| r.start), Some(0));
        assert_eq!(cut.last().map(|r| r.end), Some(text.len()));
        assert!(cut.windows(2).all(|pair| pair[0].end == pair[1].start));
    }
}
