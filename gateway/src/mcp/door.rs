//! The doors to tool servers: `/mcp` for all of a team's as one, `/mcp/{server}` for one. And who may knock:
//! a page in a browser may not, unless the operator says so.

use crate::config::Config;
use crate::edge::failure::{Failure, RpcFault};
use http::{HeaderMap, header};
use sallyport_exchange::mcp::{Code, Era, Revision};
use std::sync::Arc;

/// Which tool servers are meant.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Door {
    /// All that the team sees, as one; names are prefixed.
    All,
    /// One, its names unchanged.
    One(Arc<str>),
}

/// What the headers say of the protocol.
#[derive(Clone, Debug, Default)]
pub struct Heads {
    /// `MCP-Protocol-Version`, as sent.
    pub version: Option<String>,
    /// `Mcp-Session-Id`, as sent.
    pub session: Option<String>,
    /// `Last-Event-ID`, as sent.
    pub last_event: Option<String>,
    /// Whether `Accept` takes JSON, and whether it takes event streams.
    pub accepts: (bool, bool),
    /// Whether `Accept` names event streams before JSON: then even a lone answer is an event.
    pub prefers_events: bool,
}

impl Door {
    /// The door a path leads to. `path` is in normal form.
    pub fn of(path: &str) -> Option<Door> {
        match path.strip_prefix("/mcp")? {
            "" => Some(Door::All),
            rest => {
                let server = rest.strip_prefix('/')?;
                (!server.contains('/')).then(|| Door::One(server.into()))
            }
        }
    }
}

impl Heads {
    /// Reads the headers.
    pub fn read(headers: &HeaderMap) -> Result<Heads, Failure> {
        let one = |name: &str| -> Result<Option<String>, Failure> {
            let mut values = headers.get_all(name).iter();
            let first = values.next();
            match (first, values.next()) {
                (None, _) => Ok(None),
                (Some(value), None) => value
                    .to_str()
                    .map(|v| Some(v.trim().to_owned()))
                    .map_err(|_| odd_header(name)),
                (Some(_), Some(_)) => Err(odd_header(name)),
            }
        };
        let accept: Vec<&str> = headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|v| v.to_str().ok())
            .flat_map(|v| v.split(','))
            .map(|v| v.split(';').next().unwrap_or("").trim())
            .collect();
        let takes = |wanted: &[&str]| {
            accept
                .iter()
                .any(|a| wanted.iter().any(|w| a.eq_ignore_ascii_case(w)))
        };
        let place = |kind: &str| accept.iter().position(|a| a.eq_ignore_ascii_case(kind));
        let (json, events) = (place("application/json"), place("text/event-stream"));
        Ok(Heads {
            prefers_events: events.is_some_and(|e| json.is_none_or(|j| e < j)),
            version: one("mcp-protocol-version")?,
            session: one("mcp-session-id")?,
            last_event: one("last-event-id")?,
            accepts: (
                takes(&["application/json", "application/*", "*/*"]),
                takes(&["text/event-stream", "text/*", "*/*"]),
            ),
        })
    }

    /// The revision that the header names: `None` where there is no header.
    pub fn revision(&self) -> Option<Result<Revision, &str>> {
        let version = self.version.as_deref()?;
        Some(Revision::of(version).ok_or(version))
    }

    /// Whether the header alone says that the modern era is spoken, or one that is not known.
    pub fn is_modern(&self) -> bool {
        match self.revision() {
            Some(Ok(revision)) => revision.era() == Era::Modern,
            Some(Err(_)) => true,
            None => false,
        }
    }
}

fn odd_header(name: &str) -> Failure {
    Failure::Rpc(RpcFault::bad_request(
        Code::InvalidRequest,
        format!("The header `{name}` must be sent once, in plain ASCII."),
    ))
}

/// Refuses pages in browsers (DNS rebinding: 2025-11-25, Transports, Security Warning): an `Origin` must be
/// this machine's or one that the configuration names.
pub fn check_origin(headers: &HeaderMap, config: &Config) -> Result<(), Failure> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or("").to_ascii_lowercase();
    let listed = config.mcp.origins.contains(&origin);
    if origins.next().is_none() && (listed || is_loopback(&origin)) {
        return Ok(());
    }
    Err(Failure::Rpc(RpcFault {
        status: 403,
        code: Code::InvalidRequest,
        say: "Requests from this origin are refused. The operator can name it under `mcp.origins`."
            .to_owned(),
        data: None,
    }))
}

fn is_loopback(origin: &str) -> bool {
    let Some((scheme, rest)) = origin.split_once("://") else {
        return false;
    };
    let host = match rest.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(""),
        None => rest.split(':').next().unwrap_or(""),
    };
    let local = host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback());
    matches!(scheme, "http" | "https") && local
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_doors() {
        assert_eq!(Door::of("/mcp"), Some(Door::All));
        assert_eq!(Door::of("/mcp/files"), Some(Door::One("files".into())));
        for path in ["/mcpx", "/mcp/files/x", "/v1/mcp", "/mc"] {
            assert_eq!(Door::of(path), None, "{path}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for origin in [
            "http://localhost:3000",
            "https://127.0.0.1",
            "http://[::1]:8080",
        ] {
            assert!(is_loopback(origin), "{origin}");
        }
        for origin in [
            "http://localhost.evil.example",
            "http://evil.example",
            "null",
            "file://localhost",
            "http://127.0.0.1.evil.example:80",
            "http://localhost@evil.example",
        ] {
            assert!(!is_loopback(origin), "{origin}");
        }
    }
}
