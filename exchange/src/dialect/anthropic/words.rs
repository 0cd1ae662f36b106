//! How the gateway speaks for itself: refusals, guidance, failures.

use super::super::{Asked, Fault, Reply};
use super::can_steer;
use crate::denial::{Denial, RefusalKind};
use crate::json::string::quoted;
use bytes::Bytes;
use std::fmt::Write as _;

/// Says no, or guides. A refusal is a 403: no SDK tries again after that.
pub(in super::super) fn refuse(denial: &Denial, asked: Asked<'_>) -> Reply {
    let say = format!(
        "{} (rule {}, decision {})",
        denial.say, denial.rule, asked.id
    );
    match denial.kind {
        RefusalKind::Steer if can_steer(asked.operation) => guide(&say, asked),
        RefusalKind::Steer | RefusalKind::Deny => Reply {
            status: 403,
            content_type: "application/json",
            body: Bytes::from(error("permission_error", &say, asked.id)),
        },
    }
}

/// Tells of a failure.
pub(in super::super) fn fault(fault: &Fault, id: &str) -> Reply {
    let say = format!("{} ({})", fault.message, fault.code);
    Reply {
        status: fault.status,
        content_type: "application/json",
        body: Bytes::from(error(error_type(fault.status), &say, id)),
    }
}

/// Ends a stream that has begun.
pub(in super::super) fn closing(code: &str, say: &str, id: &str) -> Bytes {
    let mut event = String::new();
    let say = format!("{say} ({code}, decision {id})");
    // A rule's name holds its layer and a slash; a failure's code does not.
    let kind = if code.contains('/') {
        "permission_error"
    } else {
        "api_error"
    };
    push_event(&mut event, "error", &error(kind, &say, id));
    Bytes::from(event)
}

fn error(kind: &str, say: &str, id: &str) -> String {
    format!(
        r#"{{"type":"error","error":{{"type":"{kind}","message":{}}},"request_id":{}}}"#,
        quoted(say),
        quoted(id),
    )
}

fn error_type(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        504 => "timeout_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

/// Guidance as the model's own answer, so that the agent's loop goes on.
fn guide(say: &str, asked: Asked<'_>) -> Reply {
    let (content_type, body) = if asked.streamed {
        ("text/event-stream", guiding_stream(say, asked))
    } else {
        let text = format!(r#"{{"type":"text","text":{}}}"#, quoted(say));
        ("application/json", message(asked, &text, "\"end_turn\""))
    };
    Reply {
        status: 200,
        content_type,
        body: Bytes::from(body),
    }
}

fn message(asked: Asked<'_>, content: &str, stop_reason: &str) -> String {
    format!(
        concat!(
            r#"{{"id":{},"type":"message","role":"assistant","model":{},"content":[{}],"#,
            r#""stop_reason":{},"stop_sequence":null,"usage":{{"input_tokens":0,"output_tokens":0}}}}"#
        ),
        quoted(&format!("msg_{}", asked.id)),
        quoted(asked.model),
        content,
        stop_reason,
    )
}

fn guiding_stream(say: &str, asked: Asked<'_>) -> String {
    let delta = format!(r#"{{"type":"text_delta","text":{}}}"#, quoted(say));
    let mut events = String::new();
    for (name, rest) in [
        ("message_start", format!(r#""message":{}"#, message(asked, "", "null"))),
        ("content_block_start", r#""index":0,"content_block":{"type":"text","text":""}"#.to_owned()),
        ("content_block_delta", format!(r#""index":0,"delta":{delta}"#)),
        ("content_block_stop", r#""index":0"#.to_owned()),
        (
            "message_delta",
            r#""delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":0}"#
                .to_owned(),
        ),
    ] {
        push_event(&mut events, name, &format!(r#"{{"type":"{name}",{rest}}}"#));
    }
    push_event(&mut events, "message_stop", r#"{"type":"message_stop"}"#);
    events
}

fn push_event(events: &mut String, name: &str, data: &str) {
    // Writing to a String cannot fail.
    let _ = write!(events, "event: {name}\ndata: {data}\n\n");
}
