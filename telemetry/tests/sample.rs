//! Exchanges to observe.

use sallyport_record::{
    Blame, CallRecord, CallerRecord, CompressionRecord, FailureRecord, FindingRecord, McpRecord,
    Observed, PartSeen, Peer, Record, Said, SavedRecord, Settings, SpanId, Stage, StageName, Trace,
    TraceId, TraceParent, UsageRecord, Verdict, WarningRecord,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// When the samples began.
pub const BEGAN: i64 = 1_790_000_000_000_000_000;

/// A place in a trace that no other sample has.
pub fn trace() -> Trace {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let n = NEXT.fetch_add(1, Relaxed);
    let id = |salt: u64| SpanId((n << 8 | salt).to_be_bytes());
    Trace {
        trace: TraceId((u128::from(n) << 64 | 7).to_be_bytes()),
        span: id(1),
        upstream: id(2),
        parent: None,
        link: None,
        sampled: true,
    }
}

pub fn parent(salt: u8, sampled: bool) -> TraceParent {
    TraceParent {
        trace: TraceId([salt; 16]),
        span: SpanId([salt + 1; 8]),
        sampled,
        state: Some("congo=t61rcWkgMzE".into()),
    }
}

pub fn stage(name: StageName, flow: &'static str, start: u64, micros: u64) -> Stage {
    Stage {
        name,
        flow: flow.into(),
        start,
        micros,
        busy: micros,
        within: Vec::new(),
    }
}

fn bare(id: &str) -> Observed {
    let mut record = Record::new(id.into(), BEGAN);
    record.caller = Some(CallerRecord {
        team: "blue".into(),
        agent: "researcher".into(),
        key: "blue-1".into(),
    });
    record.route = Some("default".into());
    record.policy = Some("sha256:1234".into());
    record.bytes.request = 2_000;
    record.bytes.answer = 4_000;
    Observed {
        record,
        began_ns: BEGAN,
        trace: Some(trace()),
        peer: None,
        stages: Vec::new(),
        settings: Settings::default(),
        said: Said::default(),
        parts: Vec::new(),
        parts_left_out: 0,
    }
}

/// A streamed chat that was redacted, made smaller and answered with a tool call, one of two refused.
pub fn chat() -> Observed {
    let mut observed = bare("dec-chat");
    let record = &mut observed.record;
    record.upstream = Some("openai-eu".into());
    record.dialect = Some("openai.chat".into());
    record.operation = Some("chat".into());
    record.model = Some("gpt-5-mini".into());
    record.session = Some("00112233aabbccdd".into());
    record.stream = true;
    record.status = 200;
    record.verdict = Verdict::Redacted;
    record.rules = vec!["mask_keys".into(), "no_shell".into()];
    record.refused_by = vec!["no_shell".into()];
    record.findings = vec![
        finding("secret.aws"),
        finding("secret.aws"),
        finding("pii.email"),
    ];
    record.warnings = vec![WarningRecord {
        rule: "watch".into(),
        say: Some("WARNED-WORDS".into()),
    }];
    record.calls = vec![
        call("read_file", Verdict::Allowed, None),
        call("shell", Verdict::Denied, Some("no_shell")),
    ];
    record.usage = UsageRecord {
        input: Some(1_200),
        output: Some(300),
        cached: Some(1_000),
    };
    record.cost_usd = Some(0.0025);
    record.compression = Some(CompressionRecord {
        mode: "lossless".into(),
        blocks: 3,
        rewritten: 2,
        lossless: Some(SavedRecord {
            tokens_before: 900,
            tokens_after: 500,
            billed_saved: 40.0,
        }),
        reversible: None,
    });
    record.micros.read = Some(400);
    record.micros.upstream_first = Some(250_000);
    record.micros.total = Some(2_000_000);
    served(&mut observed);
    said(&mut observed);
    observed
}

/// Where its time went.
fn served(observed: &mut Observed) {
    observed.peer = Some(Peer {
        provider: "openai".into(),
        address: Some("api.example.com".into()),
        port: Some(443),
    });
    let mut inspect = stage(StageName::Inspect, "request", 400, 900);
    inspect.within = vec![("detect".into(), 500), ("firewall".into(), 300)];
    let mut answer = stage(StageName::Inspect, "answer", 251_000, 1_700_000);
    answer.busy = 2_000;
    observed.stages = vec![
        stage(StageName::Read, "request", 0, 400),
        inspect,
        stage(StageName::Policy, "request", 1_300, 200),
        stage(StageName::Compress, "request", 1_500, 700),
        stage(StageName::Audit, "request", 2_200, 300),
        stage(StageName::Upstream, "request", 2_500, 1_990_000),
        answer,
        stage(StageName::Policy, "answer", 251_500, 1_700_000),
    ];
}

/// What was asked and answered.
fn said(observed: &mut Observed) {
    observed.settings = Settings {
        max_tokens: Some(512),
        temperature: Some(0.5),
        top_p: Some(0.9),
        top_k: Some(40),
        seed: Some(-7),
        choices: Some(2),
    };
    observed.said = Said {
        id: Some("chatcmpl-1".into()),
        model: Some("gpt-5-mini-2026-01-01".into()),
        finish_reasons: vec!["tool_calls".into(), "stop".into()],
    };
    observed.parts = vec![
        part("request", "text", "system", None, "be kind"),
        part("request", "text", "user", None, "PROMPT-WORDS <secret.aws>"),
        part(
            "request",
            "tool_call",
            "model",
            Some("read_file"),
            r#"{"path":"a"}"#,
        ),
        part(
            "request",
            "tool_result",
            "tool",
            Some("read_file"),
            "contents",
        ),
        part(
            "request",
            "tool_offer",
            "user",
            Some("shell"),
            "runs a command",
        ),
        part("answer", "reasoning", "model", None, "hm"),
        part("answer", "text", "model", None, "ANSWER-WORDS"),
    ];
}

/// A call of a tool, refused by nobody.
pub fn tool_call() -> Observed {
    let mut observed = bare("dec-tool");
    let record = &mut observed.record;
    record.upstream = Some("github".into());
    record.dialect = Some("mcp".into());
    record.operation = Some("tool_call".into());
    record.mcp = Some(McpRecord {
        method: "tools/call".into(),
        name: Some("get_weather".into()),
        revision: "2025-11-25".into(),
    });
    record.status = 200;
    record.verdict = Verdict::Allowed;
    record.micros.upstream_first = Some(20_000);
    record.micros.total = Some(31_000);
    observed.peer = Some(Peer {
        provider: "mcp".into(),
        address: Some("tools.example.com".into()),
        port: Some(8443),
    });
    observed.stages = vec![
        stage(StageName::Read, "request", 0, 100),
        stage(StageName::Inspect, "request", 100, 200),
        stage(StageName::Policy, "request", 300, 100),
        stage(StageName::Upstream, "request", 500, 30_000),
        stage(StageName::Inspect, "answer", 30_500, 200),
        stage(StageName::Policy, "answer", 30_700, 100),
    ];
    observed.parts = vec![
        part(
            "request",
            "tool_call",
            "model",
            Some("get_weather"),
            r#"{"city":"Paris"}"#,
        ),
        part(
            "answer",
            "tool_result",
            "tool",
            Some("get_weather"),
            "rainy",
        ),
    ];
    let mut trace = trace();
    trace.parent = Some(parent(0x11, true));
    trace.trace = TraceId([0x11; 16]);
    trace.link = Some(parent(0x22, false));
    observed.trace = Some(trace);
    observed
}

/// A chat that a rule said no to, before anybody was asked.
pub fn refused() -> Observed {
    let mut observed = chat();
    let record = &mut observed.record;
    record.id = "dec-refused".into();
    record.status = 403;
    record.verdict = Verdict::Denied;
    record.refused_by = vec!["no_keys".into()];
    record.calls.clear();
    record.compression = None;
    record.cost_usd = None;
    record.usage = UsageRecord {
        input: None,
        output: None,
        cached: None,
    };
    record.micros.upstream_first = None;
    record.micros.total = Some(1_500);
    observed.peer = None;
    observed.said = Said::default();
    observed.stages.truncate(3);
    observed
}

/// A chat whose upstream broke.
pub fn failed(blame: Blame) -> Observed {
    let mut observed = chat();
    let record = &mut observed.record;
    record.status = 502;
    record.verdict = Verdict::Failed;
    record.refused_by.clear();
    record.failure = Some(FailureRecord {
        code: "upstream_broke".into(),
        blame,
    });
    observed.said = Said::default();
    observed
}

/// The same, given again and again: with a trace of its own.
pub fn anew(sample: &Observed) -> Arc<Observed> {
    let mut observed = sample.clone();
    observed.trace = Some(trace());
    Arc::new(observed)
}

fn finding(label: &'static str) -> FindingRecord {
    FindingRecord {
        label: label.into(),
        score: 1.0,
        kind: "text".into(),
        author: "user".into(),
        part: 1,
        start: 0,
        end: 20,
        flow: "request".into(),
        text: Some("FOUND-WORDS".into()),
    }
}

fn call(tool: &str, verdict: Verdict, rule: Option<&str>) -> CallRecord {
    CallRecord {
        tool: tool.into(),
        verdict,
        rule: rule.map(Into::into),
    }
}

pub fn part(
    flow: &'static str,
    kind: &'static str,
    author: &'static str,
    tool: Option<&str>,
    text: &str,
) -> PartSeen {
    PartSeen {
        flow: flow.into(),
        part: 0,
        kind: kind.into(),
        author: author.into(),
        tool: tool.map(Into::into),
        bytes: text.len() as u64,
        text: Some(text.into()),
        marks: Vec::new(),
    }
}
