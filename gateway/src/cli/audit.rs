//! `sallyport audit`: verify, show, prove, export.

use super::{Outcome, fail, say, tell};
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use owo_colors::OwoColorize;
use sallyport_audit::{
    Bad, Entry, Filter, ProveError, Trust, Verified, VerifyKey, What, check_consistency,
    check_proof, consistency, export_opa, export_otlp, is_log, prove, records, verify,
};
use serde_json::{Value, json};
use std::fs;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Records in one request of the OTLP form.
const OTLP_BATCH: usize = 500;

/// About the audit log.
#[derive(Subcommand, Debug)]
pub enum AuditCommand {
    /// Check that nothing in a log was changed, and name the first record that was
    #[command(after_help = "\
Examples:
  sallyport audit verify --folder audit --key audit.pub
  sallyport audit verify --folder audit --against checkpoint-of-monday

Only a checkpoint that was held elsewhere (`--against`: a copy of the file `checkpoint`) shows that nothing was cut off the
end. Without `--key`, the folder's own `key.pub` is taken. Exit code 1: something was changed.")]
    Verify(VerifyArgs),
    /// Show records
    #[command(after_help = "\
Examples:
  sallyport audit show --folder audit --last 20
  sallyport audit show --folder audit --id sp_0199a2f3c4d5e6f708192a3b4c5d6e7f8091
  sallyport audit show --folder audit --kind exchange --since 2026-11-01T00:00:00Z --json | jq .body.verdict")]
    Show(ShowArgs),
    /// Prove that a record is in the log, or check such a proof
    #[command(after_help = "\
Examples:
  sallyport audit prove --folder audit --seq 4711 > record-4711.tlog-proof
  sallyport audit prove --check record-4711.tlog-proof --key audit.pub
  sallyport audit prove --folder audit --since checkpoint-of-monday > growth.proof

A proof is checked with nothing but the log's public key. Exit code 1: it proves nothing.")]
    Prove(ProveArgs),
    /// Write records in another form
    #[command(after_help = "\
Examples:
  sallyport audit export --folder audit --format opa > decisions.jsonl
  sallyport audit export --folder audit --format otlp | while read -r line; do
    printf %s \"$line\" | curl -sS -H 'content-type: application/json' --data-binary @- http://127.0.0.1:4318/v1/logs
  done")]
    Export(ExportArgs),
}

/// Which log, and whose.
#[derive(Args, Debug)]
pub struct LogArgs {
    /// The log's folder
    #[arg(long, value_name = "FOLDER", default_value = "audit")]
    folder: PathBuf,
    /// A file with the log's public key, as `key.pub` in its folder holds it
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

/// What is checked against what.
#[derive(Args, Debug)]
pub struct VerifyArgs {
    #[command(flatten)]
    log: LogArgs,
    /// An older checkpoint of this log that was held elsewhere
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

/// Which records.
#[derive(Args, Debug)]
pub struct Wanted {
    /// Only records of this kind: forward, exchange, decision, policy, open, close, recovery, lost, rotate, retention
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,
    /// Only records from this time on, as in 2026-11-22T00:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only records before this time
    #[arg(long, value_name = "TIME")]
    before: Option<Timestamp>,
    /// Only records of the exchange with this decision id
    #[arg(long, value_name = "ID")]
    id: Option<String>,
}

/// What is shown, and how.
#[derive(Args, Debug)]
pub struct ShowArgs {
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    wanted: Wanted,
    /// Only the record at this place
    #[arg(long, value_name = "N")]
    seq: Option<u64>,
    /// Only the last so many of those
    #[arg(long, value_name = "N")]
    last: Option<usize>,
    /// Print the lines of the log as they are
    #[arg(long)]
    json: bool,
}

/// What is proved, or which proof is checked.
#[derive(Args, Debug)]
pub struct ProveArgs {
    #[command(flatten)]
    log: LogArgs,
    /// The record's place in the log
    #[arg(long, value_name = "N", required_unless_present_any = ["check", "since"])]
    seq: Option<u64>,
    /// Prove that the log only grew since this checkpoint
    #[arg(long, value_name = "FILE", conflicts_with = "seq")]
    since: Option<PathBuf>,
    /// Check this proof instead, with `--key`
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seq", "since"], requires = "key")]
    check: Option<PathBuf>,
}

/// What is written in which form.
#[derive(Args, Debug)]
pub struct ExportArgs {
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    wanted: Wanted,
    /// The form
    #[arg(long, value_enum)]
    format: Format,
}

/// A form of records.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    /// Events of OPA's decision log, one a line
    Opa,
    /// Requests of OpenTelemetry's logs protocol in JSON, one a line
    Otlp,
    /// The log's own lines
    Jsonl,
}

/// Does what was typed.
pub(super) fn run(command: &AuditCommand) -> Outcome {
    let done = match command {
        AuditCommand::Verify(args) => verified(args),
        AuditCommand::Show(args) => show(args),
        AuditCommand::Prove(args) => proved(args),
        AuditCommand::Export(args) => export(args),
    };
    done.unwrap_or_else(|outcome| outcome)
}

fn read(path: &Path) -> Result<String, Outcome> {
    fs::read_to_string(path).map_err(|error| {
        let error = format!("`{}` cannot be read: {error}", path.display());
        fail(&error, Outcome::Broken)
    })
}

impl LogArgs {
    /// The folder, if there is a log in it.
    fn folder(&self) -> Result<&Path, Outcome> {
        if is_log(&self.folder) {
            return Ok(&self.folder);
        }
        let error = format!(
            "there is no audit log in `{}`: name the folder of `audit.folder` in the configuration with `--folder`",
            self.folder.display()
        );
        Err(fail(&error, Outcome::Broken))
    }

    fn key(&self) -> Result<Option<VerifyKey>, Outcome> {
        let Some(path) = &self.key else {
            return Ok(None);
        };
        let key = VerifyKey::from_vkey(&read(path)?);
        key.map(Some).ok_or_else(|| {
            let error = format!(
                "`{}` holds no key: it is one line, `NAME+ID+KEY`, as in `key.pub` of the log's folder",
                path.display()
            );
            fail(&error, Outcome::Broken)
        })
    }
}

fn verified(args: &VerifyArgs) -> Result<Outcome, Outcome> {
    let (folder, key) = (args.log.folder()?, args.log.key()?);
    let against = args.against.as_deref().map(read).transpose()?;
    let trust = Trust {
        key: key.as_ref(),
        against: against.as_deref(),
    };
    let shows = std::io::stderr().is_terminal();
    let progress = |read: u64, all: u64| {
        if shows {
            // Over and over on one line; where it cannot be written, nothing is lost.
            let _ = write!(std::io::stderr(), "\r{read} of {all} records ");
        }
    };
    let mut outcome = verify(folder, trust, progress);
    // A file that went by retention while it was read is no fault of the log: it is read once more.
    if matches!(&outcome, Err(bad) if bad.what == What::Unreadable) {
        outcome = verify(folder, trust, progress);
    }
    if shows {
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
    match &outcome {
        Ok(good) if args.json => say(&good_json(good).to_string()),
        Ok(good) => good_words(good, args.against.is_some()),
        Err(bad) if args.json => say(&bad_json(bad).to_string()),
        Err(bad) => tell(&format!("{} {bad}", "bad:".red().bold())),
    }
    Ok(match &outcome {
        Ok(_) => Outcome::Done,
        Err(bad) if bad.what == What::Unreadable => Outcome::Broken,
        Err(_) => Outcome::No,
    })
}

fn good_words(good: &Verified, against: bool) {
    say(&format!(
        "{} {} records, from {}; the last checkpoint signs {}",
        "good:".green().bold(),
        good.records,
        good.first_seq,
        good.size
    ));
    say(&format!("  key {}", good.key));
    say(&format!("  root {}", good.root));
    say(&format!("  {} checkpoints checked", good.checkpoints));
    if good.unsigned_tail > 0 {
        say(&format!(
            "  {} records are not signed yet",
            good.unsigned_tail
        ));
    }
    for remark in &good.remarks {
        tell(&format!("{} {remark}", "note:".yellow()));
    }
    if !against {
        tell(&format!(
            "{} that nothing was cut off the end shows only a checkpoint held elsewhere: `--against FILE`",
            "note:".yellow()
        ));
    }
}

fn good_json(good: &Verified) -> Value {
    let remarks: Vec<String> = good.remarks.iter().map(ToString::to_string).collect();
    json!({
        "good": true,
        "records": good.records,
        "first_seq": good.first_seq,
        "size": good.size,
        "root": good.root.to_string(),
        "checkpoints": good.checkpoints,
        "unsigned": good.unsigned_tail,
        "key": good.key.to_string(),
        "remarks": remarks,
    })
}

fn bad_json(bad: &Bad) -> Value {
    json!({
        "good": false,
        "what": bad.what.as_str(),
        "seq": bad.seq,
        "segment": bad.segment,
        "line": bad.line,
        "words": bad.words,
    })
}

/// The records that are wanted, one after the other.
fn each(
    log: &LogArgs,
    wanted: &Wanted,
    seq: Option<u64>,
    mut take: impl FnMut(Entry),
) -> Result<(), Outcome> {
    let ns = |time: Timestamp| i64::try_from(time.as_nanosecond()).unwrap_or(i64::MAX);
    let filter = Filter {
        seqs: seq.map_or(0..u64::MAX, |seq| seq..seq.saturating_add(1)),
        kinds: wanted.kind.clone(),
        since_ns: wanted.since.map(ns),
        before_ns: wanted.before.map(ns),
    };
    for entry in records(log.folder()?, filter) {
        let entry = entry.map_err(|bad| fail(&bad, Outcome::No))?;
        let of = |key: &str| entry.body[key].as_str();
        let is_meant = |id: &String| of("id") == Some(id) || of("exchange") == Some(id);
        if wanted.id.as_ref().is_none_or(is_meant) {
            take(entry);
        }
    }
    Ok(())
}

fn show(args: &ShowArgs) -> Result<Outcome, Outcome> {
    let line = |entry: &Entry| match args.json {
        true => entry.line.clone(),
        false => in_words(entry),
    };
    let mut shown = 0;
    match args.last {
        None => each(&args.log, &args.wanted, args.seq, |entry| {
            shown += 1;
            say(&line(&entry));
        })?,
        Some(last) => {
            let mut kept = std::collections::VecDeque::new();
            each(&args.log, &args.wanted, args.seq, |entry| {
                if kept.len() == last {
                    kept.pop_front();
                }
                kept.push_back(entry);
            })?;
            shown = kept.len();
            kept.iter().for_each(|entry| say(&line(entry)));
        }
    }
    if shown == 0 {
        tell("no such record");
    }
    Ok(Outcome::Done)
}

/// One line for people. What agents chose is quoted, so that it cannot pose as anything else.
fn in_words(entry: &Entry) -> String {
    let body = &entry.body;
    let word = |path: &str| match body.pointer(path) {
        Some(Value::String(text)) => Some(plain(text)),
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(Value::Array(all)) if !all.is_empty() => {
            let all = all.iter().filter_map(Value::as_str).map(plain);
            Some(all.collect::<Vec<_>>().join(","))
        }
        _ => None,
    };
    let mut line = format!("{} {} {}", entry.seq, entry.time, entry.kind.bold());
    for path in [
        "/verdict",
        "/caller/team",
        "/caller/agent",
        "/operation",
        "/mcp/name",
        "/model",
        "/refused_by",
        "/failure/code",
        "/revision",
        "/records",
        "/id",
        "/exchange",
    ] {
        if let Some(word) = word(path) {
            line.push(' ');
            line.push_str(&word);
        }
    }
    line
}

/// A text without anything that moves a terminal's cursor or turns its direction.
fn plain(text: &str) -> String {
    let odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown = String::with_capacity(text.len());
    for c in text.chars().take(200) {
        match odd(c) {
            true => shown.extend(c.escape_unicode()),
            false => shown.push(c),
        }
    }
    shown
}

fn proved(args: &ProveArgs) -> Result<Outcome, Outcome> {
    let key = args.log.key()?;
    if let (Some(path), Some(key)) = (&args.check, &key) {
        return checked(&read(path)?, key);
    }
    let folder = args.log.folder()?;
    let proof = match (&args.since, args.seq) {
        (Some(older), _) => consistency(folder, &read(older)?, key.as_ref()).map(|p| p.text),
        (None, seq) => prove(folder, seq.unwrap_or_default(), key.as_ref()).map(|p| p.text),
    };
    let proof = proof.map_err(|error| match error {
        ProveError::Bad(_) => fail(&error, Outcome::No),
        error => fail(&error, Outcome::Broken),
    })?;
    let _ = write!(std::io::stdout(), "{proof}");
    Ok(Outcome::Done)
}

fn checked(text: &str, key: &VerifyKey) -> Result<Outcome, Outcome> {
    let good = format!("{}", "good:".green().bold());
    match check_proof(text, key) {
        Ok(proved) => {
            say(&proved.entry.line);
            tell(&format!(
                "{good} this is record {} of {}, as the log signed it",
                proved.entry.seq,
                key.origin()
            ));
            return Ok(Outcome::Done);
        }
        Err(error) => match check_consistency(text, key) {
            Ok((older, newer)) => tell(&format!(
                "{good} {} grew from {} to {} records, and what was there is unchanged",
                key.origin(),
                older.size,
                newer.size
            )),
            Err(_) => return Err(fail(&error, Outcome::No)),
        },
    }
    Ok(Outcome::Done)
}

fn export(args: &ExportArgs) -> Result<Outcome, Outcome> {
    let mut batch: Vec<Entry> = Vec::new();
    let flush = |batch: &mut Vec<Entry>| {
        if !batch.is_empty() {
            say(&export_otlp(&*batch).to_string());
            batch.clear();
        }
    };
    each(&args.log, &args.wanted, None, |entry| match args.format {
        Format::Opa => say(&export_opa(&entry).to_string()),
        Format::Jsonl => say(&entry.line),
        Format::Otlp => {
            batch.push(entry);
            if batch.len() == OTLP_BATCH {
                flush(&mut batch);
            }
        }
    })?;
    flush(&mut batch);
    Ok(Outcome::Done)
}
