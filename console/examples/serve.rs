//! The console with made-up exchanges, for looking at it: `cargo run -p sallyport-console --example serve -- [--token T]
//! [--exchanges N] [--pace MS] [--hostile] [--port P]`.

#[path = "../tests/sample/mod.rs"]
mod sample;

use sallyport_console::{Console, Facts, History, Request};
use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_nanos() as i64)
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().collect();
    let value = |name: &str| {
        words
            .iter()
            .position(|word| word == name)
            .and_then(|at| words.get(at + 1))
            .cloned()
    };
    let number = |name: &str, other: u64| {
        value(name)
            .and_then(|word| word.parse().ok())
            .unwrap_or(other)
    };
    let hostile = words.iter().any(|word| word == "--hostile");
    let history = Arc::new(History::open(
        value("--file").map(std::path::PathBuf::from).as_deref(),
        200_000,
    )?);
    let count = number("--exchanges", 400);
    let mut dice = sample::Dice(42);
    // Spread over the last hour, more towards now.
    for at in 0..count {
        let ago = 3_600_000_000_000.0 * (1.0 - (at as f64 + 1.0) / (count as f64 + 1.0)).powf(1.3);
        history.observe(Arc::new(sample::exchange(
            &mut dice,
            at,
            now_ns() - ago as i64,
        )));
        if at % 1000 == 999 {
            history.flush();
        }
    }
    if hostile {
        history.observe(Arc::new(sample::hostile(1_000_000, now_ns())));
    }
    history.flush();
    let mut facts = if hostile {
        sample::hostile_facts()
    } else {
        sample::facts()
    };
    facts.loopback = true;
    facts.policies.since_ns = now_ns() - 3_000_000_000_000;
    facts.started_ns = now_ns() - 9_000_000_000_000;
    let console = Arc::new(Console::new(history.clone(), value("--token").as_deref())?);
    let listener = TcpListener::bind(("127.0.0.1", number("--port", 0) as u16))?;
    println!("http://{}", listener.local_addr()?);
    let pace = number("--pace", 0);
    if pace > 0 {
        std::thread::spawn(move || {
            for number in 2_000_000.. {
                history.observe(Arc::new(sample::exchange(&mut dice, number, now_ns())));
                std::thread::sleep(Duration::from_millis(pace));
            }
        });
    }
    let facts = Arc::new(facts);
    for stream in listener.incoming() {
        let (console, facts, stream) = (console.clone(), facts.clone(), stream?);
        std::thread::spawn(move || {
            if let Err(why) = serve(&console, &facts, stream) {
                eprintln!("{why}");
            }
        });
    }
    Ok(())
}

fn serve(console: &Console, facts: &Facts, stream: TcpStream) -> Result<(), Box<dyn Error>> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(());
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Ok(());
    };
    let mut headers = http::HeaderMap::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.append(
            http::HeaderName::try_from(name)?,
            http::HeaderValue::try_from(value.trim())?,
        );
    }
    let length: usize = headers
        .get("content-length")
        .and_then(|length| length.to_str().ok()?.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length.min(sallyport_console::FORM_BYTES_MAX)];
    reader.read_exact(&mut body)?;
    let peer = stream.peer_addr()?.ip();
    let method = http::Method::try_from(method.as_str())?;
    let began = std::time::Instant::now();
    let request = Request {
        method: &method,
        target: &target,
        headers: &headers,
        body: &body,
        peer: Some(peer),
        tls: false,
        now_ns: now_ns(),
    };
    let reply = console.answer(&request, facts);
    if began.elapsed() > Duration::from_millis(100) {
        eprintln!("{target} took {:?}", began.elapsed());
    }
    let mut head = format!(
        "HTTP/1.1 {} OK\r\ncontent-type: {}\r\ncontent-length: {}\r\nconnection: close\r\n",
        reply.status,
        reply.content_type,
        reply.body.len()
    );
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut stream = stream;
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    Ok(stream.write_all(reply.body.as_bytes())?)
}
