//! One decision record an exchange.

use crate::Word;
use crate::parts::{
    Blame, BytesRecord, CallRecord, CallerRecord, CompressionRecord, DigestsRecord, FailureRecord,
    FindingRecord, McpRecord, Micros, UsageRecord, Verdict, WarningRecord,
};
use sallyport_exchange::{
    Caller, Denial, Dialect, Exchange, Finding, Flow, Operation, PartView, RefusalKind, Usage,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Characters kept of a name that an agent or an upstream chose: a model's, a tool's.
const NAME_CHARS_MAX: usize = 200;
/// Characters kept of a finding's text, where text is asked for.
const TEXT_CHARS_MAX: usize = 1_000;
/// Entries kept of each list; the rest is counted in `left_out`.
const ENTRIES_MAX: usize = 200;

/// Everything that is written down of one exchange. It holds no text of a body, unless that is asked for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Record {
    /// When it arrived, RFC 3339 in UTC.
    pub time: String,
    /// The decision id.
    pub id: Arc<str>,
    /// Who asked; nothing if nobody could be identified.
    pub caller: Option<CallerRecord>,
    /// The route's name.
    pub route: Option<Arc<str>>,
    /// The upstream's name, once one was asked.
    pub upstream: Option<Arc<str>>,
    /// How the agent speaks.
    pub dialect: Option<Word>,
    /// What it wanted.
    pub operation: Option<Word>,
    /// What a message to a tool server is about; left out for models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcp: Option<McpRecord>,
    /// The session or conversation it belongs to, as 16 hex digits; left out where none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Arc<str>>,
    /// The trace it is part of; left out where nobody traces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Arc<str>>,
    /// The model it named, shortened.
    pub model: Option<String>,
    /// Whether the answer was streamed.
    pub stream: bool,
    /// The HTTP status that the agent was sent; 0 if it left before one was.
    pub status: u16,
    /// What became of it.
    pub verdict: Verdict,
    /// The rules that spoke, each once, in the order in which they did.
    pub rules: Vec<Arc<str>>,
    /// Of these, the rules that refused the exchange or a tool call in it.
    pub refused_by: Vec<Arc<str>>,
    /// What was found, request first.
    pub findings: Vec<FindingRecord>,
    /// Tools taken out of what was offered.
    pub hidden: Vec<String>,
    /// What policies wanted noted.
    pub warnings: Vec<WarningRecord>,
    /// How many things no reader understood.
    pub unread: usize,
    /// Tool calls that were judged.
    pub calls: Vec<CallRecord>,
    /// Entries of the lists above that were left out.
    pub left_out: usize,
    /// Tokens, as the upstream counted them.
    pub usage: UsageRecord,
    /// What that costs in US dollars, by the configured prices; left out where there is no price for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// Where the time went.
    pub micros: Micros,
    /// Bytes of the bodies, as the agent sent and received them.
    pub bytes: BytesRecord,
    /// Digests of the bodies; left out unless there is an audit log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digests: Option<DigestsRecord>,
    /// What compression did, where it was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression: Option<CompressionRecord>,
    /// What broke, if something did.
    pub failure: Option<FailureRecord>,
    /// The revision of the policies that judged.
    pub policy: Option<Arc<str>>,
}

impl Record {
    /// A record of an exchange of which nothing is known yet but that it came. It is a failure until
    /// something better is said, so that an exchange that is dropped half-way does not look allowed.
    pub fn new(id: Arc<str>, now_ns: i64) -> Self {
        Record {
            time: rfc3339(now_ns),
            id,
            caller: None,
            route: None,
            upstream: None,
            dialect: None,
            operation: None,
            mcp: None,
            session: None,
            trace: None,
            model: None,
            stream: false,
            status: 0,
            verdict: Verdict::Failed,
            rules: Vec::new(),
            refused_by: Vec::new(),
            findings: Vec::new(),
            hidden: Vec::new(),
            warnings: Vec::new(),
            unread: 0,
            calls: Vec::new(),
            left_out: 0,
            usage: UsageRecord {
                input: None,
                output: None,
                cached: None,
            },
            cost_usd: None,
            micros: Micros {
                read: None,
                inspect: None,
                policy: None,
                compress: None,
                audit: None,
                upstream_first: None,
                total: None,
            },
            bytes: BytesRecord {
                request: 0,
                answer: 0,
            },
            digests: None,
            compression: None,
            failure: None,
            policy: None,
        }
    }

    /// Notes who asks.
    pub fn caller(&mut self, caller: &Caller) {
        self.caller = Some(CallerRecord {
            team: caller.team.clone(),
            agent: caller.agent.clone(),
            key: caller.key.clone(),
        });
    }

    /// Notes what is asked for.
    pub fn asked(&mut self, dialect: Dialect, operation: Operation) {
        self.dialect = Some(dialect.as_str().into());
        self.operation = Some(operation.as_str().into());
    }

    /// Notes all that an exchange knows: caller, route, dialect, operation.
    pub fn exchange(&mut self, exchange: &Exchange) {
        self.caller(&exchange.caller);
        self.asked(exchange.dialect, exchange.operation);
        self.route = Some(exchange.route.clone());
        if let Some(mcp) = &exchange.mcp {
            self.mcp = Some(McpRecord {
                method: shorten(&mcp.method, NAME_CHARS_MAX),
                name: mcp
                    .name
                    .as_deref()
                    .map(|name| shorten(name, NAME_CHARS_MAX)),
                revision: mcp.revision.into(),
            });
        }
    }

    /// Notes the model.
    pub fn model(&mut self, model: &str) {
        self.model = Some(shorten(model, NAME_CHARS_MAX));
    }

    /// Notes rules that spoke; each is kept once.
    pub fn rules(&mut self, rules: impl IntoIterator<Item = Arc<str>>) {
        for rule in rules {
            if !self.rules.contains(&rule) {
                push(&mut self.rules, rule, &mut self.left_out);
            }
        }
    }

    /// Notes what a refusal says: its rule, and whether it was a no or guidance.
    pub fn refused(&mut self, denial: &Denial) {
        self.verdict = match denial.kind {
            RefusalKind::Deny => Verdict::Denied,
            RefusalKind::Steer => Verdict::Steered,
        };
        self.rules([denial.rule.clone()]);
        self.refused_by(denial.rule.clone());
    }

    fn refused_by(&mut self, rule: Arc<str>) {
        if !self.refused_by.contains(&rule) {
            push(&mut self.refused_by, rule, &mut self.left_out);
        }
    }

    /// Notes a finding in `part`. `text`: whether its words are asked for.
    pub fn finding(&mut self, flow: Flow, finding: &Finding, part: &PartView<'_>, text: bool) {
        let words = text.then(|| part.text.get(finding.range.clone()).unwrap_or_default());
        let finding = FindingRecord {
            label: finding.label.as_str().into(),
            score: finding.score,
            kind: part.kind.as_str().into(),
            author: part.author.as_str().into(),
            part: finding.part.0,
            start: finding.range.start,
            end: finding.range.end,
            flow: flow.as_str().into(),
            text: words.map(|words| shorten(words, TEXT_CHARS_MAX)),
        };
        push(&mut self.findings, finding, &mut self.left_out);
    }

    /// Notes a tool that was hidden.
    pub fn hidden(&mut self, tool: &str) {
        let tool = shorten(tool, NAME_CHARS_MAX);
        if !self.hidden.contains(&tool) {
            push(&mut self.hidden, tool, &mut self.left_out);
        }
    }

    /// Notes a warning. `text`: whether its words are asked for; a policy may quote the body.
    pub fn warning(&mut self, rule: Arc<str>, say: &str, text: bool) {
        let say = text.then(|| shorten(say, TEXT_CHARS_MAX));
        let warning = WarningRecord { rule, say };
        if !self.warnings.contains(&warning) {
            push(&mut self.warnings, warning, &mut self.left_out);
        }
    }

    /// Notes a tool call that was judged, and the rule that refused it if one did.
    pub fn call(&mut self, tool: &str, verdict: Verdict, rule: Option<Arc<str>>) {
        if let Some(rule) = &rule {
            self.refused_by(rule.clone());
        }
        let call = CallRecord {
            tool: shorten(tool, NAME_CHARS_MAX),
            verdict,
            rule,
        };
        push(&mut self.calls, call, &mut self.left_out);
    }

    /// Notes tokens.
    pub fn usage(&mut self, usage: Usage) {
        self.usage = UsageRecord {
            input: usage.input,
            output: usage.output,
            cached: usage.cached,
        };
    }

    /// Notes what broke. The verdict stays with what was judged before, unless nothing was.
    pub fn failed(&mut self, code: &'static str, blame: Blame) {
        self.failure = Some(FailureRecord {
            code: code.into(),
            blame,
        });
    }

    /// As one line of JSON, without its end.
    pub fn to_line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn push<T>(list: &mut Vec<T>, entry: T, left_out: &mut usize) {
    match list.len() < ENTRIES_MAX {
        true => list.push(entry),
        false => *left_out += 1,
    }
}

/// The beginning of a text, marked if it is not all.
pub fn shorten(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.into(),
    }
}

/// A time as RFC 3339 in UTC, to the microsecond.
pub fn rfc3339(now_ns: i64) -> String {
    match jiff::Timestamp::from_nanosecond(now_ns.into()) {
        Ok(time) => format!("{time:.6}"),
        Err(_) => String::new(),
    }
}
