//! `sallyport scan`: does a text attack, and where?

use super::{Outcome, fail, lines, tell};
use crate::config::{Config, shipped_firewall};
use crate::firewall;
use owo_colors::OwoColorize;
use sallyport_firewall::{Channel, Firewall, Label, Said, Verdict, boundary};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A line waits for the model as long as it takes: nobody holds a connection open for it.
const PATIENCE: Duration = Duration::from_secs(3600);
/// How much of what surrounds a find is shown.
const AROUND: usize = 80;

/// What to scan.
#[derive(clap::Args, Debug)]
pub struct ScanArgs {
    /// Files to read; without any, standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A JSON object a line, in and out
    #[arg(long, conflicts_with = "channel")]
    jsonl: bool,
    /// Who speaks
    #[arg(long, value_parser = channel, default_value = "tool_result", value_name = "CHANNEL")]
    channel: Channel,
    /// Take the model and the stages from this configuration
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
}

fn channel(word: &str) -> Result<Channel, String> {
    Channel::from_word(word).ok_or_else(|| {
        let words: Vec<&str> = Channel::ALL.iter().map(|c| c.as_str()).collect();
        format!("one of {}", words.join(", "))
    })
}

/// A line in.
#[derive(Deserialize)]
struct Line {
    text: String,
    channel: String,
}

/// A line out.
#[derive(Serialize)]
struct Judged<'a> {
    score: f32,
    verdict: &'a str,
    flagged: bool,
    findings: Vec<Found<'a>>,
    micros: u64,
}

#[derive(Serialize)]
struct Found<'a> {
    label: &'a str,
    start: usize,
    end: usize,
    score: f32,
}

/// Runs it.
pub(super) fn run(args: &ScanArgs) -> Outcome {
    let firewall = match started(args) {
        Ok(firewall) => firewall,
        Err(outcome) => return outcome,
    };
    if args.jsonl {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        return match lines::input(&args.files) {
            Ok(input) => lines::each(input, workers, |line| judged(&firewall, line)),
            Err(error) => fail(&error, Outcome::Broken),
        };
    }
    let mut outcome = Outcome::Done;
    let names = match args.files.is_empty() {
        true => vec![PathBuf::from("-")],
        false => args.files.clone(),
    };
    for file in names {
        match lines::read(&file) {
            Ok(text) => {
                let said = Said {
                    channel: args.channel,
                    text: &text,
                };
                let begun = Instant::now();
                let verdicts = firewall.judge(&[said]);
                if let Some(verdict) = verdicts.first() {
                    show(&file.display().to_string(), &text, verdict, begun.elapsed());
                    if verdict.flagged() && outcome == Outcome::Done {
                        outcome = Outcome::No;
                    }
                }
            }
            Err(error) => outcome = fail(&error, Outcome::Broken),
        }
    }
    outcome
}

fn started(args: &ScanArgs) -> Result<Firewall, Outcome> {
    let configured = match &args.config {
        None => Some(shipped_firewall()),
        Some(file) => {
            Config::load(file)
                .map_err(|errors| fail(&errors, Outcome::No))?
                .firewall
        }
    };
    let Some(mut configured) = configured else {
        return Err(fail(
            &"the configuration turns the firewall off",
            Outcome::No,
        ));
    };
    configured.deadline = PATIENCE;
    firewall::start(&configured).map_err(|error| fail(&error, Outcome::Broken))
}

/// A line's verdict, or what is wrong with it.
fn judged(firewall: &Firewall, line: &str) -> Result<String, String> {
    let line: Line = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let channel =
        channel(&line.channel).map_err(|words| format!("`channel` is none; write {words}"))?;
    let said = Said {
        channel,
        text: &line.text,
    };
    let begun = Instant::now();
    let verdicts = firewall.judge(&[said]);
    let verdict = verdicts.first().ok_or("not judged")?;
    serde_json::to_string(&out(verdict, begun.elapsed())).map_err(|error| error.to_string())
}

fn out(verdict: &Arc<Verdict>, took: Duration) -> Judged<'_> {
    let mut findings: Vec<Found<'_>> = verdict
        .hot
        .iter()
        .map(|hot| Found {
            label: sallyport_firewall::name(hot.label).as_str(),
            start: hot.range.start,
            end: hot.range.end,
            score: hot.score,
        })
        .collect();
    findings.extend(verdict.unscanned.as_ref().map(|range| Found {
        label: "unscanned",
        start: range.start,
        end: range.end,
        score: 1.0,
    }));
    findings.extend(verdict.unavailable.then_some(Found {
        label: "unavailable",
        start: 0,
        end: 0,
        score: 1.0,
    }));
    Judged {
        score: verdict.score,
        verdict: verdict.verdict().word(),
        flagged: verdict.flagged(),
        findings,
        micros: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
    }
}

/// For people: the verdict, and each find with what surrounds it.
fn show(name: &str, text: &str, verdict: &Verdict, took: Duration) {
    let word = match verdict.verdict() {
        Label::Benign => "benign".green().bold().to_string(),
        label => label.word().red().bold().to_string(),
    };
    let mut shown = format!(
        "{name}: {word}  score {:.3} (flagged from {:.3})  {} bytes in {:.1} ms\n",
        verdict.score,
        verdict.threshold,
        text.len(),
        took.as_secs_f64() * 1e3
    );
    for hot in &verdict.hot {
        let line = text[..hot.range.start].matches('\n').count() + 1;
        let from = boundary::floor(text, hot.range.start.saturating_sub(AROUND));
        let to = boundary::ceil(text, hot.range.end + AROUND);
        shown += &format!(
            "  line {line}, bytes {}..{}  {} {:.3}\n    {}{}{}\n",
            hot.range.start,
            hot.range.end,
            sallyport_firewall::name(hot.label),
            hot.score,
            flat(&text[from..hot.range.start]).dimmed(),
            flat(&text[hot.range.clone()]).red().bold(),
            flat(&text[hot.range.end..to]).dimmed(),
        );
    }
    if let Some(range) = &verdict.unscanned {
        shown += &format!(
            "  bytes {}..{} were not read: the text is too long for the budget of windows\n",
            range.start, range.end
        );
    }
    super::say(shown.trim_end());
    if verdict.unavailable {
        tell("the model did not answer");
    }
}

/// On one line, without anything that moves a terminal's cursor.
fn flat(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
