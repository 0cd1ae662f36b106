//! The operators' listener: health, readiness, metrics.
//!
//! [`answer`] is pure: a request's words in, a reply out. [`OperatorsApp`] puts it on a socket.

mod app;
mod compare;
mod exemplars;
mod metrics;
mod openmetrics;
mod page;
mod savings;
mod tools;

use crate::compression::Compression;
use crate::config::Config;
use crate::decisions::RecordSink;
use crate::mcp::Sessions;
use crate::mcp::pins::Pins;
use crate::mcp::upstream::Server;
use crate::policies::{KeysHandle, PolicyHandle};
use http::{HeaderMap, Method, header};
use sallyport_firewall::Firewall;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use app::OperatorsApp;
pub use metrics::{InFlight, Metrics};
pub(crate) use page::address;
pub(crate) use tools::reach;

/// What operators can look at.
#[derive(Clone)]
pub struct OperatorsView {
    /// The configuration.
    pub config: Arc<Config>,
    /// The policies.
    pub policies: PolicyHandle,
    /// The keys.
    pub keys: KeysHandle,
    /// The decision log.
    pub records: RecordSink,
    /// The counters.
    pub metrics: Arc<Metrics>,
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
const HTML: &str = "text/html; charset=utf-8";
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers one request on the operators' listener.
pub fn answer(
    method: &Method,
    path_and_query: &str,
    headers: &HeaderMap,
    view: &OperatorsView,
) -> OperatorsReply {
    let path = path_and_query.split('?').next().unwrap_or_default();
    let mut reply = if path == "/healthz" {
        // Asked by whatever watches the process, under whatever name, and it tells nothing.
        OperatorsReply::new(200, TEXT, "ok\n")
    } else if !is_ours(headers, &view.config.operators.hosts) {
        OperatorsReply::new(
            421,
            TEXT,
            "this listener has no such name: use an IP address or `localhost`, or add the name to `operators.hosts`\n",
        )
    } else {
        match path {
            "/" => OperatorsReply::new(200, HTML, page::page(view, crate::policies::now_ns())),
            "/readyz" => ready(view),
            "/metrics" => {
                view.metrics.copy(view);
                match wants_openmetrics(headers) {
                    true => {
                        let text = view.metrics.openmetrics();
                        OperatorsReply::new(200, openmetrics::OPENMETRICS, text)
                    }
                    false => OperatorsReply::new(200, PROMETHEUS, view.metrics.text()),
                }
            }
            _ => OperatorsReply::new(
                404,
                TEXT,
                "there are /, /healthz, /readyz, /metrics, and POST /v1/compress\n",
            ),
        }
    };
    if ![Method::GET, Method::HEAD].contains(method) {
        reply = OperatorsReply::new(405, TEXT, "only GET and HEAD\n");
        reply.headers.push(("allow", "GET, HEAD".into()));
    }
    reply.headers.extend(guards(reply.content_type));
    if *method == Method::HEAD {
        reply.body.clear();
    }
    reply
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
}

fn wants_openmetrics(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT);
    accept
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(openmetrics::is_wanted)
}

fn ready(view: &OperatorsView) -> OperatorsReply {
    let mut missing = Vec::new();
    if view.stopping.load(Ordering::Relaxed) {
        missing.push("the gateway is stopping".to_owned());
    }
    if view.config.policies.is_none() {
        missing.push(
            "no policies: set `policies` to a folder; until then nothing is allowed".to_owned(),
        );
    }
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

/// Headers that keep a browser from doing more than showing the page.
fn guards(content_type: &str) -> Vec<(&'static str, String)> {
    let styles = if content_type == HTML {
        page::style_source()
    } else {
        String::new()
    };
    let policy = format!(
        "default-src 'none'; {styles}base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    vec![
        ("content-security-policy", policy),
        ("x-content-type-options", "nosniff".into()),
        ("referrer-policy", "no-referrer".into()),
        ("cross-origin-resource-policy", "same-origin".into()),
        ("cache-control", "no-store".into()),
    ]
}
