//! Access tokens, as the gateway uses them.

use super::UpstreamUrl;
use super::file::AlgorithmFile;
use std::path::PathBuf;
use std::sync::Arc;

/// Whose access tokens are taken, and what for.
#[derive(Clone, Debug)]
pub struct Authorization {
    /// How agents reach this gateway: an origin in small letters, without a slash at its end.
    pub resource: String,
    /// Scopes that agents are told of beside those that the tool servers need.
    pub scopes_supported: Vec<String>,
    /// Whose tokens are taken; never empty, names and identifiers differ.
    pub issuers: Vec<Arc<TrustedIssuer>>,
}

/// One authorization server.
#[derive(Clone, Debug)]
pub struct TrustedIssuer {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// Its identifier, exactly as it stands in `iss`.
    pub issuer: String,
    /// Where its keys are looked for.
    pub metadata: Metadata,
    /// What `aud` must hold; `None`: the door's address or the gateway's.
    pub audience: Option<String>,
    /// The signatures that are taken; never empty.
    pub algorithms: Vec<AlgorithmFile>,
    /// Whose agents its callers are.
    pub team: TeamOf,
    /// The claim that names the agent; `None`: `sub`, or else `client_id`.
    pub agent_claim: Option<String>,
    /// Further claims for policies.
    pub claims: Vec<String>,
    /// Authorities to trust instead of the system's.
    pub ca: Option<PathBuf>,
}

/// Where an authorization server's keys are looked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Metadata {
    /// At this address and path.
    Keys(UpstreamUrl, String),
    /// Where the server's metadata says: found at the server's address, below these paths, in this order.
    Discover(UpstreamUrl, Vec<String>),
}

/// How a caller's team is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TeamOf {
    /// It is always this one.
    Fixed(String),
    /// A claim names it.
    Claim {
        /// Which.
        claim: String,
        /// What it may say; empty: any team.
        among: Vec<String>,
    },
}
