//! Metrics, counted of every exchange whether its trace is kept or not.

mod instruments;

use crate::semantics::{self, Target};
use crate::settings::Settings;
use crate::spans;
use crate::vocabulary::Vocabulary;
use instruments::{GenAi, Instruments};
use opentelemetry::KeyValue;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{
    InstrumentKind, ManualReader, Pipeline, SdkMeterProvider, Temporality,
};
use prost::Message;
use sallyport_record::Observed;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// The metrics of this process since it began.
pub(crate) struct Metrics {
    reader: Reader,
    instruments: Instruments,
    words: Vocabulary,
    // Last: instruments feed it as long as they live.
    _provider: SdkMeterProvider,
}

impl Metrics {
    pub fn new(settings: &Settings, resource: &[(String, String)]) -> Self {
        let reader = Reader(Arc::new(ManualReader::builder().build()));
        let resource = resource
            .iter()
            .map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
        let provider = SdkMeterProvider::builder()
            .with_reader(reader.clone())
            .with_resource(Resource::builder_empty().with_attributes(resource).build())
            .build();
        Metrics {
            reader,
            instruments: Instruments::new(&provider, settings.conventions),
            words: Vocabulary::default(),
            _provider: provider,
        }
    }

    /// All of them, as one message.
    pub fn message(&self) -> Option<Vec<u8>> {
        let mut all = ResourceMetrics::default();
        self.reader.0.collect(&mut all).ok()?;
        Some(ExportMetricsServiceRequest::from(&all).encode_to_vec())
    }

    /// Counts an exchange.
    pub fn count(&mut self, observed: &Observed) {
        self.own(observed);
        match observed.record.mcp.is_some() {
            true => self.mcp(observed),
            false => {
                self.http(observed);
                self.genai(observed);
            }
        }
    }

    fn word(&mut self, kind: &'static str, word: &str) -> KeyValue {
        KeyValue::new(kind, self.words.word(kind, word))
    }

    fn http(&mut self, observed: &Observed) {
        let record = &observed.record;
        let Some(total) = record.micros.total else {
            return;
        };
        let (method, route) = semantics::endpoint(record);
        let method = method.unwrap_or(semantics::METHOD_OTHER);
        let mut of = vec![KeyValue::new("http.request.method", method)];
        of.extend(route.map(|route| KeyValue::new("http.route", route)));
        if record.status != 0 {
            let status = i64::from(record.status);
            of.push(KeyValue::new("http.response.status_code", status));
        }
        if let Some((kind, _)) = spans::server_error(record) {
            of.push(self.word("error.type", &kind));
        }
        self.instruments.http.record(seconds(total), &of);
    }

    fn genai(&mut self, observed: &Observed) {
        let record = &observed.record;
        if !spans::asked_upstream(observed) {
            return;
        }
        let operation = semantics::genai_operation(record).to_owned();
        let peer = observed.peer.as_ref().map(|peer| peer.provider.as_ref());
        let provider = semantics::provider(peer, record.dialect.as_deref());
        let mut of = vec![
            self.word("gen_ai.operation.name", &operation),
            KeyValue::new("gen_ai.provider.name", provider),
        ];
        if let Some(model) = &record.model {
            of.push(self.word("gen_ai.request.model", model));
        }
        if let Some(model) = &observed.said.model {
            of.push(self.word("gen_ai.response.model", model));
        }
        self.server(observed, &mut of);
        let (from, to) = spans::upstream_times(observed);
        let duration = seconds(to.saturating_sub(from));
        let first = record.micros.upstream_first.filter(|_| record.stream);
        let mut with_error = of.clone();
        if let Some(kind) = spans::upstream_error(record) {
            with_error.push(self.word("error.type", &kind));
        }
        if let Some(first) = first {
            let first_chunk = match &self.instruments.genai {
                GenAi::V1_41(genai) => &genai.first_chunk,
                GenAi::Latest(genai) => &genai.first_chunk,
            };
            first_chunk.record(seconds(first), &of);
        }
        // The newest conventions have inference apart from all else.
        let generates = matches!(operation.as_str(), "chat" | "text_completion");
        let durations = match &self.instruments.genai {
            GenAi::V1_41(genai) => &genai.duration,
            GenAi::Latest(genai) if generates => &genai.duration,
            GenAi::Latest(genai) => &genai.other_duration,
        };
        durations.record(duration, &with_error);
        match &self.instruments.genai {
            GenAi::V1_41(genai) if semantics::is_inference(record) => {
                genai.tokens(&record.usage, &of);
            }
            GenAi::Latest(genai) if generates => genai.tokens(&record.usage, of),
            _ => {}
        }
    }

    fn mcp(&mut self, observed: &Observed) {
        let record = &observed.record;
        let (Some(mcp), Some(total)) = (&record.mcp, record.micros.total) else {
            return;
        };
        let mut of = vec![self.word("mcp.method.name", &mcp.method)];
        if !mcp.revision.is_empty() {
            of.push(self.word("mcp.protocol.version", &mcp.revision));
        }
        match semantics::target(record, mcp) {
            Some(Target::Tool(name)) => {
                of.push(KeyValue::new("gen_ai.operation.name", "execute_tool"));
                of.push(self.word("gen_ai.tool.name", name));
            }
            Some(Target::Prompt(name)) => of.push(self.word("gen_ai.prompt.name", name)),
            Some(Target::Resource(_)) | None => {}
        }
        let mut served = of.clone();
        served.push(KeyValue::new("network.transport", "tcp"));
        if let Some((kind, _)) = spans::server_error(record) {
            served.push(self.word("error.type", &kind));
        }
        self.instruments.mcp_server.record(seconds(total), &served);
        if !spans::asked_upstream(observed) {
            return;
        }
        let by_http = observed
            .peer
            .as_ref()
            .is_some_and(|peer| peer.address.is_some());
        let transport = if by_http { "tcp" } else { "pipe" };
        of.push(KeyValue::new("network.transport", transport));
        self.server(observed, &mut of);
        if let Some(kind) = spans::upstream_error(record) {
            of.push(self.word("error.type", &kind));
        }
        let (from, to) = spans::upstream_times(observed);
        let asked = seconds(to.saturating_sub(from));
        self.instruments.mcp_client.record(asked, &of);
    }

    fn server(&mut self, observed: &Observed, of: &mut Vec<KeyValue>) {
        let Some(peer) = &observed.peer else { return };
        if let Some(address) = &peer.address {
            of.push(self.word("server.address", address));
            of.extend(
                peer.port
                    .map(|port| KeyValue::new("server.port", i64::from(port))),
            );
        }
    }

    /// What is Sallyport's own.
    fn own(&mut self, observed: &Observed) {
        let record = &observed.record;
        let mut of = Vec::new();
        if let Some(caller) = &record.caller {
            of.push(self.word("sallyport.team", &caller.team));
        }
        if let Some(route) = &record.route {
            of.push(self.word("sallyport.route", route));
        }
        if let Some(cost) = record
            .cost_usd
            .filter(|cost| cost.is_finite() && *cost >= 0.0)
        {
            self.instruments.cost.add(cost, &of);
        }
        if let Some(saved) = semantics::saved(record) {
            self.instruments.saved.add(saved, &of);
        }
        of.push(KeyValue::new("sallyport.verdict", record.verdict.as_str()));
        self.instruments.exchanges.add(1, &of);
        for rule in &record.refused_by {
            let rule = self.word("sallyport.rule", rule);
            self.instruments.refusals.add(1, &[rule]);
        }
        let mut labels: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for finding in &record.findings {
            *labels.entry((&finding.label, &finding.flow)).or_default() += 1;
        }
        for ((label, flow), count) in labels {
            let of = [
                self.word("sallyport.label", label),
                self.word("sallyport.flow", flow),
            ];
            self.instruments.findings.add(count, &of);
        }
    }
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// A reader that two can hold: the provider feeds it, the thread reads it.
#[derive(Clone, Debug)]
struct Reader(Arc<ManualReader>);

impl MetricReader for Reader {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, all: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(all)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}
