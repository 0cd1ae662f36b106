//! The first bytes of a connection: HTTP/1 or HTTP/2, and not for ever.
//!
//! Pingora tells HTTP/2 by prior knowledge (RFC 9113 §3.3) from HTTP/1 by reading the 24 bytes of the preface
//! before anything else, with no time-out and even from a client whose whole request is shorter. So the first
//! bytes are looked at here, as few as tell the two apart, and within a time.

use super::Edge;
use async_trait::async_trait;
use pingora_core::apps::ServerApp;
use pingora_core::protocols::Stream;
use pingora_core::server::ShutdownWatch;
use std::sync::Arc;
use std::time::Duration;

/// How an HTTP/2 connection begins.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The agents' connections, before it is known what they speak.
pub struct Agents {
    http1: Arc<Edge>,
    /// Nothing where HTTP/2 is not spoken over plain connections.
    http2: Option<Arc<Edge>>,
}

impl Agents {
    /// Serves exchanges with `edge`.
    pub fn new(edge: Edge) -> Self {
        let mut http1 = edge.clone();
        http1.options.h2c = false;
        Agents {
            http2: edge.options.h2c.then(|| Arc::new(edge)),
            http1: Arc::new(http1),
        }
    }

    /// Whether the connection begins as HTTP/2 by prior knowledge; `None` if it says too little in time.
    async fn begins_as_http2(&self, stream: &mut Stream) -> Option<bool> {
        let patience = self.patience();
        let mut begun = [0; 3];
        let peeked = tokio::time::timeout(patience, stream.try_peek(&mut begun)).await;
        if !peeked.is_ok_and(|peeked| peeked.is_ok()) {
            return None;
        }
        if begun != PREFACE[..3] {
            return Some(false);
        }
        let mut preface = [0; 24];
        let peeked = tokio::time::timeout(patience, stream.try_peek(&mut preface)).await;
        peeked
            .is_ok_and(|peeked| peeked.is_ok())
            .then_some(preface == *PREFACE)
    }

    /// As long as for the head of a first request.
    fn patience(&self) -> Duration {
        let timeouts = self.http1.state.load().config.timeouts;
        timeouts.keep_alive + timeouts.request_head
    }
}

#[async_trait]
impl ServerApp for Agents {
    async fn process_new(
        self: &Arc<Self>,
        mut stream: Stream,
        shutdown: &ShutdownWatch,
    ) -> Option<Stream> {
        let _session = super::Counted::enter(&self.http1.sessions);
        let is_plain = stream.get_ssl_digest().is_none();
        match &self.http2 {
            Some(http2) if is_plain => match self.begins_as_http2(&mut stream).await? {
                true => http2.process_new(stream, shutdown).await,
                false => self.http1.process_new(stream, shutdown).await,
            },
            // Over TLS, the two have agreed already (ALPN).
            _ => self.http1.process_new(stream, shutdown).await,
        }
    }
}
