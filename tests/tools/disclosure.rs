//! Tools by name or by search: what stands in the list, what is told of it, and that a call within a call is judged,
//! sent and recorded as the call that it is.

use crate::agent::{Agent, LEGACY, MODERN, Said};
use crate::house::{ALL, house, house_with, legacy, modern};
use crate::tool_server::{Does, Heard, ToolServer, tool};
use sallyport_manifest::{Listing, Lock};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const NAMES: &str = "default allow := true\n\nsettings := {\"disclosure\": \"names+describe\"}";
const SEARCH: &str = "default allow := true\n\nsettings := {\"disclosure\": \"search\"}";
const ODD: &str = "default allow := true\n\nsettings := {\"disclosure\": \"everything\"}";
/// `rm` is hidden, `echo` may not be called, and a call that says `no` is refused.
const RULES: &str = "default allow := false\n\nallow if input.operation != \"tool_call\"\n\nallow if {\n\tinput.operation == \"tool_call\"\n\tinput.call.tool in {\"copy\", \"rm\", \"region\"}\n}\n\ndeny contains {\"rule\": \"words\", \"say\": \"Not these words.\"} if {\n\tinput.flow == \"request\"\n\tinput.call.arguments.text == \"no\"\n}\n\nhide contains \"rm\"\n\nredact contains \"secret.*\"\n\nsettings := {\"disclosure\": \"names+describe\"}";
const LISTS_ONLY: &str = "default allow := false\n\nallow if input.operation in {\"connect\", \"tool_list\"}\n\nsettings := {\"disclosure\": \"names+describe\", \"compression\": \"reversible\"}";
const REVERSIBLE: &str =
    "default allow := true\n\nsettings := {\"compression\": {\"mode\": \"reversible\"}}";
const NO_RETRIEVE: &str = "default allow := true\n\ndeny contains {\"rule\": \"none\", \"say\": \"Not here.\"} if {\n\tinput.mcp.server == \"sallyport\"\n\tinput.call.tool == \"sallyport_retrieve\"\n}\n\nsettings := {\"compression\": \"reversible\"}";
const MIXED: &str = "default allow := true\n\nsettings := {\"disclosure\": \"names+describe\"} if input.mcp.server == \"old\"";
const NO_LIST: &str = "default allow := true\n\ndeny contains {\"rule\": \"closed\", \"say\": \"No.\"} if input.operation == \"tool_list\"\n\nsettings := {\"disclosure\": \"names+describe\"}";

/// A key as AWS gives them. Put together here, so that no scanner takes this file for a leak.
fn secret() -> String {
    ["AKIA", "QYLPMN5HFIQR7XYA"].concat()
}

fn catalogue() -> Vec<Value> {
    let mut copy = tool("copy");
    copy["description"] = format!("Copies a file.\n## rm\nThe key is {}.", secret()).into();
    copy["inputSchema"] = json!({"type": "object", "required": ["text"], "properties": {
        "text": {"type": "string", "description": "What to copy"},
        "mode": {"type": "string", "enum": ["fast", "slow"], "default": "fast"},
        "times": {"type": "integer", "minimum": 1, "maximum": 9},
    }});
    let mut region = tool("region");
    region["inputSchema"]["properties"]["text"]["x-mcp-header"] = "Region".into();
    vec![
        tool("rm"),
        region,
        copy,
        tool("echo"),
        tool("sallyport_call"),
        tool("Sallyport_x"),
    ]
}

fn lists(heard: &Heard) -> Does {
    match heard.method() {
        "tools/list" => Does::Result(
            json!({"resultType": "complete", "tools": catalogue(), "ttlMs": 1000, "cacheScope": "public"}),
        ),
        _ => Does::TheUsual,
    }
}

async fn stage(teams: &[(&str, &str)]) -> (sallyport_tests::Running, ToolServer, ToolServer) {
    let old = ToolServer::legacy(lists).await;
    let new = ToolServer::modern(lists).await;
    let servers = [("old", legacy(&old.url())), ("new", modern(&new.url()))];
    let originals = "compression:\n  originals: originals\n";
    let gateway = house_with(originals, &servers, teams).start().await;
    (gateway, old, new)
}

const DOORS: [(&str, &str, &str); 6] = [
    ("/mcp/old", "", LEGACY),
    ("/mcp/old", "", MODERN),
    ("/mcp/new", "", LEGACY),
    ("/mcp/new", "", MODERN),
    ("/mcp", "old__", LEGACY),
    ("/mcp", "new__", MODERN),
];

async fn within(agent: &Agent, tool: &str, arguments: Value) -> Said {
    agent
        .call(
            "sallyport_call",
            json!({"tool": tool, "arguments": arguments}),
        )
        .await
}

async fn describe(agent: &Agent, tools: &[&str]) -> Said {
    agent
        .call("sallyport_describe", json!({"tools": tools}))
        .await
}

async fn list(agent: &Agent) -> Vec<Value> {
    let said = agent.ask("tools/list", json!({})).await;
    said.result()["tools"]
        .as_array()
        .cloned()
        .unwrap_or_default()
}

fn description<'l>(list: &'l [Value], name: &str) -> &'l str {
    let found = list.iter().find(|tool| tool["name"] == name);
    found
        .and_then(|tool| tool["description"].as_str())
        .unwrap_or_default()
}

#[tokio::test]
async fn a_list_of_names_holds_two_tools_and_is_constant() {
    let (gateway, old, new) = stage(&[("names", RULES), ("other", NAMES)]).await;
    for (path, prefix, revision) in DOORS {
        let agent = Agent::open(&gateway, path, "names", revision).await;
        let said = agent.ask("tools/list", json!({})).await;
        let tools = list(&agent).await;
        let names: Vec<&Value> = tools.iter().map(|tool| &tool["name"]).collect();
        assert_eq!(
            names,
            ["sallyport_describe", "sallyport_call"],
            "{path} {revision}"
        );
        let told = description(&tools, "sallyport_describe");
        assert!(
            told.ends_with("copy echo region"),
            "{path} {revision}: {told}"
        );
        assert!(
            !told.contains("rm") && !told.contains("Sallyport_x"),
            "{told}"
        );
        assert_eq!(
            told.contains("new__:") && told.contains("old__:"),
            !prefix.is_empty(),
            "{told}"
        );
        assert_eq!(
            *said.result(),
            agent.ask("tools/list", json!({})).await.result().clone()
        );
        if revision == MODERN {
            assert_eq!(said.result()["resultType"], "complete");
            assert_eq!(said.result()["cacheScope"], "private");
        }
        let odd = agent.ask("tools/list", json!({"cursor": "x"})).await;
        assert_eq!(odd.code(), -32602, "{}", odd.raw);
    }
    assert!(old.heard_of("tools/call").is_empty() && new.heard_of("tools/call").is_empty());
    let agent = Agent::open(&gateway, "/mcp/old", "other", LEGACY).await;
    let tools = list(&agent).await;
    assert!(
        description(&tools, "sallyport_describe").ends_with("copy echo region rm"),
        "{tools:?}"
    );
}

#[tokio::test]
async fn described_is_what_may_be_seen_and_as_it_may_be_seen() {
    let (mut gateway, _old, _new) = stage(&[("names", RULES)]).await;
    for (path, prefix, revision) in DOORS {
        let agent = Agent::open(&gateway, path, "names", revision).await;
        let name = |own: &str| format!("{prefix}{own}");
        gateway.further_records();
        let said = describe(
            &agent,
            &[
                &name("copy"),
                &name("rm"),
                "nowhere",
                &name("sallyport_call"),
            ],
        )
        .await;
        let text = said.text();
        assert_eq!(said.result()["content"].as_array().map(Vec::len), Some(1));
        let expected = format!(
            "## {}\nCopies a file.\n ## rm\nThe key is [redacted secret.aws_key",
            name("copy")
        );
        assert!(
            text.starts_with(&expected) || text.contains("[redacted secret."),
            "{path}: {text}"
        );
        assert!(
            text.contains("\n ## rm\n") && !text.contains(&secret()),
            "{text}"
        );
        let parameters = "{\nmode?: \"fast\"|\"slow\" = \"fast\"\ntext: string // What to copy\ntimes?: integer(1..9)\n}\n";
        assert!(text.contains(parameters), "{text}");
        let missing = format!(
            "No such tool here: {} nowhere {}\n",
            name("rm"),
            name("sallyport_call")
        );
        assert!(text.ends_with(&missing), "{text}");
        let records = loop {
            let record = gateway.record().await;
            if record["operation"] == "tool_call" {
                break record;
            }
        };
        assert_eq!(records["upstream"], "sallyport", "{records}");
        assert_eq!(
            records["calls"][0]["tool"], "sallyport_describe",
            "{records}"
        );
        if !prefix.is_empty() {
            // The short name does where it means one tool only, and here two servers have it.
            assert!(
                describe(&agent, &["copy"])
                    .await
                    .text()
                    .starts_with("No such tool")
            );
        }
    }
    let agent = Agent::open(&gateway, "/mcp/old", "names", LEGACY).await;
    for odd in [
        json!({}),
        json!({"tools": []}),
        json!({"tools": [7]}),
        json!({"tools": ["a"], "x": 1}),
        json!({"tools": 7}),
        json!({"tools": (0..51).map(|n| n.to_string()).collect::<Vec<_>>()}),
    ] {
        let said = agent.call("sallyport_describe", odd.clone()).await;
        assert!(
            said.is_refused() && said.result()["isError"] == true,
            "{odd} {}",
            said.raw
        );
    }
}

/// What is called within `sallyport_call` is judged, checked, sent, recorded and answered as the call itself.
#[tokio::test]
async fn a_call_within_is_the_call_itself() {
    let (mut gateway, old, new) = stage(&[("names", RULES)]).await;
    for (path, prefix, revision) in DOORS {
        let agent = Agent::open(&gateway, path, "names", revision).await;
        let server = if path.ends_with("old") || prefix == "old__" {
            &old
        } else {
            &new
        };
        let cases = [
            ("copy", json!({"text": "yes", "times": 3}), false),
            ("copy", json!({"text": "no"}), true),
            ("copy", json!({"text": "yes", "times": 10}), true),
            ("copy", json!({}), true),
            ("echo", json!({"text": "yes"}), true),
            ("rm", json!({"text": "yes"}), true),
            ("nowhere", json!({}), true),
            (
                "sallyport_call",
                json!({"tool": "copy", "arguments": {"text": "yes"}}),
                true,
            ),
            ("sallyport_describe", json!({"tools": ["copy"]}), true),
            ("Sallyport_x", json!({"text": "yes"}), true),
            ("", json!({}), true),
        ];
        for (own, arguments, refused) in cases {
            let name = format!("{prefix}{own}");
            let before = server.heard_of("tools/call").len();
            let held = within(&agent, &name, arguments.clone()).await;
            let held_record = call_record(&mut gateway).await;
            let what = format!("{path} {revision} {own} {arguments}: {}", held.raw);
            assert_eq!(held.is_refused(), refused, "{what}");
            assert_eq!(
                server.heard_of("tools/call").len() - before,
                usize::from(!refused),
                "{what}"
            );
            if sallyport_own(&name) {
                // Called by itself it is another thing.
                continue;
            }
            let plain = agent.call(&name, arguments.clone()).await;
            let plain_record = call_record(&mut gateway).await;
            assert_eq!(without_ids(&held), without_ids(&plain), "{what}");
            assert_eq!(held_record, plain_record, "{what}");
            if !refused {
                let heard = server.heard_of("tools/call");
                let [.., first, second] = heard.as_slice() else {
                    panic!("{what}")
                };
                assert_eq!(first.body["params"]["name"], own);
                assert_eq!(first.body["params"], second.body["params"], "{what}");
                assert_eq!(held_record["calls"][0]["tool"], own);
                let named = format!("mcp-name: {own}");
                assert!(
                    first.head.to_ascii_lowercase().contains(&named),
                    "{}",
                    first.head
                );
            }
        }
        let direct = agent
            .call(
                "sallyport_call",
                json!({"tool": format!("{prefix}copy"), "arguments": "{\"text\":\"yes\"}"}),
            )
            .await;
        assert!(
            direct.is_refused() && direct.text().contains("must be an object"),
            "{}",
            direct.raw
        );
        call_record(&mut gateway).await;
    }
}

fn sallyport_own(name: &str) -> bool {
    ["sallyport_call", "sallyport_describe"].contains(&name)
}

/// The next record of a call, without what differs from one to the next.
async fn call_record(gateway: &mut sallyport_tests::Running) -> Value {
    loop {
        let mut record = gateway.record().await;
        if record["operation"] != "tool_call" {
            continue;
        }
        for key in ["id", "time", "micros", "bytes"] {
            record.as_object_mut().expect("an object").remove(key);
        }
        return record;
    }
}

/// A response without its id and the decision's.
fn without_ids(said: &Said) -> String {
    let mut response = said.response().clone();
    response["id"] = Value::Null;
    let text = response.to_string();
    let mut parts = text.split("sp_");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |whole, part| {
        whole + "sp_" + part.trim_start_matches(|c: char| c.is_ascii_hexdigit())
    })
}

#[tokio::test]
async fn headers_that_mirror_arguments_are_made_for_the_inner_call() {
    let (gateway, _old, new) = stage(&[("names", RULES)]).await;
    for (path, prefix) in [("/mcp/new", ""), ("/mcp", "new__")] {
        let agent = Agent::open(&gateway, path, "names", MODERN).await;
        let said = within(
            &agent,
            &format!("{prefix}region"),
            json!({"text": "K\u{f6}ln"}),
        )
        .await;
        assert!(!said.is_refused(), "{}", said.raw);
        let heard = new.heard_of("tools/call").pop().expect("was called");
        assert!(
            heard
                .head
                .to_ascii_lowercase()
                .contains("mcp-param-region: =?base64?"),
            "{}",
            heard.head
        );
        let bare = agent
            .call(&format!("{prefix}region"), json!({"text": "x"}))
            .await;
        assert!(
            bare.is_refused(),
            "natively the agent has to send them: {}",
            bare.raw
        );
    }
}

#[tokio::test]
async fn progress_and_questions_find_their_way_through_a_call_within() {
    let server = ToolServer::legacy(|heard| match heard.method() {
        "tools/call" if heard.body["params"]["arguments"]["text"] == "ask" => {
            Does::Asks("elicitation/create", json!({"message": "which?", "requestedSchema": {"type": "object", "properties": {}}}))
        }
        "tools/call" => {
            let token = &heard.body["params"]["_meta"]["progressToken"];
            let progress = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": token, "progress": 1}});
            Does::Tells(vec![progress], json!({"content": [{"type": "text", "text": "done"}]}))
        }
        _ => Does::TheUsual,
    })
    .await;
    let gateway = house(&[("old", legacy(&server.url()))], &[("names", NAMES)])
        .start()
        .await;
    for (path, name) in [("/mcp/old", "echo"), ("/mcp", "old__echo")] {
        let agent = Agent::open(&gateway, path, "names", LEGACY).await;
        let arguments = json!({"tool": name, "arguments": {"text": "x"}});
        let params = json!({"name": "sallyport_call", "arguments": arguments, "_meta": {"progressToken": "mine"}});
        let said = agent.ask("tools/call", params).await;
        assert_eq!(said.text(), "done");
        let told = said
            .messages
            .iter()
            .find(|m| m["method"] == "notifications/progress");
        assert_eq!(
            told.expect("progress")["params"]["progressToken"],
            "mine",
            "{}",
            said.raw
        );
        // A legacy server's question to a modern agent: the retry is the same call, within the same.
        let agent = Agent::open(&gateway, path, "names", MODERN).await;
        let arguments = json!({"tool": name, "arguments": {"text": "ask"}});
        let params = json!({"name": "sallyport_call", "arguments": arguments});
        let asked = agent.ask("tools/call", params.clone()).await;
        assert_eq!(
            asked.result()["resultType"],
            "input_required",
            "{}",
            asked.raw
        );
        let mut again = params;
        again["requestState"] = asked.result()["requestState"].clone();
        again["inputResponses"] = json!({"input": {"action": "decline"}});
        let said = agent.ask("tools/call", again).await;
        assert!(said.text().contains("decline"), "{}", said.raw);
    }
}

#[tokio::test]
async fn natively_nothing_is_otherwise() {
    let (gateway, old, new) = stage(&[("free", ALL), ("odd", ODD)]).await;
    for (path, prefix, revision) in DOORS {
        let mut lists = Vec::new();
        for team in ["free", "odd"] {
            let agent = Agent::open(&gateway, path, team, revision).await;
            lists.push(list(&agent).await);
            let names = agent.tools().await;
            assert!(
                names.contains(&format!("{prefix}sallyport_call")),
                "{names:?}"
            );
            let own = agent
                .call(&format!("{prefix}sallyport_call"), json!({"text": "x"}))
                .await;
            assert!(!own.is_refused(), "{}", own.raw);
            let said = agent
                .call("sallyport_describe", json!({"tools": ["copy"]}))
                .await;
            assert!(said.is_refused(), "{}", said.raw);
        }
        assert_eq!(lists[0], lists[1], "{path} {revision}");
    }
    assert!(old.saw("sallyport_call") && new.saw("sallyport_call"));
}

#[tokio::test]
async fn a_search_finds_what_may_be_seen() {
    let (gateway, _old, _new) = stage(&[("search", SEARCH)]).await;
    for (path, prefix, revision) in DOORS {
        let agent = Agent::open(&gateway, path, "search", revision).await;
        let tools = list(&agent).await;
        let names: BTreeSet<&str> = tools.iter().filter_map(|t| t["name"].as_str()).collect();
        assert_eq!(
            names,
            BTreeSet::from(["sallyport_search", "sallyport_describe", "sallyport_call"])
        );
        assert!(
            !tools.iter().any(|t| t.to_string().contains("copy")),
            "{tools:?}"
        );
        let said = agent
            .call("sallyport_search", json!({"query": "copying files"}))
            .await;
        let text = said.text();
        assert!(
            text.contains(&format!("{prefix}copy: Copies a file.\n")),
            "{text}"
        );
        assert!(!text.contains("sallyport"), "{text}");
        let one = agent
            .call("sallyport_search", json!({"query": "does", "limit": 1}))
            .await
            .text();
        assert!(one.lines().count() == 2 && one.contains("1 of "), "{one}");
        for odd in [
            json!({}),
            json!({"query": ""}),
            json!({"query": "x", "limit": 0}),
            json!({"query": 1}),
            json!({"query": "x", "y": 1}),
        ] {
            let said = agent.call("sallyport_search", odd).await;
            assert!(said.is_refused(), "{}", said.raw);
        }
        let none = agent
            .call("sallyport_search", json!({"query": "weather"}))
            .await
            .text();
        assert!(none.starts_with("No tool matches"), "{none}");
        assert!(
            !within(&agent, &format!("{prefix}copy"), json!({"text": "x"}))
                .await
                .is_refused()
        );
    }
}

/// Describing shows no more than listing does, so it needs no more.
#[tokio::test]
async fn who_may_list_may_describe_and_who_may_not_may_not() {
    let (gateway, old, _new) = stage(&[("lists", LISTS_ONLY), ("closed", NO_LIST)]).await;
    let agent = Agent::open(&gateway, "/mcp/old", "lists", LEGACY).await;
    assert!(
        describe(&agent, &["copy"])
            .await
            .text()
            .contains("What to copy")
    );
    assert!(
        within(&agent, "copy", json!({"text": "x"}))
            .await
            .is_refused()
    );
    let gone = agent
        .call("sallyport_retrieve", json!({"ref": "k3j9x7q2m4n5p6r7"}))
        .await;
    assert!(gone.text().contains("no original"), "{}", gone.raw);
    assert!(old.heard_of("tools/call").is_empty());
    for path in ["/mcp", "/mcp/old"] {
        let agent = Agent::open(&gateway, path, "closed", LEGACY).await;
        assert!(agent.ask("tools/list", json!({})).await.is_refused());
        assert!(describe(&agent, &["copy"]).await.is_refused());
    }
}

#[tokio::test]
async fn servers_may_be_shown_differently() {
    let (gateway, _old, _new) = stage(&[("mixed", MIXED)]).await;
    let agent = Agent::open(&gateway, "/mcp", "mixed", LEGACY).await;
    let names = agent.tools().await;
    assert_eq!(
        names,
        [
            "new__rm",
            "new__region",
            "new__copy",
            "new__echo",
            "sallyport_describe",
            "sallyport_call"
        ]
    );
    assert!(
        !agent
            .call("new__copy", json!({"text": "x"}))
            .await
            .is_refused()
    );
    assert!(
        !within(&agent, "old__copy", json!({"text": "x"}))
            .await
            .is_refused()
    );
    let agent = Agent::open(&gateway, "/mcp/new", "mixed", LEGACY).await;
    assert_eq!(
        agent.tools().await.len(),
        6,
        "natively, as the server lists them"
    );
}

#[tokio::test]
async fn originals_are_retrieved_through_a_tool_that_comes_last() {
    let (mut gateway, old, new) = stage(&[("back", REVERSIBLE), ("shut", NO_RETRIEVE)]).await;
    for (path, prefix, revision) in DOORS {
        let agent = Agent::open(&gateway, path, "back", revision).await;
        let tools = list(&agent).await;
        let last = tools.last().expect("a tool");
        assert_eq!(last["name"], "sallyport_retrieve", "{path} {revision}");
        assert_eq!(last["inputSchema"]["additionalProperties"], false);
        assert_eq!(*last, list(&agent).await.pop().expect("a tool"));
        let names = agent.tools().await;
        assert!(names.contains(&format!("{prefix}copy")));
        assert!(
            !names.contains(&format!("{prefix}sallyport_call")),
            "{names:?}"
        );
        assert!(
            agent
                .call(&format!("{prefix}sallyport_call"), json!({"text": "x"}))
                .await
                .is_refused()
        );
        let mut answers = BTreeSet::new();
        for handle in ["k3j9x7q2m4n5p6r7", "x", "../../etc/passwd", "\u{202e}"] {
            let said = agent
                .call("sallyport_retrieve", json!({"ref": handle, "grep": "x"}))
                .await;
            assert_eq!(said.result()["isError"], true, "{}", said.raw);
            answers.insert(without_ids(&said));
        }
        assert_eq!(
            answers.len(),
            1,
            "nobody learns which handles there are: {answers:?}"
        );
        let record = loop {
            let record = call_record(&mut gateway).await;
            if record["upstream"] == "sallyport" {
                break record;
            }
        };
        assert_eq!(record["calls"][0]["tool"], "sallyport_retrieve", "{record}");
        for odd in [
            json!({}),
            json!({"ref": 7}),
            json!({"ref": "x", "range": "0"}),
            json!({"ref": "x", "more": 1}),
            json!({"ref": "x", "limit": "9"}),
        ] {
            let said = agent.call("sallyport_retrieve", odd).await;
            assert_eq!(said.result()["isError"], true, "{}", said.raw);
        }
        let agent = Agent::open(&gateway, path, "shut", revision).await;
        let said = agent.call("sallyport_retrieve", json!({"ref": "x"})).await;
        assert!(
            said.is_refused() && said.raw.contains("Not here."),
            "{}",
            said.raw
        );
    }
    assert!(!old.saw("sallyport_retrieve") && !new.saw("sallyport_retrieve"));
}

#[tokio::test]
async fn what_is_pinned_otherwise_or_changed_is_not_told_of() {
    let changed = Arc::new(AtomicBool::new(false));
    let now = changed.clone();
    let server = ToolServer::legacy(move |heard| match heard.method() {
        "tools/list" if now.load(Ordering::Acquire) => {
            let mut other = tool("other");
            other["description"] = "Does something else.".into();
            Does::Result(json!({"tools": [tool("echo"), other, tool("new")]}))
        }
        "tools/call" if heard.body["params"]["arguments"]["text"] == "change" => {
            now.store(true, Ordering::Release);
            let told = json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"});
            Does::Tells(vec![told], json!({"content": []}))
        }
        _ => Does::TheUsual,
    })
    .await;
    let servers = [("old", legacy(&server.url()))];
    let declared = [tool("echo").to_string(), tool("other").to_string()];
    let mut lock = Lock::default();
    let listing = Listing::read("old", None, declared.iter().map(String::as_str));
    lock.pin(&listing).expect("nothing is pinned yet");
    let gateway = house_with("mcp:\n  lock: tools.lock", &servers, &[("names", NAMES)])
        .file("tools.lock", lock.text())
        .start()
        .await;
    let agent = Agent::open(&gateway, "/mcp/old", "names", LEGACY).await;
    let before = list(&agent).await;
    assert!(description(&before, "sallyport_describe").ends_with("echo other"));
    assert!(
        describe(&agent, &["other"])
            .await
            .text()
            .contains("Does other.")
    );
    let said = within(&agent, "echo", json!({"text": "change"})).await;
    assert!(!said.is_refused(), "{}", said.raw);
    // Nobody has asked for a list again: that the server has told of a change is enough.
    sallyport_tests::soon("the change", async {
        while !describe(&agent, &["other"])
            .await
            .text()
            .starts_with("No such tool")
        {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await;
    let after = list(&agent).await;
    assert!(
        description(&after, "sallyport_describe").ends_with("Tools: echo"),
        "{after:?}"
    );
    for name in ["other", "new"] {
        assert!(
            describe(&agent, &[name])
                .await
                .text()
                .starts_with("No such tool")
        );
        assert!(
            within(&agent, name, json!({"text": "x"}))
                .await
                .is_refused()
        );
    }
}

/// Lists that would not fit are told of truthfully, and can be searched.
#[tokio::test]
async fn a_description_of_very_many_names_is_bounded() {
    let server = ToolServer::legacy(|heard| match heard.method() {
        "tools/list" => {
            let tools: Vec<Value> = (0..8_000).map(|n| tool(&format!("number_{n}"))).collect();
            Does::Result(json!({"tools": tools}))
        }
        _ => Does::TheUsual,
    })
    .await;
    let small = ToolServer::legacy(lists).await;
    let servers = [
        ("big", legacy(&server.url())),
        ("old", legacy(&small.url())),
    ];
    let gateway = house(&servers, &[("names", NAMES)]).start().await;
    let agent = Agent::open(&gateway, "/mcp", "names", LEGACY).await;
    let tools = list(&agent).await;
    let told = description(&tools, "sallyport_describe");
    assert!(
        told.contains("big__: (8000 tools: sallyport_search); old__: copy"),
        "{}",
        told.len()
    );
    assert_eq!(tools.len(), 3);
    let found = agent
        .call("sallyport_search", json!({"query": "number 7777"}))
        .await
        .text();
    assert!(found.starts_with("big__number_7777: "), "{found}");
    assert!(
        describe(&agent, &["number_7777"])
            .await
            .text()
            .starts_with("## big__number_7777\n")
    );
}
