//! Connections to tool servers: whole JSON-RPC messages go in and come out, over any transport of any revision.
//!
//! Nothing is judged here. A message is looked at only as far as it takes to know whose it is; its bytes are
//! handed on as they came. Everything is bounded: bytes, messages, time, processes.

mod child;
mod demux;
mod events;
mod fault;
mod greet;
pub(crate) mod http;
mod inbox;
mod lines;
mod message;
mod oauth;
mod old_sse;
mod open;
mod replies;
mod server;
mod stdio;
mod streamable;

pub use fault::Fault;
pub use replies::Replies;
pub use sallyport_exchange::mcp::{Era, Revision};
pub use server::{Server, Tally};

use ::http::{HeaderName, HeaderValue};
use bytes::Bytes;
use inbox::Inbox;
use old_sse::OldSse;
use replies::Patience;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use stdio::Stdio;
use streamable::Session;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// Requests in flight on one connection.
pub const IN_FLIGHT_MAX: usize = 256;
/// The first id that a caller may give to a request; the smaller ones are the connection's own.
pub const FIRST_ID: u64 = 16;

/// How the gateway introduces itself to a server: as the agent whom it speaks for.
#[derive(Clone, Debug)]
pub struct Introduction {
    /// What the agent speaks. A server that speaks both is spoken to in this era.
    pub prefer: Era,
    /// The legacy revision that the agent asked for; `None`: [`Revision::LEGACY`].
    pub revision: Option<Revision>,
    /// The agent's `clientInfo`, a JSON object.
    pub client_info: String,
    /// The agent's capabilities, a JSON object.
    pub capabilities: String,
}

/// How a server introduced itself.
#[derive(Clone, Debug)]
pub struct Hello {
    /// What is spoken on this connection.
    pub era: Era,
    /// The revision that was agreed on.
    pub revision: Revision,
    /// The whole result of `initialize` or `server/discover`, as it came.
    pub result: String,
}

/// A request to a server.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its JSON-RPC id as it stands in the body: at least [`FIRST_ID`], used once on a connection. Below 2^53, so
    /// that servers in JavaScript can repeat it.
    pub id: u64,
    /// Its progress token, as JSON, if it has one.
    pub token: Option<String>,
    /// Whether it lasts until it is cancelled (`subscriptions/listen`), so that no time limit holds.
    pub lasts: bool,
    /// Headers of the modern era: `Mcp-Method`, `Mcp-Name`, `Mcp-Param-*`. Unused where there is no HTTP.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The message, a JSON object.
    pub body: Bytes,
}

impl Call {
    /// A request without anything special.
    pub fn new(id: u64, body: Bytes) -> Self {
        Call {
            id,
            token: None,
            lasts: false,
            headers: Vec::new(),
            body,
        }
    }
}

/// One session with one server. Clones are the same session; the last one dropped ends it without ceremony.
#[derive(Clone)]
pub struct Connection(Arc<Inner>);

struct Inner {
    server: Arc<Server>,
    hello: Hello,
    transport: Transport,
    in_flight: Arc<Semaphore>,
    closed: AtomicBool,
}

enum Transport {
    Streamable {
        session: Arc<Session>,
        _listener: Option<AbortOnDrop>,
    },
    OldSse(OldSse),
    Stdio(Stdio),
}

/// A task that ends with its owner.
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connection {
    /// Begins a session. What the server says that belongs to no request comes into `inbox`; what is not read
    /// there in time is dropped.
    pub async fn open(
        server: &Arc<Server>,
        introduction: &Introduction,
        inbox: mpsc::Sender<Bytes>,
    ) -> Result<Connection, Fault> {
        let inbox = Inbox::new(server.config.name.clone(), inbox, server.tally.clone());
        // On the heap: it tries several transports, and its future would be part of every request's.
        let opening = Box::pin(open::open(server, introduction, inbox));
        let (transport, hello) = opening.await?;
        Ok(Connection(Arc::new(Inner {
            server: server.clone(),
            hello,
            transport,
            in_flight: Arc::new(Semaphore::new(IN_FLIGHT_MAX)),
            closed: AtomicBool::new(false),
        })))
    }

    /// How the server introduced itself.
    pub fn hello(&self) -> &Hello {
        &self.0.hello
    }

    /// Sends a request. Over HTTP this waits for the head of the answer.
    ///
    /// Dropping the replies cancels a modern request over HTTP; anywhere else the caller sends
    /// `notifications/cancelled` if it wants that, and the answer is thrown away when it comes.
    pub async fn request(&self, call: Call) -> Result<Replies, Fault> {
        let inner = &*self.0;
        if inner.closed.load(Ordering::Relaxed) {
            return Err(Fault::Closed);
        }
        let permit = inner.in_flight.clone().try_acquire_owned();
        let permit = Some(permit.map_err(|_| Fault::Busy)?);
        let (demux, token) = match &inner.transport {
            Transport::Streamable { session, .. } => {
                return Ok(session.request(call, permit).await?.0);
            }
            Transport::OldSse(sse) => (&sse.demux, call.token.as_deref()),
            Transport::Stdio(stdio) => (&stdio.demux, call.token.as_deref()),
        };
        let timeouts = &inner.server.timeouts;
        let patience = (!call.lasts).then(|| Patience {
            idle: timeouts.answer_head.max(timeouts.answer_idle),
            until: Instant::now() + timeouts.tool_answer,
        });
        let replies = demux.wait(call.id, token, permit)?;
        match &inner.transport {
            Transport::OldSse(sse) => sse.post(call.body).await?,
            Transport::Stdio(stdio) => stdio.post(&call.body).await?,
            Transport::Streamable { .. } => {}
        }
        Ok(replies.with_patience(patience))
    }

    /// Sends a notification, or a response to one of the server's requests.
    pub async fn post(&self, body: Bytes) -> Result<(), Fault> {
        if self.0.closed.load(Ordering::Relaxed) {
            return Err(Fault::Closed);
        }
        match &self.0.transport {
            Transport::Streamable { session, .. } => session.post(body).await,
            Transport::OldSse(sse) => sse.post(body).await,
            Transport::Stdio(stdio) => stdio.post(&body).await,
        }
    }

    /// Whether requests can be made. If not, open another connection.
    pub fn is_alive(&self) -> bool {
        let transport = match &self.0.transport {
            Transport::Streamable { session, .. } => !session.gone.load(Ordering::Relaxed),
            Transport::OldSse(sse) => sse.demux.is_open(),
            Transport::Stdio(stdio) => stdio.demux.is_open(),
        };
        transport && !self.0.closed.load(Ordering::Relaxed)
    }

    /// Ends the session: a program is ended, a session over HTTP is deleted.
    pub async fn close(&self) {
        if self.0.closed.swap(true, Ordering::Relaxed) {
            return;
        }
        match &self.0.transport {
            Transport::Streamable { session, .. } => session.goodbye().await,
            Transport::OldSse(sse) => sse.close(),
            Transport::Stdio(stdio) => stdio.close().await,
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let era = self.0.hello.era;
        write!(f, "{:?} connection to {:?}", era, self.0.server)
    }
}
