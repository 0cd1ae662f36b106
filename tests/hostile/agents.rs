//! Agents that are slow, leave, or never stop asking; and the others, who should not notice.

use super::{ANSWER, BODY, IMPATIENT, head, scene, send, serves};
use sallyport_tests::{Ask, BLUE_KEY, FakeUpstream, Gateway, Step, sse};
use std::time::{Duration, Instant};

const STREAM: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;

fn event(words: &str) -> String {
    let data = serde_json::json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": {"content": words}, "finish_reason": null}]});
    format!("data: {data}\n\n")
}

fn begun() -> Vec<Step> {
    let words = "Words and words and more words, so many that the first of them may go. ".repeat(4);
    let mut steps = sse(&[event(&words), event(&words)]);
    steps.pop();
    steps.push(Step::Hold);
    steps
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_leaves_a_stream_stops_the_provider_within_a_second() {
    let upstream = FakeUpstream::sends(begun()).await;
    let mut gateway = Gateway::new().upstream(&upstream).start().await;
    let mut agent = gateway.connect().await;
    agent
        .send(Ask::post("/v1/chat/completions", STREAM).bytes())
        .await;
    agent.until("Words").await;
    let left = Instant::now();
    drop(agent);
    upstream.hung_up(1).await;
    assert!(
        left.elapsed() < Duration::from_secs(1),
        "took {:?}",
        left.elapsed()
    );
    let record = gateway.record().await;
    assert_eq!(record["failure"]["blame"], "agent", "{record}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_leaves_before_an_answer_stops_the_provider_within_a_second() {
    for body in [BODY, STREAM] {
        let upstream = FakeUpstream::sends(vec![Step::Hold]).await;
        let gateway = Gateway::new().upstream(&upstream).start().await;
        let mut agent = gateway.connect().await;
        agent
            .send(Ask::post("/v1/chat/completions", body).bytes())
            .await;
        upstream.received(1).await;
        let left = Instant::now();
        drop(agent);
        upstream.hung_up(1).await;
        assert!(
            left.elapsed() < Duration::from_secs(1),
            "took {:?}",
            left.elapsed()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_does_not_read_costs_little_and_is_dropped() {
    let words = "word ".repeat(12_000);
    let mut steps = sse(&[event("hello")]);
    steps.pop();
    steps.extend((0..2_000).map(|_| Step::Send(sallyport_tests_chunk(&event(&words)))));
    let upstream = FakeUpstream::sends(steps).await;
    let gateway = Gateway::with_config(IMPATIENT)
        .upstream(&upstream)
        .start()
        .await;
    let mut agent = gateway.connect().await;
    agent
        .send(Ask::post("/v1/chat/completions", STREAM).bytes())
        .await;
    upstream.hung_up(1).await;
    let (_, high) = gateway.memory();
    assert!(
        high < 150 << 20,
        "120 MB that nobody reads grew the gateway to {high}"
    );
    drop(agent);
}

fn sallyport_tests_chunk(event: &str) -> Vec<u8> {
    format!("{:x}\r\n{event}\r\n", event.len()).into()
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_and_bodies_that_drip_are_given_up() {
    let (gateway, upstream) = scene().await;
    let starts = [
        "POST /v1/chat/completions HT".to_owned(),
        head("POST /v1/chat/completions HTTP/1.1", "x-slow: "),
        format!(
            "{}\r\n{{",
            head(
                "POST /v1/chat/completions HTTP/1.1",
                "content-length: 50\r\n"
            )
        ),
        format!(
            "{}\r\n5\r\n{{",
            head(
                "POST /v1/chat/completions HTTP/1.1",
                "transfer-encoding: chunked\r\n"
            )
        ),
    ];
    for start in starts {
        let mut agent = gateway.connect().await;
        agent.send(&start).await;
        let begun = Instant::now();
        let answer = agent.answer().await;
        assert!(
            matches!(answer.status, 0 | 400 | 408),
            "{start}: {}",
            answer.status
        );
        assert!(
            begun.elapsed() < Duration::from_secs(6),
            "{start}: took {:?}",
            begun.elapsed()
        );
    }
    assert_eq!(upstream.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_drips_byte_by_byte_is_given_up() {
    let (gateway, _upstream) = scene().await;
    let mut agent = gateway.connect().await;
    let begun = Instant::now();
    let bytes = head(
        "POST /v1/chat/completions HTTP/1.1",
        &format!("x-slow: {}", "a".repeat(500)),
    );
    for byte in bytes.bytes() {
        agent.send([byte]).await;
        if agent.closes_within(Duration::from_millis(100)).await {
            break;
        }
    }
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "a slow head was read for {:?}",
        begun.elapsed()
    );
}

/// Fewer bytes than the preface of HTTP/2 has, and then nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_says_little_is_closed() {
    let (gateway, _upstream) = scene().await;
    for start in ["", "G", "PRI * HTTP/2.0", "GET / HTTP/1.0\r\n\r\n"] {
        let mut agent = gateway.connect().await;
        agent.send(start).await;
        assert!(
            agent.closes_within(Duration::from_secs(6)).await,
            "{start:?}: the connection is held for ever"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn others_do_not_notice() {
    let (gateway, _upstream) = scene().await;
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut agent = gateway.connect().await;
        agent
            .send(head(
                "POST /v1/chat/completions HTTP/1.1",
                "content-length: 100\r\n\r\n{",
            ))
            .await;
        slow.push(agent);
    }
    for _ in 0..20 {
        let asked = Instant::now();
        let answer = gateway
            .ask(Ask::post("/v1/chat/completions", BODY).key(BLUE_KEY))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(
            asked.elapsed() < Duration::from_secs(1),
            "took {:?}",
            asked.elapsed()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_body_costs_less_than_twenty_times_its_size() {
    let (gateway, _upstream) = scene().await;
    serves(&gateway).await;
    let (before, _) = gateway.memory();
    let size = 16 << 20;
    let texts = [
        BODY.replace("hi", &"word ".repeat(size / 5)),
        BODY.replace("hi", &"\\u0041".repeat(size / 6)),
        format!(
            r#"{{"model":"m","messages":[{}{{"role":"user","content":"hi"}}]}}"#,
            r#"{"role":"user","content":"a"},"#.repeat(size / 29)
        ),
        format!(
            r#"{{"model":"m","messages":[],"x":[{}0]}}"#,
            "0,".repeat(size / 2)
        ),
        BODY.replace("hi", &"a@b.co ".repeat(size / 7)),
    ];
    for body in texts {
        let start: String = body.chars().skip(40).take(40).collect();
        let length = body.len();
        let answer = gateway.ask(Ask::post("/v1/chat/completions", body)).await;
        let (_, high) = gateway.memory();
        let ratio = high.saturating_sub(before) as f64 / length as f64;
        println!(
            "{start}…: answered {}, {ratio:.1} times its size",
            answer.status
        );
        assert!(ratio < 20.0, "{start}…: {ratio:.1} times its size");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_expects_to_go_on_is_told_to() {
    let (gateway, upstream) = scene().await;
    let mut agent = gateway.connect().await;
    let length = BODY.len();
    agent
        .send(head(
            "POST /v1/chat/completions HTTP/1.1",
            &format!("content-length: {length}\r\nexpect: 100-continue\r\n\r\n"),
        ))
        .await;
    agent.until("100 Continue\r\n\r\n").await;
    agent.send(BODY).await;
    assert_eq!(agent.answer().await.status, 200);
    assert_eq!(upstream.requests()[0].header("expect"), None);
    let refused = head(
        "POST /v1/nothing HTTP/1.1",
        &format!("content-length: {length}\r\nexpect: 100-continue\r\n\r\n"),
    );
    let (answer, _) = send(&gateway, refused.as_bytes()).await;
    assert_eq!(answer.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_streams_in_flight_finish() {
    let words = "Words and words and more words, so many that the first of them may go. ".repeat(4);
    let mut steps = sse(&[
        event(&words),
        event("The end."),
        "data: [DONE]\n\n".to_owned(),
    ]);
    steps.insert(2, Step::Wait);
    let upstream = FakeUpstream::sends(steps).await;
    let mut gateway = Gateway::new().upstream(&upstream).start().await;
    let mut agent = gateway.connect().await;
    agent
        .send(Ask::post("/v1/chat/completions", STREAM).bytes())
        .await;
    agent.until("Words").await;
    gateway.signal("TERM");
    upstream.go_on();
    let answer = agent.answer().await;
    assert!(
        answer.complete && answer.text().contains("The end.") && answer.text().contains("[DONE]"),
        "{}",
        answer.text()
    );
    assert!(gateway.ends().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_breaks_does_not_stop_the_others() {
    let upstream = FakeUpstream::answers(ANSWER).await;
    let policy = "package sallyport.teams.red\n\ndefault allow := true\n\ndeny contains {\"rule\": \"loop\", \"say\": \"x\"} if {\n\tsome a in numbers.range(1, 100000)\n\tsome b in numbers.range(1, 100000)\n\ta * b == -1\n}\n";
    let gateway = Gateway::new()
        .policy("red.rego", policy)
        .upstream(&upstream)
        .start()
        .await;
    let answer = gateway.ask(Ask::post("/v1/chat/completions", BODY)).await;
    assert_eq!(
        answer.status,
        403,
        "a policy that takes too long denies: {}",
        answer.text()
    );
    assert_eq!(upstream.requests().len(), 0);
    let answer = gateway
        .ask(Ask::post("/v1/chat/completions", BODY).key(BLUE_KEY))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}
