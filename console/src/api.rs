//! The same as JSON, for scripts and `sallyport top`.

use crate::console::{Missing, View};
use crate::facts::Facts;
use crate::history::{
    Brief, Edge, FindingCount, PAGE_MAX, RuleCount, SessionBrief, Standing, Sum, TeamSum, Window,
};
use crate::request::{Reply, decode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Exchanges of a page, unless `limit` says otherwise.
const LIMIT: usize = 50;

/// `GET /api/exchanges`, `GET /api/live`.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Exchanges {
    /// Newest first.
    pub exchanges: Vec<Brief>,
    /// `?before=` this for the next page.
    pub older: Option<i64>,
    /// `?after=` this for what comes next.
    pub seq: i64,
}

/// `GET /api/map`.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct MapReply {
    /// How far back.
    pub window: String,
    /// Who used what.
    pub edges: Vec<Edge>,
}

/// `GET /api/teams`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TeamsReply {
    /// How far back.
    pub window: String,
    /// When the first step begins: milliseconds since 1970.
    pub start_ms: i64,
    /// Milliseconds of one step.
    pub step_ms: i64,
    /// All teams together.
    pub all: TeamSum,
    /// Each team.
    pub teams: Vec<TeamSum>,
}

/// `GET /api/standing`.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StandingReply {
    /// What the gateway says of itself.
    pub facts: Facts,
    /// How the history stands.
    pub history: StandingOfHistory,
    /// The last hour.
    pub hour: Sum,
    /// Rules that refused in the last hour.
    pub rules: Vec<RuleCount>,
    /// What was found in the last hour.
    pub findings: Vec<FindingCount>,
}

/// [`Standing`], as it is read back.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StandingOfHistory {
    /// Exchanges that are remembered.
    pub exchanges: u64,
    /// The most that are.
    pub exchanges_max: usize,
    /// Exchanges that could not be kept since the start.
    pub dropped: u64,
    /// Why the last batch could not be written.
    pub error: Option<String>,
}

impl From<Standing> for StandingOfHistory {
    fn from(standing: Standing) -> Self {
        StandingOfHistory {
            exchanges: standing.exchanges,
            exchanges_max: standing.exchanges_max,
            dropped: standing.dropped,
            error: standing.error,
        }
    }
}

/// `GET /api/sessions`.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct SessionsReply {
    /// The one with the newest exchange first.
    pub sessions: Vec<SessionBrief>,
}

pub(crate) fn answer(view: &View<'_>, asked: &str) -> Reply {
    match pick(view, asked) {
        Ok(body) => Reply::json(200, &body),
        Err(Missing::Nothing(what)) => Reply::json(404, &json!({ "error": what })),
        Err(Missing::History(why)) => Reply::json(500, &json!({ "error": why.to_string() })),
    }
}

fn pick(view: &View<'_>, asked: &str) -> Result<Value, Missing> {
    let (query, now) = (&view.query, view.now_ms());
    let window = query.window().unwrap_or_default();
    let limit = query
        .number("limit")
        .and_then(|limit| usize::try_from(limit).ok());
    let limit = limit.unwrap_or(LIMIT).clamp(1, PAGE_MAX);
    let body = match asked {
        "exchanges" | "live" => {
            let filter = query.filter(now);
            let page = match query.number("after") {
                Some(after) if asked == "live" => view.history.since(&filter, after, limit)?,
                _ => view.history.page(&filter, query.number("before"), limit)?,
            };
            serde_json::to_value(Exchanges {
                exchanges: page.exchanges,
                older: page.older,
                seq: page.newest,
            })
        }
        "sessions" => serde_json::to_value(SessionsReply {
            sessions: view.history.sessions(query.number("before"), limit)?,
        }),
        "map" => serde_json::to_value(MapReply {
            window: window.as_str().into(),
            edges: view.history.map(window.start(now))?,
        }),
        "teams" => {
            let (all, teams) = view.history.teams(window, now)?;
            serde_json::to_value(TeamsReply {
                window: window.as_str().into(),
                start_ms: window.start(now),
                step_ms: window.steps().0,
                all,
                teams,
            })
        }
        "standing" => standing(view, now)?,
        _ => return one(view, asked),
    };
    Ok(body.unwrap_or_default())
}

fn standing(view: &View<'_>, now: i64) -> Result<serde_json::Result<Value>, Missing> {
    let from = Window::Hour.start(now);
    let (all, _) = view.history.teams(Window::Hour, now)?;
    Ok(serde_json::to_value(StandingReply {
        facts: view.facts.clone(),
        history: view.history.standing().into(),
        hour: all.sum,
        rules: view.history.rules(from)?,
        findings: view.history.findings(from)?,
    }))
}

fn one(view: &View<'_>, asked: &str) -> Result<Value, Missing> {
    let id = asked.strip_prefix("exchanges/").map(decode);
    let Some(id) = id else {
        return Err(Missing::Nothing(
            "there are /api/exchanges, /api/exchanges/{id}, /api/live, /api/sessions, /api/map, /api/teams, /api/standing",
        ));
    };
    match view.history.one(&id)? {
        Some((row, observed)) => Ok(json!({ "row": row, "exchange": observed })),
        None => Err(Missing::Nothing("no such exchange is remembered")),
    }
}
