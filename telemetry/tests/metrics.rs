//! Metrics, as a collector gets them.

use crate::conventions;
use crate::receiver::{Receiver, wait_for};
use crate::sample::{self, anew};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{Metric, NumberDataPoint};
use sallyport_telemetry::{Conventions, Protocol, Telemetry};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(20);

fn attributes(metric: &Metric) -> Vec<&[KeyValue]> {
    match metric.data.as_ref().expect("data") {
        Data::Sum(sum) => sum
            .data_points
            .iter()
            .map(|p| p.attributes.as_slice())
            .collect(),
        Data::Histogram(histogram) => {
            let points = histogram.data_points.iter();
            points.map(|point| point.attributes.as_slice()).collect()
        }
        other => panic!("{} is {other:?}", metric.name),
    }
}

fn find<'a>(metrics: &'a [Metric], name: &str) -> &'a Metric {
    let found = metrics.iter().find(|metric| metric.name == name);
    found.unwrap_or_else(|| panic!("no {name}"))
}

fn sum_points(metric: &Metric) -> &[NumberDataPoint] {
    match metric.data.as_ref().expect("data") {
        Data::Sum(sum) => {
            assert!(sum.is_monotonic);
            assert_eq!(sum.aggregation_temporality, 2, "cumulative");
            &sum.data_points
        }
        other => panic!("{} is {other:?}", metric.name),
    }
}

#[test]
fn names_units_and_attributes_are_those_of_the_conventions() {
    for protocol in [Protocol::Http, Protocol::Grpc] {
        for conventions in [Conventions::V1_41, Conventions::Latest] {
            let receiver = Receiver::start(protocol);
            let mut settings = receiver.settings();
            settings.conventions = conventions;
            let telemetry = Telemetry::start(settings).expect("starts");
            telemetry.observe(Arc::new(sample::chat()));
            telemetry.observe(Arc::new(sample::tool_call()));
            let standing = telemetry.shutdown(LONG);
            assert_eq!((standing.metrics_sent, standing.metrics_failed), (1, 0));
            let metrics = receiver.last_metrics();
            let table = conventions::metrics(conventions);
            for (name, kind, unit, must) in &table {
                let metric = find(&metrics, name);
                assert_eq!(metric.unit, *unit, "{name}");
                let is = match metric.data {
                    Some(Data::Histogram(_)) => "histogram",
                    Some(Data::Sum(_)) => "counter",
                    _ => "odd",
                };
                assert_eq!(is, *kind, "{name}");
                for point in attributes(metric) {
                    for key in *must {
                        assert!(point.iter().any(|a| a.key == *key), "{name} lacks {key}");
                    }
                }
            }
            let known: HashSet<&str> = table.iter().map(|row| row.0).collect();
            let odd: Vec<&String> = metrics
                .iter()
                .map(|metric| &metric.name)
                .filter(|name| !known.contains(name.as_str()))
                .collect();
            assert_eq!(odd, Vec::<&String>::new());
        }
    }
}

#[test]
fn sums_are_right() {
    let receiver = Receiver::start(Protocol::Http);
    let telemetry = Telemetry::start(receiver.settings()).expect("starts");
    for _ in 0..10 {
        telemetry.observe(anew(&sample::chat()));
    }
    for _ in 0..3 {
        telemetry.observe(anew(&sample::refused()));
    }
    telemetry.shutdown(LONG);
    let metrics = receiver.last_metrics();
    let sum = |name: &str, key: &str, word: &str| {
        let points = sum_points(find(&metrics, name)).iter();
        let has = |point: &&NumberDataPoint| {
            let text = format!("{:?}", point.attributes);
            text.contains(&format!("{key:?}")) && text.contains(&format!("{word:?}"))
        };
        points
            .filter(has)
            .map(|point| match point.value {
                Some(Value::AsInt(int)) => int as f64,
                Some(Value::AsDouble(double)) => double,
                None => f64::NAN,
            })
            .sum::<f64>()
    };
    assert_eq!(
        sum("sallyport.exchanges", "sallyport.verdict", "redacted"),
        10.0
    );
    assert_eq!(
        sum("sallyport.exchanges", "sallyport.verdict", "denied"),
        3.0
    );
    assert_eq!(
        sum("sallyport.refusals", "sallyport.rule", "no_shell"),
        10.0
    );
    assert_eq!(sum("sallyport.refusals", "sallyport.rule", "no_keys"), 3.0);
    assert_eq!(
        sum("sallyport.findings", "sallyport.label", "secret.aws"),
        26.0
    );
    assert_eq!(
        sum("sallyport.tokens.saved", "sallyport.team", "blue"),
        4_000.0
    );
    let cost = sum("sallyport.cost", "sallyport.team", "blue");
    assert!((cost - 0.025).abs() < 1e-9, "{cost}");
    let Some(Data::Histogram(usage)) = &find(&metrics, "gen_ai.client.token.usage").data else {
        panic!("a histogram");
    };
    let bounds = &usage.data_points[0].explicit_bounds;
    assert_eq!(
        bounds.first().zip(bounds.last()),
        Some((&1.0, &67_108_864.0))
    );
    let total: f64 = usage.data_points.iter().filter_map(|point| point.sum).sum();
    assert_eq!(
        total, 15_000.0,
        "1,200 in and 300 out, ten times; refused ones used none"
    );
}

#[test]
fn a_flood_of_names_is_500_and_the_rest() {
    let receiver = Receiver::start(Protocol::Http);
    let telemetry = Telemetry::start(receiver.settings()).expect("starts");
    for n in 0..3_000 {
        let mut observed = sample::chat();
        observed.record.model = Some(format!("model-{n}"));
        observed.said.model = Some(format!("{n}-model"));
        telemetry.observe(anew(&observed));
        if n % 500 == 0 {
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    telemetry.shutdown(LONG);
    let metrics = receiver.last_metrics();
    let points = attributes(find(&metrics, "gen_ai.client.operation.duration")).len();
    assert!((501..=502).contains(&points), "{points}");
    let most = metrics.iter().map(|metric| attributes(metric).len()).max();
    assert!(most < Some(2_001), "{most:?}");
}

#[test]
fn metrics_come_at_intervals_and_count_what_is_not_sampled() {
    let receiver = Receiver::start(Protocol::Grpc);
    let mut settings = receiver.settings();
    settings.metrics_every = Duration::from_millis(100);
    settings.traces = None;
    let telemetry = Telemetry::start(settings).expect("starts");
    let mut observed = sample::chat();
    observed.trace = None;
    telemetry.observe(Arc::new(observed));
    wait_for("two messages", || receiver.kept().metrics.len() >= 2);
    find(&receiver.last_metrics(), "sallyport.exchanges");
    let standing = telemetry.shutdown(LONG);
    assert_eq!(
        (standing.unsampled.exchanges, standing.sent.exchanges),
        (1, 0)
    );
}
