//! Collectors that are dead, slow, or mean.

use crate::counts::check;
use crate::receiver::{Receiver, settings, wait_for};
use crate::sample::{self, anew};
use sallyport_record::Observed;
use sallyport_telemetry::{Protocol, QUEUE, Standing, Telemetry};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// A listener that does with each connection what it is told; and how many there were.
fn listener(
    act: impl Fn(TcpStream, usize) + Send + Sync + 'static,
) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (seen, act) = (Arc::new(AtomicUsize::new(0)), Arc::new(act));
    let count = seen.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let n = count.fetch_add(1, SeqCst);
            let act = act.clone();
            std::thread::spawn(move || act(stream, n));
        }
    });
    (address, seen)
}

/// Reads a request whole, then says this.
fn says(mut stream: TcpStream, answer: &[u8]) {
    let mut bytes = Vec::new();
    let mut some = [0; 64 << 10];
    loop {
        let Ok(n) = stream.read(&mut some) else {
            return;
        };
        bytes.extend_from_slice(&some[..n]);
        let head = bytes.windows(4).position(|w| w == b"\r\n\r\n");
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        let length = text.split("content-length: ").nth(1);
        let length = length.and_then(|rest| rest.split("\r\n").next()?.parse::<usize>().ok());
        if n == 0
            || head
                .zip(length)
                .is_some_and(|(at, n)| bytes.len() >= at + 4 + n)
        {
            break;
        }
    }
    let _ = stream.write_all(answer);
    let _ = stream.flush();
}

/// Gives a collector some exchanges, and says how it stood in the end.
fn give(endpoint: &str, protocol: Protocol, exchanges: usize) -> Standing {
    let mut settings = settings(endpoint, protocol);
    for target in [&mut settings.traces, &mut settings.metrics]
        .into_iter()
        .flatten()
    {
        target.timeout = Duration::from_millis(700);
    }
    let telemetry = Telemetry::start(settings).expect("starts");
    for _ in 0..exchanges {
        telemetry.observe(anew(&sample::chat()));
    }
    let began = Instant::now();
    wait_for("quiet", || telemetry.standing().waiting == 0);
    let standing = telemetry.shutdown(Duration::from_secs(5));
    assert!(began.elapsed() < Duration::from_secs(20));
    check(&standing);
    assert_eq!(standing.given.exchanges, exchanges as u64);
    standing
}

fn all_fail(standing: &Standing, error: &str) {
    assert_eq!(
        standing.failed.exchanges, standing.given.exchanges,
        "{standing:?}"
    );
    let said = standing.last_error.as_deref().unwrap_or_default();
    assert!(said.contains(error), "{said}");
}

#[test]
fn nobody_is_there() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("an address");
    drop(free);
    for protocol in [Protocol::Http, Protocol::Grpc] {
        all_fail(
            &give(&format!("http://{address}"), protocol, 50),
            "cannot be reached",
        );
    }
    let nowhere = "http://collector.invalid:4318";
    all_fail(&give(nowhere, Protocol::Http, 5), "");
}

#[test]
fn it_hangs() {
    let (address, _) = listener(|stream, _| {
        std::thread::sleep(Duration::from_secs(60));
        drop(stream);
    });
    for protocol in [Protocol::Http, Protocol::Grpc] {
        all_fail(&give(&format!("http://{address}"), protocol, 50), "in time");
    }
}

#[test]
fn it_answers_a_byte_at_a_time() {
    let (address, _) = listener(|mut stream, _| {
        let mut some = [0; 1024];
        let _ = stream.read(&mut some);
        for byte in b"HTTP/1.1 200 OK\r\nx-long: "
            .iter()
            .chain(std::iter::repeat(&b'a'))
        {
            if stream.write_all(&[*byte]).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    all_fail(
        &give(&format!("http://{address}"), Protocol::Http, 50),
        "in time",
    );
}

#[test]
fn it_says_no_or_talks_nonsense() {
    let cases: [(&str, &[u8], &str); 5] = [
        (
            "500",
            b"HTTP/1.1 500 Oh\r\ncontent-length: 3\r\n\r\n\x1b[2",
            "status 500",
        ),
        (
            "400",
            b"HTTP/1.1 400 No\r\ncontent-length: 0\r\n\r\n",
            "status 400",
        ),
        (
            "no HTTP",
            b"SSH-2.0-OpenSSH_9.2\r\n\x00\xff\xfe",
            "cannot be reached",
        ),
        ("nothing", b"", "cannot be reached"),
        ("half a head", b"HTTP/1.1 2", "cannot be reached"),
    ];
    for (what, answer, error) in cases {
        let (address, _) = listener(move |stream, _| says(stream, answer));
        let standing = give(&format!("http://{address}"), Protocol::Http, 20);
        println!("{what}: {standing:?}");
        all_fail(&standing, error);
        assert!(!standing.last_error.unwrap_or_default().contains('\u{1b}'));
    }
    let (address, _) = listener(|mut stream, _| {
        let _ = stream.write_all(&[0xff; 9_000]);
    });
    all_fail(
        &give(&format!("http://{address}"), Protocol::Grpc, 20),
        "cannot be reached",
    );
}

#[test]
fn it_sends_elsewhere_and_nobody_goes() {
    let elsewhere = Receiver::start(Protocol::Http);
    let location = format!(
        "HTTP/1.1 307 Go\r\nlocation: http://{}/v1/traces\r\ncontent-length: 0\r\n\r\n",
        elsewhere.address
    );
    let (address, _) = listener(move |stream, _| says(stream, location.as_bytes()));
    all_fail(
        &give(&format!("http://{address}"), Protocol::Http, 20),
        "status 307",
    );
    assert_eq!(elsewhere.spans().len(), 0);
}

#[test]
fn it_answers_without_end() {
    let written = Arc::new(AtomicUsize::new(0));
    let sum = written.clone();
    let (address, _) = listener(move |mut stream, _| {
        says_head(&mut stream, "200 OK");
        let page = [b'<'; 16 << 10];
        while let Ok(n) = stream.write(&page) {
            sum.fetch_add(n, SeqCst);
        }
    });
    // It has taken the message, so that is what it counts as; the rest of what it says is not listened to.
    let standing = give(&format!("http://{address}"), Protocol::Http, 20);
    assert_eq!(standing.sent.exchanges, 20, "{standing:?}");
    assert!(
        standing
            .last_error
            .is_some_and(|said| said.contains("not OTLP"))
    );
    let read = written.load(SeqCst);
    assert!(
        read < 64 << 20,
        "{read} bytes were read, or lie in the system's buffers"
    );
}

fn says_head(stream: &mut TcpStream, status: &str) {
    let mut some = [0; 64 << 10];
    let _ = stream.read(&mut some);
    let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n\r\n");
    let _ = stream.write_all(head.as_bytes());
}

#[test]
fn it_is_busy_and_says_when_to_come_again() {
    let busy = |after: &'static str| {
        listener(move |stream, n| {
            match n {
            0 => says(stream, format!("HTTP/1.1 429 Busy\r\nretry-after: {after}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").as_bytes()),
            _ => says(stream, b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"),
        }
        })
    };
    let (address, tries) = busy("0");
    let mut settings_ = settings(&format!("http://{address}"), Protocol::Http);
    settings_.metrics = None;
    let telemetry = Telemetry::start(settings_.clone()).expect("starts");
    telemetry.observe(anew(&sample::chat()));
    let standing = telemetry.shutdown(Duration::from_secs(10));
    assert_eq!(
        (standing.sent.exchanges, tries.load(SeqCst)),
        (1, 2),
        "{standing:?}"
    );
    // Later than anybody waits.
    let (address, tries) = busy("99999999999");
    if let Some(target) = &mut settings_.traces {
        target.url = format!("http://{address}/v1/traces")
            .parse()
            .expect("an address");
    }
    let telemetry = Telemetry::start(settings_).expect("starts");
    telemetry.observe(anew(&sample::chat()));
    let standing = telemetry.shutdown(Duration::from_secs(10));
    assert_eq!(
        (standing.failed.exchanges, tries.load(SeqCst)),
        (1, 1),
        "{standing:?}"
    );
}

#[test]
fn a_dead_collector_costs_neither_time_nor_memory() {
    let (address, _) = listener(|stream, _| {
        std::thread::sleep(Duration::from_secs(120));
        drop(stream);
    });
    for protocol in [Protocol::Http, Protocol::Grpc] {
        let telemetry =
            Telemetry::start(settings(&format!("http://{address}"), protocol)).expect("starts");
        let sample = sample::chat();
        let mut given: Vec<Weak<Observed>> = Vec::new();
        let mut slow = 0;
        for n in 0..40_000 {
            let observed = anew(&sample);
            given.push(Arc::downgrade(&observed));
            let began = Instant::now();
            telemetry.observe(observed);
            slow += usize::from(began.elapsed() > Duration::from_millis(20));
            if n % 4_000 == 0 {
                std::thread::sleep(Duration::from_millis(60));
            }
        }
        let held = || given.iter().filter(|weak| weak.strong_count() > 0).count();
        // The ring, what waits, and what is being made into a message.
        assert!(
            held() <= 4_096 + QUEUE + 64,
            "{} exchanges are held",
            held()
        );
        let dropped = telemetry.standing().dropped.exchanges as usize;
        assert!(dropped >= 40_000 - 4_096 - QUEUE - 4 * 64, "{dropped}");
        // A busy machine may stop anybody for a while, but not often.
        assert!(slow < 40, "{slow} of 40,000 had to wait");
        let end = telemetry.shutdown(Duration::from_millis(200));
        // It came back in time; on a busy machine the thread may be a little behind.
        wait_for("the end", || {
            held() == 0 && telemetry.standing().waiting == 0
        });
        check(&telemetry.standing());
        assert_eq!(end.given.exchanges, 40_000);
    }
}

#[test]
fn long_texts_are_bounded_by_bytes() {
    let (address, _) = listener(|stream, _| {
        std::thread::sleep(Duration::from_secs(120));
        drop(stream);
    });
    let mut settings = settings(&format!("http://{address}"), Protocol::Http);
    settings.content = true;
    let telemetry = Telemetry::start(settings).expect("starts");
    let mut sample = sample::chat();
    let long = "x".repeat(16 << 10);
    sample.parts = vec![sample::part("request", "text", "user", None, &long); 64];
    let mut given: Vec<Weak<Observed>> = Vec::new();
    for _ in 0..200 {
        let observed = anew(&sample);
        given.push(Arc::downgrade(&observed));
        telemetry.observe(observed);
    }
    let alive = given.iter().filter(|weak| weak.strong_count() > 0).count();
    assert!(alive <= 64, "{alive} of 1 MiB each are held");
    check(&telemetry.shutdown(Duration::from_millis(100)));
}

#[test]
fn a_collector_that_comes_back_gets_what_waits() {
    let down = Arc::new(AtomicUsize::new(1));
    let is_down = down.clone();
    let (address, _) = listener(move |stream, _| match is_down.load(SeqCst) {
        1 => drop(stream),
        _ => says(
            stream,
            b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
        ),
    });
    let telemetry =
        Telemetry::start(settings(&format!("http://{address}"), Protocol::Http)).expect("starts");
    telemetry.observe(anew(&sample::chat()));
    std::thread::sleep(Duration::from_millis(300));
    down.store(0, SeqCst);
    wait_for("sent", || telemetry.standing().sent.exchanges == 1);
    check(&telemetry.shutdown(Duration::from_secs(5)));
}
