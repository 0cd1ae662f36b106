//! The configuration as written, and as the gateway uses it.
//!
//! Two steps: [`ConfigFile`] is what was typed, [`Config`] is what it means. Everything is checked on the
//! way from one to the other; nothing is checked afterwards.

mod authorization;
mod build;
mod check;
mod compression;
mod error;
mod expand;
mod file;
mod firewall;
pub(crate) mod keys;
mod observe;
mod reference;
mod secret;
mod tools;
pub(crate) mod tree;
mod units;

pub(crate) use build::{key_address, shipped_firewall};

use crate::identity::Keys;
use http::{HeaderName, HeaderValue};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use authorization::{Authorization, Metadata, TeamOf, TrustedIssuer};
pub use compression::{Compression, Originals};
pub use error::{ConfigError, ConfigErrors, nearest};
pub use file::{
    AlgorithmFile, AuditFailureFile, AuditModeFile, ConfigFile, EraFile, ProtocolFile, Speaks,
    TransportFile, TrustFile,
};
pub use firewall::{Firewall, FirewallModel};
pub use keys::{all_keys, load_keys_file};
pub use observe::{Audit, History, ModelPrice, ModelPrices, Telemetry};
pub use reference::{config_reference, config_schema};
pub use secret::{SHOWN, Secret};
pub use tools::{Oauth, Reach, ToolAddress, ToolProgram, ToolServer};
pub use units::{Size, Time};

/// The largest configuration or keys file.
pub const FILE_BYTES_MAX: u64 = 8 << 20;

/// All that the configuration says, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it came from.
    pub file: PathBuf,
    /// Where agents connect.
    pub agents: Agents,
    /// Where operators connect.
    pub operators: Operators,
    /// The providers, by name. Empty only where there are tool servers.
    pub upstreams: Vec<Arc<Upstream>>,
    /// Which upstream answers which model; the first that matches wins. Empty only where there are no upstreams.
    pub routes: Vec<Route>,
    /// The tool servers, by name.
    pub tool_servers: Vec<Arc<ToolServer>>,
    /// The keys of the configuration itself; those of `keys_file` come on top.
    pub keys: Keys,
    /// Further keys.
    pub keys_file: Option<PathBuf>,
    /// The policy folder. Without one, nothing is allowed.
    pub policies: Option<PathBuf>,
    /// How tool servers are offered to agents.
    pub mcp: Mcp,
    /// Whose access tokens are taken beside the keys.
    pub authorization: Option<Authorization>,
    /// What the detectors look for.
    pub detect: sallyport_detect::Config,
    /// How the semantic firewall runs; `None`: it does not.
    pub firewall: Option<Firewall>,
    /// How context is made small; `None`: it is not looked at.
    pub compression: Option<Compression>,
    /// How much is given to others.
    pub limits: Limits,
    /// How long others are waited for.
    pub timeouts: Timeouts,
    /// The decision log.
    pub decisions: Decisions,
    /// The audit log; `None`: there is none.
    pub audit: Option<Audit>,
    /// Traces and metrics; `None`: as the environment says.
    pub telemetry: Option<Telemetry>,
    /// What the console remembers; `None`: nothing.
    pub history: Option<History>,
    /// What models cost.
    pub prices: ModelPrices,
    /// Makes placeholders, 32 bytes or more; `None`: draw one at start.
    pub redaction_key: Option<Secret>,
    /// How many threads serve exchanges. At least 1.
    pub workers: usize,
}

/// How tool servers are offered to agents.
#[derive(Clone, Debug, Default)]
pub struct Mcp {
    /// Pages in browsers that may ask, in small letters.
    pub origins: Vec<String>,
    /// Tools as they were pinned.
    pub lock: Option<PathBuf>,
    /// Who must have signed that.
    pub lock_key: Option<PathBuf>,
}

/// Where agents connect.
#[derive(Clone, Debug)]
pub struct Agents {
    /// The address; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Whether HTTP/2 is spoken too.
    pub http2: bool,
    /// The certificate to show; `None`: plain connections.
    pub tls: Option<Tls>,
}

/// A certificate and its key: PEM files that held both when they were checked.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The chain.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
    /// Authorities of which agents must show a certificate.
    pub client_ca: Option<PathBuf>,
}

/// Where operators connect.
#[derive(Clone, Debug)]
pub struct Operators {
    /// The address; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Names by which it may be called, in small letters, beside `localhost` and IP addresses.
    pub hosts: Vec<String>,
    /// What the console asks for; `None`: nothing, but it shows only on this machine.
    pub token: Option<Secret>,
}

/// One provider.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// Its address.
    pub url: UpstreamUrl,
    /// What it speaks.
    pub speaks: Speaks,
    /// The provider's key; `None`: it needs none.
    pub key: Option<Secret>,
    /// Authorities to trust instead of the system's.
    pub ca: Option<PathBuf>,
    /// Whether to speak HTTP/2: over TLS if it is offered, over plain connections at once.
    pub http2: bool,
    /// Headers to add; marked sensitive, so that they are not shown.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// The address of an upstream, taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UpstreamUrl {
    /// Whether connections are TLS.
    pub tls: bool,
    /// A name or an IP address; no brackets around IPv6.
    pub host: String,
    /// The port.
    pub port: u16,
    /// What goes before the agent's path: empty, or `/…` without a slash at the end.
    pub base: String,
}

impl UpstreamUrl {
    /// The `host` header: without the port where it is the scheme's own.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        match (self.tls, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }

    /// The path to ask for: the base, then the agent's path (`/v1/…`, with its query), a doubled `/v1` written once.
    pub fn path(&self, agents: &str) -> String {
        let rest = match self.base.ends_with("/v1") {
            true => agents
                .strip_prefix("/v1")
                .filter(|rest| rest.is_empty() || rest.starts_with(['/', '?'])),
            false => None,
        };
        format!("{}{}", self.base, rest.unwrap_or(agents))
    }
}

/// Which upstream answers which model.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its name.
    pub name: Arc<str>,
    /// What the agent speaks.
    pub speaks: Speaks,
    /// Which models; empty: every one.
    pub models: Vec<Pattern>,
    /// Who answers.
    pub upstream: Arc<Upstream>,
    /// What becomes of what cannot be recorded, where that differs.
    pub audit_failure: Option<AuditFailureFile>,
}

impl Route {
    /// Whether this route answers for a model.
    pub fn takes(&self, model: &str) -> bool {
        self.models.is_empty() || self.models.iter().any(|pattern| pattern.matches(model))
    }
}

/// A name in which `*` stands for any characters, also none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pattern(String);

impl Pattern {
    /// A pattern as written.
    pub fn new(text: impl Into<String>) -> Self {
        Pattern(text.into())
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it means `name`. Greedy from left to right, so never slower than the two lengths multiplied.
    pub fn matches(&self, name: &str) -> bool {
        let mut pieces = self.0.split('*');
        let Some(mut rest) = pieces.next().and_then(|first| name.strip_prefix(first)) else {
            return false;
        };
        let mut last = None;
        for piece in pieces {
            if let Some(before) = last.replace(piece) {
                match rest.find(before) {
                    Some(found) => rest = &rest[found + before.len()..],
                    None => return false,
                }
            }
        }
        last.map_or(rest.is_empty(), |last| rest.ends_with(last))
    }
}

/// How much is given to others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes of a request body, as sent and as decoded.
    pub body: usize,
    /// Bytes of a request's head.
    pub headers: usize,
    /// How many times larger a compressed body may become.
    pub decoded_ratio: usize,
    /// Bytes of an answer that is read whole.
    pub answer: usize,
    /// Bytes of a streamed answer that may be held back.
    pub stream_hold: usize,
    /// Connections of agents at once.
    pub connections: usize,
}

/// How long others are waited for. None is zero, but `notice`, `grace` and the two `keep_alive` may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeouts {
    /// For the head of a request.
    pub request_head: Duration,
    /// For the next piece of a request's body.
    pub request_body: Duration,
    /// To connect to an upstream, TLS included.
    pub connect: Duration,
    /// For an upstream to begin its answer.
    pub answer_head: Duration,
    /// For the next piece of an answer.
    pub answer_idle: Duration,
    /// For an agent to take the next piece of an answer.
    pub agent_write: Duration,
    /// For the next request on an agent's connection.
    pub keep_alive: Duration,
    /// For others to see that it is about to stop, before it takes nothing more.
    pub notice: Duration,
    /// For exchanges in flight at shutdown.
    pub grace: Duration,
    /// For a connection to an upstream to be used again.
    pub upstream_keep_alive: Duration,
    /// For a tool server to end an answer.
    pub tool_answer: Duration,
}

/// The decision log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decisions {
    /// Where it goes.
    pub to: DecisionsTo,
    /// Whether the text of findings is written too.
    pub text: bool,
}

/// Where the decision log goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DecisionsTo {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A file that lines are added to.
    File(PathBuf),
}

impl Config {
    /// Reads, checks and builds a configuration file, with the process's environment.
    pub fn load(file: &Path) -> Result<Config, ConfigErrors> {
        let text = read_file(file)?;
        Config::read(file, &text, &|name| std::env::var(name).ok())
    }

    /// The same from text and an environment; `file` names it in errors and is where relative paths begin.
    pub fn read(
        file: &Path,
        text: &str,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Config, ConfigErrors> {
        build::config(file, text, env)
    }
}

/// A file's text, if it is of a size that makes sense.
pub(crate) fn read_file(file: &Path) -> Result<String, ConfigErrors> {
    let wrong = |message: String, hint: &str| ConfigErrors::file(file, message, Some(hint));
    let length = std::fs::metadata(file).map(|meta| meta.len());
    let length = length.map_err(|error| {
        wrong(
            format!("cannot be read: {error}"),
            "name a file that exists and that this user may read",
        )
    })?;
    if length > FILE_BYTES_MAX {
        return Err(wrong(
            format!("larger than {}", Size(FILE_BYTES_MAX)),
            "is this the right file?",
        ));
    }
    let bytes = std::fs::read(file).map_err(|error| {
        wrong(
            format!("cannot be read: {error}"),
            "name a file that this user may read",
        )
    })?;
    String::from_utf8(bytes).map_err(|_| wrong("not UTF-8".into(), "save it as UTF-8"))
}

/// Puts the environment into every value.
fn expand_tree(
    tree: &mut tree::Node,
    env: &dyn Fn(&str) -> Option<String>,
    mistakes: &mut check::Mistakes<'_>,
) {
    use expand::Unexpanded;
    tree.each_scalar(&mut |at, scalar| match expand::expand(&scalar.text, env) {
        Ok(text) => scalar.text = text,
        Err(wrong) => wrong.into_iter().for_each(|wrong| match wrong {
            Unexpanded::Missing(name) => {
                let hint = format!("set it, or give a default as in `${{{name}:-default}}`");
                mistakes.add(at, format!("the environment has no `{name}`"), hint);
            }
            Unexpanded::Malformed => mistakes.add(
                at,
                "`${` without a name and `}`",
                "write `${NAME}` or `${NAME:-default}`; `$${` is a plain `${`",
            ),
        }),
    });
}

/// All mistakes in the order of their lines, if there are any.
fn settle(mistakes: check::Mistakes<'_>) -> Result<(), ConfigErrors> {
    let mut found = mistakes.found;
    found.sort_by_key(|error| (error.line, error.column));
    if found.is_empty() {
        Ok(())
    } else {
        Err(ConfigErrors(found))
    }
}
