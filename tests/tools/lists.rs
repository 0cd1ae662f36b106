//! A list and the calls agree: what a team sees it can call, what it does not see it cannot, by whatever name.

use crate::agent::{Agent, LEGACY, MODERN};
use crate::house::{ALL, house, legacy, modern};
use crate::tool_server::{Does, Heard, ToolServer, tool};
use sallyport_manifest::{Listing, Lock};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const HIDES_NAMED: &str =
    "default allow := true\n\nhide contains name if some name in [\"read\", \"a/b\"]";
const HIDES_ALIKE: &str = "default allow := true\n\nhide contains tool.name if {\n\tsome tool in input.tools\n\tstartswith(lower(tool.name), \"re\")\n}";
const HIDES_ALL: &str =
    "default allow := true\n\nhide contains tool.name if some tool in input.tools";
const LISTS_ONLY: &str =
    "default allow := false\n\nallow if input.operation in {\"connect\", \"tool_list\"}";

/// Names that are alike, become alike when they are cleaned, or look like what the gateway makes of them.
fn names() -> Vec<String> {
    let plain = [
        "read",
        "Read",
        "READ",
        "r\u{e9}ad",
        "re\u{430}d",
        "read ",
        "rea\u{200b}d",
        "a/b",
        "a.b",
        "a_b",
        "a b",
        "read-0123456789",
        "old__read",
        "sallyport__read",
        "__",
        "new__",
        "e",
    ];
    let mut all: Vec<String> = plain.into_iter().map(str::to_owned).collect();
    all.extend(["x".repeat(64), "x".repeat(65)]);
    all
}

fn lists(heard: &Heard) -> Does {
    match heard.method() {
        "tools/list" => {
            let mut tools: Vec<Value> = names().iter().map(|name| tool(name)).collect();
            tools.extend([tool("twice"), tool("twice"), tool("")]);
            tools.push(json!({"description": "nameless", "inputSchema": {"type": "object"}}));
            tools.push(json!({"name": 7, "inputSchema": {"type": "object"}}));
            Does::Result(
                json!({"resultType": "complete", "tools": tools, "ttlMs": 1000, "cacheScope": "public"}),
            )
        }
        _ => Does::TheUsual,
    }
}

/// All that somebody might try.
fn tries() -> BTreeSet<String> {
    let mut tries = BTreeSet::new();
    for name in names()
        .into_iter()
        .chain(["twice".to_owned(), String::new()])
    {
        for prefix in ["", "old__", "OLD__"] {
            tries.insert(format!("{prefix}{name}"));
            tries.insert(format!("{prefix}{name}\u{200b}"));
            tries.insert(format!("{prefix}{}", name.replace(['/', '.', ' '], "_")));
        }
    }
    tries
}

#[tokio::test]
async fn what_is_listed_can_be_called_and_nothing_else() {
    let old = ToolServer::legacy(lists).await;
    let new = ToolServer::modern(lists).await;
    let servers = [("old", legacy(&old.url())), ("new", modern(&new.url()))];
    let teams = [
        ("free", ALL),
        ("named", HIDES_NAMED),
        ("alike", HIDES_ALIKE),
        ("hidden", HIDES_ALL),
    ];
    let gateway = house(&servers, &teams).start().await;
    for (team, path, revision) in [
        ("free", "/mcp/old", LEGACY),
        ("free", "/mcp", LEGACY),
        ("named", "/mcp/old", LEGACY),
        ("named", "/mcp", LEGACY),
        ("alike", "/mcp/new", LEGACY),
        ("alike", "/mcp", LEGACY),
        ("alike", "/mcp/old", MODERN),
        ("hidden", "/mcp", LEGACY),
    ] {
        let agent = Agent::open(&gateway, path, team, revision).await;
        let listed = agent.tools().await;
        let seen: BTreeSet<&String> = listed.iter().collect();
        assert_eq!(
            seen.len(),
            listed.len(),
            "{team} {path}: a name is there twice"
        );
        assert_eq!(listed.is_empty(), team == "hidden", "{team} {path}");
        let calls = || old.heard_of("tools/call").len() + new.heard_of("tools/call").len();
        for name in listed.iter().cloned().chain(tries()) {
            let before = calls();
            let said = agent.call(&name, json!({"text": "x"})).await;
            let what = format!("{team} {path} {revision} {name:?}: {}", said.raw);
            assert_eq!(said.is_refused(), !seen.contains(&name), "{what}");
            assert_eq!(
                calls() - before,
                usize::from(seen.contains(&name)),
                "{what}"
            );
        }
    }
}

#[tokio::test]
async fn what_may_be_listed_but_not_called_is_refused() {
    let old = ToolServer::legacy(lists).await;
    let gateway = house(&[("old", legacy(&old.url()))], &[("lists", LISTS_ONLY)])
        .start()
        .await;
    let agent = Agent::open(&gateway, "/mcp/old", "lists", LEGACY).await;
    assert!(agent.tools().await.contains(&"read".to_owned()));
    assert!(agent.call("read", json!({})).await.is_refused());
    assert!(old.heard_of("tools/call").is_empty());
}

/// A list that was made for one team is nobody else's.
#[tokio::test]
async fn no_list_is_public() {
    let old = ToolServer::legacy(lists).await;
    let new = ToolServer::modern(lists).await;
    let servers = [("old", legacy(&old.url())), ("new", modern(&new.url()))];
    let gateway = house(&servers, &[("free", ALL), ("alike", HIDES_ALIKE)])
        .start()
        .await;
    for path in ["/mcp/old", "/mcp/new", "/mcp"] {
        for team in ["free", "alike"] {
            let agent = Agent::new(&gateway, path, team, MODERN);
            for method in [
                "server/discover",
                "tools/list",
                "prompts/list",
                "resources/list",
                "resources/templates/list",
            ] {
                let said = agent.ask(method, json!({})).await;
                assert_eq!(
                    said.result()["cacheScope"],
                    "private",
                    "{path} {method}: {}",
                    said.raw
                );
                assert!(
                    !said.raw.contains("\"public\""),
                    "{path} {method}: {}",
                    said.raw
                );
            }
        }
    }
}

/// Tools whose declarations are not those that were pinned are neither listed nor called.
#[tokio::test]
async fn a_changed_tool_is_held_back_from_list_and_call() {
    let changed = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let now = changed.clone();
    let old = ToolServer::legacy(move |heard| match heard.method() {
        "tools/list" if now.load(std::sync::atomic::Ordering::Acquire) => {
            let mut other = tool("other");
            other["description"] = "Does something else.".into();
            Does::Result(json!({"tools": [tool("echo"), other, tool("new")]}))
        }
        _ => Does::TheUsual,
    })
    .await;
    let servers = [("old", legacy(&old.url()))];
    let declared = [tool("echo").to_string(), tool("other").to_string()];
    let mut lock = Lock::default();
    let listing = Listing::read("old", None, declared.iter().map(String::as_str));
    lock.pin(&listing).expect("nothing is pinned yet");
    let lock = lock.text();
    let gateway = crate::house::house_with("mcp:\n  lock: tools.lock", &servers, &[("free", ALL)])
        .file("tools.lock", lock)
        .start()
        .await;
    let agent = Agent::open(&gateway, "/mcp/old", "free", LEGACY).await;
    assert_eq!(agent.tools().await, ["echo", "other"]);
    assert!(!agent.call("other", json!({"text": "x"})).await.is_refused());
    changed.store(true, std::sync::atomic::Ordering::Release);
    let agent = Agent::open(&gateway, "/mcp/old", "free", LEGACY).await;
    assert_eq!(agent.tools().await, ["echo"]);
    let before = old.heard_of("tools/call").len();
    for tool in ["other", "new"] {
        assert!(agent.call(tool, json!({"text": "x"})).await.is_refused());
    }
    assert_eq!(old.heard_of("tools/call").len(), before);
    assert!(!agent.call("echo", json!({"text": "x"})).await.is_refused());
}
