//! What a model is worth on rows it did not learn from, each text by its hottest window.

use crate::rows::{CHANNELS, Row, views};
use sallyport_firewall::{Ngram, Scored};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The share of harmless texts that a threshold may flag.
const FALSE_ALARMS: f64 = 0.01;

/// All figures.
#[derive(Debug, Serialize)]
pub struct Report {
    pub all: Figures,
    pub channels: BTreeMap<&'static str, Channel>,
    pub sources: BTreeMap<String, Source>,
}

/// Of some rows, how well attacks stand apart.
#[derive(Debug, Serialize)]
pub struct Figures {
    pub attacks: usize,
    pub benign: usize,
    /// The chance that an attack scores higher than a harmless text.
    pub auc: Option<f64>,
    /// The share of attacks above the log-odds that 1 % of the harmless exceed.
    pub recall_at_1_percent: Option<f64>,
    /// Those log-odds.
    pub at: Option<f32>,
}

/// Of one channel also what the cascade would pass without the transformer.
#[derive(Debug, Serialize)]
pub struct Channel {
    #[serde(flatten)]
    pub figures: Figures,
    /// Log-odds below which a text is passed, and the share of known pairs from which on; `null` where nothing is.
    pub pass: Option<f32>,
    pub known: f32,
    /// The share of harmless texts that are passed.
    pub benign_passed: f64,
    /// The share of the windows of harmless texts, as they are written, that are passed by themselves.
    pub benign_windows_passed: f64,
    /// The share of attacks that are passed.
    pub attacks_passed: f64,
    /// The share of known pairs in the tenth harmless text of a hundred, least known first.
    pub known_10th: f32,
}

/// Of one source, the share above the log-odds that 1 % of all harmless texts exceed.
#[derive(Debug, Serialize)]
pub struct Source {
    pub attacks: usize,
    pub attacks_flagged: usize,
    pub benign: usize,
    pub benign_flagged: usize,
}

/// The hottest window of all the ways in which the firewall reads a text: the highest log-odds, and the least share of
/// known pairs of any window.
pub fn hottest(model: &Ngram, channel: u8, text: &str) -> Option<Scored> {
    let views = views(text);
    let windows = views
        .iter()
        .flat_map(|view| model.windows(channel, view.text()));
    windows.reduce(|a, b| {
        let known = a.known.min(b.known);
        let hotter = if b.logit > a.logit { b } else { a };
        Scored { known, ..hotter }
    })
}

/// What the model says of each row, one JSON object a line; `null` for a text without words.
pub fn scores(model: &Ngram, rows: &[Row]) -> String {
    let told = |row: &Row| {
        let hottest = hottest(model, row.channel, &row.text);
        let logit = hottest.as_ref().map(|scored| scored.logit);
        let passed = hottest
            .as_ref()
            .is_some_and(|scored| model.passes(row.channel, scored));
        let known = hottest.map(|scored| scored.known);
        json!({"logit": logit, "known": known, "passed": passed}).to_string() + "\n"
    };
    rows.iter().map(told).collect()
}

/// Measures `model` on `rows`.
pub fn report(model: &Ngram, rows: &[Row]) -> Report {
    let scored: Vec<(&Row, Scored)> = rows
        .iter()
        .filter_map(|row| Some((row, hottest(model, row.channel, &row.text)?)))
        .collect();
    let all = figures(
        scored
            .iter()
            .map(|(row, scored)| (scored.logit, row.attack)),
    );
    let mut channels = BTreeMap::new();
    for (number, name) in CHANNELS.iter().enumerate() {
        let of: Vec<_> = scored
            .iter()
            .filter(|(row, _)| usize::from(row.channel) == number)
            .collect();
        if !of.is_empty() {
            channels.insert(*name, channel(model, number as u8, &of));
        }
    }
    let mut sources: BTreeMap<String, Source> = BTreeMap::new();
    for (row, scored) in &scored {
        let source = sources
            .entry(family(&row.source).to_owned())
            .or_insert(Source {
                attacks: 0,
                attacks_flagged: 0,
                benign: 0,
                benign_flagged: 0,
            });
        let flagged = usize::from(all.at.is_some_and(|at| scored.logit > at));
        match row.attack {
            true => {
                (source.attacks, source.attacks_flagged) =
                    (source.attacks + 1, source.attacks_flagged + flagged)
            }
            false => {
                (source.benign, source.benign_flagged) =
                    (source.benign + 1, source.benign_flagged + flagged)
            }
        }
    }
    Report {
        all,
        channels,
        sources,
    }
}

fn windows_passed(model: &Ngram, rows: &[&(&Row, Scored)]) -> f64 {
    let (mut all, mut passed) = (0u32, 0u32);
    for (row, _) in rows.iter().filter(|(row, _)| !row.attack) {
        for window in model.windows(row.channel, &row.text) {
            all += 1;
            passed += u32::from(model.passes(row.channel, &window));
        }
    }
    f64::from(passed) / f64::from(all.max(1))
}

/// A source without what it was put into: `own-goals` of `own-goals+email`.
fn family(source: &str) -> &str {
    source.split(['+', ':']).next().unwrap_or(source)
}

fn channel(model: &Ngram, number: u8, rows: &[&(&Row, Scored)]) -> Channel {
    let share = |attack: bool| {
        let of = rows.iter().filter(|(row, _)| row.attack == attack);
        let passed = of
            .clone()
            .filter(|(_, scored)| model.passes(number, scored));
        passed.count() as f64 / of.count().max(1) as f64
    };
    let mut known: Vec<f32> = rows
        .iter()
        .filter(|(row, _)| !row.attack)
        .map(|(_, s)| s.known)
        .collect();
    known.sort_by(f32::total_cmp);
    Channel {
        figures: figures(rows.iter().map(|(row, scored)| (scored.logit, row.attack))),
        pass: Some(model.side(number).pass).filter(|pass| pass.is_finite()),
        known: model.side(number).known,
        benign_passed: share(false),
        benign_windows_passed: windows_passed(model, rows),
        attacks_passed: share(true),
        known_10th: known.get(known.len() / 10).copied().unwrap_or(0.0),
    }
}

fn figures(scored: impl Iterator<Item = (f32, bool)>) -> Figures {
    let mut rows: Vec<(f32, bool)> = scored.collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let attacks = rows.iter().filter(|row| row.1).count();
    let benign = rows.len() - attacks;
    if attacks == 0 || benign == 0 {
        return Figures {
            attacks,
            benign,
            auc: None,
            recall_at_1_percent: None,
            at: None,
        };
    }
    // Pairs in which the attack is the higher, those of equal scores half.
    let (mut below, mut won) = (0usize, 0.0);
    for same in rows.chunk_by(|a, b| a.0 == b.0) {
        let hot = same.iter().filter(|row| row.1).count();
        let cold = same.len() - hot;
        won += hot as f64 * (below as f64 + cold as f64 / 2.0);
        below += cold;
    }
    let allowed = (benign as f64 * FALSE_ALARMS).floor() as usize;
    let at = rows
        .iter()
        .rev()
        .filter(|row| !row.1)
        .nth(allowed)
        .map_or(f32::MAX, |row| row.0);
    let above = rows.iter().filter(|row| row.1 && row.0 > at).count();
    Figures {
        attacks,
        benign,
        auc: Some(won / (attacks as f64 * benign as f64)),
        recall_at_1_percent: Some(above as f64 / attacks as f64),
        at: Some(at),
    }
}

/// The report for people.
pub fn table(report: &Report) -> String {
    let mut out = String::new();
    let shown = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
    let figures = |f: &Figures| {
        format!(
            "{:>7} {:>7} {:>7} {:>8}",
            f.attacks,
            f.benign,
            shown(f.auc),
            shown(f.recall_at_1_percent)
        )
    };
    // Writing to a `String` cannot fail.
    let _ = writeln!(
        out,
        "{:<18} attacks  benign     AUC recall1%  passed windows  missed    pass  known known10",
        "channel"
    );
    let _ = writeln!(out, "{:<18} {}", "all", figures(&report.all));
    for (name, c) in &report.channels {
        let pass = c.pass.map_or("-".to_owned(), |pass| format!("{pass:.2}"));
        let _ = writeln!(
            out,
            "{name:<18} {} {:>7.3} {:>7.3} {:>7.4} {pass:>7} {:>6.2} {:>7.2}",
            figures(&c.figures),
            c.benign_passed,
            c.benign_windows_passed,
            c.attacks_passed,
            c.known,
            c.known_10th
        );
    }
    let _ = writeln!(out, "{:<34} flagged at 1 % false alarms of all", "source");
    for (name, s) in &report.sources {
        let _ = writeln!(
            out,
            "{name:<34} attacks {:>5} of {:<5} benign {:>5} of {:<5}",
            s.attacks_flagged, s.attacks, s.benign_flagged, s.benign
        );
    }
    out
}
