//! Tool servers, as the gateway uses them.

use super::file::{AuditFailureFile, EraFile, TransportFile, TrustFile};
use super::{Secret, UpstreamUrl};
use http::{HeaderName, HeaderValue};
use std::path::PathBuf;
use std::sync::Arc;

/// One tool server.
#[derive(Clone, Debug)]
pub struct ToolServer {
    /// Its name in the configuration: small letters, digits and dashes, at most 32.
    pub name: Arc<str>,
    /// How it is reached.
    pub reach: Reach,
    /// Which era it speaks.
    pub era: EraFile,
    /// How far its word is taken.
    pub trust: TrustFile,
    /// The teams that see it; empty: every team.
    pub teams: Vec<String>,
    /// Scopes that an access token must have for it.
    pub scopes: Vec<String>,
    /// What becomes of what cannot be recorded, where that differs.
    pub audit_failure: Option<AuditFailureFile>,
}

impl ToolServer {
    /// What the gateway shows the server and agents must never see.
    pub fn secrets(&self) -> Vec<&Secret> {
        match &self.reach {
            Reach::Program(program) => {
                // Not every variable is a secret: masking a folder's name would break answers.
                const SECRETS: [&str; 6] = ["KEY", "TOKEN", "SECRET", "PASS", "CREDENTIAL", "AUTH"];
                let is_secret = |name: &str| {
                    let name = name.to_ascii_uppercase();
                    SECRETS.iter().any(|word| name.contains(word))
                };
                let secrets = program.env.iter().filter(|(name, _)| is_secret(name));
                secrets.map(|(_, value)| value).collect()
            }
            Reach::Address(address) => {
                let oauth = address.oauth.as_ref().map(|oauth| &oauth.client_secret);
                address.key.iter().chain(oauth).collect()
            }
        }
    }

    /// Whether a team sees it.
    pub fn is_seen_by(&self, team: &str) -> bool {
        self.teams.is_empty() || self.teams.iter().any(|one| one == team)
    }
}

/// How a tool server is reached.
#[derive(Clone, Debug)]
pub enum Reach {
    /// By starting it.
    Program(ToolProgram),
    /// Over HTTP.
    Address(Box<ToolAddress>),
}

/// A tool server that is started.
#[derive(Clone, Debug)]
pub struct ToolProgram {
    /// The program: a path, or a name to look for in `PATH`.
    pub program: String,
    /// What it is started with.
    pub arguments: Vec<String>,
    /// Variables beside the few that every program is given.
    pub env: Vec<(String, Secret)>,
    /// Where it is started; `None`: in the gateway's own folder.
    pub directory: Option<PathBuf>,
    /// The most files it may have open.
    pub open_files: Option<u64>,
    /// The most address space it may use, in bytes.
    pub memory: Option<u64>,
}

/// A tool server that is there already.
#[derive(Clone, Debug)]
pub struct ToolAddress {
    /// Where it is.
    pub url: UpstreamUrl,
    /// The path to ask for, with its query, exactly as configured.
    pub target: String,
    /// How it is spoken to.
    pub transport: TransportFile,
    /// Its key; `None`: it needs none, or `oauth` gets one.
    pub key: Option<Secret>,
    /// Headers to add; marked sensitive, so that they are not shown.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Authorities to trust instead of the system's.
    pub ca: Option<PathBuf>,
    /// Where its key is asked for.
    pub oauth: Option<Oauth>,
}

impl ToolAddress {
    /// The address as one text: the `resource` of RFC 8707.
    pub fn canonical(&self) -> String {
        let scheme = if self.url.tls { "https" } else { "http" };
        let path = self.target.split('?').next().unwrap_or_default();
        format!(
            "{scheme}://{}{}",
            self.url.authority(),
            path.trim_end_matches('/')
        )
    }
}

/// Where a tool server's key is asked for: client credentials (RFC 6749 §4.4).
#[derive(Clone, Debug)]
pub struct Oauth {
    /// The token endpoint.
    pub url: UpstreamUrl,
    /// The path of the token endpoint, with its query.
    pub target: String,
    /// The gateway's name there.
    pub client_id: String,
    /// The gateway's secret there.
    pub client_secret: Secret,
    /// What is asked for.
    pub scopes: Vec<String>,
}
