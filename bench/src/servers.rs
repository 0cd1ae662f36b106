//! The servers that are measured: none at all, nginx, and Sallyport in three configurations.

use crate::process::Cores;
use crate::{POLICIES, TEAM};
use sha2::{Digest, Sha256};
use std::io::{BufRead, BufReader, Error, Result};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// The agent's key, made up for this.
pub const AGENT_KEY: &str = "bench-agent-key-of-no-worth";
/// How long a server may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// Allows everything and looks at nothing.
pub const ALLOW_ALL: &str = "package sallyport.teams.payments\n\ndefault allow := true\n";

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// No server between: what the load and the upstream take by themselves.
    Direct,
    /// A plain reverse proxy.
    Nginx,
    /// Sallyport that allows everything, without detectors.
    Plain,
    /// Sallyport with an organisation's and a team's policy, without detectors.
    Policy,
    /// The same with all detectors.
    Detectors,
}

impl Kind {
    /// All, in the order of the table.
    pub const ALL: [Kind; 5] = [
        Kind::Direct,
        Kind::Nginx,
        Kind::Plain,
        Kind::Policy,
        Kind::Detectors,
    ];

    /// As the table says it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Direct => "direct",
            Kind::Nginx => "nginx",
            Kind::Plain => "plain",
            Kind::Policy => "policy",
            Kind::Detectors => "policy + detectors",
        }
    }
}

/// A server that is ready; ended when dropped.
#[derive(Debug)]
pub struct Server {
    /// What it is.
    pub kind: Kind,
    /// Where it is asked.
    pub address: SocketAddr,
    child: Option<Child>,
}

impl Server {
    /// The process; `None` for [`Kind::Direct`].
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// The upstream itself.
    pub fn direct(upstream: SocketAddr) -> Server {
        Server {
            kind: Kind::Direct,
            address: upstream,
            child: None,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What servers are started with.
#[derive(Debug)]
pub struct Stage {
    /// A folder for configurations and logs; removed at the end.
    pub folder: PathBuf,
    /// Where servers may run.
    pub cores: Cores,
    /// The fixed-answer model.
    pub upstream: SocketAddr,
    /// The gateway's binary.
    pub sallyport: PathBuf,
    /// nginx, where there is one.
    pub nginx: Option<PathBuf>,
}

impl Stage {
    /// Finds the programs and makes the folder.
    pub fn set(cores: Cores, upstream: SocketAddr) -> Result<Stage> {
        let folder = std::env::temp_dir().join(format!("sallyport-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        Ok(Stage {
            folder,
            cores,
            upstream,
            sallyport: find_sallyport()?,
            nginx: find_nginx(),
        })
    }

    /// Starts a server; `None` if it is not installed.
    pub fn start(&self, kind: Kind) -> Result<Option<Server>> {
        match (kind, &self.nginx) {
            (Kind::Direct, _) => Ok(Some(Server::direct(self.upstream))),
            (Kind::Nginx, None) => Ok(None),
            (Kind::Nginx, Some(nginx)) => self.start_nginx(nginx).map(Some),
            _ => self.start_sallyport(kind).map(Some),
        }
    }

    fn folder_of(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name.replace([' ', ',', '\''], ""));
        std::fs::create_dir_all(folder.join("policies"))?;
        Ok(folder)
    }

    fn start_nginx(&self, nginx: &Path) -> Result<Server> {
        let folder = self.folder_of(Kind::Nginx.name())?;
        let address = free_address()?;
        let file = folder.join("nginx.conf");
        std::fs::write(&file, nginx_config(&folder, address, self.upstream))?;
        let child = self
            .cores
            .server_command(nginx)
            .arg("-p")
            .arg(&folder)
            .arg("-c")
            .arg(&file)
            .spawn()?;
        let server = Server {
            kind: Kind::Nginx,
            address,
            child: Some(child),
        };
        wait_for(address)?;
        Ok(server)
    }

    fn start_sallyport(&self, kind: Kind) -> Result<Server> {
        let policies: &[(&str, &str)] = if kind == Kind::Plain {
            &[("payments.rego", ALLOW_ALL)]
        } else {
            &POLICIES
        };
        let model = format!(
            "upstreams:\n  model:\n    url: http://{}\n    speaks: openai\n    key: bench-provider-key-of-no-worth\n",
            self.upstream
        );
        self.start_with(kind, policies, &model)
    }

    /// Starts a gateway under these policies; `behind` is the part of its configuration that says what is behind it.
    pub fn start_with(
        &self,
        kind: Kind,
        policies: &[(&str, &str)],
        behind: &str,
    ) -> Result<Server> {
        self.start_named(kind.name(), kind, policies, behind)
    }

    /// The same in a folder of this name, where several of a kind are started.
    pub fn start_named(
        &self,
        name: &str,
        kind: Kind,
        policies: &[(&str, &str)],
        behind: &str,
    ) -> Result<Server> {
        let folder = self.folder_of(name)?;
        for (name, text) in policies {
            std::fs::write(folder.join("policies").join(name), text)?;
        }
        let file = folder.join("sallyport.yaml");
        std::fs::write(&file, sallyport_config(behind, kind == Kind::Detectors))?;
        let log = std::fs::File::create(folder.join("stderr.log"))?;
        let mut command = self.cores.server_command(&self.sallyport);
        command
            .arg("run")
            .arg("--config")
            .arg(&file)
            .stdout(Stdio::piped())
            .stderr(log);
        let mut child = command.spawn()?;
        let said = child.stdout.take().map(BufReader::new).and_then(ready_line);
        let address = said.and_then(|line| agents_address(&line));
        let server = |address| Server {
            kind,
            address,
            child: Some(child),
        };
        match address {
            Some(address) => Ok(server(address)),
            None => Err(Error::other(
                std::fs::read_to_string(folder.join("stderr.log")).unwrap_or_default(),
            )),
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::env::var_os("SALLYPORT_BENCH_KEEP").is_none() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

fn ready_line(out: impl BufRead) -> Option<String> {
    out.lines()
        .map_while(Result::ok)
        .find(|line| line.starts_with("sallyport ready"))
}

fn agents_address(line: &str) -> Option<SocketAddr> {
    line.split_whitespace()
        .find_map(|word| word.strip_prefix("agents=http://"))?
        .parse()
        .ok()
}

/// `SALLYPORT_BIN`, or beside this program.
fn find_sallyport() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("SALLYPORT_BIN") {
        return Ok(path.into());
    }
    let beside = std::env::current_exe()?.with_file_name("sallyport");
    match beside.exists() {
        true => Ok(beside),
        false => Err(Error::other(format!(
            "no gateway at {}; build it (cargo build --release), or name it in SALLYPORT_BIN",
            beside.display()
        ))),
    }
}

fn find_nginx() -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default();
    let folders = path.split(':').chain(["/usr/sbin", "/usr/local/sbin"]);
    folders
        .map(|folder| Path::new(folder).join("nginx"))
        .find(|file| file.exists())
}

/// A port that was free a moment ago.
fn free_address() -> Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

fn wait_for(address: SocketAddr) -> Result<()> {
    let until = Instant::now() + READY_WITHIN;
    loop {
        match TcpStream::connect(address) {
            Ok(_) => return Ok(()),
            Err(error) if Instant::now() > until => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// One process, kept connections on both sides, bodies in memory, a log as the gateway has one.
fn nginx_config(folder: &Path, address: SocketAddr, upstream: SocketAddr) -> String {
    let at = folder.display();
    format!(
        "daemon off;\nmaster_process off;\nworker_processes 1;\npid {at}/nginx.pid;\nerror_log {at}/error.log;\n\
events {{ worker_connections 4096; }}\n\
http {{\n  access_log {at}/access.log combined buffer=64k flush=1s;\n\
  client_body_temp_path {at}/body;\n  proxy_temp_path {at}/proxy;\n  fastcgi_temp_path {at}/fastcgi;\n  uwsgi_temp_path {at}/uwsgi;\n  scgi_temp_path {at}/scgi;\n\
  client_max_body_size 64m;\n  client_body_buffer_size 2m;\n  keepalive_requests 1000000;\n  tcp_nodelay on;\n\
  upstream model {{ server {upstream}; keepalive 64; keepalive_requests 1000000; }}\n\
  server {{\n    listen {address};\n\
    location / {{\n      proxy_pass http://model;\n      proxy_http_version 1.1;\n      proxy_set_header Connection \"\";\n      proxy_read_timeout 300s;\n    }}\n  }}\n}}\n"
    )
}

fn sallyport_config(behind: &str, detectors: bool) -> String {
    let hash: String = Sha256::digest(AGENT_KEY.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let detect: String = [
        "secrets", "personal", "hidden", "markers", "links", "decode",
    ]
    .map(|name| format!("  {name}: {detectors}\n"))
    .concat();
    format!(
        "agents:\n  listen: 127.0.0.1:0\noperators:\n  listen: 127.0.0.1:0\n\
{behind}\
keys:\n  - {{name: bench, team: {TEAM}, agent: bench, sha256: \"{hash}\"}}\n\
policies: policies\ndecisions:\n  to: decisions.jsonl\nworkers: 1\nfirewall:\n  enabled: false\ndetect:\n{detect}"
    )
}
