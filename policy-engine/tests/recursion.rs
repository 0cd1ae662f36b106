//! Rules that lead back to themselves are refused: evaluating one would take the whole process down.
#![allow(clippy::unwrap_used, reason = "tests")]

use sallyport_policy::{Limits, Policy, PolicySource};
use std::fmt::Write;

fn compile(text: &str) -> Result<Policy, String> {
    let text = format!("package sallyport.teams.t\n{text}\n");
    let library = "package sallyport.lib.x\nfirst if second\nsecond if first\nfine := 1\n";
    let library = if text.contains("lib.x.first") {
        library
    } else {
        "package sallyport.lib.x\nfine := 1\n"
    };
    let source = PolicySource::of([("t.rego", text.as_str()), ("x.rego", library)]);
    Policy::compile(&source, Limits::default()).map_err(|errors| errors.to_string())
}

#[test]
fn circles_are_refused() {
    for text in [
        "allow if allow",
        "default allow := false\nallow if not allow",
        "allow if allow.operation == \"chat\"",
        "allow if a\na if b\nb if { some x in [1]; x == 1; a }",
        "allow if f(1)\nf(x) := f(x)",
        "allow if f(1)\nf(x) if g(x)\ng(x) if f(x)",
        "deny contains d if some d in deny",
        "allow if data.sallyport.teams.t.allow",
        "allow if data.sallyport.teams.t[\"allow\"]",
        "allow if count([x | x := allow]) > 0",
        "allow if input.parts[allow]",
        "a[x] := 1 if { some x in [1]; a[2] }\nallow if a[1]",
        "allow if data.sallyport.lib.x.first",
        "import data.sallyport.teams.t as me\nallow if me.allow",
        "import data.sallyport.teams.t.allow as other\nallow if other",
        "allow if every x in [1] { not allow; x == 1 }",
        "default allow := false\nallow := true if { false } else := allow",
    ] {
        let Err(told) = compile(text) else {
            panic!("compiled: {text}")
        };
        assert!(told.contains("circle"), "{text}: {told}");
    }
}

#[test]
fn what_is_no_circle_is_taken() {
    for text in [
        "allow if input.allow",
        "allow if a\na if b\nb if data.sallyport.lib.x.fine == 1",
        "deny contains \"x\" if not allow\nallow if input.operation == \"chat\"",
        "allow if { tool := \"allow\"; tool != \"\" }",
        "import data.sallyport.lib.x\nallow if x.fine == 1",
        "f(x) := x\ng(x) := f(f(x))\nallow if g(true)",
    ] {
        let compiled = compile(text);
        assert!(compiled.is_ok(), "{text}: {:?}", compiled.err());
    }
}

#[test]
fn the_deepest_that_is_taken_is_judged() {
    let chain = |count: usize| {
        let mut text = "allow if r0\n".to_owned();
        for at in 0..count {
            writeln!(text, "r{at} if {{ some x in [1]; x == 1; r{} }}", at + 1).unwrap();
        }
        write!(text, "r{count} if true").unwrap();
        text
    };
    // A test's thread has as much stack as a worker of the gateway.
    let policy = compile(&chain(30)).unwrap();
    let decided = policy.evaluate("t", "{\"operation\": \"chat\"}");
    assert!(decided.is_ok(), "{:?}", decided.err());
    assert!(compile(&chain(31)).unwrap_err().contains("33 deep"));
    assert!(compile(&chain(5000)).is_err());
}
