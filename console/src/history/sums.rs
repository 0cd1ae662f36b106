//! Sums: of teams over time, of rules, of sessions.

use super::insert::{HOUR_MS, MINUTE_MS, QUARTER_MS};
use super::schema::Kind;
use super::{History, HistoryError};
use rusqlite::{Row, params};

/// Rules that are told of a window.
const RULES_MAX: i64 = 50;
/// Sums of one window, at most: steps times teams.
const SUMS_MAX: i64 = 20_000;
/// Sessions of one page, at most.
const SESSIONS_MAX: usize = 100;

/// How far back is looked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Window {
    /// The last hour, by minutes.
    #[default]
    Hour,
    /// The last day, by hours.
    Day,
    /// The last week, by six hours.
    Week,
    /// The last thirty days, by days.
    Month,
}

impl Window {
    /// All of them, for menus.
    pub const ALL: [Window; 4] = [Window::Hour, Window::Day, Window::Week, Window::Month];

    /// The word in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Window::Hour => "1h",
            Window::Day => "24h",
            Window::Week => "7d",
            Window::Month => "30d",
        }
    }

    /// The window of a word.
    pub fn read(word: &str) -> Option<Window> {
        Window::ALL
            .into_iter()
            .find(|window| window.as_str() == word)
    }

    /// Milliseconds of one step, and how many steps.
    pub fn steps(self) -> (i64, usize) {
        match self {
            Window::Hour => (60_000, 60),
            Window::Day => (HOUR_MS, 24),
            Window::Week => (6 * HOUR_MS, 28),
            Window::Month => (24 * HOUR_MS, 30),
        }
    }

    /// When its first step begins: milliseconds since 1970. Steps lie on whole minutes, hours, days.
    pub fn start(self, now_ms: i64) -> i64 {
        let (step, count) = self.steps();
        (now_ms.div_euclid(step) + 1 - count as i64) * step
    }
}

/// What was added up.
#[derive(Clone, Copy, PartialEq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Sum {
    /// Exchanges.
    pub exchanges: u64,
    /// Of these, refused ones: denied or steered.
    pub refused: u64,
    /// Of these, failed ones.
    pub failed: u64,
    /// Tokens read.
    pub tokens_in: u64,
    /// Tokens written.
    pub tokens_out: u64,
    /// Of those read, from the provider's cache.
    pub tokens_cached: u64,
    /// US dollars, where prices are known.
    pub cost_usd: f64,
    /// Tokens that compression saved on the bill.
    pub saved: f64,
}

impl Sum {
    /// Adds another.
    pub fn add(&mut self, other: &Sum) {
        self.exchanges += other.exchanges;
        self.refused += other.refused;
        self.failed += other.failed;
        self.tokens_in += other.tokens_in;
        self.tokens_out += other.tokens_out;
        self.tokens_cached += other.tokens_cached;
        self.cost_usd += other.cost_usd;
        self.saved += other.saved;
    }

    fn read(row: &Row<'_>, from: usize) -> rusqlite::Result<Sum> {
        Ok(Sum {
            exchanges: row.get(from)?,
            refused: row.get(from + 1)?,
            failed: row.get(from + 2)?,
            tokens_in: row.get(from + 3)?,
            tokens_out: row.get(from + 4)?,
            tokens_cached: row.get(from + 5)?,
            cost_usd: row.get(from + 6)?,
            saved: row.get(from + 7)?,
        })
    }
}

/// One team in one step of a window.
#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Step {
    /// When the step begins: milliseconds since 1970.
    pub start_ms: i64,
    /// The team; empty where nobody could be identified.
    pub team: String,
    /// What it did in it.
    pub sum: Sum,
}

/// One team over a whole window.
#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
pub struct TeamSum {
    /// The team; empty where nobody could be identified.
    pub team: String,
    /// All of the window.
    pub sum: Sum,
    /// Its steps, the oldest first; as many as the window has.
    pub steps: Vec<Sum>,
}

/// How often a rule refused.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct RuleCount {
    /// The rule.
    pub rule: String,
    /// Exchanges that it refused, or a call of which it refused.
    pub refused: u64,
    /// Exchanges in which it spoke.
    pub spoke: u64,
}

/// A session in a list.
#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
pub struct SessionBrief {
    /// Its id.
    pub session: String,
    /// The number of its newest exchange.
    pub newest: i64,
    /// The team.
    pub team: String,
    /// The agent.
    pub agent: String,
    /// When it began and when its newest exchange began: milliseconds since 1970.
    pub from_ms: i64,
    /// See `from_ms`.
    pub to_ms: i64,
    /// The model that it used last.
    pub model: Option<String>,
    /// What it came to, exchanges that are forgotten included.
    pub sum: Sum,
}

const SUMS: &str = "sum(exchanges), sum(refused), sum(failed), sum(tokens_in), sum(tokens_out), sum(tokens_cached), sum(cost), sum(saved)";

impl History {
    /// What each team did in each step of a window that ends now. It counts
    /// exchanges that are forgotten, too.
    pub fn steps(&self, window: Window, now_ms: i64) -> Result<Vec<Step>, HistoryError> {
        let (step, _) = window.steps();
        let start = window.start(now_ms);
        let sql = match window {
            Window::Hour => format!(
                "SELECT minute * {MINUTE_MS} / ?2 * ?2, team, {SUMS} FROM minutes WHERE minute >= ?1 / {MINUTE_MS} GROUP BY 1, 2 ORDER BY 1, 2 LIMIT {SUMS_MAX}"
            ),
            _ => format!(
                "SELECT hour * {HOUR_MS} / ?2 * ?2, team, {SUMS} FROM hours WHERE hour >= ?1 / {HOUR_MS} GROUP BY 1, 2 ORDER BY 1, 2 LIMIT {SUMS_MAX}"
            ),
        };
        self.read(|connection| {
            let mut select = connection.prepare_cached(&sql)?;
            let steps = select.query_map(params![start, step], |row| {
                Ok(Step {
                    start_ms: row.get(0)?,
                    team: row.get(1)?,
                    sum: Sum::read(row, 2)?,
                })
            })?;
            Ok(steps.collect::<Result<_, _>>()?)
        })
    }

    /// The same as one line a team, the one that spent most first, and all of them together.
    pub fn teams(
        &self,
        window: Window,
        now_ms: i64,
    ) -> Result<(TeamSum, Vec<TeamSum>), HistoryError> {
        let (step, count) = window.steps();
        let start = window.start(now_ms);
        let empty = |team: &str| TeamSum {
            team: team.into(),
            sum: Sum::default(),
            steps: vec![Sum::default(); count],
        };
        let (mut all, mut teams) = (empty(""), Vec::<TeamSum>::new());
        for found in self.steps(window, now_ms)? {
            let at =
                usize::try_from((found.start_ms - start).div_euclid(step)).unwrap_or(usize::MAX);
            let known = teams.iter().position(|team| team.team == found.team);
            let team = known.unwrap_or_else(|| {
                teams.push(empty(&found.team));
                teams.len() - 1
            });
            for line in [&mut all, &mut teams[team]] {
                // A clock that was put back leaves exchanges in what is still to come.
                if let Some(sum) = line.steps.get_mut(at) {
                    sum.add(&found.sum);
                    line.sum.add(&found.sum);
                }
            }
        }
        let most = |team: &TeamSum| (team.sum.cost_usd, team.sum.tokens_in + team.sum.tokens_out);
        teams.sort_by(|a, b| {
            most(b)
                .partial_cmp(&most(a))
                .unwrap_or(std::cmp::Ordering::Equal)
                .then_with(|| b.sum.exchanges.cmp(&a.sum.exchanges))
        });
        Ok((all, teams))
    }

    /// Rules by how often they refused since the quarter of an hour that `from_ms` lies in.
    pub fn rules(&self, from_ms: i64) -> Result<Vec<RuleCount>, HistoryError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT word, sum(blocked), sum(times) FROM tallies WHERE quarter >= ?2 AND kind = ?1
                 GROUP BY 1 ORDER BY 2 DESC, 3 DESC, 1 LIMIT ?3",
            )?;
            let from = from_ms.div_euclid(QUARTER_MS);
            let rules = select.query_map(params![Kind::Rule as i64, from, RULES_MAX], |row| {
                Ok(RuleCount {
                    rule: row.get(0)?,
                    refused: row.get(1)?,
                    spoke: row.get(2)?,
                })
            })?;
            Ok(rules.collect::<Result<_, _>>()?)
        })
    }

    /// Sessions, the one with the newest exchange first; `before`: the `newest` of the last one of the page before.
    pub fn sessions(
        &self,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<SessionBrief>, HistoryError> {
        let limit = limit.clamp(1, SESSIONS_MAX) as i64;
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT session, newest, team, agent, from_ms, to_ms, model, exchanges, refused, failed, tokens_in, tokens_out,
                 tokens_cached, cost, saved FROM sessions WHERE newest < ?1 ORDER BY newest DESC LIMIT ?2",
            )?;
            let before = before.unwrap_or(i64::MAX);
            let sessions = select.query_map(params![before, limit], |row| {
                Ok(SessionBrief {
                    session: row.get(0)?,
                    newest: row.get(1)?,
                    team: row.get(2)?,
                    agent: row.get(3)?,
                    from_ms: row.get(4)?,
                    to_ms: row.get(5)?,
                    model: row.get(6)?,
                    sum: Sum::read(row, 7)?,
                })
            })?;
            Ok(sessions.collect::<Result<_, _>>()?)
        })
    }
}
