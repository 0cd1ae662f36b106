//! What is to be sent where, once the configuration and the environment have been read together.

use crate::Sampler;
use http::{HeaderName, HeaderValue, Uri};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Spans in one message to a collector, unless `OTEL_BSP_MAX_EXPORT_BATCH_SIZE` says otherwise.
pub const BATCH_SPANS: usize = 512;
/// How long a span waits for others, unless `OTEL_BSP_SCHEDULE_DELAY` says otherwise.
pub const BATCH_WAIT: Duration = Duration::from_secs(1);
/// Exchanges that wait to be sent, unless `OTEL_BSP_MAX_QUEUE_SIZE` says otherwise.
pub const QUEUE: usize = 2048;
/// How long a collector may take over one message, retries included, unless `OTEL_EXPORTER_OTLP_TIMEOUT` says otherwise.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// How often metrics are sent, unless `OTEL_METRIC_EXPORT_INTERVAL` says otherwise.
pub const METRICS_EVERY: Duration = Duration::from_secs(60);

/// Everything telemetry needs to know. Made by [`Settings::read`].
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where spans go; nowhere if absent.
    pub traces: Option<Target>,
    /// Where metrics go; nowhere if absent.
    pub metrics: Option<Target>,
    /// Which traces are kept. The gateway asks it when an exchange begins.
    pub sampler: Sampler,
    /// Whether exchanges that were refused or failed are sent even when their trace is not kept.
    pub keep_refused: bool,
    /// Whether texts are sent. They are masked when they come.
    pub content: bool,
    /// Whose names are used for GenAI.
    pub conventions: Conventions,
    /// What is said of this process beside its name, version and instance.
    pub resource: Vec<(String, String)>,
    /// The name of this service.
    pub service: String,
    /// The id of this process among those of its name; a random one by default.
    pub instance: String,
    /// The version of the gateway.
    pub version: String,
    /// Exchanges that may wait.
    pub queue: usize,
    /// Spans in one message.
    pub batch_spans: usize,
    /// How long a span waits for others.
    pub batch_wait: Duration,
    /// How often metrics are sent.
    pub metrics_every: Duration,
    /// Variables of the environment whose values could not be used and were passed over, as the specification asks
    /// (<https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#parsing-empty-value>).
    pub ignored: Vec<String>,
}

/// A collector, as one signal is sent to it.
#[derive(Clone)]
pub struct Target {
    /// The address, with the path of the signal if it is spoken to in HTTP.
    pub url: Uri,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// What is sent along, such as a token.
    pub headers: Headers,
    /// How long one message may take, retries included.
    pub timeout: Duration,
    /// Whether messages are compressed.
    pub compression: Compression,
    /// A PEM file of authorities to trust instead of the system's.
    pub ca: Option<PathBuf>,
    /// PEM files of a certificate to show, and of its key.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// How a collector is spoken to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Protocol {
    /// Protobuf in HTTP/1.1 POSTs.
    #[default]
    Http,
    /// gRPC.
    Grpc,
}

/// How messages are compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Compression {
    /// Not.
    #[default]
    None,
    /// gzip.
    Gzip,
}

/// Which names are used where the GenAI conventions have changed theirs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Conventions {
    /// Semantic conventions 1.41, the last that held GenAI.
    #[default]
    V1_41,
    /// Those of `semantic-conventions-genai`: `OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental`.
    Latest,
}

/// Headers, whose values are secrets: never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(HeaderName, HeaderValue)>);

/// Headers of one message.
pub const HEADERS_MAX: usize = 64;

impl Headers {
    /// Adds one, or replaces the one of that name.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), BadSetting> {
        let bad = || BadSetting::Header(name.chars().take(100).collect());
        let name = HeaderName::try_from(name).map_err(|_| bad())?;
        let mut value = HeaderValue::try_from(value).map_err(|_| bad())?;
        value.set_sensitive(true);
        if RESERVED.contains(&name.as_str()) {
            return Err(bad());
        }
        self.0.retain(|(other, _)| *other != name);
        if self.0.len() == HEADERS_MAX {
            return Err(bad());
        }
        self.0.push((name, value));
        Ok(())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(HeaderName, HeaderValue)> {
        self.0.iter()
    }
}

/// Headers that say how the message is framed, which is not for settings to say.
const RESERVED: [&str; 7] = [
    "content-type",
    "content-length",
    "content-encoding",
    "transfer-encoding",
    "connection",
    "host",
    "te",
];

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("host", &self.host())
            .field("protocol", &self.protocol)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}

impl Target {
    /// Scheme, host and port: what may be said of it in a log. Its path or query may hold a key.
    pub fn host(&self) -> String {
        let scheme = self.url.scheme_str().unwrap_or("http");
        let host = self.url.host().unwrap_or_default();
        match self.url.port_u16() {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        }
    }
}

/// A setting that cannot be used: the operator's to mend.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadSetting {
    /// The endpoint is no address.
    #[error("the endpoint is not an `http://` or `https://` address with a host")]
    Endpoint,
    /// The endpoint holds a user's name or password.
    #[error("the endpoint holds a name or password; put credentials into `headers`")]
    Credentials,
    /// A name or value cannot be sent as a header, or there are too many.
    #[error("the header `{0}` cannot be sent")]
    Header(String),
    /// The share of traces is no share.
    #[error("`sample` must be from 0 to 1")]
    Sample,
    /// A certificate without its key, or the other way about.
    #[error("a client certificate needs its key, and the key its certificate")]
    Certificate,
}
