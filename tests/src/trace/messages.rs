//! Running a trace of messages between an agent and a tool server, without sockets: each `agent sends` is one message, each
//! `upstream answers` what the server says to it. The path names the server; sessions and lists of all are the gateway's.

use super::{Exchange, Outcome, Trace, conceal, memory, split};
use bytes::Bytes;
use sallyport_exchange as exchange;
use sallyport_exchange::mcp::{self, Era, Message, Method};
use sallyport_exchange::{Caller, Dialect, Flow, McpTarget};
use sallyport_policy::{Engine, Ruling, Terms};
use serde_json::json;
use std::sync::Arc;

/// Plays a trace, and gives the trace as it came out. The caller is of the team whose policy the trace holds.
pub fn run_messages(trace: &Trace) -> Trace {
    let engine = memory::engine(trace.policies());
    let team = trace.policies().find_map(|(_, text)| {
        let rest = text.split_once("package sallyport.teams.")?.1;
        rest.split_whitespace().next()
    });
    let exchanges = trace.exchanges();
    let played = exchanges
        .iter()
        .map(|exchange| play(&engine, team.unwrap_or("red"), exchange));
    trace.with(&played.collect::<Vec<_>>())
}

fn play(engine: &Arc<Engine>, team: &str, exchange: &Exchange) -> Outcome {
    let (line, _, body) = split(&exchange.sends);
    let server = line.split(['/', ' ']).nth(3).unwrap_or_default();
    let message = Message::read(&body).unwrap_or_else(|why| panic!("{body}: {why}"));
    let about = about(team, server, &message);
    let payload = Dialect::Mcp
        .read_request(about.operation, body.into())
        .expect("a message");
    let ruling = engine.judge_message(&about, Flow::Request, &payload, &Terms::default());
    let sent = match told(&ruling, &message) {
        Ok(sent) => sent,
        Err(refusal) => return outcome("nothing".to_owned(), refusal, &[&ruling]),
    };
    let Some(answer) = exchange.answers.as_deref() else {
        return outcome(sent, "nothing".to_owned(), &[&ruling]);
    };
    let answer = Dialect::Mcp
        .read_answer(about.operation, Bytes::from(split(answer).2))
        .expect("an answer");
    let judged = engine.judge_message(&about, Flow::Answer, &answer, &Terms::default());
    let got = told(&judged, &message).unwrap_or_else(|refusal| refusal);
    outcome(sent, got, &[&ruling, &judged])
}

fn about(team: &str, server: &str, message: &Message) -> exchange::Exchange {
    exchange::Exchange {
        id: "<id>".into(),
        caller: Caller {
            team: team.into(),
            agent: "tester".into(),
            key: "example".into(),
            labels: Arc::new([]),
        },
        route: server.into(),
        dialect: Dialect::Mcp,
        operation: message.method.operation(),
        path: format!("/mcp/{server}").into(),
        now_ns: 0,
        mcp: Some(McpTarget {
            server: server.into(),
            method: message.method_name.as_str().into(),
            revision: "2025-11-25",
            name: message.name.as_ref().and_then(|n| n.text()).map(Into::into),
        }),
    }
}

/// What goes on, or the refusal that the agent gets.
fn told(ruling: &Ruling, message: &Message) -> Result<String, String> {
    let id = message.id.as_ref().map_or("null", |id| &id.raw);
    let bytes = match ruling.clear() {
        Ok(cleared) => return Ok(conceal(cleared.as_str())),
        Err(denial) if message.method == Method::ToolsCall => {
            mcp::refused_result(id, &denial, "<id>", Era::Legacy)
        }
        Err(denial) => mcp::refused(id, &denial, "<id>"),
    };
    Err(conceal(&String::from_utf8_lossy(&bytes)))
}

/// What became of it, and why.
fn outcome(sent: String, got: String, judged: &[&Ruling]) -> Outcome {
    let trails = || judged.iter().map(|ruling| &ruling.trail);
    let mut rules: Vec<&str> = trails()
        .flat_map(|t| t.rules.iter().map(|rule| &**rule))
        .collect();
    rules.sort_unstable();
    rules.dedup();
    let labels = trails().flat_map(|t| t.findings.iter().map(|f| f.label.as_str()));
    let hidden = trails().flat_map(|t| t.hidden.iter().map(String::as_str));
    let record = json!({
        "rules": rules,
        "findings": labels.collect::<Vec<_>>(),
        "hidden": hidden.collect::<Vec<_>>(),
    });
    Outcome {
        upstream_receives: Some(sent),
        agent_receives: Some(got),
        record: Some(serde_json::to_string_pretty(&record).expect("JSON")),
    }
}
