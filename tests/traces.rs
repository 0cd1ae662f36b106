//! Golden traces, in memory and over sockets.

use sallyport_tests::trace::{agrees, check, run_in_memory, run_over_sockets, traces};
use std::path::PathBuf;

fn folder(dialect: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("traces")
        .join(dialect)
}

async fn over_sockets(dialect: &str) {
    let mut differ = Vec::new();
    for (file, trace) in traces(&folder(dialect)) {
        let came = run_over_sockets(&trace).await;
        differ.extend(check(&file, &trace, &came).err());
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

fn in_memory(dialect: &str) {
    let mut differ = Vec::new();
    for (file, trace) in traces(&folder(dialect)) {
        if let Err(how) = agrees(&trace, &run_in_memory(&trace)) {
            differ.push(format!("{}: {how}", file.display()));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn openai_chat_over_sockets() {
    over_sockets("openai_chat").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn openai_responses_over_sockets() {
    over_sockets("openai_responses").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anthropic_over_sockets() {
    over_sockets("anthropic").await;
}

#[test]
fn openai_chat_in_memory() {
    in_memory("openai_chat");
}

#[test]
fn openai_responses_in_memory() {
    in_memory("openai_responses");
}

#[test]
fn anthropic_in_memory() {
    in_memory("anthropic");
}
