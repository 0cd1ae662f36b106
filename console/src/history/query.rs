//! Finding exchanges again: by what is known of them, newest first, a page at a time.

use super::kept::{Brief, Unpacker};
use super::schema::Kind;
use super::{History, HistoryError};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};
use sallyport_record::{Observed, Verdict};

/// Exchanges of one page, at most.
pub const PAGE_MAX: usize = 200;
/// Above every exchange's number.
const NEWEST: i64 = i64::MAX;

/// Which exchanges are asked for: those that fit all that is said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// The beginning of its id, or its trace or session whole.
    pub text: Option<String>,
    /// The team.
    pub team: Option<String>,
    /// The agent.
    pub agent: Option<String>,
    /// What became of it.
    pub verdict: Option<Verdict>,
    /// What it wanted.
    pub operation: Option<String>,
    /// The model it named.
    pub model: Option<String>,
    /// The upstream that was asked.
    pub upstream: Option<String>,
    /// The session.
    pub session: Option<String>,
    /// A rule that spoke.
    pub rule: Option<String>,
    /// A tool that was called.
    pub tool: Option<String>,
    /// A label that was found; `secret.*` is every label that begins so.
    pub finding: Option<String>,
    /// Begun at or after: milliseconds since 1970.
    pub from_ms: Option<i64>,
    /// Begun before.
    pub to_ms: Option<i64>,
}

/// A page of exchanges.
#[derive(Clone, PartialEq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Page {
    /// Newest first.
    pub exchanges: Vec<Brief>,
    /// Ask for those before this number for the next page; nothing if this is the last.
    pub older: Option<i64>,
    /// The newest exchange that there was when this was asked, whether it fits or not.
    pub newest: i64,
}

/// SQL that is being put together.
struct Asking {
    from: &'static str,
    conditions: Vec<&'static str>,
    values: Vec<Value>,
}

impl Asking {
    fn new(filter: &Filter, after: i64, before: i64) -> Asking {
        let mut asking = Asking {
            from: "exchanges e",
            conditions: Vec::new(),
            values: Vec::new(),
        };
        asking.words(filter);
        let equal = [
            (&filter.team, "e.team = ?"),
            (&filter.agent, "e.agent = ?"),
            (&filter.operation, "e.operation = ?"),
            (&filter.model, "e.model = ?"),
            (&filter.upstream, "e.upstream = ?"),
            (&filter.session, "e.session = ?"),
        ];
        for (wanted, condition) in equal {
            if let Some(wanted) = wanted {
                asking.and(condition, [Value::Text(wanted.clone())]);
            }
        }
        if let Some(verdict) = filter.verdict {
            asking.and("e.verdict = ?", [Value::Text(verdict.as_str().into())]);
        }
        if let Some(text) = &filter.text {
            let text = || Value::Text(text.clone());
            asking.and(
                "((e.id >= ? AND e.id < ? || char(1114111)) OR e.trace = ? OR e.session = ?)",
                [text(), text(), text(), text()],
            );
        }
        if let Some(from) = filter.from_ms {
            asking.and("e.at >= ?", [Value::Integer(from)]);
        }
        if let Some(to) = filter.to_ms {
            asking.and("e.at < ?", [Value::Integer(to)]);
        }
        // Left out where it says nothing, so that no plan is made around it.
        if after > 0 {
            asking.and("e.row > ?", [Value::Integer(after)]);
        }
        if before < NEWEST {
            asking.and("e.row < ?", [Value::Integer(before)]);
        }
        asking
    }

    /// Of the words that are wanted, one leads the search, so that a rare rule is found without looking at everything.
    fn words(&mut self, filter: &Filter) {
        let wanted = [
            (Kind::Rule, &filter.rule),
            (Kind::Tool, &filter.tool),
            (Kind::Finding, &filter.finding),
        ];
        for (kind, word) in wanted {
            let Some(word) = word else { continue };
            let kind = Value::Integer(kind as i64);
            if let Some(beginning) = word.strip_suffix('*') {
                let text = || Value::Text(beginning.to_owned());
                self.and(
                    "EXISTS (SELECT 1 FROM words w WHERE w.row = e.row AND w.kind = ? AND w.word >= ? AND w.word < ? || char(1114111))",
                    [kind, text(), text()],
                );
            } else if self.from == "exchanges e" {
                self.from = "words lead CROSS JOIN exchanges e ON e.row = lead.row";
                self.and(
                    "lead.kind = ? AND lead.word = ?",
                    [kind, Value::Text(word.clone())],
                );
            } else {
                self.and(
                    "EXISTS (SELECT 1 FROM words w WHERE w.row = e.row AND w.kind = ? AND w.word = ?)",
                    [kind, Value::Text(word.clone())],
                );
            }
        }
    }

    fn and(&mut self, condition: &'static str, values: impl IntoIterator<Item = Value>) {
        self.conditions.push(condition);
        self.values.extend(values);
    }

    fn sql(&self, limit: usize) -> String {
        let by = match self.from {
            "exchanges e" => "e.row",
            _ => "lead.row",
        };
        // A search that is led by a word is bounded by that word's rows, not by the exchanges'.
        let conditions = match self.conditions.is_empty() {
            true => "true".to_owned(),
            false => self
                .conditions
                .join(" AND ")
                .replace("e.row <", &format!("{by} <"))
                .replace("e.row >", &format!("{by} >")),
        };
        format!(
            "SELECT found.row, found.id, b.packed FROM (SELECT e.row, e.id FROM {} WHERE {conditions} ORDER BY {by} DESC LIMIT {limit}) found
             JOIN bodies b ON b.row = found.row ORDER BY found.row DESC",
            self.from
        )
    }
}

impl History {
    /// A page of exchanges, newest first: those with numbers before `before`, or the newest.
    pub fn page(
        &self,
        filter: &Filter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Page, HistoryError> {
        self.between(filter, 0, before.unwrap_or(NEWEST), limit)
    }

    /// What came after the exchange `after`, newest first; costs nothing while nothing comes.
    pub fn since(&self, filter: &Filter, after: i64, limit: usize) -> Result<Page, HistoryError> {
        let newest = self.newest();
        if after == newest {
            return Ok(Page {
                newest,
                ..Page::default()
            });
        }
        // A number that was never given comes from before a restart with a history in memory.
        let after = if after > newest { 0 } else { after };
        self.between(filter, after, NEWEST, limit)
    }

    fn between(
        &self,
        filter: &Filter,
        after: i64,
        before: i64,
        limit: usize,
    ) -> Result<Page, HistoryError> {
        let limit = limit.clamp(1, PAGE_MAX);
        // Read first: what comes meanwhile is then told twice, and never missed.
        let newest = self.newest();
        self.read(|connection| {
            let mut unpacker = Unpacker::new(&self.common)?;
            let asking = Asking::new(filter, after, before);
            let mut select = connection.prepare_cached(&asking.sql(limit + 1))?;
            let mut rows = select.query(params_from_iter(&asking.values))?;
            let mut exchanges = Vec::new();
            while let Some(found) = rows.next()? {
                let (row, id): (i64, String) = (found.get(0)?, found.get(1)?);
                let packed = found.get_ref(2)?.as_blob().unwrap_or_default();
                // One that cannot be read does not hide the others; its own page says so.
                if let Ok(observed) = unpacker.unpack(&id, packed) {
                    exchanges.push(Brief::of(row, &observed));
                }
            }
            let more = exchanges.len() > limit;
            exchanges.truncate(limit);
            let older = exchanges.last().filter(|_| more).map(|last| last.row);
            let newest = exchanges
                .first()
                .map_or(newest, |first| newest.max(first.row));
            Ok(Page {
                exchanges,
                older,
                newest,
            })
        })
    }

    /// One exchange by its id, with its number; nothing if it is not, or no longer, known.
    pub fn one(&self, id: &str) -> Result<Option<(i64, Observed)>, HistoryError> {
        self.read(|connection| {
            let found = connection
                .prepare_cached(
                    "SELECT e.row, b.packed FROM exchanges e JOIN bodies b ON b.row = e.row WHERE e.id = ?1 ORDER BY e.row DESC LIMIT 1",
                )?
                .query_row([id], |found| Ok((found.get(0)?, found.get::<_, Vec<u8>>(1)?)))
                .optional()?;
            let Some((row, packed)) = found else {
                return Ok(None);
            };
            let observed = Unpacker::new(&self.common)?.unpack(id, &packed)?;
            Ok(Some((row, observed)))
        })
    }

    /// How SQLite would look for what `filter` asks, for tests.
    #[doc(hidden)]
    pub fn plan(&self, filter: &Filter) -> Result<Vec<String>, HistoryError> {
        self.read(|connection| {
            let asking = Asking::new(filter, 0, NEWEST);
            plan(connection, &asking.sql(50), asking.values)
        })
    }
}

fn plan(
    connection: &Connection,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<String>, HistoryError> {
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
    let steps = explain.query_map(params_from_iter(values), |step| step.get(3))?;
    Ok(steps.collect::<Result<_, _>>()?)
}
