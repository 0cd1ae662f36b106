//! Settings from the configuration and from the environment that the specification names
//! (<https://opentelemetry.io/docs/specs/otel/protocol/exporter/>,
//! <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>).
//!
//! What the configuration says wins; then a variable for one signal; then the one for all.

use crate::settings::{
    BATCH_SPANS, BATCH_WAIT, BadSetting, Compression, Conventions, Headers, METRICS_EVERY,
    Protocol, QUEUE, Settings, TIMEOUT, Target,
};
use crate::{Sampler, limits};
use http::Uri;
use std::path::PathBuf;
use std::time::Duration;

/// What the operator wrote. What is absent is taken from the environment, and then from the specification.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Where a collector listens; for HTTP without the paths of signals.
    pub endpoint: Option<String>,
    /// How it is spoken to.
    pub protocol: Option<Protocol>,
    /// What is sent along; added to what the environment has, whose headers of the same names give way.
    pub headers: Headers,
    /// A PEM file of authorities to trust instead of the system's.
    pub ca: Option<PathBuf>,
    /// Whether spans are sent.
    pub traces: Option<bool>,
    /// Whether metrics are sent.
    pub metrics: Option<bool>,
    /// The share of exchanges without a caller's decision whose traces are kept.
    pub sample: Option<f64>,
    /// Whether exchanges that were refused or failed are sent all the same; they are unless this says otherwise.
    pub keep_refused: Option<bool>,
    /// Whether texts are sent.
    pub content: bool,
    /// What is said of this process beside its name, version and instance.
    pub resource: Vec<(String, String)>,
    /// The version of the gateway.
    pub version: String,
    /// A random id for this process, in case the environment names none.
    pub instance: String,
}

/// A look at the environment; variables that are empty count as absent.
struct Environment<'a> {
    get: &'a dyn Fn(&str) -> Option<String>,
    ignored: Vec<String>,
}

#[derive(Clone, Copy)]
enum Signal {
    Traces,
    Metrics,
}

impl Signal {
    fn word(self) -> &'static str {
        match self {
            Signal::Traces => "TRACES",
            Signal::Metrics => "METRICS",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Signal::Traces => "v1/traces",
            Signal::Metrics => "v1/metrics",
        }
    }
}

impl Settings {
    /// Settings from what the operator wrote and the environment, which `get` looks into. Nothing if nothing is to be
    /// sent: no endpoint is named anywhere, both signals are off, or `OTEL_SDK_DISABLED` is `true` (which turns off even
    /// what the configuration turns on: it has no counterpart there).
    pub fn read(
        wanted: Wanted,
        get: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Settings>, BadSetting> {
        let mut environment = Environment {
            get,
            ignored: Vec::new(),
        };
        if environment.is_true("OTEL_SDK_DISABLED") {
            return Ok(None);
        }
        let traces = environment.target(&wanted, Signal::Traces)?;
        let metrics = environment.target(&wanted, Signal::Metrics)?;
        if traces.is_none() && metrics.is_none() {
            return Ok(None);
        }
        let mut resource = environment.resource();
        let service = environment.text("OTEL_SERVICE_NAME");
        let mut take = |key: &str| {
            let at = resource.iter().position(|(name, _)| name == key)?;
            Some(resource.swap_remove(at).1)
        };
        let service = service.or(take("service.name"));
        let instance = take("service.instance.id");
        take("service.version");
        for (key, value) in &wanted.resource {
            resource.retain(|(other, _)| other != key);
            resource.push((key.clone(), value.clone()));
        }
        resource.truncate(limits::RESOURCE_MAX);
        let sampler = environment.sampler(wanted.sample)?;
        let millis = |value: u64| Duration::from_millis(value);
        let queue = environment.number("OTEL_BSP_MAX_QUEUE_SIZE");
        let batch = environment.number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE");
        let wait = environment.number("OTEL_BSP_SCHEDULE_DELAY");
        let every = environment.number("OTEL_METRIC_EXPORT_INTERVAL");
        let latest = environment
            .text("OTEL_SEMCONV_STABILITY_OPT_IN")
            .is_some_and(|list| list.split(',').any(|word| word.trim() == LATEST));
        Ok(Some(Settings {
            traces,
            metrics,
            sampler,
            keep_refused: wanted.keep_refused.unwrap_or(true),
            content: wanted.content,
            conventions: match latest {
                true => Conventions::Latest,
                false => Conventions::V1_41,
            },
            resource,
            service: service.unwrap_or_else(|| "sallyport".into()),
            instance: instance.unwrap_or(wanted.instance),
            version: wanted.version,
            queue: queue.map_or(QUEUE, |n| (n as usize).clamp(1, limits::QUEUE_MAX)),
            batch_spans: batch.map_or(BATCH_SPANS, |n| {
                (n as usize).clamp(1, limits::BATCH_SPANS_MAX)
            }),
            batch_wait: wait.map_or(BATCH_WAIT, millis).min(limits::WAIT_MAX),
            metrics_every: every.map_or(METRICS_EVERY, millis).max(limits::METRICS_MIN),
            ignored: environment.ignored,
        }))
    }
}

/// The word by which the newest GenAI names are asked for.
const LATEST: &str = "gen_ai_latest_experimental";

impl Environment<'_> {
    fn text(&self, name: &str) -> Option<String> {
        let value = (self.get)(name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    fn is_true(&self, name: &str) -> bool {
        self.text(name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A variable for this signal, or else the one for all; with its name.
    fn of(&self, signal: Signal, rest: &str) -> Option<(String, String)> {
        let own = format!("OTEL_EXPORTER_OTLP_{}_{rest}", signal.word());
        let all = format!("OTEL_EXPORTER_OTLP_{rest}");
        [own, all]
            .into_iter()
            .find_map(|name| self.text(&name).map(|value| (name, value)))
    }

    fn read<T>(
        &mut self,
        found: Option<(String, String)>,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let (name, value) = found?;
        let read = parse(&value);
        if read.is_none() && !self.ignored.contains(&name) {
            self.ignored.push(name);
        }
        read
    }

    fn number(&mut self, name: &str) -> Option<u64> {
        let found = self.text(name).map(|value| (name.to_owned(), value));
        self.read(found, |value| value.parse().ok())
    }

    fn target(&mut self, wanted: &Wanted, signal: Signal) -> Result<Option<Target>, BadSetting> {
        let on = match signal {
            Signal::Traces => wanted.traces,
            Signal::Metrics => wanted.metrics,
        };
        let exporter = self.text(&format!("OTEL_{}_EXPORTER", signal.word()));
        let off = exporter.is_some_and(|word| word == "none");
        if !on.unwrap_or(!off) {
            return Ok(None);
        }
        let found = self.of(signal, "PROTOCOL");
        let protocol = self.read(found, |word| match word {
            "http/protobuf" => Some(Protocol::Http),
            "grpc" => Some(Protocol::Grpc),
            _ => None,
        });
        let protocol = wanted.protocol.or(protocol).unwrap_or_default();
        let Some(url) = self.url(wanted, signal, protocol)? else {
            return Ok(None);
        };
        let found = self.of(signal, "TIMEOUT");
        let timeout = self.read(found, |value| value.parse().ok());
        let timeout = timeout.map_or(TIMEOUT, Duration::from_millis);
        let found = self.of(signal, "COMPRESSION");
        let compression = self.read(found, |word| match word {
            "gzip" => Some(Compression::Gzip),
            "none" => Some(Compression::None),
            _ => None,
        });
        let file = |rest| self.of(signal, rest).map(|(_, path)| PathBuf::from(path));
        let client = match (file("CLIENT_CERTIFICATE"), file("CLIENT_KEY")) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err(BadSetting::Certificate),
        };
        let ca = wanted.ca.clone().or_else(|| file("CERTIFICATE"));
        Ok(Some(Target {
            url,
            protocol,
            headers: self.headers(wanted, signal)?,
            timeout: timeout.clamp(limits::TIMEOUT_MIN, limits::TIMEOUT_MAX),
            compression: compression.unwrap_or_default(),
            ca,
            client,
        }))
    }

    /// The address. A variable for one signal is taken as it is; all else has the signal's path added in HTTP.
    fn url(
        &self,
        wanted: &Wanted,
        signal: Signal,
        protocol: Protocol,
    ) -> Result<Option<Uri>, BadSetting> {
        let own = self.text(&format!("OTEL_EXPORTER_OTLP_{}_ENDPOINT", signal.word()));
        let all = self.text("OTEL_EXPORTER_OTLP_ENDPOINT");
        let (text, whole) = match (&wanted.endpoint, own, all) {
            (Some(endpoint), _, _) => (endpoint.clone(), false),
            (None, Some(own), _) => (own, true),
            (None, None, Some(all)) => (all, false),
            (None, None, None) => return Ok(None),
        };
        let text = match (protocol, whole) {
            (Protocol::Http, false) => format!("{}/{}", text.trim_end_matches('/'), signal.path()),
            (Protocol::Http, true) | (Protocol::Grpc, _) => text,
        };
        let url: Uri = text.parse().map_err(|_| BadSetting::Endpoint)?;
        if !matches!(url.scheme_str(), Some("http" | "https")) || url.host().is_none() {
            return Err(BadSetting::Endpoint);
        }
        match url.authority().is_some_and(|to| to.as_str().contains('@')) {
            true => Err(BadSetting::Credentials),
            false => Ok(Some(url)),
        }
    }

    fn headers(&mut self, wanted: &Wanted, signal: Signal) -> Result<Headers, BadSetting> {
        let mut headers = Headers::default();
        if let Some((variable, list)) = self.of(signal, "HEADERS") {
            for (name, value) in pairs(&list) {
                if headers.set(&name, &value).is_err() && !self.ignored.contains(&variable) {
                    self.ignored.push(variable.clone());
                }
            }
        }
        for (name, value) in wanted.headers.iter() {
            let value = value
                .to_str()
                .map_err(|_| BadSetting::Header(name.to_string()))?;
            headers.set(name.as_str(), value)?;
        }
        Ok(headers)
    }

    fn resource(&self) -> Vec<(String, String)> {
        let list = self.text("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
        pairs(&list).take(limits::RESOURCE_MAX).collect()
    }

    fn sampler(&mut self, sample: Option<f64>) -> Result<Sampler, BadSetting> {
        if let Some(share) = sample {
            return Sampler::new(share, true).ok_or(BadSetting::Sample);
        }
        let name = "OTEL_TRACES_SAMPLER_ARG";
        let found = self.text(name).map(|value| (name.to_owned(), value));
        let share = self.read(found, |value| {
            value.parse().ok().filter(|s| (0.0..=1.0).contains(s))
        });
        let name = "OTEL_TRACES_SAMPLER";
        let found = self.text(name).map(|value| (name.to_owned(), value));
        let share = share.unwrap_or(1.0);
        let sampler = self.read(found, |word| match word {
            "always_on" => Sampler::new(1.0, false),
            "always_off" => Sampler::new(0.0, false),
            "traceidratio" => Sampler::new(share, false),
            "parentbased_always_on" => Sampler::new(1.0, true),
            "parentbased_always_off" => Sampler::new(0.0, true),
            "parentbased_traceidratio" => Sampler::new(share, true),
            _ => None,
        });
        Ok(sampler.unwrap_or_default())
    }
}

/// `a=b,c=d`, percent-encoded where need be (<https://opentelemetry.io/docs/specs/otel/protocol/exporter/#specifying-headers-via-environment-variables>).
fn pairs(list: &str) -> impl Iterator<Item = (String, String)> + '_ {
    let plain = |text: &str| {
        percent_encoding::percent_decode_str(text.trim())
            .decode_utf8_lossy()
            .into_owned()
    };
    list.split(',').filter_map(move |pair| {
        let (name, value) = pair.split_once('=')?;
        let name = plain(name);
        (!name.is_empty()).then(|| (name, plain(value)))
    })
}
