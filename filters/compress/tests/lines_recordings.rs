//! What the line forms make of recorded logs and command output: every byte comes back, and how much is saved.

mod recordings;

use recordings::{lossless, recordings, reversible};
use sallyport_compress::tokens::{Vocabulary, count};
use sallyport_compress::{Plan, expand};

/// Of all tokens, percent that must be saved.
const LOSSLESS_MIN: f64 = 50.0;
const REVERSIBLE_MIN: f64 = 85.0;

#[test]
fn every_recording_comes_back_and_is_small() {
    // Even files, odd files: tokens, lossless, reversible.
    let mut halves = [[0usize; 3]; 2];
    for (number, (name, text)) in recordings().iter().enumerate() {
        let forms = [lossless(text), reversible(text)];
        if let Plan::Rewrite {
            steps, text: form, ..
        } = &forms[0]
        {
            assert_eq!(expand(form, steps).as_deref(), Ok(&**text), "{name}");
        }
        let tokens =
            [text, forms[0].text(text), forms[1].text(text)].map(|t| count(t, Vocabulary::O200k));
        let saved = tokens.map(|left| 100.0 - 100.0 * left as f64 / tokens[0] as f64);
        println!(
            "{name:28} {:7} tokens, lossless {:5.1} %, reversible {:5.1} %",
            tokens[0], saved[1], saved[2]
        );
        for (sum, own) in halves[number % 2].iter_mut().zip(tokens) {
            *sum += own;
        }
        // No form is larger than what it stands for.
        assert!(tokens[1] <= tokens[0] && tokens[2] <= tokens[0], "{name}");
    }
    for (half, [all, lossless, reversible]) in halves.into_iter().enumerate() {
        let saved = |left: usize| 100.0 - 100.0 * left as f64 / all as f64;
        let (lossless, reversible) = (saved(lossless), saved(reversible));
        println!(
            "half {half}: {all} tokens, lossless {lossless:.1} %, reversible {reversible:.1} %"
        );
        assert!(lossless >= LOSSLESS_MIN, "half {half}: {lossless}");
        assert!(
            reversible >= REVERSIBLE_MIN - 10.0 * half as f64,
            "half {half}: {reversible}"
        );
    }
}

#[test]
fn the_same_text_has_the_same_form() {
    for (name, text) in recordings() {
        assert_eq!(lossless(&text), lossless(&text), "{name}");
        assert_eq!(reversible(&text), reversible(&text), "{name}");
    }
}
