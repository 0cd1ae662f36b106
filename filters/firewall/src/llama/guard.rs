//! Generative guards: models that answer a question about a text with a word (Qwen3Guard, Granite Guardian, Llama Guard).

use super::text::{Frame, Token};
use super::{Label, LoadError};
use llama_cpp_2::vocab::LlamaVocab;

/// What stands for the text in a guard's prompt.
const PLACE: &str = "{text}";

/// How a generative guard is asked, and what its answers mean. Its score is that of the first token of its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// The whole prompt, in the model's own format with its special tokens; `{text}` stands for the text, once. Special
    /// tokens in the text itself are text.
    pub template: String,
    /// How its answer begins where it sees an attack, for example `unsafe` or `Yes`.
    pub attack: String,
    /// How its answer begins where it sees none, for example `safe` or `No`.
    pub safe: String,
    /// What an attack is reported as.
    pub label: Label,
}

/// A guard's prompt and answers as tokens.
pub(super) struct Asked {
    pub(super) frame: Frame,
    pub(super) attack: Token,
    pub(super) safe: Token,
    pub(super) label: Label,
}

impl Guard {
    /// The prompt and the answers in a model's tokens.
    pub(super) fn asked(&self, vocab: &LlamaVocab<'_>) -> Result<Asked, LoadError> {
        let fault = |why| LoadError::Prompt { why };
        let (before, after) = self
            .template
            .split_once(PLACE)
            .filter(|(_, after)| !after.contains(PLACE))
            .ok_or(fault("`{text}` must stand in it once"))?;
        if self.label == Label::Benign {
            return Err(fault("its attacks cannot be reported as benign"));
        }
        let first = |word: &str| {
            vocab
                .tokenize(word.as_bytes(), false, false)
                .first()
                .copied()
        };
        let attack = first(&self.attack).ok_or(fault("the word for an attack is empty"))?;
        let safe = first(&self.safe).ok_or(fault("the word for no attack is empty"))?;
        if attack == safe {
            return Err(fault(
                "the words for an attack and for none begin with the same token",
            ));
        }
        let start = vocab.should_add_bos();
        Ok(Asked {
            frame: Frame {
                before: vocab.tokenize(before.as_bytes(), start, true),
                after: vocab.tokenize(after.as_bytes(), false, true),
            },
            attack,
            safe,
            label: self.label,
        })
    }
}
