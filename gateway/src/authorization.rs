//! Access tokens at the doors to tool servers, as the Model Context Protocol has them: this gateway is the resource
//! server of OAuth 2.1, and others issue the tokens.
//!
//! `token` reads a token and holds it against a key, `signature` does the mathematics, `keys` is the cache of an issuer's
//! keys without I/O and `issuer` the same with it, `claims` makes a caller of what was verified, `challenge` says what is
//! missing, and where to get it. Tokens go no further than this module: what is sent to tool servers is built anew, and
//! `Caller` has no place for one.

mod challenge;
mod claims;
mod issuer;
mod keys;
mod signature;
mod token;

pub use challenge::document;
pub use token::{BadToken, TOKEN_BYTES_MAX};

use crate::config::Config;
use crate::edge::failure::Failure;
use crate::identity::{KEY_PREFIX, Unidentified, bearers};
use crate::mcp::door::Door;
use crate::state::State;
use http::HeaderMap;
use issuer::Issuer;
use keys::NoKey;
use pingora_http::RequestHeader;
use sallyport_exchange::Caller;
use token::Look;

/// All authorization servers whose tokens are taken.
pub struct Authorization {
    resource: String,
    issuers: Vec<Issuer>,
}

/// Who asks, and what their token is good for.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Who.
    pub caller: Caller,
    /// The scopes of the token; `None`: a key was shown, which needs none.
    pub scopes: Option<Vec<String>>,
}

impl Authorization {
    /// Built once: the keys that it fetches outlive changes of policies and keys.
    pub fn of(config: &Config) -> Option<Authorization> {
        let configured = config.authorization.as_ref()?;
        signature::install();
        let issuers = configured.issuers.iter();
        Some(Authorization {
            resource: configured.resource.clone(),
            issuers: issuers
                .map(|issuer| Issuer::new(issuer.clone(), config.timeouts))
                .collect(),
        })
    }

    /// The canonical address of a door (RFC 8707 §2), without a slash at its end.
    fn resource(&self, door: &Door) -> String {
        match door {
            Door::All => format!("{}/mcp", self.resource),
            Door::One(server) => format!("{}/mcp/{server}", self.resource),
        }
    }

    async fn verify(&self, token: &str, door: &Door) -> Result<Shown, Failure> {
        let look = Look::at(token)?;
        let mut issuers = self.issuers.iter();
        let issuer = issuers.find(|issuer| issuer.config.issuer == look.issuer);
        let issuer = issuer.ok_or(BadToken::Issuer)?;
        if !issuer.takes(look.algorithm) {
            return Err(BadToken::Algorithm.into());
        }
        let key = issuer.key(look.kid.as_deref(), look.algorithm).await;
        let key = key.map_err(|no| match no {
            NoKey::Unknown => Failure::BadToken(BadToken::Key),
            NoKey::Unavailable => Failure::IssuerUnavailable,
        })?;
        let audiences = match &issuer.config.audience {
            Some(audience) => vec![audience.clone()],
            // With a slash at the end they mean the same (2025-11-25, Canonical Server URI).
            None => [self.resource(door), self.resource.clone()]
                .into_iter()
                .flat_map(|resource| [format!("{resource}/"), resource])
                .collect(),
        };
        let claims = look.verify(token, &key, &audiences)?;
        Ok(claims::shown(&claims, &issuer.config)?)
    }
}

impl From<BadToken> for Failure {
    fn from(bad: BadToken) -> Self {
        Failure::BadToken(bad)
    }
}

/// Says who asks at a door, by a key or by an access token; a refusal tells where tokens are to be had.
pub async fn identify(
    request: &RequestHeader,
    state: &State,
    door: &Door,
) -> Result<Shown, Failure> {
    let identified = match &state.authorization {
        Some(authorization) => authorization.identify(request, state, door).await,
        None => by_key(&request.headers, state),
    };
    identified.map_err(|failure| challenge::unauthorized(failure, state, door))
}

/// Refuses a token that lacks scopes of the servers behind a door. Keys are the operator's own: what they may do is
/// for teams and policies to say.
pub fn check_scopes(shown: &Shown, state: &State, door: &Door) -> Result<(), Failure> {
    let Some(scopes) = &shown.scopes else {
        return Ok(());
    };
    let servers = state.servers_of(&shown.caller.team);
    let needed = servers
        .iter()
        .filter(|server| *door == Door::All || *door == Door::One(server.config.name.clone()))
        .flat_map(|server| server.config.scopes.iter());
    let needed = challenge::sorted(needed);
    match needed.iter().all(|needed| scopes.contains(needed)) {
        true => Ok(()),
        false => Err(challenge::insufficient(state, door, &needed)),
    }
}

fn by_key(headers: &HeaderMap, state: &State) -> Result<Shown, Failure> {
    let caller = crate::identity::identify(headers, &state.keys)?;
    Ok(Shown {
        caller,
        scopes: None,
    })
}

impl Authorization {
    async fn identify(
        &self,
        request: &RequestHeader,
        state: &State,
        door: &Door,
    ) -> Result<Shown, Failure> {
        let headers = &request.headers;
        let query = request.uri.query().unwrap_or_default();
        if query
            .split('&')
            .any(|pair| pair.starts_with("access_token="))
        {
            return Err(BadToken::InQuery.into());
        }
        let mut shown = bearers(headers);
        let Some(token) = shown.find(|shown| is_token(shown, state)) else {
            return by_key(headers, state);
        };
        // Once, and nothing beside it: the next reader might believe the other one.
        let others = headers.get_all(http::header::AUTHORIZATION).iter().count();
        if others > 1 || headers.contains_key("x-api-key") {
            return Err(Failure::Unidentified(Unidentified::Conflicting));
        }
        self.verify(token, door).await
    }
}

/// Whether a bearer's word is meant as an access token: neither made here nor known as a key.
fn is_token(word: &str, state: &State) -> bool {
    !word.is_empty() && !word.starts_with(KEY_PREFIX) && state.keys.caller(word).is_none()
}
