//! Golden traces, in memory and over sockets.

use sallyport_tests::trace::{
    Trace, agrees, check, run_in_memory, run_messages, run_over_sockets, traces,
};
use std::path::{Path, PathBuf};

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

/// Plays the story of an example, whose policies must be those of the example's folder.
fn story(example: &str) -> (PathBuf, Trace) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let folder = folder.join(example);
    let file = folder.join("story.trace");
    let text = std::fs::read_to_string(&file).expect("an example has a story");
    let trace = Trace::parse(&text);
    for (name, policy) in trace.policies() {
        let kept = std::fs::read_to_string(folder.join("policies").join(name)).unwrap_or_default();
        assert_eq!(policy.trim_end(), kept.trim_end(), "{example}: {name}");
    }
    (file, trace)
}

#[test]
fn the_story_of_tool_servers() {
    let (file, trace) = story("tool-servers");
    check(&file, &trace, &run_messages(&trace)).unwrap_or_else(|how| panic!("{how}"));
}

#[test]
fn the_story_of_disclosure() {
    let (file, trace) = story("disclosure");
    check(&file, &trace, &run_messages(&trace)).unwrap_or_else(|how| panic!("{how}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_of_compression() {
    let (file, trace) = story("compression");
    let came = run_over_sockets(&trace).await;
    check(&file, &trace, &came).unwrap_or_else(|how| panic!("{how}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_of_guarded_tools() {
    let (file, trace) = story("guarded-tools");
    let came = run_over_sockets(&trace).await;
    check(&file, &trace, &came).unwrap_or_else(|how| panic!("{how}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_of_clients() {
    let (file, trace) = story("clients");
    let came = run_over_sockets(&trace).await;
    check(&file, &trace, &came).unwrap_or_else(|how| panic!("{how}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_of_a_company() {
    let (file, trace) = story("company");
    let came = run_over_sockets(&trace).await;
    check(&file, &trace, &came).unwrap_or_else(|how| panic!("{how}"));
}
