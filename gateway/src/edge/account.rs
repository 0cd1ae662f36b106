//! What is known of an exchange as it goes: enough to answer the agent at any point, and to write one
//! record at the end.

use super::facts;
use super::failure::Failure;
use super::timeline::Timeline;
use super::watching::{Watching, parent_of};
use crate::compression::{Mode, Saved, Told};
use crate::config::ModelPrices;
use http::HeaderMap;
use ring::digest::{Context, SHA256, digest};
use sallyport_compress::Class;
use sallyport_exchange::dialect::Asked;
use sallyport_exchange::{Caller, Dialect, Exchange, Flow, Operation, PartView, Payload, Usage};
use sallyport_policy::{CallRuling, Gate, Ruling, Settings, Trail};
use sallyport_record::{
    CompressionRecord, DigestsRecord, Observed, PARTS_MAX, PartSeen, Peer, Record, Said, Trace,
    TraceParent, Verdict,
};
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
    refuses_by_error: bool,
    watching: Watching,
    timeline: Timeline,
    trace: Option<Trace>,
    peer: Option<Peer>,
    parts: Vec<PartSeen>,
    parts_left_out: usize,
    settings: sallyport_record::Settings,
    said: Said,
    digests: DigestsRecord,
    answer: Option<Context>,
    saving: Option<Arc<Told>>,
    record: Record,
}

impl Account {
    /// Opens an account now.
    pub fn begin(watching: Watching) -> Self {
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
            refuses_by_error: false,
            watching,
            timeline: Timeline::begin(),
            trace: None,
            peer: None,
            parts: Vec::new(),
            parts_left_out: 0,
            settings: sallyport_record::Settings::default(),
            said: Said::default(),
            digests: DigestsRecord::default(),
            answer: None,
            saving: None,
        }
    }

    /// Notes in which trace it came, as its headers say.
    pub fn traced(&mut self, headers: &HeaderMap) {
        if self.watching.sampler.is_some() {
            self.within(parent_of(headers));
        }
    }

    /// Notes the span that a message itself names as its parent; what the headers named is then only a link
    /// (OpenTelemetry semantic conventions for MCP, "context propagation").
    pub fn meant_by(&mut self, parent: TraceParent) {
        let link = self.trace.take().and_then(|trace| trace.parent);
        self.within(Some(parent));
        if let Some(trace) = &mut self.trace {
            trace.link = link;
        }
    }

    /// Notes the span that this is done for.
    pub fn within(&mut self, parent: Option<TraceParent>) {
        self.trace = self.watching.trace(parent);
        self.record.trace = self.trace.as_ref().map(|t| t.trace.to_string().into());
    }

    /// Where it stands in a trace.
    pub fn trace(&self) -> Option<&Trace> {
        self.trace.as_ref()
    }

    /// Its span, as the parent of what is done for it.
    pub fn as_parent(&self) -> Option<TraceParent> {
        self.trace.as_ref().map(|trace| TraceParent {
            trace: trace.trace,
            span: trace.span,
            sampled: trace.sampled,
            state: trace.state().map(str::to_owned),
        })
    }

    /// Notes the conversation or session that it belongs to, by a digest of it.
    pub fn session(&mut self, digest: &[u8; 16]) {
        let hex: String = digest[..8].iter().map(|b| format!("{b:02x}")).collect();
        self.record.session = Some(hex.into());
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
        self.timeline.read();
        if self.watching.parts && self.dialect != Dialect::Mcp {
            self.settings = facts::settings(payload);
        }
        if self.watching.digests {
            self.digests.request = Some(sha256(payload.bytes()));
        }
    }

    /// Notes the exchange and where it goes.
    pub fn exchange(&mut self, exchange: &Exchange, upstream: &Arc<str>) {
        self.record.exchange(exchange);
        self.record.upstream = Some(upstream.clone());
    }

    /// Notes whom it is sent to.
    pub fn peer(&mut self, peer: Peer) {
        self.peer = Some(peer);
    }

    /// Notes the ruling on the request.
    pub fn request(&mut self, ruling: &Ruling, payload: &Payload) {
        self.trail(&ruling.trail, Flow::Request, payload);
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

    /// Notes that results of tools were made small since `from`, if they were looked at.
    pub fn compressed_since(&mut self, from: Instant) {
        if self.record.compression.is_some() {
            self.timeline.compressed(from);
        }
    }

    /// Notes what is about to be sent, and gives its digest (SHA-256, hex).
    pub fn sending(&mut self, bytes: &[u8]) -> String {
        let digest = sha256(bytes);
        self.digests.sent = Some(digest.clone());
        digest
    }

    /// Notes that the audit log was waited for since `from`.
    pub fn audited(&mut self, from: Instant) {
        self.timeline.audited(from);
    }

    /// What is known so far.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Notes that the request goes out.
    pub fn sent(&mut self) {
        self.timeline.sent();
    }

    /// Notes the first byte from the upstream.
    pub fn first_byte(&mut self) {
        self.timeline.first_byte();
    }

    /// Notes the last byte from the upstream.
    pub fn received(&mut self) {
        self.timeline.received();
    }

    /// Notes the ruling on a whole answer.
    pub fn answer(&mut self, ruling: &Ruling, payload: &Payload) {
        self.trail(&ruling.trail, Flow::Answer, payload);
        self.edited |= ruling.is_edited();
        if self.watching.parts && self.dialect != Dialect::Mcp {
            self.said = facts::said(payload);
        }
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
        self.timeline.judged_flowing(&trail.spent);
        self.note(trail, Flow::Answer, None);
        self.edited |= trail.masked > 0;
        self.record.usage(usage);
    }

    /// Notes the answer's status and body bytes.
    pub fn answered(&mut self, status: u16, bytes: usize) {
        self.record.status = status;
        self.record.bytes.answer += bytes as u64;
    }

    /// Notes bytes of a stream.
    pub fn flowed(&mut self, bytes: &[u8]) {
        self.record.bytes.answer += bytes.len() as u64;
        if self.watching.parts {
            facts::heard(&mut self.said, bytes);
        }
        self.returned(bytes);
    }

    /// Notes bytes of the answer's body for its digest.
    pub fn returned(&mut self, bytes: &[u8]) {
        if self.watching.digests {
            let context = self.answer.get_or_insert_with(|| Context::new(&SHA256));
            context.update(bytes);
        }
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

    /// All that is known of it, finished.
    pub fn close(mut self, policy_revision: &str, prices: &ModelPrices) -> Observed {
        let (micros, stages) = self.timeline.end();
        self.record.micros = micros;
        self.record.policy = Some(policy_revision.into());
        let usage = self.record.usage;
        let usage = Usage {
            input: usage.input,
            output: usage.output,
            cached: usage.cached,
        };
        self.record.cost_usd = prices.cost_usd(&self.model, usage);
        if self.watching.digests {
            self.digests.answer = self.answer.map(|context| hex(context.finish().as_ref()));
            self.record.digests = Some(self.digests);
        }
        if let (Some(compression), Some(told)) = (&mut self.record.compression, &self.saving) {
            compression.lossless = told.lossless.get().map(Saved::record);
            compression.reversible = told.reversible.get().map(Saved::record);
        }
        Observed {
            began_ns: self.began_ns,
            trace: self.trace,
            peer: self.peer,
            stages,
            settings: self.settings,
            said: self.said,
            parts: self.parts,
            parts_left_out: self.parts_left_out,
            ..Observed::of(self.record)
        }
    }

    fn trail(&mut self, trail: &Trail, flow: Flow, payload: &Payload) {
        self.timeline.judged(flow, &trail.spent);
        self.parts(trail, flow, payload);
        self.note(trail, flow, Some(payload));
    }

    fn parts(&mut self, trail: &Trail, flow: Flow, payload: &Payload) {
        if !self.watching.parts {
            return;
        }
        let room = PARTS_MAX.saturating_sub(self.parts.len());
        let all = payload.outline().parts.len();
        self.parts_left_out += all.saturating_sub(room);
        let seen = payload
            .views()
            .take(room)
            .map(|part| match self.watching.content {
                true => PartSeen::with_words(flow, &part, &trail.findings, &trail.redact),
                false => PartSeen::shape(flow, &part),
            });
        self.parts.extend(seen);
    }

    /// `payload`: the body that was judged whole. Of a stream no text is kept, so its findings have none.
    fn note(&mut self, trail: &Trail, flow: Flow, payload: Option<&Payload>) {
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
            self.record.finding(
                flow,
                finding,
                &part,
                self.watching.text && payload.is_some(),
            );
        }
        trail
            .hidden
            .iter()
            .for_each(|tool| self.record.hidden(tool));
        for warning in &trail.warnings {
            self.record
                .warning(warning.rule.clone(), &warning.say, self.watching.text);
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

fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |d: u8| char::from(DIGITS[usize::from(d)]);
    let both = |b: &u8| [digit(b >> 4), digit(b & 15)];
    bytes.iter().flat_map(both).collect()
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
