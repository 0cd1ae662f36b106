//! From verified claims to a caller.

use super::{BadToken, Shown};
use crate::config::keys::{is_name, is_team};
use crate::config::{TeamOf, TrustedIssuer};
use crate::identity::caller;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Who asks, by the claims of a token that holds.
pub(super) fn shown(
    claims: &Map<String, Value>,
    issuer: &TrustedIssuer,
) -> Result<Shown, BadToken> {
    let text = |claim: &str| claims.get(claim).and_then(Value::as_str);
    let team = match &issuer.team {
        TeamOf::Fixed(team) => team,
        TeamOf::Claim { claim, among } => text(claim)
            .filter(|team| is_team(team))
            .filter(|team| among.is_empty() || among.iter().any(|one| one == team))
            .ok_or(BadToken::Claims)?,
    };
    let agent = match &issuer.agent_claim {
        Some(claim) => text(claim),
        None => text("sub").or_else(|| text("client_id")),
    };
    let agent = agent
        .filter(|agent| is_name(agent))
        .ok_or(BadToken::Claims)?;
    let scopes = scopes(claims);
    // `sub` is always among them: two users of one client are two principals, whatever names the agent.
    let mut labels = BTreeMap::new();
    for claim in ["iss", "sub", "client_id"] {
        labels.extend(text(claim).map(|text| (claim.to_owned(), text.to_owned())));
    }
    for claim in &issuer.claims {
        labels.extend(label(claims.get(claim)).map(|text| (claim.clone(), text)));
    }
    if !scopes.is_empty() {
        labels.insert("scope".to_owned(), scopes.join(" "));
    }
    let labels: Vec<(String, String)> = labels.into_iter().collect();
    Ok(Shown {
        caller: caller(&issuer.name, team, agent, &labels),
        scopes: Some(scopes),
    })
}

/// `scope` (RFC 9068 §2.2.3), or `scp` as some issuers have it: each once, in a fixed order, so that the same rights
/// are the same principal.
fn scopes(claims: &Map<String, Value>) -> Vec<String> {
    let said = claims.get("scope").or_else(|| claims.get("scp"));
    let scopes: BTreeSet<&str> = match said {
        Some(Value::String(scopes)) => scopes.split_ascii_whitespace().collect(),
        Some(Value::Array(scopes)) => scopes.iter().filter_map(Value::as_str).collect(),
        _ => BTreeSet::new(),
    };
    scopes.into_iter().map(str::to_owned).collect()
}

/// A claim as one text; lists of texts have spaces between them, and what is deeper is left out.
fn label(claim: Option<&Value>) -> Option<String> {
    match claim? {
        Value::String(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(items) => {
            let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            Some(texts?.join(" "))
        }
        Value::Null | Value::Object(_) => None,
    }
}
