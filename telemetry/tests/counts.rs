//! Every exchange is accounted for.

use crate::receiver::{Receiver, settings, wait_for};
use crate::sample::{self, anew};
use sallyport_telemetry::{Count, Protocol, Standing, Telemetry};
use std::sync::Arc;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(20);

/// What was given is sent, dropped, failed or not sampled, in exchanges and in spans.
pub fn check(standing: &Standing) {
    let all = [
        standing.sent,
        standing.dropped,
        standing.failed,
        standing.unsampled,
    ];
    let sum = |of: fn(&Count) -> u64| all.iter().map(of).sum::<u64>();
    assert_eq!(
        standing.given.exchanges,
        sum(|c| c.exchanges),
        "{standing:?}"
    );
    assert_eq!(standing.given.spans, sum(|c| c.spans), "{standing:?}");
}

#[test]
fn what_a_collector_has_is_what_is_said_to_be_sent() {
    for protocol in [Protocol::Http, Protocol::Grpc] {
        let receiver = Receiver::start(protocol);
        let telemetry = Arc::new(Telemetry::start(receiver.settings()).expect("starts"));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let telemetry = telemetry.clone();
                std::thread::spawn(move || {
                    for n in 0..2_000 {
                        telemetry.observe(anew(&sample::chat()));
                        if n % 200 == 0 {
                            std::thread::sleep(Duration::from_millis(20));
                        }
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("observes");
        }
        let standing = telemetry.shutdown(LONG);
        check(&standing);
        assert_eq!(standing.given.exchanges, 8_000);
        assert_eq!(standing.failed, Count::default());
        assert!(standing.sent.exchanges > 0);
        assert_eq!(standing.sent.spans, receiver.spans().len() as u64);
        let most = receiver
            .kept()
            .traces
            .iter()
            .map(|t| t.resource_spans[0].scope_spans[0].spans.len())
            .max();
        assert!(most <= Some(512), "{most:?}");
        // Nothing is taken any more, and that counts too.
        telemetry.observe(anew(&sample::chat()));
        let after = telemetry.standing();
        check(&after);
        assert_eq!(after.dropped.exchanges, standing.dropped.exchanges + 1);
    }
}

#[test]
fn shutdown_sends_what_waits_and_returns_in_time_if_it_cannot() {
    let receiver = Receiver::start(Protocol::Http);
    let mut settings_ = receiver.settings();
    settings_.batch_wait = Duration::from_secs(60);
    let telemetry = Telemetry::start(settings_).expect("starts");
    telemetry.observe(anew(&sample::chat()));
    assert_eq!(receiver.spans().len(), 0);
    assert_eq!(telemetry.shutdown(LONG).sent.exchanges, 1);
    assert_eq!(receiver.spans().len(), 9);

    // A port that takes connections, and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    for protocol in [Protocol::Http, Protocol::Grpc] {
        let telemetry =
            Telemetry::start(settings(&format!("http://{address}"), protocol)).expect("starts");
        telemetry.observe(anew(&sample::chat()));
        let began = Instant::now();
        let standing = telemetry.shutdown(Duration::from_millis(300));
        assert!(
            began.elapsed() < Duration::from_secs(3),
            "{:?}",
            began.elapsed()
        );
        check(&standing);
        assert_eq!(standing.dropped.exchanges, 1, "{standing:?}");
    }
}

#[test]
fn what_a_collector_rejects_in_part_has_failed() {
    for protocol in [Protocol::Http, Protocol::Grpc] {
        let receiver = Receiver::start(protocol);
        receiver.kept().reject = 4;
        let telemetry = Telemetry::start(receiver.settings()).expect("starts");
        telemetry.observe(anew(&sample::chat()));
        let standing = telemetry.shutdown(LONG);
        check(&standing);
        assert_eq!((standing.sent.spans, standing.failed.spans), (5, 4));
        assert_eq!((standing.sent.exchanges, standing.failed.exchanges), (0, 1));
        let said = standing.last_error.expect("an error");
        assert_eq!(
            said, "the collector rejected 4 of 9 spans",
            "nothing of what it said"
        );
    }
}

#[test]
fn headers_and_compression_arrive() {
    for protocol in [Protocol::Http, Protocol::Grpc] {
        let receiver = Receiver::start(protocol);
        let mut settings = receiver.settings();
        if let Some(target) = &mut settings.traces {
            target
                .headers
                .set("authorization", "Bearer s3cr3t")
                .expect("a header");
            target.compression = sallyport_telemetry::Compression::Gzip;
        }
        assert!(!format!("{settings:?}").contains("s3cr3t"));
        let telemetry = Telemetry::start(settings).expect("starts");
        telemetry.observe(anew(&sample::chat()));
        wait_for("spans", || receiver.spans().len() == 9);
        let headers = receiver.kept().headers[0].clone();
        assert_eq!(headers["authorization"], "Bearer s3cr3t");
        let agent = headers["user-agent"].to_str().expect("text");
        assert!(agent.starts_with("sallyport-otlp/"), "{agent}");
        telemetry.shutdown(LONG);
    }
}

/// With `OTLP_RECEIVER` set to an address, `http://…` or `grpc+http://…`: sends there what an independent receiver is to
/// have a look at. How `oteltap` (PyPI) is tried by hand.
#[test]
fn somebody_elses_receiver_takes_it() {
    let Ok(endpoint) = std::env::var("OTLP_RECEIVER") else {
        return eprintln!("SKIPPED: no OTLP_RECEIVER");
    };
    let (endpoint, protocol) = match endpoint.strip_prefix("grpc+") {
        Some(endpoint) => (endpoint, Protocol::Grpc),
        None => (endpoint.as_str(), Protocol::Http),
    };
    let telemetry = Telemetry::start(settings(endpoint, protocol)).expect("starts");
    telemetry.observe(anew(&sample::chat()));
    telemetry.observe(Arc::new(sample::tool_call()));
    telemetry.observe(anew(&sample::refused()));
    let standing = telemetry.shutdown(LONG);
    check(&standing);
    assert_eq!(standing.sent.exchanges, 3, "{standing:?}");
    assert_eq!(standing.metrics_sent, 1, "{standing:?}");
}
