//! `POST /v1/compress`: what compression would make of a request body, in the shape that engines for others answer in
//! (`{"messages": …}` in; `messages`, `tokens_before`, `tokens_after` and so on out), so that they can be compared.
//!
//! `?mode=reversible` leaves things out where originals are configured; they are kept for the operator, and
//! `sallyport expand --ref … --store FOLDER` gives them back.

use super::{OperatorsReply, OperatorsView, guards, is_ours};
use crate::compression::{Bodies, Scope};
use http::Method;
use sallyport_console::Request;

const JSON: &str = "application/json";
const PATH: &str = "/v1/compress";
const REVERSIBLE: &str = "/v1/compress?mode=reversible";
const LOSSLESS: &str = "/v1/compress?mode=lossless";

/// Whether this is asked for.
pub(super) fn wanted(method: &Method, target: &str) -> bool {
    *method == Method::POST && [PATH, REVERSIBLE, LOSSLESS].contains(&target)
}

/// The answer to a body.
pub(super) fn compared(request: &Request<'_>, view: &OperatorsView) -> OperatorsReply {
    if !is_ours(request.headers, &view.config.operators.hosts) {
        return told(421, "this listener has no such name");
    }
    let loopback = view.config.operators.listen.ip().is_loopback();
    if !view.console.lets_in(request, loopback) {
        return told(401, "send `authorization: Bearer` with `operators.token`");
    }
    let Ok(body) = std::str::from_utf8(request.body) else {
        return told(400, "the body is not UTF-8");
    };
    let store = view
        .compression
        .originals()
        .filter(|_| request.target == REVERSIBLE);
    let bodies = Bodies::new(store.cloned(), Scope::local(), true);
    match bodies.compared(body) {
        Ok(compared) => reply(200, compared.to_json()),
        Err(error) => told(400, &error.to_string()),
    }
}

/// The body did not come whole.
pub(super) fn cut_off() -> OperatorsReply {
    told(400, "the body did not come whole")
}

/// The body is larger than it may be.
pub(super) fn too_large(max: usize) -> OperatorsReply {
    told(413, &format!("the body is larger than {max} bytes"))
}

fn told(status: u16, error: &str) -> OperatorsReply {
    reply(status, serde_json::json!({"error": error}).to_string())
}

fn reply(status: u16, body: String) -> OperatorsReply {
    let mut reply = OperatorsReply::new(status, JSON, body);
    reply.headers.extend(guards());
    reply
}
