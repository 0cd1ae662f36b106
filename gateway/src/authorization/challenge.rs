//! What a client is told of tokens: the challenge with a refusal (RFC 6750 §3), and the metadata of a door (RFC 9728).

use super::BadToken;
use crate::config::Config;
use crate::edge::failure::Failure;
use crate::identity::Unidentified;
use crate::mcp::door::Door;
use crate::state::State;
use http::Method;
use pingora_http::RequestHeader;
use sallyport_exchange::Reply;
use serde_json::json;
use std::collections::BTreeSet;

/// Where metadata begin (RFC 9728 §3).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The metadata that a request asks for; `None`: it asks for none that there are.
pub fn document(request: &RequestHeader, state: &State) -> Option<Reply> {
    let authorization = state.authorization.as_ref()?;
    let configured = state.config.authorization.as_ref()?;
    let path = request.uri.path().strip_prefix(WELL_KNOWN)?;
    if request.method != Method::GET {
        return None;
    }
    let (resource, scopes) = match path {
        "" => (
            configured.resource.clone(),
            scopes(&state.config, &Door::All),
        ),
        path => {
            let door = Door::of(path)?;
            if !exists(&state.config, &door) {
                return None;
            }
            (authorization.resource(&door), scopes(&state.config, &door))
        }
    };
    let issuers = configured.issuers.iter().map(|issuer| &issuer.issuer);
    let mut document = json!({
        "resource": resource,
        "authorization_servers": issuers.collect::<Vec<_>>(),
        "bearer_methods_supported": ["header"],
    });
    let supported = sorted(scopes.iter().chain(&configured.scopes_supported));
    if !supported.is_empty() {
        document["scopes_supported"] = json!(supported);
    }
    Some(Reply {
        status: 200,
        content_type: "application/json",
        body: document.to_string().into(),
    })
}

/// A failure to say who asks, with its challenge.
pub(super) fn unauthorized(failure: Failure, state: &State, door: &Door) -> Failure {
    let error = match &failure {
        Failure::Unidentified(Unidentified::Missing) => None,
        Failure::Unidentified(Unidentified::Unknown) => Some("invalid_token"),
        Failure::Unidentified(Unidentified::Conflicting) | Failure::BadToken(BadToken::InQuery) => {
            Some("invalid_request")
        }
        Failure::BadToken(_) => Some("invalid_token"),
        // Another token would not help.
        _ => return failure,
    };
    let challenge = bearer(state, door, error, &scopes(&state.config, door));
    Failure::Challenged(Box::new(failure), challenge)
}

/// A token that lacks scopes, told all that are needed at once.
pub(super) fn insufficient(state: &State, door: &Door, needed: &[String]) -> Failure {
    let challenge = bearer(state, door, Some("insufficient_scope"), needed);
    Failure::Challenged(Box::new(Failure::InsufficientScope), challenge)
}

fn bearer(state: &State, door: &Door, error: Option<&str>, scopes: &[String]) -> String {
    let Some(authorization) = &state.authorization else {
        return "Bearer".to_owned();
    };
    let mut parameters = Vec::new();
    if let Some(error) = error {
        parameters.push(format!("error=\"{error}\""));
    }
    // A door that is not there has no metadata of its own; the gateway's say enough.
    let path = match (door, exists(&state.config, door)) {
        (Door::All, _) => "/mcp".to_owned(),
        (Door::One(server), true) => format!("/mcp/{server}"),
        (Door::One(_), false) => String::new(),
    };
    let resource = &authorization.resource;
    parameters.push(format!(
        "resource_metadata=\"{resource}{WELL_KNOWN}{path}\""
    ));
    if !scopes.is_empty() {
        parameters.push(format!("scope=\"{}\"", scopes.join(" ")));
    }
    format!("Bearer {}", parameters.join(", "))
}

fn exists(config: &Config, door: &Door) -> bool {
    let mut servers = config.tool_servers.iter();
    match door {
        Door::All => true,
        Door::One(name) => servers.any(|server| server.name == *name),
    }
}

/// The scopes that a door needs, as far as is known before it is known who asks.
fn scopes(config: &Config, door: &Door) -> Vec<String> {
    let servers = config.tool_servers.iter();
    let behind = servers.filter(|server| match door {
        Door::All => true,
        Door::One(name) => server.name == *name,
    });
    sorted(behind.flat_map(|server| server.scopes.iter()))
}

/// Each once, in a fixed order.
pub(super) fn sorted<'a>(scopes: impl Iterator<Item = &'a String>) -> Vec<String> {
    let scopes: BTreeSet<&String> = scopes.collect();
    scopes.into_iter().cloned().collect()
}
