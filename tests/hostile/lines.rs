//! Request lines and headers.

use super::{BODY, IMPATIENT, all_refused, head, scene, send, serves};
use sallyport_tests::{Ask, BLUE_KEY, FakeUpstream, Gateway, RED_KEY};

fn post(path: &str) -> Vec<u8> {
    let length = BODY.len();
    format!(
        "{}\r\n{BODY}",
        head(
            &format!("POST {path} HTTP/1.1"),
            &format!("content-length: {length}\r\n")
        )
    )
    .into_bytes()
}

fn chat(headers: &str) -> Vec<u8> {
    let length = format!("content-length: {}\r\n", BODY.len());
    format!(
        "{}{headers}\r\n{BODY}",
        head("POST /v1/chat/completions HTTP/1.1", &length)
    )
    .into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_have_one_normal_form() {
    let paths = [
        "//v1/chat/completions",
        "/v1//chat/completions",
        "/v1/./chat/completions",
        "/v1/x/../chat/completions",
        "/v1/%2e%2e/v1/chat/completions",
        "/v1/chat%2fcompletions",
        "/v1/chat/completions%00",
        "/v1/chat/completion%73",
        "/v1/chat/completions/",
        "/v1/chat/completions;x=1",
        "/v1\\chat\\completions",
        "/V1/chat/completions",
        "/v1/chat/completions/..",
        "/v1/chat/complétions",
        "http://gateway/v1/chat/completions",
        "https://elsewhere.test/v1/chat/completions",
        "*",
        "gateway:80",
        "v1/chat/completions",
        "",
    ];
    let mut cases: Vec<(&str, Vec<u8>)> = paths.iter().map(|path| (*path, post(path))).collect();
    cases.push((
        "a path of 100 KB",
        post(&format!("/v1/{}", "a".repeat(100_000))),
    ));
    cases.push((
        "a query of 100 KB",
        post(&format!("/v1/chat/completions?{}", "a".repeat(100_000))),
    ));
    all_refused(&cases, &[400, 404, 405, 414, 431]).await;
}

/// What the parser of HTTP mends, it mends before anything is judged: judged and sent are the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_mended_is_mended_for_everybody() {
    for (path, sent) in [
        ("/v1/chat/completions#x", "/v1/chat/completions"),
        (
            "/v1/chat/completions?a=%20 b",
            "/v1/chat/completions?a=%20%20b",
        ),
    ] {
        let (gateway, upstream) = scene().await;
        let (answer, _) = send(&gateway, &post(path)).await;
        assert!(
            matches!(answer.status, 200 | 400),
            "{path}: {}",
            answer.status
        );
        for seen in upstream.requests() {
            assert_eq!(seen.line(), format!("POST {sent} HTTP/1.1"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_that_have_no_business_here() {
    let (gateway, upstream) = scene().await;
    for method in [
        "CONNECT", "TRACE", "OPTIONS", "PUT", "PATCH", "DELETE", "PROPFIND", "post",
    ] {
        for path in [
            "/v1/chat/completions",
            "/v1/models",
            "*",
            "internal.test:443",
        ] {
            let (answer, _) = send(
                &gateway,
                &format!("{}\r\n", head(&format!("{method} {path} HTTP/1.1"), "")).into_bytes(),
            )
            .await;
            assert!(
                matches!(answer.status, 0 | 400 | 404 | 405 | 501),
                "{method} {path}: {}",
                answer.status
            );
        }
    }
    let mut agent = gateway.connect().await;
    let answer = agent
        .ask(&Ask::get("/v1/chat/completions").method("HEAD"))
        .await;
    assert!(
        matches!(answer.status, 400 | 404 | 405),
        "{}",
        answer.status
    );
    assert_eq!(upstream.requests().len(), 0);
    serves(&gateway).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn request_lines_that_are_none() {
    let line = |line: &str| {
        format!(
            "{}content-length: {}\r\n\r\n{BODY}",
            head(line, ""),
            BODY.len()
        )
        .into_bytes()
    };
    let cases = [
        ("no version", line("POST /v1/chat/completions")),
        (
            "an unknown version",
            line("POST /v1/chat/completions HTTP/3.7"),
        ),
        (
            "a lower-case version",
            line("POST /v1/chat/completions http/1.1"),
        ),
        (
            "words after the version",
            line("POST /v1/chat/completions HTTP/1.1 x"),
        ),
        ("a tabulator", line("POST\t/v1/chat/completions\tHTTP/1.1")),
        ("a zero byte", line("POST /v1/chat/\0completions HTTP/1.1")),
        (
            "garbage",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello, is this the gateway? \r\n\r\n"
                .to_vec(),
        ),
    ];
    all_refused(&cases, &[400, 404, 405, 505]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_are_none() {
    let cases = [
        ("a space in a name", chat("x bad: 1\r\n")),
        ("no colon", chat("x-bad\r\n")),
        ("no name", chat(": 1\r\n")),
        ("a zero byte in a value", chat("x-bad: a\0b\r\n")),
        ("a bare carriage return in a value", chat("x-bad: a\rb\r\n")),
        ("a folded line", chat("x-bad: a\r\n b\r\n")),
        (
            "an underscore in a name",
            chat("x_sallyport_team: root\r\n"),
        ),
        ("a control character in a name", chat("x\x01bad: 1\r\n")),
        (
            "70 KB of one header",
            chat(&format!("x-long: {}\r\n", "a".repeat(70_000))),
        ),
        (
            "5000 headers",
            chat(
                &(0..5000)
                    .map(|n| format!("x-{n}: 1\r\n"))
                    .collect::<String>(),
            ),
        ),
    ];
    all_refused(&cases, &[400, 408, 431]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_asked_for_and_must_agree() {
    let (gateway, upstream) = scene().await;
    let ask = || Ask::post("/v1/chat/completions", BODY);
    let cases = [
        ("none", ask().no_key()),
        ("an unknown one", ask().key("sp-nobody")),
        (
            "another scheme",
            ask()
                .no_key()
                .header("authorization", &format!("Basic {RED_KEY}")),
        ),
        ("two that differ", ask().header("x-api-key", BLUE_KEY)),
        (
            "two in one kind of header",
            ask().header("authorization", &format!("Bearer {BLUE_KEY}")),
        ),
        (
            "one in the query",
            Ask::post(&format!("/v1/chat/completions?key={RED_KEY}"), BODY).no_key(),
        ),
        (
            "one in a cookie",
            ask().no_key().header("cookie", &format!("key={RED_KEY}")),
        ),
        ("a very long one", ask().key(&"k".repeat(10_000))),
    ];
    for (name, ask) in cases {
        let answer = gateway.ask(ask).await;
        assert_eq!(answer.status, 401, "{name}: {}", answer.text());
        assert_eq!(answer.code(), "invalid_api_key", "{name}");
        assert!(
            !answer.text().contains(RED_KEY) && !answer.text().contains(BLUE_KEY),
            "{name}: the answer holds a key"
        );
    }
    assert_eq!(upstream.requests().len(), 0);
    let answer = gateway
        .ask(ask().no_key().header("x-api-key", RED_KEY))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_says_of_itself_stays_here() {
    let (gateway, upstream) = scene().await;
    let forged = [
        ("x-forwarded-for", "10.0.0.1"),
        ("x-forwarded-user", "root"),
        ("x-forwarded-host", "elsewhere.test"),
        ("forwarded", "for=10.0.0.1"),
        ("x-real-ip", "10.0.0.1"),
        ("x-sallyport-team", "root"),
        ("x-sallyport-id", "mine"),
        ("x-agent-id", "root"),
        ("x-original-url", "/admin"),
        ("x-client-cert", "CN=root"),
        ("cookie", "session=1"),
        ("via", "1.1 x"),
        ("proxy-authorization", "Basic eDp5"),
        ("te", "trailers"),
        ("keep-alive", "timeout=5"),
        ("x-mine", "nominated"),
    ];
    let ask = Ask::post("/v1/chat/completions", BODY).header("connection", "keep-alive, x-mine");
    let ask = forged
        .iter()
        .fold(ask, |ask, (name, value)| ask.header(name, value));
    let answer = gateway
        .ask(
            ask.header("anthropic-beta", "a,b")
                .header("x-stainless-lang", "test"),
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_ne!(answer.header("x-sallyport-id").as_deref(), Some("mine"));
    let seen = &upstream.requests()[0];
    for (name, _) in forged {
        assert_eq!(seen.header(name), None, "{name} crossed");
    }
    assert!(!seen.head.contains(RED_KEY), "the agent's key crossed");
    assert_eq!(seen.header("anthropic-beta").as_deref(), Some("a,b"));
    assert_eq!(seen.header("x-stainless-lang").as_deref(), Some("test"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_header_cannot_take_away_what_is_needed() {
    for nominated in [
        "authorization",
        "content-length",
        "content-type",
        "host",
        "x-api-key",
    ] {
        let (gateway, upstream) = scene().await;
        let answer = gateway
            .ask(
                Ask::post("/v1/chat/completions", BODY)
                    .header("connection", &format!("close, {nominated}")),
            )
            .await;
        assert_eq!(answer.status, 400, "{nominated}: {}", answer.text());
        assert_eq!(upstream.requests().len(), 0, "{nominated}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_are_told_once() {
    let chat = |hosts: &str| {
        let length = BODY.len();
        format!("POST /v1/chat/completions HTTP/1.1\r\n{hosts}authorization: Bearer {RED_KEY}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{BODY}").into_bytes()
    };
    let cases = [
        ("two", chat("host: a\r\nhost: b\r\n")),
        ("with a path", chat("host: a/b\r\n")),
        ("with a user", chat("host: user@a\r\n")),
        ("with a space", chat("host: a b\r\n")),
    ];
    all_refused(&cases, &[400]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_carries_nothing_of_the_providers_connection() {
    let answer = concat!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nset-cookie: a=b\r\nalt-svc: h3=\":443\"\r\n",
        "connection: x-hop\r\nx-hop: 1\r\nkeep-alive: timeout=1\r\nproxy-authenticate: Basic\r\nx-request-id: req_1\r\n",
        "x-key: provider-key-of-the-tests-0123456789\r\ncontent-length: 2\r\n\r\n{}"
    );
    let upstream = FakeUpstream::sends(vec![sallyport_tests::Step::Send(answer.into())]).await;
    let gateway = Gateway::with_config(IMPATIENT)
        .upstream(&upstream)
        .start()
        .await;
    let answer = gateway.ask(Ask::post("/v1/chat/completions", BODY)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    for name in [
        "set-cookie",
        "alt-svc",
        "x-hop",
        "keep-alive",
        "proxy-authenticate",
        "x-key",
    ] {
        assert_eq!(answer.header(name), None, "{name} crossed");
    }
    assert_eq!(answer.header("x-request-id").as_deref(), Some("req_1"));
    assert!(answer.header("x-sallyport-id").is_some());
}
