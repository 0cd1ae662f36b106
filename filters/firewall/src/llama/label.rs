//! What text can be.

/// What a window of text is taken for. The order is that of the scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Label {
    /// No attack. A harmful topic alone is benign here.
    Benign,
    /// Ignore, replace or extract instructions.
    Override,
    /// A persona, a game or a disguise to shed rules.
    Jailbreak,
    /// An instruction to the agent inside data or tool metadata.
    Embedded,
}

impl Label {
    /// All labels, in the order of the scores.
    pub const ALL: [Label; 4] = [
        Label::Benign,
        Label::Override,
        Label::Jailbreak,
        Label::Embedded,
    ];

    /// The word for it, as in the model's metadata and in findings.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Label::Benign => "benign",
            Label::Override => "override",
            Label::Jailbreak => "jailbreak",
            Label::Embedded => "embedded",
        }
    }

    /// The label of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Label> {
        Label::ALL.into_iter().find(|label| label.word() == word)
    }

    /// Its place in the scores.
    #[must_use]
    pub fn index(self) -> usize {
        match self {
            Label::Benign => 0,
            Label::Override => 1,
            Label::Jailbreak => 2,
            Label::Embedded => 3,
        }
    }
}

/// Probabilities from logits: softmax. A label of minus infinity, one that the model does not have, gets 0.
#[must_use]
pub fn probabilities(logits: [f32; 4]) -> [f32; 4] {
    let top = logits.into_iter().fold(f32::NEG_INFINITY, f32::max);
    if !top.is_finite() {
        return [0.0; 4];
    }
    let powers = logits.map(|logit| (logit - top).exp());
    let sum: f32 = powers.iter().sum();
    powers.map(|power| power / sum)
}

/// One model's outputs as logits by [`Label`]: outputs that mean the same are added as probabilities.
pub(super) fn by_label(outputs: &[f32], labels: &[Label]) -> [f32; 4] {
    let mut logits = [f32::NEG_INFINITY; 4];
    for (output, label) in outputs.iter().zip(labels) {
        let sum = &mut logits[label.index()];
        let top = sum.max(*output);
        *sum = if sum.is_finite() {
            top + ((*sum - top).exp() + (*output - top).exp()).ln()
        } else {
            *output
        };
    }
    logits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_places_agree() {
        for (i, label) in Label::ALL.into_iter().enumerate() {
            assert_eq!(label.index(), i);
            assert_eq!(Label::from_word(label.word()), Some(label));
        }
    }

    #[test]
    fn outputs_of_one_label_are_added() {
        // Three outputs of equal weight, two of them the same label.
        let logits = by_label(
            &[0.0, 0.0, 0.0],
            &[Label::Benign, Label::Override, Label::Override],
        );
        let [benign, over, jailbreak, embedded] = probabilities(logits);
        assert!((benign - 1.0 / 3.0).abs() < 1e-6);
        assert!((over - 2.0 / 3.0).abs() < 1e-6);
        assert_eq!((jailbreak, embedded), (0.0, 0.0));
    }

    #[test]
    fn large_logits_do_not_overflow() {
        assert_eq!(probabilities([1e30, 0.0, 0.0, -1e30]), [1.0, 0.0, 0.0, 0.0]);
        assert_eq!(probabilities([f32::NEG_INFINITY; 4]), [0.0; 4]);
    }
}
