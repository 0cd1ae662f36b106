//! The real binary, on free ports, with its own folder.

use crate::client::{Answer, Ask, Raw};
use crate::upstream::FakeUpstream;
use crate::{PATIENCE, soon};
use sallyport::identity::KeyHash;
use serde_json::Value;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::mpsc;

/// The key of team `red`, agent `tester`.
pub const RED_KEY: &str = "sp-tests-red-000000000000000000000000";
/// The key of team `blue`, agent `tester`.
pub const BLUE_KEY: &str = "sp-tests-blue-00000000000000000000000";
/// The provider's key, which agents never see.
pub(crate) const PROVIDER_KEY: &str = "provider-key-of-the-tests-0123456789";
/// What placeholders are made with, so that they are the same every time.
pub(crate) const REDACTION_KEY: &str = "tests-only-redaction-key-0123456789ab";
/// Policies that allow everything.
pub const ALLOW_ALL: [(&str, &str); 3] = [
    (
        "org.rego",
        "package sallyport.org\n\ndefault allow := true\n",
    ),
    (
        "red.rego",
        "package sallyport.teams.red\n\ndefault allow := true\n",
    ),
    (
        "blue.rego",
        "package sallyport.teams.blue\n\ndefault allow := true\n",
    ),
];

/// A gateway to be started.
#[derive(Debug, Default)]
pub struct Gateway {
    config: String,
    policies: Vec<(String, String)>,
    files: Vec<(String, Vec<u8>)>,
    upstreams: Vec<(String, String, String)>,
    environment: Vec<(String, String)>,
}

impl Gateway {
    /// One that allows everything, unless told otherwise.
    pub fn new() -> Self {
        Gateway::default()
    }

    /// One with these sections in its configuration; what they leave out is filled in.
    pub fn with_config(yaml: &str) -> Self {
        Gateway {
            config: yaml.to_owned(),
            ..Gateway::default()
        }
    }

    /// A policy file. A layer that is not given allows everything.
    pub fn policy(mut self, file: &str, text: &str) -> Self {
        self.policies.push((file.into(), text.into()));
        self
    }

    /// Any other file beside the configuration.
    pub fn file(mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.push((name.into(), bytes.into()));
        self
    }

    /// The upstream of both dialects.
    pub fn upstream(self, upstream: &FakeUpstream) -> Self {
        self.upstream_at(upstream.address())
    }

    /// The same by its address.
    pub fn upstream_at(self, address: SocketAddr) -> Self {
        self.upstream_url(&format!("http://{address}"), "")
    }

    /// The upstream of both dialects by its URL, with more lines of configuration (such as `ca: ca.pem`).
    pub fn upstream_url(mut self, url: &str, more: &str) -> Self {
        for speaks in ["openai", "anthropic"] {
            self.upstreams
                .push((speaks.into(), url.into(), more.into()));
        }
        self
    }

    /// A variable of its environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Writes its folder, starts it, and waits until it is ready.
    pub async fn start(self) -> Running {
        match self.try_start().await {
            Ok(running) => running,
            Err(why) => panic!("the gateway did not start: {why}"),
        }
    }

    /// The same, where it may fail to start.
    pub async fn try_start(self) -> Result<Running, String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        self.lay_out(folder.path());
        let mut child = Command::new(binary())
            .arg("run")
            .arg("--config")
            .arg(folder.path().join("gateway.yaml"))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the gateway's binary should start");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let (agents, operators) = soon("readiness", ready(&mut lines)).await?;
        let (send, records) = mpsc::unbounded_channel();
        tokio::spawn(collect(lines, send));
        Ok(Running {
            child,
            agents,
            operators,
            records,
            folder,
        })
    }

    fn lay_out(&self, folder: &Path) {
        let policies = folder.join("policies");
        std::fs::create_dir(&policies).expect("a folder for policies");
        let given = |layer: &str| self.policies.iter().any(|(_, text)| text.contains(layer));
        for (file, text) in ALLOW_ALL {
            let layer = text.lines().next().unwrap_or_default();
            if !given(layer) {
                write(&policies.join(file), text.as_bytes());
            }
        }
        for (file, text) in &self.policies {
            write(&policies.join(file), text.as_bytes());
        }
        for (file, bytes) in &self.files {
            write(&folder.join(file), bytes);
        }
        write(&folder.join("gateway.yaml"), self.yaml().as_bytes());
    }

    fn yaml(&self) -> String {
        let mut yaml = self.config.clone();
        yaml.push('\n');
        let mut section = |name: &str, text: &str| {
            let begins = format!("{name}:");
            if !self.config.lines().any(|line| line.starts_with(&begins)) {
                let _ = writeln!(yaml, "{name}:{text}");
            }
        };
        section("agents", "\n  listen: 127.0.0.1:0");
        section("operators", "\n  listen: 127.0.0.1:0");
        section("policies", " policies");
        section("decisions", "\n  to: stdout");
        section("workers", " 2");
        // The tests of the firewall turn it on; the others do not pay for a model.
        section("firewall", "\n  enabled: false");
        section("redaction_key", &format!(" {REDACTION_KEY}"));
        section("keys", &keys());
        section("upstreams", &self.upstreams.iter().fold(String::new(), |text, (speaks, url, more)| {
            let head = format!("\n  {speaks}:\n    url: {url}\n    speaks: {speaks}\n    key: {PROVIDER_KEY}");
            more.lines().fold(text + &head, |text, line| format!("{text}\n    {line}"))
        }));
        yaml
    }
}

fn keys() -> String {
    [("red", RED_KEY), ("blue", BLUE_KEY)]
        .iter()
        .fold(String::new(), |text, (team, key)| {
            let hash = KeyHash::of(key).to_hex();
            format!(
                "{text}\n  - {{name: {team}-key, team: {team}, agent: tester, sha256: \"{hash}\"}}"
            )
        })
}

fn write(file: &Path, bytes: &[u8]) {
    if let Some(parent) = file.parent() {
        std::fs::create_dir_all(parent).expect("a folder");
    }
    std::fs::write(file, bytes).expect("a file in the temporary folder");
}

/// The gateway's binary: the one beside the test that runs.
pub(crate) fn binary() -> PathBuf {
    if let Some(given) = std::env::var_os("SALLYPORT_BIN") {
        return given.into();
    }
    let test = std::env::current_exe().expect("a test knows its own place");
    let beside = test
        .ancestors()
        .nth(2)
        .expect("target/debug/deps")
        .join("sallyport-under-test");
    assert!(
        beside.exists(),
        "{} is missing: run the tests of the whole package",
        beside.display()
    );
    beside
}

/// Waits for the line that names both listeners.
async fn ready(
    lines: &mut Lines<BufReader<ChildStdout>>,
) -> Result<(SocketAddr, SocketAddr), String> {
    while let Ok(Some(line)) = lines.next_line().await {
        let Some(rest) = line.strip_prefix("sallyport ready ") else {
            continue;
        };
        let address = |name: &str| {
            let word = rest.split(' ').find_map(|word| word.strip_prefix(name))?;
            word.rsplit_once('/')?.1.parse().ok()
        };
        return match (address("agents="), address("operators=")) {
            (Some(agents), Some(operators)) => Ok((agents, operators)),
            _ => Err(format!("this line names no addresses: {line}")),
        };
    }
    Err("it ended before it was ready; its last words are above".to_owned())
}

async fn collect(mut lines: Lines<BufReader<ChildStdout>>, send: mpsc::UnboundedSender<Value>) {
    while let Ok(Some(line)) = lines.next_line().await {
        match serde_json::from_str(&line) {
            Ok(record) => drop(send.send(record)),
            Err(_) => println!("gateway: {line}"),
        }
    }
}

/// A running gateway. It is killed when this is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// Where agents connect.
    pub agents: SocketAddr,
    /// Where operators connect.
    pub operators: SocketAddr,
    records: mpsc::UnboundedReceiver<Value>,
    folder: TempDir,
}

impl Running {
    /// Sends a request on a fresh connection.
    pub async fn ask(&self, ask: Ask) -> Answer {
        self.connect().await.ask(&ask).await
    }

    /// A fresh connection of an agent.
    pub async fn connect(&self) -> Raw {
        Raw::to(self.agents).await
    }

    /// The next decision record.
    pub async fn record(&mut self) -> Value {
        soon("a decision record", self.records.recv())
            .await
            .expect("the gateway should still run")
    }

    /// The records that have come and were not asked for.
    pub fn further_records(&mut self) -> Vec<Value> {
        std::iter::from_fn(|| self.records.try_recv().ok()).collect()
    }

    /// Its folder: `gateway.yaml`, `policies/`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("the gateway should run")
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Resident memory now, and at its highest, in bytes.
    pub fn memory(&self) -> (usize, usize) {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("Linux tells");
        let of = |name: &str| {
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .unwrap_or_default();
            line.trim()
                .trim_end_matches(" kB")
                .trim()
                .parse::<usize>()
                .unwrap_or(0)
                << 10
        };
        (of("VmRSS:"), of("VmHWM:"))
    }

    /// Sends a signal by its name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = std::process::Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.pid().to_string())
            .status();
        assert!(
            sent.is_ok_and(|status| status.success()),
            "the signal should be sent"
        );
    }

    /// Waits until it ends by itself, and says how.
    pub async fn ends(&mut self) -> std::process::ExitStatus {
        let ended = tokio::time::timeout(PATIENCE * 2, self.child.wait()).await;
        ended
            .expect("the gateway should end")
            .expect("an exit status")
    }
}
