//! How random letters are: entropy, placeholders and checksums of tokens.

use crate::words::List;
use std::sync::LazyLock;

/// Words that show that a token is an example; it still has the right form.
static EXAMPLES: LazyLock<List> = LazyLock::new(|| {
    List::new(&[
        "example",
        "dummy",
        "fake",
        "sample",
        "testtest",
        "abcdefghij",
        "1234567890",
        "0123456789",
    ])
});
/// Words and letters that show that a token is no token at all.
static PLACEHOLDERS: LazyLock<List> = LazyLock::new(|| {
    List::new(&[
        "xxxx",
        "your",
        "placeholder",
        "changeme",
        "change_me",
        "redacted",
        "insert",
        "......",
        "-----",
        "aaaaaaa",
        "0000000",
        "_here",
        "-here",
    ])
});

/// How sure one may be that `body` is a real secret by its letters: nothing for a placeholder,
/// 0.3 for an example as documentation shows it, 0.95 for random letters.
pub(crate) fn randomness(body: &[u8]) -> Option<f32> {
    if PLACEHOLDERS.any_in(body) {
        return None;
    }
    let least = match body.len() {
        0..=11 => 2.0,
        12..=19 => 2.5,
        20..=31 => 2.8,
        _ => 3.0,
    };
    if entropy(body) < least {
        return None;
    }
    Some(if EXAMPLES.any_in(body) { 0.3 } else { 0.95 })
}

/// Whether `body` has any of `words` (lower case) in it, whatever its own case.
pub(crate) fn contains_any(body: &[u8], words: &[&str]) -> bool {
    let firsts = words.iter().fold([false; 256], |mut firsts, word| {
        let first = word.as_bytes()[0];
        firsts[first as usize] = true;
        firsts[first.to_ascii_uppercase() as usize] = true;
        firsts
    });
    body.iter()
        .enumerate()
        .filter(|&(_, &byte)| firsts[byte as usize])
        .any(|(at, _)| {
            words.iter().any(|word| {
                body[at..]
                    .get(..word.len())
                    .is_some_and(|found| found.eq_ignore_ascii_case(word.as_bytes()))
            })
        })
}

/// Shannon entropy in bits a byte.
pub(crate) fn entropy(body: &[u8]) -> f32 {
    let mut counts = [0u16; 256];
    for &byte in body.iter().take(4096) {
        counts[byte as usize] += 1;
    }
    let total = body.len().clamp(1, 4096) as f32;
    counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| {
            let share = f32::from(count) / total;
            -share * share.log2()
        })
        .sum()
}

const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut value = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 {
                0xEDB8_8320 ^ (value >> 1)
            } else {
                value >> 1
            };
            bit += 1;
        }
        table[byte] = value;
        byte += 1;
    }
    table
};

/// CRC-32 as zip has it.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        CRC_TABLE[(crc as u8 ^ byte) as usize] ^ (crc >> 8)
    })
}

/// A number as six base62 digits, `0` first.
pub(crate) fn base62(mut value: u32) -> [u8; 6] {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut out = [b'0'; 6];
    for place in out.iter_mut().rev() {
        *place = DIGITS[(value % 62) as usize];
        value /= 62;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_and_base62_match_known_values() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(&base62(61), b"00000z");
        assert_eq!(&base62(62), b"000010");
    }

    #[test]
    fn words_are_less_random_than_tokens() {
        assert_eq!(randomness(b"xxxxxxxxxxxxxxxxxxxxxxxx"), None);
        assert_eq!(randomness(b"YOUR_API_KEY_GOES_IN_HERE"), None);
        assert_eq!(randomness(b"IOSFODNN7EXAMPLE"), Some(0.3));
        assert_eq!(randomness(b"q8Zt3VbN1mXy7Lk2Wd5RhJ9p"), Some(0.95));
    }
}
