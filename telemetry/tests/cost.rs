//! What telemetry costs: `cargo nextest run -p sallyport-telemetry --run-ignored all -E 'test(cost)' --no-capture`.

use crate::receiver::{Receiver, settings};
use crate::sample::{self, anew};
use sallyport_telemetry::{Protocol, Telemetry};
use std::net::TcpListener;
use std::time::{Duration, Instant};

/// Exchanges of one round; they fit into the ring.
const ROUND: usize = 2_000;
/// Exchanges of one measurement.
const FEW: usize = 20;

#[test]
#[ignore = "a measurement"]
fn cost_of_observing() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let dead = format!("http://{}", silent.local_addr().expect("an address"));
    let receiver = Receiver::start(Protocol::Http);
    let alive = format!("http://{}", receiver.address);
    for (what, endpoint) in [("a live collector", alive), ("a dead collector", dead)] {
        let telemetry = Telemetry::start(settings(&endpoint, Protocol::Http)).expect("starts");
        let sample = sample::chat();
        let mut each = Vec::new();
        for _ in 0..20 {
            // Others hold exchanges too, so that letting go of them is nobody's cost here.
            let given: Vec<_> = (0..ROUND).map(|_| anew(&sample)).collect();
            for some in given.chunks(FEW) {
                let began = Instant::now();
                for observed in some {
                    telemetry.observe(observed.clone());
                }
                each.push(began.elapsed().as_nanos() as usize / FEW);
            }
            std::thread::sleep(Duration::from_millis(150));
        }
        each.sort_unstable();
        let at = |share: f64| each[(each.len() as f64 * share) as usize];
        println!(
            "{what}: {} ns an exchange (p10 {}, p90 {})",
            at(0.5),
            at(0.1),
            at(0.9)
        );
        let standing = telemetry.shutdown(Duration::from_millis(500));
        println!("  {standing:?}");
    }
}

#[test]
#[ignore = "a measurement"]
fn cost_on_the_thread() {
    for (what, traces, metrics) in [
        ("spans and metrics", true, true),
        ("spans", true, false),
        ("metrics", false, true),
    ] {
        let receiver = Receiver::start(Protocol::Http);
        let mut settings = receiver.settings();
        if !traces {
            settings.traces = None;
        }
        if !metrics {
            settings.metrics = None;
        }
        let telemetry = Telemetry::start(settings).expect("starts");
        let sample = sample::chat();
        for _ in 0..20 {
            for _ in 0..ROUND / 4 {
                telemetry.observe(anew(&sample));
            }
            std::thread::sleep(Duration::from_millis(300));
        }
        let used = thread_time("telemetry");
        let done = telemetry.standing();
        let each = used / (done.given.exchanges - done.dropped.exchanges) as u32;
        println!("{what}: {used:?} for {done:?}, {each:?} each");
        telemetry.shutdown(Duration::from_secs(5));
    }
}

/// Time on a processor of the thread of this name, from `/proc`.
fn thread_time(name: &str) -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let read = |path: std::path::PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    let nanos = tasks.flatten().map(|task| {
        let is_it = read(task.path().join("comm")).trim() == name;
        let stat = read(task.path().join("schedstat"));
        let nanos = stat
            .split_whitespace()
            .next()
            .and_then(|n| n.parse::<u64>().ok());
        nanos.filter(|_| is_it).unwrap_or_default()
    });
    Duration::from_nanos(nanos.sum())
}
