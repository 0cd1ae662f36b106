//! The data: sessions as lists of chat messages, and texts that tools answered.

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// What the environment calls the folder with the data.
pub const FOLDER: &str = "SALLYPORT_COMPRESSION_DATA";

/// A kind of traffic.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Traffic {
    /// Results of an airline's tools: JSON as Python writes it.
    Airline,
    /// Results of many tool servers, as their client wrapped them.
    Servers,
    /// What coding agents saw: files, searches, test runs.
    Coding,
    /// Answers of a public API, minified.
    Api,
    /// Web pages.
    Pages,
    /// Logs and what commands print.
    Logs,
}

impl Traffic {
    /// All of them, in the order of the tables.
    pub const ALL: [Traffic; 6] = [
        Traffic::Airline,
        Traffic::Servers,
        Traffic::Api,
        Traffic::Logs,
        Traffic::Pages,
        Traffic::Coding,
    ];

    /// Its name in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Traffic::Airline => "JSON tool results (airline sessions)",
            Traffic::Servers => "many tool servers (livemcp sessions)",
            Traffic::Coding => "coding sessions, observations",
            Traffic::Api => "API answers and webhooks, minified",
            Traffic::Pages => "web pages",
            Traffic::Logs => "logs and command output (recorded)",
        }
    }
}

/// One text that a tool answered.
#[derive(Clone, Debug)]
pub struct Sample {
    /// What kind of traffic it is.
    pub traffic: Traffic,
    /// Its tool, where it is known.
    pub tool: Option<String>,
    /// What it says.
    pub text: String,
}

/// One conversation of an agent, as chat messages.
#[derive(Clone, Debug)]
pub struct Session {
    /// What kind of traffic its results are.
    pub traffic: Traffic,
    /// Where it is from.
    pub name: String,
    /// All its messages, in order.
    pub messages: Vec<Value>,
}

/// The folder with the data, if the environment names one.
pub fn folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

/// Texts that stand in no session.
pub fn samples(folder: &Path) -> io::Result<Vec<Sample>> {
    let sample = |traffic, tool: &str, text: String| Sample {
        traffic,
        tool: Some(tool.to_owned()),
        text,
    };
    let mut samples = Vec::new();
    for row in rows(&folder.join("api_responses_github.jsonl.gz"))? {
        for call in row["json"].as_array().into_iter().flatten() {
            samples.push(sample(Traffic::Api, "api", call["response"].to_string()));
        }
    }
    for row in rows(&folder.join("webhook_payloads_github.jsonl.gz"))? {
        samples.push(sample(Traffic::Api, "webhook", row["json"].to_string()));
    }
    for row in rows(&folder.join("web_pages.jsonl.gz"))? {
        let html = row["html"].as_str().unwrap_or_default().to_owned();
        samples.push(sample(Traffic::Pages, "fetch", html));
    }
    for text in recordings()? {
        samples.push(sample(Traffic::Logs, "bash", text));
    }
    Ok(samples)
}

/// Logs and command output recorded for this: `recordings/` beside this crate. Lines of JSON with a `text`, or texts.
fn recordings() -> io::Result<Vec<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        return Ok(Vec::new());
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.sort();
    let mut texts = Vec::new();
    for path in paths {
        let name = path.to_string_lossy().into_owned();
        if name.ends_with(".jsonl") || name.ends_with(".jsonl.gz") {
            let rows = rows(&path)?;
            texts.extend(
                rows.iter()
                    .filter_map(|row| Some(row["text"].as_str()?.to_owned())),
            );
        } else if !name.ends_with(".md") && path.is_file() {
            let mut text = String::new();
            opened(&path)?.read_to_string(&mut text)?;
            texts.push(text);
        }
    }
    Ok(texts)
}

/// All sessions.
pub fn sessions(folder: &Path) -> io::Result<Vec<Session>> {
    let mut sessions = Vec::new();
    let chats = [
        ("agent_sessions_airline", Traffic::Airline),
        ("agent_sessions_livemcp", Traffic::Servers),
    ];
    for (file, traffic) in chats {
        for (at, row) in rows(&folder.join(format!("{file}.jsonl.gz")))?
            .iter()
            .enumerate()
        {
            let messages = row["messages"].as_array().cloned().unwrap_or_default();
            sessions.push(Session {
                traffic,
                name: format!("{file} {at}"),
                messages,
            });
        }
    }
    type Messages = fn(&Value) -> Vec<Value>;
    let coding: [(&str, Messages); 2] = [
        ("coding_sessions_swe_agent", steps),
        ("coding_sessions_openhands", events),
    ];
    for (file, read) in coding {
        for (at, row) in rows(&folder.join(format!("{file}.jsonl.gz")))?
            .iter()
            .enumerate()
        {
            let messages = read(row);
            // Some rows hold no steps.
            if messages.len() > 2 {
                sessions.push(Session {
                    traffic: Traffic::Coding,
                    name: format!("{file} {at}"),
                    messages,
                });
            }
        }
    }
    Ok(sessions)
}

/// The commands of SWE-agent that are tools of their own; all else is typed into a shell.
const COMMANDS: [&str; 10] = [
    "open",
    "edit",
    "create",
    "goto",
    "scroll_up",
    "scroll_down",
    "search_dir",
    "search_file",
    "find_file",
    "submit",
];

/// The steps of SWE-agent: each an action and what was observed.
fn steps(row: &Value) -> Vec<Value> {
    let mut messages = vec![json!({"role": "user", "content": "Solve the task."})];
    for (n, step) in row["trajectory"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let action = step["action"].as_str().unwrap_or_default();
        let first = action.split_whitespace().next().unwrap_or_default();
        let tool = COMMANDS.iter().find(|c| **c == first).unwrap_or(&"bash");
        let said = step["thought"].as_str().unwrap_or_default();
        let asked = json!({"command": action});
        let observed = step["observation"].as_str().unwrap_or_default();
        call(&mut messages, n, said, tool, &asked, observed);
    }
    messages
}

/// The events of OpenHands: actions, and observations with what they answer.
fn events(row: &Value) -> Vec<Value> {
    let mut messages = Vec::new();
    let history = row["history"].as_array().cloned().unwrap_or_default();
    for (n, event) in history.iter().enumerate() {
        let words = |key: &str| event[key].as_str().unwrap_or_default();
        let action = words("action");
        if action == "system" || (action == "message" && words("source") == "user") {
            let role = if action == "system" { "system" } else { "user" };
            messages.push(json!({"role": role, "content": event["args"]["content"]}));
        }
        let cause = &event["cause"];
        let Some(asked) = history
            .iter()
            .find(|e| !cause.is_null() && e["id"] == *cause)
        else {
            continue;
        };
        let metadata = &asked["tool_call_metadata"];
        let Some(tool) = metadata["function_name"].as_str() else {
            continue;
        };
        let mut args = asked["args"].clone();
        let said = args["thought"].as_str().unwrap_or_default().to_owned();
        if let Some(args) = args.as_object_mut() {
            args.retain(|key, v| key != "thought" && !v.is_null() && *v != json!(false));
        }
        call(&mut messages, n, &said, tool, &args, words("content"));
    }
    messages
}

fn call(messages: &mut Vec<Value>, n: usize, said: &str, tool: &str, args: &Value, answer: &str) {
    // As long as ids are.
    let id = format!("call_{}", &blake3::hash(&n.to_le_bytes()).to_hex()[..24]);
    let function = json!({"name": tool, "arguments": args.to_string()});
    let calls = json!([{"id": id, "type": "function", "function": function}]);
    messages.push(json!({"role": "assistant", "content": said, "tool_calls": calls}));
    messages.push(json!({"role": "tool", "tool_call_id": id, "content": answer}));
}

/// The rows of a file of JSON lines, packed or not.
pub fn rows(path: &Path) -> io::Result<Vec<Value>> {
    let lines = BufReader::new(opened(path)?).lines();
    let parsed = lines.map(|line| Ok(serde_json::from_str(&line?)?));
    parsed.collect()
}

fn opened(path: &Path) -> io::Result<Box<dyn Read>> {
    let file = File::open(path)?;
    Ok(match path.extension().is_some_and(|e| e == "gz") {
        true => Box::new(GzDecoder::new(file)),
        false => Box::new(file),
    })
}
