//! Tool servers, as they are written.

use crate::config::AuditFailureFile;
use crate::config::secret::Secret;
use crate::config::units::Size;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One server of the Model Context Protocol: a program that is started, or an address.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ToolServerFile {
    /// A program and its arguments; the gateway starts one for each session and talks to it over standard input and output. Either this or `url`.
    pub command: Vec<String>,
    /// Variables of the program's environment. Of the gateway's own it is given only those that tell paths, the language and the user.
    pub env: BTreeMap<String, Secret>,
    /// The folder that the program is started in. Unless given, the gateway's own.
    pub directory: Option<String>,
    /// How many files the program may have open.
    pub open_files: Option<u32>,
    /// How much address space the program may use. Programs in Node.js reserve a lot that they never touch: leave it out for those.
    pub memory: Option<Size>,
    /// The address of the server, `http` or `https`, as its manual gives it.
    pub url: Option<String>,
    /// How the server at `url` is spoken to: `streamable` for one address that takes POST, `sse` for the transport of 2024, `auto` to try both in that order.
    pub transport: TransportFile,
    /// Which kind of protocol the server speaks: `legacy` up to revision 2025-11-25, `modern` from 2026-07-28, `auto` to ask it.
    pub era: EraFile,
    /// Sent to the server at `url` as `authorization: Bearer …`. Agents never see it.
    pub key: Option<Secret>,
    /// A file that holds the key, instead of `key`.
    pub key_file: Option<String>,
    /// Headers to add to each request. Their values are never shown.
    pub headers: BTreeMap<String, Secret>,
    /// A PEM file of authorities to trust for this server, instead of the system's.
    pub ca: Option<String>,
    /// How far the server's word is taken: `untrusted` refuses arguments that a tool's schema does not name, `trusted` lets them pass.
    pub trust: TrustFile,
    /// The teams that see the server. Empty: every team.
    pub teams: Vec<String>,
    /// Scopes that an access token must have for this server, all of them. Keys need none.
    pub scopes: Vec<String>,
    /// What becomes of requests whose audit record cannot be kept, where it differs from `audit.on_failure`.
    pub audit_failure: Option<AuditFailureFile>,
    /// Ask an authorization server for the key (OAuth 2.1 client credentials), instead of `key`.
    pub oauth: Option<OauthFile>,
}

/// Where a tool server's key is asked for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OauthFile {
    /// The authorization server's token endpoint, `https` unless it is on this machine.
    pub token_url: String,
    /// The gateway's name there.
    pub client_id: String,
    /// The gateway's secret there.
    pub client_secret: Secret,
    /// What is asked for.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// How a tool server is spoken to over HTTP.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TransportFile {
    /// Streamable HTTP if the server takes it, else the transport of 2024.
    #[default]
    Auto,
    /// Streamable HTTP, from 2025-03-26.
    Streamable,
    /// HTTP+SSE, 2024-11-05.
    Sse,
}

/// Which kind of protocol a tool server speaks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EraFile {
    /// Ask it.
    #[default]
    Auto,
    /// Sessions, up to 2025-11-25.
    Legacy,
    /// No sessions, from 2026-07-28.
    Modern,
}

/// How far a tool server's word is taken.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TrustFile {
    /// As little as possible.
    #[default]
    Untrusted,
    /// Arguments that its schemas do not name may pass.
    Trusted,
}
