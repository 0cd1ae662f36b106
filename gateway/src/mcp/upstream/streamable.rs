//! Streamable HTTP: of the legacy era with its sessions and streams that can be resumed, of the modern one without.

use super::events::Events;
use super::http::{Answer, Ask, Http, Kind};
use super::inbox::Inbox;
use super::message::{Sight, Topic, messages};
use super::replies::{Outlet, Queued, Replies};
use super::{Call, Era, Fault, Revision, Tally};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");
const BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");

/// Messages of one request that wait to be read before the server is made to wait.
const WAITING_MAX: usize = 8;
/// Times in a row that a broken stream is taken up again without anything new in it.
const RESUMES_MAX: u32 = 5;
/// The shortest and the longest pause before a stream is taken up again, unless the server asks for a longer one.
const PAUSE_MIN: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// A stream that lasted so long did not break at once.
const STEADY: Duration = Duration::from_secs(5);
/// What is left of an answer that nobody wants is read for this long, so that the server may end its work.
const DRAIN_TIME: Duration = Duration::from_secs(30);
/// Silence on a stream that is meant to last. Servers are told to keep it alive more often.
pub(super) const LASTING_IDLE: Duration = Duration::from_secs(3600);
/// For a server to take the end of a session.
const GOODBYE_TIME: Duration = Duration::from_secs(5);
/// Bytes that are read of an answer that should have none.
const NOTHING_MAX: usize = 64 << 10;

/// A session, or of the modern era merely the address.
pub(super) struct Session {
    pub http: Arc<Http>,
    pub era: Era,
    /// As negotiated; `None` before that.
    pub revision: Option<Revision>,
    pub id: Option<HeaderValue>,
    pub gone: AtomicBool,
    pub inbox: Inbox,
    pub tally: Arc<Tally>,
    /// Bytes of an answer or event.
    pub max: usize,
    /// For what waits to be read, in bytes.
    pub room: Arc<Semaphore>,
}

type Headers = Vec<(HeaderName, HeaderValue)>;

impl Session {
    fn headers(&self, accept: HeaderValue) -> Headers {
        let mut headers = vec![(header::ACCEPT, accept)];
        if let Some(revision) = self.revision {
            headers.push((VERSION, HeaderValue::from_static(revision.as_str())));
        }
        if let Some(id) = &self.id {
            headers.push((SESSION_ID, id.clone()));
        }
        headers
    }

    async fn post_body(&self, body: Bytes, more: Headers) -> Result<Answer, Fault> {
        let mut headers = self.headers(BOTH);
        headers.push((header::CONTENT_TYPE, JSON));
        headers.extend(more);
        let ask = Ask {
            method: Method::POST,
            target: &self.http.address.target,
            headers,
            body,
        };
        let answer = self.http.send(ask).await?;
        self.check_gone(&answer)?;
        Ok(answer)
    }

    /// The stream of what belongs to no request, or what was missed of a stream that broke.
    async fn get(&self, after: Option<HeaderValue>) -> Result<Answer, Fault> {
        let mut headers = self.headers(EVENTS);
        headers.extend(after.map(|id| (LAST_EVENT_ID, id)));
        let ask = Ask {
            method: Method::GET,
            target: &self.http.address.target,
            headers,
            body: Bytes::new(),
        };
        let answer = self.http.send(ask).await?;
        self.check_gone(&answer)?;
        match answer.status {
            StatusCode::OK if answer.kind() == Kind::Events => Ok(answer),
            status => Err(Fault::Refused {
                status: status.as_u16(),
            }),
        }
    }

    /// A session that is not found is over (2025-11-25, §Session Management).
    fn check_gone(&self, answer: &Answer) -> Result<(), Fault> {
        if answer.status == StatusCode::NOT_FOUND && self.id.is_some() {
            self.gone.store(true, Ordering::Relaxed);
            return Err(Fault::SessionGone);
        }
        Ok(())
    }

    /// Sends a notification or a response.
    pub async fn post(&self, body: Bytes) -> Result<(), Fault> {
        let answer = self.post_body(body, Vec::new()).await?;
        let status = answer.status;
        answer.whole(NOTHING_MAX).await?;
        match status.is_success() {
            true => Ok(()),
            false => Err(Fault::Refused {
                status: status.as_u16(),
            }),
        }
    }

    /// Sends a request. Also gives the id of the session that its answer may begin.
    pub async fn request(
        self: &Arc<Self>,
        call: Call,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Result<(Replies, Option<HeaderValue>), Fault> {
        let mut answer = self.post_body(call.body, call.headers).await?;
        let begun = answer.headers.get(SESSION_ID).cloned();
        let status = answer.status.as_u16();
        if answer.status.is_success() && answer.kind() == Kind::Events {
            if call.lasts {
                answer.set_idle(LASTING_IDLE);
            }
            let (outlet, replies) = Replies::several(WAITING_MAX, status, true);
            let stream = Stream {
                session: self.clone(),
                id: call.id,
                before: outlet.before.clone(),
                pauses: outlet.pauses.clone(),
                events: Events::default(),
            };
            tokio::spawn(serve(stream, answer, outlet, call.lasts, permit));
            return Ok((replies, begun));
        }
        let whole =
            tokio::time::timeout(self.http.timeouts.tool_answer, self.whole(answer, call.id));
        let replies = whole.await.map_err(|_| Fault::Slow)??;
        Ok((replies, begun))
    }

    /// An answer that is no stream.
    async fn whole(&self, answer: Answer, id: u64) -> Result<Replies, Fault> {
        let status = answer.status.as_u16();
        let is_error = !answer.status.is_success();
        let refused = match is_error {
            true => Fault::Refused { status },
            false => Fault::Garbled,
        };
        if answer.kind() != Kind::Json {
            return Err(refused);
        }
        let body = answer.whole(self.max).await?;
        let all = messages(&body, self.batches()).map_err(|_| refused)?;
        let mut ours = None;
        for (sight, message) in all {
            match sight {
                Sight::Answer(Some(answers)) if answers == id => ours = Some(message),
                // Of a batch.
                Sight::Notification(topic) => self.inbox.put(message, topic == Topic::Changed),
                _ => self.drop_one(),
            }
        }
        ours.map(|ours| Replies::one(ours, status)).ok_or(refused)
    }

    fn batches(&self) -> bool {
        self.revision.is_some_and(Revision::has_batches)
    }

    fn drop_one(&self) {
        self.tally.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Ends the session.
    pub async fn goodbye(&self) {
        if self.id.is_none() || self.gone.swap(true, Ordering::Relaxed) {
            return;
        }
        let ask = Ask {
            method: Method::DELETE,
            target: &self.http.address.target,
            headers: self.headers(BOTH),
            body: Bytes::new(),
        };
        // It may be refused (405), and then the server ends the session when it likes.
        let said = async {
            if let Ok(answer) = self.http.send(ask).await {
                let _ = answer.whole(NOTHING_MAX).await;
            }
        };
        let _ = tokio::time::timeout(GOODBYE_TIME, said).await;
    }
}

/// Reads a request's stream to its response, or to the end of patience.
async fn serve(
    stream: Stream,
    answer: Answer,
    outlet: Outlet,
    lasts: bool,
    _permit: Option<OwnedSemaphorePermit>,
) {
    let Outlet {
        before,
        answer: mut to,
        pauses: _,
    } = outlet;
    drop(before);
    let era = stream.session.era;
    let most = stream.session.http.timeouts.tool_answer;
    let work = async move {
        let reading = stream.run(answer, lasts);
        match lasts {
            true => reading.await,
            false => {
                let read = tokio::time::timeout(most, reading).await;
                read.unwrap_or(Err(Fault::Slow))
            }
        }
    };
    let mut work = std::pin::pin!(work);
    let done = tokio::select! {
        biased;
        done = &mut work => done,
        // Nobody waits any more. To the modern era that is a cancellation, so the connection is closed at once.
        () = to.closed() => {
            if era == Era::Legacy {
                let _ = tokio::time::timeout(DRAIN_TIME, work).await;
            }
            return;
        }
    };
    match done {
        Ok((response, answer)) => {
            let _ = to.send(Ok(Queued {
                message: response,
                _room: None,
            }));
            answer.finish().await;
        }
        Err(fault) => {
            let _ = to.send(Err(fault));
        }
    }
}

/// The stream that answers one request, over as many connections as it takes.
struct Stream {
    session: Arc<Session>,
    id: u64,
    before: mpsc::Sender<Queued>,
    pauses: watch::Sender<Duration>,
    events: Events,
}

impl Stream {
    async fn run(mut self, mut answer: Answer, lasts: bool) -> Result<(Bytes, Answer), Fault> {
        let mut fruitless = 0;
        loop {
            let seen = self.events.last_id.clone();
            match self.read(&mut answer).await {
                Ok(Some(response)) => return Ok((response, answer)),
                Ok(None) | Err(Fault::Broke) => {}
                Err(fault) => return Err(fault),
            }
            if self.session.era == Era::Modern {
                return Err(Fault::Broke);
            }
            fruitless = match seen == self.events.last_id {
                true => fruitless + 1,
                false => 0,
            };
            answer = self.resume(&mut fruitless).await?;
            if lasts {
                answer.set_idle(LASTING_IDLE);
            }
        }
    }

    /// Takes the stream up again where it broke.
    async fn resume(&mut self, fruitless: &mut u32) -> Result<Answer, Fault> {
        loop {
            let after = self.events.last_id.clone().ok_or(Fault::Broke)?;
            if *fruitless > RESUMES_MAX {
                return Err(Fault::Broke);
            }
            let pause = PAUSE_MIN * 2u32.pow(*fruitless);
            let pause = self.events.retry.unwrap_or(pause).max(pause);
            self.pauses.send_replace(pause);
            tokio::time::sleep(pause).await;
            self.events.reconnect();
            match self.session.get(Some(after)).await {
                Ok(answer) => return Ok(answer),
                Err(Fault::Unreachable | Fault::Broke | Fault::Slow) => *fruitless += 1,
                Err(Fault::Refused { status: 500.. }) => *fruitless += 1,
                Err(Fault::Refused { .. }) => return Err(Fault::Broke),
                Err(fault) => return Err(fault),
            }
        }
    }

    /// Reads one connection to its end, or to the response.
    async fn read(&mut self, answer: &mut Answer) -> Result<Option<Bytes>, Fault> {
        while let Some(chunk) = answer.chunk().await? {
            self.events.push(&chunk);
            while let Some(said) = self.events.next(self.session.max)? {
                if said.name.is_some() {
                    continue;
                }
                let batches = self.session.batches();
                let mut response = None;
                for (sight, message) in messages(&said.data, batches)? {
                    if sight == Sight::Answer(Some(self.id)) {
                        response = Some(message);
                    } else {
                        self.hand_on(sight, message).await;
                    }
                }
                if response.is_some() {
                    return Ok(response);
                }
            }
        }
        Ok(None)
    }

    async fn hand_on(&self, sight: Sight, message: Bytes) {
        let legacy = self.session.era == Era::Legacy;
        match sight {
            Sight::Notification(Topic::Changed) if legacy => self.session.inbox.put(message, true),
            // A modern server asks nothing on a stream (2026-07-28, §Receiving Messages).
            Sight::Request if !legacy => self.session.drop_one(),
            Sight::Answer(_) => self.session.drop_one(),
            Sight::Request | Sight::Notification(_) => {
                let size = u32::try_from(message.len()).unwrap_or(u32::MAX);
                let room = self.session.room.clone().acquire_many_owned(size).await;
                let queued = Queued {
                    message,
                    _room: room.ok(),
                };
                // If nobody reads any more, the rest is read for nobody.
                let _ = self.before.send(queued).await;
            }
        }
    }
}

/// Listens to what belongs to no request, for as long as the session lasts and the server offers that.
pub(super) async fn listen(session: Arc<Session>) {
    let mut events = Events::default();
    let mut pause = PAUSE_MIN;
    loop {
        match session.get(events.last_id.clone()).await {
            Ok(mut answer) => {
                answer.set_idle(LASTING_IDLE);
                events.reconnect();
                let began = Instant::now();
                match hear(&session, &mut answer, &mut events).await {
                    Ok(heard) if heard || began.elapsed() > STEADY => pause = PAUSE_MIN,
                    Ok(_) => {}
                    // What cannot be read once cannot be read again.
                    Err(fault) => {
                        let server = session.http.address.url.authority();
                        tracing::warn!(server, %fault, "a tool server's stream is left");
                        return;
                    }
                }
            }
            Err(Fault::Unreachable | Fault::Broke | Fault::Slow) => {}
            Err(Fault::Refused { status: 500.. }) => {}
            // Not offered (405), or the session is over.
            Err(_) => return,
        }
        tokio::time::sleep(events.retry.unwrap_or(pause).max(pause)).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Reads one connection to its end; whether anything was said.
async fn hear(session: &Session, answer: &mut Answer, events: &mut Events) -> Result<bool, Fault> {
    let mut heard = false;
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => events.push(&chunk),
            Ok(None) | Err(Fault::Broke | Fault::Slow) => return Ok(heard),
            Err(fault) => return Err(fault),
        }
        while let Some(said) = events.next(session.max)? {
            if said.name.is_some() {
                continue;
            }
            heard = true;
            for (sight, message) in messages(&said.data, session.batches())? {
                match sight {
                    Sight::Answer(_) => session.drop_one(),
                    Sight::Request => session.inbox.put(message, false),
                    Sight::Notification(topic) => {
                        session.inbox.put(message, topic == Topic::Changed);
                    }
                }
            }
        }
    }
}
