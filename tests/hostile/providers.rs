//! Providers that lie, stall, break off, or talk nonsense.

use super::{ANSWER, BODY, IMPATIENT};
use sallyport_tests::{Ask, FakeUpstream, Gateway, Running, Step, sse};
use std::time::{Duration, Instant};

const STREAM: &str = r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
const SSE_HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
const WORDS: &str =
    "I shall tell you about it now, in more words than anybody would ever have asked for. ";

fn event(words: &str) -> String {
    let data = serde_json::json!({
        "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": {"content": words}, "finish_reason": null}],
    });
    format!("data: {data}\n\n")
}

fn chunked(text: &str) -> Step {
    Step::Send(format!("{:x}\r\n{text}\r\n", text.len()).into())
}

async fn before(steps: Vec<Step>) -> (Running, FakeUpstream) {
    let upstream = FakeUpstream::sends(steps).await;
    let gateway = Gateway::with_config(IMPATIENT)
        .upstream(&upstream)
        .start()
        .await;
    (gateway, upstream)
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_answers_that_are_none() {
    let send = |text: &str| vec![Step::Send(text.as_bytes().to_vec())];
    let json = |body: &str| {
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let cases = [
        ("it closes at once", vec![Step::Cut], 502),
        ("it resets at once", vec![Step::Reset], 502),
        ("it never answers", vec![Step::Hold], 504),
        ("a head that never ends", vec![Step::Send(b"HTTP/1.1 200 OK\r\nx: ".to_vec()), Step::Hold], 504),
        ("a body that never ends", vec![Step::Send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{".to_vec()), Step::Hold], 504),
        ("no HTTP", send("SSH-2.0-OpenSSH_9.2\r\n\r\n"), 502),
        ("a status that is none", send("HTTP/1.1 2000 OK\r\ncontent-length: 0\r\n\r\n"), 502),
        ("a longer length than there is", vec![Step::Send(json(ANSWER).replace("content-length: ", "content-length: 9").into()), Step::Cut], 502),
        ("length and chunks", send(&format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n{ANSWER}\r\n")), 502),
        ("a chunk size that is none", vec![Step::Send(format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n{ANSWER}").into()), Step::Cut], 502),
        ("no JSON", send(&json("<html>all is well</html>")), 502),
        ("a key twice", send(&json(r#"{"choices":[],"choices":[]}"#)), 502),
        ("a byte order mark", send(&json("\u{feff}{}")), 502),
        ("a redirect", send("HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n"), 502),
        ("a protocol nobody asked for", vec![Step::Send(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nGET / HTTP/1.1\r\n\r\n".to_vec()), Step::Hold], 502),
    ];
    for (name, steps, status) in cases {
        let (mut gateway, _upstream) = before(steps).await;
        let answer = gateway.ask(Ask::post("/v1/chat/completions", BODY)).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
        assert!(
            answer.json()["error"]["message"].is_string(),
            "{name}: {}",
            answer.text()
        );
        assert!(answer.header("x-sallyport-id").is_some(), "{name}");
        let record = gateway.record().await;
        assert_eq!(
            (&record["verdict"], &record["failure"]["blame"]),
            (&"failed".into(), &"upstream".into()),
            "{name}: {record}"
        );
        assert!(gateway.runs(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_until_the_connection_closes_is_read() {
    let old = format!("HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n{ANSWER}");
    let (gateway, _upstream) = before(vec![Step::Send(old.into()), Step::Cut]).await;
    let answer = gateway.ask(Ask::post("/v1/chat/completions", BODY)).await;
    assert_eq!(
        (answer.status, answer.text().as_str(), answer.complete),
        (200, ANSWER, true)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_after_an_answer_is_nobodys_answer() {
    let length = ANSWER.len();
    let poisoned = ANSWER.replace("hello", "stolen");
    let steps = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{ANSWER}HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{poisoned}",
        poisoned.len()
    );
    let (gateway, _upstream) = before(vec![Step::Send(steps.into())]).await;
    for _ in 0..4 {
        let answer = gateway.ask(Ask::post("/v1/chat/completions", BODY)).await;
        assert!(
            !answer.text().contains("stolen"),
            "an answer to nobody's question was passed on"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_too_large_is_refused() {
    let large = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n\"{}\"",
        (40 << 20) + 2,
        "a".repeat(40 << 20)
    );
    let (gateway, _upstream) = before(vec![Step::Send(large.into())]).await;
    let answer = gateway.ask(Ask::post("/v1/chat/completions", BODY)).await;
    assert_eq!(
        (answer.status, answer.code()),
        (502, "answer_too_large".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_go_wrong_end_with_an_error_and_no_done() {
    let begun = || {
        vec![
            Step::Send(SSE_HEAD.into()),
            chunked(&event(WORDS)),
            chunked(&event(WORDS)),
        ]
    };
    let then = |more: Vec<Step>| [begun(), more].concat();
    let utf8 = [b"6\r\ndata: \r\n".as_slice(), b"4\r\n\xff\xfe\n\n\r\n"].concat();
    let cases = [
        ("it breaks off", then(vec![Step::Cut])),
        ("it is reset", then(vec![Step::Reset])),
        ("it stalls", then(vec![Step::Hold])),
        (
            "it ends without saying so",
            then(vec![Step::Send(b"0\r\n\r\n".to_vec())]),
        ),
        (
            "no JSON in an event",
            then(vec![chunked("data: hello\n\n"), Step::Hold]),
        ),
        (
            "half an event",
            then(vec![chunked("data: {\"choices\":"), Step::Cut]),
        ),
        (
            "a key twice",
            then(vec![
                chunked("data: {\"choices\":[],\"choices\":[]}\n\n"),
                Step::Hold,
            ]),
        ),
        ("invalid UTF-8", then(vec![Step::Send(utf8), Step::Hold])),
        (
            "a chunk size that is none",
            then(vec![Step::Send(b"zz\r\n".to_vec()), Step::Hold]),
        ),
    ];
    for (name, steps) in cases {
        let (mut gateway, _upstream) = before(steps).await;
        let asked = Instant::now();
        let answer = gateway.ask(Ask::post("/v1/chat/completions", STREAM)).await;
        let text = answer.text();
        assert_eq!(answer.status, 200, "{name}: {text}");
        assert!(
            answer.complete,
            "{name}: the agent's side ends in good order: {text}"
        );
        assert!(!text.contains("[DONE]"), "{name}: {text}");
        let last = answer.events().last().cloned().unwrap_or_default();
        assert!(last.contains("\"error\""), "{name}: {text}");
        assert!(
            asked.elapsed() < Duration::from_secs(6),
            "{name}: took {:?}",
            asked.elapsed()
        );
        let record = gateway.record().await;
        assert_eq!(
            (&record["verdict"], &record["failure"]["blame"]),
            (&"failed".into(), &"upstream".into()),
            "{name}: {record}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_beyond_all_measure_ends_the_stream() {
    let mut steps = vec![
        Step::Send(SSE_HEAD.into()),
        chunked(&event(WORDS)),
        chunked("data: "),
    ];
    steps.extend((0..40).map(|_| chunked(&"a".repeat(1 << 20))));
    steps.push(Step::Hold);
    let (gateway, upstream) = before(steps).await;
    let answer = gateway.ask(Ask::post("/v1/chat/completions", STREAM)).await;
    assert!(
        answer
            .events()
            .last()
            .is_some_and(|last| last.contains("\"error\"")),
        "no error at the end"
    );
    upstream.hung_up(1).await;
    let (_, high) = gateway.memory();
    assert!(high < 400 << 20, "the gateway grew to {high}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_passes_event_by_event() {
    let mut steps = vec![
        Step::Send(SSE_HEAD.into()),
        chunked(&event(WORDS)),
        chunked(&event(WORDS)),
        chunked(&event(WORDS)),
        Step::Wait,
    ];
    steps.extend([
        chunked(&event("The end.")),
        chunked("data: [DONE]\n\n"),
        Step::Send(b"0\r\n\r\n".to_vec()),
    ]);
    let (gateway, upstream) = before(steps).await;
    let mut agent = gateway.connect().await;
    agent
        .send(Ask::post("/v1/chat/completions", STREAM).bytes())
        .await;
    agent.until("I shall tell you").await;
    upstream.go_on();
    let answer = agent.answer().await;
    assert!(
        answer.complete && answer.text().contains("[DONE]"),
        "{}",
        answer.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_but_good_streams_pass_as_they_came() {
    let events = [
        ": a comment\n\n",
        "retry: 100\n\n",
        "data: {\"id\":\"c\",\ndata: \"choices\":[]}\n\n",
        &event("one"),
        &event("two").replace('\n', "\r\n"),
        "event: message\nid: 7\ndata: {\"choices\":[],\"x_unknown\":1.0}\n\n",
        "data: [DONE]\n\n",
    ];
    let (gateway, _upstream) = before(sse(&events)).await;
    let answer = gateway.ask(Ask::post("/v1/chat/completions", STREAM)).await;
    assert_eq!(answer.text(), events.concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn cutting_a_stream_anywhere_changes_nothing() {
    let stream = [
        event("Caf\u{e9} \u{1F600} "),
        event(WORDS),
        event("ol\u{e9}"),
        "data: [DONE]\n\n".to_owned(),
    ]
    .concat();
    let bytes: Vec<Vec<u8>> = stream.bytes().map(|byte| vec![byte]).collect();
    let (gateway, _upstream) = before(sse(&bytes)).await;
    let answer = gateway.ask(Ask::post("/v1/chat/completions", STREAM)).await;
    assert_eq!(answer.text(), stream);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_echoes_its_key_is_scrubbed() {
    let key = "provider-key-of-the-tests-0123456789";
    let echo = ANSWER.replace("hello", &format!("your key is {key}"));
    let upstream = FakeUpstream::answers(&echo).await;
    let gateway = Gateway::with_config(IMPATIENT)
        .upstream(&upstream)
        .start()
        .await;
    let answer = gateway.ask(Ask::post("/v1/chat/completions", BODY)).await;
    assert!(!answer.text().contains(key), "{}", answer.text());
    let halves = [
        event(&format!("your key is {}", &key[..15])),
        event(&key[15..]),
        event(WORDS),
        "data: [DONE]\n\n".to_owned(),
    ];
    let upstream = FakeUpstream::sends(sse(&halves)).await;
    let gateway = Gateway::with_config(IMPATIENT)
        .upstream(&upstream)
        .start()
        .await;
    let answer = gateway.ask(Ask::post("/v1/chat/completions", STREAM)).await;
    assert!(
        !answer.text().contains(&key[..15]) && !answer.text().contains(&key[15..]),
        "{}",
        answer.text()
    );
    let error = format!(
        r#"{{"error":{{"message":"Incorrect API key provided: {key}","type":"invalid_request_error"}}}}"#
    );
    let head = format!(
        "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        error.len()
    );
    let upstream = FakeUpstream::sends(vec![Step::Send((head + &error).into())]).await;
    let gateway = Gateway::with_config(IMPATIENT)
        .upstream(&upstream)
        .start()
        .await;
    let answer = gateway.ask(Ask::post("/v1/chat/completions", BODY)).await;
    assert!(!answer.text().contains(key), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_no_json_are_read_all_the_same() {
    let secret = ["AKIA", "Z7Q3M5XW", "RT2LKD4P"].concat();
    let policy = "package sallyport.org\n\ndefault allow := true\n\nredact contains \"secret.*\"\n";
    for content_type in [
        "text/html",
        "text/plain; charset=utf-8",
        "application/octet-stream",
        "application/xml",
    ] {
        let body = format!("<p>the key is {secret} indeed</p>");
        let head = format!(
            "HTTP/1.1 500 Oops\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let upstream = FakeUpstream::sends(vec![Step::Send((head + &body).into())]).await;
        let gateway = Gateway::with_config(IMPATIENT)
            .policy("org.rego", policy)
            .upstream(&upstream)
            .start()
            .await;
        let answer = gateway.ask(Ask::post("/v1/chat/completions", BODY)).await;
        assert!(
            !answer.text().contains(&secret),
            "{content_type}: {}",
            answer.text()
        );
    }
}
