//! HTTP/2, honest and otherwise.

use super::{BODY, IMPATIENT, scene, serves};
use sallyport_tests::{Ask, FakeUpstream, Gateway, RED_KEY, Step, h2, soon, sse};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn it_is_judged_like_http1() {
    let (gateway, upstream) = scene().await;
    let mut agent = h2::connect(gateway.agents).await;
    let answer = h2::ask(&mut agent, h2::post("/v1/chat/completions", RED_KEY, BODY)).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.headers().contains_key("x-sallyport-id"));
    let answer = h2::ask(
        &mut agent,
        h2::post("/v1/chat/completions", "sp-nobody", BODY),
    )
    .await;
    assert_eq!(answer.status(), 401);
    let answer = h2::ask(
        &mut agent,
        h2::post("/v1/x/../chat/completions", RED_KEY, BODY),
    )
    .await;
    assert!(
        matches!(answer.status().as_u16(), 400 | 404),
        "{}",
        answer.status()
    );
    let answer = h2::ask(
        &mut agent,
        h2::post(
            "/v1/chat/completions",
            RED_KEY,
            r#"{"model":"a","model":"b"}"#,
        ),
    )
    .await;
    assert_eq!(answer.status(), 400);
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_streams_at_once_are_all_answered() {
    let (gateway, upstream) = scene().await;
    let agent = h2::connect(gateway.agents).await;
    let asked: Vec<_> = (0..60)
        .map(|_| {
            let mut agent = agent.clone();
            tokio::spawn(async move {
                h2::ask(&mut agent, h2::post("/v1/chat/completions", RED_KEY, BODY))
                    .await
                    .status()
            })
        })
        .collect();
    for status in asked {
        assert_eq!(status.await.expect("no panic"), 200);
    }
    assert_eq!(upstream.requests().len(), 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_left_stops_the_provider() {
    let words = "Words and words and more words, so many that the first of them may go. ".repeat(8);
    let data = serde_json::json!({"choices": [{"index": 0, "delta": {"content": words}}]});
    let mut steps = sse(&[format!("data: {data}\n\n")]);
    steps.pop();
    steps.push(Step::Hold);
    let upstream = FakeUpstream::sends(steps).await;
    let gateway = Gateway::new().upstream(&upstream).start().await;
    let mut agent = h2::connect(gateway.agents).await;
    let body = BODY.replacen('{', r#"{"stream":true,"#, 1);
    let response = soon(
        "an answer",
        agent.send_request(h2::post("/v1/chat/completions", RED_KEY, &body)),
    )
    .await
    .expect("an answer");
    assert_eq!(response.status(), 200);
    let left = Instant::now();
    drop(response);
    upstream.hung_up(1).await;
    assert!(
        left.elapsed() < Duration::from_secs(1),
        "took {:?}",
        left.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_are_reset_at_once_do_no_harm() {
    let (gateway, _upstream) = scene().await;
    let (before, _) = gateway.memory();
    for _ in 0..10 {
        let agent = h2::connect(gateway.agents).await;
        for _ in 0..200 {
            let mut agent = agent.clone();
            let request = agent.send_request(h2::post("/v1/chat/completions", RED_KEY, BODY));
            // Begun, and dropped before an answer: a reset.
            let _ = tokio::time::timeout(Duration::from_micros(50), request).await;
        }
    }
    let (_, high) = gateway.memory();
    assert!(
        high.saturating_sub(before) < 100 << 20,
        "2000 resets grew the gateway by {}",
        high - before
    );
    serves(&gateway).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_are_none_close_the_connection_only() {
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let frame = |length: u32, kind: u8, flags: u8, stream: u32, payload: &[u8]| {
        let mut frame = length.to_be_bytes()[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        frame
    };
    let floods: Vec<(&str, Vec<u8>)> = vec![
        ("garbage", b"hello, is this the gateway?".to_vec()),
        (
            "a frame that is too large",
            frame(1 << 22, 0, 0, 1, &[0; 64]),
        ),
        ("data without a head", frame(4, 0, 1, 1, b"hiya")),
        ("a head that is no HPACK", frame(4, 1, 5, 1, &[0xff; 4])),
        (
            "continuations without end",
            [
                frame(1, 1, 0, 1, &[0x82]),
                frame(1, 9, 0, 1, &[0x84]).repeat(20_000),
            ]
            .concat(),
        ),
        (
            "settings without end",
            frame(6, 4, 0, 0, &[0, 4, 0, 0, 255, 255]).repeat(20_000),
        ),
        (
            "pings without end",
            frame(8, 6, 0, 0, &[1; 8]).repeat(20_000),
        ),
        (
            "a window beyond all numbers",
            frame(4, 8, 0, 0, &[0x7f, 0xff, 0xff, 0xff]).repeat(4),
        ),
        (
            "empty data without end",
            frame(0, 0, 0, 1, &[]).repeat(20_000),
        ),
        (
            "priorities without end",
            frame(5, 2, 0, 3, &[0, 0, 0, 1, 9]).repeat(20_000),
        ),
    ];
    let upstream = FakeUpstream::answers(super::ANSWER).await;
    let gateway = Gateway::with_config(IMPATIENT)
        .upstream(&upstream)
        .start()
        .await;
    serves(&gateway).await;
    let (before, _) = gateway.memory();
    for (name, bytes) in floods {
        let mut agent = gateway.connect().await;
        agent
            .send([preface.as_slice(), settings.as_slice(), bytes.as_slice()].concat())
            .await;
        agent.closes_within(Duration::from_secs(3)).await;
        serves(&gateway).await;
        let (_, high) = gateway.memory();
        assert!(
            high.saturating_sub(before) < 64 << 20,
            "{name}: the gateway grew by {}",
            high - before
        );
    }
    assert!(upstream.requests().iter().all(|seen| seen.text() == BODY));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_can_be_turned_off() {
    let upstream = FakeUpstream::answers(super::ANSWER).await;
    let gateway = Gateway::with_config("agents:\n  listen: 127.0.0.1:0\n  http2: false\n")
        .upstream(&upstream)
        .start()
        .await;
    let mut agent = gateway.connect().await;
    agent.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    let answer = agent.answer().await;
    assert!(matches!(answer.status, 0 | 400 | 505), "{}", answer.status);
    let answer = gateway.ask(Ask::post("/v1/chat/completions", BODY)).await;
    assert_eq!(answer.status, 200);
}
