//! The instruments, by the names, units and buckets of the conventions.

use crate::settings::Conventions;
use opentelemetry::metrics::{Counter, Histogram, Meter, MeterProvider};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use sallyport_record::UsageRecord;

/// Seconds of GenAI operations (`gen-ai-metrics.md`).
const GENAI_SECONDS: [f64; 14] = [
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
/// Tokens of one operation (`gen-ai-metrics.md`).
const GENAI_TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
/// Seconds of MCP operations (`mcp.md`).
const MCP_SECONDS: [f64; 14] = [
    0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0,
];
/// Seconds of HTTP requests (`http-metrics.md`).
const HTTP_SECONDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

pub struct Instruments {
    pub http: Histogram<f64>,
    pub mcp_server: Histogram<f64>,
    pub mcp_client: Histogram<f64>,
    pub genai: GenAi,
    pub exchanges: Counter<u64>,
    pub refusals: Counter<u64>,
    pub findings: Counter<u64>,
    pub cost: Counter<f64>,
    pub saved: Counter<u64>,
}

pub enum GenAi {
    V1_41(GenAi141),
    Latest(GenAiLatest),
}

pub struct GenAi141 {
    pub duration: Histogram<f64>,
    pub first_chunk: Histogram<f64>,
    pub tokens: Histogram<u64>,
}

pub struct GenAiLatest {
    pub duration: Histogram<f64>,
    pub other_duration: Histogram<f64>,
    pub first_chunk: Histogram<f64>,
    pub inputs: Histogram<u64>,
    pub outputs: Histogram<u64>,
    pub input: Counter<u64>,
    pub output: Counter<u64>,
    pub cached: Counter<u64>,
}

impl GenAi141 {
    /// Counts tokens, as far as the upstream said.
    pub fn tokens(&self, usage: &UsageRecord, of: &[KeyValue]) {
        for (kind, tokens) in [("input", usage.input), ("output", usage.output)] {
            if let Some(tokens) = tokens {
                let kind = KeyValue::new("gen_ai.token.type", kind);
                self.tokens.record(tokens, &[of, &[kind]].concat());
            }
        }
    }
}

impl GenAiLatest {
    /// Counts tokens. Where the upstream said nothing the sums count none, as the conventions ask.
    pub fn tokens(&self, usage: &UsageRecord, mut of: Vec<KeyValue>) {
        for (tokens, histogram) in [(usage.input, &self.inputs), (usage.output, &self.outputs)] {
            if let Some(tokens) = tokens {
                histogram.record(tokens, &of);
            }
        }
        of.push(KeyValue::new("gen_ai.token.modality", "unknown"));
        self.input.add(usage.input.unwrap_or_default(), &of);
        self.output.add(usage.output.unwrap_or_default(), &of);
        if let Some(cached) = usage.cached {
            self.cached.add(cached, &of);
        }
    }
}

impl Instruments {
    pub fn new(provider: &SdkMeterProvider, conventions: Conventions) -> Self {
        let scope = InstrumentationScope::builder(crate::SCOPE)
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        let meter = provider.meter_with_scope(scope);
        let counter = |name: &'static str, unit: &'static str, what: &'static str| {
            meter
                .u64_counter(name)
                .with_unit(unit)
                .with_description(what)
                .build()
        };
        let seconds = |name, what, buckets: &[f64]| seconds(&meter, name, what, buckets);
        Instruments {
            http: seconds(
                "http.server.request.duration",
                "Duration of HTTP server requests.",
                &HTTP_SECONDS,
            ),
            mcp_server: seconds(
                "mcp.server.operation.duration",
                "MCP request or notification duration as observed on the receiver.",
                &MCP_SECONDS,
            ),
            mcp_client: seconds(
                "mcp.client.operation.duration",
                "MCP request or notification duration as observed on the sender.",
                &MCP_SECONDS,
            ),
            genai: genai(&meter, conventions),
            exchanges: counter("sallyport.exchanges", "{exchange}", "Exchanges by verdict."),
            refusals: counter("sallyport.refusals", "{refusal}", "Refusals by rule."),
            findings: counter("sallyport.findings", "{finding}", "Findings by label."),
            cost: meter
                .f64_counter("sallyport.cost")
                .with_unit("{USD}")
                .with_description("What upstreams cost, by the configured prices.")
                .build(),
            saved: counter(
                "sallyport.tokens.saved",
                "{token}",
                "Tokens that compression kept from upstreams.",
            ),
        }
    }
}

fn genai(meter: &Meter, conventions: Conventions) -> GenAi {
    let seconds = |name, what| seconds(meter, name, what, &GENAI_SECONDS);
    let tokens = |name: &'static str, what: &'static str| {
        let builder = meter.u64_histogram(name).with_unit("{token}");
        let builder = builder.with_description(what);
        builder.with_boundaries(GENAI_TOKENS.to_vec()).build()
    };
    let counter = |name: &'static str, what: &'static str| {
        let builder = meter.u64_counter(name).with_unit("{token}");
        builder.with_description(what).build()
    };
    match conventions {
        Conventions::V1_41 => GenAi::V1_41(GenAi141 {
            duration: seconds(
                "gen_ai.client.operation.duration",
                "GenAI operation duration.",
            ),
            first_chunk: seconds(
                "gen_ai.client.operation.time_to_first_chunk",
                "Time to receive the first chunk.",
            ),
            tokens: tokens(
                "gen_ai.client.token.usage",
                "Number of input and output tokens used.",
            ),
        }),
        Conventions::Latest => GenAi::Latest(GenAiLatest {
            duration: seconds(
                "gen_ai.client.inference.duration",
                "GenAI client inference operation duration.",
            ),
            other_duration: seconds(
                "gen_ai.client.operation.duration",
                "GenAI operation duration.",
            ),
            first_chunk: seconds(
                "gen_ai.client.inference.time_to_first_chunk",
                "Time to receive the first chunk.",
            ),
            inputs: tokens(
                "gen_ai.client.inference.operation.input_tokens",
                "Input tokens of one inference operation.",
            ),
            outputs: tokens(
                "gen_ai.client.inference.operation.output_tokens",
                "Output tokens of one inference operation.",
            ),
            input: counter(
                "gen_ai.client.inference.usage.input_tokens",
                "Input tokens used, cached ones included.",
            ),
            output: counter(
                "gen_ai.client.inference.usage.output_tokens",
                "Output tokens used, reasoning included.",
            ),
            cached: counter(
                "gen_ai.client.inference.usage.cache_read.input_tokens",
                "Input tokens served from the provider's cache.",
            ),
        }),
    }
}

fn seconds(
    meter: &Meter,
    name: &'static str,
    what: &'static str,
    buckets: &[f64],
) -> Histogram<f64> {
    let builder = meter.f64_histogram(name).with_unit("s");
    let builder = builder.with_description(what);
    builder.with_boundaries(buckets.to_vec()).build()
}
