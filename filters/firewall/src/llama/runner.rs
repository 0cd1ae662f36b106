//! One context of llama.cpp and what it computes: a few windows in, their scores out.

use std::num::NonZeroU32;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::{LlamaContextParams, LlamaPoolingType};
use llama_cpp_2::llama_batch::LlamaBatch;

use super::guard::Asked;
use super::label::by_label;
use super::model::{Kind, Loaded, backend, starting};
use super::{Label, LoadError, Window};

/// Most tokens and windows of a classifier's batch. Company makes a window of 64 tokens a tenth faster and one of 256 no
/// faster at all (windows of a batch share one attention matrix, whose masked part is computed too), so batches are
/// small: one context is soon free again, and the others have something to do.
pub(super) const BATCH_TOKENS: usize = 256;
pub(super) const BATCH_WINDOWS: usize = 4;

/// llama.cpp failed on a batch; the context is not to be used again.
#[derive(Debug)]
pub(super) struct Broke;

/// A context and the room for its input.
pub(super) struct Runner<'m> {
    model: &'m Loaded,
    context: LlamaContext<'m>,
    batch: LlamaBatch<'static>,
}

impl<'m> Runner<'m> {
    pub(super) fn new(model: &'m Loaded, threads: usize) -> Result<Runner<'m>, LoadError> {
        let threads = i32::try_from(threads.max(1)).unwrap_or(1);
        let params = LlamaContextParams::default()
            .with_n_threads(threads)
            .with_n_threads_batch(threads)
            .with_no_perf(true)
            .with_offload_kqv(false);
        let (room, params) = match &model.kind {
            Kind::Classifier(_) => {
                let room = BATCH_TOKENS.max(model.most);
                let params = params
                    .with_n_ubatch(number(room))
                    .with_n_seq_max(number(BATCH_WINDOWS))
                    .with_embeddings(true)
                    .with_pooling_type(LlamaPoolingType::Rank);
                (room, params)
            }
            Kind::Guard(_) => (model.most, params.with_n_seq_max(1)),
        };
        let params = params
            .with_n_ctx(NonZeroU32::new(number(room)))
            .with_n_batch(number(room));
        let _one = starting();
        let context = model
            .weights
            .new_context(backend()?, params)
            .map_err(|why| LoadError::Start {
                why: why.to_string(),
            })?;
        Ok(Runner {
            model,
            context,
            batch: LlamaBatch::new(room, 1),
        })
    }

    /// The scores of these windows, in order. They must fit in one batch: see [`batches`].
    pub(super) fn run(&mut self, windows: &[Window]) -> Result<Vec<[f32; 4]>, Broke> {
        let scores = match &self.model.kind {
            Kind::Classifier(labels) => self.classify(windows, labels),
            Kind::Guard(asked) => windows
                .iter()
                .map(|window| self.ask(window, asked))
                .collect(),
        }?;
        // Not a number is not harmless.
        let sound = |scores: &[f32; 4]| {
            !scores
                .iter()
                .any(|score| score.is_nan() || *score == f32::INFINITY)
        };
        if scores.iter().all(sound) {
            Ok(scores)
        } else {
            Err(Broke)
        }
    }

    fn classify(&mut self, windows: &[Window], labels: &[Label]) -> Result<Vec<[f32; 4]>, Broke> {
        self.batch.clear();
        for (sequence, window) in (0..).zip(windows) {
            let added = self.batch.add_sequence(&window.tokens, sequence, true);
            added.map_err(|_| Broke)?;
        }
        self.context.encode(&mut self.batch).map_err(|_| Broke)?;
        let scores = (0..).zip(windows).map(|(sequence, _)| {
            let outputs = self
                .context
                .embeddings_seq_ith(sequence)
                .map_err(|_| Broke)?;
            Ok(by_label(outputs, labels))
        });
        scores.collect()
    }

    fn ask(&mut self, window: &Window, asked: &Asked) -> Result<[f32; 4], Broke> {
        self.context.clear_kv_cache();
        self.batch.clear();
        let added = self.batch.add_sequence(&window.tokens, 0, false);
        added.map_err(|_| Broke)?;
        self.context.decode(&mut self.batch).map_err(|_| Broke)?;
        let words = self.context.get_logits_ith(self.batch.n_tokens() - 1);
        let logit = |token: super::Token| {
            let place = usize::try_from(token.0).map_err(|_| Broke)?;
            words.get(place).copied().ok_or(Broke)
        };
        Ok(by_label(
            &[logit(asked.safe)?, logit(asked.attack)?],
            &[Label::Benign, asked.label],
        ))
    }
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Puts windows of like length together, in batches that a runner takes. Gives each window's place in the input with it.
pub(super) fn batches(windows: Vec<Window>) -> Vec<Vec<(usize, Window)>> {
    let mut sorted: Vec<(usize, Window)> = windows.into_iter().enumerate().collect();
    sorted.sort_by_key(|(_, window)| std::cmp::Reverse(window.length()));
    let mut batches: Vec<Vec<(usize, Window)>> = Vec::new();
    let mut room = 0;
    for (place, window) in sorted {
        let length = window.length();
        match batches.last_mut() {
            Some(batch) if length <= room && batch.len() < BATCH_WINDOWS => {
                room -= length;
                batch.push((place, window));
            }
            _ => {
                room = BATCH_TOKENS.saturating_sub(length);
                batches.push(vec![(place, window)]);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llama::Token;

    #[test]
    fn batches_hold_every_window_once_and_are_never_too_large() {
        let window = |length: usize| Window {
            bytes: 0..length,
            tokens: vec![Token(0); length],
        };
        let lengths = [
            256, 3, 90, 90, 256, 12, 500, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 512,
        ];
        let batches = batches(lengths.into_iter().map(window).collect());
        let mut places: Vec<usize> = Vec::new();
        for batch in &batches {
            assert!(!batch.is_empty() && batch.len() <= BATCH_WINDOWS);
            let tokens = batch
                .iter()
                .map(|(_, window)| window.length())
                .sum::<usize>();
            assert!(tokens <= BATCH_TOKENS || batch.len() == 1);
            for (place, window) in batch {
                assert_eq!(window.length(), lengths[*place]);
                places.push(*place);
            }
        }
        places.sort_unstable();
        assert_eq!(places, (0..lengths.len()).collect::<Vec<_>>());
    }
}
