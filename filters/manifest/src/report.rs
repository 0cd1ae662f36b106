//! Scans and differences as text for people, and as JSON. No text of a server reaches a terminal but what
//! [`shown`] made fit for it.

use crate::drift::{Change, Comparison, FieldChange};
use crate::finding::{Observation, Severity, UNREAD};
use crate::scan::{Scan, ScannedServer, ScannedTool, Verdict};
use crate::seen::shown;
use sallyport_exchange::json::{JsonKind, Tape};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// What a stretch of text is, for whoever colours it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Tone {
    /// As it should be; words that were added.
    Good,
    /// To be looked at.
    Doubt,
    /// Refused; words that were taken away.
    Bad,
    /// Aside.
    Quiet,
}

/// The most lines of difference shown of one field.
const DIFF_LINES_MAX: usize = 200;

/// A scan for people. `paint` colours a stretch, or gives it back as it is.
pub fn scan_text(scan: &Scan, paint: &dyn Fn(Tone, &str) -> String) -> String {
    let mut out = String::new();
    for server in &scan.servers {
        server_text(server, paint, &mut out);
    }
    let count = |verdict| {
        let tools = scan.servers.iter().flat_map(|server| &server.tools);
        tools.filter(|tool| tool.verdict() == verdict).count()
    };
    let unread: usize = scan.servers.iter().map(|server| server.unread.len()).sum();
    let line = format!(
        "{} tools pass, {} to look at, {} refused",
        count(Verdict::Pass),
        count(Verdict::Look),
        count(Verdict::Refuse) + unread
    );
    // Writing to a `String` cannot fail.
    let _ = writeln!(out, "{}", paint(tone(scan.verdict()), &line));
    out
}

fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Pass => Tone::Good,
        Verdict::Look => Tone::Doubt,
        Verdict::Refuse => Tone::Bad,
    }
}

fn server_text(server: &ScannedServer, paint: &dyn Fn(Tone, &str) -> String, out: &mut String) {
    let _ = writeln!(out, "{}", shown(&server.server));
    for finding in &server.instructions {
        finding_text("instructions", finding, paint, out);
    }
    for tool in &server.tools {
        let verdict = tool.verdict();
        let mark = paint(tone(verdict), &format!("{:6}", verdict.as_str()));
        let digest = tool.digest.to_string();
        let digest = paint(Tone::Quiet, digest.get(..19).unwrap_or_default());
        let change = match &tool.change {
            Some(Change::Unchanged) => " pinned",
            _ => "",
        };
        let _ = writeln!(out, "  {mark} {} {digest}{change}", shown(&tool.name));
        for finding in &tool.findings {
            finding_text("", finding, paint, out);
        }
    }
    for unread in &server.unread {
        let mark = paint(Tone::Bad, "refuse");
        let _ = writeln!(
            out,
            "  {mark} tool {} of the list\n         {UNREAD} {}",
            unread.index + 1,
            unread.error
        );
    }
    let gone = server
        .comparison
        .iter()
        .flat_map(|comparison| &comparison.tools);
    for drift in gone.filter(|drift| drift.change == Change::Gone) {
        let mark = paint(Tone::Quiet, "gone  ");
        let _ = writeln!(out, "  {mark} {}", shown(&drift.tool));
    }
}

fn finding_text(
    of: &str,
    finding: &Observation,
    paint: &dyn Fn(Tone, &str) -> String,
    out: &mut String,
) {
    let tone = match finding.severity {
        Severity::Note => Tone::Quiet,
        Severity::Warning => Tone::Doubt,
        Severity::Refusal => Tone::Bad,
    };
    let label = paint(tone, finding.label.as_str());
    let place = match (of, finding.place.as_str()) {
        ("", "") => String::new(),
        ("", place) => format!(" at {}", shown(place)),
        (of, _) => format!(" in {of}"),
    };
    let _ = writeln!(out, "         {label}{place}: {}", finding.says);
    if !finding.excerpt.is_empty() {
        let _ = writeln!(out, "           {}", paint(Tone::Quiet, &finding.excerpt));
    }
}

/// A scan as JSON: `{"verdict", "servers": [{"server", "verdict", "instructions", "tools", "unread", "gone"}]}`.
pub fn scan_json(scan: &Scan) -> Value {
    json!({
        "verdict": scan.verdict().as_str(),
        "servers": scan.servers.iter().map(server_json).collect::<Vec<_>>(),
    })
}

fn server_json(server: &ScannedServer) -> Value {
    let unread = server.unread.iter().map(|unread| {
        json!({"index": unread.index, "label": UNREAD.as_str(), "says": unread.error.to_string()})
    });
    let drifts = server
        .comparison
        .iter()
        .flat_map(|comparison| &comparison.tools);
    let gone = drifts.filter(|drift| drift.change == Change::Gone);
    json!({
        "server": server.server,
        "verdict": server.verdict().as_str(),
        "instructions": findings_json(&server.instructions),
        "tools": server.tools.iter().map(tool_json).collect::<Vec<_>>(),
        "unread": unread.collect::<Vec<_>>(),
        "gone": gone.map(|drift| &drift.tool).collect::<Vec<_>>(),
    })
}

fn tool_json(tool: &ScannedTool) -> Value {
    json!({
        "name": tool.name,
        "digest": tool.digest.to_string(),
        "verdict": tool.verdict().as_str(),
        "change": tool.change.as_ref().map(Change::as_str),
        "findings": findings_json(&tool.findings),
    })
}

fn findings_json(findings: &[Observation]) -> Vec<Value> {
    let json = |finding: &Observation| {
        json!({
            "label": finding.label.as_str(),
            "severity": finding.severity.as_str(),
            "place": finding.place,
            "says": finding.says,
            "excerpt": finding.excerpt,
        })
    };
    findings.iter().map(json).collect()
}

/// What changed since it was pinned, line by line, for people. Empty: nothing.
pub fn diff_text(comparison: &Comparison, paint: &dyn Fn(Tone, &str) -> String) -> String {
    let mut out = String::new();
    if comparison.instructions != Change::Unchanged {
        change_text("instructions", &comparison.instructions, paint, &mut out);
    }
    for drift in comparison
        .tools
        .iter()
        .filter(|drift| drift.change != Change::Unchanged)
    {
        change_text(&shown(&drift.tool), &drift.change, paint, &mut out);
    }
    if out.is_empty() {
        return out;
    }
    format!("{}\n{out}", shown(&comparison.server))
}

fn change_text(
    name: &str,
    change: &Change,
    paint: &dyn Fn(Tone, &str) -> String,
    out: &mut String,
) {
    let tone = match change {
        Change::Gone | Change::Unchanged => Tone::Quiet,
        Change::New => Tone::Doubt,
        Change::Changed(_) | Change::Twice => Tone::Bad,
    };
    let mark = paint(tone, &format!("{:7}", change.as_str()));
    let _ = writeln!(out, "  {mark} {name}");
    if let Change::Changed(fields) = change {
        for field in fields {
            field_text(field, paint, out);
        }
    }
}

fn field_text(change: &FieldChange, paint: &dyn Fn(Tone, &str) -> String, out: &mut String) {
    let _ = writeln!(out, "    {}", shown(&change.field));
    let lines = |json: &Option<String>| json.as_deref().map(legible).unwrap_or_default();
    let (old, new) = (lines(&change.old), lines(&change.new));
    let same = |(a, b): &(&String, &String)| a == b;
    let head = old.iter().zip(&new).take_while(same).count();
    let tail = old[head..]
        .iter()
        .rev()
        .zip(new[head..].iter().rev())
        .take_while(same)
        .count();
    let sides = [
        (Tone::Bad, "-", &old[head..old.len() - tail]),
        (Tone::Good, "+", &new[head..new.len() - tail]),
    ];
    for (tone, sign, lines) in sides {
        for line in lines.iter().take(DIFF_LINES_MAX) {
            let _ = writeln!(out, "      {}", paint(tone, &format!("{sign} {line}")));
        }
        if lines.len() > DIFF_LINES_MAX {
            let _ = writeln!(
                out,
                "      {sign} and {} lines more",
                lines.len() - DIFF_LINES_MAX
            );
        }
    }
}

/// JSON as lines: a string by its own lines, anything else a leaf a line, each with its place.
fn legible(json: &str) -> Vec<String> {
    let Ok(tape) = Tape::read_str(json) else {
        return vec![shown(json)];
    };
    let root = tape.root();
    if let Some(text) = root.as_str() {
        return text.lines().map(shown).collect();
    }
    let mut lines = Vec::new();
    leaf_lines("", root, &mut lines);
    lines
}

fn leaf_lines(place: &str, value: sallyport_exchange::json::Value<'_>, lines: &mut Vec<String>) {
    // A place that grows with every level would cost the square of the depth.
    let place: String = place.chars().take(256).collect();
    match value.kind() {
        JsonKind::Object => {
            for (key, member) in value.members().into_iter().flatten() {
                let key = shown(&key.as_str().unwrap_or_default());
                leaf_lines(&format!("{place}/{key}"), member, lines);
            }
        }
        JsonKind::Array => {
            for (index, element) in value.elements().into_iter().flatten().enumerate() {
                leaf_lines(&format!("{place}/{index}"), element, lines);
            }
        }
        _ => lines.push(format!("{place}: {}", shown(value.raw()))),
    }
}
