//! What telemetry costs: `cargo nextest run -p sallyport-telemetry --run-ignored all -E 'test(cost)' --no-capture`.

use crate::receiver::{Receiver, settings};
use crate::sample::{self, anew};
use sallyport_telemetry::{Protocol, Telemetry};
use std::net::TcpListener;
use std::time::{Duration, Instant};

/// Exchanges of one round; they fit into the ring.
const ROUND: usize = 2_000;

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
            let given: Vec<_> = (0..ROUND).map(|_| anew(&sample)).collect();
            let began = Instant::now();
            for observed in given {
                telemetry.observe(observed);
            }
            each.push(began.elapsed().as_nanos() as usize / ROUND);
            std::thread::sleep(Duration::from_millis(150));
        }
        each.sort_unstable();
        println!("{what}: {} ns an exchange (best {})", each[10], each[0]);
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
            for _ in 0..ROUND / 2 {
                telemetry.observe(anew(&sample));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        let used = thread_time("telemetry");
        let done = telemetry.standing();
        println!(
            "{what}: {used:?} in all for {} exchanges, {:?} each",
            done.given.exchanges,
            used / done.given.exchanges.max(1) as u32
        );
        telemetry.shutdown(Duration::from_secs(5));
    }
}

/// CPU time of the thread of this name: ticks of 10 ms from `/proc`.
fn thread_time(name: &str) -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let mut ticks = 0;
    for task in tasks.flatten() {
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        let Some((head, rest)) = stat.rsplit_once(')') else {
            continue;
        };
        if !head.ends_with(&format!("({name}")) {
            continue;
        }
        let fields: Vec<u64> = rest
            .split_whitespace()
            .skip(1)
            .filter_map(|f| f.parse().ok())
            .collect();
        ticks += fields[10] + fields[11];
    }
    Duration::from_millis(ticks * 10)
}
