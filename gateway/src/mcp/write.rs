//! Writing to the agent: JSON where the answer is all there is, events where there is more.

use super::outbox::{EventId, Next, Outbox};
use super::session::Session;
use crate::edge::account::Account;
use crate::edge::failure::Failure;
use crate::edge::reply::{self, ID_HEADER};
use bytes::Bytes;
use http::{Version, header};
use pingora_core::protocols::http::ServerSession;
use pingora_http::ResponseHeader;
use sallyport_exchange::Reply;
use sallyport_exchange::mcp;
use std::sync::Arc;
use std::time::Duration;

/// How long an answer may take before the head of a stream is sent, so that nobody thinks the gateway dead.
const HEAD_AFTER: Duration = Duration::from_secs(5);
/// How often a silent stream gets a comment.
const STILL_HERE: Duration = Duration::from_secs(15);
const COMMENT: &[u8] = b": sallyport is here\n\n";

/// An agent that follows a stream.
pub struct Follow<'a> {
    /// The stream.
    pub out: &'a Arc<Outbox>,
    /// Which reader of it.
    pub reader: u64,
    /// The last message that the agent has.
    pub after: u64,
    /// The decision id.
    pub decision: &'a str,
    /// Whether a lone answer may be JSON.
    pub json: bool,
    /// Whether events may be sent.
    pub events: bool,
    /// Whether events carry ids, so that the stream can be taken up again.
    pub ids: bool,
    /// Whether an event without words comes first, so that even a stream that broke at once can be taken up.
    pub primed: bool,
    /// The session to keep alive while this is followed.
    pub session: Option<&'a Arc<Session>>,
}

impl Follow<'_> {
    /// Writes what comes until the stream ends. Whether the agent stayed to the end.
    pub async fn answer(mut self, http: &mut ServerSession) -> bool {
        let first = tokio::select! {
            biased;
            next = self.out.next(self.reader, self.after) => Some(next),
            _ = http.read_body_or_idle(true) => return false,
            () = tokio::time::sleep(HEAD_AFTER), if self.events => None,
        };
        if let Some(Next::Message(_, message)) = &first
            && self.json
            && self.after == 0
            && self.out.is_only_message()
        {
            let status = self.out.status();
            let written = self.whole(http, status, message.clone()).await;
            if written {
                self.out.let_go();
            }
            return written;
        }
        if !self.events {
            return self.last_as_json(http, first).await;
        }
        match first {
            // The call was cancelled: there is nothing to be said.
            Some(Next::Ended) if self.after == 0 && self.session.is_none() => {
                self.whole(http, 202, Bytes::new()).await
            }
            first => self.stream(http, first).await,
        }
    }

    async fn whole(&self, http: &mut ServerSession, status: u16, body: Bytes) -> bool {
        let reply = Reply {
            status,
            content_type: "application/json",
            body,
        };
        json(http, reply, self.decision, None).await
    }

    /// An agent that takes no events gets the answer alone.
    async fn last_as_json(&mut self, http: &mut ServerSession, first: Option<Next>) -> bool {
        let mut last = None;
        let mut next = first;
        loop {
            match next {
                Some(Next::Message(number, message)) => {
                    self.after = number;
                    last = Some(message);
                }
                Some(Next::Paused(_)) => {}
                Some(_) => break,
                None => {}
            }
            next = Some(self.out.next(self.reader, self.after).await);
        }
        let status = self.out.status();
        self.whole(http, status, last.unwrap_or_default()).await
    }

    async fn stream(&mut self, http: &mut ServerSession, first: Option<Next>) -> bool {
        if event_stream(http, self.decision).await.is_err() {
            return false;
        }
        if self.primed && send(http, self.prime()).await.is_err() {
            return false;
        }
        let mut next = first;
        loop {
            let bytes = match next.take() {
                Some(Next::Message(number, message)) => {
                    self.after = number;
                    event(&message, self.ids.then(|| self.id()))
                }
                Some(Next::Paused(pause)) => {
                    // An agent that cannot take the stream up again stays.
                    if !self.ids {
                        next = Some(self.out.next(self.reader, self.after).await);
                        continue;
                    }
                    let millis = pause.as_millis();
                    let _ = send(http, Bytes::from(format!("retry: {millis}\n\n"))).await;
                    break;
                }
                Some(Next::Ended | Next::TakenOver) => break,
                None => Bytes::from_static(COMMENT),
            };
            if send(http, bytes).await.is_err() {
                return false;
            }
            if let Some(session) = self.session {
                session.touch();
            }
            next = tokio::select! {
                biased;
                next = self.out.next(self.reader, self.after) => Some(next),
                _ = http.read_body_or_idle(true) => return false,
                () = tokio::time::sleep(STILL_HERE) => None,
            };
        }
        http.finish_body().await.is_ok()
    }

    fn id(&self) -> EventId {
        EventId {
            stream: self.out.stream,
            message: self.after,
        }
    }

    fn prime(&self) -> Bytes {
        let id = EventId {
            stream: self.out.stream,
            message: 0,
        };
        Bytes::from(format!("id: {id}\ndata: \n\n"))
    }
}

/// The stream of the transport of 2024-11-05.
pub async fn old_stream(
    http: &mut ServerSession,
    out: &Arc<Outbox>,
    reader: u64,
    endpoint: &str,
    decision: &str,
) {
    let first = Bytes::from(format!("event: endpoint\ndata: {endpoint}\n\n"));
    if event_stream(http, decision).await.is_err() || send(http, first).await.is_err() {
        return;
    }
    let mut after = 0;
    loop {
        let bytes = tokio::select! {
            biased;
            next = out.next(reader, after) => match next {
                Next::Message(number, message) => {
                    after = number;
                    event(&message, None)
                }
                Next::Paused(_) => continue,
                Next::Ended | Next::TakenOver => break,
            },
            _ = http.read_body_or_idle(true) => return,
            () = tokio::time::sleep(STILL_HERE) => Bytes::from_static(COMMENT),
        };
        if send(http, bytes).await.is_err() {
            return;
        }
    }
    let _ = http.finish_body().await;
}

/// One event. A message may hold line breaks between its values; each line is a `data:` of its own.
fn event(message: &Bytes, id: Option<EventId>) -> Bytes {
    let mut bytes = Vec::with_capacity(message.len() + 64);
    if let Some(id) = id {
        bytes.extend_from_slice(format!("id: {id}\n").as_bytes());
    }
    bytes.extend_from_slice(b"event: message\n");
    for line in message.split(|b| matches!(b, b'\n' | b'\r')) {
        bytes.extend_from_slice(b"data: ");
        bytes.extend_from_slice(line);
        bytes.push(b'\n');
    }
    bytes.push(b'\n');
    bytes.into()
}

async fn event_stream(http: &mut ServerSession, decision: &str) -> pingora_core::Result<()> {
    let mut head = ResponseHeader::build(200, Some(6))?;
    head.insert_header(header::CONTENT_TYPE, "text/event-stream")?;
    head.insert_header(header::CACHE_CONTROL, "no-cache, no-transform")?;
    head.insert_header("x-accel-buffering", "no")?;
    head.insert_header(ID_HEADER, decision)?;
    if http.req_header().version == Version::HTTP_11 {
        head.insert_header(header::TRANSFER_ENCODING, "chunked")?;
    }
    http.write_response_header(Box::new(head)).await
}

async fn send(http: &mut ServerSession, bytes: Bytes) -> pingora_core::Result<()> {
    http.write_response_body(bytes, false).await
}

async fn json(
    http: &mut ServerSession,
    reply: Reply,
    decision: &str,
    session: Option<&str>,
) -> bool {
    let written = async {
        let mut head = ResponseHeader::build(reply.status, Some(5))?;
        if !reply.body.is_empty() {
            head.insert_header(header::CONTENT_TYPE, reply.content_type)?;
        }
        head.insert_header(ID_HEADER, decision)?;
        head.insert_header(header::CONTENT_LENGTH, reply.body.len())?;
        if let Some(session) = session {
            head.insert_header("mcp-session-id", session)?;
        }
        http.write_response_header(Box::new(head)).await?;
        http.write_response_body(reply.body, true).await
    };
    let written = written.await.is_ok();
    if !written {
        http.set_keepalive(None);
    }
    written
}

/// The answer to `initialize`, with the session's id.
pub async fn begun(
    http: &mut ServerSession,
    body: Bytes,
    session: &Session,
    account: &mut Account,
) {
    account.answered(200, body.len());
    let reply = Reply {
        status: 200,
        content_type: "application/json",
        body,
    };
    json(http, reply, &account.id, Some(&session.id)).await;
}

/// The HTTP status for a notification or a response that is not taken: there is no answer to say it in.
pub fn untaken(failure: &Failure) -> u16 {
    match rpc(failure, "null", "").0 {
        200 => 403,
        status => status,
    }
}

/// `202 Accepted`, or why not.
pub async fn accepted(http: &mut ServerSession, told: Result<Arc<str>, (Failure, Arc<str>)>) {
    let (reply, id) = match told {
        Ok(id) => {
            let reply = Reply {
                status: 202,
                content_type: "application/json",
                body: Bytes::new(),
            };
            (reply, id)
        }
        Err((failure, id)) => {
            let (_, body) = rpc(&failure, "null", &id);
            let reply = Reply {
                status: untaken(&failure),
                content_type: "application/json",
                body,
            };
            (reply, id)
        }
    };
    json(http, reply, &id, None).await;
}

/// A failure as a JSON-RPC error under the request's id.
pub async fn failure(http: &mut ServerSession, failure: &Failure, id: &str, account: &mut Account) {
    let (status, body) = rpc(failure, id, &account.id);
    reply::take_rest(http).await;
    let reply = Reply {
        status,
        content_type: "application/json",
        body,
    };
    reply::write(http, reply, account).await;
}

/// A failure as status and JSON-RPC error.
pub fn rpc(failure: &Failure, id: &str, decision: &str) -> (u16, Bytes) {
    match failure {
        Failure::Denied(denial) => (200, mcp::refused(id, denial, decision)),
        Failure::Rpc(fault) => (
            fault.status,
            mcp::error(id, fault.code, &fault.say, fault.data.as_deref()),
        ),
        Failure::ToolServer(_) => (200, mcp::fault(id, &failure.fault(), decision)),
        other => {
            let fault = other.fault();
            (fault.status, mcp::fault(id, &fault, decision))
        }
    }
}
