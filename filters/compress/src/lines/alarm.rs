//! Which lines a reader looks for: those that say that something went wrong.

/// What such lines say, in any case, anywhere in a word: `NullPointerException`, `failed`, `WARNING`.
const WORDS: [&[u8]; 9] = [
    b"error",
    b"warn",
    b"fatal",
    b"fail",
    b"exception",
    b"traceback",
    b"panic",
    b"critical",
    b"severe",
];

/// Words that say how it went, or how bad it is: never taken for a name.
const VERDICTS: [&str; 24] = [
    "ok", "pass", "passed", "ignored", "skipped", "info", "debug", "trace", "notice", "alert",
    "emerg", "crit", "err", "denied", "refused", "killed", "aborted", "timeout", "running",
    "pending", "true", "false", "accepted", "rejected",
];

/// Whether a text says that something went wrong.
pub(crate) fn says(text: &str) -> bool {
    let bytes = text.as_bytes();
    let pairs = bytes.windows(2).enumerate();
    let mut begins = pairs.filter(|(_, pair)| {
        matches!(
            [pair[0] | 0x20, pair[1] | 0x20],
            [b'e', b'r' | b'x'] | [b'w' | b'f' | b'p', b'a'] | [b't' | b'c', b'r'] | [b's', b'e']
        )
    });
    begins.any(|(at, _)| {
        let rest = &bytes[at..];
        WORDS
            .iter()
            .any(|word| rest.len() >= word.len() && rest[..word.len()].eq_ignore_ascii_case(word))
    })
}

/// Whether a word says how it went.
pub(crate) fn verdict(word: &str) -> bool {
    word.len() <= 8
        && VERDICTS
            .iter()
            .any(|known| word.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarms_are_heard_in_any_case_and_inside_words() {
        for line in [
            "java.lang.NullPointerException",
            "a WARNING",
            "1 failed",
            "Panicked",
        ] {
            assert!(says(line), "{line}");
        }
        for line in ["all is well", "errand", "wa rn"] {
            assert!(!says(line), "{line}");
        }
    }
}
