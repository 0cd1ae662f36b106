//! The tables for people, and the same as JSON.

use crate::probe::Answers;
use crate::speed::Speed;
use crate::traffic::Sums;
use sallyport_compress::Mode;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// What all sessions of a kind cost, untouched and compressed, by one provider's prices.
#[derive(Clone, Debug)]
pub struct Cost {
    /// Sessions.
    pub sessions: usize,
    /// Tokens at the plain price, untouched and compressed.
    pub billed: (f64, f64),
    /// Tokens sent, whatever they cost.
    pub sent: (f64, f64),
    /// The session that saved least: its share, and its name.
    pub worst: Option<(f64, String)>,
    /// Sessions that cost more than untouched.
    pub dearer: usize,
    /// The same and the least share saved, where the tool that gives originals back is offered anyway.
    pub bare: (usize, f64),
}

impl Default for Cost {
    fn default() -> Self {
        Cost {
            sessions: 0,
            billed: (0.0, 0.0),
            sent: (0.0, 0.0),
            worst: None,
            dearer: 0,
            bare: (0, f64::INFINITY),
        }
    }
}

/// Costs by kind of session, mode and provider.
pub type Costs = BTreeMap<(&'static str, Mode, &'static str), Cost>;

/// All that was measured.
#[derive(Debug)]
pub struct Outcome {
    /// By traffic and mode.
    pub sums: Sums,
    /// Of whole sessions.
    pub costs: Costs,
    /// Turns that were replayed, and turns whose beginning changed though the client's did not.
    pub turns: (usize, usize),
    /// Results that stand otherwise than they are planned.
    pub otherwise: usize,
    /// Lines asked for.
    pub lines: Answers,
    /// In time.
    pub speed: Speed,
}

fn less(before: f64, after: f64) -> f64 {
    match before > 0.0 {
        true => 100.0 * (before - after) / before,
        false => 0.0,
    }
}

fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Lossless => "lossless",
        Mode::Reversible => "reversible",
    }
}

/// Everything as Markdown.
pub fn markdown(outcome: &Outcome) -> String {
    let mut out = String::new();
    traffic(&mut out, outcome);
    sessions(&mut out, outcome);
    time(&mut out, &outcome.speed);
    out
}

fn traffic(out: &mut String, outcome: &Outcome) {
    out.push_str("### What tools answered, in tokens\n\n");
    out.push_str("| traffic | mode | blocks | o200k before | after | less | cl100k less | lossless forms, decoded | reversible forms, originals back | by last step: blocks, tokens saved |\n|---|---|--:|--:|--:|--:|--:|--:|--:|---|\n");
    for ((traffic, mode), sum) in &outcome.sums {
        let percent = |f: fn(&crate::count::Tokens) -> usize| {
            less(f(&sum.before) as f64, f(&sum.after) as f64)
        };
        let step =
            |(name, (blocks, saved)): (&&str, &(usize, i64))| format!("{name} {blocks}, {saved}");
        let steps: Vec<String> = sum.steps.iter().map(step).collect();
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {:.1} % | {:.1} % | {} of {} | {} of {} | {} |",
            traffic.as_str(),
            mode_name(*mode),
            sum.blocks,
            sum.before.o200k,
            sum.after.o200k,
            percent(|t| t.o200k),
            percent(|t| t.cl100k),
            sum.lossless.1,
            sum.lossless.0,
            sum.reversible.1,
            sum.reversible.0,
            steps.join("; "),
        );
    }
    let _ = writeln!(
        out,
        "\nLines of referring results asked of an independent reader: {} of {} right.\n",
        outcome.lines.right, outcome.lines.asked
    );
}

fn sessions(out: &mut String, outcome: &Outcome) {
    out.push_str("### Whole sessions, turn by turn, in billed-equivalent tokens\n\n");
    out.push_str("| sessions | mode | prices | number | untouched | compressed | less | sent less | least saved by one | dearer | without the retrieving tool's declaration: least saved, dearer |\n|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n");
    for ((kind, mode, prices), cost) in &outcome.costs {
        let worst = cost.worst.as_ref();
        let _ = writeln!(
            out,
            "| {kind} | {} | {prices} | {} | {:.0} | {:.0} | {:.1} % | {:.1} % | {} | {} | {:.1} %, {} |",
            mode_name(*mode),
            cost.sessions,
            cost.billed.0,
            cost.billed.1,
            less(cost.billed.0, cost.billed.1),
            less(cost.sent.0, cost.sent.1),
            worst.map_or(String::new(), |(share, name)| format!(
                "{share:.1} % ({name})"
            )),
            cost.dearer,
            cost.bare.1,
            cost.bare.0,
        );
    }
    let _ = writeln!(
        out,
        "\n{} turns replayed in each mode; beginnings that changed although the client's did not: {}; results that stand otherwise than planned: {}.\n",
        outcome.turns.0, outcome.turns.1, outcome.otherwise
    );
}

fn time(out: &mut String, speed: &Speed) {
    out.push_str("### Time\n\n| what | µs | of reading the same body as JSON |\n|---|--:|--:|\n");
    let body = speed.bytes as f64 / 1024.0;
    let parse_kb = speed.parse.0 / body;
    let rows = [
        ("a KB of new content", speed.new_kb, speed.new_kb / parse_kb),
        (
            "the same, references alone",
            speed.named_kb,
            speed.named_kb / parse_kb,
        ),
        ("a KB already seen", speed.seen_kb, speed.seen_kb / parse_kb),
        (
            "added to 200 KB with 20 KB new, p50",
            speed.added.0,
            speed.added.0 / speed.parse.0,
        ),
        (
            "added to 200 KB with 20 KB new, p99",
            speed.added.1,
            speed.added.1 / speed.parse.0,
        ),
        ("reading it with serde_json", speed.parse.0, 1.0),
        (
            "reading it as the gateway does anyway",
            speed.parse.1,
            speed.parse.1 / speed.parse.0,
        ),
        (
            "BLAKE3 of a KB",
            speed.blake3_kb,
            speed.blake3_kb / parse_kb,
        ),
    ];
    for (what, us, ratio) in rows {
        let _ = writeln!(out, "| {what} | {us:.2} | {ratio:.2} |");
    }
}

/// The same as JSON.
pub fn json(outcome: &Outcome) -> Value {
    let traffic: Vec<Value> = outcome
        .sums
        .iter()
        .map(|((traffic, mode), sum)| {
            json!({"traffic": traffic.as_str(), "mode": mode_name(*mode), "blocks": sum.blocks,
                "o200k": [sum.before.o200k, sum.after.o200k],
                "cl100k": [sum.before.cl100k, sum.after.cl100k],
                "lossless": {"blocks": sum.lossless.0, "decoded": sum.lossless.1},
                "reversible": {"blocks": sum.reversible.0, "back": sum.reversible.1}})
        })
        .collect();
    let sessions: Vec<Value> = outcome
        .costs
        .iter()
        .map(|((kind, mode, prices), cost)| {
            json!({"sessions": kind, "mode": mode_name(*mode), "prices": prices, "number": cost.sessions,
                "billed": [cost.billed.0, cost.billed.1], "sent": [cost.sent.0, cost.sent.1],
                "least_saved_percent": cost.worst.as_ref().map(|w| w.0), "dearer": cost.dearer,
                "without_declaration": {"least_saved_percent": cost.bare.1, "dearer": cost.bare.0}})
        })
        .collect();
    let speed = &outcome.speed;
    json!({"traffic": traffic, "sessions": sessions,
        "turns": outcome.turns.0, "beginnings_changed": outcome.turns.1, "otherwise": outcome.otherwise,
        "lines": {"asked": outcome.lines.asked, "right": outcome.lines.right},
        "speed_us": {"new_kb": speed.new_kb, "references_kb": speed.named_kb, "seen_kb": speed.seen_kb, "added_p50": speed.added.0,
            "added_p99": speed.added.1, "serde_json": speed.parse.0, "read": speed.parse.1,
            "blake3_kb": speed.blake3_kb}})
}
