//! What is known of an exchange as it goes: enough to answer the agent at any point, and to write one
//! record at the end.

use super::failure::Failure;
use crate::compression::{Mode, Saved, Told};
use sallyport_compress::Class;
use sallyport_exchange::dialect::Asked;
use sallyport_exchange::{Caller, Dialect, Exchange, Flow, Operation, PartView, Payload, Usage};
use sallyport_policy::{CallRuling, Gate, Ruling, Settings, Trail};
use sallyport_record::{CompressionRecord, Record, Verdict};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// One exchange's account.
pub struct Account {
    /// The decision id.
    pub id: Arc<str>,
    /// When it arrived: nanoseconds since 1970-01-01 UTC.
    pub began_ns: i64,
    /// How the agent speaks, as far as is known.
    pub dialect: Dialect,
    operation: Operation,
    model: String,
    streamed: bool,
    edited: bool,
    text: bool,
    refuses_by_error: bool,
    began: Instant,
    sent: Option<Instant>,
    inspect_ns: u64,
    policy_ns: u64,
    saving: Option<Arc<Told>>,
    record: Record,
}

impl Account {
    /// Opens an account now. `text`: whether findings are to be recorded with their words.
    pub fn begin(text: bool) -> Self {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let began_ns = i64::try_from(since.as_nanos()).unwrap_or(i64::MAX);
        let id = decision_id(since.as_millis() as u64);
        Account {
            record: Record::new(id.clone(), began_ns),
            id,
            began_ns,
            dialect: Dialect::OpenAiChat,
            operation: Operation::Chat,
            model: String::new(),
            streamed: false,
            edited: false,
            text,
            refuses_by_error: false,
            began: Instant::now(),
            sent: None,
            inspect_ns: 0,
            policy_ns: 0,
            saving: None,
        }
    }

    /// Notes how the agent seems to speak.
    pub fn speaks(&mut self, dialect: Dialect) {
        self.dialect = dialect;
    }

    /// Notes what it wants.
    pub fn operation(&mut self, operation: Operation) {
        self.operation = operation;
        self.record.asked(self.dialect, operation);
    }

    /// Notes who asks.
    pub fn caller(&mut self, caller: &Caller) {
        self.record.caller(caller);
    }

    /// Notes the request as read.
    pub fn read(&mut self, payload: &Payload) {
        self.model = payload.model().unwrap_or_default().to_owned();
        self.streamed = payload.outline().streamed;
        if let Some(model) = payload.model() {
            self.record.model(model);
        }
        self.record.stream = self.streamed;
        self.record.unread += payload.outline().unread.len();
        self.record.bytes.request = payload.bytes().len() as u64;
        self.record.micros.read = Some(micros(self.began));
    }

    /// Notes the exchange and where it goes.
    pub fn exchange(&mut self, exchange: &Exchange, upstream: &Arc<str>) {
        self.record.exchange(exchange);
        self.record.upstream = Some(upstream.clone());
    }

    /// Notes the ruling on the request.
    pub fn request(&mut self, ruling: &Ruling, payload: &Payload) {
        self.trail(&ruling.trail, Flow::Request, Some(payload));
        self.edited |= ruling.is_edited();
    }

    /// Notes what the policies set.
    pub fn settings(&mut self, settings: &Settings) {
        self.refuses_by_error = settings.get("refusals").is_some_and(|v| v == "error");
    }

    /// Whether the team wants a refused tool call told as an error rather than as a result.
    pub fn refuses_by_error(&self) -> bool {
        self.refuses_by_error
    }

    /// Notes how far compression goes; what it saves will be told.
    pub fn compression(&mut self, mode: Mode, told: Arc<Told>) {
        self.record.compression = Some(CompressionRecord {
            mode: mode.as_str().into(),
            blocks: 0,
            rewritten: 0,
            lossless: None,
            reversible: None,
        });
        self.saving = Some(told);
    }

    /// Notes one result of a tool that was looked at.
    pub fn compressed(&mut self, class: Class) {
        if let Some(compression) = &mut self.record.compression {
            compression.blocks += 1;
            compression.rewritten += usize::from(class != Class::None);
        }
    }

    /// Notes a call of one of the gateway's own tools, which no policy was asked about as a call; with the rule that
    /// refused it.
    pub fn called(&mut self, tool: &str, refused_by: Option<Arc<str>>) {
        let verdict = match refused_by {
            Some(_) => Verdict::Denied,
            None => Verdict::Allowed,
        };
        self.record.call(tool, verdict, refused_by);
    }

    /// Notes that the request goes out.
    pub fn sent(&mut self, _bytes: usize) {
        self.sent = Some(Instant::now());
    }

    /// Notes the first byte from the upstream.
    pub fn first_byte(&mut self) {
        self.record.micros.upstream_first = self.sent.map(micros);
    }

    /// Notes the ruling on a whole answer.
    pub fn answer(&mut self, ruling: &Ruling, payload: &Payload) {
        self.trail(&ruling.trail, Flow::Answer, Some(payload));
        self.edited |= ruling.is_edited();
        self.record.unread += payload.outline().unread.len();
        self.record.usage(payload.outline().usage);
    }

    /// Notes a streamed answer that was not judged to its end.
    pub fn stream(&mut self, gate: &Gate) {
        self.unread(gate.unread());
        self.stream_end(&gate.trail, gate.usage);
    }

    /// Notes how many things of a stream no reader knew.
    pub fn unread(&mut self, count: usize) {
        self.record.unread += count;
    }

    /// Notes what the gate found and decided.
    pub fn stream_end(&mut self, trail: &Trail, usage: Usage) {
        self.trail(trail, Flow::Answer, None);
        self.edited |= trail.masked > 0;
        self.record.usage(usage);
    }

    /// Notes the answer's status and body bytes.
    pub fn answered(&mut self, status: u16, bytes: usize) {
        self.record.status = status;
        self.record.bytes.answer += bytes as u64;
    }

    /// Notes bytes of a stream.
    pub fn flowed(&mut self, bytes: usize) {
        self.record.bytes.answer += bytes as u64;
    }

    /// Notes why it did not come to an answer.
    pub fn fail(&mut self, failure: &Failure) {
        match failure {
            Failure::Denied(denial) => self.record.refused(denial),
            other => {
                self.record.verdict = Verdict::Failed;
                if let Some(blame) = other.blame() {
                    self.record.failed(other.fault().code, blame);
                }
            }
        }
    }

    /// Notes that all went well.
    pub fn complete(&mut self) {
        self.record.verdict = if self.edited {
            Verdict::Redacted
        } else {
            Verdict::Allowed
        };
    }

    /// What a refusal needs to know.
    pub fn asked(&self) -> Asked<'_> {
        Asked {
            id: &self.id,
            operation: self.operation,
            model: &self.model,
            streamed: self.streamed,
            now_s: self.began_ns / 1_000_000_000,
        }
    }

    /// The record, finished.
    pub fn close(mut self, policy_revision: &str) -> Record {
        self.record.micros.inspect = Some(self.inspect_ns / 1000);
        self.record.micros.policy = Some(self.policy_ns / 1000);
        self.record.micros.total = Some(micros(self.began));
        self.record.policy = Some(policy_revision.into());
        if let (Some(compression), Some(told)) = (&mut self.record.compression, &self.saving) {
            compression.lossless = told.lossless.get().map(Saved::record);
            compression.reversible = told.reversible.get().map(Saved::record);
        }
        self.record
    }

    /// `payload`: the body that was judged whole. Of a stream no text is kept, so its findings have none.
    fn trail(&mut self, trail: &Trail, flow: Flow, payload: Option<&Payload>) {
        self.inspect_ns += trail.spent.inspect_ns;
        self.policy_ns += trail.spent.policy_ns;
        self.record.rules(trail.rules.iter().cloned());
        if let Some(detail) = &trail.detail {
            tracing::warn!(id = %self.id, detail, "a policy could not be evaluated as written");
        }
        for (finding, (kind, author)) in trail.findings.iter().zip(&trail.seen_in) {
            let text = payload.map_or("", |payload| payload.view(finding.part).text);
            let part = PartView {
                id: finding.part,
                json: None,
                kind: *kind,
                author: *author,
                tool: None,
                text,
            };
            self.record
                .finding(flow, finding, &part, self.text && payload.is_some());
        }
        trail
            .hidden
            .iter()
            .for_each(|tool| self.record.hidden(tool));
        for warning in &trail.warnings {
            self.record
                .warning(warning.rule.clone(), &warning.say, self.text);
        }
        for CallRuling { tool, refused_by } in &trail.calls {
            let verdict = if refused_by.is_some() {
                Verdict::Denied
            } else {
                Verdict::Allowed
            };
            self.record.call(tool, verdict, refused_by.clone());
        }
    }
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// `sp_`, the time in milliseconds and 80 random bits, in hex: sortable, and never guessed.
fn decision_id(now_ms: u64) -> Arc<str> {
    let mut random = [0u8; 10];
    // Without randomness an id is only less unguessable; nothing is protected by it.
    let _ = getrandom::fill(&mut random);
    let mut id = format!("sp_{now_ms:012x}");
    for byte in random {
        id.push_str(&format!("{byte:02x}"));
    }
    id.into()
}
