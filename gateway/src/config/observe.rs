//! What is told of exchanges, and to whom, as it is meant.

use super::file::{AuditFailureFile, AuditModeFile, ProtocolFile};
use super::{Pattern, Secret};
use sallyport_exchange::Usage;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Traces and metrics to a collector.
#[derive(Clone, Debug)]
pub struct Telemetry {
    /// The collector; `None`: as the environment says.
    pub endpoint: Option<String>,
    /// How it is spoken to; `None`: as the environment says.
    pub protocol: Option<ProtocolFile>,
    /// Headers to add.
    pub headers: Vec<(String, Secret)>,
    /// Authorities to trust instead of the system's.
    pub ca: Option<PathBuf>,
    /// Whether traces are sent.
    pub traces: bool,
    /// Whether metrics are sent.
    pub metrics: bool,
    /// Which share of traces is kept that no agent has begun; `None`: as the environment says.
    pub sample: Option<f64>,
    /// Whether what is said goes into spans.
    pub content: bool,
    /// Attributes of the resource.
    pub resource: Vec<(String, String)>,
}

/// The audit log.
#[derive(Clone, Debug)]
pub struct Audit {
    /// Its folder.
    pub folder: PathBuf,
    /// How sure a record is.
    pub mode: AuditModeFile,
    /// What becomes of what cannot be recorded, unless a route or tool server says otherwise.
    pub on_failure: AuditFailureFile,
    /// The name under which checkpoints are signed.
    pub origin: String,
    /// The key that signs; `None`: one in the folder.
    pub key_file: Option<PathBuf>,
    /// Whether what policies were asked is kept.
    pub inputs: bool,
    /// Bytes of one file.
    pub segment_size: u64,
    /// How long records are kept; `None`: for ever.
    pub keep: Option<Duration>,
}

/// What the console remembers.
#[derive(Clone, Debug)]
pub struct History {
    /// Where; `None`: in memory.
    pub file: Option<PathBuf>,
    /// How many exchanges.
    pub exchanges: usize,
    /// Whether with what was said.
    pub content: bool,
}

/// What models cost; the first price that names a model counts.
#[derive(Clone, Debug, Default)]
pub struct ModelPrices(pub Arc<[ModelPrice]>);

/// What some models cost, in US dollars for a million tokens.
#[derive(Clone, Debug)]
pub struct ModelPrice {
    /// Which.
    pub models: Vec<Pattern>,
    /// To read.
    pub input: f64,
    /// To read from the provider's cache.
    pub cached: f64,
    /// To write.
    pub output: f64,
}

impl ModelPrices {
    /// What a usage of a model costs, in US dollars; nothing where no price is known or nothing was counted.
    pub fn cost_usd(&self, model: &str, usage: Usage) -> Option<f64> {
        if usage.input.is_none() && usage.output.is_none() {
            return None;
        }
        let names = |price: &&ModelPrice| price.models.iter().any(|name| name.matches(model));
        let price = self.0.iter().find(names)?;
        let input = usage.input.unwrap_or(0);
        let cached = usage.cached.unwrap_or(0).min(input);
        let millionths = (input - cached) as f64 * price.input
            + cached as f64 * price.cached
            + usage.output.unwrap_or(0) as f64 * price.output;
        Some(millionths / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_tokens_cost_what_cached_tokens_cost() {
        let price = |models: &str, input| ModelPrice {
            models: vec![Pattern::new(models)],
            input,
            cached: input / 10.0,
            output: 10.0,
        };
        let prices = ModelPrices([price("gpt-5*", 1.0), price("*", 2.0)].into());
        let usage = |input, output, cached| Usage {
            input,
            output,
            cached,
        };
        let cost = |model, usage| prices.cost_usd(model, usage);
        assert_eq!(
            cost("gpt-5-mini", usage(Some(1_000_000), None, None)),
            Some(1.0)
        );
        assert_eq!(
            cost(
                "gpt-5",
                usage(Some(1_000_000), Some(100_000), Some(500_000))
            ),
            Some(0.5 + 0.05 + 1.0)
        );
        assert_eq!(
            cost("other", usage(None, Some(1_000_000), None)),
            Some(10.0)
        );
        assert_eq!(cost("gpt-5", usage(None, None, None)), None);
        // An upstream that says nonsense costs no less than nothing.
        assert_eq!(
            cost("gpt-5", usage(Some(10), None, Some(1_000))),
            Some(10.0 * 0.1 / 1e6)
        );
        assert_eq!(
            ModelPrices::default().cost_usd("gpt-5", usage(Some(1), None, None)),
            None
        );
    }
}
