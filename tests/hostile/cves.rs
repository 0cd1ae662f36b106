//! What was wrong in Pingora once, as it would look here.

use super::{ANSWER, BODY, IMPATIENT, head, scene, send, serves};
use sallyport_tests::{Ask, BLUE_KEY, FakeUpstream, Gateway, RED_KEY, Step};

fn smuggled() -> String {
    let length = BODY.len();
    format!(
        "{}\r\n{BODY}",
        head(
            "POST /v1/chat/completions HTTP/1.1",
            &format!("content-length: {length}\r\n")
        )
    )
}

/// CVE-2025-4366: a request that was answered without reading its body left the body to be read as the next request.
#[tokio::test(flavor = "multi_thread")]
async fn an_unread_body_is_not_the_next_request() {
    let (gateway, upstream) = scene().await;
    let inner = smuggled();
    let length = inner.len();
    let heads = [
        format!(
            "POST /v1/nothing HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {RED_KEY}\r\n"
        ),
        "POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n"
            .to_owned(),
        format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {RED_KEY}\r\ncontent-type: text/plain\r\n"
        ),
        format!("GET /v1/models HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {RED_KEY}\r\n"),
        format!(
            "GET /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {RED_KEY}\r\n"
        ),
        format!(
            "POST /v1/responses/x/cancel HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {RED_KEY}\r\n"
        ),
    ];
    for head in heads {
        for framed in [
            format!("{head}content-length: {length}\r\n\r\n{inner}"),
            format!("{head}transfer-encoding: chunked\r\n\r\n{length:x}\r\n{inner}\r\n0\r\n\r\n"),
        ] {
            let (answer, rest) = send(&gateway, framed.as_bytes()).await;
            assert!(
                (400..500).contains(&answer.status),
                "{head}: {} {}",
                answer.status,
                answer.text()
            );
            assert!(
                rest.is_empty(),
                "{head}: a second answer: {}",
                String::from_utf8_lossy(&rest)
            );
        }
    }
    assert_eq!(upstream.requests().len(), 0);
    serves(&gateway).await;
}

/// CVE-2026-2833: after a request with `Upgrade`, whatever followed went through unread before the upstream had agreed.
#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_lets_nothing_through() {
    for protocol in ["websocket", "foo", "h2c", "TLS/1.0"] {
        let (gateway, upstream) = scene().await;
        let upgrade = format!(
            "connection: Upgrade\r\nupgrade: {protocol}\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n"
        );
        let length = BODY.len();
        let first = [
            format!("{}\r\n", head("GET /v1/responses HTTP/1.1", &upgrade)),
            format!("{}\r\n", head("GET /v1/models HTTP/1.1", &upgrade)),
            format!(
                "{}\r\n{BODY}",
                head(
                    "POST /v1/chat/completions HTTP/1.1",
                    &format!("{upgrade}content-length: {length}\r\n")
                )
            ),
        ];
        for first in first {
            let hidden = "GET /v1/secret HTTP/1.1\r\nhost: gateway\r\n\r\n";
            let (answer, rest) = send(&gateway, format!("{first}{hidden}").as_bytes()).await;
            assert_ne!(answer.status, 101, "{protocol}: {first}");
            assert!(
                !String::from_utf8_lossy(&rest).contains(" 101 "),
                "{protocol}"
            );
        }
        for seen in upstream.requests() {
            assert!(
                !seen.head.contains("secret") && !seen.text().contains("secret"),
                "{protocol}: {}",
                seen.head
            );
            assert_eq!(seen.header("upgrade"), None, "{protocol}");
        }
        serves(&gateway).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_attempt_is_told_to_fall_back() {
    let (gateway, upstream) = scene().await;
    let ask = Ask::get("/v1/responses")
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("sec-websocket-version", "13");
    let answer = gateway.ask(ask).await;
    assert_eq!(answer.status, 426, "{}", answer.text());
    assert_eq!(upstream.requests().len(), 0);
}

/// CVE-2026-2835: HTTP/1.0 requests whose body was taken to end with the connection, and codings read wrongly.
#[tokio::test(flavor = "multi_thread")]
async fn old_requests_have_no_body_without_a_length() {
    let (gateway, upstream) = scene().await;
    let n = format!("{:x}", BODY.len());
    let old = |headers: &str, body: &str| {
        format!(
            "{}\r\n{body}",
            head("POST /v1/chat/completions HTTP/1.0", headers)
        )
        .into_bytes()
    };
    let cases = [
        ("no length", old("", BODY)),
        (
            "no length, to be kept alive",
            old(
                "connection: keep-alive\r\n",
                "GET /v1/models HTTP/1.1\r\nhost: a\r\n\r\n",
            ),
        ),
        (
            "chunks",
            old(
                "transfer-encoding: chunked\r\n",
                &format!("{n}\r\n{BODY}\r\n0\r\n\r\n"),
            ),
        ),
        (
            "chunks and a length",
            old(
                &format!(
                    "transfer-encoding: chunked\r\ncontent-length: {}\r\n",
                    BODY.len()
                ),
                BODY,
            ),
        ),
        (
            "two codings",
            old(
                "transfer-encoding: identity, chunked\r\n",
                &format!("{n}\r\n{BODY}\r\n0\r\n\r\n"),
            ),
        ),
        ("an unknown coding", old("transfer-encoding: x\r\n", BODY)),
    ];
    for (name, bytes) in cases {
        let (answer, rest) = send(&gateway, &bytes).await;
        assert!(
            answer.status == 0 || (400..500).contains(&answer.status),
            "{name}: {} {}",
            answer.status,
            answer.text()
        );
        assert!(!String::from_utf8_lossy(&rest).contains("200 OK"), "{name}");
    }
    assert_eq!(upstream.requests().len(), 0);
    let whole = old(&format!("content-length: {}\r\n", BODY.len()), BODY);
    let (answer, _) = send(&gateway, &whole).await;
    assert_eq!(
        answer.status,
        200,
        "an old request with a length is served: {}",
        answer.text()
    );
}

/// CVE-2026-2836: one caller's answer kept under a key that another caller's request had too. Nothing is kept here.
#[tokio::test(flavor = "multi_thread")]
async fn no_answer_is_given_to_two_callers() {
    let upstream = FakeUpstream::plays(|seen| {
        let words = seen.json()["messages"][0]["content"].as_str().unwrap_or_default().to_owned();
        let body = ANSWER.replace("hello", &format!("to {words}"));
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: public, max-age=3600\r\n";
        vec![Step::Send(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into())]
    })
    .await;
    let gateway = Gateway::with_config(IMPATIENT)
        .upstream(&upstream)
        .start()
        .await;
    for (key, host, words) in [
        (RED_KEY, "a", "one"),
        (BLUE_KEY, "b", "two"),
        (RED_KEY, "b", "three"),
    ] {
        let body = BODY.replace("hi", words);
        let length = body.len();
        let bytes = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let mut agent = gateway.connect().await;
        let answer = agent.send(bytes).await.answer().await;
        assert!(
            answer.text().contains(&format!("to {words}")),
            "{}",
            answer.text()
        );
    }
    assert_eq!(upstream.requests().len(), 3);
}
