//! Telemetry as the configuration and the environment want it.

use crate::config::{self, ProtocolFile};
use sallyport_telemetry::{BadSetting, Headers, Protocol, Settings, StartError, Telemetry, Wanted};

/// Why there is no telemetry.
#[derive(Debug, thiserror::Error)]
pub enum NoTelemetry {
    /// A setting, or a variable of the environment, cannot be used.
    #[error("telemetry: {0}")]
    Setting(#[from] BadSetting),
    /// It cannot be started.
    #[error("telemetry: {0}")]
    Start(#[from] StartError),
}

/// What is to be sent where; nothing if nothing is to be sent.
pub fn settings(config: Option<&config::Telemetry>) -> Result<Option<Settings>, NoTelemetry> {
    let mut wanted = Wanted {
        version: env!("CARGO_PKG_VERSION").into(),
        instance: instance(),
        ..Wanted::default()
    };
    if let Some(config) = config {
        let mut headers = Headers::default();
        for (name, value) in &config.headers {
            headers.set(name, value.expose())?;
        }
        wanted = Wanted {
            endpoint: config.endpoint.clone(),
            protocol: config.protocol.map(|protocol| match protocol {
                ProtocolFile::HttpProtobuf => Protocol::Http,
                ProtocolFile::Grpc => Protocol::Grpc,
            }),
            headers,
            ca: config.ca.clone(),
            traces: Some(config.traces),
            metrics: Some(config.metrics),
            sample: config.sample,
            content: config.content,
            resource: config.resource.clone(),
            ..wanted
        };
    }
    let settings = Settings::read(wanted, &|name| std::env::var(name).ok())?;
    for variable in settings.iter().flat_map(|settings| &settings.ignored) {
        tracing::warn!(
            variable,
            "a variable of the environment could not be used, and was passed over"
        );
    }
    Ok(settings)
}

/// Where it goes, and how, without anything secret.
pub fn collector(settings: &Settings) -> Option<(String, String)> {
    let target = settings.traces.as_ref().or(settings.metrics.as_ref())?;
    let protocol = match target.protocol {
        Protocol::Http => "http/protobuf",
        Protocol::Grpc => "grpc",
    };
    Some((target.host(), protocol.into()))
}

/// Starts it.
pub fn start(settings: Settings) -> Result<Telemetry, NoTelemetry> {
    Ok(Telemetry::start(settings)?)
}

/// A random id of this process (RFC 9562, version 4).
fn instance() -> String {
    let mut id = [0u8; 16];
    // Without randomness all processes have one id: worse to look at, no worse to run.
    let _ = getrandom::fill(&mut id);
    id[6] = id[6] & 0x0f | 0x40;
    id[8] = id[8] & 0x3f | 0x80;
    let hex: String = id.iter().map(|b| format!("{b:02x}")).collect();
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}
