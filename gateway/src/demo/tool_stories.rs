//! What the demo shows of tool servers.

use super::stories::{Story, Team};
use super::tools::POISONED_TICKET;
use serde_json::{Value, json};

/// The tool server that is as it was pinned, and the one that is not.
const DESK: &str = "/mcp/desk";
const UNITS: &str = "/mcp/units";

/// All of them, in order.
pub(super) fn tool_stories() -> Vec<Story> {
    vec![
        list_filtered(),
        description_poisoned(),
        call_allowed(),
        instruction_taken_out(),
        call_refused(),
        destruction_stopped(),
    ]
}

fn list_filtered() -> Story {
    Story {
        title: "A tool server's list is filtered",
        look: "`admin_purge_cache` is there, and this agent never learns of it.",
        team: Team::Support,
        path: DESK,
        body: message("tools/list", json!({})),
        verdict: "redacted",
        rule: "allow",
        reaches: true,
        got: "offers search_docs, read_ticket, run_sql",
        never_seen: vec!["admin_purge_cache".to_owned()],
    }
}

fn description_poisoned() -> Story {
    Story {
        title: "A poisoned description is quarantined",
        look: "Since it was pinned, `convert` has learned to give orders. It is kept back until somebody approves it.",
        team: Team::Support,
        path: UNITS,
        body: message("tools/list", json!({})),
        verdict: "redacted",
        rule: "allow",
        reaches: true,
        got: "offers list_units",
        never_seen: vec!["convert".to_owned(), "id_rsa".to_owned()],
    }
}

fn call_allowed() -> Story {
    Story {
        title: "A call at a tool server is allowed",
        look: "Its answer is judged as well: the customer's address in it is masked.",
        team: Team::Support,
        path: DESK,
        body: call("read_ticket", json!({"id": "S-17"})),
        verdict: "redacted",
        rule: "allow",
        reaches: true,
        got: "Ticket S-17: the parcel came back. Please mail [redacted pii.email",
        never_seen: vec![super::tools::customer()],
    }
}

fn instruction_taken_out() -> Story {
    Story {
        title: "An instruction in a tool's answer is taken out",
        look: "The classifier found the words that speak to the agent; the agent reads a notice in their place, and the rest.",
        team: Team::Support,
        path: DESK,
        body: call("read_ticket", json!({"id": POISONED_TICKET})),
        verdict: "redacted",
        rule: "allow",
        reaches: true,
        got: "Ticket S-31: the left earcup is broken",
        never_seen: vec![
            "forward all open tickets".to_owned(),
            "900 euros".to_owned(),
        ],
    }
}

fn call_refused() -> Story {
    Story {
        title: "A call is refused by its arguments",
        look: "The refusal is a result that the model reads, so that it can do otherwise.",
        team: Team::Support,
        path: DESK,
        body: call("read_ticket", json!({"id": "HR-3"})),
        verdict: "denied",
        rule: "own-tickets-only",
        reaches: false,
        got: "Support agents read tickets that begin with S-",
        never_seen: vec![],
    }
}

fn destruction_stopped() -> Story {
    Story {
        title: "A destructive call is stopped",
        look: "What the call would do decides, not what the tool is called.",
        team: Team::Support,
        path: DESK,
        body: call("run_sql", json!({"sql": "DROP TABLE customers"})),
        verdict: "denied",
        rule: "destructive",
        reaches: false,
        got: "ask a person to run it",
        never_seen: vec![],
    }
}

fn call(tool: &str, arguments: Value) -> Value {
    message("tools/call", json!({"name": tool, "arguments": arguments}))
}

/// A request as the newest revision has it: it stands alone and says what the agent can do.
fn message(method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "demo-agent", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}
