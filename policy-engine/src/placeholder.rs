//! What stands in place of what was masked: the same secret gives the same words, and never itself.

use hmac::{Hmac, KeyInit, Mac};
use sallyport_exchange::Label;
use sha2::Sha256;
use std::fmt;

/// Families whose words are attacks rather than secrets: a notice stands in their place.
const ATTACKS: [&str; 4] = ["injection.*", "marker.*", "hidden.*", "link.*"];

/// Makes placeholders. The key keeps a reader of the conversation from guessing short secrets.
#[derive(Clone)]
pub struct Placeholders {
    key: [u8; 32],
}

impl fmt::Debug for Placeholders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Placeholders")
    }
}

impl Placeholders {
    /// Placeholders under this key. Replicas that share a key write the same ones.
    pub fn new(key: [u8; 32]) -> Self {
        Placeholders { key }
    }

    /// The words for a finding of `label` over `text`, for one team.
    pub fn words(&self, team: &str, label: Label, text: &str) -> String {
        if ATTACKS.iter().any(|family| label.matches(family)) {
            return format!("[removed by Sallyport: {label}]");
        }
        format!("[redacted {label} #{}]", self.tag(team, text))
    }

    /// Six hex digits that tell secrets apart within a team.
    fn tag(&self, team: &str, text: &str) -> String {
        // HMAC takes a key of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else {
            return "------".to_owned();
        };
        mac.update(team.as_bytes());
        mac.update(&[0]);
        mac.update(text.as_bytes());
        let digest = mac.finalize().into_bytes();
        digest
            .iter()
            .take(3)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_secret_has_the_same_words_and_never_its_own() {
        let words = Placeholders::new([7; 32]);
        let label = Label("secret.test");
        let one = words.words("a", label, "hunter2");
        assert_eq!(one, words.words("a", label, "hunter2"));
        assert_ne!(one, words.words("b", label, "hunter2"));
        assert_ne!(one, words.words("a", label, "hunter3"));
        assert!(!one.contains("hunter2"));
        assert_eq!(
            words.words("a", Label("injection.phrase"), "x"),
            "[removed by Sallyport: injection.phrase]"
        );
    }
}
