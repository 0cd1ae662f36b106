//! Each method of each revision, under no rule, a rule that allows and a rule that denies, at both kinds of door.

use crate::agent::{Agent, LEGACY, MODERN, Said};
use crate::house::{ALL, house, legacy, modern};
use crate::tool_server::{Does, ToolServer};
use sallyport_exchange::mcp::{Method, Side};
use sallyport_tests::Running;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Enough of a policy to begin.
const BEGIN: &str = "default allow := false\n\nallow if input.operation == \"connect\"";
/// Everything is allowed but what is not needed to begin.
const DENIED: &str = "default allow := true\n\ndeny contains {\"rule\": \"no\", \"say\": \"Not this.\"} if input.operation != \"connect\"";
/// Nothing at all is.
const SHUT: &str =
    "default allow := true\n\ndeny contains {\"rule\": \"no\", \"say\": \"Not this.\"}";
const NOTHING: &str = "default allow := false";

/// What the agent may send in each revision, but for the greeting.
const REQUESTS: [&str; 16] = [
    "ping",
    "tools/list",
    "tools/call",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "resources/subscribe",
    "resources/unsubscribe",
    "prompts/list",
    "prompts/get",
    "completion/complete",
    "logging/setLevel",
    "tasks/get",
    "tasks/result",
    "tasks/list",
    "tasks/cancel",
];
const NOTIFICATIONS: [&str; 4] = [
    "notifications/cancelled",
    "notifications/progress",
    "notifications/roots/list_changed",
    "notifications/tasks/status",
];
/// Requests that no server hears of: the gateway answers, or knows who is meant.
const ANSWERED_HERE: [&str; 2] = ["ping", "notifications/cancelled"];

/// Notifications about something that one server began: of all, none is told what the others are about.
const OF_ONE_SERVER: [&str; 2] = ["notifications/progress", "notifications/tasks/status"];

/// A gateway with a server of each era, and a team for each rule.
async fn stage() -> (Running, ToolServer, ToolServer) {
    let old = ToolServer::legacy(|_| Does::TheUsual).await;
    let new = ToolServer::modern(|_| Does::TheUsual).await;
    let servers = [("old", legacy(&old.url())), ("new", modern(&new.url()))];
    let teams = [
        ("free", ALL),
        ("begin", BEGIN),
        ("denied", DENIED),
        ("shut", SHUT),
        ("nothing", NOTHING),
    ];
    let gateway = house(&servers, &teams).start().await;
    (gateway, old, new)
}

/// Parameters of a method, each with `mark` in it. `all`: by the names of the door to all, for this server.
fn params(method: &str, mark: &str, all: Option<&str>) -> Value {
    let name = |own: &str| all.map_or(own.to_owned(), |server| format!("{server}__{own}"));
    let address = |own: String| match all {
        Some(server) => format!("sallyport+{server}+{own}"),
        None => own,
    };
    let mut params = match method {
        "tools/call" => json!({"name": name("echo"), "arguments": {"text": mark}}),
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => {
            json!({"uri": address(format!("file:///{mark}"))})
        }
        "prompts/get" => json!({"name": name("hello"), "arguments": {"who": mark}}),
        "completion/complete" => {
            json!({"ref": {"type": "ref/prompt", "name": name("hello")}, "argument": {"name": "who", "value": mark}})
        }
        "logging/setLevel" => json!({"level": "debug"}),
        "tasks/get" | "tasks/result" | "tasks/cancel" => {
            json!({"taskId": address(mark.to_owned())})
        }
        "notifications/cancelled" => json!({"requestId": mark}),
        "notifications/progress" => json!({"progressToken": mark, "progress": 1}),
        "notifications/tasks/status" => json!({"taskId": mark, "status": "working"}),
        "subscriptions/listen" => json!({"notifications": {"toolsListChanged": true}}),
        _ => json!({}),
    };
    params["_meta"]["mark"] = mark.into();
    params
}

/// What the servers heard of a message: its text, or its method (but for the gateway's own look at the tools).
fn heard(servers: [&ToolServer; 2], method: &str, mark: &str, before: [usize; 2]) -> bool {
    let fresh = |server: &ToolServer, from: usize| {
        let heard = server.heard();
        heard[from..]
            .iter()
            .any(|one| one.holds(mark) || (one.method() == method && method != "ping"))
    };
    fresh(servers[0], before[0]) || fresh(servers[1], before[1])
}

async fn sends(agent: &Agent, method: &str, params: Value) -> Said {
    match method.starts_with("notifications/") {
        true => agent.notify(method, params).await,
        false => agent.ask(method, params).await,
    }
}

fn is_refused(said: &Said, method: &str) -> bool {
    match method.starts_with("notifications/") {
        true => said.status >= 400 && said.messages[0]["error"]["code"] == 1403,
        false => said.is_refused(),
    }
}

/// Goes through methods in one revision.
async fn goes_through(revision: &str, methods: &[&str], of_era: &str) {
    let (gateway, old, new) = stage().await;
    for team in ["free", "begin", "denied"] {
        for (path, all) in [
            (format!("/mcp/{of_era}"), None),
            ("/mcp".into(), Some(of_era)),
        ] {
            let agent = Agent::open(&gateway, &path, team, revision).await;
            for method in methods {
                let mark = format!("mark-{team}-{}", agent.number());
                let before = [old.heard().len(), new.heard().len()];
                let said = sends(&agent, method, params(method, &mark, all)).await;
                let arrived = heard([&old, &new], method, &mark, before);
                let what = format!("{revision} {team} {path} {method}: {}", said.raw);
                let connect = *method == "ping";
                if team == "free" || connect {
                    assert!(!is_refused_quietly(&said, method), "{what}");
                    let one_server_s = all.is_some() && OF_ONE_SERVER.contains(method);
                    let travels = !ANSWERED_HERE.contains(method) && !one_server_s;
                    assert_eq!(arrived, travels, "{what}");
                } else {
                    assert!(is_refused(&said, method), "{what}");
                    assert!(!arrived, "{what}");
                    assert!(!said.raw.contains(&mark), "{what}");
                }
            }
        }
    }
}

fn is_refused_quietly(said: &Said, method: &str) -> bool {
    match method.starts_with("notifications/") {
        true => said.status != 202,
        false => said.is_refused(),
    }
}

fn of_legacy(tasks: bool) -> Vec<&'static str> {
    let all = REQUESTS.iter().chain(&NOTIFICATIONS).copied();
    all.filter(|method| tasks || !method.contains("tasks/"))
        .collect()
}

#[tokio::test]
async fn revision_2024_11_05() {
    goes_through("2024-11-05", &of_legacy(false), "old").await;
}

#[tokio::test]
async fn revision_2025_03_26() {
    goes_through("2025-03-26", &of_legacy(false), "old").await;
}

#[tokio::test]
async fn revision_2025_06_18() {
    goes_through("2025-06-18", &of_legacy(false), "old").await;
}

#[tokio::test]
async fn revision_2025_11_25() {
    goes_through(LEGACY, &of_legacy(true), "old").await;
}

#[tokio::test]
async fn revision_2026_07_28() {
    let gone = [
        "ping",
        "resources/subscribe",
        "resources/unsubscribe",
        "logging/setLevel",
    ];
    let there: Vec<&str> = REQUESTS
        .into_iter()
        .filter(|method| !gone.contains(method))
        .collect();
    goes_through(MODERN, &there, "new").await;
    let (gateway, old, new) = stage().await;
    let agent = Agent::new(&gateway, "/mcp/new", "free", MODERN);
    for method in gone.into_iter().chain(["initialize"]) {
        let said = agent.ask(method, json!({})).await;
        assert_eq!((said.status, said.code()), (404, -32601), "{}", said.raw);
    }
    for method in gone {
        assert!(new.heard_of(method).is_empty() && old.heard_of(method).is_empty());
    }
}

#[tokio::test]
async fn listening_is_asked_for_too() {
    let (gateway, old, new) = stage().await;
    for path in ["/mcp/new", "/mcp"] {
        for team in ["begin", "denied"] {
            let agent = Agent::new(&gateway, path, team, MODERN);
            let said = agent
                .ask(
                    "subscriptions/listen",
                    params("subscriptions/listen", "mark-l", None),
                )
                .await;
            assert!(said.is_refused(), "{}", said.raw);
        }
    }
    assert!(new.heard_of("subscriptions/listen").is_empty());
    assert!(!new.saw("mark-l") && !old.saw("mark-l"));
    let agent = Agent::new(&gateway, "/mcp/new", "free", MODERN);
    let said = params("subscriptions/listen", "mark-l", None);
    let (mut raw, _) = agent.begin("subscriptions/listen", said).await;
    raw.until("notifications/subscriptions/acknowledged").await;
    assert_eq!(new.heard_of("subscriptions/listen").len(), 1);
}

#[tokio::test]
async fn the_greeting_is_asked_for_and_nobody_is_connected_to_before() {
    let (gateway, old, new) = stage().await;
    for team in ["shut", "nothing"] {
        for path in ["/mcp/old", "/mcp/new", "/mcp"] {
            for revision in ["2024-11-05", "2025-03-26", "2025-06-18", LEGACY] {
                let said = Agent::new(&gateway, path, team, revision)
                    .initialize()
                    .await;
                assert!(said.is_refused(), "{}", said.raw);
            }
            let agent = Agent::new(&gateway, path, team, MODERN);
            let said = agent.ask("server/discover", json!({})).await;
            assert!(said.is_refused(), "{}", said.raw);
        }
    }
    assert_eq!((old.connections(), new.connections()), (0, 0));
}

#[tokio::test]
async fn what_no_revision_knows_is_asked_for_as_other() {
    let (gateway, old, _new) = stage().await;
    for (team, arrives) in [("free", true), ("begin", false), ("denied", false)] {
        let agent = Agent::open(&gateway, "/mcp/old", team, LEGACY).await;
        for (number, method) in [
            "custom/method",
            "Tools/call",
            "tools/call ",
            "tools\u{2215}call",
        ]
        .into_iter()
        .enumerate()
        {
            let mark = format!("mark-{team}-{number}");
            let said = agent
                .ask(method, json!({"name": "echo", "mark": mark}))
                .await;
            assert_eq!(old.saw(&mark), arrives, "{team} {method:?} {}", said.raw);
            assert_eq!(
                said.is_refused(),
                !arrives,
                "{team} {method:?} {}",
                said.raw
            );
        }
        let all = Agent::open(&gateway, "/mcp", team, LEGACY).await;
        assert!(all.ask("custom/method", json!({})).await.is_refused());
    }
}

/// What only servers ask is never passed on to one.
#[tokio::test]
async fn an_agent_cannot_ask_what_only_servers_ask() {
    let (gateway, old, new) = stage().await;
    for (team, path, revision) in [
        ("free", "/mcp/old", LEGACY),
        ("begin", "/mcp/old", LEGACY),
        ("free", "/mcp", LEGACY),
        ("free", "/mcp/new", MODERN),
    ] {
        let agent = Agent::open(&gateway, path, team, revision).await;
        for method in ["sampling/createMessage", "elicitation/create", "roots/list"] {
            let said = agent.ask(method, json!({"message": "mark-posing"})).await;
            assert_eq!(said.code(), -32601, "{team} {path} {method} {}", said.raw);
        }
    }
    assert!(!old.saw("mark-posing") && !new.saw("mark-posing"));
}

/// The lists above are those of the schemas, and of the gateway's own table.
#[test]
fn no_method_of_a_schema_is_forgotten() {
    let Some(folder) = std::env::var_os("SALLYPORT_MCP_SCHEMAS") else {
        println!("SKIPPED: SALLYPORT_MCP_SCHEMAS names no folder of REVISION.schema.json");
        return;
    };
    let mut tried: BTreeSet<&str> = REQUESTS.into_iter().chain(NOTIFICATIONS).collect();
    tried.extend([
        "initialize",
        "notifications/initialized",
        "server/discover",
        "subscriptions/listen",
    ]);
    let mut known = BTreeSet::new();
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18", LEGACY, MODERN] {
        let file = std::path::Path::new(&folder).join(format!("{revision}.schema.json"));
        let text = std::fs::read_to_string(&file)
            .unwrap_or_else(|why| panic!("{}: {why}", file.display()));
        let schema: Value = serde_json::from_str(&text).expect("a schema is JSON");
        let defs = schema.get("$defs").or(schema.get("definitions"));
        for definition in defs
            .and_then(Value::as_object)
            .expect("definitions")
            .values()
        {
            if let Some(method) = definition["properties"]["method"]["const"].as_str() {
                known.insert(method.to_owned());
            }
        }
    }
    for method in &known {
        let of = Method::of(method);
        assert_ne!(of, Method::Other, "{method} is not in the table");
        assert!(
            of.side() == Side::Server || tried.contains(method.as_str()),
            "{method} is not tried"
        );
    }
}
