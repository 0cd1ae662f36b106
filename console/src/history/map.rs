//! Who uses what: agents, models, tools, and what was blocked between them.

use super::schema::Kind;
use super::{History, HistoryError};
use rusqlite::params;
use serde::{Deserialize, Serialize};

/// Lines of the map, at most; those that were blocked most, then those that were used most.
const EDGES_MAX: i64 = 200;
/// Labels that are told, at most.
const LABELS_MAX: i64 = 100;
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

const TO_MODELS: &str = "
SELECT coalesce(team, ''), coalesce(agent, ''), model, count(*), sum(verdict IN ('denied', 'steered')) AS blocked,
       max(CASE WHEN verdict IN ('denied', 'steered') THEN rule END)
FROM exchanges WHERE at >= ?1 AND model IS NOT NULL GROUP BY 1, 2, 3 ORDER BY blocked DESC, 4 DESC LIMIT ?2";
const TO_TOOLS: &str = "
SELECT coalesce(e.team, ''), coalesce(e.agent, ''), w.word, count(*), sum(w.blocked) AS blocked, max(w.rule)
FROM exchanges e CROSS JOIN words w ON w.row = e.row AND w.kind = ?3
WHERE e.at >= ?1 GROUP BY 1, 2, 3 ORDER BY blocked DESC, 4 DESC LIMIT ?2";

impl History {
    /// Who used what since `from_ms` (milliseconds since 1970), of the exchanges that are remembered.
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
            let mut select = connection.prepare_cached(TO_MODELS)?;
            let models = select.query_map(params![from_ms, EDGES_MAX], read(Node::Model))?;
            let mut edges: Vec<Edge> = models.collect::<Result<_, _>>()?;
            let mut select = connection.prepare_cached(TO_TOOLS)?;
            let asked = params![from_ms, EDGES_MAX, Kind::Tool as i64];
            for edge in select.query_map(asked, read(Node::Tool))? {
                edges.push(edge?);
            }
            Ok(edges)
        })
    }

    /// What was found since `from_ms`, the most frequent first.
    pub fn findings(&self, from_ms: i64) -> Result<Vec<FindingCount>, HistoryError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT w.word, w.score FROM exchanges e CROSS JOIN words w ON w.row = e.row AND w.kind = ?1
                 WHERE e.at >= ?2 AND w.word IN (
                     SELECT w.word FROM exchanges e CROSS JOIN words w ON w.row = e.row AND w.kind = ?1
                     WHERE e.at >= ?2 GROUP BY 1 ORDER BY count(*) DESC LIMIT ?3)",
            )?;
            let mut rows = select.query(params![Kind::Finding as i64, from_ms, LABELS_MAX])?;
            let mut counts = std::collections::BTreeMap::<String, FindingCount>::new();
            while let Some(row) = rows.next()? {
                let label: String = row.get(0)?;
                let score = row.get::<_, Option<f64>>(1)?.unwrap_or(0.0).clamp(0.0, 1.0);
                let count = counts.entry(label).or_insert_with_key(|label| FindingCount {
                    label: label.clone(),
                    exchanges: 0,
                    highest: 0.0,
                    scores: [0; SCORE_BUCKETS],
                });
                count.exchanges += 1;
                count.highest = count.highest.max(score);
                let bucket = (score * SCORE_BUCKETS as f64) as usize;
                count.scores[bucket.min(SCORE_BUCKETS - 1)] += 1;
            }
            let mut counts: Vec<FindingCount> = counts.into_values().collect();
            counts.sort_by(|a, b| b.exchanges.cmp(&a.exchanges).then_with(|| a.label.cmp(&b.label)));
            Ok(counts)
        })
    }
}
