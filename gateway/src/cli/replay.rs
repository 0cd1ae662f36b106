//! `sallyport policy replay`: decisions of the audit log, made once more.

use super::{Outcome, fail, say, tell};
use crate::audit::{DECISION, kept_policies};
use crate::policies::{placed, read_folder};
use clap::Args;
use owo_colors::OwoColorize;
use sallyport_audit::{Entry, Filter, is_log, records};
use sallyport_policy::{Limits, Policy, PolicyFile, PolicySource};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Revisions that are kept compiled at once.
const REVISIONS_MAX: usize = 16;
/// The kind of record that says how many were lost.
const LOST: &str = "lost";
/// Decisions between two reports of progress.
const PROGRESS_EVERY: u64 = 1_000;

/// Which decisions, and by which policies.
#[derive(Args, Debug)]
pub struct ReplayArgs {
    /// The audit log's folder; its gateway must have run with `audit.inputs: true`
    #[arg(long, value_name = "FOLDER", default_value = "audit")]
    audit: PathBuf,
    /// Decide by these policies instead of those that decided, and say what would change
    #[arg(long, value_name = "FOLDER")]
    policies: Option<PathBuf>,
    /// Only decisions of this team
    #[arg(long)]
    team: Option<String>,
    /// Only the decisions of this exchange, by its decision id
    #[arg(long)]
    id: Option<String>,
    /// Examples shown of each change
    #[arg(long, value_name = "N", default_value = "3")]
    examples: usize,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// One recorded decision.
#[derive(Deserialize)]
struct Recorded {
    exchange: String,
    team: String,
    asks_allow: bool,
    policy: String,
    input: Value,
    decision: Value,
}

/// What came of all of them.
#[derive(Default)]
struct Report {
    same: u64,
    changed: u64,
    /// Records of any kind that the log says were lost: decisions may be among them.
    lost: u64,
    /// Policies that decided and are not kept.
    unknown: BTreeMap<String, u64>,
    /// By team and by what changed.
    changes: BTreeMap<(String, Change), Changed>,
}

/// What changed in a decision.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    /// It was allowed, and a rule refuses it now.
    RefusedBy(String),
    /// A rule refused it, and nothing does now.
    NoLongerRefusedBy(String),
    /// Refused before and now, by other rules.
    RefusedOtherwise(String, String),
    /// Allowed before and now, but something else of it changed: `redact`, `hide`, `warnings`, `settings`, `rules`.
    Differs(String),
}

#[derive(Default)]
struct Changed {
    count: u64,
    examples: Vec<String>,
}

/// Does what was typed.
pub(super) fn replay(args: &ReplayArgs) -> Outcome {
    match replayed(args) {
        Ok(report) => told(args, &report),
        Err(outcome) => outcome,
    }
}

fn replayed(args: &ReplayArgs) -> Result<Report, Outcome> {
    if !is_log(&args.audit) {
        let error = format!(
            "there is no audit log in `{}`: name it with `--audit`",
            args.audit.display()
        );
        return Err(fail(&error, Outcome::Broken));
    }
    let mut by = Policies {
        folder: &args.audit,
        instead: args.policies.as_deref().map(compiled).transpose()?,
        kept: HashMap::new(),
    };
    let filter = Filter {
        kinds: vec![DECISION.into(), LOST.into()],
        ..Filter::default()
    };
    let shows = std::io::stderr().is_terminal();
    let mut report = Report::default();
    let mut seen = 0;
    for entry in records(&args.audit, filter) {
        let entry = entry.map_err(|bad| fail(&bad, Outcome::No))?;
        if entry.kind == LOST {
            report.lost += entry.body["records"].as_u64().unwrap_or(1);
            continue;
        }
        let recorded = recorded(&entry)?;
        if args
            .team
            .as_ref()
            .is_some_and(|team| *team != recorded.team)
            || args.id.as_ref().is_some_and(|id| *id != recorded.exchange)
        {
            continue;
        }
        seen += 1;
        if shows && seen % PROGRESS_EVERY == 0 {
            let _ = write!(std::io::stderr(), "\r{seen} decisions ");
        }
        report.note(&mut by, &recorded, args.examples)?;
    }
    if shows {
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
    Ok(report)
}

fn recorded(entry: &Entry) -> Result<Recorded, Outcome> {
    Recorded::deserialize(&entry.body).map_err(|error| {
        let error = format!("record {} is no decision: {error}", entry.seq);
        fail(&error, Outcome::No)
    })
}

/// The policies by which decisions are made once more.
struct Policies<'a> {
    folder: &'a Path,
    instead: Option<Policy>,
    kept: HashMap<String, Option<Policy>>,
}

impl Policies<'_> {
    fn of(&mut self, revision: &str) -> Option<&Policy> {
        if self.instead.is_some() {
            return self.instead.as_ref();
        }
        if !self.kept.contains_key(revision) {
            if self.kept.len() == REVISIONS_MAX {
                self.kept.clear();
            }
            self.kept
                .insert(revision.to_owned(), kept(self.folder, revision));
        }
        self.kept.get(revision)?.as_ref()
    }
}

#[derive(Deserialize)]
struct KeptSource {
    files: Vec<KeptFile>,
    data: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct KeptFile {
    path: String,
    text: String,
}

/// The policies of a revision, as they were kept. They must still be that revision: nobody else's are taken for them.
fn kept(folder: &Path, revision: &str) -> Option<Policy> {
    let plain = revision.bytes().all(|b| b.is_ascii_alphanumeric());
    let text = std::fs::read_to_string(kept_policies(folder, revision)).ok();
    let source: KeptSource = serde_json::from_str(&text.filter(|_| plain)?).ok()?;
    let file = |file: KeptFile| PolicyFile {
        path: file.path,
        text: file.text,
    };
    let source = PolicySource {
        files: source.files.into_iter().map(file).collect(),
        data: source.data,
    };
    let policy = Policy::compile(&source, Limits::default()).ok()?;
    (policy.revision() == revision).then_some(policy)
}

fn compiled(folder: &Path) -> Result<Policy, Outcome> {
    read_folder(folder)
        .and_then(|source| Policy::compile(&source, Limits::default()))
        .map_err(|errors| fail(&placed(errors, folder), Outcome::No))
}

impl Report {
    fn note(
        &mut self,
        by: &mut Policies<'_>,
        was: &Recorded,
        examples: usize,
    ) -> Result<(), Outcome> {
        let Some(policy) = by.of(&was.policy) else {
            *self.unknown.entry(was.policy.clone()).or_default() += 1;
            return Ok(());
        };
        let now = policy.replay(&was.team, &was.input.to_string(), was.asks_allow);
        let now = now.map_err(|error| fail(&error, Outcome::No))?.to_json();
        let Some(change) = change(&was.decision, &now) else {
            self.same += 1;
            return Ok(());
        };
        self.changed += 1;
        let changed = self.changes.entry((was.team.clone(), change)).or_default();
        changed.count += 1;
        if changed.examples.len() < examples && !changed.examples.contains(&was.exchange) {
            changed.examples.push(was.exchange.clone());
        }
        Ok(())
    }
}

/// What is otherwise now; `None`: nothing.
fn change(was: &Value, now: &Value) -> Option<Change> {
    if was == now {
        return None;
    }
    let rules = |decision: &Value| {
        let denials = decision["denials"].as_array();
        let rules = denials.into_iter().flatten();
        let rules: Vec<&str> = rules.filter_map(|denial| denial["rule"].as_str()).collect();
        rules.join(", ")
    };
    let (before, after) = (rules(was), rules(now));
    Some(match (before.is_empty(), after.is_empty()) {
        (true, false) => Change::RefusedBy(after),
        (false, true) => Change::NoLongerRefusedBy(before),
        (false, false) if before != after => Change::RefusedOtherwise(before, after),
        _ => {
            let members = [
                "denials", "redact", "hide", "warnings", "settings", "rules", "detail",
            ];
            let differ = members.into_iter().filter(|name| was[name] != now[name]);
            Change::Differs(differ.collect::<Vec<_>>().join(", "))
        }
    })
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Change::RefusedBy(rule) => write!(f, "newly refused by {rule}"),
            Change::NoLongerRefusedBy(rule) => write!(f, "no longer refused by {rule}"),
            Change::RefusedOtherwise(was, now) => write!(f, "refused by {now} instead of {was}"),
            Change::Differs(what) => write!(f, "otherwise in {what}"),
        }
    }
}

fn told(args: &ReplayArgs, report: &Report) -> Outcome {
    let all = report.same + report.changed + report.unknown.values().sum::<u64>();
    if args.json {
        say(&as_json(report).to_string());
    } else {
        in_words(report);
    }
    if all == 0 {
        tell("no decision is recorded: the gateway records them with `audit.inputs: true`");
        return Outcome::Broken;
    }
    match (report.changed + report.lost, report.unknown.is_empty()) {
        (0, true) => Outcome::Done,
        _ => Outcome::No,
    }
}

fn in_words(report: &Report) {
    say(&format!("{} decisions are the same", report.same));
    for (revision, count) in &report.unknown {
        say(&format!(
            "{} {count} were made by the policies {revision}, which are not kept beside this log",
            "unknown:".yellow()
        ));
    }
    if report.lost > 0 {
        say(&format!(
            "{} {} records of this log were lost, and decisions may be among them",
            "unknown:".yellow(),
            report.lost
        ));
    }
    if report.changed > 0 {
        say(&format!(
            "{} {} are not:",
            "changed:".red().bold(),
            report.changed
        ));
    }
    for ((team, change), changed) in &report.changes {
        say(&format!("  {team}: {} {change}", changed.count));
        for example in &changed.examples {
            say(&format!("    such as {example}"));
        }
    }
}

fn as_json(report: &Report) -> Value {
    let changes = report.changes.iter().map(|((team, change), changed)| {
        json!({
            "team": team,
            "change": change.to_string(),
            "count": changed.count,
            "examples": changed.examples,
        })
    });
    json!({
        "same": report.same,
        "changed": report.changed,
        "lost": report.lost,
        "unknown": report.unknown,
        "changes": changes.collect::<Vec<_>>(),
    })
}
