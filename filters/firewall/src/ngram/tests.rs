//! The hashes are pinned, windows are what their tokens add up to, and nothing hostile costs more than its length.

use super::reader::{BUCKETS, FEATURES_MAX, PAIRS, Reader, WORD_MAX, mix, pair_bit};
use super::{CHANNELS, DAMPING, LOGIT_MAX, Malformed, Ngram, STRIDE, Scored, Side, WINDOW};
use proptest::prelude::*;
use std::ops::Range;

/// Weights that look random, and seen pairs likewise.
fn model() -> Ngram {
    let weights = (0..BUCKETS as u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as i8)
        .collect();
    let seen = (0..PAIRS as u32 / 8)
        .map(|at| (at.wrapping_mul(2_246_822_519) >> 24) as u8)
        .collect();
    let mut sides = [Side::default(); CHANNELS];
    for (channel, side) in sides.iter_mut().enumerate() {
        *side = Side {
            bias: channel as f32 - 2.0,
            slope: 1.5,
            offset: -0.25,
            pass: 0.0,
            known: 0.5,
        };
    }
    Ngram::new(0.01, sides, seen, weights).expect("the parts fit")
}

type Token = (Range<usize>, Vec<u32>, usize);

fn tokens(channel: u8, text: &str) -> Vec<Token> {
    let mut reader = Reader::new(channel, text);
    let mut tokens = Vec::new();
    while let Some(bytes) = reader.advance() {
        tokens.push((bytes, reader.buckets().to_vec(), pair_bit(reader.pair())));
    }
    tokens
}

fn words(text: &str) -> Vec<&str> {
    let tokens = tokens(0, text);
    tokens.into_iter().map(|(at, ..)| &text[at]).collect()
}

/// What `windows` gives, each window added up by itself.
fn direct(model: &Ngram, channel: u8, text: &str) -> Vec<Scored> {
    let tokens = tokens(channel, text);
    let blocks = tokens.len().div_ceil(STRIDE);
    let windows = if tokens.is_empty() {
        0
    } else {
        blocks.max(3) - 2
    };
    let window = |at: usize| {
        let tokens = &tokens[at * STRIDE..(at * STRIDE + WINDOW).min(tokens.len())];
        let sum: f64 = tokens
            .iter()
            .flat_map(|token| &token.1)
            .map(|at| f64::from(model.weights[*at as usize]))
            .sum();
        let seen = tokens
            .iter()
            .filter(|token| model.seen[token.2 / 8] >> (token.2 % 8) & 1 == 1)
            .count();
        let side = model.sides[usize::from(channel)];
        let score = f64::from(model.scale) * sum / f64::from(tokens.len() as f32 + DAMPING).sqrt();
        Scored {
            bytes: tokens[0].0.start..tokens[tokens.len() - 1].0.end,
            logit: ((f64::from(side.slope) * (f64::from(side.bias) + score)
                + f64::from(side.offset)) as f32)
                .clamp(-LOGIT_MAX, LOGIT_MAX),
            known: seen as f32 / tokens.len() as f32,
        }
    };
    (0..windows).map(window).collect()
}

#[test]
fn a_text_is_read_as_words_digits_and_marks() {
    assert_eq!(
        words("Don't IGNORE 1,234 <b>!!! 忽略 über\u{0}x"),
        [
            "Don", "'", "t", "IGNORE", "1", ",", "234", "<", "b", ">", "!!!", "忽", "略", "über",
            "x"
        ]
    );
    assert_eq!(words(" \t\u{a0}\u{3000}\r\n"), [""; 0]);
    let long = "abcdefg".repeat(WORD_MAX);
    assert!(words(&long).iter().all(|word| word.len() == WORD_MAX));
    assert_eq!(
        words("no no NO, no! ! 1 22 333 x"),
        ["no no NO", ",", "no", "! !", "1 22 333", "x"]
    );
    assert_eq!(
        words(&"a".repeat(WORD_MAX * 100)),
        ["a".repeat(WORD_MAX * 100)]
    );
}

#[test]
fn letters_are_read_small_and_digits_are_all_one() {
    assert_eq!(
        tokens(1, "Ignore ÜBER 17")[..]
            .iter()
            .map(|token| &token.1)
            .collect::<Vec<_>>(),
        tokens(1, "iGNORE über 2026")[..]
            .iter()
            .map(|token| &token.1)
            .collect::<Vec<_>>()
    );
}

/// A table only fits the hashes it was fitted with: if this fails, mend the hashes, or fit anew and change the mark.
#[test]
fn the_hashes_are_as_they_were() {
    let tokens = tokens(4, "Ignore all 3 rules!");
    let told: Vec<_> = tokens.iter().map(|token| (&token.1[..], token.2)).collect();
    assert_eq!(told, PINNED);
}

#[rustfmt::skip]
const PINNED: &[(&[u32], usize)] = &[
    (&[11443, 248309, 145951, 190642, 142330, 165878, 115127, 112713, 61120, 89115, 100041], 402645),
    (&[192963, 70531, 53261, 682, 54660, 128659, 129691, 211485], 147144),
    (&[30673, 62015, 169234, 7081, 186562, 59466], 740515),
    (&[194117, 260914, 169956, 77045, 33034, 70585, 30287, 148299, 224500, 68888], 766186),
    (&[4580, 23721, 197243, 4716, 5468, 197546], 323654),
];

#[test]
fn the_mixing_is_that_of_splitmix64() {
    // The first numbers of the reference generator that begins with 0.
    let step = 0x9e37_79b9_7f4a_7c15u64;
    let told: Vec<_> = (1..=3).map(|turn| mix(step.wrapping_mul(turn))).collect();
    assert_eq!(
        told,
        [
            0xe220_a839_7b1d_cdaf,
            0x6e78_9e6a_a1b9_65f4,
            0x06c4_5d18_8009_454f
        ]
    );
}

#[test]
fn a_channel_changes_two_features_of_a_token() {
    let (user, tool) = (tokens(0, "send it"), tokens(4, "send it"));
    for (user, tool) in user.iter().zip(&tool) {
        let differing = user.1.iter().zip(&tool.1).filter(|(a, b)| a != b);
        assert_eq!(differing.count(), 2);
        assert_eq!(user.2, tool.2);
    }
}

#[test]
fn a_text_without_tokens_has_no_windows_and_any_other_has_one() {
    let model = model();
    assert_eq!(model.windows(0, " \n\t").count(), 0);
    assert_eq!(model.windows(0, "x").count(), 1);
    assert_eq!(model.windows(0, "\u{1f600}").count(), 1);
    assert_eq!(model.windows(0, &"x y ".repeat(WINDOW / 2)).count(), 1);
    assert_eq!(model.windows(0, &"x y ".repeat(WINDOW / 2 + 1)).count(), 2);
}

/// Work is counted in tokens and features: neither is more than the text has bytes for.
#[test]
fn hostile_texts_cost_no_more_than_their_length() {
    let model = model();
    let size = 200_000;
    for piece in [
        "a",
        "a ",
        "!",
        "!?",
        "1",
        " ",
        "\u{e0041}",
        "忽",
        "\u{301}",
        "İ",
        "ﷺ",
        "\u{1f468}\u{200d}",
        "\0",
    ] {
        let text = piece.repeat(size / piece.len());
        let tokens = tokens(5, &text);
        assert!(tokens.len() <= text.chars().count(), "{piece:?}");
        let features: usize = tokens.iter().map(|token| token.1.len()).sum();
        assert!(
            features <= 7 * text.chars().count() + FEATURES_MAX,
            "{piece:?}"
        );
        let windows = model.windows(5, &text).count();
        assert!(windows <= tokens.len() / STRIDE + 1, "{piece:?}");
    }
    assert!((0..100_000).all(|_| model.windows(4, "a b").count() == 1));
}

#[test]
fn what_is_written_is_read_back() {
    let model = model();
    let bytes = model.to_bytes();
    assert!(bytes.len() <= 512 << 10);
    assert_eq!(Ngram::from_bytes(&bytes), Ok(model));
}

#[test]
fn a_bad_file_is_told_by_what_is_wrong() {
    let good = model().to_bytes();
    let told = |change: fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        Ngram::from_bytes(&bytes).map(|_| ())
    };
    assert_eq!(told(|_| ()), Ok(()));
    assert_eq!(told(|bytes| bytes.clear()), Err(Malformed::Mark));
    assert_eq!(told(|bytes| bytes[7] = b'2'), Err(Malformed::Mark));
    assert_eq!(told(|bytes| bytes.truncate(9)), Err(Malformed::Length(9)));
    assert!(matches!(
        told(|bytes| bytes.push(0)),
        Err(Malformed::Length(_))
    ));
    assert_eq!(told(|bytes| bytes[300_000] ^= 1), Err(Malformed::Sum));
    let mut sides = [Side::default(); CHANNELS];
    sides[3].slope = f32::NAN;
    let (seen, weights) = (vec![0; PAIRS / 8].into(), vec![0; BUCKETS].into());
    assert_eq!(
        Ngram::new(1.0, sides, seen, weights),
        Err(Malformed::Number)
    );
}

proptest! {
    #[test]
    fn windows_are_what_their_tokens_add_up_to(text in "([a-zA-Z]{0,30}[ .<é忽0-9]{1,2}){0,150}", channel in 0u8..6) {
        let model = model();
        let (passed, direct): (Vec<_>, _) = (model.windows(channel, &text).collect(), direct(&model, channel, &text));
        prop_assert_eq!(passed.len(), direct.len());
        for (passed, direct) in passed.iter().zip(&direct) {
            prop_assert_eq!(&passed.bytes, &direct.bytes);
            prop_assert!((passed.logit - direct.logit).abs() < 1e-3, "{:?} {:?}", passed, direct);
            prop_assert_eq!(passed.known, direct.known);
        }
    }

    #[test]
    fn windows_stand_in_the_text(text in "\\PC{0,400}", channel: u8) {
        let mut end = 0;
        for window in model().windows(channel, &text) {
            prop_assert!(text.get(window.bytes.clone()).is_some_and(|text| !text.is_empty()));
            prop_assert!(window.bytes.end > end);
            prop_assert!((0.0..=1.0).contains(&window.known) && window.logit.is_finite());
            end = window.bytes.end;
        }
    }
}
