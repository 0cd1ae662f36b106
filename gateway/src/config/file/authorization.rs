//! Access tokens, as they are written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Access tokens of authorization servers, as the Model Context Protocol has them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationFile {
    /// How agents reach this gateway: scheme and host, with a port or without, such as `https://gateway.example.com`. Tokens must be made out to it, or to one of its doors such as `https://gateway.example.com/mcp/files`.
    pub resource: String,
    /// Whose tokens are taken. At least one.
    pub issuers: Vec<IssuerFile>,
    /// Scopes that agents are told of beside those that the tool servers need.
    #[serde(default)]
    pub scopes_supported: Vec<String>,
}

/// One authorization server.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuerFile {
    /// A name of your choice, which policies and the decision log show as the caller's key.
    pub name: String,
    /// Its identifier, exactly as it stands in `iss`: an `https` URL.
    pub issuer: String,
    /// Where its keys are. Unless given, its metadata tells (RFC 8414, OpenID Connect Discovery).
    #[serde(default)]
    pub jwks_url: Option<String>,
    /// What `aud` must hold, where the server cannot put the door's address there.
    #[serde(default)]
    pub audience: Option<String>,
    /// The signatures that are taken.
    #[serde(default = "default_algorithms")]
    pub algorithms: Vec<AlgorithmFile>,
    /// The team of every caller with such a token. Either this or `team_claim`.
    #[serde(default)]
    pub team: Option<String>,
    /// The claim that names the team.
    #[serde(default)]
    pub team_claim: Option<String>,
    /// The teams that `team_claim` may name. Empty: every team.
    #[serde(default)]
    pub teams: Vec<String>,
    /// The claim that names the agent. Unless given, `sub`, or else `client_id`.
    #[serde(default)]
    pub agent_claim: Option<String>,
    /// Further claims for policies, as `input.caller.labels`. Always there: `iss`, `sub`, `client_id`, `scope`.
    #[serde(default)]
    pub claims: Vec<String>,
    /// A PEM file of authorities to trust for this server, instead of the system's.
    #[serde(default)]
    pub ca: Option<String>,
}

/// A signature with a public key. There is no `none` and no shared secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
pub enum AlgorithmFile {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// RSASSA-PSS with SHA-256.
    PS256,
    /// RSASSA-PSS with SHA-384.
    PS384,
    /// RSASSA-PSS with SHA-512.
    PS512,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

fn default_algorithms() -> Vec<AlgorithmFile> {
    vec![
        AlgorithmFile::RS256,
        AlgorithmFile::ES256,
        AlgorithmFile::EdDsa,
    ]
}
