//! What tools by name cost over a session, in tokens of o200k, on real catalogues; and that nothing of them is lost.
//!
//! `SALLYPORT_COMPRESSION_DATA` names a folder with `mcp_tools_github.jsonl.gz`: a tool a line.

use crate::agent::{Agent, LEGACY};
use crate::house::{house, legacy};
use crate::tool_server::{Does, ToolServer};
use sallyport_compress::tokens::{Vocabulary, count};
use serde_json::{Value, json};
use std::io::Read;
use std::path::Path;

const NAMES: &str = "default allow := true\n\nsettings := {\"disclosure\": \"names+describe\"}";
/// Turns of a session, and tools that it uses.
const TURNS: usize = 20;
const USED: usize = 4;

fn tokens(text: &str) -> usize {
    count(text, Vocabulary::O200k)
}

fn tools() -> Option<Vec<Value>> {
    let folder = std::env::var_os("SALLYPORT_COMPRESSION_DATA")?;
    let file = Path::new(&folder).join("mcp_tools_github.jsonl.gz");
    let packed =
        std::fs::File::open(&file).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    let mut text = String::new();
    let mut unpacked = flate2::read::GzDecoder::new(packed);
    unpacked.read_to_string(&mut text).expect("text, packed");
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a tool"));
    Some(lines.collect())
}

/// A catalogue as a model's API takes it.
fn as_sent(tools: &[Value]) -> usize {
    let sent = tools.iter().map(|tool| json!({"name": tool["name"], "description": tool["description"], "input_schema": tool["inputSchema"]}));
    tokens(&Value::from_iter(sent).to_string())
}

/// Names of parameters, values of enums and words of descriptions of a schema.
fn said(schema: &Value, found: &mut Vec<String>) {
    for (key, of) in schema.as_object().into_iter().flatten() {
        match (key.as_str(), of) {
            ("properties", Value::Object(properties)) => {
                for (name, property) in properties {
                    found.push(name.clone());
                    said(property, found);
                }
            }
            ("enum", Value::Array(values)) => found.extend(values.iter().map(Value::to_string)),
            ("description", Value::String(words)) => found.push(words.trim().to_owned()),
            (_, Value::Object(_)) => said(of, found),
            (_, Value::Array(all)) => all.iter().for_each(|one| said(one, found)),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_session_costs_a_twentieth_and_loses_no_word() {
    let Some(tools) = tools() else {
        println!("SKIPPED: SALLYPORT_COMPRESSION_DATA names no folder of catalogues");
        return;
    };
    let listed = tools.clone();
    let server = ToolServer::legacy(move |heard| match heard.method() {
        "tools/list" => Does::Result(json!({"tools": listed})),
        _ => Does::TheUsual,
    })
    .await;
    let gateway = house(&[("github", legacy(&server.url()))], &[("names", NAMES)])
        .start()
        .await;
    let native = as_sent(&tools);
    for (path, prefix) in [("/mcp/github", ""), ("/mcp", "github__")] {
        let agent = Agent::open(&gateway, path, "names", LEGACY).await;
        let list = agent.ask("tools/list", json!({})).await;
        let list = list.result()["tools"].as_array().expect("a list").clone();
        let catalogue = as_sent(&list);
        let mut described = Vec::new();
        for tool in &tools {
            let own = tool["name"].as_str().expect("a name");
            let name = format!("{prefix}{own}");
            let names = list[0]["description"].as_str().expect("words");
            assert!(
                names.split([' ', ';']).any(|word| word == own),
                "{own} is not named"
            );
            let asked = json!({"tools": [name]});
            let text = agent.call("sallyport_describe", asked).await.text();
            let mut words = vec![tool["description"].as_str().unwrap_or("").trim().to_owned()];
            said(&tool["inputSchema"], &mut words);
            for word in words {
                assert!(
                    text.replace("\n ##", "\n##").contains(&word),
                    "{name}: {word} is lost: {text}"
                );
            }
            // Natively the call has the tool's name and its arguments as well.
            let held = json!({"tool": name, "arguments": {}}).to_string();
            let wrapper =
                (tokens("sallyport_call") + tokens(&held)).saturating_sub(tokens(own) + 1);
            described.push(tokens(&text) + wrapper);
        }
        let question = |names: &[String]| {
            tokens("sallyport_describe") + tokens(&json!({"tools": names}).to_string())
        };
        let names: Vec<String> = tools
            .iter()
            .take(USED)
            .map(|tool| format!("{prefix}{}", tool["name"].as_str().unwrap_or("")))
            .collect();
        described.sort_unstable();
        let mean = described.iter().sum::<usize>() / described.len();
        let ninth = described[described.len() * 9 / 10];
        for (which, each) in [
            ("the mean tool", mean),
            ("the tool that nine of ten are below", ninth),
        ] {
            for (when, every) in [
                ("all at once", 0),
                ("one a turn", 1),
                ("one every five turns", 5),
            ] {
                // Question, answer, and what the call has more: history from the turn in which they come.
                let asked = match every {
                    0 => question(&names) / USED,
                    _ => question(&names[..1]),
                };
                let turns = |n: usize| TURNS - n * every;
                let history: usize = (0..USED).map(|n| turns(n) * (each + asked)).sum();
                let whole = catalogue * TURNS + history;
                let saved = 100.0 - 100.0 * whole as f64 / (native * TURNS) as f64;
                println!(
                    "{path}, {which}, {when}: native {native} and catalogue {catalogue} a turn, {each} a tool: {saved:.2} % less"
                );
                assert!(saved >= 95.0 || which != "the mean tool", "{saved}");
            }
        }
    }
}
