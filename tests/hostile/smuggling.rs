//! Requests whose end two readers may see in two places.

use super::{BODY, all_refused, head, scene, send, serves};
use sallyport_tests::RED_KEY;

const POST: &str = "POST /v1/chat/completions HTTP/1.1";
const REFUSED: &[u16] = &[400, 408, 411, 413, 414, 431, 501, 505];

fn with(headers: &str, body: &str) -> Vec<u8> {
    format!("{}{headers}\r\n\r\n{body}", head(POST, "")).into_bytes()
}

fn chunked(body: &str) -> String {
    format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn lengths_that_are_told_twice_or_wrongly() {
    let length = BODY.len();
    let more = format!(
        "{BODY}GET /v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {RED_KEY}\r\n\r\n"
    );
    let cases = [
        (
            "two lengths",
            with(
                &format!("content-length: {length}\r\ncontent-length: 5"),
                BODY,
            ),
        ),
        (
            "two lengths, the shorter first",
            with(
                &format!("content-length: 5\r\ncontent-length: {length}"),
                BODY,
            ),
        ),
        (
            "a list of two lengths",
            with(&format!("content-length: {length}, 5"), BODY),
        ),
        (
            "a plus sign",
            with(&format!("content-length: +{length}"), BODY),
        ),
        ("a negative length", with("content-length: -1", BODY)),
        ("a hexadecimal length", with("content-length: 0x10", BODY)),
        (
            "a length with a space in it",
            with("content-length: 1 0", BODY),
        ),
        (
            "a length with an underscore",
            with("content-length: 1_0", BODY),
        ),
        (
            "a length with a fraction",
            with(&format!("content-length: {length}.0"), BODY),
        ),
        ("no digits", with("content-length: ", BODY)),
        (
            "a length beyond all numbers",
            with("content-length: 99999999999999999999999", BODY),
        ),
        (
            "a length that wraps",
            with("content-length: 18446744073709551617", BODY),
        ),
        (
            "a length after a tabulator and a letter",
            with(&format!("content-length: \t{length}x"), BODY),
        ),
        (
            "a length under a name with a space",
            with(&format!("content-length : {length}"), BODY),
        ),
        (
            "a length under a folded line",
            with(&format!("x-a: b\r\n content-length: {length}"), &more),
        ),
    ];
    all_refused(&cases, REFUSED).await;
}

/// RFC 9112 §6.1: the chunks count, and the connection is closed after the answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_length_beside_chunks_never_counts() {
    let length = BODY.len();
    for headers in [
        format!("content-length: {length}\r\ntransfer-encoding: chunked"),
        format!("transfer-encoding: chunked\r\ncontent-length: {length}"),
        "content-length: 5\r\ntransfer-encoding: chunked".to_owned(),
    ] {
        let (gateway, upstream) = scene().await;
        let hidden = format!(
            "GET /v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {RED_KEY}\r\n\r\n"
        );
        let (answer, rest) = send(
            &gateway,
            &[with(&headers, &chunked(BODY)), hidden.into_bytes()].concat(),
        )
        .await;
        assert!(
            matches!(answer.status, 200 | 400),
            "{headers}: {}",
            answer.text()
        );
        assert!(
            rest.is_empty(),
            "{headers}: {}",
            String::from_utf8_lossy(&rest)
        );
        for seen in upstream.requests() {
            assert_eq!(
                (seen.text().as_str(), seen.header("content-length")),
                (BODY, Some(length.to_string())),
                "{headers}"
            );
        }
        assert!(upstream.requests().len() <= 1, "{headers}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codings_that_are_spelt_oddly() {
    let body = chunked(BODY);
    let names = [
        ("an unknown coding", "transfer-encoding: xchunked"),
        (
            "chunks, then identity",
            "transfer-encoding: chunked, identity",
        ),
        ("identity", "transfer-encoding: identity"),
        (
            "chunks twice in one line",
            "transfer-encoding: chunked, chunked",
        ),
        (
            "chunks in two lines",
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        ),
        (
            "chunks, then an unknown coding",
            "transfer-encoding: chunked\r\ntransfer-encoding: x",
        ),
        ("gzip and chunks", "transfer-encoding: gzip, chunked"),
        ("a vertical tabulator", "transfer-encoding: \x0bchunked"),
        ("a form feed after it", "transfer-encoding: chunked\x0c"),
        ("a space before the colon", "transfer-encoding : chunked"),
        (
            "a tabulator before the colon",
            "transfer-encoding\t: chunked",
        ),
        ("a folded line", "transfer-encoding:\r\n chunked"),
        ("quotes", "transfer-encoding: \"chunked\""),
        ("a parameter", "transfer-encoding: chunked;q=1"),
        ("an underscore for the hyphen", "transfer_encoding: chunked"),
        ("a zero byte", "transfer-encoding: chunked\0"),
        ("no value", "transfer-encoding: "),
        ("a comma first", "transfer-encoding: ,chunked, "),
    ];
    let cases: Vec<(&str, Vec<u8>)> = names
        .iter()
        .map(|(name, header)| (*name, with(header, &body)))
        .collect();
    all_refused(&cases, &[400, 408, 411, 415, 501]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_that_do_not_add_up() {
    let n = format!("{:x}", BODY.len());
    let bodies = [
        (
            "a size that is no number",
            format!("xyz\r\n{BODY}\r\n0\r\n\r\n"),
        ),
        (
            "a size with a prefix",
            format!("0x{n}\r\n{BODY}\r\n0\r\n\r\n"),
        ),
        ("a negative size", format!("-{n}\r\n{BODY}\r\n0\r\n\r\n")),
        (
            "a size with a plus sign",
            format!("+{n}\r\n{BODY}\r\n0\r\n\r\n"),
        ),
        (
            "a size that wraps",
            format!("10000000000000000{n}\r\n{BODY}\r\n0\r\n\r\n"),
        ),
        (
            "a size beyond all numbers",
            format!("fffffffffffffffffff\r\n{BODY}\r\n0\r\n\r\n"),
        ),
        ("an empty size", format!("\r\n{BODY}\r\n0\r\n\r\n")),
        ("more than the size", format!("5\r\n{BODY}\r\n0\r\n\r\n")),
        (
            "no line end after the chunk",
            format!("{n}\r\n{BODY}0\r\n\r\n"),
        ),
        (
            "a bare line feed after the size",
            format!("{n}\n{BODY}\r\n0\r\n\r\n"),
        ),
        (
            "a bare line feed after the chunk",
            format!("{n}\r\n{BODY}\n0\r\n\r\n"),
        ),
        (
            "a line feed in an extension",
            format!("{n};a=\n{BODY}\r\n0\r\n\r\n"),
        ),
        (
            "a size with an underscore",
            format!("{}_{}\r\n{BODY}\r\n0\r\n\r\n", &n[..1], &n[1..]),
        ),
    ];
    let cases: Vec<(&str, Vec<u8>)> = bodies
        .iter()
        .map(|(name, body)| (*name, with("transfer-encoding: chunked", body)))
        .collect();
    all_refused(&cases, &[400, 408]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_that_never_end_are_given_up() {
    let n = format!("{:x}", BODY.len());
    let cases = [
        (
            "no last chunk",
            with("transfer-encoding: chunked", &format!("{n}\r\n{BODY}\r\n")),
        ),
        (
            "a chunk that breaks off",
            with(
                "transfer-encoding: chunked",
                &format!("{n}\r\n{}", &BODY[..9]),
            ),
        ),
        (
            "a length that is not reached",
            with(&format!("content-length: {}", BODY.len() + 1), BODY),
        ),
    ];
    all_refused(&cases, &[400, 408]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_are_not_headers() {
    let (gateway, upstream) = scene().await;
    let body = format!(
        "{:x}\r\n{BODY}\r\n0\r\nauthorization: Bearer stolen\r\nx-late: 1\r\n\r\n",
        BODY.len()
    );
    let (answer, _) = send(&gateway, &with("transfer-encoding: chunked", &body)).await;
    assert!(matches!(answer.status, 200 | 400), "{}", answer.text());
    for seen in upstream.requests() {
        assert_eq!(seen.header("x-late"), None);
        assert!(!seen.head.contains("stolen"));
    }
    serves(&gateway).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_a_body_is_a_request_of_its_own() {
    let (gateway, upstream) = scene().await;
    let mut agent = gateway.connect().await;
    let first = with(&format!("content-length: {}", BODY.len()), BODY);
    let second = b"GET /v1/models HTTP/1.1\r\nhost: gateway\r\n\r\n";
    agent.send([first.as_slice(), second].concat()).await;
    let answers = (agent.answer().await, agent.answer_to("GET").await);
    assert_eq!(answers.0.status, 200, "{}", answers.0.text());
    assert!(
        matches!(answers.1.status, 401 | 0),
        "the second has no key, and gets none of the first: {}",
        answers.1.status
    );
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn pipelined_requests_are_answered_in_order() {
    let (gateway, upstream) = scene().await;
    let mut agent = gateway.connect().await;
    let one = with(&format!("content-length: {}", BODY.len()), BODY);
    agent
        .send([one.as_slice(), one.as_slice(), one.as_slice()].concat())
        .await;
    for _ in 0..3 {
        assert_eq!(agent.answer().await.status, 200);
    }
    assert_eq!(upstream.requests().len(), 3);
}
