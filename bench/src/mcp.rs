//! The load comparison for tool servers: calls and lists, asked directly and through the gateway in turn, round
//! after round, within one run.

pub mod report;

use crate::client::{Client, Took, body_of, header};
use crate::load::{Plan, ask_until, median, micros, percentile};
use crate::process::{Cores, cpu_time, load_average, resident_kib};
use crate::servers::{AGENT_KEY, ALLOW_ALL, Kind, Server, Stage};
use crate::tools::{self, LARGE, LEGACY, MODERN, SMALL};
use serde_json::{Value, json};
use std::io::{Error, Result};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Connections that ask at once where requests per second are counted; each is an agent with a session of its own.
pub const CONCURRENCY: usize = 16;
/// The policy that is measured: it reads the arguments of calls and what the guard says of them, and hides tools.
pub const POLICY: &str = include_str!("mcp/policy.rego");
/// The two servers, by the paths at which they are asked.
const SERVERS: [&str; 2] = ["notes", "desk"];

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cell {
    /// A call with about 1 KB of arguments; its result is about 1 KB.
    Small,
    /// The same with a result of about 100 KB.
    Large,
    /// The small call without a session, as of 2026-07-28.
    Modern,
    /// `tools/list` of 500 tools.
    List,
}

impl Cell {
    /// All, in the order of the table.
    pub const ALL: [Cell; 4] = [Cell::Small, Cell::Large, Cell::Modern, Cell::List];

    /// As the table says it.
    pub fn name(self) -> &'static str {
        match self {
            Cell::Small => "call, 1 KB result",
            Cell::Large => "call, 100 KB result",
            Cell::Modern => "call, 1 KB result, 2026-07-28",
            Cell::List => "list, 500 tools",
        }
    }
}

/// How the tool server is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// No gateway between.
    Direct,
    /// `/mcp/notes` of a gateway that allows everything, without detectors.
    Plain,
    /// `/mcp/notes` under [`POLICY`], with all detectors.
    Policy,
    /// `/mcp`, where the tools of two servers are one list; the same gateway.
    Both,
}

impl Way {
    /// All, in the order of the table.
    pub const ALL: [Way; 4] = [Way::Direct, Way::Plain, Way::Policy, Way::Both];

    /// As the table says it.
    pub fn name(self) -> &'static str {
        match self {
            Way::Direct => "direct",
            Way::Plain => "plain",
            Way::Policy => "policy + detectors",
            Way::Both => "policy + detectors, `/mcp`",
        }
    }

    fn target(self) -> &'static str {
        match self {
            Way::Direct => "/notes",
            Way::Plain | Way::Policy => "/mcp/notes",
            Way::Both => "/mcp",
        }
    }

    /// The name by which a tool of the first server is called.
    fn tool(self, name: &str) -> String {
        match self {
            Way::Both => format!("notes__{name}"),
            _ => name.to_owned(),
        }
    }
}

/// What one way did in one round.
#[derive(Clone, Copy, Debug)]
struct Round {
    per_second: f64,
    cpu_us: f64,
    solo: [f64; 2],
    together: [f64; 2],
    asked: usize,
}

/// What one way did in one cell: medians over the rounds. Latencies are in microseconds, p50 and p99.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// The way.
    pub way: Way,
    /// With one connection.
    pub solo: [f64; 2],
    /// What the gateway adds to the direct call of the same round, with one connection.
    pub added: [f64; 2],
    /// With [`CONCURRENCY`] connections.
    pub together: [f64; 2],
    /// What the gateway adds to that.
    pub added_together: [f64; 2],
    /// Requests per second with [`CONCURRENCY`] connections.
    pub per_second: f64,
    /// The gateway's processor time for a request, in microseconds.
    pub cpu_us: f64,
    /// The gateway's memory after the cell, in KiB.
    pub resident_kib: u64,
    /// How many requests the figures rest on.
    pub asked: usize,
}

/// All that was measured.
#[derive(Debug)]
pub struct Outcome {
    /// Each cell with its ways.
    pub cells: Vec<(Cell, Vec<Measured>)>,
    /// Load averages of the machine before and after.
    pub load: (f64, f64),
    /// Which cores were used.
    pub cores: Cores,
    /// How long it took.
    pub took: Duration,
}

/// Measures everything.
pub fn run(plan: Plan, say: &mut dyn FnMut(&str)) -> Result<Outcome> {
    let cores = Cores::find();
    cores.pin_self()?;
    let stage = Stage::set(cores, tools::start()?)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(measure(plan, &stage, say))
}

async fn measure(plan: Plan, stage: &Stage, say: &mut dyn FnMut(&str)) -> Result<Outcome> {
    let (begun, load) = (Instant::now(), load_average());
    let mut contenders = contenders(stage).await?;
    let mut cells = Vec::new();
    for cell in Cell::ALL {
        let measured = measure_cell(cell, plan, &mut contenders).await?;
        for one in &measured {
            say(&format!(
                "{:<30} {:<27} {:>7.0}/s {:>8.1} µs CPU, p50 {:>7.0} µs",
                cell.name(),
                one.way.name(),
                one.per_second,
                one.cpu_us,
                one.solo[0]
            ));
        }
        cells.push((cell, measured));
    }
    Ok(Outcome {
        cells,
        load: (load, load_average()),
        cores: stage.cores.clone(),
        took: begun.elapsed(),
    })
}

async fn contenders(stage: &Stage) -> Result<Vec<Contender>> {
    let behind: String = SERVERS
        .iter()
        .map(|name| format!("  {name}:\n    url: http://{}/{name}\n", stage.upstream))
        .collect();
    let behind = format!("tool_servers:\n{behind}");
    let plain = stage.start_with(Kind::Plain, &[("payments.rego", ALLOW_ALL)], &behind)?;
    let policy = stage.start_with(Kind::Detectors, &[("payments.rego", POLICY)], &behind)?;
    let (direct, plain, policy) = (
        Rc::new(Server::direct(stage.upstream)),
        Rc::new(plain),
        Rc::new(policy),
    );
    let ways = Way::ALL.into_iter();
    let servers = [direct, plain, policy.clone(), policy];
    let mut contenders = Vec::new();
    for (way, server) in ways.zip(servers) {
        contenders.push(Contender::new(way, server).await?);
    }
    Ok(contenders)
}

/// An agent: a connection, and its session.
struct Agent {
    client: Client,
    session: String,
}

/// A way to the tools, and the agents that go it.
struct Contender {
    way: Way,
    server: Rc<Server>,
    agents: Vec<Agent>,
    rounds: Vec<Round>,
}

impl Contender {
    async fn new(way: Way, server: Rc<Server>) -> Result<Self> {
        let mut agents = Vec::new();
        for _ in 0..CONCURRENCY {
            agents.push(Agent::greet(way, &server).await?);
        }
        Ok(Contender {
            way,
            server,
            agents,
            rounds: Vec::new(),
        })
    }

    fn cpu_time(&self) -> Duration {
        self.server.pid().map(cpu_time).unwrap_or_default()
    }

    async fn round(&mut self, cell: Cell, plan: Plan) -> Result<Round> {
        let way = self.way;
        let first = self
            .agents
            .first_mut()
            .ok_or_else(|| Error::other("no agent"))?;
        let request = first.request(way, cell);
        let mut solo = ask_until(&mut first.client, &request, plan.solo).await?;
        let (cpu, begun) = (self.cpu_time(), Instant::now());
        let mut asking = JoinSet::new();
        for mut agent in self.agents.drain(..) {
            let request = agent.request(way, cell);
            asking.spawn(async move {
                let took = ask_until(&mut agent.client, &request, plan.together).await;
                (agent, took)
            });
        }
        let mut together: Vec<Took> = Vec::new();
        while let Some(done) = asking.join_next().await {
            let (agent, took) = done.map_err(Error::other)?;
            together.extend(took?);
            self.agents.push(agent);
        }
        let (elapsed, cpu) = (begun.elapsed(), self.cpu_time().saturating_sub(cpu));
        Ok(Round {
            per_second: together.len() as f64 / elapsed.as_secs_f64(),
            cpu_us: micros(cpu) / together.len().max(1) as f64,
            asked: solo.len() + together.len(),
            solo: ends(&mut solo),
            together: ends(&mut together),
        })
    }

    /// Nobody is faster by answering something else.
    async fn check(&mut self, cell: Cell) -> Result<()> {
        for agent in &mut self.agents {
            let request = agent.request(self.way, cell);
            agent.client.ask(&request).await?;
            let answer: Value = serde_json::from_slice(&body_of(agent.client.answer()))?;
            let result = &answer["result"];
            let fits = match cell {
                Cell::List => result["tools"].as_array().map(Vec::len) == Some(listed(self.way)),
                Cell::Small | Cell::Modern => {
                    result["content"] == tools::result(1 << 10)["content"]
                }
                Cell::Large => result["content"] == tools::result(100 << 10)["content"],
            };
            if !fits {
                let shown: String = answer.to_string().chars().take(600).collect();
                return Err(Error::other(format!(
                    "{}, {}: not the answer that was expected:\n{shown}",
                    self.way.name(),
                    cell.name()
                )));
            }
        }
        Ok(())
    }

    fn summary(&mut self, direct: &[Round]) -> Measured {
        let rounds = std::mem::take(&mut self.rounds);
        let over = |of: &dyn Fn(&Round) -> f64| median(rounds.iter().map(of).collect());
        let added = |of: &dyn Fn(&Round) -> f64| {
            let pairs = rounds.iter().zip(direct);
            median(pairs.map(|(one, direct)| of(one) - of(direct)).collect())
        };
        Measured {
            way: self.way,
            solo: [0, 1].map(|at| over(&|r| r.solo[at])),
            added: [0, 1].map(|at| added(&|r| r.solo[at])),
            together: [0, 1].map(|at| over(&|r| r.together[at])),
            added_together: [0, 1].map(|at| added(&|r| r.together[at])),
            per_second: over(&|r| r.per_second),
            cpu_us: over(&|r| r.cpu_us),
            resident_kib: self.server.pid().map(resident_kib).unwrap_or_default(),
            asked: rounds.iter().map(|r| r.asked).sum(),
        }
    }
}

/// The median and what one in a hundred exceeds.
fn ends(took: &mut [Took]) -> [f64; 2] {
    [0.5, 0.99].map(|at| percentile(took, at, |took| took.whole))
}

/// How many tools are listed: under the policy those that delete are missing.
fn listed(way: Way) -> usize {
    let of = |count| {
        let all = tools::tools(count).into_iter();
        let name = |tool: &Value| tool["name"].as_str().unwrap_or_default().to_owned();
        let hides = |name: String| tools::HIDDEN.iter().any(|verb| name.starts_with(verb));
        all.filter(|tool| matches!(way, Way::Direct | Way::Plain) || !hides(name(tool)))
            .count()
    };
    match way {
        Way::Both => of(tools::TOOLS) + of(tools::SECOND_TOOLS),
        _ => of(tools::TOOLS),
    }
}

impl Agent {
    /// Begins a session.
    async fn greet(way: Way, server: &Server) -> Result<Self> {
        let mut agent = Agent {
            client: Client::new(server.address),
            session: String::new(),
        };
        let params = json!({"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}});
        let body = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{params}}}"
        );
        agent.client.ask(&post(way, "", &body)).await?;
        let session = header(agent.client.answer(), "mcp-session-id");
        let session = session.ok_or_else(|| Error::other("no session was given"))?;
        agent.session = legacy_headers(session);
        let body = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        let told = post(way, &agent.session, body);
        agent.client.ask(&told).await?;
        Ok(agent)
    }

    fn request(&self, way: Way, cell: Cell) -> Vec<u8> {
        let tool = way.tool(match cell {
            Cell::Large => LARGE,
            _ => SMALL,
        });
        match cell {
            Cell::Small | Cell::Large => post(way, &self.session, &call(&tool, "")),
            Cell::Modern => {
                let headers = format!(
                    "mcp-protocol-version: {MODERN}\r\nmcp-method: tools/call\r\nmcp-name: {tool}\r\n"
                );
                post(way, &headers, &call(&tool, MODERN_META))
            }
            Cell::List => {
                let body = r#"{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{}}"#;
                post(way, &self.session, body)
            }
        }
    }
}

const MODERN_META: &str = r#","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#;

fn call(tool: &str, more: &str) -> String {
    let arguments = tools::arguments();
    format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{{\"name\":\"{tool}\",\"arguments\":{arguments}{more}}}}}"
    )
}

fn legacy_headers(session: &str) -> String {
    format!("mcp-protocol-version: {LEGACY}\r\nmcp-session-id: {session}\r\n")
}

fn post(way: Way, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {} HTTP/1.1\r\nhost: gateway.example\r\nauthorization: Bearer {AGENT_KEY}\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\nuser-agent: sallyport-bench\r\n{headers}content-length: {}\r\n\r\n{body}",
        way.target(),
        body.len()
    )
    .into_bytes()
}

async fn measure_cell(
    cell: Cell,
    plan: Plan,
    contenders: &mut [Contender],
) -> Result<Vec<Measured>> {
    for contender in contenders.iter_mut() {
        contender.check(cell).await?;
    }
    for round in 0..plan.rounds {
        // Another one begins each time, so that nobody always comes after the same neighbour.
        for turn in 0..contenders.len() {
            let at = (turn + round) % contenders.len();
            let done = contenders[at].round(cell, plan).await?;
            contenders[at].rounds.push(done);
        }
    }
    let direct = contenders.iter().find(|c| c.way == Way::Direct);
    let direct = direct.map(|c| c.rounds.clone()).unwrap_or_default();
    Ok(contenders
        .iter_mut()
        .map(|contender| contender.summary(&direct))
        .collect())
}
