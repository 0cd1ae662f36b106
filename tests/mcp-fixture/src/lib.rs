//! A Model Context Protocol server for tests. It speaks both eras, the sessions of 2025-03-26 to 2025-11-25 and the single
//! requests of 2026-07-28, has every name that the conformance suite asks for, is strict where the specification says MUST,
//! and keeps what it was sent. Written by hand, not on an SDK, so that what it does on the wire is what is written here.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! let fixture = sallyport_mcp_fixture::Fixture::start().await?;
//! println!("{}", fixture.url());
//! # Ok(())
//! # }
//! ```

mod body;
mod call;
mod catalogue;
mod headers;
mod http;
mod legacy;
mod message;
mod modern;
mod rounds;
mod stdio;
mod talk;
mod tools;

pub use stdio::serve as stdio;

use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use talk::locked;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

/// Changes that a slow listener may fall behind.
const CHANGES_MAX: usize = 64;
/// Requests that are remembered.
const SEEN_MAX: usize = 10_000;

/// What may differ between fixtures.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Entries on one page of a list.
    pub page: usize,
}

impl Default for Settings {
    /// Lists come whole.
    fn default() -> Self {
        Settings { page: usize::MAX }
    }
}

/// A request as it reached the fixture.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `POST`, `GET` or `DELETE`.
    pub verb: String,
    /// The headers, names in lower case, in order.
    pub headers: Vec<(String, String)>,
    /// The message; null if there was none.
    pub body: Value,
}

impl Seen {
    /// The value of a header; its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Something that clients may want to hear of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    Tools,
    Prompts,
    Resources,
    /// The resource with this URI.
    Resource(String),
    /// The server stops.
    Closing,
}

impl Change {
    /// Whether a filter of `subscriptions/listen` names it.
    fn is_wanted(&self, filter: &Value) -> bool {
        let listed = |uri: &String| {
            let uris = filter["resourceSubscriptions"].as_array();
            uris.is_some_and(|uris| uris.iter().any(|known| known == uri))
        };
        match self {
            Change::Tools => filter["toolsListChanged"] == true,
            Change::Prompts => filter["promptsListChanged"] == true,
            Change::Resources => filter["resourcesListChanged"] == true,
            Change::Resource(uri) => listed(uri),
            Change::Closing => false,
        }
    }

    /// As a notification: its method and its parameters.
    fn told(&self) -> (&'static str, Value) {
        match self {
            Change::Tools => ("notifications/tools/list_changed", json!({})),
            Change::Prompts => ("notifications/prompts/list_changed", json!({})),
            Change::Resources | Change::Closing => {
                ("notifications/resources/list_changed", json!({}))
            }
            Change::Resource(uri) => ("notifications/resources/updated", json!({"uri": uri})),
        }
    }
}

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub settings: Settings,
    pub changes: broadcast::Sender<Change>,
    pub sessions: legacy::Sessions,
    pub seen: Mutex<Vec<Seen>>,
    /// Modern calls whose client left before the answer.
    pub abandoned: watch::Sender<usize>,
}

impl Shared {
    fn new(settings: Settings) -> Arc<Self> {
        Arc::new(Shared {
            settings,
            changes: broadcast::Sender::new(CHANGES_MAX),
            sessions: legacy::Sessions::default(),
            seen: Mutex::default(),
            abandoned: watch::Sender::new(0),
        })
    }

    fn saw(&self, seen: Seen) {
        let mut all = locked(&self.seen);
        if all.len() < SEEN_MAX {
            all.push(seen);
        }
    }
}

/// A running fixture, over HTTP. It stops when this is dropped.
#[derive(Debug)]
pub struct Fixture {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Fixture {
    /// Starts one on a free port of the loopback interface.
    ///
    /// # Errors
    ///
    /// If no port can be had.
    pub async fn start() -> std::io::Result<Fixture> {
        Fixture::with(Settings::default()).await
    }

    /// The same with other settings.
    ///
    /// # Errors
    ///
    /// If no port can be had.
    pub async fn with(settings: Settings) -> std::io::Result<Fixture> {
        Fixture::on(TcpListener::bind("127.0.0.1:0").await?, settings)
    }

    /// Starts one on a socket that listens.
    ///
    /// # Errors
    ///
    /// If the socket has no address.
    pub fn on(listener: TcpListener, settings: Settings) -> std::io::Result<Fixture> {
        let address = listener.local_addr()?;
        let shared = Shared::new(settings);
        let task = tokio::spawn(http::accept(listener, Arc::clone(&shared)));
        Ok(Fixture {
            address,
            shared,
            task,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its endpoint.
    pub fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// What it was sent so far.
    pub fn seen(&self) -> Vec<Seen> {
        locked(&self.shared.seen).clone()
    }

    /// Ends all sessions, as a server does that was started anew: their clients get 404.
    pub fn forget_sessions(&self) {
        self.shared.sessions.clear();
    }

    /// Ends what is open in good order: subscriptions with their result, sessions with the end of their streams.
    pub fn close(&self) {
        // Nobody listens: nothing is open.
        let _ = self.shared.changes.send(Change::Closing);
    }

    /// Waits until the clients of `calls` modern calls have left before the answer, since it was started.
    pub async fn abandoned(&self, calls: usize) {
        // The sender lives in `shared`.
        let _ = self
            .shared
            .abandoned
            .subscribe()
            .wait_for(|left| *left >= calls)
            .await;
    }

    /// Waits for its end, which does not come by itself.
    pub async fn run(mut self) {
        let _ = (&mut self.task).await;
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.task.abort();
    }
}
