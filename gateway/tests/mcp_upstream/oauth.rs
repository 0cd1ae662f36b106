//! A key that an authorization server gives.

use crate::fake::{Asked, Fake, json, result, status};
use crate::{ask, introduction, open, open_with, server};
use sallyport::mcp::upstream::{Era, Fault};

fn lines(tools: &Fake, keys: &Fake) -> String {
    format!(
        "{}\nera: modern\noauth: {{token_url: 'http://{}/token', client_id: 'g w', client_secret: s3cret, scopes: [a, b]}}",
        tools.url("/mcp"),
        keys.address
    )
}

async fn tools() -> Fake {
    Fake::modern(|asked: &Asked| match asked.header("authorization") {
        Some("Bearer t-1") => json(&result(16, "{}")),
        _ => status(401),
    })
    .await
}

#[tokio::test]
async fn it_is_asked_for_once_and_for_this_server_only() {
    let tools = tools().await;
    let keys =
        Fake::new(|_| json(r#"{"access_token":"t-1","token_type":"Bearer","expires_in":3600}"#))
            .await;
    let server = server(&lines(&tools, &keys));
    let (connection, _inbox) = open(&server, Era::Modern).await;
    assert_eq!(
        ask(&connection, 16, "tools/list")
            .await
            .expect("an answer")
            .len(),
        1
    );
    let asked = keys.asked();
    assert_eq!(asked.len(), 1, "the key is kept");
    let resource = format!(
        "resource=http%3A%2F%2F127%2E0%2E0%2E1%3A{}%2Fmcp",
        tools.address.port()
    );
    assert!(
        asked[0].says("grant_type=client_credentials"),
        "{}",
        asked[0].body
    );
    assert!(asked[0].says(&resource), "{}", asked[0].body);
    assert!(asked[0].says("scope=a%20b"), "{}", asked[0].body);
    assert_eq!(
        asked[0].header("authorization"),
        Some("Basic ZyUyMHc6czNjcmV0")
    );
    assert!(tools.asked().iter().all(|asked| !asked.says("s3cret")));
}

#[tokio::test]
async fn a_key_that_is_no_longer_taken_is_replaced() {
    let tools = tools().await;
    // The first key is one that the server does not know.
    let first = std::sync::atomic::AtomicBool::new(true);
    let stale = Fake::new(move |_| {
        let key = if first.swap(false, std::sync::atomic::Ordering::Relaxed) {
            "old"
        } else {
            "t-1"
        };
        json(&format!(
            r#"{{"access_token":"{key}","token_type":"Bearer","expires_in":3600}}"#
        ))
    })
    .await;
    let (connection, _inbox) = open(&server(&lines(&tools, &stale)), Era::Modern).await;
    assert_eq!(
        ask(&connection, 16, "tools/list")
            .await
            .expect("an answer")
            .len(),
        1
    );
    assert_eq!(stale.asked().len(), 2);
    let refused = |asked: &Asked| {
        asked.says("tools/list") && asked.header("authorization") == Some("Bearer old")
    };
    assert_eq!(tools.count(refused), 1);
}

#[tokio::test]
async fn without_a_key_nothing_is_sent() {
    for answer in [
        "{}",
        "no",
        r#"{"access_token":"t-1","token_type":"mac"}"#,
        r#"{"access_token":"a\nb","token_type":"bearer"}"#,
    ] {
        let tools = tools().await;
        let keys = Fake::new(move |_| json(answer)).await;
        let refused = open_with(&server(&lines(&tools, &keys)), &introduction(Era::Modern)).await;
        assert_eq!(refused.err(), Some(Fault::NoKey), "{answer}");
        assert!(tools.asked().is_empty());
    }
}
