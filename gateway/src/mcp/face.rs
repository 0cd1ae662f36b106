//! The agents' side: one HTTP request at a door, from its head to the last byte of its answer.

use super::door::{Door, Heads, check_origin};
use super::modern::{self, Introduced};
use super::outbox::{EventId, Outbox};
use super::own::Own;
use super::request::{Asking, initialize, request};
use super::response;
use super::session::{Full, Session};
use super::write;
use crate::authorization;
use crate::edge::account::Account;
use crate::edge::body::{self, BodyLimits};
use crate::edge::failure::{Failure, RpcFault};
use crate::edge::{Edge, reply};
use crate::state::State;
use bytes::Bytes;
use http::Method as Verb;
use pingora_core::protocols::http::ServerSession;
use sallyport_exchange::json::Tape;
use sallyport_exchange::mcp::{Code, Era, Message, Method, Revision, Shape, Side, envelopes};
use sallyport_exchange::{Caller, Dialect, Reply};
use std::sync::Arc;

/// One HTTP request at a door.
pub struct Visit<'a> {
    /// The gateway.
    pub edge: &'a Edge,
    /// What was configured when it came.
    pub state: &'a Arc<State>,
    /// Who asks.
    pub caller: Caller,
    /// Which servers.
    pub door: Door,
    /// What its headers say of the protocol.
    pub heads: Heads,
}

/// Serves one request, and writes its record. Failures are told as JSON-RPC errors.
pub async fn serve(
    edge: &Edge,
    session: &mut ServerSession,
    state: &Arc<State>,
    door: Door,
    mut account: Account,
) {
    account.speaks(Dialect::Mcp);
    let visited = async {
        check_origin(&session.req_header().headers, &state.config)?;
        let shown = authorization::identify(session.req_header(), state, &door).await?;
        account.caller(&shown.caller);
        find_server(state, &shown.caller, &door)?;
        authorization::check_scopes(&shown, state, &door)?;
        let heads = Heads::read(&session.req_header().headers)?;
        Ok(Visit {
            edge,
            state,
            caller: shown.caller,
            door,
            heads,
        })
    };
    let ended = match visited.await {
        Ok(visit) => match session.req_header().method {
            Verb::POST => Box::pin(visit.post(session, account)).await,
            Verb::GET => Box::pin(visit.get(session, account)).await,
            _ => visit.delete(session, account).await,
        },
        Err(failure) => Err((failure, account)),
    };
    if let Err((failure, mut account)) = ended {
        account.fail(&failure);
        if failure.agent_listens() {
            reply::fail(session, &failure, &mut account).await;
        } else {
            session.set_keepalive(None);
        }
        edge.settle(account, state);
    }
}

/// What went wrong, and the account that tells of it.
type Ended = Result<(), (Failure, Account)>;

/// A door to one server opens for the teams that see it.
fn find_server(state: &State, caller: &Caller, door: &Door) -> Result<(), Failure> {
    let known = match door {
        Door::All => !state.servers_of(&caller.team).is_empty(),
        Door::One(name) => state
            .servers_of(&caller.team)
            .iter()
            .any(|server| server.config.name == *name),
    };
    known.then_some(()).ok_or(Failure::NoToolServer)
}

impl Visit<'_> {
    async fn post(&self, session: &mut ServerSession, mut account: Account) -> Ended {
        let limits = BodyLimits {
            bytes: self.state.config.limits.body,
            ratio: self.state.config.limits.decoded_ratio,
            time: self.state.config.timeouts.request_body,
        };
        if self.heads.accepts == (false, false) {
            return Err((not_acceptable(), account));
        }
        let body = match body::read_json(session, limits).await {
            Ok(body) => body,
            Err(failure) => return Err((failure, account)),
        };
        let old = old_session(session);
        let asking = match self.understand(session, &body, old.as_deref()).await {
            Ok(asking) => asking,
            Err((failure, id)) => {
                account.fail(&failure);
                let id = id.as_deref().unwrap_or("null");
                write::failure(session, &failure, id, &mut account).await;
                self.edge.settle(account, self.state);
                return Ok(());
            }
        };
        match asking {
            Understood::Batch(session_of, messages) => {
                self.batch(session, session_of, messages, account).await
            }
            Understood::Initialize(message) => {
                let asking = self.asking(None, body, message, None, session);
                self.initialize(session, asking, account, old).await
            }
            Understood::Message(session_of, message, introduced) => {
                let of = session_of.clone();
                let asking = self.asking(Some(session_of), body, message, introduced, session);
                match asking.message.shape {
                    Shape::Request => self.request(session, of, asking, account).await,
                    _ => {
                        let told = response::take(asking, account).await;
                        write::accepted(session, told).await;
                        Ok(())
                    }
                }
            }
        }
    }

    fn asking(
        &self,
        session: Option<Arc<Session>>,
        body: Bytes,
        message: Message,
        introduced: Option<Introduced>,
        http: &ServerSession,
    ) -> Asking {
        Asking {
            edge: self.edge.clone(),
            state: self.state.clone(),
            caller: self.caller.clone(),
            door: self.door.clone(),
            session,
            body,
            message,
            introduced,
            sent_params: Some(modern::sent_params(&http.req_header().headers)),
            own: Own::default(),
            span: None,
        }
    }

    /// What a body is, and whose. Whatever is wrong is told under the request's own id where it can be read.
    async fn understand(
        &self,
        session: &ServerSession,
        body: &Bytes,
        old: Option<&str>,
    ) -> Result<Understood, (Failure, Option<String>)> {
        let text = std::str::from_utf8(body).map_err(|_| (unreadable(), None))?;
        let tape = Tape::read_str(text).map_err(|error| (Failure::Malformed(error), None))?;
        let root = tape.root();
        if root.elements().is_some() {
            return self
                .understand_batch(text)
                .map_err(|failure| (failure, None));
        }
        let id = root
            .member("id")
            .filter(|id| id.raw().len() < 256 && (id.content().is_some() || id.as_u64().is_some()))
            .map(|id| id.raw().to_owned());
        let with_id = |failure: Failure| (failure, id.clone());
        let message = Message::of(root).map_err(|error| with_id(invalid(error.to_string())))?;
        if modern::is_modern(root, &self.heads) {
            let headers = &session.req_header().headers;
            let introduced = modern::check(root, &message, &self.heads, headers)
                .map_err(|fault| with_id(Failure::Rpc(fault)))?;
            if message.shape != Shape::Request {
                return Err(with_id(invalid(
                    "Over HTTP only requests are sent in this revision.",
                )));
            }
            check_modern_method(message.method).map_err(with_id)?;
            check_direction(&message).map_err(with_id)?;
            let session = self.modern_session(&introduced).map_err(with_id)?;
            return Ok(Understood::Message(session, message, Some(introduced)));
        }
        check_direction(&message).map_err(with_id)?;
        if message.method == Method::Initialize {
            return Ok(Understood::Initialize(message));
        }
        if message.method == Method::Discover || message.method == Method::Listen {
            return Err(with_id(Failure::Rpc(RpcFault::bad_request(
                Code::InvalidParams,
                "`params._meta` must name the protocol version.",
            ))));
        }
        let session = self.legacy_session(old).map_err(with_id)?;
        Ok(Understood::Message(session, message, None))
    }

    fn understand_batch(&self, text: &str) -> Result<Understood, Failure> {
        let session = self.legacy_session(None)?;
        if self.heads.is_modern() || !session.revision().has_batches() {
            return Err(invalid("This revision of the protocol has no batches."));
        }
        let spans = envelopes(text)?;
        let mut messages = Vec::new();
        for span in spans {
            let body = Bytes::copy_from_slice(&text.as_bytes()[span.range()]);
            let one = std::str::from_utf8(&body).unwrap_or_default();
            let message = Message::read(one)?;
            if message.method == Method::Initialize {
                return Err(invalid("`initialize` must not be part of a batch."));
            }
            check_direction(&message)?;
            messages.push((body, message));
        }
        Ok(Understood::Batch(session, messages))
    }

    /// The session that the header names; only its own caller's.
    fn legacy_session(&self, old: Option<&str>) -> Result<Arc<Session>, Failure> {
        if let Some(Err(_)) = self.heads.revision() {
            return Err(invalid("This protocol version is not spoken here."));
        }
        let Some(id) = old.or(self.heads.session.as_deref()) else {
            return Err(invalid(
                "The header `Mcp-Session-Id` is missing. Begin with `initialize`.",
            ));
        };
        self.edge
            .tools
            .sessions
            .find(id, &self.caller, &self.door)
            .ok_or_else(no_session)
    }

    /// A modern agent has no session; what it needs at legacy servers is kept by who it is and what it can do.
    fn modern_session(&self, introduced: &Introduced) -> Result<Arc<Session>, Failure> {
        let id = super::request::modern_id(&self.caller, &self.door, introduced);
        let sessions = &self.edge.tools.sessions;
        if let Some(session) = sessions.find(&id, &self.caller, &self.door) {
            return Ok(session);
        }
        let introduction = super::upstream::Introduction {
            prefer: Era::Modern,
            revision: None,
            client_info: introduced.client_info.clone(),
            capabilities: introduced.capabilities.clone(),
        };
        sessions
            .open(
                self.edge,
                Some(id.into()),
                &self.caller,
                &self.door,
                introduced.revision,
                introduction,
            )
            .ok_or_else(too_many_sessions)
    }

    async fn initialize(
        &self,
        http: &mut ServerSession,
        asking: Asking,
        mut account: Account,
        old: Option<String>,
    ) -> Ended {
        let waiting = old
            .as_deref()
            .and_then(|id| self.edge.tools.waiting.take(id, &self.caller));
        let id = asking.own_id();
        match initialize(asking, &mut account, old.zip(waiting)).await {
            Ok((session, body)) => {
                account.complete();
                match session.is_old() {
                    true => {
                        session.main.push(body);
                        write::accepted(http, Ok(account.id.clone())).await;
                    }
                    false => write::begun(http, body, &session, &mut account).await,
                }
            }
            Err(failure) => {
                account.fail(&failure);
                write::failure(http, &failure, &id, &mut account).await;
            }
        }
        self.edge.settle(account, self.state);
        Ok(())
    }

    /// A request: it runs in a task of its own, for a legacy agent that hangs up has not cancelled it.
    async fn request(
        &self,
        http: &mut ServerSession,
        session: Arc<Session>,
        asking: Asking,
        mut account: Account,
    ) -> Ended {
        let id = asking.own_id();
        let key = match asking.introduced {
            // Modern ids are unique only within their own request.
            Some(_) => format!("{}#{id}", session.number()),
            None => id.clone(),
        };
        let (under_way, cancelled) = match session.begin(&key) {
            Ok(begun) => begun,
            Err(full) => {
                let failure = full_up(full);
                account.fail(&failure);
                write::failure(http, &failure, &id, &mut account).await;
                self.edge.settle(account, self.state);
                return Ok(());
            }
        };
        let decision = account.id.clone();
        let modern = asking.introduced.is_some();
        let old = session.is_old();
        let out = match old {
            true => session.main.clone(),
            false => session.stream(),
        };
        let reader = (!old).then(|| out.take_over());
        let task_session = session.clone();
        let task_out = out.clone();
        tokio::spawn(async move {
            request(asking, account, under_way, &task_out, cancelled).await;
            if !task_session.is_old() {
                task_out.end();
            }
        });
        let Some(reader) = reader else {
            write::accepted(http, Ok(decision)).await;
            return Ok(());
        };
        let follow = write::Follow {
            out: &out,
            reader,
            after: 0,
            decision: &decision,
            json: self.heads.accepts.0 && !self.heads.prefers_events,
            events: self.heads.accepts.1,
            ids: !modern,
            primed: !modern && session.revision() >= Revision::V2025_11_25,
            session: None,
        };
        if !follow.answer(http).await && modern {
            session.cancel(&key);
        }
        Ok(())
    }

    /// A batch: each message is judged alone; the answers come together.
    async fn batch(
        &self,
        http: &mut ServerSession,
        session: Arc<Session>,
        messages: Vec<(Bytes, Message)>,
        mut account: Account,
    ) -> Ended {
        let mut outs: Vec<(Arc<Outbox>, u64)> = Vec::new();
        for (body, message) in messages {
            let asking = self.asking(Some(session.clone()), body, message, None, http);
            let mut part = Account::begin(self.state.watching);
            part.within(account.as_parent());
            if asking.message.shape != Shape::Request {
                let _ = response::take(asking, part).await;
                continue;
            }
            let id = asking.own_id();
            let out = Arc::new(Outbox::new(session.number()));
            outs.push((out.clone(), out.take_over()));
            match session.begin(&id) {
                Ok((under_way, cancelled)) => {
                    tokio::spawn(async move {
                        request(asking, part, under_way, &out, cancelled).await;
                        out.end();
                    });
                }
                Err(full) => {
                    out.push(write::rpc(&full_up(full), &id, &part.id).1);
                    out.end();
                }
            }
        }
        account.complete();
        if outs.is_empty() {
            write::accepted(http, Ok(account.id.clone())).await;
        } else {
            let mut answers = Vec::new();
            for (out, reader) in outs {
                answers.extend(response::last(&out, reader, &session).await);
            }
            let body = [b"[".as_slice(), &answers.join(&b","[..]), b"]"].concat();
            let reply = Reply {
                status: 200,
                content_type: "application/json",
                body: body.into(),
            };
            reply::write(http, reply, &mut account).await;
        }
        self.edge.settle(account, self.state);
        Ok(())
    }

    /// The stream of a session, from its beginning or from where it broke.
    async fn get(&self, http: &mut ServerSession, mut account: Account) -> Ended {
        if self.heads.is_modern() {
            return Err((
                Failure::Unrouted(crate::route::Unrouted::WrongMethod),
                account,
            ));
        }
        if !self.heads.accepts.1 {
            return Err((not_acceptable(), account));
        }
        if self.heads.session.is_none() && self.heads.version.is_none() {
            return self.old_stream(http, account).await;
        }
        let session = match self.legacy_session(None) {
            Ok(session) => session,
            Err(failure) => return Err((failure, account)),
        };
        let from = self.heads.last_event.as_deref().map(EventId::read);
        let found = match from {
            None => Some((session.main.clone(), 0)),
            Some(Some(event)) => session
                .find_stream(event.stream)
                .map(|out| (out, event.message)),
            Some(None) => None,
        };
        let Some((out, after)) = found else {
            return Err((
                invalid("`Last-Event-ID` names no stream of this session."),
                account,
            ));
        };
        account.complete();
        let decision = account.id.clone();
        self.edge.settle(account, self.state);
        let follow = write::Follow {
            reader: out.take_over(),
            out: &out,
            after,
            decision: &decision,
            json: false,
            events: true,
            ids: true,
            primed: false,
            session: Some(&session),
        };
        follow.answer(http).await;
        Ok(())
    }

    /// The stream of the transport of 2024-11-05: its first event says where to post.
    async fn old_stream(&self, http: &mut ServerSession, mut account: Account) -> Ended {
        let Some((id, out)) = self.edge.tools.waiting.open(&self.caller) else {
            return Err((too_many_sessions(), account));
        };
        account.complete();
        let decision = account.id.clone();
        self.edge.settle(account, self.state);
        let path = match &self.door {
            Door::All => "/mcp".to_owned(),
            Door::One(server) => format!("/mcp/{server}"),
        };
        let endpoint = format!("{path}?session={id}");
        let reader = out.take_over();
        write::old_stream(http, &out, reader, &endpoint, &decision).await;
        self.edge.tools.waiting.forget(&id);
        self.edge.tools.sessions.close(&id).await;
        Ok(())
    }

    async fn delete(&self, http: &mut ServerSession, mut account: Account) -> Ended {
        if self.heads.is_modern() {
            return Err((
                Failure::Unrouted(crate::route::Unrouted::WrongMethod),
                account,
            ));
        }
        match self.legacy_session(None) {
            Ok(session) => self.edge.tools.sessions.close(&session.id).await,
            Err(failure) => return Err((failure, account)),
        }
        account.complete();
        let reply = Reply {
            status: 200,
            content_type: "application/json",
            body: Bytes::from_static(b"{}"),
        };
        reply::write(http, reply, &mut account).await;
        self.edge.settle(account, self.state);
        Ok(())
    }
}

/// What a body turned out to be.
enum Understood {
    Initialize(Message),
    Message(Arc<Session>, Message, Option<Introduced>),
    Batch(Arc<Session>, Vec<(Bytes, Message)>),
}

/// Methods that the modern era does not have (2026-07-28, changelog).
fn check_modern_method(method: Method) -> Result<(), Failure> {
    let gone = matches!(
        method,
        Method::Initialize
            | Method::Initialized
            | Method::Ping
            | Method::SetLevel
            | Method::ResourcesSubscribe
            | Method::ResourcesUnsubscribe
            | Method::CreateMessage
            | Method::Elicit
            | Method::RootsList
    );
    if !gone {
        return Ok(());
    }
    Err(Failure::Rpc(RpcFault {
        status: 404,
        ..RpcFault::bad_request(Code::MethodNotFound, "This revision has no such method.")
    }))
}

/// A request must not pose as a notification, nor the reverse: the other side might take it for what it is not.
/// And what only servers ask is not asked of them.
fn check_direction(message: &Message) -> Result<(), Failure> {
    let tells = message.method_name.starts_with("notifications/");
    match message.shape {
        Shape::Request if tells => Err(invalid("A notification has no `id`.")),
        Shape::Notification if !tells => Err(invalid("A request has an `id`.")),
        Shape::Request if message.method.side() == Side::Server => {
            Err(Failure::Rpc(RpcFault::answer(
                Code::MethodNotFound,
                "This is asked by tool servers, not of them.",
            )))
        }
        _ => Ok(()),
    }
}

/// The session that the query names: the transport of 2024-11-05.
fn old_session(session: &ServerSession) -> Option<String> {
    let query = session.req_header().uri.query()?;
    query.strip_prefix("session=").map(str::to_owned)
}

fn invalid(say: impl Into<String>) -> Failure {
    Failure::Rpc(RpcFault::bad_request(Code::InvalidRequest, say))
}

fn unreadable() -> Failure {
    Failure::Rpc(RpcFault::bad_request(Code::Parse, "The body is not UTF-8."))
}

fn not_acceptable() -> Failure {
    Failure::Rpc(RpcFault {
        status: 406,
        ..RpcFault::bad_request(
            Code::InvalidRequest,
            "`Accept` must list `application/json` and `text/event-stream`.",
        )
    })
}

fn no_session() -> Failure {
    Failure::Rpc(RpcFault {
        status: 404,
        ..RpcFault::bad_request(
            Code::InvalidRequest,
            "There is no such session (any more). Begin anew with `initialize`.",
        )
    })
}

fn too_many_sessions() -> Failure {
    Failure::Rpc(RpcFault {
        status: 503,
        ..RpcFault::bad_request(Code::Unavailable, "Too many sessions are open.")
    })
}

fn full_up(full: Full) -> Failure {
    match full {
        Full::SameId => invalid("A request with this id is already under way."),
        Full::TooMany => Failure::Rpc(RpcFault {
            status: 429,
            ..RpcFault::bad_request(Code::Unavailable, "Too many requests are under way.")
        }),
    }
}
