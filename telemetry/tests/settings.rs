//! The configuration and the environment, read together.

use sallyport_record::TraceId;
use sallyport_telemetry::{
    BadSetting, Compression, Conventions, Headers, Protocol, Settings, Wanted,
};
use std::time::Duration;

fn read(wanted: Wanted, environment: &[(&str, &str)]) -> Result<Option<Settings>, BadSetting> {
    Settings::read(wanted, &|name| {
        let found = environment.iter().find(|(key, _)| *key == name)?;
        Some(found.1.to_owned())
    })
}

fn good(wanted: Wanted, environment: &[(&str, &str)]) -> Settings {
    read(wanted, environment)
        .expect("good")
        .expect("something to send")
}

fn at(endpoint: &str) -> Wanted {
    Wanted {
        endpoint: Some(endpoint.into()),
        ..Wanted::default()
    }
}

fn url(target: &Option<sallyport_telemetry::Target>) -> String {
    target.as_ref().expect("a target").url.to_string()
}

#[test]
fn nothing_is_sent_where_nobody_asks() {
    assert!(read(Wanted::default(), &[]).expect("good").is_none());
    let here = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318");
    let off = ("OTEL_SDK_DISABLED", "TRUE");
    assert!(read(at("http://c:4318"), &[off]).expect("good").is_none());
    let none = [
        here,
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_METRICS_EXPORTER", "none"),
    ];
    assert!(read(Wanted::default(), &none).expect("good").is_none());
    let settings = good(Wanted::default(), &none[..2]);
    assert!(settings.traces.is_none() && settings.metrics.is_some());
    let mut wanted = at("http://c:4318");
    wanted.traces = Some(true);
    assert!(good(wanted, &none).traces.is_some(), "what is written wins");
}

#[test]
fn endpoints_get_the_paths_of_signals_unless_they_are_for_one() {
    let settings = good(
        Wanted::default(),
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/base/")],
    );
    assert_eq!(url(&settings.traces), "http://c:4318/base/v1/traces");
    assert_eq!(url(&settings.metrics), "http://c:4318/base/v1/metrics");
    let own = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://t/in?key=1"),
        ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "grpc"),
    ];
    let settings = good(Wanted::default(), &own);
    assert_eq!(url(&settings.traces), "https://t/in?key=1");
    assert_eq!(url(&settings.metrics), "http://c:4318/");
    assert_eq!(settings.metrics.expect("a target").protocol, Protocol::Grpc);
    let written = good(at("http://w:1"), &own);
    assert_eq!(
        url(&written.traces),
        "http://w:1/v1/traces",
        "what is written wins"
    );
}

#[test]
fn the_rest_of_the_environment_is_heeded() {
    let settings = good(
        Wanted::default(),
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"),
            (
                "OTEL_EXPORTER_OTLP_HEADERS",
                "authorization=Bearer%20abc, x-a=1=2,bad header=1",
            ),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "2500"),
            ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "soon"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem"),
            ("OTEL_SERVICE_NAME", "door"),
            (
                "OTEL_RESOURCE_ATTRIBUTES",
                "service.name=not,service.instance.id=i-7,team=a%2Cb",
            ),
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.0"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "99"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "100000000"),
            ("OTEL_BSP_SCHEDULE_DELAY", "250"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "5000"),
            (
                "OTEL_SEMCONV_STABILITY_OPT_IN",
                "http, gen_ai_latest_experimental",
            ),
        ],
    );
    let traces = settings.traces.clone().expect("a target");
    assert_eq!(traces.timeout, Duration::from_millis(2_500));
    assert_eq!(traces.compression, Compression::Gzip);
    assert_eq!(traces.ca.as_deref(), Some("/ca.pem".as_ref()));
    let mut headers = Headers::default();
    headers.set("authorization", "Bearer abc").expect("good");
    headers.set("x-a", "1=2").expect("good");
    assert_eq!(traces.headers, headers);
    assert_eq!(
        settings.metrics.as_ref().expect("a target").timeout,
        Duration::from_secs(10)
    );
    assert_eq!(
        (settings.service.as_str(), settings.instance.as_str()),
        ("door", "i-7")
    );
    assert_eq!(settings.resource, [("team".to_owned(), "a,b".to_owned())]);
    assert!(!settings.sampler.keeps(TraceId([1; 16]), None));
    assert!(settings.sampler.keeps(TraceId([1; 16]), Some(true)));
    assert_eq!((settings.queue, settings.batch_spans), (99, 8_192));
    assert_eq!(settings.batch_wait, Duration::from_millis(250));
    assert_eq!(settings.metrics_every, Duration::from_secs(5));
    assert_eq!(settings.conventions, Conventions::Latest);
    let ignored = [
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT",
    ];
    let mut said = settings.ignored.clone();
    said.sort();
    assert_eq!(said, ignored);
}

#[test]
fn what_is_written_wins_over_the_environment() {
    let mut wanted = at("http://c:4318");
    wanted
        .headers
        .set("authorization", "written")
        .expect("good");
    wanted.sample = Some(1.0);
    wanted.protocol = Some(Protocol::Grpc);
    wanted.resource = vec![("team".into(), "written".into())];
    let environment = [
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "authorization=environment,x-b=2",
        ),
        ("OTEL_TRACES_SAMPLER", "always_off"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team=environment"),
    ];
    let settings = good(wanted, &environment);
    let traces = settings.traces.clone().expect("a target");
    let mut headers = Headers::default();
    headers.set("x-b", "2").expect("good");
    headers.set("authorization", "written").expect("good");
    assert_eq!(traces.headers, headers);
    assert_eq!(traces.protocol, Protocol::Grpc);
    assert!(settings.sampler.keeps(TraceId([1; 16]), None));
    assert_eq!(
        settings.resource,
        [("team".to_owned(), "written".to_owned())]
    );
}

#[test]
fn bad_settings_are_told_without_their_secrets() {
    for (endpoint, bad) in [
        ("collector", BadSetting::Endpoint),
        ("ftp://c", BadSetting::Endpoint),
        ("http://", BadSetting::Endpoint),
        ("http://user:s3cr3t@c:4318", BadSetting::Credentials),
    ] {
        let said = read(at(endpoint), &[]).expect_err("bad");
        assert_eq!(said, bad, "{endpoint}");
        assert!(!format!("{said} {said:?}").contains("s3cr3t"));
    }
    let mut headers = Headers::default();
    for name in ["a b", "content-length", "host", "é"] {
        let said = headers.set(name, "s3cr3t").expect_err("bad");
        assert!(!format!("{said} {said:?}").contains("s3cr3t"));
    }
    headers.set("x", "s3cr3t\n").expect_err("no line breaks");
    let mut wanted = at("http://c:4318?api-key=s3cr3t");
    wanted.headers.set("authorization", "s3cr3t").expect("good");
    assert!(!format!("{:?}", good(wanted, &[])).contains("s3cr3t"));
    let mut wanted = at("http://c");
    wanted.sample = Some(1.5);
    assert_eq!(read(wanted, &[]).expect_err("bad"), BadSetting::Sample);
    let half = [("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/k.pem")];
    assert_eq!(
        read(at("http://c"), &half).expect_err("bad"),
        BadSetting::Certificate
    );
}
