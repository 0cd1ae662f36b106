//! One exchange as it is kept: the whole of it, packed, and what it can be found by.

use super::HistoryError;
use super::schema::Kind;
use sallyport_record::{Observed, Record, SavedRecord, Verdict};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes of one exchange, as JSON, that are kept with the words of its parts; a larger one is kept without them.
const OBSERVED_BYTES_MAX: usize = 1 << 20;
/// The same without words: nothing of it is unbounded, and this is far over what it can be.
const SHAPE_BYTES_MAX: usize = 16 << 20;
/// How hard to pack: the quickest that is worth it.
const LEVEL: i32 = 3;
/// What one exchange adds to a sum, at most: upstreams say how many tokens they counted, and sums must not overflow.
const COUNT_MAX: u64 = 1_000_000_000_000;
/// Characters of a word that is kept to be looked for.
const WORD_CHARS_MAX: usize = 200;

/// What `observe` reserves of the queue for an exchange: its texts, about.
pub(super) fn weight(observed: &Observed) -> usize {
    let texts = observed
        .parts
        .iter()
        .map(|part| part.text.as_ref().map_or(0, String::len) + part.marks.len() * 48);
    let findings = observed
        .record
        .findings
        .iter()
        .map(|finding| 96 + finding.text.as_ref().map_or(0, String::len));
    1024 + texts.sum::<usize>() + findings.sum::<usize>() + observed.parts.len() * 64
}

/// Packs exchanges against what is common to all.
pub(super) struct Packer(zstd::bulk::Compressor<'static>);

impl Packer {
    pub(super) fn new(common: &[u8]) -> std::io::Result<Packer> {
        zstd::bulk::Compressor::with_dictionary(LEVEL, common).map(Packer)
    }

    fn pack(&mut self, observed: &Observed) -> Result<Vec<u8>, HistoryError> {
        let unreadable = || HistoryError::Unreadable(observed.record.id.to_string());
        let observed = &*whole_numbers(observed);
        let mut json = serde_json::to_vec(observed).map_err(|_| unreadable())?;
        if json.len() > OBSERVED_BYTES_MAX {
            let mut shape = observed.clone();
            for part in &mut shape.parts {
                part.text = None;
                part.marks.clear();
            }
            json = serde_json::to_vec(&shape).map_err(|_| unreadable())?;
        }
        self.0.compress(&json).map_err(|_| unreadable())
    }
}

/// The same with a zero for what JSON has no number for: it would be written as `null`, and could not be read again.
fn whole_numbers(observed: &Observed) -> Cow<'_, Observed> {
    let record = &observed.record;
    let saved =
        |saved: &Option<SavedRecord>| saved.is_none_or(|saved| saved.billed_saved.is_finite());
    let compression = record.compression.as_ref();
    if record
        .findings
        .iter()
        .all(|finding| finding.score.is_finite())
        && compression.is_none_or(|both| saved(&both.lossless) && saved(&both.reversible))
    {
        return Cow::Borrowed(observed);
    }
    let mut mended = observed.clone();
    for finding in &mut mended.record.findings {
        if !finding.score.is_finite() {
            finding.score = 0.0;
        }
    }
    if let Some(both) = &mut mended.record.compression {
        for saved in [&mut both.lossless, &mut both.reversible]
            .into_iter()
            .flatten()
        {
            saved.billed_saved = bounded(saved.billed_saved);
        }
    }
    Cow::Owned(mended)
}

/// Unpacks exchanges.
pub(super) struct Unpacker(zstd::bulk::Decompressor<'static>);

impl Unpacker {
    pub(super) fn new(common: &[u8]) -> Result<Unpacker, HistoryError> {
        let made = zstd::bulk::Decompressor::with_dictionary(common);
        made.map(Unpacker).map_err(|why| HistoryError::Cannot {
            what: "set up unpacking",
            why: why.to_string(),
        })
    }

    pub(super) fn unpack(&mut self, id: &str, packed: &[u8]) -> Result<Observed, HistoryError> {
        let unreadable = || HistoryError::Unreadable(id.to_owned());
        let size = zstd::bulk::Decompressor::upper_bound(packed).unwrap_or(OBSERVED_BYTES_MAX);
        let json = self
            .0
            .decompress(packed, size.min(SHAPE_BYTES_MAX))
            .map_err(|_| unreadable())?;
        serde_json::from_slice(&json).map_err(|_| unreadable())
    }
}

/// A word to be found by.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Told {
    pub(super) word: String,
    pub(super) blocked: bool,
    pub(super) score: Option<f64>,
    pub(super) rule: Option<Arc<str>>,
}

/// What is written of one exchange.
pub(super) struct Row {
    pub(super) at_ms: i64,
    pub(super) id: Arc<str>,
    pub(super) team: Option<Arc<str>>,
    pub(super) agent: Option<Arc<str>>,
    pub(super) operation: Option<String>,
    pub(super) model: Option<String>,
    pub(super) upstream: Option<Arc<str>>,
    pub(super) session: Option<Arc<str>>,
    pub(super) trace: Option<Arc<str>>,
    pub(super) verdict: Verdict,
    pub(super) rule: Option<Arc<str>>,
    pub(super) status: u16,
    pub(super) tokens_in: i64,
    pub(super) tokens_out: i64,
    pub(super) tokens_cached: i64,
    pub(super) cost: f64,
    pub(super) saved: f64,
    pub(super) micros: i64,
    pub(super) words: Vec<(Kind, Told)>,
    pub(super) packed: Vec<u8>,
}

impl Row {
    pub(super) fn of(observed: &Observed, packer: &mut Packer) -> Result<Row, HistoryError> {
        let record = &observed.record;
        let caller = record.caller.as_ref();
        let count = |number: Option<u64>| number.unwrap_or(0).min(COUNT_MAX) as i64;
        Ok(Row {
            at_ms: observed.began_ns.div_euclid(1_000_000),
            id: record.id.clone(),
            team: caller.map(|caller| caller.team.clone()),
            agent: caller.map(|caller| caller.agent.clone()),
            operation: record.operation.as_ref().map(ToString::to_string),
            model: record.model.clone(),
            upstream: record.upstream.clone(),
            session: record.session.clone(),
            trace: record.trace.clone(),
            verdict: record.verdict,
            rule: record.refused_by.first().cloned(),
            status: record.status,
            tokens_in: count(record.usage.input),
            tokens_out: count(record.usage.output),
            tokens_cached: count(record.usage.cached),
            cost: bounded(record.cost_usd.unwrap_or(0.0)),
            saved: saved(record),
            micros: count(record.micros.total),
            words: words(record),
            packed: packer.pack(observed)?,
        })
    }

    pub(super) fn is_refused(&self) -> bool {
        is_refusal(self.verdict)
    }

    pub(super) fn is_failed(&self) -> bool {
        self.verdict == Verdict::Failed
    }
}

/// A number that can be added up, whatever an upstream said.
fn bounded(number: f64) -> f64 {
    match number.is_finite() {
        true => number.clamp(-(COUNT_MAX as f64), COUNT_MAX as f64),
        false => 0.0,
    }
}

/// Whether a rule kept it from what it wanted.
pub(crate) fn is_refusal(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Denied | Verdict::Steered)
}

/// Tokens that compression saved on the bill in this exchange; none where it only watched.
fn saved(record: &Record) -> f64 {
    let Some(compression) = &record.compression else {
        return 0.0;
    };
    let done = match &*compression.mode {
        "lossless" => compression.lossless,
        "reversible" => compression.reversible.or(compression.lossless),
        _ => None,
    };
    done.map_or(0.0, |saved| bounded(saved.billed_saved))
}

fn words(record: &Record) -> Vec<(Kind, Told)> {
    let mut words = Vec::new();
    let plain = |word: &str, blocked| Told {
        word: sallyport_record::shorten(word, WORD_CHARS_MAX),
        blocked,
        score: None,
        rule: None,
    };
    let refusing = record
        .refused_by
        .iter()
        .filter(|rule| !record.rules.contains(rule));
    for rule in record.rules.iter().chain(refusing) {
        let refused = record.refused_by.contains(rule);
        words.push((Kind::Rule, plain(rule, refused)));
    }
    for call in calls(record) {
        let mut told = plain(&call.tool, is_refusal(call.verdict));
        told.rule = call.rule.map(Into::into);
        words.push((Kind::Tool, told));
    }
    let mut findings: BTreeMap<&str, f32> = BTreeMap::new();
    for finding in &record.findings {
        let score = findings.entry(&finding.label).or_default();
        *score = score.max(finding.score);
    }
    for (label, score) in findings {
        let mut told = plain(label, false);
        told.score = Some(bounded(score.into()));
        words.push((Kind::Finding, told));
    }
    words
}

/// Tools that an exchange called, each with the worst that became of it.
fn calls(record: &Record) -> Vec<CallBrief> {
    let mut calls: Vec<CallBrief> = Vec::new();
    let mut note = |tool: &str, verdict: Verdict, rule: Option<&Arc<str>>| {
        let rule = rule.map(ToString::to_string);
        match calls.iter_mut().find(|call| call.tool == tool) {
            None => calls.push(CallBrief {
                tool: tool.into(),
                verdict,
                rule,
            }),
            Some(call) if is_refusal(verdict) && !is_refusal(call.verdict) => {
                (call.verdict, call.rule) = (verdict, rule);
            }
            Some(_) => {}
        }
    };
    for call in &record.calls {
        note(&call.tool, call.verdict, call.rule.as_ref());
    }
    if record.operation.as_deref() == Some("tool_call")
        && let Some(name) = record.mcp.as_ref().and_then(|mcp| mcp.name.as_deref())
    {
        note(name, record.verdict, record.refused_by.first());
    }
    calls
}

/// A tool that was called.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CallBrief {
    /// The tool.
    pub tool: String,
    /// What became of the call; of several, of the first that was refused.
    pub verdict: Verdict,
    /// The rule that refused it.
    pub rule: Option<String>,
}

/// An exchange in a list.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Brief {
    /// Its number here: newer ones have higher ones.
    pub row: i64,
    /// The decision id.
    pub id: String,
    /// When it began, RFC 3339 in UTC.
    pub time: String,
    /// The same in milliseconds since 1970.
    pub at_ms: i64,
    /// What became of it.
    pub verdict: Verdict,
    /// The HTTP status that the agent was sent.
    pub status: u16,
    /// The team; empty if nobody could be identified.
    pub team: String,
    /// The agent.
    pub agent: String,
    /// What it wanted.
    pub operation: String,
    /// The model it named.
    pub model: Option<String>,
    /// The upstream that was asked.
    pub upstream: Option<String>,
    /// Tools that were called.
    pub tools: Vec<CallBrief>,
    /// Rules that spoke.
    pub rules: Vec<String>,
    /// Of these, those that refused.
    pub refused_by: Vec<String>,
    /// What rules noted, where it is kept.
    pub said: Vec<String>,
    /// How often what was found.
    pub findings: BTreeMap<String, u64>,
    /// Tools that were hidden.
    pub hidden: usize,
    /// What broke.
    pub failure: Option<String>,
    /// Tokens read.
    pub tokens_in: Option<u64>,
    /// Tokens written.
    pub tokens_out: Option<u64>,
    /// US dollars.
    pub cost_usd: Option<f64>,
    /// Tokens that compression saved on the bill.
    pub saved: f64,
    /// Microseconds from the first byte to the last.
    pub micros: Option<u64>,
    /// The session.
    pub session: Option<String>,
}

impl Brief {
    /// What a list shows of `observed`.
    pub fn of(row: i64, observed: &Observed) -> Brief {
        let record = &observed.record;
        let caller = record.caller.as_ref();
        let strings = |list: &[Arc<str>]| list.iter().map(ToString::to_string).collect();
        let mut findings = BTreeMap::new();
        for finding in &record.findings {
            *findings.entry(finding.label.to_string()).or_default() += 1;
        }
        let said = record
            .warnings
            .iter()
            .filter_map(|warning| warning.say.clone());
        Brief {
            row,
            id: record.id.to_string(),
            time: record.time.clone(),
            at_ms: observed.began_ns.div_euclid(1_000_000),
            verdict: record.verdict,
            status: record.status,
            team: caller.map_or_else(String::new, |caller| caller.team.to_string()),
            agent: caller.map_or_else(String::new, |caller| caller.agent.to_string()),
            operation: record.operation.as_deref().unwrap_or_default().to_owned(),
            model: record.model.clone(),
            upstream: record.upstream.as_ref().map(ToString::to_string),
            tools: calls(record),
            rules: strings(&record.rules),
            refused_by: strings(&record.refused_by),
            said: said.collect(),
            findings,
            hidden: record.hidden.len(),
            failure: record
                .failure
                .as_ref()
                .map(|failure| failure.code.to_string()),
            tokens_in: record.usage.input,
            tokens_out: record.usage.output,
            cost_usd: record.cost_usd,
            saved: saved(record),
            micros: record.micros.total,
            session: record.session.as_ref().map(ToString::to_string),
        }
    }
}
