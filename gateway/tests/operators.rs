//! What operators are told, and who is not.

#![expect(clippy::panic, reason = "a test says what is wrong by panicking")]

use expect_test::expect;
use http::{HeaderMap, HeaderValue, Method};
use sallyport::compression::Compression;
use sallyport::config::Config;
use sallyport::decisions::RecordSink;
use sallyport::observers::Observers;
use sallyport::operators::{Metrics, OperatorsReply, OperatorsView, ToolsView, answer};
use sallyport::policies::{KeysHandle, PolicyHandle};
use sallyport_console::{Console, History, Request};
use sallyport_exchange::{
    Author, Caller, Denial, Dialect, Finding, Flow, Kind, Label, Operation, PartId, PartView, Usage,
};
use sallyport_record::{Blame, Observed, Record, Verdict};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tempfile::{TempDir, tempdir};

struct Stage {
    folder: TempDir,
    view: OperatorsView,
}

fn stage() -> Stage {
    let folder = tempdir().expect("a folder");
    fs::write(
        folder.path().join("team.rego"),
        "package sallyport.teams.payments\n\nallow if input.operation == \"chat\"\n",
    )
    .expect("written");
    let text = format!(
        r#"
upstreams:
  openai: {{url: https://api.openai.com/v1, speaks: openai, key: sk-live-abcdef}}
  "<b>claude": {{url: https://api.anthropic.com, speaks: anthropic}}
operators: {{hosts: [ops.example]}}
policies: {}
keys:
  - {{name: "laptop<i>", team: payments, agent: refunds, sha256: "{}"}}
"#,
        folder.path().display(),
        "ab".repeat(32)
    );
    let config = Config::read(Path::new("sallyport.yaml"), &text, &|_| None)
        .unwrap_or_else(|errors| panic!("{errors}"));
    let metrics: Arc<Metrics> = Arc::default();
    let history = Arc::new(History::open(None, 1_000).expect("a history"));
    let view = OperatorsView {
        firewall: None,
        compression: Compression::start(None, &metrics).expect("nothing to start"),
        policies: PolicyHandle::load(config.policies.clone()).expect("policies"),
        keys: KeysHandle::load(&config).expect("keys"),
        config: Arc::new(config),
        observers: Observers {
            decisions: RecordSink::to_writer(std::io::sink()),
            metrics,
            audit: None,
            telemetry: None,
            history: Some(history.clone()),
            history_content: false,
        },
        console: Arc::new(Console::new(history, None).expect("a console")),
        tested: Arc::default(),
        collector: None,
        started_ns: 0,
        tools: ToolsView::default(),
        stopping: Arc::default(),
    };
    Stage { folder, view }
}

fn ask(view: &OperatorsView, method: Method, path: &str, host: &str) -> OperatorsReply {
    let mut headers = HeaderMap::new();
    if !host.is_empty() {
        headers.insert("host", HeaderValue::from_str(host).expect("a value"));
    }
    asked(view, method, path, &headers)
}

fn asked(
    view: &OperatorsView,
    method: Method,
    target: &str,
    headers: &HeaderMap,
) -> OperatorsReply {
    let request = Request {
        method: &method,
        target,
        headers,
        body: b"",
        peer: None,
        tls: false,
        now_ns: 1_764_000_001_000_000_000,
    };
    answer(&request, view)
}

fn get(view: &OperatorsView, path: &str) -> OperatorsReply {
    ask(view, Method::GET, path, "127.0.0.1:9090")
}

fn record(rule: &str, team: &str, model: &str) -> Record {
    let mut record = Record::new("sp_0123".into(), 1_764_000_000_000_000_000);
    record.caller(&Caller {
        team: team.into(),
        agent: "refunds".into(),
        key: "laptop".into(),
        labels: Arc::new([]),
    });
    record.asked(Dialect::OpenAiChat, Operation::Chat);
    record.route = Some("openai".into());
    record.model(model);
    record.status = 403;
    let part = PartView {
        id: PartId(0),
        json: None,
        kind: Kind::Text,
        author: Author::User,
        tool: None,
        text: "",
    };
    let finding = Finding {
        label: Label("pii.email"),
        part: PartId(0),
        range: 0..1,
        score: 1.0,
    };
    record.finding(Flow::Request, &finding, &part, false);
    record.refused(&Denial::deny(rule, "no"));
    record.usage(Usage {
        input: Some(100),
        output: Some(7),
        cached: None,
    });
    record.micros.total = Some(1_500);
    record
}

#[test]
fn health_and_readiness() {
    let Stage { view, folder } = stage();
    assert_eq!(get(&view, "/healthz").status, 200);
    let ready = get(&view, "/readyz");
    assert_eq!(ready.status, 200);
    assert!(
        ready.body.contains(&*view.policies.status().revision),
        "{}",
        ready.body
    );
    // Bad policies do not take a gateway out of service: the last good ones are in force.
    fs::write(folder.path().join("team.rego"), "package").expect("written");
    view.policies.reload();
    assert_eq!(get(&view, "/readyz").status, 200);
    view.stopping.store(true, Ordering::Relaxed);
    let stopping = get(&view, "/readyz");
    assert_eq!(
        (stopping.status, stopping.body.as_str()),
        (503, "not ready\nthe gateway is stopping\n")
    );
    assert_eq!(get(&view, "/healthz").status, 200, "it still lives");
}

#[test]
fn without_policies_it_is_not_ready() {
    let mut view = stage().view;
    let mut config = (*view.config).clone();
    config.policies = None;
    view.config = Arc::new(config);
    let reply = get(&view, "/readyz");
    assert_eq!(reply.status, 503);
    assert!(reply.body.contains("no policies"), "{}", reply.body);
}

#[test]
fn only_names_of_its_own_are_answered() {
    let view = stage().view;
    for host in [
        "127.0.0.1:9090",
        "localhost",
        "LOCALHOST:9090",
        "[::1]:9090",
        "10.1.2.3",
        "ops.example:80",
        "Ops.Example",
    ] {
        assert_eq!(ask(&view, Method::GET, "/", host).status, 200, "{host}");
    }
    for host in [
        "",
        "evil.example",
        "evil.example:9090",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "ops.example.evil",
        "a@127.0.0.1 b",
        "*",
    ] {
        for path in ["/", "/metrics", "/readyz", "/nothing"] {
            let reply = ask(&view, Method::GET, path, host);
            assert_eq!(reply.status, 421, "`{host}` {path}");
            assert!(!reply.body.contains("payments"));
        }
        assert_eq!(
            ask(&view, Method::GET, "/healthz", host).status,
            200,
            "whoever watches the process may call it anything"
        );
    }
    let mut two = HeaderMap::new();
    two.append("host", HeaderValue::from_static("localhost"));
    two.append("host", HeaderValue::from_static("evil.example"));
    assert_eq!(asked(&view, Method::GET, "/", &two).status, 421);
}

#[test]
fn only_looking_is_possible() {
    let view = stage().view;
    for method in [
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::OPTIONS,
        Method::CONNECT,
    ] {
        assert_eq!(ask(&view, method, "/", "localhost").status, 405);
    }
    let head = ask(&view, Method::HEAD, "/", "localhost");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert!(head.length > 1_000, "the length that GET would give");
    for path in ["/../", "/v1/models", "/metrics/", "//", "/?x=/metrics"] {
        let status = get(&view, path).status;
        assert!(
            status == 404 || (path == "/?x=/metrics" && status == 200),
            "{path} {status}"
        );
    }
    for path in ["/", "/healthz", "/metrics", "/nothing"] {
        let reply = get(&view, path);
        let policy = reply
            .headers
            .iter()
            .find(|(name, _)| *name == "content-security-policy");
        assert!(
            policy
                .is_some_and(|(_, value)| value.starts_with("default-src 'none'")
                    && !value.contains("unsafe")),
            "{path}"
        );
        assert!(
            reply
                .headers
                .iter()
                .any(|header| *header == ("x-content-type-options", "nosniff".into()))
        );
    }
}

#[test]
fn the_page_shows_and_escapes() {
    let Stage { view, folder } = stage();
    view.observers.tell(Observed::of(record(
        "team:payments/<script>",
        "payments",
        "</td><script>alert(1)</script>",
    )));
    fs::write(
        folder.path().join("team.rego"),
        "package sallyport.teams.payments\n\nallow if <script> {\n",
    )
    .expect("written");
    view.policies.reload();
    view.console.history().flush();
    let pages = [
        "/",
        "/policies",
        "/servers",
        "/teams",
        "/map",
        "/exchanges/sp_0123",
    ];
    let page = pages.map(|path| get(&view, path).body).concat();
    for shown in [
        "https://api.openai.com/v1",
        "payments",
        "laptop&lt;i&gt;",
        "&lt;b&gt;claude",
        "&lt;/td&gt;&lt;script&gt;alert(1)&lt;/script&gt;",
        "team:payments/&lt;script&gt;",
        "team.rego:3:",
        "pii.email",
        "denied",
    ] {
        assert!(
            page.contains(shown),
            "`{shown}` should be on the page:\n{page}"
        );
    }
    for hidden in [
        "<script>alert",
        "laptop<i>",
        "<b>claude",
        "sk-live-abcdef",
        &"ab".repeat(32),
        "http-equiv=\"refresh\" content=\"0",
    ] {
        assert!(
            !page.contains(hidden),
            "`{hidden}` should not be on the page"
        );
    }
    assert!(
        !page.contains("src=") && !page.contains("href=\"http"),
        "nothing is loaded from elsewhere"
    );
}

#[test]
fn everything_is_counted() {
    let view = stage().view;
    let in_flight = view.observers.metrics.begin();
    let mut broken = record("org/x", "payments", "m");
    broken.verdict = Verdict::Failed;
    broken.failed("upstream_unreachable", Blame::Upstream);
    for record in [
        record("org/x", "payments", "m"),
        broken,
        Record::new("sp_9".into(), 0),
    ] {
        let observed = Observed::of(record);
        view.observers.metrics.exchange(&observed);
        view.observers.decisions.write(observed);
    }
    assert!(view.observers.decisions.flush());
    let text = get(&view, "/metrics").body;
    let shown: Vec<&str> = text
        .lines()
        .filter(|line| {
            !line.starts_with('#') && !line.contains("_bucket") && !line.contains("policy_i")
        })
        .collect();
    expect![[r#"
        sallyport_audit_tree_size 0
        sallyport_audit_unsynced 0
        sallyport_build_info{version="0.1.0"} 1
        sallyport_compression_originals_bytes 0
        sallyport_decisions_dropped_total 0
        sallyport_decisions_written_total 3
        sallyport_exchanges_in_flight 1
        sallyport_exchanges_total{operation="chat",route="openai",status="4xx",verdict="denied"} 1
        sallyport_exchanges_total{operation="chat",route="openai",status="4xx",verdict="failed"} 1
        sallyport_exchanges_total{operation="none",route="none",status="none",verdict="failed"} 1
        sallyport_failures_total{blame="upstream",code="upstream_unreachable"} 1
        sallyport_findings_total{flow="request",label="pii.email"} 2
        sallyport_firewall_windows_waiting 0
        sallyport_history_dropped_total 0
        sallyport_history_exchanges 0
        sallyport_loads_total{outcome="failed",what="keys"} 0
        sallyport_loads_total{outcome="failed",what="policies"} 0
        sallyport_loads_total{outcome="ok",what="keys"} 1
        sallyport_loads_total{outcome="ok",what="policies"} 1
        sallyport_refusals_total{rule="org/x"} 2
        sallyport_stage_seconds_sum{stage="total"} 0.003
        sallyport_stage_seconds_count{stage="total"} 2
        sallyport_tokens_total{kind="input",route="openai",team="payments"} 200
        sallyport_tokens_total{kind="output",route="openai",team="payments"} 14
        sallyport_tool_sessions 0"#]]
    .assert_eq(&shown.join("\n"));
    assert!(text.contains(&format!(
        "sallyport_policy_info{{revision=\"{}\"}} 1",
        view.policies.status().revision
    )));
    drop(in_flight);
    assert!(
        get(&view, "/metrics")
            .body
            .contains("sallyport_exchanges_in_flight 0")
    );
    assert!(
        get(&view, "/metrics")
            .body
            .contains("sallyport_decisions_written_total 3"),
        "counted once, however often it is looked at"
    );
}

#[test]
fn labels_are_bounded_whatever_is_sent() {
    let view = stage().view;
    for number in 0..5_000 {
        view.observers.metrics.exchange(&Observed::of(record(
            &format!("org/{number}"),
            &format!("team{number}"),
            &format!("model {number}"),
        )));
    }
    let text = get(&view, "/metrics").body;
    let lines = text.lines().count();
    assert!(lines < 2_500, "{lines} lines");
    assert!(
        text.contains("sallyport_refusals_total{rule=\"other\"} 4500"),
        "the rest is counted together"
    );
    assert!(!text.contains("model 1"), "models are no label");
}
