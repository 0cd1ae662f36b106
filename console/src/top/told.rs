//! What the terminal view is told: fetched, read, and made into lines.

use crate::api::{Exchanges, MapReply, StandingReply, TeamsReply};
use crate::request::encode;
use crate::words::{dollars, line, took};
use sallyport_record::Observed;
use serde::de::DeserializeOwned;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

/// How often the list is fetched.
const BEAT: Duration = Duration::from_secs(1);
/// Every so many beats, what changes slowly.
const SLOW: u64 = 3;
/// Characters of a line of an opened exchange.
const LINE_CHARS: usize = 2_000;
/// Names that a filter's words may begin with.
const NAMES: [&str; 12] = [
    "team",
    "agent",
    "verdict",
    "rule",
    "tool",
    "model",
    "upstream",
    "session",
    "operation",
    "finding",
    "window",
    "q",
];

/// What should be fetched.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Wanted {
    /// The filter, as a query.
    pub query: String,
    /// An exchange that is opened.
    pub opened: Option<String>,
    /// Whether the list stands still.
    pub paused: bool,
}

/// What was fetched.
#[derive(Clone, Debug)]
pub enum Told {
    /// The list, and the query that it answers.
    Exchanges(String, Exchanges),
    /// How everything stands.
    Standing(Box<StandingReply>),
    /// The teams.
    Teams(TeamsReply),
    /// The map.
    Map(MapReply),
    /// An opened exchange: its id, and lines.
    Opened(String, Vec<String>),
    /// Something could not be fetched.
    Failed(String),
}

/// What a filter says, as a query: `team=payments denied` is a team, and a verdict by its word; other words are the
/// beginning of an id.
pub(super) fn query(filter: &str) -> String {
    let mut query = String::from("?limit=200");
    for word in filter.split_whitespace() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) if NAMES.contains(&name) => (name, value),
            _ if crate::request::verdict_of(word).is_some() => ("verdict", word),
            _ => ("q", word),
        };
        query.push_str(&format!("&{name}={}", encode(value)));
    }
    query
}

/// Fetches what is wanted until nobody wants anything.
pub(super) fn fetch_for_ever(
    fetch: &dyn Fn(&str) -> Result<String, String>,
    wanted: &Receiver<Wanted>,
    tell: &Sender<Told>,
) {
    let (mut now, mut done, mut beat) = (Wanted::default(), None::<(Instant, Wanted)>, 0u64);
    loop {
        match wanted.recv_timeout(BEAT) {
            Ok(newer) => now = newer,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        while let Ok(newer) = wanted.try_recv() {
            now = newer;
        }
        let is_due = done
            .as_ref()
            .is_none_or(|(when, what)| when.elapsed() >= BEAT || *what != now);
        if !is_due {
            continue;
        }
        for told in fetch_once(fetch, &now, beat.is_multiple_of(SLOW)) {
            if tell.send(told).is_err() {
                return;
            }
        }
        beat += 1;
        done = Some((Instant::now(), now.clone()));
    }
}

/// One round.
pub(super) fn fetch_once(
    fetch: &dyn Fn(&str) -> Result<String, String>,
    wanted: &Wanted,
    all: bool,
) -> Vec<Told> {
    let mut told = Vec::new();
    if let Some(id) = &wanted.opened {
        let path = format!("/api/exchanges/{}", encode(id));
        told.push(match get::<OneReply>(fetch, &path) {
            Ok(one) => Told::Opened(id.clone(), lines(&one.exchange)),
            Err(why) => Told::Opened(id.clone(), vec![why]),
        });
    }
    if wanted.paused {
        return told;
    }
    let list = get(fetch, &format!("/api/exchanges{}", wanted.query));
    let failed = list.is_err();
    told.push(list.map_or_else(Told::Failed, |list| {
        Told::Exchanges(wanted.query.clone(), list)
    }));
    if all && !failed {
        told.push(
            get(fetch, "/api/standing")
                .map_or_else(Told::Failed, |all| Told::Standing(Box::new(all))),
        );
        told.push(get(fetch, "/api/teams?window=1h").map_or_else(Told::Failed, Told::Teams));
        told.push(get(fetch, "/api/map?window=1h").map_or_else(Told::Failed, Told::Map));
    }
    told
}

#[derive(serde::Deserialize)]
struct OneReply {
    exchange: Observed,
}

fn get<T: DeserializeOwned>(
    fetch: &dyn Fn(&str) -> Result<String, String>,
    path: &str,
) -> Result<T, String> {
    serde_json::from_str(&fetch(path)?).map_err(|why| format!("{path} is not understood: {why}"))
}

/// Lines of a terminal that are being written, each with a name before it.
#[derive(Default)]
struct Lines(Vec<String>);

impl Lines {
    fn say(&mut self, name: &str, value: impl AsRef<str>) {
        let text = format!("{name:<12} {}", value.as_ref());
        let text = sallyport_record::shorten(&text, LINE_CHARS);
        self.0.push(line(&text).into_owned());
    }

    fn maybe(&mut self, name: &str, value: Option<impl AsRef<str>>) {
        if let Some(value) = value {
            self.say(name, value);
        }
    }
}

/// An exchange as lines of a terminal: harmless ones.
pub(super) fn lines(observed: &Observed) -> Vec<String> {
    let mut lines = Lines::default();
    asked(&mut lines, observed);
    decided(&mut lines, observed);
    spent(&mut lines, observed);
    for part in &observed.parts {
        let shape = format!(
            "{} #{} {} by {}, {} bytes",
            part.flow, part.part, part.kind, part.author, part.bytes
        );
        lines.say("part", shape);
        for words in part.text.iter().flat_map(|text| text.lines()) {
            lines.say("", words);
        }
    }
    lines.0
}

fn asked(lines: &mut Lines, observed: &Observed) {
    let record = &observed.record;
    let verdict = record.verdict.as_str();
    lines.say("verdict", format!("{verdict}, status {}", record.status));
    lines.say("time", &record.time);
    if let Some(caller) = &record.caller {
        let who = format!("{} / {} ({})", caller.team, caller.agent, caller.key);
        lines.say("who", who);
    }
    lines.maybe("asked for", record.operation.as_deref());
    lines.maybe("model", record.model.as_deref());
    if let Some(mcp) = &record.mcp {
        let name = mcp.name.as_deref().unwrap_or_default();
        lines.say("mcp", format!("{} {name}", mcp.method));
    }
    lines.maybe("upstream", record.upstream.as_deref());
    lines.maybe("session", record.session.as_deref());
    lines.maybe("trace", record.trace.as_deref());
    lines.maybe("policy", record.policy.as_deref());
}

fn decided(lines: &mut Lines, observed: &Observed) {
    let record = &observed.record;
    for rule in &record.rules {
        let refused = match record.refused_by.contains(rule) {
            true => " refused",
            false => "",
        };
        lines.say("rule", format!("{rule}{refused}"));
    }
    for warning in &record.warnings {
        lines.maybe("noted", warning.say.as_deref());
    }
    for call in &record.calls {
        lines.say("call", format!("{} {}", call.tool, call.verdict.as_str()));
    }
    for finding in &record.findings {
        let place = format!("{} #{} by {}", finding.kind, finding.part, finding.author);
        lines.say(
            "found",
            format!("{} {:.2} in {place}", finding.label, finding.score),
        );
    }
    for tool in &record.hidden {
        lines.say("hidden", tool);
    }
    if let Some(failure) = &record.failure {
        let blame = failure.blame.as_str();
        lines.say("failure", format!("{} ({blame})", failure.code));
    }
}

fn spent(lines: &mut Lines, observed: &Observed) {
    let usage = &observed.record.usage;
    let tokens = |count: Option<u64>| count.map_or_else(|| "–".into(), |count| count.to_string());
    let (read, written) = (tokens(usage.input), tokens(usage.output));
    lines.say("tokens", format!("{read} in, {written} out"));
    lines.maybe("cost", observed.record.cost_usd.map(dollars));
    for stage in &observed.stages {
        let (name, flow) = (stage.name.as_str(), &stage.flow);
        let (micros, start) = (took(stage.micros), took(stage.start));
        lines.say(
            "stage",
            format!("{name:<9} {flow:<8} {micros:>9} at {start}"),
        );
    }
}
