//! The operators' listener on Pingora: reads a head, asks [`answer`], closes.

use super::{OperatorsReply, OperatorsView, answer, compare};
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, header};
use pingora_core::apps::{HttpServerApp, ReusedHttpStream};
use pingora_core::protocols::http::ServerSession;
use pingora_core::server::ShutdownWatch;
use pingora_http::ResponseHeader;
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
            false => answer(&head.method, target, &head.headers, &self.view),
        };
        if write(&mut session, reply).await.is_ok() {
            let _ = session.finish().await;
        }
        None
    }
}

impl OperatorsApp {
    async fn compared(&self, session: &mut ServerSession) -> OperatorsReply {
        let mut body = Vec::new();
        let max = self.view.config.limits.body;
        loop {
            match tokio::time::timeout(PATIENCE, session.read_request_body()).await {
                Ok(Ok(Some(chunk))) if body.len() + chunk.len() <= max => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Ok(None)) => break,
                Ok(Ok(Some(_))) => return compare::too_large(max),
                _ => return compare::cut_off(),
            }
        }
        let headers = session.req_header().headers.clone();
        let target = session
            .req_header()
            .uri
            .path_and_query()
            .map_or_else(String::new, |t| t.to_string());
        let view = self.view.clone();
        let compared = move || compare::compared(&view, &target, &headers, &body);
        let compared = tokio::task::spawn_blocking(compared).await;
        compared.unwrap_or_else(|_| compare::cut_off())
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
