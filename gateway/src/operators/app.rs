//! The operators' listener on Pingora: reads a head, asks [`answer`], closes.

use super::{OperatorsReply, OperatorsView, answer, compare};
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, header};
use pingora_core::apps::{HttpServerApp, ReusedHttpStream};
use pingora_core::protocols::http::ServerSession;
use pingora_core::server::ShutdownWatch;
use pingora_http::ResponseHeader;
use sallyport_console::{FORM_BYTES_MAX, Request};
use std::sync::Arc;
use std::time::Duration;

/// How long an operator's client may take to ask, and to take each piece of the answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves [`OperatorsView`], one request a connection.
pub struct OperatorsApp {
    view: OperatorsView,
}

impl OperatorsApp {
    /// An app that shows `view`.
    pub fn new(view: OperatorsView) -> Self {
        OperatorsApp { view }
    }
}

#[async_trait]
impl HttpServerApp for OperatorsApp {
    async fn process_new_http(
        self: &Arc<Self>,
        mut session: ServerSession,
        _: &ShutdownWatch,
    ) -> Option<ReusedHttpStream> {
        session.set_read_timeout(Some(PATIENCE));
        session.set_write_timeout(Some(PATIENCE));
        if !matches!(
            tokio::time::timeout(PATIENCE, session.read_request()).await,
            Ok(Ok(true))
        ) {
            return None;
        }
        session.set_keepalive(None);
        let head = session.req_header();
        let target = head
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str());
        let reply = match compare::wanted(&head.method, target) {
            true => self.compared(&mut session).await,
            false => self.answered(&mut session).await,
        };
        if write(&mut session, reply).await.is_ok() {
            let _ = session.finish().await;
        }
        None
    }
}

impl OperatorsApp {
    async fn compared(&self, session: &mut ServerSession) -> OperatorsReply {
        match read(session, self.view.config.limits.body).await {
            Ok(body) => self.off_the_loop(session, body, compare::compared).await,
            Err(reply) => reply,
        }
    }

    async fn answered(&self, session: &mut ServerSession) -> OperatorsReply {
        let body = match session.req_header().method {
            http::Method::POST => read(session, FORM_BYTES_MAX).await,
            _ => Ok(Vec::new()),
        };
        match body {
            Ok(body) => self.off_the_loop(session, body, answer).await,
            Err(reply) => reply,
        }
    }

    /// Answers on a thread that may wait, for disks are read.
    async fn off_the_loop(
        &self,
        session: &ServerSession,
        body: Vec<u8>,
        answer: fn(&Request<'_>, &OperatorsView) -> OperatorsReply,
    ) -> OperatorsReply {
        let head = session.req_header();
        let (method, headers) = (head.method.clone(), head.headers.clone());
        let target = head.uri.path_and_query();
        let target = target.map_or_else(|| "/".into(), |target| target.to_string());
        let peer = session.client_addr().and_then(|addr| addr.as_inet());
        let peer = peer.map(|addr| addr.ip());
        let view = self.view.clone();
        let answered = tokio::task::spawn_blocking(move || {
            let request = Request {
                method: &method,
                target: &target,
                headers: &headers,
                body: &body,
                peer,
                tls: false,
                now_ns: crate::policies::now_ns(),
            };
            answer(&request, &view)
        });
        answered.await.unwrap_or_else(|_| compare::cut_off())
    }
}

/// A body of at most so many bytes.
async fn read(session: &mut ServerSession, max: usize) -> Result<Vec<u8>, OperatorsReply> {
    let mut body = Vec::new();
    loop {
        match tokio::time::timeout(PATIENCE, session.read_request_body()).await {
            Ok(Ok(Some(chunk))) if body.len() + chunk.len() <= max => {
                body.extend_from_slice(&chunk);
            }
            Ok(Ok(None)) => return Ok(body),
            Ok(Ok(Some(_))) => return Err(compare::too_large(max)),
            _ => return Err(compare::cut_off()),
        }
    }
}

async fn write(session: &mut ServerSession, reply: OperatorsReply) -> pingora_core::Result<()> {
    let mut head = ResponseHeader::build(reply.status, Some(reply.headers.len() + 2))?;
    head.insert_header(header::CONTENT_TYPE, reply.content_type)?;
    head.insert_header(header::CONTENT_LENGTH, reply.length)?;
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            head.insert_header(name, value)?;
        }
    }
    session.write_response_header(Box::new(head)).await?;
    session
        .write_response_body(Bytes::from(reply.body), true)
        .await
}
