//! Beginning a session: which era and which transport the server takes (2026-07-28, basic/versioning, §Backward
//! Compatibility; 2025-11-25, basic/transports, §Backwards Compatibility).

use super::demux::{Demux, WAITING_BYTES_MAX};
use super::greet::{self, DISCOVER_ID, INITIALIZE_ID, INITIALIZED, Said};
use super::inbox::Inbox;
use super::old_sse::OldSse;
use super::replies::Replies;
use super::stdio::{Stdio, Terms};
use super::streamable::{self, Session};
use super::{AbortOnDrop, Call, Era, Fault, Hello, Introduction, Revision, Server, Transport};
use crate::config::{EraFile, Reach, ToolProgram, TransportFile};
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;

/// For a server to answer `server/discover`, if it may be of the legacy era and say nothing at all.
const PROBE_TIME: Duration = Duration::from_secs(10);
/// For a server to answer `initialize`. Some programs are fetched before they are started.
const HELLO_TIME: Duration = Duration::from_secs(60);

/// A way to talk to a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    Modern,
    Legacy,
    OldSse,
}

/// How an attempt ended that led to no session.
enum No {
    /// The server takes another way, if any.
    Other(Fault),
    /// No way will do.
    Final(Fault),
}

impl No {
    fn fault(&self) -> Fault {
        match self {
            No::Other(fault) | No::Final(fault) => *fault,
        }
    }
}

type Opened = (Transport, Hello);

/// Tries each way until the server takes one.
pub(super) async fn open(
    server: &Arc<Server>,
    introduction: &Introduction,
    inbox: Inbox,
) -> Result<Opened, Fault> {
    greet::check(introduction)?;
    let mut ways = ways(server, introduction.prefer);
    server.sort(&mut ways);
    let opening = Opening {
        server,
        introduction,
        inbox,
        alone: ways.len() == 1,
    };
    let opened = match &server.config.reach {
        Reach::Program(program) => opening.program(program, &ways).await,
        Reach::Address(_) => opening.address(&ways).await,
    };
    let count = match &opened {
        Ok(_) => &server.tally.opened,
        Err(_) => &server.tally.failed,
    };
    count.fetch_add(1, Ordering::Relaxed);
    opened
}

fn ways(server: &Server, prefer: Era) -> Vec<Way> {
    let mut ways = match (server.config.era, prefer) {
        (EraFile::Legacy, _) => vec![Way::Legacy],
        (EraFile::Modern, _) => vec![Way::Modern],
        (EraFile::Auto, Era::Legacy) => vec![Way::Legacy, Way::Modern],
        (EraFile::Auto, Era::Modern) => vec![Way::Modern, Way::Legacy],
    };
    if let Reach::Address(address) = &server.config.reach {
        match address.transport {
            TransportFile::Sse => ways = vec![Way::OldSse],
            TransportFile::Auto if ways.contains(&Way::Legacy) => ways.push(Way::OldSse),
            _ => {}
        }
    }
    ways
}

struct Opening<'o> {
    server: &'o Arc<Server>,
    introduction: &'o Introduction,
    inbox: Inbox,
    /// There is no other way to fall back to.
    alone: bool,
}

impl Opening<'_> {
    async fn address(&self, ways: &[Way]) -> Result<Opened, Fault> {
        let mut first = None;
        for way in ways {
            let opened = match way {
                Way::Modern => self.modern().await,
                Way::Legacy => self.legacy().await,
                Way::OldSse => self.old_sse().await,
            };
            match opened {
                Ok(opened) => {
                    self.server.remember(*way, true);
                    return Ok(opened);
                }
                Err(No::Final(fault)) => return Err(fault),
                Err(No::Other(fault)) => {
                    self.server.remember(*way, false);
                    first.get_or_insert(fault);
                }
            }
        }
        Err(first.unwrap_or(Fault::NoHello))
    }

    fn session(&self, era: Era) -> Result<Session, No> {
        let http = self.server.http.clone();
        Ok(Session {
            http: http.ok_or(No::Final(Fault::Unreachable))?,
            era,
            revision: (era == Era::Modern).then_some(Revision::MODERN),
            id: None,
            gone: AtomicBool::new(false),
            inbox: self.inbox.clone(),
            tally: self.server.tally.clone(),
            max: self.server.limits.answer,
            room: Arc::new(Semaphore::new(WAITING_BYTES_MAX)),
        })
    }

    fn hello_time(&self) -> Duration {
        HELLO_TIME.min(self.server.timeouts.answer_head)
    }

    fn probe_time(&self) -> Duration {
        match self.alone {
            true => self.hello_time(),
            false => self.hello_time().min(PROBE_TIME),
        }
    }

    async fn modern(&self) -> Result<Opened, No> {
        let session = Arc::new(self.session(Era::Modern)?);
        let mut said = self.discover(&session).await?;
        if matches!(said, Said::Again) {
            said = self.discover(&session).await?;
        }
        let hello = heard(said)?;
        let transport = Transport::Streamable {
            session,
            _listener: None,
        };
        Ok((transport, hello))
    }

    async fn discover(&self, session: &Arc<Session>) -> Result<Said, No> {
        let method = HeaderName::from_static("mcp-method");
        let call = Call {
            id: DISCOVER_ID,
            headers: vec![(method, HeaderValue::from_static("server/discover"))],
            ..Call::new(DISCOVER_ID, greet::discover(self.introduction))
        };
        let asked = async {
            let (replies, _) = session.request(call, None).await?;
            self.response(replies).await
        };
        let answer = tokio::time::timeout(self.probe_time(), asked).await;
        let answer = answer.unwrap_or(Err(Fault::Slow)).map_err(no_probe)?;
        Ok(greet::discovered(&answer))
    }

    async fn legacy(&self) -> Result<Opened, No> {
        let greeting = Arc::new(self.session(Era::Legacy)?);
        let call = Call::new(INITIALIZE_ID, greet::initialize(self.introduction));
        let asked = async {
            let (replies, id) = greeting.request(call, None).await?;
            Ok((self.response(replies).await?, id))
        };
        let answer = tokio::time::timeout(self.hello_time(), asked).await;
        let (answer, id) = answer.unwrap_or(Err(Fault::Slow)).map_err(no)?;
        let hello = heard(greet::initialized(&answer))?;
        if id.as_ref().is_some_and(|id| !is_session_id(id)) {
            return Err(No::Final(Fault::Garbled));
        }
        let session = Arc::new(Session {
            id,
            revision: Some(hello.revision),
            ..self.session(Era::Legacy)?
        });
        let initialized = session.post(Bytes::from_static(INITIALIZED)).await;
        initialized.map_err(No::Final)?;
        let listener = tokio::spawn(streamable::listen(session.clone()));
        let transport = Transport::Streamable {
            session,
            _listener: Some(AbortOnDrop(listener.abort_handle())),
        };
        Ok((transport, hello))
    }

    async fn old_sse(&self) -> Result<Opened, No> {
        let http = self.server.http.clone();
        let http = http.ok_or(No::Final(Fault::Unreachable))?;
        let demux = self.demux();
        let max = self.server.limits.answer;
        let opened = OldSse::open(http, demux.clone(), max, self.hello_time()).await;
        let sse = opened.map_err(no)?;
        let asked = async {
            let replies = demux.wait(INITIALIZE_ID, None, None)?;
            sse.post(greet::initialize(self.introduction)).await?;
            self.response(replies).await
        };
        let answer = tokio::time::timeout(self.hello_time(), asked).await;
        let answer = answer.unwrap_or(Err(Fault::Slow)).map_err(no)?;
        let hello = heard(greet::initialized(&answer))?;
        self.set_batches(&demux, &hello);
        let initialized = sse.post(Bytes::from_static(INITIALIZED)).await;
        initialized.map_err(No::Final)?;
        Ok((Transport::OldSse(sse), hello))
    }

    fn demux(&self) -> Arc<Demux> {
        Arc::new(Demux::new(self.inbox.clone(), self.server.tally.clone()))
    }

    fn set_batches(&self, demux: &Demux, hello: &Hello) {
        let batches = hello.revision.has_batches();
        demux.batches.store(batches, Ordering::Relaxed);
    }

    /// The response; what comes before it belongs to nobody yet.
    async fn response(&self, mut replies: Replies) -> Result<Bytes, Fault> {
        let mut last = None;
        while let Some(message) = replies.next().await {
            if let Some(before) = last.replace(message?) {
                self.inbox.put(before, false);
            }
        }
        last.ok_or(Fault::Broke)
    }

    async fn program(&self, program: &ToolProgram, ways: &[Way]) -> Result<Opened, Fault> {
        let mut first = None;
        let mut running = None;
        for way in ways {
            let stdio = match running.take() {
                Some(stdio) => stdio,
                None => self.start(program).await?,
            };
            match self.greet(&stdio, *way).await {
                Ok(hello) => {
                    self.server.remember(*way, true);
                    return Ok((Transport::Stdio(stdio), hello));
                }
                Err(no) => {
                    let fault = no.fault();
                    tracing::debug!(server = %self.server.config.name, ?way, %fault, "not taken");
                    // A program that did not even survive the question is started again for the next one.
                    if matches!(no, No::Final(_)) && fault != Fault::Died {
                        stdio.close().await;
                        return Err(fault);
                    }
                    self.server.remember(*way, false);
                    first.get_or_insert(fault);
                    running = Some(stdio).filter(|stdio| stdio.demux.is_open());
                }
            }
        }
        if let Some(stdio) = running {
            stdio.close().await;
        }
        Err(first.unwrap_or(Fault::NoHello))
    }

    async fn start(&self, program: &ToolProgram) -> Result<Stdio, Fault> {
        let server = self.server;
        server.starts.rest().await?;
        let permit = server.programs.clone().try_acquire_owned();
        let terms = Terms {
            server: server.config.name.clone(),
            starts: server.starts.clone(),
            tally: server.tally.clone(),
            max: server.limits.answer,
            write_time: server.timeouts.agent_write,
            permit: permit.map_err(|_| Fault::Busy)?,
        };
        Stdio::start(program, self.demux(), terms)
    }

    async fn greet(&self, stdio: &Stdio, way: Way) -> Result<Hello, No> {
        let (id, body, time) = match way {
            Way::Modern => (
                DISCOVER_ID,
                greet::discover(self.introduction),
                self.probe_time(),
            ),
            _ => (
                INITIALIZE_ID,
                greet::initialize(self.introduction),
                self.hello_time(),
            ),
        };
        let asked = async {
            let replies = stdio.demux.wait(id, None, None)?;
            stdio.post(&body).await?;
            self.response(replies).await
        };
        let answer = tokio::time::timeout(time, asked).await;
        let answer = answer.unwrap_or(Err(Fault::Slow));
        let answer = answer.map_err(|fault| match way {
            Way::Modern => no_probe(fault),
            _ => no(fault),
        })?;
        let hello = match way {
            Way::Modern => heard(greet::discovered(&answer))?,
            _ => heard(greet::initialized(&answer))?,
        };
        if hello.era == Era::Legacy {
            self.set_batches(&stdio.demux, &hello);
            stdio.post(INITIALIZED).await.map_err(No::Final)?;
        }
        Ok(hello)
    }
}

/// What an answer to a greeting means for the attempt.
fn heard(said: Said) -> Result<Hello, No> {
    match said {
        Said::Hello(hello) => Ok(hello),
        Said::OtherRevision { legacy: true } => Err(No::Other(Fault::NoCommonRevision)),
        Said::OtherRevision { legacy: false } | Said::Again => {
            Err(No::Final(Fault::NoCommonRevision))
        }
        // `initialize` is not known to a modern server, and `server/discover` may need what was not sent.
        Said::ModernNo | Said::No => Err(No::Other(Fault::NoHello)),
    }
}

/// What a fault means for the attempt: whether it may be about the way.
fn no(fault: Fault) -> No {
    match fault {
        Fault::Refused {
            status: 401 | 403 | 407 | 408 | 429 | 502 | 503 | 504,
        } => No::Final(fault),
        Fault::Refused { .. } | Fault::Garbled | Fault::Broke | Fault::NoHello => No::Other(fault),
        fault => No::Final(fault),
    }
}

/// The same for `server/discover`, to which a legacy server may say nothing at all.
fn no_probe(fault: Fault) -> No {
    match fault {
        Fault::Slow => No::Other(fault),
        fault => no(fault),
    }
}

/// Visible ASCII (2025-11-25, §Session Management).
fn is_session_id(id: &HeaderValue) -> bool {
    !id.is_empty() && id.as_bytes().iter().all(u8::is_ascii_graphic)
}
