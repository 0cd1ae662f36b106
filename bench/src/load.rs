//! The load comparison: each cell is measured for every server in turn, round after round, within one run.

use crate::client::{Client, Took, body_of, request};
use crate::corpus::{Wish, chat_request};
use crate::process::{Cores, cpu_time, load_average, resident_kib};
use crate::servers::{AGENT_KEY, Kind, Server, Stage};
use crate::upstream;
use std::io::{Error, Result};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Connections that ask at once where requests per second are counted.
pub const CONCURRENCY: usize = 8;
/// Streams that are held open where memory is measured.
pub const IDLE_STREAMS: usize = 200;
/// Exchanges before memory of idle streams is measured, so that what is made once is there.
const WARM_UP: usize = 100;

/// How long is measured.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Rounds for each cell; in each, all servers take turns.
    pub rounds: usize,
    /// Time for one connection that asks again and again.
    pub solo: Duration,
    /// Time for [`CONCURRENCY`] connections.
    pub together: Duration,
}

impl Plan {
    /// About five minutes.
    pub const FULL: Plan = Plan {
        rounds: 5,
        solo: Duration::from_millis(450),
        together: Duration::from_millis(600),
    };
    /// About one minute, and rougher.
    pub const QUICK: Plan = Plan {
        rounds: 2,
        solo: Duration::from_millis(220),
        together: Duration::from_millis(300),
    };
}

/// One kind of request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cell {
    /// The body's length.
    pub bytes: usize,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Whether there is something to mask, one secret for 8 KB.
    pub secrets: bool,
}

impl Cell {
    /// All cells, in the order of the table.
    pub fn all() -> Vec<Cell> {
        let sizes = [1 << 10, 4 << 10, 32 << 10, 100 << 10, 1 << 20];
        let plain = [false, true].into_iter().flat_map(|stream| {
            sizes.map(|bytes| Cell {
                bytes,
                stream,
                secrets: false,
            })
        });
        let masked = [4 << 10, 100 << 10].map(|bytes| Cell {
            bytes,
            stream: false,
            secrets: true,
        });
        plain.chain(masked).collect()
    }

    /// Whether a server of this kind takes part: what is masked is of interest only where something masks.
    fn is_for(self, kind: Kind) -> bool {
        !self.secrets || matches!(kind, Kind::Direct | Kind::Detectors)
    }

    fn request(self) -> Vec<u8> {
        let wish = Wish {
            bytes: self.bytes,
            stream: self.stream,
            secrets: self.secrets,
            waits: false,
        };
        request(AGENT_KEY, &chat_request(wish))
    }
}

/// What one server did in one round.
#[derive(Clone, Copy, Debug)]
struct Round {
    per_second: f64,
    cpu_us: f64,
    p50_us: f64,
    p99_us: f64,
    first_us: f64,
    asked: usize,
}

/// What one server did in one cell: medians over the rounds.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// The server.
    pub kind: Kind,
    /// Requests per second with [`CONCURRENCY`] connections.
    pub per_second: f64,
    /// The server's processor time for a request, in microseconds.
    pub cpu_us: f64,
    /// Latency with one connection: the median.
    pub p50_us: f64,
    /// Latency with one connection: one in a hundred takes longer.
    pub p99_us: f64,
    /// What the server adds to the median of the direct call in the same round.
    pub added_p50_us: f64,
    /// What it adds to the 99th percentile.
    pub added_p99_us: f64,
    /// From the request's first byte to the first byte of the answer's body, the median.
    pub first_us: f64,
    /// What the server adds to that.
    pub added_first_us: f64,
    /// Memory after the cell, in KiB.
    pub resident_kib: u64,
    /// How many requests the figures rest on.
    pub asked: usize,
}

/// All that was measured.
#[derive(Debug)]
pub struct Outcome {
    /// Each cell with its servers.
    pub cells: Vec<(Cell, Vec<Measured>)>,
    /// KiB for each idle stream.
    pub idle_kib: Vec<(Kind, f64)>,
    /// KiB of each server before it was asked anything.
    pub fresh_kib: Vec<(Kind, u64)>,
    /// Load averages of the machine before and after.
    pub load: (f64, f64),
    /// Whether nginx took part.
    pub nginx: bool,
    /// Which cores were used.
    pub cores: Cores,
    /// How long it took.
    pub took: Duration,
}

/// Measures everything.
pub fn run(plan: Plan, say: &mut dyn FnMut(&str)) -> Result<Outcome> {
    let cores = Cores::find();
    cores.pin_self()?;
    let upstream = upstream::start()?;
    let stage = Stage::set(cores.clone(), upstream)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(measure(plan, &stage, say))
}

async fn measure(plan: Plan, stage: &Stage, say: &mut dyn FnMut(&str)) -> Result<Outcome> {
    let (begun, load) = (Instant::now(), load_average());
    if stage.nginx.is_none() {
        say(
            "!! nginx is not installed: IT IS LEFT OUT, and so are all ratios to it (apt-get install nginx-light)",
        );
    }
    let mut idle_kib = Vec::new();
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Direct) {
        if let Some(server) = stage.start(kind)? {
            idle_kib.push((kind, idle_stream_kib(&server).await?));
        }
    }
    let mut contenders = Vec::new();
    for kind in Kind::ALL {
        contenders.extend(stage.start(kind)?.map(Contender::new));
    }
    let fresh_kib = contenders
        .iter()
        .map(|c| (c.server.kind, c.resident_kib()))
        .collect();
    let mut cells = Vec::new();
    for cell in Cell::all() {
        let measured = measure_cell(cell, plan, &mut contenders).await?;
        for one in &measured {
            say(&format!(
                "{:>8} B {} {:<20} {:>8.0}/s {:>9.1} µs CPU, p50 {:>8.0} µs",
                cell.bytes,
                if cell.stream {
                    "stream"
                } else if cell.secrets {
                    "masked"
                } else {
                    "whole "
                },
                one.kind.name(),
                one.per_second,
                one.cpu_us,
                one.p50_us
            ));
        }
        cells.push((cell, measured));
    }
    let load = (load, load_average());
    Ok(Outcome {
        cells,
        idle_kib,
        fresh_kib,
        load,
        nginx: stage.nginx.is_some(),
        cores: stage.cores.clone(),
        took: begun.elapsed(),
    })
}

/// A server and the connections to it.
struct Contender {
    server: Server,
    solo: Client,
    together: Vec<Client>,
    rounds: Vec<Round>,
}

impl Contender {
    fn new(server: Server) -> Self {
        let address = server.address;
        Contender {
            server,
            solo: Client::new(address),
            together: vec![(); CONCURRENCY]
                .into_iter()
                .map(|()| Client::new(address))
                .collect(),
            rounds: Vec::new(),
        }
    }

    fn cpu_time(&self) -> Duration {
        self.server.pid().map(cpu_time).unwrap_or_default()
    }

    fn resident_kib(&self) -> u64 {
        self.server.pid().map(resident_kib).unwrap_or_default()
    }

    async fn round(&mut self, request: &Arc<Vec<u8>>, plan: Plan) -> Result<Round> {
        let mut took = ask_until(&mut self.solo, request, plan.solo).await?;
        let (cpu, begun) = (self.cpu_time(), Instant::now());
        let mut asked = 0;
        let mut asking = JoinSet::new();
        for mut client in self.together.drain(..) {
            let request = request.clone();
            asking.spawn(async move {
                let asked = ask_until(&mut client, &request, plan.together).await;
                (client, asked)
            });
        }
        while let Some(done) = asking.join_next().await {
            let (client, done) = done.map_err(Error::other)?;
            asked += done?.len();
            self.together.push(client);
        }
        let (elapsed, cpu) = (begun.elapsed(), self.cpu_time().saturating_sub(cpu));
        Ok(Round {
            per_second: asked as f64 / elapsed.as_secs_f64(),
            cpu_us: micros(cpu) / asked.max(1) as f64,
            p50_us: percentile(&mut took, 0.5, |took| took.whole),
            p99_us: percentile(&mut took, 0.99, |took| took.whole),
            first_us: percentile(&mut took, 0.5, |took| took.first),
            asked: asked + took.len(),
        })
    }
}

/// Asks until the time is over, at least once.
pub(crate) async fn ask_until(
    client: &mut Client,
    request: &[u8],
    time: Duration,
) -> Result<Vec<Took>> {
    let until = Instant::now() + time;
    let mut took = Vec::new();
    while took.is_empty() || Instant::now() < until {
        took.push(client.ask(request).await?);
    }
    Ok(took)
}

async fn measure_cell(
    cell: Cell,
    plan: Plan,
    contenders: &mut [Contender],
) -> Result<Vec<Measured>> {
    let request = Arc::new(cell.request());
    answers_agree(&request, contenders).await?;
    for round in 0..plan.rounds {
        // Another one begins each time, so that nobody always comes after the same neighbour.
        for turn in 0..contenders.len() {
            let at = (turn + round) % contenders.len();
            let contender = &mut contenders[at];
            if cell.is_for(contender.server.kind) {
                let done = contender.round(&request, plan).await.map_err(|error| {
                    Error::other(format!(
                        "{}, {} bytes, streamed {}: {error}",
                        contender.server.kind.name(),
                        cell.bytes,
                        cell.stream
                    ))
                })?;
                contender.rounds.push(done);
            }
        }
    }
    let direct: Vec<Round> = contenders
        .iter()
        .find(|c| c.server.kind == Kind::Direct)
        .map(|c| c.rounds.clone())
        .unwrap_or_default();
    let taken_part = contenders.iter_mut().filter(|c| !c.rounds.is_empty());
    Ok(taken_part
        .map(|contender| summary(contender, &direct))
        .collect())
}

/// Nobody is faster by answering something else.
async fn answers_agree(request: &[u8], contenders: &mut [Contender]) -> Result<()> {
    let mut expected: Option<Vec<u8>> = None;
    for contender in contenders {
        contender.solo.ask(request).await?;
        let body = body_of(contender.solo.answer());
        match &expected {
            None => expected = Some(body),
            Some(expected) if *expected == body => {}
            Some(_) => {
                return Err(Error::other(format!(
                    "{} answers otherwise than the upstream:\n{}",
                    contender.server.kind.name(),
                    String::from_utf8_lossy(&body)
                )));
            }
        }
    }
    Ok(())
}

fn summary(contender: &mut Contender, direct: &[Round]) -> Measured {
    let rounds = std::mem::take(&mut contender.rounds);
    let over = |of: fn(&Round) -> f64| median(rounds.iter().map(of).collect());
    let added = |of: fn(&Round) -> f64| {
        median(
            rounds
                .iter()
                .zip(direct)
                .map(|(round, direct)| of(round) - of(direct))
                .collect(),
        )
    };
    Measured {
        kind: contender.server.kind,
        per_second: over(|r| r.per_second),
        cpu_us: over(|r| r.cpu_us),
        p50_us: over(|r| r.p50_us),
        p99_us: over(|r| r.p99_us),
        added_p50_us: added(|r| r.p50_us),
        added_p99_us: added(|r| r.p99_us),
        first_us: over(|r| r.first_us),
        added_first_us: added(|r| r.first_us),
        resident_kib: contender.resident_kib(),
        asked: rounds.iter().map(|r| r.asked).sum(),
    }
}

/// How much memory each of many open streams costs that have sent one event and wait.
async fn idle_stream_kib(server: &Server) -> Result<f64> {
    let wish = Wish {
        bytes: 4 << 10,
        stream: true,
        secrets: false,
        waits: false,
    };
    let passing = request(AGENT_KEY, &chat_request(wish));
    let waiting = request(
        AGENT_KEY,
        &chat_request(Wish {
            waits: true,
            ..wish
        }),
    );
    let mut client = Client::new(server.address);
    for _ in 0..WARM_UP {
        client.ask(&passing).await?;
    }
    let resident = || server.pid().map(resident_kib).unwrap_or_default();
    let before = resident();
    let mut streams = Vec::with_capacity(IDLE_STREAMS);
    for _ in 0..IDLE_STREAMS {
        streams.push(client.open(&waiting).await?);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let grown = resident().saturating_sub(before);
    Ok(grown as f64 / streams.len() as f64)
}

pub(crate) fn percentile(took: &mut [Took], at: f64, of: fn(&Took) -> Duration) -> f64 {
    took.sort_by_key(of);
    let last = took.len().saturating_sub(1);
    took.get((last as f64 * at).round() as usize)
        .map(|took| micros(of(took)))
        .unwrap_or_default()
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}

pub(crate) fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
