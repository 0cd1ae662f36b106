//! Access tokens: whose, and what for.

use super::Builder;
use super::upstreams::{address, target};
use crate::config::file::{AuthorizationFile, IssuerFile};
use crate::config::keys::{is_name, is_team};
use crate::config::{Authorization, Metadata, TeamOf, TrustedIssuer, UpstreamUrl};
use http::Uri;
use std::sync::Arc;

/// The section, as paths of mistakes begin.
const SECTION: &str = "authorization";
const ISSUERS: &str = "issuers";
/// A token's issuer is looked for among all of them.
const ISSUERS_MAX: usize = 64;
/// Not a resource's business (2026-07-28, Refresh Tokens).
const OFFLINE: &str = "offline_access";

impl Builder<'_> {
    pub(super) fn authorization(&mut self, typed: &AuthorizationFile) -> Option<Authorization> {
        let resource = match resource(&typed.resource) {
            Ok(resource) => Some(resource),
            Err(hint) => {
                let path = [SECTION, "resource"];
                self.wrong(&path, "`resource` cannot be used", hint);
                None
            }
        };
        if typed.issuers.is_empty() || typed.issuers.len() > ISSUERS_MAX {
            let message = format!("{} authorization servers are named", typed.issuers.len());
            let hint = format!("name 1 to {ISSUERS_MAX}, or leave the section out");
            self.wrong(&[SECTION, ISSUERS], message, hint);
        }
        for (index, scope) in typed.scopes_supported.iter().enumerate() {
            let path = [SECTION, "scopes_supported", &index.to_string()];
            self.scope(&path, scope);
        }
        let mut issuers: Vec<Arc<TrustedIssuer>> = Vec::new();
        for (index, issuer) in typed.issuers.iter().enumerate() {
            let index = index.to_string();
            let path = |field| [SECTION, ISSUERS, &index, field];
            if issuers.iter().any(|other| *other.name == *issuer.name) {
                let message = format!("two authorization servers are named `{}`", issuer.name);
                self.wrong(&path("name"), message, "give each a name of its own");
            }
            if issuers.iter().any(|other| other.issuer == issuer.issuer) {
                let message = "this authorization server is named twice";
                self.wrong(&path("issuer"), message, "keep one of the two");
            }
            issuers.extend(self.issuer(&index, issuer).map(Arc::new));
        }
        Some(Authorization {
            resource: resource?,
            scopes_supported: typed.scopes_supported.clone(),
            issuers,
        })
    }

    /// Scopes are visible ASCII without `"` and `\` (RFC 6749 §3.3), so that a challenge can quote them.
    pub(super) fn scope(&mut self, path: &[&str], scope: &str) {
        let fits = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
        if scope.is_empty() || !scope.bytes().all(fits) {
            let hint = "visible ASCII characters but `\"` and `\\`, no spaces";
            self.wrong(path, format!("`{scope}` is no scope"), hint);
        } else if scope == OFFLINE {
            let hint = "leave it out: clients ask for it by themselves";
            self.wrong(path, format!("`{OFFLINE}` opens no tool server"), hint);
        }
    }

    fn issuer(&mut self, index: &str, typed: &IssuerFile) -> Option<TrustedIssuer> {
        let path = |field| [SECTION, ISSUERS, index, field];
        if !is_name(&typed.name) {
            let hint = "1 to 128 printable characters";
            self.wrong(&path("name"), "`name` is no name", hint);
        }
        if typed.algorithms.is_empty() {
            let hint = "name at least one, or leave the key out";
            self.wrong(&path("algorithms"), "no signature is taken", hint);
        }
        if typed.audience.as_deref() == Some("") {
            let hint = "write what stands in `aud`, or leave the key out";
            self.wrong(&path("audience"), "`audience` is empty", hint);
        }
        let ca = typed.ca.as_deref().map(|file| self.path(file));
        if let Some(ca) = &ca {
            self.certificates(&path("ca"), ca);
        }
        let metadata = self.metadata(index, typed);
        let team = self.team_of(index, typed);
        Some(TrustedIssuer {
            name: typed.name.as_str().into(),
            issuer: typed.issuer.clone(),
            metadata: metadata?,
            audience: typed.audience.clone(),
            algorithms: typed.algorithms.clone(),
            team: team?,
            agent_claim: typed.agent_claim.clone(),
            claims: typed.claims.clone(),
            ca,
        })
    }

    fn metadata(&mut self, index: &str, typed: &IssuerFile) -> Option<Metadata> {
        let issuer = safe_address(&typed.issuer).and_then(|(url, uri)| {
            // RFC 8414 §2.
            match uri.query().is_some() || typed.issuer.contains('#') {
                true => Err("an issuer's identifier has no `?` and no `#`"),
                false => Ok(url),
            }
        });
        let issuer = issuer.map_err(|hint| {
            let path = [SECTION, ISSUERS, index, "issuer"];
            self.wrong(&path, "this issuer cannot be used", hint);
        });
        let keys = typed.jwks_url.as_deref().map(safe_address).transpose();
        let keys = keys.map_err(|hint| {
            let path = [SECTION, ISSUERS, index, "jwks_url"];
            self.wrong(&path, "this `jwks_url` cannot be used", hint);
        });
        let issuer = issuer.ok()?;
        Some(match keys.ok()? {
            Some((url, uri)) => Metadata::Keys(url, target(&uri)),
            None => {
                let places = places(&issuer.base);
                Metadata::Discover(issuer, places)
            }
        })
    }

    fn team_of(&mut self, index: &str, typed: &IssuerFile) -> Option<TeamOf> {
        let path = |field| [SECTION, ISSUERS, index, field];
        let hint = "small letters, digits and underscores, no digit first";
        for team in typed.team.iter().filter(|team| !is_team(team)) {
            self.wrong(&path("team"), format!("`{team}` cannot name a team"), hint);
        }
        for team in typed.teams.iter().filter(|team| !is_team(team)) {
            self.wrong(&path("teams"), format!("`{team}` cannot name a team"), hint);
        }
        match (&typed.team, &typed.team_claim) {
            (Some(team), None) => {
                if !typed.teams.is_empty() {
                    let message = "`teams` means nothing beside `team`";
                    self.wrong(&path("teams"), message, "leave it out");
                }
                Some(TeamOf::Fixed(team.clone()))
            }
            (None, Some(claim)) => Some(TeamOf::Claim {
                claim: claim.clone(),
                among: typed.teams.clone(),
            }),
            (given, _) => {
                let (message, hint) = match given {
                    Some(_) => ("has both `team` and `team_claim`", "keep one of the two"),
                    None => (
                        "has neither `team` nor `team_claim`",
                        "name the team of its callers, or the claim that does",
                    ),
                };
                let message = format!("`{}` {message}", typed.name);
                self.wrong(&path("name"), message, hint);
                None
            }
        }
    }
}

/// How agents reach the gateway, as tokens and metadata say it.
fn resource(text: &str) -> Result<String, &'static str> {
    let (url, uri) = safe_address(text)?;
    if !url.base.is_empty() || uri.query().is_some() || text.contains('#') {
        return Err(
            "only scheme, host and port: the doors below it are `/mcp` and `/mcp/<server>`",
        );
    }
    let scheme = if url.tls { "https" } else { "http" };
    Ok(format!("{scheme}://{}", url.authority().to_lowercase()))
}

/// The address and path of keys, as an issuer's metadata give them.
pub(crate) fn key_address(text: &str) -> Option<(UpstreamUrl, String)> {
    let (url, uri) = safe_address(text).ok()?;
    Some((url, target(&uri)))
}

/// Takes an address apart on which trust is built: TLS, unless it is this machine.
fn safe_address(text: &str) -> Result<(UpstreamUrl, Uri), &'static str> {
    let (url, uri) = address(text)?;
    let local = matches!(url.host.as_str(), "localhost" | "127.0.0.1" | "::1");
    match url.tls || local {
        true => Ok((url, uri)),
        false => Err("it begins with `https://`, unless it is this machine"),
    }
}

/// Where metadata of an issuer with this path are looked for (2025-11-25, Authorization Server Metadata Discovery).
fn places(path: &str) -> Vec<String> {
    let (oauth, openid) = (
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
    );
    match path {
        "" => vec![oauth.to_owned(), openid.to_owned()],
        path => vec![
            format!("{oauth}{path}"),
            format!("{openid}{path}"),
            format!("{path}{openid}"),
        ],
    }
}
