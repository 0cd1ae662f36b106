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

/// An exchange as lines of a terminal: harmless ones.
pub(super) fn lines(observed: &Observed) -> Vec<String> {
    let record = &observed.record;
    let mut said: Vec<String> = Vec::new();
    let mut say = |name: &str, value: Option<String>| {
        said.extend(value.map(|value| format!("{name:<12} {value}")))
    };
    say(
        "verdict",
        Some(format!(
            "{}, status {}",
            record.verdict.as_str(),
            record.status
        )),
    );
    say("time", Some(record.time.clone()));
    say(
        "who",
        record
            .caller
            .as_ref()
            .map(|caller| format!("{} / {} ({})", caller.team, caller.agent, caller.key)),
    );
    say(
        "asked for",
        record.operation.as_ref().map(|operation| {
            format!(
                "{operation} {}",
                record.model.as_deref().unwrap_or_default()
            )
        }),
    );
    say(
        "mcp",
        record
            .mcp
            .as_ref()
            .map(|mcp| format!("{} {}", mcp.method, mcp.name.as_deref().unwrap_or_default())),
    );
    say(
        "upstream",
        record.upstream.as_ref().map(ToString::to_string),
    );
    for rule in &record.rules {
        let refused = if record.refused_by.contains(rule) {
            " refused"
        } else {
            ""
        };
        say("rule", Some(format!("{rule}{refused}")));
    }
    for warning in &record.warnings {
        say("noted", warning.say.clone());
    }
    for call in &record.calls {
        say(
            "call",
            Some(format!("{} {}", call.tool, call.verdict.as_str())),
        );
    }
    for finding in &record.findings {
        say(
            "found",
            Some(format!(
                "{} {:.2} in {} #{} by {}",
                finding.label, finding.score, finding.kind, finding.part, finding.author
            )),
        );
    }
    say(
        "hidden",
        (!record.hidden.is_empty()).then(|| record.hidden.join(", ")),
    );
    say(
        "failure",
        record
            .failure
            .as_ref()
            .map(|failure| format!("{} ({})", failure.code, failure.blame.as_str())),
    );
    let tokens = |count: Option<u64>| count.map_or_else(|| "–".into(), |count| count.to_string());
    say(
        "tokens",
        Some(format!(
            "{} in, {} out",
            tokens(record.usage.input),
            tokens(record.usage.output)
        )),
    );
    say("cost", record.cost_usd.map(dollars));
    for stage in &observed.stages {
        say(
            "stage",
            Some(format!(
                "{:<9} {:<8} {:>9} at {}",
                stage.name.as_str(),
                stage.flow,
                took(stage.micros),
                took(stage.start)
            )),
        );
    }
    say("session", record.session.as_ref().map(ToString::to_string));
    say("trace", record.trace.as_ref().map(ToString::to_string));
    say("policy", record.policy.as_ref().map(ToString::to_string));
    for part in &observed.parts {
        say(
            "part",
            Some(format!(
                "{} #{} {} by {}, {} bytes",
                part.flow, part.part, part.kind, part.author, part.bytes
            )),
        );
        for words in part.text.iter().flat_map(|text| text.lines()) {
            say("", Some(words.to_owned()));
        }
    }
    said.iter()
        .map(|text| line(&sallyport_record::shorten(text, LINE_CHARS)).into_owned())
        .collect()
}
