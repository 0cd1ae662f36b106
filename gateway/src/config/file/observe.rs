//! What is told of exchanges, and to whom, as it is written.

use crate::config::secret::Secret;
use crate::config::units::{Size, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Traces and metrics to an OpenTelemetry collector. Without this section, and without the variable `OTEL_EXPORTER_OTLP_ENDPOINT`, nothing is sent. The standard `OTEL_…` variables count where the section says nothing.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryFile {
    /// The collector's address, such as `http://127.0.0.1:4318`. Unless given, that of `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub endpoint: Option<String>,
    /// How it is spoken to.
    pub protocol: Option<ProtocolFile>,
    /// Headers to add, for collectors that want to know who sends. Their values are never shown.
    pub headers: BTreeMap<String, Secret>,
    /// A PEM file of authorities to trust for the collector, instead of the system's.
    pub ca: Option<String>,
    /// Whether traces are sent.
    pub traces: bool,
    /// Whether metrics are sent.
    pub metrics: bool,
    /// Which share of traces is kept that no agent has begun, from 0 to 1. What an agent has begun is kept if the agent keeps it. What was refused, or failed, is always kept. Unless given, all, or as `OTEL_TRACES_SAMPLER` says.
    pub sample: Option<f64>,
    /// Whether what is said goes into spans. Keys and personal data are masked there even where policies let them pass.
    pub content: bool,
    /// Attributes of the resource, such as `deployment.environment.name: production`.
    pub resource: BTreeMap<String, String>,
}

/// How a collector is spoken to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub enum ProtocolFile {
    /// Protocol buffers over HTTP, usually at port 4318.
    #[serde(rename = "http/protobuf")]
    HttpProtobuf,
    /// gRPC, usually at port 4317.
    #[serde(rename = "grpc")]
    Grpc,
}

/// A log that shows when it was tampered with.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditFile {
    /// The folder of the log; one gateway writes it at a time.
    pub folder: String,
    /// How sure a record is: `strict` lets nothing go on to a model or a tool server before its record is on disk; `fast` waits for nothing, and a crash loses at most the last second.
    #[serde(default)]
    pub mode: AuditModeFile,
    /// What becomes of a request whose record cannot be kept, as when the disk is full: `refuse` it, or `forward` it and count it as lost. Routes and tool servers may say otherwise.
    #[serde(default)]
    pub on_failure: AuditFailureFile,
    /// The name under which checkpoints are signed, such as `gateway.example.com/audit`. Never change it in a folder that is in use.
    #[serde(default = "default_origin")]
    pub origin: String,
    /// A PEM file with the Ed25519 key (PKCS#8) that signs. Unless given, one is made in the folder; a key that is kept elsewhere protects better.
    #[serde(default)]
    pub key_file: Option<String>,
    /// Whether what policies were asked is kept too, so that decisions can be replayed. It holds arguments of tool calls, and texts where policies read them.
    #[serde(default)]
    pub inputs: bool,
    /// How large a file of the log becomes before the next is begun.
    #[serde(default = "default_segment")]
    pub segment_size: Size,
    /// How long records are kept, such as `90d`; files that are older are removed whole. Unless given, for ever.
    #[serde(default)]
    pub keep: Option<Time>,
}

/// How sure an audit record is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuditModeFile {
    /// On disk before anything goes on.
    #[default]
    Strict,
    /// On disk within a second.
    Fast,
}

/// What becomes of a request whose audit record cannot be kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuditFailureFile {
    /// It is refused.
    #[default]
    Refuse,
    /// It goes on; what was lost is counted, and recorded once there is room again.
    Forward,
}

fn default_origin() -> String {
    "sallyport/audit".into()
}

fn default_segment() -> Size {
    Size::mib(64)
}

/// What the console remembers.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HistoryFile {
    /// Whether there is a history.
    pub enabled: bool,
    /// The file it is kept in. Unless given, in memory.
    pub file: Option<String>,
    /// How many exchanges are remembered; the oldest go.
    pub exchanges: u32,
    /// Whether what is said is remembered too. Keys and personal data are masked there even where policies let them pass.
    pub content: bool,
}

/// What a model costs.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceFile {
    /// Names of models; `*` stands for any characters. The first that matches counts.
    pub models: Vec<String>,
    /// US dollars for a million tokens read.
    pub input: f64,
    /// The same for those read from the provider's cache; unless given, as `input`.
    #[serde(default)]
    pub cached: Option<f64>,
    /// US dollars for a million tokens written.
    pub output: f64,
}

impl Default for TelemetryFile {
    fn default() -> Self {
        TelemetryFile {
            endpoint: None,
            protocol: None,
            headers: BTreeMap::new(),
            ca: None,
            traces: true,
            metrics: true,
            sample: None,
            content: false,
            resource: BTreeMap::new(),
        }
    }
}

impl Default for HistoryFile {
    fn default() -> Self {
        HistoryFile {
            enabled: true,
            file: None,
            exchanges: 100_000,
            content: false,
        }
    }
}
