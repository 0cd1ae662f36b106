//! The configuration as it is written. `docs/configuration.md` and the JSON Schema are made from this file.

mod authorization;
mod compression;
mod firewall;
mod limits;
mod observe;
mod tools;

use super::secret::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use authorization::{AlgorithmFile, AuthorizationFile, IssuerFile};
pub use compression::CompressionFile;
pub use firewall::{FirewallFile, GuardFile, LabelFile, ModelFile};
pub use limits::{LimitsFile, TimeoutsFile};
pub use observe::{
    AuditFailureFile, AuditFile, AuditModeFile, HistoryFile, PriceFile, ProtocolFile, TelemetryFile,
};
pub use tools::{EraFile, OauthFile, ToolServerFile, TransportFile, TrustFile};

/// One file configures the gateway. Relative paths count from the folder the file is in.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConfigFile {
    /// Where agents connect.
    pub agents: AgentsFile,
    /// Where operators connect: health, readiness, metrics, the console. Keep it off any network that agents reach.
    pub operators: OperatorsFile,
    /// The models' providers, by a name of your choice. At least one, unless there are `tool_servers`.
    pub upstreams: BTreeMap<String, UpstreamFile>,
    /// Which upstream answers which model. The first that matches wins; without any, each upstream answers for the dialect it speaks.
    pub routes: Vec<RouteFile>,
    /// Servers of the Model Context Protocol, by a name of your choice: small letters, digits and dashes, at most 32.
    pub tool_servers: BTreeMap<String, ToolServerFile>,
    /// The agents' keys. `sallyport key new` makes one and prints the lines to paste here.
    pub keys: Vec<KeyFile>,
    /// A YAML file that holds a list of further keys in the same form; read again when it changes.
    pub keys_file: Option<String>,
    /// The folder of `.rego` files and their `.json` and `.yaml` data; read again when it changes.
    pub policies: Option<String>,
    /// How tool servers are offered to agents.
    pub mcp: McpFile,
    /// Access tokens of authorization servers, taken at `/mcp` beside the keys.
    pub authorization: Option<AuthorizationFile>,
    /// What the detectors look for.
    pub detect: DetectFile,
    /// The classifier that reads for attacks.
    pub firewall: FirewallFile,
    /// How context is made small.
    pub compression: CompressionFile,
    /// How much memory and how many connections are given to others.
    pub limits: LimitsFile,
    /// How long others are waited for.
    pub timeouts: TimeoutsFile,
    /// The decision log: one JSON line an exchange.
    pub decisions: DecisionsFile,
    /// A log that shows when it was tampered with. Unless given, there is none.
    pub audit: Option<AuditFile>,
    /// Traces and metrics to an OpenTelemetry collector.
    pub telemetry: Option<TelemetryFile>,
    /// What the console remembers.
    pub history: HistoryFile,
    /// What models cost, to count what teams spend. Without a price, the cost of a model is not known.
    pub prices: Vec<PriceFile>,
    /// Makes placeholders for redacted text, 32 bytes or more; the same key on every replica gives the same placeholders. Empty: random at each start, so placeholders differ between restarts and between replicas.
    pub redaction_key: Option<Secret>,
    /// How many threads serve exchanges; 0 is one for each core.
    pub workers: u16,
}

/// Where agents connect.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AgentsFile {
    /// The address and port to listen on; port 0 takes any free one.
    pub listen: String,
    /// Whether HTTP/2 is spoken beside HTTP/1.1.
    pub http2: bool,
    /// Serve TLS. Without it, connections are plain.
    pub tls: Option<TlsFile>,
}

/// The certificate that the agents' listener shows.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsFile {
    /// A PEM file: the certificate, then those that lead to its root.
    pub certificate: String,
    /// A PEM file: the certificate's private key.
    pub key: String,
    /// A PEM file of authorities. With it, agents must show a certificate that one of them signed.
    #[serde(default)]
    pub client_ca: Option<String>,
}

/// Where operators connect.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OperatorsFile {
    /// The address and port to listen on; port 0 takes any free one.
    pub listen: String,
    /// Names by which this listener may be called, beside `localhost` and IP addresses. Others are refused, so that no web page can read it through a name of its own.
    pub hosts: Vec<String>,
    /// What the console asks for before it shows anything. Without it, the console shows only where `listen` is an address of this machine alone. `/healthz`, `/readyz` and `/metrics` ask for nothing.
    pub token: Option<Secret>,
}

/// One provider of models.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpstreamFile {
    /// Its address, `http` or `https`. A path is put before the agent's; a `/v1` at its end and at the beginning of the agent's is written once.
    pub url: String,
    /// What it speaks: `openai` is chat completions, responses, embeddings, models and completions; `anthropic` is messages.
    pub speaks: Speaks,
    /// The provider's key, best from the environment as in `"${OPENAI_API_KEY}"`. Agents never see it.
    #[serde(default)]
    pub key: Option<Secret>,
    /// A file that holds the provider's key, instead of `key`.
    #[serde(default)]
    pub key_file: Option<String>,
    /// A PEM file of authorities to trust for this upstream, instead of the system's.
    #[serde(default)]
    pub ca: Option<String>,
    /// Whether HTTP/2 is spoken to it. Unless given: yes over TLS if it offers HTTP/2, no otherwise.
    #[serde(default)]
    pub http2: Option<bool>,
    /// Headers to add to each request. Their values are never shown.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
}

/// What an upstream speaks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Speaks {
    /// Chat completions, responses, embeddings, models, completions.
    Openai,
    /// Messages.
    Anthropic,
}

impl Speaks {
    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Speaks::Openai => "openai",
            Speaks::Anthropic => "anthropic",
        }
    }
}

/// Which upstream answers which model.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteFile {
    /// Its name, as policies and the decision log show it.
    pub name: String,
    /// What the agent speaks.
    pub speaks: Speaks,
    /// Names of models; `*` stands for any characters. Empty: every model.
    #[serde(default)]
    pub models: Vec<String>,
    /// The name of the upstream that answers.
    pub upstream: String,
    /// What becomes of requests whose audit record cannot be kept, where it differs from `audit.on_failure`.
    #[serde(default)]
    pub audit_failure: Option<AuditFailureFile>,
}

/// One agent's key. Only its SHA-256 is kept.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
    /// A name for the key, for logs; no two alike.
    pub name: String,
    /// The team whose policy rules: small letters, digits and underscores, as in `package sallyport.teams.<team>`.
    pub team: String,
    /// The agent's name within the team.
    pub agent: String,
    /// The SHA-256 of the key, 64 hex digits. `sallyport key new` prints it.
    pub sha256: String,
    /// Anything that policies should know of this key, as `input.caller.labels`.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// How tool servers are offered to agents.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct McpFile {
    /// Pages in browsers that may ask, such as `https://chat.example.com`. Those of this machine always may.
    pub origins: Vec<String>,
    /// The lock file that `sallyport mcp pin` writes: what differs from it is held back. Unless given, nothing is.
    pub lock: Option<String>,
    /// A PEM file with the Ed25519 public key that the lock file must be signed with.
    pub lock_key: Option<String>,
}

/// What the detectors look for. What they find is a fact for policies, and forbids nothing by itself.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DetectFile {
    /// Keys, tokens and passwords (`secret.*`), in every part.
    pub secrets: bool,
    /// Personal data (`pii.*`), in every part.
    pub personal: bool,
    /// Text that people do not see (`hidden.*`), in every part; in HTML only in what tools say.
    pub hidden: bool,
    /// Forged boundaries and orders to agents (`marker.*`, `injection.phrase`), in what tools say.
    pub markers: bool,
    /// Bad addresses (`link.*`), in what models and tools say.
    pub links: bool,
    /// Look into base64 and hexadecimal too.
    pub decode: bool,
}

/// Where the decision log goes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DecisionsFile {
    /// `stdout`, `stderr`, or the path of a file that lines are added to.
    pub to: String,
    /// Whether the text of findings is written too. Never do this where secrets pass.
    pub text: bool,
}

impl Default for AgentsFile {
    fn default() -> Self {
        AgentsFile {
            listen: "127.0.0.1:8080".into(),
            http2: true,
            tls: None,
        }
    }
}

impl Default for OperatorsFile {
    fn default() -> Self {
        OperatorsFile {
            listen: "127.0.0.1:9090".into(),
            hosts: Vec::new(),
            token: None,
        }
    }
}

impl Default for DetectFile {
    fn default() -> Self {
        let sallyport_detect::Config {
            secrets,
            personal,
            hidden,
            markers,
            links,
            decode,
        } = sallyport_detect::Config::default();
        DetectFile {
            secrets,
            personal,
            hidden,
            markers,
            links,
            decode,
        }
    }
}

impl Default for DecisionsFile {
    fn default() -> Self {
        DecisionsFile {
            to: "stdout".into(),
            text: false,
        }
    }
}
