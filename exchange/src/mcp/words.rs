//! What the gateway itself says in JSON-RPC: errors, and refusals as results that a model can learn from.

use super::revision::Era;
use crate::denial::Denial;
use crate::dialect::Fault;
use crate::json::string::quoted;
use bytes::Bytes;

/// Error codes that the gateway uses.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Code {
    /// No JSON (JSON-RPC 2.0 §5.1).
    Parse,
    /// JSON, but no message that may stand here.
    InvalidRequest,
    /// No such method, or none that is offered.
    MethodNotFound,
    /// The method is there, its parameters are wrong.
    InvalidParams,
    /// The gateway's own fault.
    Internal,
    /// A header says other than the body (2026-07-28, Server Validation).
    HeaderMismatch,
    /// The agent lacks a capability that the request needs (2026-07-28).
    MissingCapability,
    /// A revision that is not spoken here (2026-07-28).
    UnsupportedVersion,
    /// A policy said no. Outside -32768…-32000, which the specifications keep for themselves.
    Denied,
    /// No valid key or token.
    Unauthenticated,
    /// The tool server cannot be reached, or broke down.
    Unavailable,
}

impl Code {
    /// The number.
    pub fn number(self) -> i32 {
        match self {
            Code::Parse => -32700,
            Code::InvalidRequest => -32600,
            Code::MethodNotFound => -32601,
            Code::InvalidParams => -32602,
            Code::Internal => -32603,
            Code::HeaderMismatch => -32020,
            Code::MissingCapability => -32021,
            Code::UnsupportedVersion => -32022,
            Code::Unauthenticated => 1401,
            Code::Denied => 1403,
            Code::Unavailable => 1502,
        }
    }
}

/// An error response. `id`: the request's id as JSON, `null` where there is none. `data`: a JSON object,
/// if there is more to say.
pub fn error(id: &str, code: Code, message: &str, data: Option<&str>) -> Bytes {
    let number = code.number();
    let message = quoted(message);
    let data = data.map_or(String::new(), |data| format!(",\"data\":{data}"));
    Bytes::from(format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":{number},\"message\":{message}{data}}}}}"
    ))
}

/// A refusal by policy, as an error.
pub fn refused(id: &str, denial: &Denial, decision: &str) -> Bytes {
    error(
        id,
        Code::Denied,
        &denial.say,
        Some(&reason(denial, decision)),
    )
}

/// A refused tool call as a result with `isError`: the model reads it and can do otherwise
/// (2025-11-25, Tools, Error Handling).
pub fn refused_result(id: &str, denial: &Denial, decision: &str, era: Era) -> Bytes {
    let text = quoted(&format!(
        "Refused by policy ({}): {} [decision {decision}]",
        denial.rule, denial.say
    ));
    let complete = match era {
        Era::Legacy => "",
        Era::Modern => "\"resultType\":\"complete\",",
    };
    let reason = reason(denial, decision);
    Bytes::from(format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{{complete}\"content\":[{{\"type\":\"text\",\"text\":{text}}}],\"isError\":true,\"_meta\":{{\"sallyport/refused\":{reason}}}}}}}"
    ))
}

/// A tool call that could not be made, as a result: the model reads what was wrong and mends it
/// (2025-11-25, Tools, Error Handling).
pub fn tool_error(id: &str, say: &str, era: Era) -> Bytes {
    let complete = match era {
        Era::Legacy => "",
        Era::Modern => "\"resultType\":\"complete\",",
    };
    Bytes::from(format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{{complete}\"content\":[{{\"type\":\"text\",\"text\":{}}}],\"isError\":true}}}}",
        quoted(say)
    ))
}

fn reason(denial: &Denial, decision: &str) -> String {
    format!(
        "{{\"code\":\"policy_denied\",\"rule\":{},\"decision\":{}}}",
        quoted(&denial.rule),
        quoted(decision)
    )
}

/// A failure that is no policy's doing. The message never holds text of a body.
pub fn fault(id: &str, fault: &Fault, decision: &str) -> Bytes {
    let code = match fault.status {
        401 => Code::Unauthenticated,
        404 | 405 => Code::MethodNotFound,
        500 => Code::Internal,
        502..=504 => Code::Unavailable,
        _ if fault.code == "malformed_body" => Code::Parse,
        _ => Code::InvalidRequest,
    };
    let data = format!(
        "{{\"code\":{},\"decision\":{}}}",
        quoted(fault.code),
        quoted(decision)
    );
    error(id, code, &fault.message, Some(&data))
}
