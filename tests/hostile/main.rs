//! What attackers, broken clients and broken providers send.
//!
//! Three things are asked of each case: a clear error in the caller's own dialect, an upstream that saw nothing it
//! should not have, and a gateway that serves the next one as if nothing had happened.

mod agents;
mod bodies;
mod cves;
mod http2;
mod lines;
mod packing;
mod providers;
mod smuggling;

use sallyport_tests::{Answer, Ask, FakeUpstream, Gateway, RED_KEY, Running};

/// A chat request's body.
pub const BODY: &str = r#"{"model":"demo-model","messages":[{"role":"user","content":"hi"}]}"#;
/// A chat answer's body.
pub const ANSWER: &str = r#"{"id":"c","object":"chat.completion","created":1,"model":"demo-model","choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#;
/// Short time-outs, so that what waits does not wait long.
pub const IMPATIENT: &str = "timeouts:\n  request_head: 1s\n  request_body: 1s\n  keep_alive: 2s\n  connect: 1s\n  answer_head: 1s\n  answer_idle: 1s\n  agent_write: 1s\n  grace: 1s\n";

/// A gateway with short time-outs before a model that always answers.
pub async fn scene() -> (Running, FakeUpstream) {
    let upstream = FakeUpstream::answers(ANSWER).await;
    let gateway = Gateway::with_config(IMPATIENT)
        .upstream(&upstream)
        .start()
        .await;
    (gateway, upstream)
}

/// A head with the key, up to the last header's line end.
pub fn head(line: &str, headers: &str) -> String {
    format!(
        "{line}\r\nhost: gateway\r\nauthorization: Bearer {RED_KEY}\r\ncontent-type: application/json\r\n{headers}"
    )
}

/// Sends bytes on a fresh connection; gives the first answer, and everything that came after it.
pub async fn send(gateway: &Running, bytes: &[u8]) -> (Answer, Vec<u8>) {
    let mut agent = gateway.connect().await;
    agent.send(bytes).await;
    let answer = agent.answer().await;
    let rest = agent.rest().await;
    (answer, rest)
}

/// Checks that each of these requests is refused with one of `statuses`, and that the upstream sees none of them.
pub async fn all_refused(cases: &[(&str, Vec<u8>)], statuses: &[u16]) {
    let (gateway, upstream) = scene().await;
    let mut wrong = Vec::new();
    for (name, bytes) in cases {
        let before = upstream.requests().len();
        let (answer, rest) = send(&gateway, bytes).await;
        let closed = answer.status == 0;
        if !closed && !statuses.contains(&answer.status) {
            wrong.push(format!(
                "{name}: answered {} {}",
                answer.status,
                answer.text()
            ));
        }
        if answer.text().contains("hello") || String::from_utf8_lossy(&rest).contains("200 OK") {
            wrong.push(format!(
                "{name}: a second answer came: {}",
                String::from_utf8_lossy(&rest)
            ));
        }
        for seen in &upstream.requests()[before..] {
            wrong.push(format!(
                "{name}: the upstream saw {} with {}",
                seen.line(),
                seen.text()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    serves(&gateway).await;
}

/// Checks that the gateway serves an ordinary request.
pub async fn serves(gateway: &Running) {
    let answer = gateway.ask(Ask::post("/v1/chat/completions", BODY)).await;
    assert_eq!(
        (answer.status, answer.text().contains("hello")),
        (200, true),
        "{}",
        answer.text()
    );
}
