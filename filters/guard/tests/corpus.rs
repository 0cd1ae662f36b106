//! The corpus: what must alarm and what must not, half built with and half kept aside.
//!
//! Each line of `corpus/<half>/<kind>.jsonl` is one call, `{"tool": …, "arguments": …}`. A call alarms if
//! it has a finding of at least `ALARM`. The half kept aside was written before any rule was.

use sallyport_exchange::json::{JsonKind, Tape, Value};
use sallyport_exchange::{Author, Filter, Finding, Kind, PartId, PartView, Report};
use sallyport_guard::{ALARM, Guard};

/// The text of a part as the gateway makes it: every key, string and number, one a line.
fn words(value: Value<'_>, lines: &mut Vec<String>) {
    match value.kind() {
        JsonKind::Object => {
            for (key, member) in value.members().into_iter().flatten() {
                words(key, lines);
                words(member, lines);
            }
        }
        JsonKind::Array => value
            .elements()
            .into_iter()
            .flatten()
            .for_each(|element| words(element, lines)),
        JsonKind::String => lines.push(value.as_str().unwrap_or_default().into_owned()),
        JsonKind::Number => lines.push(value.raw().to_owned()),
        _ => {}
    }
}

fn text_of(arguments: &str) -> String {
    let tape = Tape::read_str(arguments).expect("arguments are strict JSON");
    let mut lines = Vec::new();
    words(tape.root(), &mut lines);
    lines.join("\n")
}

fn findings(tool: &str, arguments: &str) -> Vec<Finding> {
    let text = text_of(arguments);
    let part = PartView {
        id: PartId(0),
        kind: Kind::ToolCall,
        author: Author::Model,
        tool: Some(tool),
        json: Some(arguments),
        text: &text,
    };
    let mut findings = Vec::new();
    Guard::default().inspect(&part, &mut Report::new(part.id, &mut findings));
    findings
}

fn alarms(tool: &str, arguments: &str) -> bool {
    findings(tool, arguments)
        .iter()
        .any(|finding| finding.score >= ALARM)
}

/// How many calls there are, and those that went wrong.
fn wrong(corpus: &str, destructive: bool) -> (usize, Vec<String>) {
    let mut wrong = Vec::new();
    let mut all = 0;
    for line in corpus.lines() {
        let call: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
        let tool = call["tool"].as_str().expect("a tool has a name");
        let arguments = call["arguments"].to_string();
        all += 1;
        if alarms(tool, &arguments) != destructive {
            let seen = findings(tool, &arguments)
                .into_iter()
                .map(|f| format!("{} {}", f.label, f.score));
            wrong.push(format!("{line}  {:?}", seen.collect::<Vec<_>>()));
        }
    }
    (all, wrong)
}

/// At least `least` calls, at most this share of them wrong; says which, unless they are kept aside.
fn check(name: &str, corpus: &str, destructive: bool, least: usize, share: f64, show: bool) {
    let (all, wrong) = wrong(corpus, destructive);
    println!("{name}: {} of {all} wrong", wrong.len());
    if show || std::env::var_os("SALLYPORT_SHOW_ASIDE").is_some() {
        wrong.iter().for_each(|line| println!("{line}"));
    }
    assert!(all >= least, "{name} has only {all} calls");
    assert!(
        wrong.len() as f64 <= share * all as f64,
        "{name}: {} of {all} wrong",
        wrong.len()
    );
}

#[test]
fn destructive_calls_built_with_alarm() {
    check(
        "build/destructive",
        include_str!("../corpus/build/destructive.jsonl"),
        true,
        320,
        0.01,
        true,
    );
}

#[test]
fn look_alikes_built_with_do_not_alarm() {
    check(
        "build/harmless",
        include_str!("../corpus/build/harmless.jsonl"),
        false,
        320,
        0.01,
        true,
    );
}

#[test]
fn destructive_calls_kept_aside_alarm() {
    check(
        "aside/destructive",
        include_str!("../corpus/aside/destructive.jsonl"),
        true,
        150,
        0.01,
        false,
    );
}

#[test]
fn look_alikes_kept_aside_do_not_alarm() {
    check(
        "aside/harmless",
        include_str!("../corpus/aside/harmless.jsonl"),
        false,
        150,
        0.01,
        false,
    );
}
