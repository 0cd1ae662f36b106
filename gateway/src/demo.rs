//! `sallyport demo`: the gateway with a scripted model and scripted tool servers, and labelled exchanges to look at.
//!
//! Everything is real but those: the gateway listens, reads this folder's policies, and is asked over HTTP.

mod client;
pub mod model;
mod show;
mod stories;
mod tool_stories;
mod tools;

use crate::config::{Config, ConfigErrors};
use crate::identity::{KeyHash, new_key};
use crate::server::{Addresses, ServeError, serve};
use client::{Heard, ask};
use model::Model;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use stories::{Story, Team, stories};
use tokio::sync::oneshot;
use tools::ToolServers;

/// The sample policies, by file name.
const POLICIES: [(&str, &str); 3] = [
    ("org.rego", include_str!("demo/policies/org.rego")),
    ("support.rego", include_str!("demo/policies/support.rego")),
    ("payments.rego", include_str!("demo/policies/payments.rego")),
];
/// The key that the gateway shows to the scripted model.
const MODEL_KEY: &str = "demo-key-that-agents-never-see";
/// How long a decision record may take to be written.
const RECORD_TIME: Duration = Duration::from_secs(5);

/// What `sallyport demo` was asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// End after the walk, and fail if any exchange ended otherwise than it should.
    pub once: bool,
    /// The agents' port instead of 8080; the operators' is 1010 above. 0 takes any two free ones.
    pub ports: Option<u16>,
}

/// Why the demo cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The demo's own files are wrong.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// The gateway cannot serve.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// No folder, no socket, no randomness.
    #[error("cannot start the demo: {0}")]
    System(#[from] std::io::Error),
    /// The gateway ended before it was ready.
    #[error("the gateway ended before it was ready")]
    Ended,
    /// Exchanges ended otherwise than they should have.
    #[error("{0} of the exchanges ended otherwise than they should have")]
    Otherwise(usize),
}

/// Shows the demo: starts everything, walks through the exchanges, and stays up until Ctrl-C.
pub fn run(options: &Options) -> Result<(), DemoError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(show_all(options))
}

async fn show_all(options: &Options) -> Result<(), DemoError> {
    let stage = Stage::set(options)?;
    let model = Model::start().await?;
    let tools = ToolServers::start().await?;
    let behind = (model.address(), tools.address());
    let running = stage.raise(behind, false).await?;
    show::opening(running.addresses, &stage.policies());
    let mut otherwise = 0;
    for (number, story) in stories().iter().enumerate() {
        let told = stage.tell(story, running.addresses, &model, &tools).await?;
        show::story(number + 1, story, &told);
        otherwise += usize::from(!told.is_as(story));
    }
    show::closing(otherwise);
    if options.once {
        running.stop().await?;
        return if otherwise == 0 {
            Ok(())
        } else {
            Err(DemoError::Otherwise(otherwise))
        };
    }
    let running = if providers().is_empty() {
        running
    } else {
        running.stop().await?;
        stage.raise(behind, true).await?
    };
    show::standing(
        running.addresses,
        (&stage.payments_key, &stage.support_key),
        &providers(),
        &stage.policies(),
    );
    let _ = tokio::signal::ctrl_c().await;
    running.stop().await
}

/// Which providers are asked instead of the scripted model once the walk is over.
fn providers() -> Vec<&'static str> {
    let set = |name: &&str| std::env::var(name).is_ok_and(|value| !value.is_empty());
    ["OPENAI_API_KEY", "ANTHROPIC_API_KEY"]
        .into_iter()
        .filter(set)
        .collect()
}

/// The folder with the demo's files, and the keys of its two agents.
struct Stage {
    folder: PathBuf,
    agents: u16,
    operators: u16,
    support_key: String,
    payments_key: String,
}

impl Stage {
    fn set(options: &Options) -> Result<Self, DemoError> {
        let key = |team| new_key(team).map_err(std::io::Error::from);
        let folder = std::env::temp_dir().join(format!("sallyport-demo-{}", std::process::id()));
        let (agents, operators) = match options.ports {
            None => (8080, 9090),
            Some(0) => (0, 0),
            Some(port) => (port, port.saturating_add(1010)),
        };
        let stage = Stage {
            folder,
            agents,
            operators,
            support_key: key("support")?,
            payments_key: key("payments")?,
        };
        std::fs::create_dir_all(stage.policies())?;
        for (name, text) in POLICIES {
            std::fs::write(stage.policies().join(name), text)?;
        }
        let lock = tools::lock().map_err(std::io::Error::other)?;
        std::fs::write(stage.folder.join("tools.lock"), lock)?;
        Ok(stage)
    }

    fn policies(&self) -> PathBuf {
        self.folder.join("policies")
    }

    fn records(&self) -> PathBuf {
        self.folder.join("decisions.jsonl")
    }

    /// Starts the gateway on a thread of its own, before the model and the tool servers; `real`: providers whose keys
    /// are set answer for themselves.
    async fn raise(
        &self,
        behind: (SocketAddr, SocketAddr),
        real: bool,
    ) -> Result<Running, DemoError> {
        let file = self.folder.join("gateway.yaml");
        std::fs::write(&file, self.config(behind, real))?;
        let config = Config::load(&file)?;
        let (tell, told) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let ready = async move |addresses: Addresses| {
            // Nobody waits for it any more: the demo is over.
            let _ = tell.send(addresses);
        };
        let serving = std::thread::Builder::new()
            .name("gateway".into())
            .spawn(move || serve(config, ready, || async { drop(stopped.await) }))?;
        match told.await {
            Ok(addresses) => Ok(Running {
                addresses,
                stop,
                serving,
            }),
            Err(_) => match join(serving) {
                Ok(()) => Err(DemoError::Ended),
                Err(error) => Err(error),
            },
        }
    }

    fn config(&self, (model, tools): (SocketAddr, SocketAddr), real: bool) -> String {
        let upstream = |speaks: &str, variable: &'static str, url: &str| {
            let (url, key) = match real && providers().contains(&variable) {
                true => (url.to_owned(), format!("${{{variable}}}")),
                false => (format!("http://{model}"), MODEL_KEY.to_owned()),
            };
            format!("  {speaks}:\n    url: {url}\n    speaks: {speaks}\n    key: \"{key}\"\n")
        };
        let key = |team: &str, agent: &str, key: &str| {
            let hash = KeyHash::of(key).to_hex();
            format!("  - {{name: {agent}, team: {team}, agent: {agent}, sha256: \"{hash}\"}}\n")
        };
        [
            format!("agents:\n  listen: 127.0.0.1:{}\n", self.agents),
            format!("operators:\n  listen: 127.0.0.1:{}\n", self.operators),
            "upstreams:\n".to_owned(),
            upstream("openai", "OPENAI_API_KEY", "https://api.openai.com/v1"),
            upstream(
                "anthropic",
                "ANTHROPIC_API_KEY",
                "https://api.anthropic.com",
            ),
            format!(
                "tool_servers:\n  desk: {{url: \"http://{tools}/desk\"}}\n  units: {{url: \"http://{tools}/units\"}}\n"
            ),
            "mcp:\n  lock: tools.lock\n".to_owned(),
            "keys:\n".to_owned(),
            key("support", "helpdesk", &self.support_key),
            key("payments", "bookkeeper", &self.payments_key),
            "policies: policies\ntimeouts:\n  grace: 2s\n".to_owned(),
            "decisions:\n  to: decisions.jsonl\n".to_owned(),
            "history:\n  content: true\naudit:\n  folder: audit\n  inputs: true\n".to_owned(),
            "prices:\n  - {models: [\"*\"], input: 1.25, cached: 0.125, output: 10}\n".to_owned(),
        ]
        .concat()
    }

    /// Plays one story, and gathers what everybody saw of it.
    async fn tell(
        &self,
        story: &Story,
        addresses: Addresses,
        model: &Model,
        tools: &ToolServers,
    ) -> Result<Told, DemoError> {
        model.forget();
        tools.forget();
        let key = match story.team {
            Team::Support => &self.support_key,
            Team::Payments => &self.payments_key,
        };
        let heard = ask(addresses.agents, story.path, key, &story.body).await?;
        let record = self.record(&heard.id).await;
        let (saw, said) = match story.method() {
            Some(method) => tools
                .last(method)
                .map(|heard| (heard.request, heard.result))
                .unzip(),
            None => {
                let seen = model.last();
                let saw = seen.and_then(|seen| serde_json::from_slice(&seen.body).ok());
                (saw, None)
            }
        };
        Ok(Told {
            heard,
            saw,
            said,
            record,
        })
    }

    /// The decision record with this id, once it is written.
    async fn record(&self, id: &str) -> Value {
        let until = Instant::now() + RECORD_TIME;
        while Instant::now() < until {
            if let Some(record) = find_record(&self.records(), id) {
                return record;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Value::Null
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn find_record(file: &Path, id: &str) -> Option<Value> {
    let lines = std::fs::read_to_string(file).ok()?;
    let mut records = lines
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    records.find(|record| record["id"] == id)
}

/// A gateway that serves.
struct Running {
    addresses: Addresses,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), ServeError>>,
}

impl Running {
    async fn stop(self) -> Result<(), DemoError> {
        let _ = self.stop.send(());
        let serving = self.serving;
        let joined = tokio::task::spawn_blocking(move || join(serving)).await;
        joined.unwrap_or(Err(DemoError::Ended))
    }
}

fn join(serving: JoinHandle<Result<(), ServeError>>) -> Result<(), DemoError> {
    serving
        .join()
        .map_or(Err(DemoError::Ended), |served| Ok(served?))
}

/// What came of a story.
struct Told {
    /// What the agent got.
    heard: Heard,
    /// The body that the model or the tool server saw; `None`: it saw nothing.
    saw: Option<Value>,
    /// What the tool server answered to it.
    said: Option<Value>,
    /// The decision record.
    record: Value,
}

impl Told {
    fn verdict(&self) -> &str {
        self.record["verdict"].as_str().unwrap_or("unrecorded")
    }

    fn rules(&self) -> Vec<&str> {
        let rules = self.record["rules"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        rules.iter().filter_map(Value::as_str).collect()
    }

    /// Whether it ended as the story says.
    fn is_as(&self, story: &Story) -> bool {
        let got = self.heard.told();
        let saw = self.saw.as_ref().map(Value::to_string).unwrap_or_default();
        self.verdict() == story.verdict
            && self.rules().iter().any(|rule| rule.ends_with(story.rule))
            && self.saw.is_some() == story.reaches
            && story.never_seen.iter().all(|secret| {
                !saw.contains(secret) && !got.contains(secret) && !self.heard.body.contains(secret)
            })
            && got.contains(story.got)
    }
}
