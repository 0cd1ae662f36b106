//! Requests to a tool server's address, and their answers.

use super::Fault;
use super::oauth::Tokens;
use crate::config::{Secret, Speaks, Timeouts, ToolAddress, Upstream, UpstreamUrl};
use crate::edge::upstream::{Link, read_head, upstream_failure};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use pingora_core::protocols::http::client::HttpSession;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_http::RequestHeader;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What one HTTP request is made of.
pub(crate) struct Ask<'a> {
    pub method: Method,
    /// The path, with its query.
    pub target: &'a str,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Bytes,
}

/// Connections to one address.
pub(super) struct Http {
    pub address: ToolAddress,
    pub timeouts: Timeouts,
    link: Arc<Link>,
    tokens: Option<Tokens>,
}

impl Http {
    pub fn new(name: &Arc<str>, address: &ToolAddress, timeouts: Timeouts) -> Self {
        let tokens = address
            .oauth
            .as_ref()
            .map(|oauth| Tokens::new(name, oauth, address, timeouts));
        Http {
            link: link(name, &address.url, address.ca.clone(), timeouts),
            address: address.clone(),
            tokens,
            timeouts,
        }
    }

    /// Sends a request and waits for the head of its answer. Where a key that was got is no longer taken, another
    /// one is tried once.
    pub async fn send(&self, ask: Ask<'_>) -> Result<Answer, Fault> {
        let mut tried = None;
        loop {
            let key = match &self.tokens {
                Some(tokens) => Some(tokens.get(tried.as_ref()).await?),
                None => self.address.key.clone(),
            };
            let answer = self.send_with(key.as_ref(), &ask).await?;
            if answer.status == StatusCode::UNAUTHORIZED && self.tokens.is_some() && tried.is_none()
            {
                tried = key;
                continue;
            }
            return match answer.status.is_redirection() {
                true => Err(Fault::Redirected),
                false => Ok(answer),
            };
        }
    }

    async fn send_with(&self, key: Option<&Secret>, ask: &Ask<'_>) -> Result<Answer, Fault> {
        let mut headers = self.address.headers.clone();
        if let Some(key) = key {
            let bearer = HeaderValue::try_from(format!("Bearer {}", key.expose()));
            let mut bearer = bearer.map_err(|_| Fault::NoKey)?;
            bearer.set_sensitive(true);
            headers.push((header::AUTHORIZATION, bearer));
        }
        headers.extend_from_slice(&ask.headers);
        let ask = Ask {
            method: ask.method.clone(),
            target: ask.target,
            headers,
            body: ask.body.clone(),
        };
        send(&self.link, ask, &self.timeouts).await
    }
}

/// A link to an address that is no provider of models.
pub(crate) fn link(
    name: &Arc<str>,
    url: &UpstreamUrl,
    ca: Option<PathBuf>,
    timeouts: Timeouts,
) -> Arc<Link> {
    let upstream = Upstream {
        name: name.clone(),
        url: url.clone(),
        // Only said where a provider is asked, which nobody does over this link.
        speaks: Speaks::Openai,
        key: None,
        ca,
        http2: false,
        headers: Vec::new(),
    };
    Arc::new(Link::new(Arc::new(upstream), timeouts))
}

/// Writes a request, on a second connection if the first breaks meanwhile, and reads the head of its answer.
pub(crate) async fn send(
    link: &Arc<Link>,
    ask: Ask<'_>,
    timeouts: &Timeouts,
) -> Result<Answer, Fault> {
    let head = request_head(link, &ask).map_err(|_| Fault::BadRequest)?;
    let mut tries = 0;
    let (mut session, peer) = loop {
        let (mut session, peer) = link.connect().await?;
        let written = async {
            session.write_request_header(Box::new(head.clone())).await?;
            if !ask.body.is_empty() {
                session.write_request_body(ask.body.clone(), true).await?;
            }
            session.finish_request_body().await
        };
        match written.await {
            Ok(()) => break (session, peer),
            Err(_) if tries > 0 => break (session, peer),
            Err(_) => tries += 1,
        }
    };
    session.set_read_timeout(Some(timeouts.answer_head));
    read_head(&mut session).await?;
    session.set_read_timeout(Some(timeouts.answer_idle));
    let head = session.response_header().ok_or(Fault::Garbled)?;
    Ok(Answer {
        status: head.status,
        headers: head.headers.clone(),
        session,
        peer,
        link: link.clone(),
    })
}

fn request_head(link: &Link, ask: &Ask<'_>) -> pingora_core::Result<RequestHeader> {
    let target = ask.target.as_bytes();
    let mut head = RequestHeader::build(ask.method.clone(), target, Some(16))?;
    for (name, value) in &ask.headers {
        head.insert_header(name.clone(), value.clone())?;
    }
    head.insert_header(header::HOST, link.upstream.url.authority())?;
    head.insert_header(header::ACCEPT_ENCODING, "identity")?;
    if ask.method == Method::POST {
        head.insert_header(header::CONTENT_LENGTH, ask.body.len())?;
    }
    Ok(head)
}

/// What the body of an answer is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Json,
    Events,
    Other,
}

/// An answer whose head has come. Dropping it closes the connection.
pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    session: HttpSession,
    peer: HttpPeer,
    link: Arc<Link>,
}

impl Answer {
    /// What its body is.
    pub fn kind(&self) -> Kind {
        let coding = self.headers.get(header::CONTENT_ENCODING);
        if coding.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return Kind::Other;
        }
        let kind = self.headers.get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if kind.eq_ignore_ascii_case("application/json") {
            Kind::Json
        } else if kind.eq_ignore_ascii_case("text/event-stream") {
            Kind::Events
        } else {
            Kind::Other
        }
    }

    /// How long the server may be silent from here on.
    pub fn set_idle(&mut self, idle: Duration) {
        self.session.set_read_timeout(Some(idle));
    }

    /// The next piece of its body.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        let chunk = self.session.read_response_body().await;
        chunk.map_err(|error| upstream_failure(error).into())
    }

    /// Its whole body.
    pub async fn whole(mut self, max: usize) -> Result<Bytes, Fault> {
        let mut first = Bytes::new();
        let mut rest = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            if first.len() + rest.len() + chunk.len() > max {
                return Err(Fault::TooLarge(max));
            }
            match first.is_empty() {
                true => first = chunk,
                false => rest.extend_from_slice(&chunk),
            }
        }
        self.keep().await;
        if rest.is_empty() {
            return Ok(first);
        }
        let mut whole = BytesMut::with_capacity(first.len() + rest.len());
        whole.extend_from_slice(&first);
        whole.extend_from_slice(&rest);
        Ok(whole.freeze())
    }

    /// Gives the connection back, if what is left to read is little and comes soon.
    pub async fn finish(mut self) {
        const LEFT_MAX: usize = 4 << 10;
        const WAIT: Duration = Duration::from_millis(200);
        let read = async {
            let mut left = 0;
            while let Ok(Some(chunk)) = self.chunk().await {
                left += chunk.len();
                if left > LEFT_MAX {
                    return false;
                }
            }
            true
        };
        if tokio::time::timeout(WAIT, read).await == Ok(true) {
            self.keep().await;
        }
    }

    async fn keep(self) {
        self.link.keep(self.session, &self.peer).await;
    }
}
