//! Roughly how many tokens a text is, and where it may be cut.

/// The last place between two letters at or before this byte.
pub(super) fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Tokens of a text, roughly: a word is one and one more for each six letters beyond four, other marks one for each
/// three bytes. It only grows with the text, and is never less than one for each sixteen bytes.
pub(super) fn estimate(text: &str) -> usize {
    let mut tokens = 0;
    let mut bytes = text.bytes().peekable();
    while let Some(first) = bytes.next() {
        let class = class(first);
        let mut run = 1;
        while bytes.next_if(|next| self::class(*next) == class).is_some() {
            run += 1;
        }
        tokens += match class {
            Class::Letter => 1 + usize::saturating_sub(run, 4) / 6,
            // One blank goes with the word after it.
            Class::Blank => usize::div_ceil(run - 1, 16),
            Class::Line => 1 + run / 16,
            Class::Other => usize::div_ceil(run, 3),
        };
    }
    tokens
}

#[derive(PartialEq, Eq)]
enum Class {
    Letter,
    Blank,
    Line,
    Other,
}

fn class(byte: u8) -> Class {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' => Class::Letter,
        b' ' | b'\t' => Class::Blank,
        b'\n' | b'\r' => Class::Line,
        _ => Class::Other,
    }
}
