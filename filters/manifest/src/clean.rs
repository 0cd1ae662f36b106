//! A text as a model takes it: what is unseen dropped, tags read, look-alikes made Latin, all in small letters.

use crate::seen::is_unseen;
use std::borrow::Cow;
use std::ops::Range;
use unicode_normalization::UnicodeNormalization as _;
use unicode_security::confusable_detection::skeleton;

/// The cleaned text, and where each of its bytes comes from.
pub(crate) struct Clean<'t> {
    pub bytes: Cow<'t, [u8]>,
    /// For each byte the bytes of the original it was made from; empty where nothing was changed.
    origin: Vec<(u32, u32)>,
}

impl<'t> Clean<'t> {
    /// Of ASCII there is nothing to clean: patterns do not mind the case of letters.
    pub fn of(text: &'t str) -> Clean<'t> {
        if text.is_ascii() {
            return Clean {
                bytes: Cow::Borrowed(text.as_bytes()),
                origin: Vec::new(),
            };
        }
        let mut bytes = Vec::with_capacity(text.len());
        let mut origin = Vec::with_capacity(text.len());
        for (at, c) in text.char_indices() {
            let place = (at as u32, (at + c.len_utf8()) as u32);
            let mut push = |made: &str| {
                bytes.extend_from_slice(made.as_bytes());
                origin.resize(bytes.len(), place);
            };
            match c {
                '\u{e0020}'..='\u{e007e}' => {
                    let ascii = char::from_u32(c as u32 - 0xe0000).unwrap_or(' ');
                    push(ascii.encode_utf8(&mut [0; 4]));
                }
                c if c.is_ascii() => push(c.encode_utf8(&mut [0; 4])),
                c if is_unseen(c) => {}
                c => push(&latin(c)),
            }
        }
        Clean {
            bytes: Cow::Owned(bytes),
            origin,
        }
    }

    /// Where a stretch that begins and ends with ASCII stands in the original.
    pub fn origin(&self, range: Range<usize>) -> Range<usize> {
        match (
            self.origin.get(range.start),
            self.origin.get(range.end.wrapping_sub(1)),
        ) {
            (Some(first), Some(last)) => first.0 as usize..last.1 as usize,
            _ => range,
        }
    }
}

/// The ASCII letters that `c` passes for, or `c` in compatibility form.
pub(crate) fn latin(c: char) -> String {
    // Quotes, dashes and blanks that are no ASCII are so in honest texts too.
    match c {
        '\u{2018}' | '\u{2019}' => return "'".into(),
        '\u{201c}' | '\u{201d}' => return "\"".into(),
        '\u{2010}'..='\u{2015}' => return "-".into(),
        _ => {}
    }
    let form: String = std::iter::once(c).nfkd().filter(|c| !is_mark(*c)).collect();
    if form.is_ascii() {
        return form;
    }
    let like: String = skeleton(&form).collect();
    if like.is_ascii() { like } else { form }
}

/// Combining marks of Latin letters: accents.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20f0}')
}

#[cfg(test)]
mod tests {
    use super::Clean;

    #[test]
    fn what_hides_a_text_is_undone_and_leads_back() {
        for text in [
            "ignore",
            "ign\u{200b}ore",
            "\u{456}gn\u{43e}re",
            "ｉｇｎｏｒｅ",
            "𝗶𝗴𝗻𝗼𝗿𝗲",
            "\u{e0069}\u{e0067}\u{e006e}\u{e006f}\u{e0072}\u{e0065}",
            "ígnóre",
        ] {
            let clean = Clean::of(text);
            assert_eq!(&*clean.bytes, b"ignore", "{text:?}");
            assert_eq!(clean.origin(0..6), 0..text.len(), "{text:?}");
        }
    }
}
