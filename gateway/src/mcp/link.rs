//! One session's way to one server: the connection, opened when it is needed and again when it broke, and what
//! the server offers.

use super::catalogue::Catalogue;
use super::introduce::introduction;
use super::session::Session;
use super::upstream::{Connection, FIRST_ID, Fault, Introduction, Server};
use crate::config::Reach;
use parking_lot::Mutex;
use sallyport_record::Peer;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Messages that wait to be passed on, of one connection.
const INBOX: usize = 256;
/// How long a list of tools is believed when nobody says that it changed.
const CATALOGUE_FOR: Duration = Duration::from_secs(60);

/// A session's way to a server.
pub struct Link {
    /// The server.
    pub server: Arc<Server>,
    connection: tokio::sync::Mutex<Option<Connection>>,
    catalogue: Mutex<Option<(Instant, Arc<Catalogue>)>>,
    /// The introduction as one revision of the policies let it leave.
    introduction: Mutex<Option<(String, Arc<Introduction>)>>,
    numbers: AtomicU64,
}

impl Link {
    /// A link without a connection yet.
    pub fn new(server: Arc<Server>) -> Self {
        Link {
            server,
            connection: tokio::sync::Mutex::new(None),
            catalogue: Mutex::new(None),
            introduction: Mutex::new(None),
            numbers: AtomicU64::new(FIRST_ID),
        }
    }

    /// The server, as those see it who watch.
    pub fn as_peer(&self) -> Peer {
        let address = match &self.server.config.reach {
            Reach::Address(address) => Some(&address.url),
            Reach::Program(_) => None,
        };
        Peer {
            provider: "mcp".into(),
            address: address.map(|url| url.host.as_str().into()),
            port: address.map(|url| url.port),
        }
    }

    /// An id that was not used on this link.
    pub fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// How the agent is introduced to the server: judged once for each revision of the policies, since a modern server
    /// is told with every request.
    pub fn introduction(&self, session: &Arc<Session>) -> Arc<Introduction> {
        let state = session.edge.state.load();
        let revision = state.engine.policy().revision();
        let mut known = self.introduction.lock();
        if let Some((of, introduction)) = &*known
            && of == revision
        {
            return introduction.clone();
        }
        let judged = introduction(session, &state, &self.server.config.name);
        let judged = Arc::new(judged);
        *known = Some((revision.to_owned(), judged.clone()));
        judged
    }

    /// The connection; a new one if there is none or it broke.
    pub async fn connection(&self, session: &Arc<Session>) -> Result<Connection, Fault> {
        let mut held = self.connection.lock().await;
        if let Some(connection) = held.as_ref().filter(|c| c.is_alive()) {
            return Ok(connection.clone());
        }
        let (inbox, mut messages) = mpsc::channel(INBOX);
        let introduction = self.introduction(session);
        let connection = Connection::open(&self.server, &introduction, inbox).await?;
        *held = Some(connection.clone());
        self.forget_catalogue();
        let (weak, server, back) = (
            Arc::downgrade(session),
            self.server.config.name.clone(),
            connection.clone(),
        );
        tokio::spawn(async move {
            while let Some(message) = messages.recv().await {
                let Some(session) = weak.upgrade() else { break };
                super::background::pass_on(&session, &server, &back, message).await;
            }
        });
        Ok(connection)
    }

    /// Lets go of a connection that broke, so that the next use opens another.
    pub async fn drop_connection(&self) {
        let broken = self.connection.lock().await.take();
        if let Some(connection) = broken {
            connection.close().await;
        }
    }

    /// What the server offers, if it is known and fresh.
    pub fn catalogue(&self) -> Option<Arc<Catalogue>> {
        let kept = self.catalogue.lock();
        let (since, catalogue) = kept.as_ref()?;
        (since.elapsed() < CATALOGUE_FOR).then(|| catalogue.clone())
    }

    /// Remembers what the server offers.
    pub fn remember(&self, catalogue: Arc<Catalogue>) {
        *self.catalogue.lock() = Some((Instant::now(), catalogue));
    }

    /// What the server offers has changed, or may have.
    pub fn forget_catalogue(&self) {
        *self.catalogue.lock() = None;
    }

    /// Ends the connection.
    pub async fn close(&self) {
        self.drop_connection().await;
    }
}
