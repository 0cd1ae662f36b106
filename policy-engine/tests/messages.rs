//! Messages of tool servers: what is hidden is cut out of a list, whatever the length of either.

use bytes::Bytes;
use sallyport_exchange::{Caller, Dialect, Exchange, Flow, McpTarget, Operation};
use sallyport_policy::{Engine, Limits, Placeholders, Policy, PolicySource, Terms};
use std::time::Duration;

/// As many tools as the gateway takes from a server.
const TOOLS: usize = 20_000;

fn exchange() -> Exchange {
    Exchange {
        id: "01JX".into(),
        caller: Caller {
            team: "a".into(),
            agent: "bot".into(),
            key: "k".into(),
            labels: Default::default(),
        },
        route: "s".into(),
        dialect: Dialect::Mcp,
        operation: Operation::ToolList,
        path: "/mcp/s".into(),
        now_ns: 0,
        mcp: Some(McpTarget {
            server: "s".into(),
            method: "tools/list".into(),
            revision: "2025-11-25",
            name: None,
        }),
    }
}

fn name(number: usize) -> String {
    // Equal in length and at the beginning, so that comparing pair by pair would take as long as it can.
    format!("{}{number:08}", "a_long_name_of_a_tool_".repeat(4))
}

#[test]
fn many_hidden_tools_are_cut_out_of_a_long_list() {
    let tools: Vec<String> = (0..TOOLS)
        .map(|n| format!("{{\"name\":\"{}\"}}", name(n)))
        .collect();
    let list = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{{\"tools\":[{}]}}}}",
        tools.join(",")
    );
    let payload = Dialect::Mcp
        .read_answer(Operation::ToolList, Bytes::from(list))
        .expect("a list");
    let policy = "package sallyport.teams.a\n\ndefault allow := true\n";
    let policy = Policy::compile(&PolicySource::of([("a.rego", policy)]), Limits::default());
    let policy = policy.expect("compiles");
    let engine = Engine::new(
        Vec::new(),
        policy.into(),
        Placeholders::new([7; 32]),
        || Duration::ZERO,
    );
    let terms = Terms {
        hidden: (1..TOOLS).rev().map(name).collect(),
        ..Terms::default()
    };
    let ruling = engine.judge_message(&exchange(), Flow::Answer, &payload, &terms);
    assert_eq!(ruling.trail.hidden.len(), TOOLS - 1);
    let left = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{{\"tools\":[{}]}}}}",
        tools[0]
    );
    let cleared = ruling.clear().expect("is cleared");
    assert_eq!(cleared.as_str(), left);
}
