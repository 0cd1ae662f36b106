//! What one exchange adds to the tables.

use super::kept::{Row, Told};
use super::map::SCORE_BUCKETS;
use super::schema::Kind;
use rusqlite::{Transaction, params};

/// Milliseconds in an hour.
pub(super) const HOUR_MS: i64 = 3_600_000;
/// Milliseconds in a quarter of one.
pub(super) const QUARTER_MS: i64 = HOUR_MS / 4;
/// Milliseconds in a minute.
pub(super) const MINUTE_MS: i64 = 60_000;
/// Quarters that sums by the minute go back: more than an hour.
const MINUTES_BACK: i64 = 6;
/// Sums of one team in one hour, and tallies, that are kept.
const SUMS_MAX: i64 = 100_000;
/// Different tallies of one quarter: names that agents make up do not fill the table.
const TALLIES_OF_QUARTER: u64 = 5_000;

macro_rules! add_to {
    ($table:literal) => {
        concat!(
            "INSERT INTO ",
            $table,
            " VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT DO UPDATE SET exchanges = exchanges + 1, refused = refused + excluded.refused,
             failed = failed + excluded.failed, tokens_in = tokens_in + excluded.tokens_in,
             tokens_out = tokens_out + excluded.tokens_out, tokens_cached = tokens_cached + excluded.tokens_cached,
             cost = cost + excluded.cost, saved = saved + excluded.saved"
        )
    };
}
const HOURS: &str = add_to!("hours");
const MINUTES: &str = add_to!("minutes");

/// The exchange itself; gives its number.
pub(super) fn exchange(to: &Transaction<'_>, row: &Row) -> rusqlite::Result<i64> {
    to.prepare_cached(
        "INSERT INTO exchanges (at, id, team, agent, operation, model, upstream, session, trace, verdict, rule, status,
         tokens_in, tokens_out, tokens_cached, cost, saved, micros, bytes)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
    )?
    .execute(params![
        row.at_ms, row.id, row.team, row.agent, row.operation, row.model, row.upstream, row.session, row.trace,
        row.verdict.as_str(), row.rule, row.status, row.tokens_in, row.tokens_out, row.tokens_cached, row.cost,
        row.saved, row.micros, row.packed.len() as i64,
    ])?;
    let number = to.last_insert_rowid();
    to.prepare_cached("INSERT INTO bodies VALUES (?1, ?2)")?
        .execute(params![number, row.packed])?;
    Ok(number)
}

/// The words that it can be found by.
pub(super) fn words(to: &Transaction<'_>, row: &Row, number: i64) -> rusqlite::Result<()> {
    let mut word = to.prepare_cached(
        "INSERT INTO words (kind, word, row) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )?;
    for (kind, told) in &row.words {
        word.execute(params![*kind as i64, told.word, number])?;
    }
    Ok(())
}

/// What it adds to its team's hour and to its session.
pub(super) fn sums(to: &Transaction<'_>, row: &Row, number: i64) -> rusqlite::Result<()> {
    let team = row.team.as_deref().unwrap_or_default();
    for (sql, step) in [(HOURS, HOUR_MS), (MINUTES, MINUTE_MS)] {
        to.prepare_cached(sql)?.execute(params![
            row.at_ms.div_euclid(step),
            team,
            row.is_refused(),
            row.is_failed(),
            row.tokens_in,
            row.tokens_out,
            row.tokens_cached,
            row.cost,
            row.saved,
        ])?;
    }
    let Some(session) = &row.session else {
        return Ok(());
    };
    to.prepare_cached(
        "INSERT INTO sessions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 1, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
         ON CONFLICT DO UPDATE SET newest = excluded.newest, model = coalesce(excluded.model, model),
         from_ms = min(from_ms, excluded.from_ms), to_ms = max(to_ms, excluded.to_ms), exchanges = exchanges + 1,
         refused = refused + excluded.refused, failed = failed + excluded.failed,
         tokens_in = tokens_in + excluded.tokens_in, tokens_out = tokens_out + excluded.tokens_out,
         tokens_cached = tokens_cached + excluded.tokens_cached, cost = cost + excluded.cost, saved = saved + excluded.saved",
    )?
    .execute(params![
        session, number, team, row.agent.as_deref().unwrap_or_default(), row.model, row.at_ms, row.is_refused(),
        row.is_failed(), row.tokens_in, row.tokens_out, row.tokens_cached, row.cost, row.saved,
    ])?;
    Ok(())
}

/// Counts by quarters of an hour: who used what, which rules spoke, what was found.
#[derive(Default)]
pub(super) struct Tallies {
    /// The quarter that was counted last, and how many different tallies it has.
    quarter: Option<(i64, u64)>,
}

impl Tallies {
    /// Counts an exchange.
    pub(super) fn count(&mut self, to: &Transaction<'_>, row: &Row) -> rusqlite::Result<()> {
        let quarter = row.at_ms.div_euclid(QUARTER_MS);
        if self.quarter.is_none_or(|(known, _)| known != quarter) {
            let count = to
                .prepare_cached("SELECT count(*) FROM tallies WHERE quarter = ?1")?
                .query_row([quarter], |found| found.get(0))?;
            self.quarter = Some((quarter, count));
            forget_sums(to, quarter)?;
        }
        for (kind, told) in &row.words {
            let of_agent = *kind == Kind::Tool;
            self.add(to, row, *kind, told, of_agent)?;
        }
        if let Some(model) = &row.model {
            let told = Told {
                word: model.clone(),
                blocked: row.is_refused(),
                score: None,
                rule: row.rule.clone().filter(|_| row.is_refused()),
            };
            self.add(to, row, Kind::Model, &told, true)?;
        }
        Ok(())
    }

    fn add(
        &mut self,
        to: &Transaction<'_>,
        row: &Row,
        kind: Kind,
        told: &Told,
        of_agent: bool,
    ) -> rusqlite::Result<()> {
        let Some((quarter, count)) = &mut self.quarter else {
            return Ok(());
        };
        let who = |name: &Option<std::sync::Arc<str>>| match of_agent {
            true => name.clone().unwrap_or_default(),
            false => "".into(),
        };
        let (team, agent) = (who(&row.team), who(&row.agent));
        let score = told.score.unwrap_or(0.0).clamp(0.0, 1.0);
        let slot = ((score * SCORE_BUCKETS as f64) as usize).min(SCORE_BUCKETS - 1);
        let values = params![
            *quarter,
            kind as i64,
            team,
            agent,
            told.word,
            slot,
            told.blocked,
            score,
            told.rule
        ];
        let known = to
            .prepare_cached(
                "UPDATE tallies SET times = times + 1, blocked = blocked + ?7, highest = max(highest, ?8), rule = coalesce(rule, ?9)
                 WHERE quarter = ?1 AND kind = ?2 AND team = ?3 AND agent = ?4 AND word = ?5 AND slot = ?6",
            )?
            .execute(values)?;
        if known == 0 && *count < TALLIES_OF_QUARTER {
            to.prepare_cached(
                "INSERT INTO tallies VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8, ?9)",
            )?
            .execute(values)?;
            *count += 1;
        }
        Ok(())
    }
}

/// Forgets sums that nobody asks for any more.
fn forget_sums(from: &Transaction<'_>, quarter: i64) -> rusqlite::Result<()> {
    let minute = (quarter - MINUTES_BACK) * (QUARTER_MS / MINUTE_MS);
    from.execute("DELETE FROM minutes WHERE minute < ?1", [minute])?;
    from.execute(
        "DELETE FROM hours WHERE hour < (SELECT hour FROM hours ORDER BY hour DESC LIMIT 1 OFFSET ?1)",
        [SUMS_MAX],
    )?;
    from.execute(
        "DELETE FROM tallies WHERE quarter < (SELECT quarter FROM tallies ORDER BY quarter DESC LIMIT 1 OFFSET ?1)",
        [SUMS_MAX],
    )?;
    Ok(())
}
