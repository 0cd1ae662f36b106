//! Decisions as text: policies, an `input` document, and what they decide. `UPDATE_EXPECT=1` rewrites the last part.
//!
//! A file in `cases/` holds sections that begin with a line `--- NAME`: `--- org.rego`, `--- payments.rego`,
//! `--- data.json` are the source (`--- @payments.rego` takes the sample of that name), `--- input TEAM` is one
//! document, and `--- decides` what comes of it. A file may have many pairs of the last two, or, for policies that
//! do not compile, one `--- errors`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use sallyport_policy::{Decision, Evaluation, Limits, Policy, PolicySource, query};
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

/// One section of a case file: its name and its text.
struct Section {
    name: String,
    text: String,
}

#[test]
fn cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|ext| ext == "case"));
    paths.sort();
    assert!(!paths.is_empty(), "there are cases");
    let failed: Vec<String> = paths.iter().filter_map(|path| run(path).err()).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn run(path: &Path) -> Result<(), String> {
    let before = std::fs::read_to_string(path).unwrap();
    let after = answered(&before);
    if before == after {
        return Ok(());
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, after).unwrap();
        return Ok(());
    }
    let mut message = format!("{}: (UPDATE_EXPECT=1 accepts)\n", path.display());
    for (ours, theirs) in before
        .lines()
        .zip(after.lines())
        .filter(|(ours, theirs)| ours != theirs)
        .take(8)
    {
        writeln!(message, "  expected {ours}\n  came     {theirs}").unwrap();
    }
    Err(message)
}

/// The same file, with each answer as it comes out now.
fn answered(text: &str) -> String {
    let (head, sections) = sections(text);
    // A busy machine must not decide: instructions are counted, time is not.
    let limits = Limits {
        time: Duration::from_secs(60),
        instructions: 200_000,
        ..Limits::default()
    };
    let policy = Policy::compile(&source(&sections), limits);
    let mut out = head;
    let mut asked: Option<(&str, &str)> = None;
    for section in &sections {
        writeln!(out, "--- {}", section.name).unwrap();
        match (section.name.as_str(), &policy) {
            ("errors", Err(errors)) => writeln!(out, "{errors}\n").unwrap(),
            ("errors", Ok(_)) => writeln!(out, "none\n").unwrap(),
            ("decides", Err(errors)) => {
                writeln!(out, "these policies do not compile:\n{errors}\n").unwrap()
            }
            ("decides", Ok(policy)) => {
                let (team, input) = asked.expect("an input before `decides`");
                match policy.evaluate(team, input) {
                    Ok(evaluation) => {
                        compare(&source(&sections), input, &evaluation);
                        writeln!(out, "{}", render(&evaluation.decision)).unwrap();
                    }
                    Err(error) => writeln!(out, "{error}\n").unwrap(),
                }
            }
            (name, _) => {
                if let Some(team) = name.strip_prefix("input ") {
                    asked = Some((team, &section.text));
                }
                out.push_str(&section.text);
            }
        }
    }
    while out.ends_with("\n\n") {
        out.pop();
    }
    out
}

fn sections(text: &str) -> (String, Vec<Section>) {
    let mut head = String::new();
    let mut sections: Vec<Section> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("--- ") {
            sections.push(Section {
                name: name.trim().into(),
                text: String::new(),
            });
        } else {
            let text = sections
                .last_mut()
                .map_or(&mut head, |section| &mut section.text);
            text.push_str(line);
            text.push('\n');
        }
    }
    (head, sections)
}

fn source(sections: &[Section]) -> PolicySource {
    let mut source = PolicySource::default();
    for section in sections {
        match section.name.strip_prefix('@') {
            Some(name) => {
                let path = Path::new(env!("CARGO_MANIFEST_DIR"))
                    .join("tests/policies")
                    .join(name);
                source.add(name, &std::fs::read_to_string(path).unwrap());
            }
            None if section.name.ends_with(".rego") || section.name.ends_with(".json") => {
                source.add(&section.name, &section.text);
            }
            None => {}
        }
    }
    source
}

/// The engine that decides and the one that tests are run by must agree on every rule that neither fails on.
fn compare(source: &PolicySource, input: &str, evaluation: &Evaluation) {
    for (layer, document) in &evaluation.layers {
        let package = layer.replace("team:", "teams.");
        for rule in [
            "allow", "deny", "redact", "hide", "steer", "warn", "settings",
        ] {
            let path = format!("data.sallyport.{package}.{rule}");
            if document.get("error").is_none()
                && let Ok(expected) = query(source, &path, input)
            {
                assert_eq!(document.get(rule), expected.as_ref(), "{path} of {input}");
            }
        }
    }
}

/// A decision, a line each thing it says.
fn render(decision: &Decision) -> String {
    let mut out = String::from(if decision.allow { "allow\n" } else { "deny\n" });
    for denial in &decision.denials {
        writeln!(out, "  {:?} {}: {}", denial.kind, denial.rule, denial.say).unwrap();
    }
    for (name, list) in [("redact", &decision.redact), ("hide", &decision.hide)] {
        if !list.is_empty() {
            writeln!(out, "  {name} {}", list.join(", ")).unwrap();
        }
    }
    for warning in &decision.warnings {
        writeln!(out, "  warn {}: {}", warning.rule, warning.say).unwrap();
    }
    if !decision.settings.is_empty() {
        writeln!(
            out,
            "  settings {}",
            serde_json::to_string(&decision.settings).unwrap()
        )
        .unwrap();
    }
    let rules: Vec<&str> = decision.rules.iter().map(|rule| &**rule).collect();
    writeln!(out, "  because {}", rules.join(", ")).unwrap();
    if let Some(detail) = &decision.detail {
        writeln!(out, "  log {detail}").unwrap();
    }
    out
}
