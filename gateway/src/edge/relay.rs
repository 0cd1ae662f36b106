//! The way back: an answer is read and judged like a request, whole or as it flows.

use super::Edge;
use super::account::Account;
use super::body::{BodyLimits, unpack_answer};
use super::failure::Failure;
use super::headers::returned;
use super::reply::{self, ID_HEADER};
use super::upstream::{Answer, upstream_failure};
use crate::state::State;
use bytes::{Bytes, BytesMut};
use http::{Version, header};
use pingora_core::protocols::http::ServerSession;
use pingora_http::ResponseHeader;
use sallyport_exchange::dialect::read_opaque;
use sallyport_exchange::{Author, Exchange, Payload};
use sallyport_policy::{Cut, Flowed, Gate, Terms};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long an agent hears nothing, because all is held back or the upstream thinks, before it hears a
/// comment. The first one also sends the head: a refusal after it has no status of its own.
const STILL_HERE: Duration = Duration::from_secs(10);
/// The comment (WHATWG HTML §9.2.6: lines that start with a colon are ignored).
const STILL_HERE_COMMENT: &[u8] = b": sallyport is reading\n\n";

/// Reads, judges and passes on an answer.
pub async fn answer(
    edge: &Edge,
    session: &mut ServerSession,
    answer: Answer,
    exchange: Arc<Exchange>,
    state: &Arc<State>,
    terms: Terms,
    account: &mut Account,
) -> Result<(), Failure> {
    if answer.head.status.is_redirection() {
        return Err(Failure::UpstreamRedirect);
    }
    if is_event_stream(&answer.head) {
        if answer
            .head
            .headers
            .get(header::CONTENT_ENCODING)
            .is_some_and(|v| v.as_bytes() != b"identity")
        {
            return Err(Failure::UpstreamGarbled);
        }
        return Flow {
            edge,
            state,
            exchange,
            terms,
        }
        .relay(session, answer, account)
        .await;
    }
    whole(edge, session, answer, exchange, state, terms, account).await
}

fn is_event_stream(head: &ResponseHeader) -> bool {
    media_type(head).eq_ignore_ascii_case("text/event-stream")
}

fn media_type(head: &ResponseHeader) -> &str {
    let value = head
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok());
    value.and_then(|v| v.split(';').next()).unwrap_or("").trim()
}

async fn whole(
    edge: &Edge,
    session: &mut ServerSession,
    mut answer: Answer,
    exchange: Arc<Exchange>,
    state: &Arc<State>,
    terms: Terms,
    account: &mut Account,
) -> Result<(), Failure> {
    let max = state.config.limits.answer;
    let body = tokio::select! {
        biased;
        body = read_whole(&mut answer, max) => body?,
        _ = session.read_body_or_idle(true) => return Err(Failure::AgentLeft),
    };
    let Answer {
        session: upstream,
        peer,
        link,
        head,
    } = answer;
    link.keep(upstream, &peer).await;
    account.received();
    let limits = BodyLimits {
        bytes: max,
        ratio: state.config.limits.decoded_ratio,
        time: Duration::ZERO,
    };
    let body = unpack_answer(&head.headers, body, limits)?;
    let payload = read_payload(&exchange, &head, body)?;

    let ruling = state.engine.judge_answer(&exchange, &payload, &terms);
    account.answer(&ruling, &payload);
    let cleared = ruling.clear()?;
    for id in &payload.outline().created {
        edge.stored.created(&exchange.caller, payload.text(*id));
    }
    let mut header = returned_header(session, &head, state, account)?;
    header
        .insert_header(header::CONTENT_LENGTH, cleared.len())
        .map_err(|_| Failure::UpstreamGarbled)?;
    account.answered(head.status.as_u16(), cleared.len());
    account.returned(cleared.as_bytes());
    session
        .write_response_header(Box::new(header))
        .await
        .map_err(|_| Failure::AgentLeft)?;
    session
        .write_response_body(cleared.into_bytes(), true)
        .await
        .map_err(|_| Failure::AgentStalled)?;
    account.complete();
    Ok(())
}

async fn read_whole(answer: &mut Answer, max: usize) -> Result<Bytes, Failure> {
    let mut body = BytesMut::new();
    while let Some(chunk) = answer
        .session
        .read_response_body()
        .await
        .map_err(upstream_failure)?
    {
        if body.len() + chunk.len() > max {
            return Err(Failure::AnswerTooLarge(max));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Reads an answer by what it says it is. JSON that cannot be read strictly is not passed on: what was
/// judged would not be what the agent reads.
fn read_payload(
    exchange: &Exchange,
    head: &ResponseHeader,
    body: Bytes,
) -> Result<Payload, Failure> {
    if body.is_empty() {
        return Ok(Payload::empty());
    }
    let named = media_type(head).to_ascii_lowercase();
    let named_json = named == "application/json" || named.ends_with("+json") || named.is_empty();
    // Only an error may be something else, such as a proxy's page; clients read JSON whatever it is called.
    let begun = body.iter().find(|b| !b.is_ascii_whitespace());
    if named_json || head.status.is_success() || matches!(begun, Some(b'{' | b'[' | b'"' | 0xef)) {
        let read = exchange.dialect.read_answer(exchange.operation, body);
        return read.map_err(|_| Failure::UpstreamGarbled);
    }
    Ok(read_opaque(Author::Model, body))
}

fn returned_header(
    session: &ServerSession,
    head: &ResponseHeader,
    state: &State,
    account: &Account,
) -> Result<ResponseHeader, Failure> {
    let built = || -> pingora_core::Result<ResponseHeader> {
        let mut header = ResponseHeader::build(head.status, Some(head.headers.len() + 2))?;
        for (name, value) in returned(&head.headers) {
            if !state.upstream_keys.is_in(value.as_bytes()) {
                header.append_header(name.clone(), value.clone())?;
            }
        }
        header.insert_header(ID_HEADER, &*account.id)?;
        if session.req_header().version == Version::HTTP_11 {
            header.set_version(Version::HTTP_11);
        }
        Ok(header)
    };
    built().map_err(|_| Failure::UpstreamGarbled)
}

/// A streamed answer on its way.
struct Flow<'a> {
    edge: &'a Edge,
    state: &'a Arc<State>,
    exchange: Arc<Exchange>,
    terms: Terms,
}

/// What came next.
enum Next {
    Chunk(Bytes),
    End,
    Quiet,
}

impl Flow<'_> {
    async fn relay(
        self,
        session: &mut ServerSession,
        mut answer: Answer,
        account: &mut Account,
    ) -> Result<(), Failure> {
        let engine = self.state.engine.clone();
        let hold = self.state.config.limits.stream_hold;
        let mut gate = Gate::new(engine, self.exchange.clone(), self.terms.clone(), hold);
        let mut agent = AgentStream {
            begun: false,
            head: &answer.head.clone(),
            state: self.state,
        };
        let mut heard = Instant::now();
        let ended = loop {
            let flowed = match next(session, &mut answer).await {
                Ok(Next::Chunk(chunk)) => gate.push(&chunk),
                Ok(Next::Quiet) => Flowed::default(),
                Ok(Next::End) => break Ok(()),
                Err(Failure::AgentLeft) => {
                    account.stream(&gate);
                    return Err(Failure::AgentLeft);
                }
                Err(failure) => break Err(failure),
            };
            let Flowed { cleared, cut } = flowed;
            let bytes = match (
                cleared.is_empty(),
                heard.elapsed() >= STILL_HERE && cut.is_none(),
            ) {
                (false, _) => cleared.into_bytes(),
                (true, true) => Bytes::from_static(STILL_HERE_COMMENT),
                (true, false) => Bytes::new(),
            };
            if !bytes.is_empty() {
                heard = Instant::now();
                if let Err(failure) = agent.send(session, bytes, account).await {
                    account.stream(&gate);
                    return Err(failure);
                }
            }
            if let Some(cut) = cut {
                break Err(failure_of(cut));
            }
        };
        account.received();
        if ended.is_ok() {
            let Answer {
                session: upstream,
                peer,
                link,
                ..
            } = answer;
            link.keep(upstream, &peer).await;
        }
        self.end(session, gate, agent, ended, account).await
    }

    /// Judges what is left, and says the last words.
    async fn end(
        self,
        session: &mut ServerSession,
        gate: Gate,
        mut agent: AgentStream<'_>,
        ended: Result<(), Failure>,
        account: &mut Account,
    ) -> Result<(), Failure> {
        let result = match ended {
            Err(failure @ Failure::Denied(_)) => {
                account.stream(&gate);
                Err(failure)
            }
            ended => {
                account.unread(gate.unread());
                let (flowed, trail, usage, created) = gate.finish();
                account.stream_end(&trail, usage);
                for id in created {
                    self.edge.stored.created(&self.exchange.caller, &id);
                }
                if !flowed.cleared.is_empty() {
                    agent
                        .send(session, flowed.cleared.into_bytes(), account)
                        .await?;
                }
                match flowed.cut {
                    Some(cut) => ended.and(Err(failure_of(cut))),
                    None => ended,
                }
            }
        };
        agent.finish(session, result, account).await
    }
}

async fn next(session: &mut ServerSession, answer: &mut Answer) -> Result<Next, Failure> {
    tokio::select! {
        biased;
        chunk = answer.session.read_response_body() => match chunk {
            Ok(Some(chunk)) => Ok(Next::Chunk(chunk)),
            Ok(None) => Ok(Next::End),
            Err(error) => Err(upstream_failure(error)),
        },
        _ = session.read_body_or_idle(true) => Err(Failure::AgentLeft),
        () = tokio::time::sleep(STILL_HERE) => Ok(Next::Quiet),
    }
}

fn failure_of(cut: Cut) -> Failure {
    match cut {
        Cut::Denied(denial) => Failure::Denied(denial),
        Cut::Garbled => Failure::UpstreamGarbled,
        Cut::HeldTooMuch => Failure::HeldTooMuch,
        Cut::EndedEarly => Failure::UpstreamBroke,
    }
}

/// The agent's side of a stream. Its head is written with the first bytes, so that a refusal before them
/// has a status of its own.
struct AgentStream<'a> {
    begun: bool,
    head: &'a ResponseHeader,
    state: &'a State,
}

impl AgentStream<'_> {
    async fn send(
        &mut self,
        session: &mut ServerSession,
        bytes: Bytes,
        account: &mut Account,
    ) -> Result<(), Failure> {
        self.begin(session, account).await?;
        account.flowed(&bytes);
        session
            .write_response_body(bytes, false)
            .await
            .map_err(|_| Failure::AgentStalled)
    }

    async fn begin(
        &mut self,
        session: &mut ServerSession,
        account: &mut Account,
    ) -> Result<(), Failure> {
        if self.begun {
            return Ok(());
        }
        self.begun = true;
        let mut header = returned_header(session, self.head, self.state, account)?;
        if session.req_header().version == Version::HTTP_11 {
            header
                .insert_header(header::TRANSFER_ENCODING, "chunked")
                .map_err(|_| Failure::UpstreamGarbled)?;
        }
        account.answered(self.head.status.as_u16(), 0);
        session
            .write_response_header(Box::new(header))
            .await
            .map_err(|_| Failure::AgentLeft)
    }

    async fn finish(
        mut self,
        session: &mut ServerSession,
        result: Result<(), Failure>,
        account: &mut Account,
    ) -> Result<(), Failure> {
        if let Err(failure) = result {
            if !self.begun {
                return Err(failure);
            }
            let last = reply::closing(&failure, account);
            account.fail(&failure);
            account.flowed(&last);
            // The stream ends after the error and without the dialect's sign of completion.
            session
                .write_response_body(last, true)
                .await
                .map_err(|_| Failure::AgentLeft)?;
            return Ok(());
        }
        self.begin(session, account).await?;
        session
            .finish_body()
            .await
            .map_err(|_| Failure::AgentLeft)?;
        account.complete();
        Ok(())
    }
}
