//! Bodies that are no good JSON, or not JSON at all.

use super::{BODY, scene, serves};
use sallyport_tests::{Ask, RED_KEY};

fn cases() -> Vec<(&'static str, Vec<u8>)> {
    let text = |text: &str| text.as_bytes().to_vec();
    let message = |content: &str| {
        format!(
            r#"{{"model":"m","max_tokens":9,"messages":[{{"role":"user","content":{content}}}]}}"#
        )
    };
    let mut cases = vec![
        ("nothing", text("")),
        ("white space", text("  \n")),
        ("null", text("null")),
        ("a list", text("[]")),
        ("a string", text("\"hi\"")),
        (
            "a key twice",
            text(r#"{"model":"a","model":"b","max_tokens":9,"messages":[]}"#),
        ),
        (
            "a key twice, once escaped",
            text(r#"{"model":"a","mod\u0065l":"b","max_tokens":9,"messages":[]}"#),
        ),
        (
            "a key twice, deep down",
            text(&message(r#"[{"type":"text","text":"a","text":"b"}]"#)),
        ),
        (
            "a key twice in what nobody reads",
            text(r#"{"model":"m","max_tokens":9,"messages":[],"x":{"a":1,"a":2}}"#),
        ),
        (
            "a byte order mark",
            [b"\xef\xbb\xbf".as_slice(), BODY.as_bytes()].concat(),
        ),
        ("two values", text(&format!("{BODY}{BODY}"))),
        ("a word after the value", text(&format!("{BODY} x"))),
        ("a zero byte after the value", text(&format!("{BODY}\0"))),
        ("a trailing comma", text(r#"{"model":"m","messages":[],}"#)),
        ("a comment", text(r#"{"model":"m",/* hi */"messages":[]}"#)),
        ("single quotes", text("{'model':'m'}")),
        ("no quotes", text("{model:1}")),
        (
            "NaN",
            text(r#"{"model":"m","temperature":NaN,"messages":[]}"#),
        ),
        (
            "a leading zero",
            text(r#"{"model":"m","n":01,"messages":[]}"#),
        ),
        ("a bare line feed in a string", text(&message("\"a\nb\""))),
        ("an unknown escape", text(&message(r#""\x41""#))),
        ("a lone surrogate", text(&message(r#""\ud800""#))),
        (
            "a surrogate pair the wrong way round",
            text(&message(r#""\udc00\ud800""#)),
        ),
        (
            "invalid UTF-8",
            [text(&message("\"")).as_slice(), b"\xff\xfe"].concat(),
        ),
        (
            "overlong UTF-8",
            message("\"@\"")
                .bytes()
                .flat_map(|b| if b == b'@' { vec![0xC0, 0xAF] } else { vec![b] })
                .collect(),
        ),
        (
            "a surrogate in UTF-8",
            message("\"@\"")
                .bytes()
                .flat_map(|b| {
                    if b == b'@' {
                        vec![0xED, 0xA0, 0x80]
                    } else {
                        vec![b]
                    }
                })
                .collect(),
        ),
        (
            "UTF-16",
            BODY.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        ),
        ("it breaks off", text(&BODY[..BODY.len() - 3])),
        (
            "100,000 lists in each other",
            [b"[".repeat(100_000), b"]".repeat(100_000)].concat(),
        ),
        (
            "100,000 objects in each other",
            [
                br#"{"a":"#.repeat(100_000),
                b"1".to_vec(),
                b"}".repeat(100_000),
            ]
            .concat(),
        ),
        ("a form", text("model=m&messages=hi")),
        (
            "XML",
            text(
                "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
            ),
        ),
    ];
    cases.push((
        "lists in what nobody reads",
        text(&format!(
            r#"{{"model":"m","max_tokens":9,"messages":[],"x":{}{}}}"#,
            "[".repeat(50_000),
            "]".repeat(50_000)
        )),
    ));
    cases
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_refused_in_the_callers_words() {
    let (gateway, upstream) = scene().await;
    let mut wrong = Vec::new();
    for (name, body) in cases() {
        for path in [
            "/v1/chat/completions",
            "/v1/responses",
            "/v1/messages",
            "/v1/embeddings",
            "/v1/messages/count_tokens",
        ] {
            let mut ask = Ask::post(path, body.clone());
            if path.starts_with("/v1/messages") {
                ask = ask.header("anthropic-version", "2023-06-01");
            }
            let answer = gateway.ask(ask).await;
            let told = answer.text();
            if answer.status != 400 {
                wrong.push(format!("{name} to {path}: {} {told}", answer.status));
                continue;
            }
            let json = answer.json();
            let anthropic = path.starts_with("/v1/messages");
            let says = json["error"]["message"].as_str().unwrap_or_default();
            if anthropic != (json["type"] == "error") || says.is_empty() {
                wrong.push(format!(
                    "{name} to {path}: not in the caller's words: {told}"
                ));
            }
            let id = answer.header("x-sallyport-id").unwrap_or_default();
            if id.is_empty() || !told.contains(&id) {
                wrong.push(format!("{name} to {path}: no decision id: {told}"));
            }
            if told.contains(RED_KEY) {
                wrong.push(format!("{name} to {path}: the key is told: {told}"));
            }
        }
    }
    for seen in upstream.requests() {
        wrong.push(format!(
            "the upstream saw {}",
            seen.text().chars().take(200).collect::<String>()
        ));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    serves(&gateway).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_json_in_utf8_is_read() {
    let (gateway, upstream) = scene().await;
    let types = [
        None,
        Some("text/plain"),
        Some("text/json"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data; boundary=x"),
        Some("application/json; charset=utf-16"),
        Some("application/jsonx"),
        Some("application/x-ndjson"),
        Some(""),
        Some("*/*"),
    ];
    for content_type in types {
        let mut ask = Ask::post("/v1/chat/completions", BODY).without("content-type");
        if let Some(content_type) = content_type {
            ask = ask.header("content-type", content_type);
        }
        let answer = gateway.ask(ask).await;
        assert_eq!(
            (answer.status, answer.code()),
            (415, "media_type".to_owned()),
            "{content_type:?}: {}",
            answer.text()
        );
    }
    let twice = Ask::post("/v1/chat/completions", BODY).header("content-type", "text/plain");
    let answer = gateway.ask(twice).await;
    assert!(
        matches!(answer.status, 400 | 415),
        "two content types: {} {}",
        answer.status,
        answer.text()
    );
    assert_eq!(upstream.requests().len(), 0);
    for fine in ["application/json; charset=utf-8", "Application/JSON"] {
        let answer = gateway
            .ask(
                Ask::post("/v1/chat/completions", BODY)
                    .without("content-type")
                    .header("content-type", fine),
            )
            .await;
        assert_eq!(answer.status, 200, "{fine}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strange_but_good_json_passes_as_it_came() {
    let bodies = [
        r#"{"model":"m","messages":[{"role":"user","content":"\ud83d\ude00 \u0041"}],"n":1,"seed":-0,"x":1e400,"y":123456789012345678901234567890}"#,
        " \r\n\t{ \"messages\" : [ ] , \"model\" : \"m\" } \n ",
        r#"{"model":"m","messages":[{"role":"user","content":""}],"":{"":[]}}"#,
    ];
    let (gateway, upstream) = scene().await;
    for (at, body) in bodies.iter().enumerate() {
        let answer = gateway.ask(Ask::post("/v1/chat/completions", *body)).await;
        assert_eq!(answer.status, 200, "{body}: {}", answer.text());
        assert_eq!(upstream.requests()[at].text(), *body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_pass_and_too_large_ones_are_refused() {
    let (gateway, upstream) = scene().await;
    for megabytes in [1, 8, 31] {
        let body = BODY.replace("hi", &"word ".repeat(megabytes * 200_000));
        let answer = gateway
            .ask(Ask::post("/v1/chat/completions", body.clone()))
            .await;
        assert_eq!(answer.status, 200, "{megabytes} MB: {}", answer.text());
        assert_eq!(
            upstream.requests().last().map(|seen| seen.body.len()),
            Some(body.len())
        );
    }
    let before = upstream.requests().len();
    let body = BODY.replace("hi", &"a".repeat(33 << 20));
    let answer = gateway.ask(Ask::post("/v1/chat/completions", body)).await;
    assert_eq!(
        (answer.status, answer.code()),
        (413, "body_too_large".to_owned())
    );
    let chunk = "a".repeat(1 << 20);
    let mut agent = gateway.connect().await;
    agent
        .send(super::head(
            "POST /v1/chat/completions HTTP/1.1",
            "transfer-encoding: chunked\r\n\r\n",
        ))
        .await;
    for _ in 0..34 {
        agent
            .send(format!("{:x}\r\n{chunk}\r\n", chunk.len()))
            .await;
    }
    assert!(matches!(agent.answer().await.status, 413 | 0));
    assert_eq!(upstream.requests().len(), before);
    serves(&gateway).await;
}
