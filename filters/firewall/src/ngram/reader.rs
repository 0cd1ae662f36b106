//! A text as tokens, and tokens as places in one table: what the model knows of a text.
//!
//! Tokens: runs of letters in small letters (cut after `WORD_MAX`), runs of digits (all one token), characters of scripts
//! without spaces one by one, and every other mark (a run of the same one is one token). What repeats a token is part of it. White space and control
//! characters only separate. Each token brings itself, its pairs with the two tokens before it, the three together, the
//! groups of four letters in it, and, once more for the channel, itself and its pair. All of that is hashed as written
//! here and nowhere else: a table only fits the hashes it was made with, so `tests` pins them.

use std::ops::Range;

/// Letters of a word that are read as one token; longer runs are several.
pub const WORD_MAX: usize = 24;
/// Places in the table of weights.
pub const BUCKETS: usize = 1 << 18;
/// Bits of the map of pairs that were seen in training.
pub const PAIRS: usize = 1 << 20;
/// Letters in a group; a word's beginning and end count as one each.
const GROUP: usize = 4;
const GROUPS_MAX: usize = WORD_MAX + 2 - (GROUP - 1);
/// Features of one token at most: itself, two pairs, the three, two for the channel, and its groups.
pub const FEATURES_MAX: usize = 6 + GROUPS_MAX;

/// Stand for the beginning and the end of a word in its groups of letters.
const BEGIN: u64 = 2;
const END: u64 = 3;

/// What tells the sorts of features apart before they are hashed.
mod seed {
    pub const WORD: u64 = 0x9e37_79b9_7f4a_7c15;
    pub const PAIR: u64 = 0xc2b2_ae3d_27d4_eb4f;
    pub const SKIP: u64 = 0x1656_67b1_9e37_79f9;
    pub const THREE: u64 = 0x27d4_eb2f_1656_67c5;
    pub const GROUP: u64 = 0x8525_4f2b_71c3_9d0b;
    pub const CHANNEL: u64 = 0xd6e8_feb8_6659_fd93;
    pub const DIGITS: u64 = 0xa076_1d64_78bd_642f;
    pub const MARK: u64 = 0xe703_7ed1_a0b4_28db;
}

/// SplitMix64's last step: every bit of the outcome depends on every bit of `x`.
pub(super) const fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

const fn bucket(x: u64) -> u32 {
    (mix(x) >> (64 - BUCKETS.trailing_zeros())) as u32
}

/// The bit that stands for a pair in the map of `PAIRS` bits.
pub const fn pair_bit(pair: u64) -> usize {
    (pair >> (64 - PAIRS.trailing_zeros())) as usize
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    Letter,
    Digit,
    /// A character that is a word: Han, kana.
    Alone,
    Mark,
}

const ASCII: [Class; 128] = {
    let mut table = [Class::Mark; 128];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = match byte as u8 {
            0..=b' ' | 0x7f => Class::Space,
            b'a'..=b'z' | b'A'..=b'Z' => Class::Letter,
            b'0'..=b'9' => Class::Digit,
            _ => Class::Mark,
        };
        byte += 1;
    }
    table
};

/// What a character beyond ASCII is.
fn wide(c: char) -> Class {
    match c {
        '\u{2e80}'..='\u{2fdf}' | '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' => Class::Alone,
        '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' => Class::Alone,
        _ if c.is_alphabetic() => Class::Letter,
        _ if c.is_numeric() => Class::Digit,
        _ if c.is_whitespace() || c.is_control() => Class::Space,
        _ => Class::Mark,
    }
}

/// One token as it stands, not yet joined with those before it.
#[derive(Clone, Debug)]
struct Token {
    bytes: Range<usize>,
    hash: u64,
    /// Its groups of letters.
    groups: [u32; GROUPS_MAX],
    count: usize,
}

/// Reads a text token by token, from left to right, each byte once.
#[derive(Clone, Debug)]
pub struct Reader<'t> {
    text: &'t str,
    at: usize,
    channel: u64,
    ahead: Option<Token>,
    /// The hashes of the last two tokens, the nearer one last; 0 where there is none.
    before: [u64; 2],
    buckets: [u32; FEATURES_MAX],
    filled: usize,
    pair: u64,
}

impl<'t> Reader<'t> {
    /// Reads `text` as what `channel` (a small number) brings.
    pub fn new(channel: u8, text: &'t str) -> Self {
        let mut reader = Reader {
            text,
            at: 0,
            channel: mix(seed::CHANNEL.wrapping_add(u64::from(channel))),
            ahead: None,
            before: [0; 2],
            buckets: [0; FEATURES_MAX],
            filled: 0,
            pair: 0,
        };
        reader.ahead = reader.read();
        reader
    }

    /// Reads the next token: its bytes in the text, or `None` at the end. What repeats a token is part of it, so that
    /// no megabyte of one word adds up.
    pub fn advance(&mut self) -> Option<Range<usize>> {
        let mut token = self.ahead.take()?;
        self.ahead = loop {
            match self.read() {
                Some(again) if again.hash == token.hash => token.bytes.end = again.bytes.end,
                other => break other,
            }
        };
        self.buckets[..token.count].copy_from_slice(&token.groups[..token.count]);
        self.filled = token.count;
        self.join(token.hash);
        Some(token.bytes)
    }

    /// The places in the table of what the last token brought.
    pub fn buckets(&self) -> &[u32] {
        &self.buckets[..self.filled]
    }

    /// The hash of the pair that the last token makes with the one before it; `pair_bit` is its place in the map.
    pub fn pair(&self) -> u64 {
        self.pair
    }

    /// The character at `at` as a small letter, its length in bytes, and what it is.
    fn peek(&self, at: usize) -> Option<(u32, usize, Class)> {
        let byte = *self.text.as_bytes().get(at)?;
        if byte.is_ascii() {
            let letter = u32::from(byte.to_ascii_lowercase());
            return Some((letter, 1, ASCII[usize::from(byte)]));
        }
        let c = self.text.get(at..)?.chars().next()?;
        // One small letter for one letter, so that their count stays.
        let small = c.to_lowercase().next().unwrap_or(c);
        Some((u32::from(small), c.len_utf8(), wide(c)))
    }

    fn read(&mut self) -> Option<Token> {
        let (first, len, class) = loop {
            let (first, len, class) = self.peek(self.at)?;
            if class != Class::Space {
                break (first, len, class);
            }
            self.at += len;
        };
        let mut token = Token {
            bytes: self.at..self.at,
            hash: mix(seed::WORD ^ u64::from(first)),
            groups: [0; GROUPS_MAX],
            count: 0,
        };
        match class {
            Class::Letter => self.word(&mut token),
            Class::Digit => {
                self.skip(|_, class| class == Class::Digit);
                token.hash = seed::DIGITS;
            }
            Class::Mark => {
                self.skip(|c, _| c == first);
                token.hash = mix(seed::MARK ^ u64::from(first));
            }
            Class::Alone | Class::Space => self.at += len,
        }
        token.bytes.end = self.at;
        Some(token)
    }

    fn skip(&mut self, like: impl Fn(u32, Class) -> bool) {
        while let Some((c, len, class)) = self.peek(self.at) {
            if !like(c, class) {
                break;
            }
            self.at += len;
        }
    }

    /// Reads a word and its groups of letters.
    fn word(&mut self, token: &mut Token) {
        let mut letters = 0;
        // The last four letters, sixteen bits each.
        let mut last = BEGIN;
        // FNV-1a, a letter at a time.
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        while let Some((letter, len, Class::Letter)) = self.peek(self.at) {
            if letters == WORD_MAX {
                break;
            }
            self.at += len;
            letters += 1;
            last = (last << 16) ^ u64::from(letter);
            hash = (hash ^ u64::from(letter)).wrapping_mul(0x100_0000_01b3);
            if letters + 1 >= GROUP {
                token.group(last);
            }
        }
        if letters + 2 >= GROUP {
            token.group((last << 16) ^ END);
        }
        token.hash = mix(hash);
    }

    fn push(&mut self, key: u64) {
        // Never past the end: a token brings `FEATURES_MAX` at most.
        if let Some(place) = self.buckets.get_mut(self.filled) {
            *place = bucket(key);
            self.filled += 1;
        }
    }

    /// What a token is by itself and with those before it.
    fn join(&mut self, hash: u64) {
        let [second, first] = self.before;
        let pair = first.rotate_left(23).wrapping_add(hash);
        self.push(hash ^ seed::WORD);
        self.push(hash ^ self.channel);
        self.push(pair ^ seed::PAIR);
        self.push(pair.wrapping_add(seed::PAIR) ^ self.channel);
        self.push(second.rotate_left(41).wrapping_add(hash) ^ seed::SKIP);
        self.push(pair.wrapping_add(second.rotate_left(47)) ^ seed::THREE);
        self.pair = mix(pair);
        self.before = [first, hash];
    }
}

impl Token {
    fn group(&mut self, letters: u64) {
        if let Some(place) = self.groups.get_mut(self.count) {
            *place = bucket(letters ^ seed::GROUP);
            self.count += 1;
        }
    }
}
