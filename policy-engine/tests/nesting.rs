//! Brackets within brackets: the parser takes twice as long for every level, so there is a limit.

use sallyport_policy::{Limits, Policy, PolicySource};
use std::time::Duration;

fn compile(text: &str) -> Result<(), String> {
    let text = format!("package sallyport.teams.t\n{text}\n");
    let source = PolicySource::of([("t.rego", text.as_str())]);
    let compiled = Policy::compile(&source, Limits::default());
    compiled.map(drop).map_err(|errors| errors.to_string())
}

/// The same, given up on when it takes longer than any file may: it would take hours.
fn in_time(text: String) -> Result<(), String> {
    let (done, result) = std::sync::mpsc::channel();
    std::thread::spawn(move || done.send(compile(&text)));
    result
        .recv_timeout(Duration::from_secs(20))
        .map_err(|_| "still parsing".to_owned())?
}

#[test]
fn what_is_nested_too_deeply_is_refused_at_once() {
    for open in [
        "[",
        "{",
        "{1: ",
        "{[",
        "([",
        "[1 | x := ",
        "x[",
        "[{\"a\": ",
    ] {
        for close in ["", "]"] {
            let text = format!(
                "y := 1\nx := {}1{}",
                open.repeat(20_000),
                close.repeat(20_000)
            );
            let told = in_time(text).expect_err("too deep");
            assert!(told.starts_with("t.rego:3:"), "{open}: {told}");
            assert!(told.contains("more than 10 brackets"), "{open}: {told}");
            assert!(told.contains("hint: "), "{open}: {told}");
        }
    }
    // Round brackets are counted by the parser.
    let told = in_time(format!("x := {}", "(".repeat(20_000))).expect_err("too deep");
    assert!(told.contains("too deep"), "{told}");
}

#[test]
fn the_limit_itself_is_taken() {
    let nested = |depth: usize| format!("x := {}1{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(compile(&nested(10)), Ok(()));
    let told = compile(&nested(11)).expect_err("too deep");
    assert!(told.starts_with("t.rego:2:16: "), "{told}");
}

/// Brackets one after the other, each closed.
fn many_rules() -> String {
    let rule = |name| format!("x{name} := [{{1}}]\n");
    (0..50).map(rule).collect()
}

#[test]
fn brackets_in_strings_and_comments_do_not_count() {
    let many = "[{".repeat(100);
    for text in [
        format!("x := \"{many}\""),
        format!("x := \"\\\"{many}\""),
        format!("x := `{many}\\`"),
        format!("x := 1 # {many}"),
        "x := 1 # \" `\ny := [{1}]".to_owned(),
        many_rules(),
    ] {
        assert_eq!(compile(&text), Ok(()), "{text}");
    }
    // Behind a string and a comment they count again.
    let told = compile(&format!("x := [\"[\", # [\n`[`, {}", "[".repeat(20))).expect_err("deep");
    assert!(told.starts_with("t.rego:3:15: "), "{told}");
}
