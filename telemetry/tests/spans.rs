//! What exchanges look like to a collector.

use crate::conventions::{self, check};
use crate::receiver::{Receiver, wait_for};
use crate::sample::{self, BEGAN, anew};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use sallyport_record::{Blame, Observed, Trace};
use sallyport_telemetry::{Conventions, Protocol, Settings, Telemetry};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(20);

/// The spans that an exchange becomes.
fn spans_with(observed: &Observed, protocol: Protocol, tune: impl Fn(&mut Settings)) -> Vec<Span> {
    let receiver = Receiver::start(protocol);
    let mut settings = receiver.settings();
    tune(&mut settings);
    let telemetry = Telemetry::start(settings).expect("starts");
    telemetry.observe(Arc::new(observed.clone()));
    let standing = telemetry.shutdown(LONG);
    assert_eq!(standing.failed.spans, 0, "{standing:?}");
    assert_eq!(standing.sent.spans, receiver.spans().len() as u64);
    receiver.spans()
}

fn spans(observed: &Observed) -> Vec<Span> {
    spans_with(observed, Protocol::Http, |_| {})
}

fn of_kind(spans: &[Span], kind: SpanKind) -> &Span {
    let mut found = spans.iter().filter(|span| span.kind == kind as i32);
    let span = found.next().expect("one of that kind");
    assert_eq!(found.next(), None, "one of that kind");
    span
}

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let mut found = spans.iter().filter(|span| span.name == name);
    found.next().unwrap_or_else(|| panic!("a span {name}"))
}

fn value<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    let found = attributes.iter().find(|a| a.key == key)?;
    found.value.as_ref()?.value.as_ref()
}

fn text<'a>(attributes: &'a [KeyValue], key: &str) -> &'a str {
    match value(attributes, key) {
        Some(Value::StringValue(text)) => text,
        other => panic!("{key} is {other:?}"),
    }
}

fn int(attributes: &[KeyValue], key: &str) -> i64 {
    match value(attributes, key) {
        Some(Value::IntValue(int)) => *int,
        other => panic!("{key} is {other:?}"),
    }
}

fn texts<'a>(attributes: &'a [KeyValue], key: &str) -> Vec<&'a str> {
    let Some(Value::ArrayValue(list)) = value(attributes, key) else {
        panic!("{key} is no list");
    };
    let values = list.values.iter().map(|v| match &v.value {
        Some(Value::StringValue(text)) => text.as_str(),
        other => panic!("{key} holds {other:?}"),
    });
    values.collect()
}

fn trace(observed: &Observed) -> &Trace {
    observed.trace.as_ref().expect("a trace")
}

/// Ids, parents and times hold together.
fn check_tree(observed: &Observed, spans: &[Span]) {
    let trace = trace(observed);
    let root = of_kind(spans, SpanKind::Server);
    assert_eq!(root.span_id, trace.span.0);
    let mut ids = HashSet::new();
    for span in spans {
        assert_eq!(span.trace_id, trace.trace.0);
        assert!(span.span_id.iter().any(|&b| b != 0) && ids.insert(&span.span_id));
        assert!(span.start_time_unix_nano >= BEGAN as u64);
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
        assert!(
            span.end_time_unix_nano <= root.end_time_unix_nano,
            "{}",
            span.name
        );
        if span.span_id != root.span_id {
            assert_eq!(span.parent_span_id, trace.span.0, "{}", span.name);
            assert_eq!(span.flags & 0x300, 0x100, "the parent is of this process");
        }
    }
}

#[test]
fn a_chat_is_a_server_span_an_inference_span_and_its_stages_by_both_protocols() {
    for protocol in [Protocol::Http, Protocol::Grpc] {
        for latest in [Conventions::V1_41, Conventions::Latest] {
            let observed = sample::chat();
            let spans = spans_with(&observed, protocol, |s| s.conventions = latest);
            check_tree(&observed, &spans);
            assert_eq!(spans.len(), 9);
            let server = of_kind(&spans, SpanKind::Server);
            check("server", &server.attributes, &conventions::http_server());
            assert_eq!(server.name, "POST /v1/chat/completions");
            assert!(server.parent_span_id.is_empty() && server.links.is_empty());
            assert_eq!(server.status, None);
            let client = of_kind(&spans, SpanKind::Client);
            check(
                "client",
                &client.attributes,
                &conventions::inference(latest),
            );
            assert_eq!(client.name, "chat gpt-5-mini");
            assert_eq!(client.span_id, trace(&observed).upstream.0);
            assert_eq!(client.start_time_unix_nano, BEGAN as u64 + 2_500_000);
            assert_eq!(client.end_time_unix_nano, BEGAN as u64 + 1_992_500_000);
            assert_eq!(int(&client.attributes, "gen_ai.usage.input_tokens"), 1_200);
            let first = value(&client.attributes, "gen_ai.response.time_to_first_chunk");
            assert_eq!(first, Some(&Value::DoubleValue(0.25)));
            assert_eq!(
                texts(&client.attributes, "gen_ai.response.finish_reasons"),
                ["tool_calls", "stop"]
            );
        }
    }
}

#[test]
fn decisions_are_our_own_attributes() {
    let spans = spans(&sample::chat());
    let of = &of_kind(&spans, SpanKind::Server).attributes;
    assert_eq!(text(of, "sallyport.verdict"), "redacted");
    assert_eq!(text(of, "sallyport.decision.id"), "dec-chat");
    assert_eq!(text(of, "sallyport.team"), "blue");
    assert_eq!(text(of, "sallyport.agent"), "researcher");
    assert_eq!(text(of, "sallyport.policy.revision"), "sha256:1234");
    assert_eq!(texts(of, "sallyport.rules"), ["mask_keys", "no_shell"]);
    assert_eq!(texts(of, "sallyport.refused_by"), ["no_shell"]);
    assert_eq!(int(of, "sallyport.findings"), 3);
    assert_eq!(int(of, "sallyport.findings.secret.aws"), 2);
    assert_eq!(int(of, "sallyport.findings.pii.email"), 1);
    assert_eq!(int(of, "sallyport.tokens.saved"), 400);
    assert_eq!(
        value(of, "sallyport.cost_usd"),
        Some(&Value::DoubleValue(0.0025))
    );
    let inspect = &named(&spans, "inspect request").attributes;
    assert_eq!(
        value(inspect, "sallyport.within.firewall"),
        Some(&Value::DoubleValue(0.0003))
    );
    assert_eq!(int(inspect, "sallyport.findings"), 3);
    let policy = &named(&spans, "policy answer").attributes;
    assert_eq!(texts(policy, "sallyport.refused_by"), ["no_shell"]);
    let compress = &named(&spans, "compress request").attributes;
    assert_eq!(int(compress, "sallyport.tokens.saved"), 400);
    named(&spans, "audit request");
    named(&spans, "read request");
    let events = &of_kind(&spans, SpanKind::Server).events;
    let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
    let call = "sallyport.tool_call";
    assert_eq!(
        names,
        ["sallyport.refused", "sallyport.warning", call, call]
    );
    assert_eq!(text(&events[3].attributes, "gen_ai.tool.name"), "shell");
    assert_eq!(text(&events[3].attributes, "sallyport.verdict"), "denied");
    assert_eq!(text(&events[3].attributes, "sallyport.rule"), "no_shell");
}

#[test]
fn a_tool_call_has_its_parent_from_meta_and_a_link_to_http() {
    for protocol in [Protocol::Http, Protocol::Grpc] {
        let observed = sample::tool_call();
        let spans = spans_with(&observed, protocol, |_| {});
        check_tree(&observed, &spans);
        let server = of_kind(&spans, SpanKind::Server);
        check("mcp server", &server.attributes, &conventions::mcp_server());
        assert_eq!(server.name, "tools/call get_weather");
        assert_eq!(server.parent_span_id, [0x12; 8]);
        assert_eq!(server.trace_state, "congo=t61rcWkgMzE");
        assert_eq!(server.flags, 0x301, "sampled, and the parent is remote");
        let [link] = server.links.as_slice() else {
            panic!("one link");
        };
        assert_eq!(
            (link.trace_id.as_slice(), link.span_id.as_slice()),
            (&[0x22; 16][..], &[0x23; 8][..])
        );
        assert_eq!(link.flags & 1, 0, "that span is not kept");
        let client = of_kind(&spans, SpanKind::Client);
        check("mcp client", &client.attributes, &conventions::mcp_client());
        assert_eq!(client.name, "tools/call get_weather");
        assert_eq!(client.span_id, trace(&observed).upstream.0);
    }
}

#[test]
fn a_refusal_is_no_error_and_asks_no_upstream() {
    let spans = spans(&sample::refused());
    let server = of_kind(&spans, SpanKind::Server);
    assert_eq!(server.status, None);
    assert_eq!(value(&server.attributes, "error.type"), None);
    assert_eq!(text(&server.attributes, "sallyport.verdict"), "denied");
    assert_eq!(int(&server.attributes, "http.response.status_code"), 403);
    assert!(
        spans
            .iter()
            .all(|span| span.kind != SpanKind::Client as i32)
    );
}

#[test]
fn a_failure_is_an_error_of_whoever_it_was() {
    for (blame, server_fails, client_fails) in [
        (Blame::Upstream, true, true),
        (Blame::Gateway, true, false),
        // The agent left; what it was sent until then was well.
        (Blame::Agent, false, false),
    ] {
        let mut observed = sample::failed(blame);
        if blame == Blame::Agent {
            observed.record.status = 200;
        }
        let spans = spans(&observed);
        for (kind, fails) in [
            (SpanKind::Server, server_fails),
            (SpanKind::Client, client_fails),
        ] {
            let span = of_kind(&spans, kind);
            let code = span.status.as_ref().map(|status| status.code);
            assert_eq!(
                code,
                fails.then_some(StatusCode::Error as i32),
                "{blame:?} {kind:?}"
            );
            let kind = fails.then(|| Value::StringValue("upstream_broke".into()));
            assert_eq!(value(&span.attributes, "error.type"), kind.as_ref());
        }
        let of = &of_kind(&spans, SpanKind::Server).attributes;
        assert_eq!(text(of, "sallyport.failure"), "upstream_broke");
        assert_eq!(text(of, "sallyport.blame"), blame.as_str());
    }
}

#[test]
fn a_status_that_was_handed_on_is_an_error_of_the_upstream() {
    let mut observed = sample::chat();
    observed.record.status = 429;
    let spans = spans(&observed);
    let client = of_kind(&spans, SpanKind::Client);
    assert_eq!(text(&client.attributes, "error.type"), "429");
    assert_eq!(
        of_kind(&spans, SpanKind::Server).status,
        None,
        "4xx is the agent's"
    );
}

#[test]
fn no_words_leave_unless_they_are_asked_for() {
    let words = [
        "PROMPT-WORDS",
        "ANSWER-WORDS",
        "FOUND-WORDS",
        "WARNED-WORDS",
        "contents",
        "be kind",
    ];
    let silent = format!("{:?}", spans(&sample::chat()));
    assert_eq!(words.map(|word| silent.contains(word)), [false; 6]);
    let silent = format!("{:?}", spans(&sample::tool_call()));
    assert!(!silent.contains("Paris") && !silent.contains("rainy"));
    let spans = spans_with(&sample::chat(), Protocol::Http, |s| s.content = true);
    let of = &of_kind(&spans, SpanKind::Client).attributes;
    let input: serde_json::Value =
        serde_json::from_str(text(of, "gen_ai.input.messages")).expect("JSON");
    let expected = serde_json::json!([
        {"role": "system", "parts": [{"type": "text", "content": "be kind"}]},
        {"role": "user", "parts": [{"type": "text", "content": "PROMPT-WORDS <secret.aws>"}]},
        {"role": "assistant", "parts": [
            {"type": "tool_call", "name": "read_file", "arguments": {"path": "a"}}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "response": "contents"}]},
    ]);
    assert_eq!(input, expected);
    let output: serde_json::Value =
        serde_json::from_str(text(of, "gen_ai.output.messages")).expect("JSON");
    let expected = serde_json::json!([{
        "role": "assistant",
        "parts": [
            {"type": "reasoning", "content": "hm"},
            {"type": "text", "content": "ANSWER-WORDS"}],
        "finish_reason": "tool_calls",
    }]);
    assert_eq!(output, expected);
    // A finding's words stay here whatever is asked for.
    assert!(!format!("{spans:?}").contains("FOUND-WORDS"));
    let spans = spans_with(&sample::tool_call(), Protocol::Http, |s| s.content = true);
    let of = &of_kind(&spans, SpanKind::Client).attributes;
    assert_eq!(
        text(of, "gen_ai.tool.call.arguments"),
        r#"{"city":"Paris"}"#
    );
    assert_eq!(text(of, "gen_ai.tool.call.result"), "rainy");
}

#[test]
fn content_is_bounded_and_stays_json() {
    let mut observed = sample::chat();
    let long = "\u{0}é".repeat(8 << 10);
    observed.parts = (0..200)
        .map(|n| {
            let author = if n % 2 == 0 { "user" } else { "model" };
            sample::part("request", "text", author, None, &format!("{n} {long}"))
        })
        .collect();
    let spans = spans_with(&observed, Protocol::Http, |s| s.content = true);
    let of = &of_kind(&spans, SpanKind::Client).attributes;
    let messages = text(of, "gen_ai.input.messages");
    assert!(messages.len() <= 256 << 10 && messages.len() > 100 << 10);
    let messages: Vec<serde_json::Value> = serde_json::from_str(messages).expect("JSON");
    let last = messages.last().expect("one")["parts"][0]["content"].to_string();
    assert!(last.starts_with("\"199 "), "the newest is kept");
}

#[test]
fn what_agents_choose_is_data_and_bounded() {
    let evil = "\u{1b}[2Jm\r\nINFO forged=1 \u{202e}\u{0}<script>";
    let mut observed = sample::chat();
    observed.record.model = Some(format!("{evil}{}", "x".repeat(5_000)));
    observed.record.hidden = (0..200)
        .map(|n| format!("tool-{n}-{}", "y".repeat(3_000)))
        .collect();
    observed.record.findings = (0..200)
        .map(|n| {
            let mut finding = observed.record.findings[0].clone();
            finding.label = format!("label-{n}-{}", "z".repeat(500)).into();
            finding
        })
        .collect();
    observed.record.calls = vec![observed.record.calls[0].clone(); 200];
    let spans = spans_with(&observed, Protocol::Grpc, |_| {});
    let client = of_kind(&spans, SpanKind::Client);
    let model = text(&client.attributes, "gen_ai.request.model");
    assert!(model.starts_with(evil) && model.len() <= 1_024 && model.ends_with('…'));
    assert_eq!(
        client.name, "chat other",
        "an odd long name is no name of a span"
    );
    let server = of_kind(&spans, SpanKind::Server);
    assert_eq!(texts(&server.attributes, "sallyport.hidden").len(), 32);
    let labels = server
        .attributes
        .iter()
        .filter(|a| a.key.starts_with("sallyport.findings."));
    assert_eq!(labels.clone().count(), 17, "16 and the rest");
    assert!(labels.clone().all(|a| a.key.len() < 100));
    assert_eq!(int(&server.attributes, "sallyport.findings.other"), 184);
    assert_eq!(server.events.len(), 64);
    assert_eq!(server.dropped_events_count, 202 - 64);
}

#[test]
fn names_of_spans_are_so_many_and_no_more() {
    let receiver = Receiver::start(Protocol::Http);
    let telemetry = Telemetry::start(receiver.settings()).expect("starts");
    for n in 0..700 {
        let mut observed = sample::tool_call();
        if let Some(mcp) = &mut observed.record.mcp {
            mcp.name = Some(format!("tool_{n}"));
        }
        telemetry.observe(anew(&observed));
    }
    assert_eq!(telemetry.shutdown(LONG).sent.exchanges, 700);
    let names: HashSet<String> = receiver.spans().into_iter().map(|span| span.name).collect();
    let calls = names
        .iter()
        .filter(|name| name.starts_with("tools/call"))
        .count();
    assert_eq!(calls, 501, "500 and the rest");
    assert!(names.contains("tools/call other"));
}

#[test]
fn what_is_not_sampled_is_not_sent_unless_it_was_refused_or_failed() {
    let unsampled = |mut observed: Observed| {
        if let Some(trace) = &mut observed.trace {
            trace.sampled = false;
        }
        observed
    };
    let mut plain = sample::tool_call();
    plain.record.refused_by.clear();
    for (observed, keep_refused, kept) in [
        (plain.clone(), true, false),
        (sample::refused(), true, true),
        (sample::failed(Blame::Upstream), true, true),
        // It passed, but a tool call in it was refused.
        (sample::chat(), true, true),
        (sample::refused(), false, false),
    ] {
        let observed = unsampled(observed);
        let spans = spans_with(&observed, Protocol::Http, |s| s.keep_refused = keep_refused);
        assert_eq!(
            !spans.is_empty(),
            kept,
            "{:?} {keep_refused}",
            observed.record.verdict
        );
        assert!(
            spans.iter().all(|span| span.flags & 1 == 0),
            "nobody else keeps them"
        );
    }
    plain.trace = None;
    assert_eq!(spans(&plain), []);
}

#[test]
fn the_resource_says_who_we_are() {
    let receiver = Receiver::start(Protocol::Http);
    let mut settings = receiver.settings();
    settings.resource = vec![("deployment.environment.name".into(), "production".into())];
    let telemetry = Telemetry::start(settings).expect("starts");
    telemetry.observe(Arc::new(sample::chat()));
    wait_for("spans", || !receiver.spans().is_empty());
    let resource = receiver.resource().attributes;
    assert_eq!(text(&resource, "service.name"), "sallyport");
    assert_eq!(text(&resource, "service.version"), "1.2.3");
    assert_eq!(text(&resource, "service.instance.id"), "instance-1");
    assert_eq!(text(&resource, "deployment.environment.name"), "production");
}
