//! `sallyport scan`: does a text attack, and where?

use super::{Outcome, fail, tell};
use crate::config::{Config, shipped_firewall};
use crate::firewall;
use owo_colors::OwoColorize;
use sallyport_firewall::{Channel, Firewall, Label, Said, Verdict, boundary};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The longest line, or file, that is read.
const BYTES_MAX: u64 = 32 << 20;
/// Lines that are read ahead of the one that is judged.
const AHEAD: usize = 64;
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

/// What could not be judged.
#[derive(Serialize)]
struct Unread {
    error: String,
}

/// Runs it.
pub(super) fn run(args: &ScanArgs) -> Outcome {
    let firewall = match started(args) {
        Ok(firewall) => firewall,
        Err(outcome) => return outcome,
    };
    if args.jsonl {
        return match input(&args.files) {
            Ok(input) => lines(&firewall, input),
            Err(error) => fail(&error, Outcome::Broken),
        };
    }
    let mut outcome = Outcome::Done;
    let names = match args.files.is_empty() {
        true => vec![PathBuf::from("-")],
        false => args.files.clone(),
    };
    for file in names {
        match read(&file) {
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

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error("cannot read {0}: {1}")]
    File(String, std::io::Error),
    #[error("{0} is longer than {BYTES_MAX} bytes: cut it into parts")]
    Long(String),
    #[error("with --jsonl, at most one file is read")]
    Files,
}

fn open(file: &PathBuf) -> Result<Box<dyn Read + Send>, ReadError> {
    if file.as_os_str() == "-" {
        return Ok(Box::new(std::io::stdin()));
    }
    match std::fs::File::open(file) {
        Ok(opened) => Ok(Box::new(opened)),
        Err(error) => Err(ReadError::File(file.display().to_string(), error)),
    }
}

/// A whole file; what is no UTF-8 is replaced.
fn read(file: &PathBuf) -> Result<String, ReadError> {
    let name = || file.display().to_string();
    let mut bytes = Vec::new();
    open(file)?
        .take(BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| ReadError::File(name(), error))?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(ReadError::Long(name()));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn input(files: &[PathBuf]) -> Result<Box<dyn BufRead + Send>, ReadError> {
    match files {
        [] => Ok(Box::new(BufReader::new(std::io::stdin()))),
        [file] => Ok(Box::new(BufReader::new(open(file)?))),
        _ => Err(ReadError::Files),
    }
}

/// Judges line by line, several at a time, and writes in the order of the lines.
fn lines(firewall: &Firewall, input: Box<dyn BufRead + Send>) -> Outcome {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let (give, take) = sync_channel::<(usize, String)>(AHEAD);
    let (done, finished) = sync_channel::<(usize, Result<String, String>)>(AHEAD);
    let take = Mutex::new(take);
    std::thread::scope(|scope| {
        scope.spawn(move || read_lines(input, &give));
        for _ in 0..workers {
            let (take, done) = (&take, done.clone());
            scope.spawn(move || {
                while let Some((number, line)) = next(take) {
                    if done
                        .send((number, judged(firewall, number, &line)))
                        .is_err()
                    {
                        return;
                    }
                }
            });
        }
        drop(done);
        write_lines(&finished)
    })
}

fn next(take: &Mutex<Receiver<(usize, String)>>) -> Option<(usize, String)> {
    take.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .recv()
        .ok()
}

fn read_lines(mut input: Box<dyn BufRead + Send>, give: &SyncSender<(usize, String)>) {
    for number in 0.. {
        let mut line = Vec::new();
        match (&mut input).take(BYTES_MAX).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if line.len() as u64 == BYTES_MAX {
            // What follows is the rest of a line that is too long: there is no way back into step.
            let _ = give.send((number, String::new()));
            return;
        }
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        if give.send((number, text)).is_err() {
            return;
        }
    }
}

/// A line's verdict, or what is wrong with it.
fn judged(firewall: &Firewall, number: usize, line: &str) -> Result<String, String> {
    let wrong = |why: String| format!("line {}: {why}", number + 1);
    let line: Line = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
    let channel = channel(&line.channel)
        .map_err(|words| wrong(format!("`channel` is none; write {words}")))?;
    let said = Said {
        channel,
        text: &line.text,
    };
    let begun = Instant::now();
    let verdicts = firewall.judge(&[said]);
    let verdict = verdicts.first().ok_or_else(|| wrong("not judged".into()))?;
    serde_json::to_string(&out(verdict, begun.elapsed())).map_err(|e| wrong(e.to_string()))
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

fn write_lines(finished: &Receiver<(usize, Result<String, String>)>) -> Outcome {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut early = BTreeMap::new();
    let mut next = 0;
    let mut outcome = Outcome::Done;
    while let Ok((number, line)) = finished.recv() {
        early.insert(number, line);
        while let Some(line) = early.remove(&next) {
            next += 1;
            let line = line.unwrap_or_else(|error| {
                outcome = Outcome::No;
                serde_json::to_string(&Unread { error }).unwrap_or_default()
            });
            // Whoever reads may want this line before sending the next.
            if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
                return Outcome::Broken;
            }
        }
    }
    outcome
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
