//! One exchange, from top to bottom.
//!
//! `exchange` below is the product on one screen: who asks, what for, may it, and what comes back.

pub mod account;
mod agents;
pub mod body;
mod facts;
pub mod failure;
pub mod headers;
mod known;
mod relay;
pub(crate) mod reply;
mod stored;
mod timeline;
pub mod upstream;
pub mod watching;

pub use agents::Agents;
pub use known::UpstreamKeys;
pub use stored::Stored;

use crate::authorization;
use crate::compression::{Compression, conversation_of};
use crate::config::{AuditFailureFile, Timeouts};
use crate::identity::identify;
use crate::mcp::{self, Tools};
use crate::observers::Observers;
use crate::route::{Endpoint, Unrouted, is_plain_query, likely_dialect};
use crate::state::State;
use account::Account;
use arc_swap::ArcSwap;
use async_trait::async_trait;
use body::BodyLimits;
use failure::Failure;
use pingora_core::apps::{
    HttpPersistentSettings, HttpServerApp, HttpServerOptions, ReusedHttpStream,
};
use pingora_core::protocols::http::ServerSession;
use pingora_core::protocols::http::v2::server::{H2Options, default_h2_options};
use pingora_core::server::ShutdownWatch;
use sallyport_exchange::{Dialect, Exchange, Payload};
use sallyport_policy::Cleared;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Streams that one HTTP/2 connection may have open.
const H2_STREAMS_MAX: u32 = 100;
/// What an HTTP/2 peer may send before it is read, a stream and a connection.
const H2_WINDOW: (u32, u32) = (256 << 10, 1 << 20);
/// Requests on one connection before it is closed, so that nothing lives for ever.
const REQUESTS_PER_CONNECTION: u32 = 10_000;

/// The agents' listener: everything an exchange needs.
#[derive(Clone)]
pub struct Edge {
    /// What is configured; swapped whole. An exchange keeps the one it began with.
    pub state: Arc<ArcSwap<State>>,
    /// State that callers created at providers.
    pub stored: Arc<Stored>,
    /// What makes context small.
    pub compression: Compression,
    /// What agents of tool servers have open.
    pub tools: Tools,
    /// Whom exchanges are told to.
    pub observers: Observers,
    /// Connections being served or waited on.
    pub sessions: Arc<AtomicUsize>,
    /// Exchanges between request and answer.
    pub in_flight: Arc<AtomicUsize>,
    /// Set when the gateway is told to stop: answers then ask for their connection to be closed.
    pub stopping: Arc<AtomicBool>,
    /// HTTP options of the listener.
    pub options: HttpServerOptions,
}

/// HTTP options for the agents' listener.
pub fn server_options(http2: bool, timeouts: &Timeouts) -> HttpServerOptions {
    let mut options = HttpServerOptions::default();
    options.h2c = http2;
    options.keepalive_request_limit = Some(REQUESTS_PER_CONNECTION);
    options.h2_idle_timeout = Some(timeouts.keep_alive.max(Duration::from_secs(1)));
    options
}

#[async_trait]
impl HttpServerApp for Edge {
    async fn process_new_http(
        self: &Arc<Self>,
        mut session: ServerSession,
        shutdown: &ShutdownWatch,
    ) -> Option<ReusedHttpStream> {
        let state = self.state.load_full();
        if self.sessions.load(Ordering::Relaxed) > state.config.limits.connections {
            return None;
        }
        let timeouts = &state.config.timeouts;
        prepare(&mut session, timeouts);
        if !read_head(&mut session, timeouts).await {
            return None;
        }
        let _in_flight = (
            Counted::enter(&self.in_flight),
            self.observers.metrics.begin(),
        );
        self.serve(&mut session, &state).await;
        if *shutdown.borrow() || self.stopping.load(Ordering::Relaxed) {
            session.set_keepalive(None);
        }
        let settings = HttpPersistentSettings::for_session(&session);
        let reusable = session.finish().await.ok()??;
        Some(ReusedHttpStream::from_reusable_stream(reusable, settings))
    }

    fn h2_options(&self) -> Option<H2Options> {
        let headers = self.state.load().config.limits.headers;
        let mut options = default_h2_options();
        options
            .max_concurrent_streams(H2_STREAMS_MAX)
            .max_header_list_size(u32::try_from(headers).unwrap_or(u32::MAX))
            .initial_window_size(H2_WINDOW.0)
            .initial_connection_window_size(H2_WINDOW.1);
        Some(options)
    }

    fn server_options(&self) -> Option<&HttpServerOptions> {
        Some(&self.options)
    }
}

impl Edge {
    /// One exchange and its record; whatever went wrong is told to the agent in its own dialect.
    async fn serve(&self, session: &mut ServerSession, state: &Arc<State>) {
        let mut account = Account::begin(state.watching);
        account.traced(&session.req_header().headers);
        let endpoint = match find_endpoint(session, state, &mut account) {
            Ok(Endpoint {
                door: Some(door), ..
            }) => {
                // On the heap: the two kinds of exchange need not make each other's future larger.
                return Box::pin(mcp::serve(self, session, state, door, account)).await;
            }
            endpoint => endpoint,
        };
        if let Err(Failure::Unrouted(Unrouted::NoSuchPath)) = endpoint
            && let Some(document) = authorization::document(session.req_header(), state)
        {
            account.complete();
            reply::write(session, document, &mut account).await;
            return self.settle(account, state);
        }
        let exchanged = match endpoint {
            Ok(endpoint) => self.exchange(session, state, endpoint, &mut account).await,
            Err(failure) => Err(failure),
        };
        match exchanged {
            Ok(()) => {}
            Err(failure) if failure.agent_listens() => {
                account.fail(&failure);
                reply::fail(session, &failure, &mut account).await;
            }
            Err(failure) => {
                account.fail(&failure);
                session.set_keepalive(None);
            }
        }
        self.settle(account, state);
    }

    /// Records what is about to go on, where there is an audit log. In strict mode it goes on only once that is on disk.
    pub async fn recorded(
        &self,
        state: &State,
        account: &mut Account,
        cleared: &Cleared,
        on_failure: Option<AuditFailureFile>,
    ) -> Result<(), Failure> {
        let Some(audit) = &self.observers.audit else {
            return Ok(());
        };
        let (sent, policy) = (cleared.as_bytes(), state.engine.policy());
        audit
            .before_sending(account, sent, policy.revision(), on_failure)
            .await
    }

    /// Writes the record of an account.
    pub fn settle(&self, account: Account, state: &State) {
        let revision = state.engine.policy().revision();
        self.observers
            .tell(account.close(revision, &state.config.prices));
    }

    async fn exchange(
        &self,
        session: &mut ServerSession,
        state: &Arc<State>,
        endpoint: Endpoint,
        account: &mut Account,
    ) -> Result<(), Failure> {
        let caller = identify(&session.req_header().headers, &state.keys)?;
        account.caller(&caller);

        let payload = read_payload(session, state, &endpoint).await?;
        account.read(&payload);
        let route = state.route(endpoint.dialect, payload.model())?;
        let exchange = Arc::new(Exchange {
            id: account.id.clone(),
            caller,
            route: route.name.clone(),
            dialect: endpoint.dialect,
            operation: endpoint.operation,
            path: session.req_header().uri.path().into(),
            now_ns: account.began_ns,
            mcp: None,
        });
        account.exchange(&exchange, &route.upstream.name);
        account.session(&conversation_of(&exchange, &payload));

        let foreign = self.stored.foreign(&exchange.caller, &endpoint, &payload);
        let ruling = state.engine.judge_request(&exchange, &payload, &foreign);
        account.request(&ruling, &payload);
        let cleared = ruling.clear()?;

        let terms = ruling.terms(&payload);
        let begun = Instant::now();
        let cleared = self
            .compression
            .request(&exchange, &payload, &ruling, cleared, account);
        account.compressed_since(begun);
        self.recorded(state, account, &cleared, route.audit_failure)
            .await?;
        let link = state.link(&route.upstream);
        let answer = upstream::send(session, &link, cleared, &state.config, account).await?;
        relay::answer(self, session, answer, exchange, state, terms, account).await
    }
}

/// From the head of the request to an endpoint; refuses whatever is odd before a body is read.
fn find_endpoint(
    session: &ServerSession,
    state: &State,
    account: &mut Account,
) -> Result<Endpoint, Failure> {
    let request = session.req_header();
    account.speaks(likely_dialect(request.raw_path(), &request.headers));
    headers::check(&request.headers, state.config.limits.headers)?;
    let target = request.raw_path();
    let path = target.split(|&b| b == b'?').next().unwrap_or_default();
    if request.uri.scheme().is_some() && !session.is_http2() {
        // Absolute form is for forward proxies; two hosts in one request are one too many.
        return Err(Failure::Unrouted(Unrouted::BadPath));
    }
    let endpoint = Endpoint::find(&request.method, path, &request.headers)?;
    account.speaks(endpoint.dialect);
    account.operation(endpoint.operation);
    if !is_plain_query(request.uri.query().unwrap_or_default()) {
        return Err(Failure::BadQuery);
    }
    Ok(endpoint)
}

async fn read_payload(
    session: &mut ServerSession,
    state: &State,
    endpoint: &Endpoint,
) -> Result<Payload, Failure> {
    if !endpoint.has_body {
        return match session.is_body_empty() {
            true => Ok(Payload::empty()),
            false => Err(Failure::BadFraming),
        };
    }
    let limits = BodyLimits {
        bytes: state.config.limits.body,
        ratio: state.config.limits.decoded_ratio,
        time: state.config.timeouts.request_body,
    };
    let body = body::read_json(session, limits).await?;
    Ok(endpoint.dialect.read_request(endpoint.operation, body)?)
}

fn prepare(session: &mut ServerSession, timeouts: &Timeouts) {
    session.set_keepalive(Some(timeouts.keep_alive.as_secs().max(1)));
    session.set_read_timeout(Some(timeouts.request_body));
    session.set_write_timeout(Some(timeouts.agent_write));
    session.set_total_drain_timeout(Some(timeouts.request_head));
    session.set_pipelining_enabled(true);
}

/// Reads the head of a request. What is no HTTP is answered with a bare 400; what its bytes were is told
/// to nobody, since they may hold a key.
async fn read_head(session: &mut ServerSession, timeouts: &Timeouts) -> bool {
    let whole = timeouts.keep_alive + timeouts.request_head;
    match tokio::time::timeout(whole, session.read_request()).await {
        Ok(Ok(read)) => read,
        Ok(Err(_)) => {
            session.set_keepalive(None);
            let _ = session.respond_error(400).await;
            false
        }
        Err(_) => false,
    }
}

/// Counts itself while it lives.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn enter(counter: &Arc<AtomicUsize>) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Counted(counter.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The dialect's family, as upstreams are configured; `None`: tool servers are no upstreams.
pub(crate) fn family(dialect: Dialect) -> Option<crate::config::Speaks> {
    match dialect {
        Dialect::OpenAiChat | Dialect::OpenAiResponses => Some(crate::config::Speaks::Openai),
        Dialect::Anthropic => Some(crate::config::Speaks::Anthropic),
        Dialect::Mcp => None,
    }
}
