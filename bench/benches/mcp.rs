//! What messages of tool servers cost by themselves: `cargo bench -p sallyport-bench --bench mcp`. Prints means in
//! microseconds of processor time, so that a busy machine counts for little.

use bytes::Bytes;
use sallyport_bench::micro::{report, stopwatch};
use sallyport_bench::servers::ALLOW_ALL;
use sallyport_bench::{TEAM, mcp, tools};
use sallyport_detect::{Config, Detectors};
use sallyport_exchange::json::Tape;
use sallyport_exchange::{Caller, Dialect, Exchange, Filter, Flow, McpTarget, Operation, Payload};
use sallyport_guard::Guard;
use sallyport_manifest::Offers;
use sallyport_policy::{Engine, Limits, Placeholders, Policy, PolicySource, Terms};
use serde_json::{Value, json};
use std::hint::black_box;

fn main() {
    println!("| what | µs |\n|---|--:|");
    let call = message(
        json!({"method": "tools/call", "params": {"name": tools::SMALL, "arguments": tools::arguments()}}),
    );
    let small = message(json!({"result": tools::result(1 << 10)}));
    let large = message(json!({"result": tools::result(100 << 10)}));
    let list = message(json!({"result": {"tools": tools::tools(tools::TOOLS)}}));
    let terms = Terms {
        offer: Some(tools::tools(1)[0].to_string().into()),
        ..Terms::default()
    };
    let none = Terms::default();
    let messages = [
        (
            "a call of 1 KB",
            Operation::ToolCall,
            Flow::Request,
            &call,
            &terms,
        ),
        (
            "a result of 1 KB",
            Operation::ToolCall,
            Flow::Answer,
            &small,
            &none,
        ),
        (
            "a result of 100 KB",
            Operation::ToolCall,
            Flow::Answer,
            &large,
            &none,
        ),
        (
            "a list of 500 tools",
            Operation::ToolList,
            Flow::Answer,
            &list,
            &none,
        ),
    ];
    let engines = [
        ("allow all", engine(ALLOW_ALL, false)),
        ("policy", engine(mcp::POLICY, false)),
        ("policy + detectors", engine(mcp::POLICY, true)),
    ];
    for (name, operation, flow, body, terms) in messages {
        let text = std::str::from_utf8(body).unwrap_or_default();
        report(&format!("{name} ({} bytes): tape", body.len()), || {
            drop(black_box(Tape::read_str(text)))
        });
        report(&format!("{name}: read"), || {
            drop(black_box(read(operation, flow, body)))
        });
        let payload = read(operation, flow, body);
        let about = exchange(operation);
        for (under, engine) in &engines {
            let ruling = engine.judge_message(&about, flow, &payload, terms);
            assert!(ruling.clear().is_ok(), "{name} is cleared under {under}");
            report(&format!("{name}: judge, {under}"), || {
                drop(black_box(
                    engine.judge_message(&about, flow, &payload, terms),
                ))
            });
        }
    }
    check_arguments();
}

/// What the catalogue does with a call's arguments: the schema compiled once for each tool, then used.
fn check_arguments() {
    let tool = &tools::tools(1)[0];
    let schema = &tool["inputSchema"];
    let compile = || jsonschema::options().build(schema);
    report("arguments: compile a schema", || drop(black_box(compile())));
    let arguments = tools::arguments().to_string();
    let Ok(validator) = compile() else {
        unreachable!("the bench's own schema compiles")
    };
    report("arguments: parse and check 1 KB", || {
        let instance: Result<Value, _> = serde_json::from_str(&arguments);
        let fits = instance.is_ok_and(|instance| validator.iter_errors(&instance).next().is_none());
        assert!(black_box(fits), "the bench's own arguments fit");
    });
}

fn message(members: Value) -> Bytes {
    let members = members.to_string();
    format!("{{\"jsonrpc\":\"2.0\",\"id\":7,{}", &members[1..]).into()
}

fn read(operation: Operation, flow: Flow, body: &Bytes) -> Payload {
    let read = match flow {
        Flow::Request => Dialect::Mcp.read_request(operation, body.clone()),
        Flow::Answer => Dialect::Mcp.read_answer(operation, body.clone()),
    };
    match read {
        Ok(payload) => payload,
        Err(error) => unreachable!("the bench's own message is refused: {error}"),
    }
}

fn engine(policy: &str, detectors: bool) -> Engine {
    let policy = match Policy::compile(
        &PolicySource::of([("payments.rego", policy)]),
        Limits::default(),
    ) {
        Ok(policy) => policy.into(),
        Err(errors) => unreachable!("the bench's own policy does not compile: {errors}"),
    };
    let mut filters: Vec<Box<dyn Filter>> = vec![Box::new(Guard::default()), Box::new(Offers)];
    if detectors {
        filters.push(Box::new(Detectors::new(Config::default())));
    }
    Engine::new(filters, policy, Placeholders::new([7; 32]), stopwatch)
}

fn exchange(operation: Operation) -> Exchange {
    Exchange {
        id: "01JX".into(),
        caller: Caller {
            team: TEAM.into(),
            agent: "bench".into(),
            key: "bench".into(),
            labels: Default::default(),
        },
        route: "notes".into(),
        dialect: Dialect::Mcp,
        operation,
        path: "/mcp/notes".into(),
        now_ns: 1_779_000_000_000_000_000,
        mcp: Some(McpTarget {
            server: "notes".into(),
            method: operation.as_str().into(),
            revision: tools::LEGACY,
            name: None,
        }),
    }
}
