//! What PyTorch computes is what llama.cpp computes here: tokens exactly, logits within a thousandth.
//!
//! The pair of files in `tests/data` is made by `models/firewall/parity.py tiny`. For a trained model, in F32:
//! `python models/firewall/parity.py full MODEL_DIR OUT_DIR`, then these tests with `SALLYPORT_PARITY=OUT_DIR`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use sallyport_firewall::{Digest, Model, Pool, Reads, Shape, Size, Source, Token};
use serde_json::Value;

/// Largest difference of a logit, where PyTorch computes GELU as llama.cpp does: from a table of 16-bit floats.
const CLOSE: f64 = 1e-3;
/// Largest difference of a logit, where PyTorch computes it exactly.
const NEAR: f64 = 1e-2;

fn pairs() -> Vec<(PathBuf, PathBuf)> {
    let pair = |folder: PathBuf, name: &str| {
        (
            folder.join(format!("{name}.gguf")),
            folder.join(format!("{name}.json")),
        )
    };
    let mut pairs = vec![pair(
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data"),
        "tiny",
    )];
    match std::env::var_os("SALLYPORT_PARITY") {
        Some(folder) => pairs.push(pair(folder.into(), "full")),
        None => eprintln!("SALLYPORT_PARITY is not set: only the tiny model is compared"),
    }
    pairs
}

fn load(path: &PathBuf) -> Model {
    let digest = Digest::of(&std::fs::read(path).expect("weights"));
    Model::load(
        Source::File(path),
        &digest,
        Reads::Classifier { labels: None },
    )
    .expect("a model")
}

fn texts(expected: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let cases = expected["cases"].as_array().expect("cases");
    cases
        .iter()
        .map(|case| (case["text"].as_str().expect("a text"), case))
}

#[test]
fn tokens_are_hugging_faces() {
    for (weights, json) in pairs() {
        let expected: Value =
            serde_json::from_slice(&std::fs::read(json).expect("expected")).expect("JSON");
        let model = load(&weights);
        for (text, case) in texts(&expected) {
            let tokens: Vec<i64> = model
                .pieces(text)
                .into_iter()
                .flat_map(|piece| piece.tokens)
                .map(|Token(id)| id.into())
                .collect();
            let theirs: Vec<i64> = serde_json::from_value(case["tokens"].clone()).expect("tokens");
            let prefix = model.pieces(expected["prefix"].as_str().expect("a prefix"));
            let before = 1 + prefix.iter().map(|piece| piece.tokens.len()).sum::<usize>();
            assert_eq!(tokens, theirs[before..theirs.len() - 1], "{text:?}");
        }
    }
}

#[test]
fn logits_are_pytorchs() {
    for (weights, json) in pairs() {
        let expected: Value =
            serde_json::from_slice(&std::fs::read(json).expect("expected")).expect("JSON");
        let model = load(&weights);
        let shape = Shape {
            tokens: 256,
            stride: 256,
            limit: 1,
        };
        let size = Size {
            contexts: 1,
            threads: 1,
            queue: 100,
        };
        let prefix = expected["prefix"].as_str().expect("a prefix");
        let windows: Vec<_> = texts(&expected)
            .map(|(text, case)| {
                let mut windows = model.windows(prefix, &model.pieces(text), shape);
                let window = windows.pop().expect("a window");
                assert_eq!(
                    Some(window.length()),
                    case["tokens"].as_array().map(Vec::len),
                    "{text:?}"
                );
                window
            })
            .collect();
        // All at once: windows of one batch must not see each other.
        let pool = Pool::new(model, size).expect("a pool");
        let scores = pool
            .score(windows, Instant::now() + Duration::from_secs(300))
            .expect("scores");
        for (kind, most) in [("logits", CLOSE), ("exact", NEAR)] {
            let mut worst = (0.0_f64, "");
            for ((text, case), ours) in texts(&expected).zip(&scores) {
                let theirs: Vec<f64> = serde_json::from_value(case[kind].clone()).expect("logits");
                for (ours, theirs) in ours.iter().zip(theirs) {
                    let difference = (f64::from(*ours) - theirs).abs();
                    if difference > worst.0 {
                        worst = (difference, text);
                    }
                }
            }
            let told = format!(
                "{}, {kind}: at most {:.2e}, at {:?}",
                weights.display(),
                worst.0,
                worst.1
            );
            println!("{told}");
            assert!(worst.0 < most, "{told}");
        }
    }
}
