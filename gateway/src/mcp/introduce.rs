//! How an agent is introduced to a server: its own words, judged like all that leaves.

use super::background::Judged;
use super::session::Session;
use super::upstream::Introduction;
use crate::edge::account::Account;
use crate::edge::watching::Watching;
use crate::state::State;
use sallyport_exchange::json::Tape;
use sallyport_exchange::{Dialect, Flow, Operation};
use sallyport_policy::Terms;
use std::sync::Arc;

/// Capabilities that are told even where the agent's own words for them may not leave.
const CAPABILITIES: [&str; 4] = ["elicitation", "roots", "sampling", "tasks"];

/// The introduction to this server, masked as policies demand. Where it may not leave at all, the server learns
/// what kinds of questions the agent takes, and nothing else: whether there is a connection is decided elsewhere.
pub fn introduction(session: &Arc<Session>, state: &State, server: &Arc<str>) -> Introduction {
    let own = &session.introduction;
    let masked = masked(session, state, server);
    let (client_info, capabilities) = masked.unwrap_or_else(|| {
        let tape = Tape::read_str(&own.capabilities).ok();
        let has = |key: &&str| {
            tape.as_ref()
                .is_some_and(|t| t.root().member(key).is_some())
        };
        let kept = CAPABILITIES.iter().filter(|key| has(key));
        let kept: Vec<String> = kept.map(|key| format!("\"{key}\":{{}}")).collect();
        (
            "{\"name\":\"unnamed\",\"version\":\"0\"}".to_owned(),
            format!("{{{}}}", kept.join(",")),
        )
    });
    Introduction {
        client_info,
        capabilities,
        ..own.clone()
    }
}

/// `clientInfo` and `capabilities` as they may leave, as JSON.
fn masked(session: &Arc<Session>, state: &State, server: &Arc<str>) -> Option<(String, String)> {
    let own = &session.introduction;
    let body = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{{\"clientInfo\":{},\"capabilities\":{}}}}}",
        own.client_info, own.capabilities
    );
    let account = Account::begin(Watching::default());
    let judged = Judged {
        session: session.clone(),
        id: account.id.clone(),
        now_ns: account.began_ns,
        server: server.clone(),
        method: "initialize".into(),
        name: None,
    };
    let read = Dialect::Mcp.read_request(Operation::Connect, body.into());
    let ruling = state.engine.judge_message(
        &judged.exchange(Operation::Connect),
        Flow::Request,
        &read.ok()?,
        &Terms::default(),
    );
    let cleared = ruling.clear().ok()?;
    let tape = Tape::read_str(cleared.as_str()).ok()?;
    let params = tape.root().member("params")?;
    let raw = |key: &str| Some(params.member(key)?.raw().to_owned());
    Some((raw("clientInfo")?, raw("capabilities")?))
}
