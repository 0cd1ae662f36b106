//! Who uses what: agents, models, tools, and what was blocked between them.

use super::insert::QUARTER_MS;
use super::schema::Kind;
use super::{History, HistoryError};
use rusqlite::params;
use serde::{Deserialize, Serialize};

/// Lines of the map, at most; those that were blocked most, then those that were used most.
const EDGES_MAX: i64 = 200;
/// Labels that are told, at most.
const LABELS_MAX: usize = 100;
/// Into how many equal parts scores from 0 to 1 are counted.
pub const SCORE_BUCKETS: usize = 10;

/// What an agent uses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Node {
    /// A model.
    Model,
    /// A tool.
    Tool,
}

impl Node {
    /// The word in addresses: a filter of that name finds it.
    pub fn as_str(self) -> &'static str {
        match self {
            Node::Model => "model",
            Node::Tool => "tool",
        }
    }
}

/// One agent and one model or tool.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Edge {
    /// The agent's team.
    pub team: String,
    /// The agent.
    pub agent: String,
    /// What `to` is.
    pub kind: Node,
    /// The model or tool.
    pub to: String,
    /// Exchanges between them.
    pub count: u64,
    /// Of these, those that a rule refused.
    pub blocked: u64,
    /// One of the rules that refused.
    pub rule: Option<String>,
}

/// How often something was found, and how sure the finders were.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FindingCount {
    /// What.
    pub label: String,
    /// Exchanges in which it was found.
    pub exchanges: u64,
    /// The highest score.
    pub highest: f64,
    /// Exchanges by their highest score, in [`SCORE_BUCKETS`] equal parts of 0 to 1.
    pub scores: [u64; SCORE_BUCKETS],
}

const EDGES: &str = "
SELECT team, agent, word, sum(times), sum(blocked) AS blocked, max(rule)
FROM tallies WHERE quarter >= ?1 AND kind = ?3 GROUP BY 1, 2, 3 ORDER BY blocked DESC, 4 DESC LIMIT ?2";

impl History {
    /// Who used what since the quarter of an hour that `from_ms` (milliseconds since 1970) lies in.
    pub fn map(&self, from_ms: i64) -> Result<Vec<Edge>, HistoryError> {
        self.read(|connection| {
            let read = |kind: Node| {
                move |row: &rusqlite::Row<'_>| {
                    Ok(Edge {
                        team: row.get(0)?,
                        agent: row.get(1)?,
                        kind,
                        to: row.get(2)?,
                        count: row.get(3)?,
                        blocked: row.get(4)?,
                        rule: row.get(5)?,
                    })
                }
            };
            let from = from_ms.div_euclid(QUARTER_MS);
            let mut select = connection.prepare_cached(EDGES)?;
            let mut edges: Vec<Edge> = Vec::new();
            for (kind, node) in [(Kind::Model, Node::Model), (Kind::Tool, Node::Tool)] {
                let asked = params![from, EDGES_MAX, kind as i64];
                for edge in select.query_map(asked, read(node))? {
                    edges.push(edge?);
                }
            }
            Ok(edges)
        })
    }

    /// What was found since the quarter of an hour that `from_ms` lies in, the most frequent first.
    pub fn findings(&self, from_ms: i64) -> Result<Vec<FindingCount>, HistoryError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT word, slot, sum(times), max(highest) FROM tallies WHERE quarter >= ?2 AND kind = ?1 GROUP BY 1, 2",
            )?;
            let mut rows = select.query(params![Kind::Finding as i64, from_ms.div_euclid(QUARTER_MS)])?;
            let mut counts = std::collections::BTreeMap::<String, FindingCount>::new();
            while let Some(row) = rows.next()? {
                let label: String = row.get(0)?;
                let (slot, times): (usize, u64) = (row.get(1)?, row.get(2)?);
                let count = counts.entry(label).or_insert_with_key(|label| FindingCount {
                    label: label.clone(),
                    exchanges: 0,
                    highest: 0.0,
                    scores: [0; SCORE_BUCKETS],
                });
                count.exchanges += times;
                count.highest = count.highest.max(row.get(3)?);
                count.scores[slot.min(SCORE_BUCKETS - 1)] += times;
            }
            let mut counts: Vec<FindingCount> = counts.into_values().collect();
            counts.sort_by(|a, b| b.exchanges.cmp(&a.exchanges).then_with(|| a.label.cmp(&b.label)));
            counts.truncate(LABELS_MAX);
            Ok(counts)
        })
    }
}
