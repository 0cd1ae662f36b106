//! What it costs to be watched: the same gateway with a history, an audit log and telemetry, as ratios to none of them, within
//! one run.

use crate::client::{Client, request};
use crate::corpus::{Wish, chat_request};
use crate::load::{Plan, ask_until, median, micros, percentile};
use crate::process::{Cores, cpu_time, load_average, resident_kib};
use crate::servers::{AGENT_KEY, Kind, Server, Stage};
use crate::{POLICIES, upstream};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Error, Read, Result, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;
use tokio::task::JoinSet;

/// Connections that ask at once where requests per second are counted.
const CONCURRENCY: usize = 8;
/// The body that is asked with: 4 KB, answered whole.
const BYTES: usize = 4 << 10;

/// Who watches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Watching {
    /// Nobody but the decision log.
    Off,
    /// The console's history, in memory.
    History,
    /// An audit log that waits for nothing.
    AuditFast,
    /// An audit log that is waited for.
    AuditStrict,
    /// A collector that takes everything.
    Collector,
    /// A collector that is not there.
    DeadCollector,
    /// A collector that takes connections and says nothing.
    HangingCollector,
    /// History, a strict audit log and a collector.
    All,
}

impl Watching {
    /// All, in the order of the table.
    pub const ALL: [Watching; 8] = [
        Watching::Off,
        Watching::History,
        Watching::AuditFast,
        Watching::AuditStrict,
        Watching::Collector,
        Watching::DeadCollector,
        Watching::HangingCollector,
        Watching::All,
    ];

    /// As the table says it.
    pub fn name(self) -> &'static str {
        match self {
            Watching::Off => "off",
            Watching::History => "console's history",
            Watching::AuditFast => "audit, fast",
            Watching::AuditStrict => "audit, strict",
            Watching::Collector => "telemetry",
            Watching::DeadCollector => "telemetry, dead collector",
            Watching::HangingCollector => "telemetry, hanging collector",
            Watching::All => "all of it, strict",
        }
    }

    /// The sections of the configuration.
    fn sections(self, collectors: &Collectors) -> String {
        let history = match self {
            Watching::History | Watching::All => "history: {enabled: true}\n",
            _ => "history: {enabled: false}\n",
        };
        let audit = match self {
            Watching::AuditFast => "audit: {folder: audit, mode: fast}\n",
            Watching::AuditStrict | Watching::All => "audit: {folder: audit, mode: strict}\n",
            _ => "",
        };
        let telemetry = match self {
            Watching::Collector | Watching::All => Some(collectors.good),
            Watching::DeadCollector => Some(collectors.dead),
            Watching::HangingCollector => Some(collectors.hanging),
            _ => None,
        };
        let telemetry = telemetry.map(|at| format!("telemetry: {{endpoint: \"http://{at}\"}}\n"));
        format!("{history}{audit}{}", telemetry.unwrap_or_default())
    }
}

/// Collectors of three kinds.
struct Collectors {
    good: SocketAddr,
    dead: SocketAddr,
    hanging: SocketAddr,
}

impl Collectors {
    fn start() -> Result<Collectors> {
        let good = TcpListener::bind("127.0.0.1:0")?;
        let hanging = TcpListener::bind("127.0.0.1:0")?;
        let dead = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let addresses = Collectors {
            good: good.local_addr()?,
            dead,
            hanging: hanging.local_addr()?,
        };
        std::thread::spawn(move || {
            for connection in good.incoming().flatten() {
                std::thread::spawn(move || swallow(connection));
            }
        });
        std::thread::spawn(move || {
            let _kept_open: Vec<TcpStream> = hanging.incoming().flatten().collect();
        });
        Ok(addresses)
    }
}

/// Takes whatever is posted, and says that it was taken (OTLP over HTTP: an empty message is a full success).
fn swallow(connection: TcpStream) -> Option<()> {
    let mut answers = connection.try_clone().ok()?;
    let mut reader = BufReader::new(connection);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line.is_empty() {
                break;
            }
        }
        std::io::copy(&mut (&mut reader).take(length), &mut std::io::sink()).ok()?;
        answers
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n")
            .ok()?;
    }
}

/// Medians over the rounds. Ratios are to [`Watching::Off`] of the same round.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Who watches.
    pub watching: Watching,
    /// Latency with one connection, in microseconds: p50 and p99.
    pub solo: [f64; 2],
    /// The same as a ratio.
    pub solo_ratio: [f64; 2],
    /// Requests per second with several connections.
    pub per_second: f64,
    /// The same as a ratio.
    pub per_second_ratio: f64,
    /// The gateway's processor time for a request, in microseconds.
    pub cpu_us: f64,
    /// The same as a ratio.
    pub cpu_ratio: f64,
    /// The gateway's memory at the end, in KiB.
    pub resident_kib: u64,
}

#[derive(Clone, Copy)]
struct Round {
    solo: [f64; 2],
    per_second: f64,
    cpu_us: f64,
}

/// All that was measured.
#[derive(Debug)]
pub struct Outcome {
    /// A row each.
    pub rows: Vec<Measured>,
    /// Load averages of the machine before and after.
    pub load: (f64, f64),
}

struct Contender {
    watching: Watching,
    server: Server,
    solo: Client,
    rounds: Vec<Round>,
}

/// Measures everything.
pub fn run(plan: Plan, say: &mut dyn FnMut(&str)) -> Result<Outcome> {
    let cores = Cores::find();
    cores.pin_self()?;
    let upstream = upstream::start()?;
    let stage = Stage::set(cores, upstream)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(measure(plan, &stage, say))
}

async fn measure(plan: Plan, stage: &Stage, say: &mut dyn FnMut(&str)) -> Result<Outcome> {
    let before = load_average();
    let collectors = Collectors::start()?;
    let mut contenders = Vec::new();
    for watching in Watching::ALL {
        let behind = format!(
            "upstreams:\n  model:\n    url: http://{}\n    speaks: openai\n    key: bench-provider-key-of-no-worth\n{}",
            stage.upstream,
            watching.sections(&collectors)
        );
        let server = stage.start_named(watching.name(), Kind::Detectors, &POLICIES, &behind)?;
        contenders.push(Contender {
            watching,
            solo: Client::new(server.address),
            server,
            rounds: Vec::new(),
        });
    }
    let wish = Wish {
        bytes: BYTES,
        stream: false,
        secrets: false,
        waits: false,
    };
    let body = request(AGENT_KEY, &chat_request(wish));
    for round in 0..plan.rounds {
        for turn in 0..contenders.len() {
            let at = (turn + round) % contenders.len();
            let done = one_round(&mut contenders[at], &body, plan).await?;
            contenders[at].rounds.push(done);
        }
        say(&format!("round {} of {}", round + 1, plan.rounds));
    }
    let off = contenders[0].rounds.clone();
    let rows = contenders.iter().map(|one| summary(one, &off)).collect();
    Ok(Outcome {
        rows,
        load: (before, load_average()),
    })
}

async fn one_round(one: &mut Contender, body: &[u8], plan: Plan) -> Result<Round> {
    let mut took = ask_until(&mut one.solo, body, plan.solo).await?;
    let cpu = |server: &Server| server.pid().map(cpu_time).unwrap_or_default();
    let (spent, begun) = (cpu(&one.server), std::time::Instant::now());
    let mut asking = JoinSet::new();
    for _ in 0..CONCURRENCY {
        let (body, address) = (body.to_owned(), one.server.address);
        let time = plan.together;
        asking.spawn(async move { ask_until(&mut Client::new(address), &body, time).await });
    }
    let mut asked = 0;
    while let Some(done) = asking.join_next().await {
        asked += done.map_err(Error::other)??.len();
    }
    let elapsed = begun.elapsed();
    let spent = cpu(&one.server).saturating_sub(spent);
    let whole = |took: &crate::client::Took| -> Duration { took.whole };
    Ok(Round {
        solo: [
            percentile(&mut took, 0.5, whole),
            percentile(&mut took, 0.99, whole),
        ],
        per_second: asked as f64 / elapsed.as_secs_f64(),
        cpu_us: micros(spent) / asked.max(1) as f64,
    })
}

fn summary(one: &Contender, off: &[Round]) -> Measured {
    let of = |figure: &dyn Fn(&Round) -> f64| median(one.rounds.iter().map(figure).collect());
    let ratio = |figure: &dyn Fn(&Round) -> f64| {
        let pairs = one.rounds.iter().zip(off);
        median(pairs.map(|(one, off)| figure(one) / figure(off)).collect())
    };
    Measured {
        watching: one.watching,
        solo: [of(&|r| r.solo[0]), of(&|r| r.solo[1])],
        solo_ratio: [ratio(&|r| r.solo[0]), ratio(&|r| r.solo[1])],
        per_second: of(&|r| r.per_second),
        per_second_ratio: ratio(&|r| r.per_second),
        cpu_us: of(&|r| r.cpu_us),
        cpu_ratio: ratio(&|r| r.cpu_us),
        resident_kib: one.server.pid().map(resident_kib).unwrap_or_default(),
    }
}

/// The table.
pub fn markdown(outcome: &Outcome) -> String {
    let mut out = format!(
        "What it costs to be watched: a chat of {BYTES} bytes, policy and detectors on; ratios are to `off` in the same round. Load of the machine {:.1} before, {:.1} after.\n\n| watched by | p50 µs | ratio | p99 µs | ratio | requests/s | ratio | CPU µs | ratio | RSS MiB |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        outcome.load.0, outcome.load.1
    );
    for row in &outcome.rows {
        out.push_str(&format!(
            "| {} | {:.0} | {:.2} | {:.0} | {:.2} | {:.0} | {:.2} | {:.0} | {:.2} | {} |\n",
            row.watching.name(),
            row.solo[0],
            row.solo_ratio[0],
            row.solo[1],
            row.solo_ratio[1],
            row.per_second,
            row.per_second_ratio,
            row.cpu_us,
            row.cpu_ratio,
            row.resident_kib >> 10
        ));
    }
    out
}

/// The same for programs.
pub fn as_json(outcome: &Outcome) -> Value {
    let rows = outcome.rows.iter().map(|row| {
        json!({
            "watched_by": row.watching.name(),
            "p50_us": row.solo[0], "p50_ratio": row.solo_ratio[0],
            "p99_us": row.solo[1], "p99_ratio": row.solo_ratio[1],
            "per_second": row.per_second, "per_second_ratio": row.per_second_ratio,
            "cpu_us": row.cpu_us, "cpu_ratio": row.cpu_ratio,
            "resident_kib": row.resident_kib,
        })
    });
    json!({"load": [outcome.load.0, outcome.load.1], "rows": rows.collect::<Vec<_>>()})
}
