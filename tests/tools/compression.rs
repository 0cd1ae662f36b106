//! Compression in the running gateway: what the model and the agent get, what a prefix keeps, whose originals are whose.

use crate::agent::{Agent, LEGACY, MODERN};
use crate::house::{ALL, house_with, legacy, modern};
use crate::tool_server::{Does, Heard, ToolServer, tool};
use sallyport_tests::{Ask, FakeUpstream, Gateway, Running};
use serde_json::{Value, json};

const ANSWER: &str = r#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Good."},"finish_reason":"stop"}],"usage":{"prompt_tokens":900,"completion_tokens":2,"total_tokens":902}}"#;

fn wishes(compression: &str) -> String {
    format!("{ALL}\n\nsettings := {{\"compression\": {compression}}}")
}

/// What `list_orders` answers: alike objects, as JavaScript prints them.
fn orders(count: usize) -> String {
    let order = |n: usize| json!({"order_id": format!("ord_{n:05}"), "status": if n == 7 { "failed" } else { "shipped" }, "currency": "EUR", "total_cents": 1000 + n * 37, "warehouse": "north"});
    let orders: Vec<Value> = (0..count).map(order).collect();
    serde_json::to_string_pretty(&json!({"orders": orders, "page": 1})).expect("JSON")
}

/// The bodies of a session that asks for orders again and again, each with all that was before.
fn turns(count: usize, tools: Value) -> Vec<String> {
    let mut messages = vec![json!({"role": "user", "content": "Which of the orders failed?"})];
    let mut bodies = Vec::new();
    for turn in 0..count {
        let call = json!([{"id": format!("call_{turn}"), "type": "function", "function": {"name": "list_orders", "arguments": format!("{{\"page\": {turn}}}")}}]);
        messages.push(json!({"role": "assistant", "content": null, "tool_calls": call}));
        let orders = orders(40 + turn);
        messages.push(
            json!({"role": "tool", "tool_call_id": format!("call_{turn}"), "content": orders}),
        );
        bodies.push(json!({"model": "m", "tools": tools, "messages": messages}).to_string());
    }
    bodies
}

async fn before(wish: &str, more: &str) -> (Running, FakeUpstream) {
    let upstream = FakeUpstream::answers(ANSWER).await;
    let gateway = Gateway::with_config(&format!(
        "operators:\n  listen: 127.0.0.1:0\n  hosts: [gateway]\n{more}"
    ))
    .upstream(&upstream)
    .policy(
        "red.rego",
        &format!("package sallyport.teams.red\n\n{}\n", wishes(wish)),
    )
    .start()
    .await;
    (gateway, upstream)
}

async fn forwarded(
    gateway: &mut Running,
    upstream: &FakeUpstream,
    bodies: &[String],
) -> (Vec<String>, Vec<Value>) {
    let mut records = Vec::new();
    for body in bodies {
        let answer = gateway
            .ask(Ask::post("/v1/chat/completions", body.clone()))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        records.push(gateway.record().await);
    }
    let requests = upstream.requests();
    let sent = requests.iter().map(|request| request.text());
    (sent.collect(), records)
}

fn shared(one: &str, other: &str) -> usize {
    one.bytes()
        .zip(other.bytes())
        .take_while(|(a, b)| a == b)
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn off_and_observe_change_no_byte() {
    for wish in [
        "\"off\"",
        "\"observe\"",
        "{\"mode\": \"lossless\", \"holdout_percent\": 100}",
        "\"Lossless\"",
    ] {
        let (mut gateway, upstream) = before(wish, "").await;
        let bodies = turns(2, json!([]));
        let (sent, records) = forwarded(&mut gateway, &upstream, &bodies).await;
        assert_eq!(sent, bodies, "{wish}");
        let noted = &records[1]["compression"];
        assert_eq!(noted.is_null(), wish == "\"off\"", "{wish}: {noted}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lossless_forms_go_out_once_and_stay() {
    let (mut gateway, upstream) = before("\"lossless\"", "").await;
    let bodies = turns(4, json!([]));
    let (sent, records) = forwarded(&mut gateway, &upstream, &bodies).await;
    for (body, came) in sent.iter().zip(&bodies) {
        assert!(
            body.len() * 2 < came.len(),
            "{} of {} bytes",
            body.len(),
            came.len()
        );
        let (body, came): (Value, Value) = (
            serde_json::from_str(body).expect("JSON"),
            serde_json::from_str(came).expect("JSON"),
        );
        for (new, old) in body["messages"]
            .as_array()
            .expect("messages")
            .iter()
            .zip(came["messages"].as_array().expect("messages"))
        {
            match old["role"] == "tool" {
                true => assert_eq!(new["tool_call_id"], old["tool_call_id"]),
                false => assert_eq!(new, old),
            }
        }
        // Every value of every order is there for whoever reads the form.
        let text = body["messages"].to_string();
        for word in [
            "ord_00000",
            "ord_00039",
            "failed",
            "1259",
            "warehouse",
            "north",
        ] {
            assert!(text.contains(word), "{word} is gone: {text}");
        }
    }
    for turn in 1..bodies.len() {
        let own = shared(&bodies[turn - 1], &bodies[turn]);
        let ours = shared(&sent[turn - 1], &sent[turn]);
        // All but the closing brackets of the body before.
        assert_eq!(
            sent[turn - 1].len() - ours,
            bodies[turn - 1].len() - own,
            "turn {turn}"
        );
    }
    let noted = &records[3]["compression"];
    assert_eq!(
        (&noted["mode"], &noted["blocks"], &noted["rewritten"]),
        (&json!("lossless"), &json!(4), &json!(4)),
        "{noted}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_masked_is_what_is_made_small() {
    let secret = ["AKIA", "QYLPMN5HFIQR7XYA"].concat();
    let upstream = FakeUpstream::answers(ANSWER).await;
    let mut gateway =
        Gateway::with_config("operators:\n  listen: 127.0.0.1:0\n  hosts: [gateway]\n")
            .upstream(&upstream)
            .policy(
                "red.rego",
                &format!(
                    "package sallyport.teams.red\n\n{}\nredact contains \"secret.*\"\n",
                    wishes("\"lossless\"")
                ),
            )
            .start()
            .await;
    let body = turns(1, json!([])).remove(0).replace("ord_00003", &secret);
    let (sent, records) = forwarded(&mut gateway, &upstream, std::slice::from_ref(&body)).await;
    assert!(!sent[0].contains(&secret), "{}", sent[0]);
    assert!(sent[0].len() * 2 < body.len(), "it was not made small");
    assert_eq!(records[0]["verdict"], "redacted");
    assert_eq!(records[0]["compression"]["rewritten"], 1);
}

/// A server whose tool answers with a long list.
fn lists(heard: &Heard) -> Does {
    match heard.method() {
        "tools/list" => Does::Result(
            json!({"tools": [tool("list_orders"), tool("read_file")], "resultType": "complete", "ttlMs": 60_000, "cacheScope": "public"}),
        ),
        "tools/call" => Does::Result(
            json!({"content": [{"type": "text", "text": orders(400)}], "isError": false, "resultType": "complete"}),
        ),
        _ => Does::TheUsual,
    }
}

/// The handle that a compact form names.
fn handle(text: &str) -> String {
    let (_, rest) = text
        .split_once("sallyport_retrieve ref=")
        .unwrap_or_else(|| panic!("no handle in {text}"));
    rest.chars().take(16).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_original_is_had_back_by_its_own_session_alone() {
    for (revision, other_revision) in [(LEGACY, MODERN), (MODERN, LEGACY)] {
        let server = ToolServer::legacy(lists).await;
        let teams = [
            ("small", &*wishes("\"reversible\"")),
            ("others", &*wishes("\"reversible\"")),
        ];
        let gateway = house_with(
            "compression:\n  originals: originals\n",
            &[("shop", legacy(&server.url()))],
            &teams,
        )
        .start()
        .await;
        let agent = Agent::open(&gateway, "/mcp/shop", "small", revision).await;
        assert!(
            agent
                .tools()
                .await
                .contains(&"sallyport_retrieve".to_owned())
        );
        let said = agent.call("list_orders", json!({"text": "x"})).await;
        let small = said.result()["content"][0]["text"]
            .as_str()
            .expect("text")
            .to_owned();
        let original = orders(400);
        assert!(
            small.len() * 5 < original.len(),
            "{} of {}: {small}",
            small.len(),
            original.len()
        );
        assert!(small.contains("failed"), "what stands out is gone: {small}");
        let handle = handle(&small);
        // Whole, in pieces of lines.
        let mut back = String::new();
        let lines = original.lines().count();
        let mut from = 1;
        while from <= lines {
            let to = (from + 99).min(lines);
            let said = agent
                .call(
                    "sallyport_retrieve",
                    json!({"ref": handle, "range": format!("{from}-{to}")}),
                )
                .await;
            let piece = said.result()["content"][0]["text"].as_str();
            back += piece
                .unwrap_or_else(|| panic!("{}", said.raw))
                .trim_end_matches('\n');
            back += "\n";
            from = to + 1;
        }
        assert_eq!(back.trim_end(), original);
        let found = agent
            .call(
                "sallyport_retrieve",
                json!({"ref": handle, "path": "$.orders[123].order_id"}),
            )
            .await;
        assert!(found.text().contains("ord_00123"), "{}", found.raw);
        let unknown = agent
            .call("sallyport_retrieve", json!({"ref": "aaaaaaaaaaaaaaaa"}))
            .await
            .result()
            .clone();
        let others = [
            Agent::open(&gateway, "/mcp/shop", "others", revision).await,
            Agent::open(&gateway, "/mcp/shop", "small", other_revision).await,
            Agent::open(&gateway, "/mcp", "small", revision).await,
        ];
        for other in others {
            let denied = other
                .call("sallyport_retrieve", json!({"ref": handle}))
                .await;
            let said = |result: &Value| (result["content"].clone(), result["isError"].clone());
            assert_eq!(
                said(denied.result()),
                said(&unknown),
                "{} {}",
                other.path,
                other.revision
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_originals_nothing_is_left_out() {
    let server = ToolServer::modern(lists).await;
    let gateway = house_with(
        "",
        &[("shop", modern(&server.url()))],
        &[("small", &wishes("\"reversible\""))],
    )
    .start()
    .await;
    let agent = Agent::open(&gateway, "/mcp/shop", "small", MODERN).await;
    assert!(
        !agent
            .tools()
            .await
            .contains(&"sallyport_retrieve".to_owned())
    );
    let said = agent.call("list_orders", json!({"text": "x"})).await;
    let small = said.text();
    assert!(!small.contains("ref="), "{small}");
    for number in [0, 123, 399] {
        assert!(small.contains(&format!("ord_{number:05}")), "{small}");
    }
    // A tool that reads files gives them as they are.
    let exact = agent.call("read_file", json!({"text": "x"})).await;
    assert_eq!(exact.result()["content"][0]["text"], orders(400));
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_conversation_originals_are_for_who_can_ask() {
    let (mut gateway, upstream) =
        before("\"reversible\"", "compression:\n  originals: originals\n").await;
    let offer = |name: &str| json!([{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}]);
    let long = |tools: Value| {
        let mut body: Value = serde_json::from_str(&turns(1, tools)[0]).expect("JSON");
        body["messages"][2]["content"] = orders(400).into();
        body.to_string()
    };
    let bodies = [
        long(offer("other")),
        long(offer("mcp__gate__sallyport_retrieve")),
    ];
    let (sent, _) = forwarded(&mut gateway, &upstream, &bodies).await;
    assert!(!sent[0].contains("ref="), "nobody could ask for it");
    assert!(sent[1].contains("sallyport_retrieve ref="), "{}", sent[1]);
    assert!(sent[1].len() * 3 < sent[0].len());
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_see_and_compare() {
    let (mut gateway, upstream) = before("\"observe\"", "").await;
    let bodies = turns(2, json!([]));
    forwarded(&mut gateway, &upstream, &bodies).await;
    let mut seen = String::new();
    for _ in 0..100 {
        let mut operators = sallyport_tests::Raw::to(gateway.operators).await;
        seen = operators.ask(&Ask::get("/metrics").no_key()).await.text();
        if seen.contains("compression_tokens_total") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(seen.contains(r#"sallyport_compression_tokens_total{mode="observe",plan="lossless",side="before",team="red"}"#), "{seen}");
    let mut operators = sallyport_tests::Raw::to(gateway.operators).await;
    let page = operators.ask(&Ask::get("/teams").no_key()).await.text();
    assert!(
        page.contains("Compression since the start") && page.contains("observe"),
        "{page}"
    );
    let mut operators = sallyport_tests::Raw::to(gateway.operators).await;
    let compared = operators
        .ask(&Ask::post("/v1/compress", bodies[1].clone()).no_key())
        .await
        .json();
    assert!(
        compared["tokens_after"].as_u64() < compared["tokens_before"].as_u64(),
        "{compared}"
    );
    assert_eq!(compared["messages"].as_array().map(Vec::len), Some(5));
}
