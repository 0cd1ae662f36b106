//! The operators' listener: health, readiness, metrics, the console.
//!
//! [`answer`] is pure: a request's words in, a reply out. [`OperatorsApp`] puts it on a socket.

mod app;
mod compare;
mod exemplars;
mod facts;
mod metrics;
mod openmetrics;

use crate::compression::Compression;
use crate::config::Config;
use crate::mcp::Sessions;
use crate::mcp::pins::Pins;
use crate::mcp::upstream::Server;
use crate::observers::Observers;
use crate::policies::{KeysHandle, PolicyHandle};
use http::{HeaderMap, Method, header};
use sallyport_console::{Console, Request};
use sallyport_firewall::Firewall;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use app::OperatorsApp;
pub use facts::Tested;
pub(crate) use facts::{address, reach};
pub use metrics::{InFlight, Metrics};

/// What operators can look at.
#[derive(Clone)]
pub struct OperatorsView {
    /// The configuration.
    pub config: Arc<Config>,
    /// The policies.
    pub policies: PolicyHandle,
    /// The keys.
    pub keys: KeysHandle,
    /// Whom exchanges are told to: logs, counters, history.
    pub observers: Observers,
    /// The pages.
    pub console: Arc<Console>,
    /// What the policies' tests said.
    pub tested: Arc<Tested>,
    /// Where telemetry goes, and how, without anything secret.
    pub collector: Option<(String, String)>,
    /// When the gateway started: nanoseconds since 1970.
    pub started_ns: i64,
    /// The tool servers.
    pub tools: ToolsView,
    /// The semantic firewall, if it runs.
    pub firewall: Option<Firewall>,
    /// What makes context small.
    pub compression: Compression,
    /// Set when the gateway is told to stop: it is then no longer ready.
    pub stopping: Arc<AtomicBool>,
}

/// What operators can look at of tool servers.
#[derive(Clone, Default)]
pub struct ToolsView {
    /// Each that is configured.
    pub servers: Arc<[Arc<Server>]>,
    /// Agents' sessions.
    pub sessions: Sessions,
    /// The lock file, if one is configured.
    pub pins: Option<Arc<Pins>>,
}

/// What operators are told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OperatorsReply {
    /// The HTTP status.
    pub status: u16,
    /// The `content-type`.
    pub content_type: &'static str,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty for `HEAD`.
    pub body: String,
    /// The `content-length`: for `HEAD` too, what `GET` would give.
    pub length: usize,
}

const TEXT: &str = "text/plain; charset=utf-8";
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers one request on the operators' listener. Reads from the history, so it may take milliseconds.
pub fn answer(request: &Request<'_>, view: &OperatorsView) -> OperatorsReply {
    let path = request.path();
    let mut reply = if path == "/healthz" {
        // Asked by whatever watches the process, under whatever name, and it tells nothing.
        OperatorsReply::new(200, TEXT, "ok\n")
    } else if !is_ours(request.headers, &view.config.operators.hosts) {
        OperatorsReply::new(
            421,
            TEXT,
            "this listener has no such name: use an IP address or `localhost`, or add the name to `operators.hosts`\n",
        )
    } else {
        match path {
            "/readyz" => ready(view),
            "/metrics" => metrics(request.headers, view),
            _ => return shown(request, view),
        }
    };
    if ![Method::GET, Method::HEAD].contains(request.method) {
        reply = OperatorsReply::new(405, TEXT, "only GET and HEAD\n");
        reply.headers.push(("allow", "GET, HEAD".into()));
    }
    reply.headers.extend(guards());
    reply.for_method(request.method)
}

/// What the console shows.
fn shown(request: &Request<'_>, view: &OperatorsView) -> OperatorsReply {
    let facts = facts::facts(view, request.path());
    let reply = view.console.answer(request, &facts);
    OperatorsReply {
        status: reply.status,
        content_type: reply.content_type,
        headers: reply.headers,
        length: reply.body.len(),
        body: reply.body,
    }
    .for_method(request.method)
}

fn metrics(headers: &HeaderMap, view: &OperatorsView) -> OperatorsReply {
    let metrics = &view.observers.metrics;
    metrics.copy(view);
    match wants_openmetrics(headers) {
        true => OperatorsReply::new(200, openmetrics::OPENMETRICS, metrics.openmetrics()),
        false => OperatorsReply::new(200, PROMETHEUS, metrics.text()),
    }
}

impl OperatorsReply {
    fn new(status: u16, content_type: &'static str, body: impl Into<String>) -> Self {
        let body = body.into();
        OperatorsReply {
            status,
            content_type,
            headers: Vec::new(),
            length: body.len(),
            body,
        }
    }

    fn for_method(mut self, method: &Method) -> Self {
        if *method == Method::HEAD {
            self.body.clear();
        }
        self
    }
}

fn wants_openmetrics(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT);
    accept
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(openmetrics::is_wanted)
}

/// Why the gateway should be sent nothing now.
fn missing(view: &OperatorsView) -> Vec<String> {
    let mut missing = Vec::new();
    if view.stopping.load(Ordering::Relaxed) {
        missing.push("the gateway is stopping".to_owned());
    }
    if view.config.policies.is_none() {
        missing.push(
            "no policies: set `policies` to a folder; until then nothing is allowed".to_owned(),
        );
    }
    missing
}

fn ready(view: &OperatorsView) -> OperatorsReply {
    let missing = missing(view);
    match missing.is_empty() {
        true => OperatorsReply::new(
            200,
            TEXT,
            format!(
                "ready\npolicies {}\n{}\n",
                view.policies.status().revision,
                view.keys.status().revision
            ),
        ),
        false => OperatorsReply::new(503, TEXT, format!("not ready\n{}\n", missing.join("\n"))),
    }
}

/// Whether a request was meant for this listener. A web page that rebinds its own name to this address still
/// says that name, so names that nobody configured are refused; a number cannot be rebound.
fn is_ours(headers: &HeaderMap, hosts: &[String]) -> bool {
    let mut all = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (all.next(), all.next()) else {
        return false;
    };
    let Ok(host) = host.to_str() else {
        return false;
    };
    let Ok(authority) = host.parse::<http::uri::Authority>() else {
        return false;
    };
    let name = authority
        .host()
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_lowercase();
    name == "localhost" || name.parse::<IpAddr>().is_ok() || hosts.contains(&name)
}

/// Headers that keep a browser from doing anything with what is plain text.
fn guards() -> Vec<(&'static str, String)> {
    let policy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    vec![
        ("content-security-policy", policy.into()),
        ("x-content-type-options", "nosniff".into()),
        ("referrer-policy", "no-referrer".into()),
        ("cross-origin-resource-policy", "same-origin".into()),
        ("cache-control", "no-store".into()),
    ]
}
