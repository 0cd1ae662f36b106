//! Sending what was cleared to an upstream: connections, addresses, keys, one fresh try.

use super::account::Account;
use super::failure::Failure;
use super::headers::forwarded;
use crate::config::{Config, Timeouts, Upstream};
use http::{HeaderValue, header};
use pingora_core::connectors::ConnectorOptions;
use pingora_core::connectors::http::Connector;
use pingora_core::protocols::ALPN;
use pingora_core::protocols::http::ServerSession;
use pingora_core::protocols::http::client::HttpSession;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_http::{RequestHeader, ResponseHeader};
use sallyport_policy::Cleared;
use sallyport_record::{Peer, Trace};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long a looked-up address is believed.
const ADDRESS_TTL: Duration = Duration::from_secs(30);
/// Idle connections kept for one upstream.
const IDLE_CONNECTIONS: usize = 256;
/// Streams on one HTTP/2 connection to an upstream.
const H2_STREAMS: usize = 100;
/// Addresses of one name that are tried.
const ADDRESSES_TRIED: usize = 3;

/// An upstream with its connections.
pub struct Link {
    /// What is configured.
    pub upstream: Arc<Upstream>,
    connector: Connector,
    timeouts: Timeouts,
    addresses: Mutex<Option<(Instant, Vec<SocketAddr>)>>,
}

impl Link {
    /// A link without connections yet.
    pub fn new(upstream: Arc<Upstream>, timeouts: Timeouts) -> Self {
        let mut options = ConnectorOptions::new(IDLE_CONNECTIONS);
        options.ca_file = upstream.ca.as_ref().map(|path| path.display().to_string());
        Link {
            upstream,
            connector: Connector::new(Some(options)),
            timeouts,
            addresses: Mutex::new(None),
        }
    }

    /// The upstream's addresses, looked up at most every [`ADDRESS_TTL`]; old ones serve while a
    /// look-up fails.
    async fn addresses(&self) -> Result<Vec<SocketAddr>, Failure> {
        let known = self
            .addresses
            .lock()
            .unwrap_or_else(|p| p.into_inner())
            .clone();
        if let Some((since, addresses)) = &known
            && since.elapsed() < ADDRESS_TTL
        {
            return Ok(addresses.clone());
        }
        let url = &self.upstream.url;
        let lookup = tokio::net::lookup_host((url.host.as_str(), url.port));
        let found = match tokio::time::timeout(self.timeouts.connect, lookup).await {
            Ok(Ok(found)) => found.take(ADDRESSES_TRIED).collect(),
            _ => Vec::new(),
        };
        if found.is_empty() {
            let old = known.map(|(_, addresses)| addresses);
            return old.ok_or(Failure::UpstreamUnreachable);
        }
        let mut kept = self.addresses.lock().unwrap_or_else(|p| p.into_inner());
        *kept = Some((Instant::now(), found.clone()));
        Ok(found)
    }

    /// As those see it who watch.
    fn as_peer(&self) -> Peer {
        Peer {
            provider: self.upstream.speaks.as_str().into(),
            address: Some(self.upstream.url.host.as_str().into()),
            port: Some(self.upstream.url.port),
        }
    }

    fn peer(&self, address: SocketAddr) -> HttpPeer {
        let upstream = &self.upstream;
        let mut peer = HttpPeer::new(address, upstream.url.tls, upstream.url.host.clone());
        let options = &mut peer.options;
        options.connection_timeout = Some(self.timeouts.connect);
        options.total_connection_timeout = Some(self.timeouts.connect);
        options.read_timeout = Some(self.timeouts.answer_idle);
        options.write_timeout = Some(self.timeouts.answer_idle);
        options.idle_timeout = Some(self.timeouts.upstream_keep_alive);
        options.max_h2_streams = H2_STREAMS;
        options.alpn = match (upstream.http2, upstream.url.tls) {
            (true, true) => ALPN::H2H1,
            (true, false) => ALPN::H2,
            (false, _) => ALPN::H1,
        };
        peer
    }

    /// A connection: a kept one if there is one, else a new one to the first address that answers.
    pub(crate) async fn connect(&self) -> Result<(HttpSession, HttpPeer), Failure> {
        for address in self.addresses().await? {
            let peer = self.peer(address);
            if let Ok((session, _reused)) = self.connector.get_http_session(&peer).await {
                return Ok((session, peer));
            }
        }
        Err(Failure::UpstreamUnreachable)
    }

    /// Keeps a connection whose answer was read to its end.
    pub async fn keep(&self, session: HttpSession, peer: &HttpPeer) {
        let idle = Some(self.timeouts.upstream_keep_alive);
        self.connector
            .release_http_session(session, peer, idle)
            .await;
    }
}

/// An answer whose head has come.
pub struct Answer {
    /// Where the body comes from.
    pub session: HttpSession,
    /// Whom it comes from.
    pub peer: HttpPeer,
    /// The link to give the connection back to.
    pub link: Arc<Link>,
    /// The head.
    pub head: Box<ResponseHeader>,
}

/// Sends a cleared request and waits for the head of its answer. An agent that hangs up meanwhile ends it.
///
/// A request is written a second time only when the first connection broke before it was written whole.
pub async fn send(
    agent: &mut ServerSession,
    link: &Arc<Link>,
    cleared: Cleared,
    config: &Config,
    account: &mut Account,
) -> Result<Answer, Failure> {
    let request = request_header(agent, link, cleared.len(), account.trace())?;
    let body = cleared.into_bytes();
    account.peer(link.as_peer());
    account.sent();
    let work = async {
        let mut tries = 0;
        let (mut session, peer) = loop {
            let (mut session, peer) = link.connect().await?;
            let written = async {
                session
                    .write_request_header(Box::new(request.clone()))
                    .await?;
                if !body.is_empty() {
                    session.write_request_body(body.clone(), true).await?;
                }
                session.finish_request_body().await
            };
            match written.await {
                Ok(()) => break (session, peer),
                // An early answer may still be there to read; else a fresh connection is tried once.
                Err(_) if tries > 0 => break (session, peer),
                Err(_) => tries += 1,
            }
        };
        session.set_read_timeout(Some(config.timeouts.answer_head));
        read_head(&mut session).await?;
        session.set_read_timeout(Some(config.timeouts.answer_idle));
        let head = session
            .response_header()
            .cloned()
            .ok_or(Failure::UpstreamGarbled)?;
        Ok::<_, Failure>((session, peer, Box::new(head)))
    };
    let (session, peer, head) = tokio::select! {
        biased;
        done = work => done?,
        _ = agent.read_body_or_idle(true) => return Err(Failure::AgentLeft),
    };
    account.first_byte();
    Ok(Answer {
        session,
        peer,
        link: link.clone(),
        head,
    })
}

/// Reads up to the final head; 1xx heads are passed over, a protocol switch is refused.
pub(crate) async fn read_head(session: &mut HttpSession) -> Result<(), Failure> {
    // Bounds an upstream that sends 1xx for ever.
    const INFORMATIONAL_MAX: usize = 16;
    for _ in 0..INFORMATIONAL_MAX {
        session
            .read_response_header()
            .await
            .map_err(upstream_failure)?;
        let status = session.response_header().map(|head| head.status);
        match status {
            Some(status) if status == http::StatusCode::SWITCHING_PROTOCOLS => break,
            Some(status) if status.is_informational() => continue,
            Some(_) => return Ok(()),
            None => break,
        }
    }
    Err(Failure::UpstreamGarbled)
}

/// What a connection error means for the exchange.
#[expect(
    clippy::boxed_local,
    reason = "Pingora gives its errors in boxes, and this is what maps them"
)]
pub fn upstream_failure(error: pingora_core::BError) -> Failure {
    use pingora_core::ErrorType::*;
    match error.etype() {
        ReadTimedout | WriteTimedout | ConnectTimedout => Failure::UpstreamSlow,
        InvalidHTTPHeader | H1Error | H2Error | InvalidH2 => Failure::UpstreamGarbled,
        _ => Failure::UpstreamBroke,
    }
}

fn request_header(
    agent: &ServerSession,
    link: &Link,
    length: usize,
    trace: Option<&Trace>,
) -> Result<RequestHeader, Failure> {
    let asked = agent.req_header();
    let upstream = &link.upstream;
    let target = asked
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let path = upstream.url.path(target);
    let built = || -> pingora_core::Result<RequestHeader> {
        let mut request = RequestHeader::build(asked.method.clone(), path.as_bytes(), Some(16))?;
        for (name, value) in forwarded(&asked.headers) {
            request.append_header(name.clone(), value.clone())?;
        }
        if let Some(trace) = trace {
            request.insert_header("traceparent", trace.onward())?;
            request.remove_header("tracestate");
            if let Some(state) = trace.state() {
                request.insert_header("tracestate", state)?;
            }
        }
        request.insert_header(header::HOST, upstream.url.authority())?;
        request.insert_header(header::ACCEPT_ENCODING, "identity")?;
        if length > 0 || asked.method == http::Method::POST {
            request.insert_header(header::CONTENT_LENGTH, length)?;
        }
        for (name, value) in &upstream.headers {
            request.insert_header(name.clone(), value.clone())?;
        }
        if let Some(key) = &upstream.key {
            let (name, value) = key_header(upstream, key.expose());
            let mut value = HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static(""));
            value.set_sensitive(true);
            request.insert_header(name, value)?;
        }
        Ok(request)
    };
    built().map_err(|_| Failure::BadQuery)
}

fn key_header(upstream: &Upstream, key: &str) -> (http::HeaderName, String) {
    match upstream.speaks {
        crate::config::Speaks::Openai => (header::AUTHORIZATION, format!("Bearer {key}")),
        crate::config::Speaks::Anthropic => {
            (http::HeaderName::from_static("x-api-key"), key.to_owned())
        }
    }
}
