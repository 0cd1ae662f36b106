//! Packed bodies: read under caps, or refused.

use super::{ANSWER, BODY, IMPATIENT, scene, serves};
use sallyport_tests::{Ask, FakeUpstream, Gateway, Step};
use std::io::Write;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(bytes).expect("memory");
    packer.finish().expect("memory")
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(bytes).expect("memory");
    packer.finish().expect("memory")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 19).expect("memory")
}

fn packed(coding: &str, body: Vec<u8>) -> Ask {
    Ask::post("/v1/chat/completions", body).header("content-encoding", coding)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packed_body_is_unpacked_judged_and_sent_plain() {
    let (gateway, upstream) = scene().await;
    let cases = [
        ("gzip", gzip(BODY.as_bytes())),
        ("x-gzip", gzip(BODY.as_bytes())),
        ("deflate", deflate(BODY.as_bytes())),
        ("zstd", zstd(BODY.as_bytes())),
        ("identity", BODY.as_bytes().to_vec()),
    ];
    for (at, (coding, body)) in cases.into_iter().enumerate() {
        let answer = gateway.ask(packed(coding, body)).await;
        assert_eq!(answer.status, 200, "{coding}: {}", answer.text());
        let seen = &upstream.requests()[at];
        assert_eq!(
            (seen.text().as_str(), seen.header("content-encoding")),
            (BODY, None),
            "{coding}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bombs_are_refused_and_cost_little() {
    let (gateway, upstream) = scene().await;
    serves(&gateway).await;
    let zeros = vec![b' '; 256 << 20];
    let cases = [
        ("gzip", gzip(&zeros)),
        ("deflate", deflate(&zeros)),
        ("zstd", zstd(&zeros)),
        // 16 MiB of zero bytes.
        (
            "br",
            vec![
                0xcb, 0xff, 0xff, 0x3f, 0xf8, 0x27, 0x00, 0xe2, 0xb1, 0x40, 0x20, 0xf7, 0xfe, 0x2f,
                0xff, 0xff, 0xff, 0xf0, 0x4f, 0x00, 0xc4, 0x61, 0x11, 0x80, 0xee, 0xfd, 0x1f,
            ],
        ),
    ];
    drop(zeros);
    let (before, _) = gateway.memory();
    for (coding, bomb) in &cases {
        let size = bomb.len();
        let answer = gateway.ask(packed(coding, bomb.clone())).await;
        assert!(
            matches!(answer.status, 413 | 400),
            "{coding}: {} {}",
            answer.status,
            answer.text()
        );
        let (_, high) = gateway.memory();
        let grown = high.saturating_sub(before);
        assert!(
            grown < (20 * size).max(48 << 20),
            "{coding}: {size} bytes grew the gateway by {grown}"
        );
    }
    assert_eq!(upstream.requests().len(), 1);
    serves(&gateway).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codings_that_lie_or_are_not_known_are_refused() {
    let (gateway, upstream) = scene().await;
    let gz = gzip(BODY.as_bytes());
    let cases = [
        ("compress", BODY.as_bytes().to_vec(), 415),
        ("gzip, gzip", gzip(&gz), 415),
        ("identity, gzip", gz.clone(), 415),
        ("snappy", BODY.as_bytes().to_vec(), 415),
        ("gzip;q=1", gz.clone(), 415),
        ("gzip", BODY.as_bytes().to_vec(), 400),
        ("gzip", gz[..gz.len() - 9].to_vec(), 400),
        ("zstd", gz.clone(), 400),
        ("deflate", b"\x78\x9c\x00".to_vec(), 400),
        ("br", b"not brotli at all".to_vec(), 400),
        ("gzip", gzip(&gz), 400),
    ];
    for (coding, body, status) in cases {
        let answer = gateway.ask(packed(coding, body)).await;
        assert_eq!(answer.status, status, "{coding}: {}", answer.text());
    }
    let twice = packed("gzip", gz).header("content-encoding", "gzip");
    assert_eq!(gateway.ask(twice).await.status, 415);
    assert_eq!(upstream.requests().len(), 0);
    serves(&gateway).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packed_answer_is_unpacked_or_refused() {
    let answer = |coding: &str, body: &[u8]| {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: {coding}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        Step::Send([head.as_bytes(), body].concat())
    };
    let bomb = gzip(&vec![b' '; 256 << 20]);
    let cases = [
        ("gzip", answer("gzip", &gzip(ANSWER.as_bytes())), 200),
        ("zstd", answer("zstd", &zstd(ANSWER.as_bytes())), 200),
        ("unknown", answer("x-own", ANSWER.as_bytes()), 502),
        ("a lie", answer("gzip", ANSWER.as_bytes()), 502),
        ("a bomb", answer("gzip", &bomb), 502),
    ];
    for (name, step, status) in cases {
        let upstream = FakeUpstream::sends(vec![step]).await;
        let gateway = Gateway::with_config(IMPATIENT)
            .upstream(&upstream)
            .start()
            .await;
        let answer = gateway
            .ask(Ask::post("/v1/chat/completions", BODY).header("accept-encoding", "gzip"))
            .await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
        assert_eq!(answer.header("content-encoding"), None, "{name}");
        let asked = upstream.requests()[0].header("accept-encoding");
        assert!(
            asked.is_none_or(|asked| asked == "identity"),
            "{name}: nothing packed is asked for"
        );
    }
}
