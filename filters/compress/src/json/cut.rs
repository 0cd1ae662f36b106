//! JSON that was cut off: a client keeps the first so many characters of what a tool answered.

use super::{blanks, escape};

/// Bytes of the shortest text that is taken for JSON cut off.
const LEN_MIN: usize = 200;

/// Where a cut document could end.
pub(super) struct Cut {
    /// Bytes up to the end of the last whole value, or of the bracket that was opened last.
    pub kept: usize,
    /// What closes all that is open there.
    pub closers: String,
}

enum Expect {
    Value,
    /// A value, or the end of a list just opened.
    First,
    Key,
    /// A key, or the end of an object just opened.
    FirstKey,
    Colon,
    CommaOrEnd,
}

/// Reads the beginning of a JSON text that ends within a list or an object; `None`: it does not, or is no JSON.
pub(super) fn find(text: &str) -> Option<Cut> {
    if text.len() < LEN_MIN {
        return None;
    }
    let bytes = text.as_bytes();
    let (mut open, mut expect, mut kept) = (Vec::new(), Expect::Value, 0);
    let mut at = 0;
    loop {
        at += bytes[at..]
            .iter()
            .take_while(|b| b.is_ascii_whitespace())
            .count();
        let Some(&byte) = bytes.get(at) else {
            break;
        };
        let end = blanks::token_end(bytes, at);
        expect = match (byte, expect) {
            (b'{' | b'[', Expect::Value | Expect::First) => {
                open.push(byte);
                kept = end;
                if byte == b'{' {
                    Expect::FirstKey
                } else {
                    Expect::First
                }
            }
            (b'}', Expect::FirstKey | Expect::CommaOrEnd) if open.last() == Some(&b'{') => {
                open.pop();
                kept = end;
                Expect::CommaOrEnd
            }
            (b']', Expect::First | Expect::CommaOrEnd) if open.last() == Some(&b'[') => {
                open.pop();
                kept = end;
                Expect::CommaOrEnd
            }
            (b',', Expect::CommaOrEnd) if !open.is_empty() => match open.last() {
                Some(b'{') => Expect::Key,
                _ => Expect::Value,
            },
            (b':', Expect::Colon) => Expect::Value,
            (b'"', Expect::Key | Expect::FirstKey) => match escape::end(text, at + 1, b'"').1 {
                true => Expect::Colon,
                false => break,
            },
            (b'"', Expect::Value | Expect::First) => match escape::end(text, at + 1, b'"').1 {
                true => {
                    kept = end;
                    Expect::CommaOrEnd
                }
                false => break,
            },
            // What stands last may go on: 12 could have been 120.
            (b'-' | b'0'..=b'9' | b't' | b'f' | b'n', Expect::Value | Expect::First) => {
                if end == bytes.len() {
                    break;
                }
                kept = end;
                Expect::CommaOrEnd
            }
            _ => return None,
        };
        at = end;
    }
    let close = |open: &u8| if *open == b'{' { '}' } else { ']' };
    let closers: String = open.iter().rev().map(close).collect();
    (!closers.is_empty()).then_some(Cut { kept, closers })
}
