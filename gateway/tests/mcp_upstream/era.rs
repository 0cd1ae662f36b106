//! Which era and which transport a server takes.

use crate::fake::{Fake, Reply, json, status};
use crate::{introduction, open, open_with, server};
use sallyport::mcp::upstream::{Era, Fault};

fn error(code: i64, more: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":2,"error":{{"code":{code},"message":"m"{more}}}}}"#)
}

#[tokio::test]
async fn a_legacy_server_is_found_whatever_it_says_to_the_probe() {
    type Probe = fn() -> Reply;
    let probes: [Probe; 5] = [
        || status(400),
        || status(404),
        || status(500),
        || json(&error(-32601, "")),
        || {
            Reply::Whole(
                400,
                "content-type: application/json\r\n".into(),
                error(-32022, r#","data":{"supported":["2025-11-25"]}"#),
            )
        },
    ];
    for probe in probes {
        let fake = Fake::new(move |asked| match asked.verb.as_str() {
            "POST" if asked.says("server/discover") => probe(),
            "POST" if asked.says("\"initialize\"") => json(&crate::fake::hello("2025-03-26")),
            "POST" => status(202),
            _ => status(405),
        })
        .await;
        let server = server(&fake.url("/mcp"));
        let (connection, _inbox) = open(&server, Era::Modern).await;
        assert_eq!(connection.hello().era, Era::Legacy);
        let _again = open(&server, Era::Modern).await;
        assert_eq!(
            fake.count(|asked| asked.says("server/discover")),
            1,
            "the probe is remembered"
        );
    }
}

#[tokio::test]
async fn a_modern_server_is_found_though_the_agent_is_legacy() {
    let fake = Fake::modern(|_| status(500)).await;
    let server = server(&fake.url("/mcp"));
    let (connection, _inbox) = open(&server, Era::Legacy).await;
    assert_eq!(connection.hello().era, Era::Modern);
    let _again = open(&server, Era::Legacy).await;
    assert_eq!(
        fake.count(|asked| asked.says("\"initialize\"")),
        1,
        "it is remembered"
    );
}

#[tokio::test]
async fn a_server_of_both_eras_is_spoken_to_in_the_agents() {
    let fake = Fake::new(|asked| match asked.verb.as_str() {
        "POST" if asked.says("server/discover") => json(&crate::fake::result(
            2,
            r#"{"supportedVersions":["2025-11-25","2026-07-28"]}"#,
        )),
        "POST" if asked.says("\"initialize\"") => json(&crate::fake::hello("2025-11-25")),
        "POST" => status(202),
        _ => status(405),
    })
    .await;
    let server = server(&fake.url("/mcp"));
    for era in [Era::Legacy, Era::Modern, Era::Legacy] {
        let (connection, _inbox) = open(&server, era).await;
        assert_eq!(connection.hello().era, era);
    }
}

#[tokio::test]
async fn a_fixed_era_is_not_probed() {
    let fake = Fake::legacy(|_| status(500)).await;
    let legacy = server(&format!("{}\nera: legacy", fake.url("/mcp")));
    let _connection = open(&legacy, Era::Modern).await;
    assert_eq!(fake.count(|asked| asked.says("server/discover")), 0);
    let modern = server(&format!("{}\nera: modern", fake.url("/mcp")));
    let refused = open_with(&modern, &introduction(Era::Legacy)).await;
    assert_eq!(refused.err(), Some(Fault::Refused { status: 400 }));
}

#[tokio::test]
async fn an_unknown_future_is_not_guessed_at() {
    let fake = Fake::new(|asked| match asked.says("server/discover") {
        true => Reply::Whole(
            400,
            "content-type: application/json\r\n".into(),
            error(-32022, r#","data":{"supported":["2031-01-01"]}"#),
        ),
        false => json(&crate::fake::hello("2031-01-01")),
    })
    .await;
    for era in [Era::Legacy, Era::Modern] {
        let refused = open_with(&server(&fake.url("/mcp")), &introduction(era)).await;
        assert_eq!(refused.err(), Some(Fault::NoCommonRevision));
    }
}

#[tokio::test]
async fn what_is_no_answer_to_the_way_is_told_at_once() {
    for code in [401, 403, 429, 503] {
        let fake = Fake::new(move |_| status(code)).await;
        let refused = open_with(&server(&fake.url("/mcp")), &introduction(Era::Modern)).await;
        assert_eq!(refused.err(), Some(Fault::Refused { status: code }));
        assert_eq!(fake.asked().len(), 1, "no other way is tried");
    }
}
