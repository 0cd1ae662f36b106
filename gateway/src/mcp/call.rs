//! One request of an agent to one server, until it is answered.
//!
//! Everything that crosses is judged: the request, what the server says meanwhile, what it asks, its answer.

use super::background::Judged;
use super::catalogue;
use super::door::Door;
use super::input::needs_input;
use super::link::Link;
use super::modern::{self, Introduced};
use super::outbox::Outbox;
use super::own;
use super::readdress::{self, replace};
use super::session::{AnswerTo, Asked, Parked, Session};
use super::upstream::{self, Connection, Fault, Replies};
use crate::compression::Wish;
use crate::config::{Reach, TrustFile};
use crate::edge::account::Account;
use crate::edge::failure::{Failure, RpcFault};
use crate::state::State;
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use sallyport_exchange::json::string::quoted;
use sallyport_exchange::json::{Tape, Value};
use sallyport_exchange::mcp::{Code, Era, Message, Method, Place, Shape};
use sallyport_exchange::{Dialect, Flow, Kind, PartId, Payload};
use sallyport_policy::{Cleared, Terms};
use std::sync::Arc;
use tokio::sync::{oneshot, watch};

/// How often a server may come back with `input_required` for one call of a legacy agent.
const ROUNDS_MAX: usize = 16;

/// One request to one server.
pub struct Call<'a> {
    /// Whose.
    pub session: &'a Arc<Session>,
    /// What was configured when it came.
    pub state: &'a Arc<State>,
    /// What is known of it.
    pub account: &'a mut Account,
    /// Where messages go that come before the answer.
    pub out: &'a Arc<Outbox>,
    /// To which server.
    pub link: Arc<Link>,
    /// How a modern agent introduced itself in this request.
    pub introduced: Option<Introduced>,
    /// Headers that mirror arguments, as the agent sent them; `None`: it had no list that demands them.
    pub sent_params: Option<Vec<(HeaderName, HeaderValue)>>,
    /// Whether the names of the gateway's own tools are taken, so that no server's tool may have one.
    pub reserved: bool,
    /// Turns true when the agent wants it no more.
    pub cancelled: watch::Receiver<bool>,
    /// In which form the team wishes to read the answer.
    pub wish: Wish,
}

/// The agent's request.
pub struct Request {
    /// Its body: one message.
    pub payload: Payload,
    /// Its envelope.
    pub message: Message,
    /// What it names, as the server knows it; `None` where it names nothing.
    pub name: Option<String>,
}

/// A complete answer.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status for an agent of the modern era.
    pub status: u16,
    /// The message.
    pub message: Cleared,
}

impl Call<'_> {
    /// Sends a request and waits for its answer, which carries the agent's own id.
    pub async fn run(&mut self, request: &Request) -> Result<Answer, Failure> {
        let terms = self.terms(request).await?;
        let judged = self.judged(
            request.message.method,
            &request.message.method_name,
            &request.name,
        );
        let ruling = self.state.engine.judge_message(
            &judged.exchange(request.message.method.operation()),
            Flow::Request,
            &request.payload,
            &terms,
        );
        self.account.request(&ruling, &request.payload);
        self.account.settings(&ruling.settings);
        self.wish(&ruling.settings);
        let cleared = ruling.clear()?;
        if let Some(parked) = self.taken_up(request).await? {
            return self.go_on(request, parked, &cleared).await;
        }
        let params = self.check_arguments(request, &cleared).await?;
        // A server that forgot the session has not run the call: it is sent once more in a new one.
        match self.send(request, &cleared, &params).await {
            Err(Failure::ToolServer(Fault::SessionGone | Fault::Closed)) => {
                self.link.drop_connection().await;
                self.send(request, &cleared, &params).await
            }
            done => done,
        }
    }

    /// Notes what is asked for, and where.
    pub fn begin(&mut self, request: &Request) {
        let message = &request.message;
        let judged = self.judged(message.method, &message.method_name, &request.name);
        let exchange = judged.exchange(message.method.operation());
        self.account
            .exchange(&exchange, &self.link.server.config.name);
    }

    pub(super) fn judged(&self, method: Method, name: &str, target: &Option<String>) -> Judged {
        Judged {
            session: self.session.clone(),
            id: self.account.id.clone(),
            now_ns: self.account.began_ns,
            server: self.link.server.config.name.clone(),
            method: match method {
                Method::Other => name.into(),
                method => method.as_str().into(),
            },
            name: target.as_deref().map(Into::into),
        }
    }

    /// What a tool call is judged with beside its own words: the offer it answers to.
    async fn terms(&mut self, request: &Request) -> Result<Terms, Failure> {
        let mut terms = Terms::default();
        let Some(tool) = request.name.as_deref() else {
            return Ok(terms);
        };
        if self.reserved && own::is_reserved(tool) {
            terms.hidden.push(tool.to_owned());
        }
        let engine = &self.state.engine;
        let needs = engine.policy().needs(&self.session.caller.team);
        let pinned = self.state.pins.is_some();
        if request.message.method != Method::ToolsCall || !(needs.tools || pinned) {
            return Ok(terms);
        }
        let catalogue = catalogue::load(&self.link, self.session).await?;
        let offer = catalogue
            .tool(tool)
            .ok_or_else(|| catalogue::unknown(tool))?;
        if let Some(pins) = &self.state.pins {
            let held = pins.held_of(&self.link.server.config.name, &catalogue);
            terms.hidden.extend(held.has(tool).then(|| tool.to_owned()));
        }
        terms.offer = Some(offer.json.clone());
        Ok(terms)
    }

    /// Checks the arguments of a tool call against the offered schema, and gives the headers that mirror them.
    async fn check_arguments(
        &mut self,
        request: &Request,
        cleared: &Cleared,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, Failure> {
        if request.message.method != Method::ToolsCall {
            return Ok(Vec::new());
        }
        let catalogue = catalogue::load(&self.link, self.session).await?;
        let name = request.name.as_deref().unwrap_or_default();
        let Some(tool) = catalogue.tool(name) else {
            // The list may be older than the tool: once more.
            self.link.forget_catalogue();
            let catalogue = catalogue::load(&self.link, self.session).await?;
            return match catalogue.tool(name) {
                Some(tool) => self.checked(tool, request, cleared),
                None => Err(catalogue::unknown(name)),
            };
        };
        self.checked(tool, request, cleared)
    }

    fn checked(
        &self,
        tool: &catalogue::Tool,
        request: &Request,
        cleared: &Cleared,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, Failure> {
        let came = arguments(request.payload.source());
        let leaves = arguments(cleared.as_str());
        let strict = self.link.server.config.trust == TrustFile::Untrusted;
        tool.check(&leaves, strict).map_err(|mistakes| {
            Failure::BadArguments(format!("The arguments do not fit the tool: {mistakes}."))
        })?;
        if let (Some(_), Some(sent)) = (&self.introduced, &self.sent_params) {
            modern::check_params(sent, &tool.param_headers(&came)).map_err(Failure::Rpc)?;
        }
        // Only what mirrors a judged argument: anything else would be words that nobody has looked at.
        Ok(tool.param_headers(&leaves))
    }

    async fn send(
        &mut self,
        request: &Request,
        cleared: &Cleared,
        params: &[(HeaderName, HeaderValue)],
    ) -> Result<Answer, Failure> {
        let connection = self.link.connection(self.session).await?;
        let mut extra = String::new();
        for _ in 0..ROUNDS_MAX {
            let (id, token, body) = self.addressed(cleared, &connection, &extra)?;
            let method = &request.message.method_name;
            let named = request.message.method.is_named_in_header();
            // As it leaves, for it may be masked.
            let name = Message::read(body.as_str())?.name.filter(|_| named);
            let name = name.and_then(|name| name.text());
            let (edge, server) = (&self.session.edge, &self.link.server.config);
            edge.recorded(self.state, self.account, &body, server.audit_failure)
                .await?;
            self.account.peer(self.link.as_peer());
            self.account.sent();
            let asked = connection.request(upstream::Call {
                id,
                token,
                lasts: request.message.method == Method::Listen,
                headers: self.headers(method, name.as_deref(), params),
                body: body.into_bytes(),
            });
            let mut cancelled = self.cancelled.clone();
            let replies = tokio::select! {
                biased;
                replies = asked => replies?,
                () = wanted_no_more(&mut cancelled) => {
                    self.cancel(&connection, id).await;
                    return Err(Failure::AgentLeft);
                }
            };
            let ended = self.answered(request, &connection, replies, id).await?;
            match ended {
                Ended::Answer(answer) => return Ok(answer),
                Ended::NeedsInput(result) => {
                    extra = self.bring_input(request, &result).await?;
                }
            }
        }
        Err(Failure::Rpc(RpcFault::answer(
            Code::Unavailable,
            "The tool server asked for input too often.",
        )))
    }

    /// The request as the server gets it: under our id, with our token, by its own names, in its own era.
    fn addressed(
        &self,
        cleared: &Cleared,
        connection: &Connection,
        extra: &str,
    ) -> Result<(u64, Option<String>, Cleared), Failure> {
        let id = self.link.number();
        let text = cleared.as_str();
        let message = Message::read(text)?;
        let token = message.progress_token.as_ref().map(|_| id.to_string());
        let edits = readdress::apply(text, |edits, root| {
            if let Some(place) = &message.id {
                replace(edits, place, &id.to_string());
            }
            if let (Some(place), Some(token)) = (&message.progress_token, &token) {
                replace(edits, place, token);
            }
            if message.method == Method::Complete {
                self.own_reference(edits, root);
            }
            let mut meta = Vec::new();
            if connection.hello().era == Era::Modern && !readdress::has_modern_meta(root) {
                let introduction = self.link.introduction(self.session);
                let members = readdress::modern_meta(
                    connection.hello().revision.as_str(),
                    &introduction.client_info,
                    &introduction.capabilities,
                );
                meta.push(members);
            }
            if let Some(trace) = self.account.trace() {
                meta.extend(readdress::onward(edits, root, trace));
            }
            if !meta.is_empty() {
                readdress::add_meta(edits, root, &meta.join(","));
            }
            if let (false, Some(params)) = (extra.is_empty(), root.member("params")) {
                readdress::add_last_members(edits, params, extra);
            }
        });
        let edits = edits.ok_or(Failure::UpstreamGarbled)?;
        Ok((id, token, cleared.clone().readdressed(&edits)))
    }

    /// Passes on what comes until the answer is there.
    async fn answered(
        &mut self,
        request: &Request,
        connection: &Connection,
        mut replies: Replies,
        upstream_id: u64,
    ) -> Result<Ended, Failure> {
        let mut cancelled = self.cancelled.clone();
        let mut pauses = replies.pauses();
        if replies.is_stream() {
            self.out.set_streamed();
        }
        loop {
            let reply = tokio::select! {
                biased;
                reply = replies.next() => reply,
                Ok(()) = pauses.changed() => {
                    self.out.pause(*pauses.borrow_and_update());
                    continue;
                }
                () = wanted_no_more(&mut cancelled) => {
                    self.cancel(connection, upstream_id).await;
                    return Err(Failure::AgentLeft);
                }
            };
            let bytes = reply.ok_or(Fault::Broke)??;
            self.account.first_byte();
            let text = std::str::from_utf8(&bytes).map_err(|_| Fault::Garbled)?;
            let message = Message::read(text).map_err(|_| Fault::Garbled)?;
            match message.shape {
                Shape::Notification => self.notification(request, bytes, &message),
                Shape::Request if self.introduced.is_some() => {
                    let judged = self.judged(message.method, &message.method_name, &None);
                    let question = judged
                        .admitted(self.state, self.account, connection, bytes, &message)
                        .await;
                    if let Some(question) = question {
                        let waits = (connection.clone(), replies, upstream_id);
                        return self.park(request, waits, question).map(Ended::Answer);
                    }
                }
                Shape::Request => self.question(request, connection, bytes, &message).await,
                Shape::Result | Shape::Error => {
                    let era = connection.hello().era;
                    return self.end(request, bytes, era, replies.status());
                }
            }
        }
    }

    async fn cancel(&self, connection: &Connection, upstream_id: u64) {
        let is_http = matches!(self.link.server.config.reach, Reach::Address(_));
        if connection.hello().era == Era::Modern && is_http {
            return; // The connection is closed, which says it all.
        }
        let body = format!(
            "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{{\"requestId\":{upstream_id},\"reason\":\"The agent cancelled.\"}}}}"
        );
        let _ = connection.post(body.into()).await;
    }

    /// Progress and log messages: judged, and passed on under the agent's own token.
    fn notification(&mut self, request: &Request, bytes: Bytes, message: &Message) {
        let judged = self.judged(message.method, &message.method_name, &None);
        let Some(cleared) = judged.notification(self.state, self.account, bytes) else {
            return;
        };
        let own = request.message.progress_token.as_ref();
        let listener = request.message.id.as_ref();
        self.out
            .push(judged.for_agent(cleared, |edits, message: &Message| {
                if let (Some(place), Some(own)) = (&message.progress_token, own) {
                    replace(edits, place, &own.raw);
                }
                if let (Some(place), Some(listener)) = (&message.subscription, listener) {
                    replace(edits, place, &listener.raw);
                }
            }));
    }

    /// A question of a server to a legacy agent: judged, and asked under an id of ours.
    async fn question(
        &mut self,
        _request: &Request,
        connection: &Connection,
        bytes: Bytes,
        message: &Message,
    ) {
        let judged = self.judged(message.method, &message.method_name, &None);
        if let Some(question) = judged
            .question(self.state, self.account, connection, bytes, message)
            .await
        {
            self.out.push(question);
        }
    }

    /// The answer: judged, and given the agent's own id.
    fn end(
        &mut self,
        request: &Request,
        bytes: Bytes,
        era: Era,
        status: u16,
    ) -> Result<Ended, Failure> {
        self.account.received();
        let operation = request.message.method.operation();
        let payload = Dialect::Mcp.read_answer(operation, bytes);
        let payload = payload.map_err(|_| Fault::Garbled)?;
        let judged = self.judged(
            request.message.method,
            &request.message.method_name,
            &request.name,
        );
        let terms = self.list_terms(request, &payload);
        let ruling = self.state.engine.judge_message(
            &judged.exchange(operation),
            Flow::Answer,
            &payload,
            &terms,
        );
        self.account.answer(&ruling, &payload);
        let cleared = ruling.clear()?;
        if era == Era::Modern && self.introduced.is_none() && needs_input(cleared.as_str()) {
            return Ok(Ended::NeedsInput(cleared));
        }
        let cleared = match needs_input(cleared.as_str()) {
            true => self.may_ask(cleared)?,
            false => self.made_small(request, cleared),
        };
        let own = request.message.id.as_ref();
        let message = self.to_agent(request.message.method, era, cleared, own)?;
        Ok(Ended::Answer(Answer { status, message }))
    }

    /// In a list of tools: which are held back because they are not what was pinned.
    fn list_terms(&self, request: &Request, payload: &Payload) -> Terms {
        let mut terms = Terms::default();
        if request.message.method != Method::ToolsList {
            return terms;
        }
        let offers: Vec<(PartId, &str)> = payload
            .of_kind(Kind::ToolOffer)
            .map(|(id, part)| (id, part.json.map_or("", |json| payload.text(json))))
            .collect();
        let declarations: Vec<&str> = offers.iter().map(|(_, json)| *json).collect();
        if self
            .link
            .catalogue()
            .is_some_and(|c| !c.has_all(&declarations))
        {
            // The server offers something else by now: calls must be held to that.
            self.link.forget_catalogue();
        }
        terms.hidden = catalogue::ambiguous(payload);
        if self.reserved {
            terms.hidden.extend(own::posing(payload));
        }
        let Some(pins) = self.state.pins.as_ref() else {
            return terms;
        };
        let server = &self.link.server.config.name;
        terms.hidden.extend(pins.held_back(server, &declarations));
        for (id, json) in offers {
            terms.found.extend(pins.findings(server, id, json));
        }
        terms
    }

    /// An answer as the agent gets it: under its id, with names it knows, in its era.
    fn to_agent(
        &self,
        method: Method,
        era: Era,
        cleared: Cleared,
        own: Option<&Place>,
    ) -> Result<Cleared, Failure> {
        let message = Message::read(cleared.as_str()).map_err(|_| Fault::Garbled)?;
        let edits = readdress::apply(cleared.as_str(), |edits, root| {
            if let (Some(place), Some(own)) = (&message.id, own) {
                replace(edits, place, &own.raw);
            }
            if let (Some(place), Some(own)) = (&message.subscription, own) {
                replace(edits, place, &own.raw);
            }
            let Some(result) = root.member("result") else {
                return;
            };
            readdress::keep_private(edits, result);
            if self.introduced.is_some() {
                readdress::modernise(edits, method, result, era);
            }
            if self.session.door == Door::All {
                readdress::share(edits, &self.link.server.config.name, method, result);
            }
        });
        Ok(cleared.readdressed(&edits.ok_or(Fault::Garbled)?))
    }

    /// Asks a legacy agent for what a modern server needs; gives the members for the next try.
    async fn bring_input(
        &mut self,
        request: &Request,
        result: &Cleared,
    ) -> Result<String, Failure> {
        let tape = Tape::read_str(result.as_str()).map_err(|_| Fault::Garbled)?;
        let content = tape.root().member("result");
        let requests = content.and_then(|c| c.member("inputRequests"));
        let state = content.and_then(|c| c.member("requestState"));
        let mut answers = Vec::new();
        for (key, input) in requests.and_then(Value::members).into_iter().flatten() {
            let answer = self.bring_one(request, input).await?;
            answers.push(format!("{}:{answer}", key.raw()));
        }
        let mut members = vec![format!("\"inputResponses\":{{{}}}", answers.join(","))];
        members.extend(state.map(|s| format!("\"requestState\":{}", s.raw())));
        Ok(members.join(","))
    }

    async fn bring_one(&mut self, _request: &Request, input: Value<'_>) -> Result<String, Failure> {
        let name = input
            .member("method")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let method = Method::of(&name);
        if !method.operation().is_asked_by_server() {
            return Err(Fault::Garbled.into());
        }
        let params = input.member("params").map_or("{}", Value::raw);
        let (sender, receiver) = oneshot::channel();
        let asked = Asked {
            server: self.link.server.config.name.clone(),
            operation: method.operation(),
            to: AnswerTo::Call(sender),
        };
        let id = self.session.ask(asked).ok_or(Fault::Busy)?;
        let body = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":{},\"params\":{params}}}",
            quoted(&name)
        );
        let judged = self.judged(method, &name, &None);
        let cleared = judged.asked(self.state, self.account, body.into(), method)?;
        self.out
            .push(judged.for_agent(cleared, |_, _: &Message| {}));
        let mut cancelled = self.cancelled.clone();
        let answer = tokio::select! {
            answer = receiver => answer.ok(),
            () = wanted_no_more(&mut cancelled) => return Err(Failure::AgentLeft),
        };
        match answer {
            Some(Ok(result)) => Ok(result),
            _ => Err(Failure::Rpc(RpcFault::answer(
                Code::InvalidRequest,
                "The agent did not bring what the tool server asked for.",
            ))),
        }
    }

    /// A legacy server asks, but a modern agent takes no questions: the call waits, and the agent is told to
    /// come again with the answer (2026-07-28, Multi Round-Trip Requests).
    fn park(
        &mut self,
        request: &Request,
        (connection, replies, upstream_id): (Connection, Replies, u64),
        question: Cleared,
    ) -> Result<Answer, Failure> {
        let message = Message::read(question.as_str()).map_err(|_| Fault::Garbled)?;
        let server_id = message.id.as_ref().map_or("null", |id| &id.raw).to_owned();
        let tape = Tape::read_str(question.as_str()).map_err(|_| Fault::Garbled)?;
        let params = tape.root().member("params").map_or("{}", Value::raw);
        let key = "input";
        let parked = Parked::new(
            digest(request),
            self.link.server.config.name.clone(),
            replies,
            connection,
            (key.to_owned(), server_id, upstream_id),
        );
        let word = self.session.park(parked).ok_or(Fault::Busy)?;
        let id = request.message.id.as_ref().map_or("null", |id| &id.raw);
        let body = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"resultType\":\"input_required\",\"inputRequests\":{{\"{key}\":{{\"method\":{},\"params\":{params}}}}},\"requestState\":\"{word}\"}}}}",
            quoted(&message.method_name)
        );
        Ok(Answer {
            status: 200,
            message: question.reshaped(body.into()),
        })
    }

    /// The parked call that a retry takes up, if it names one.
    async fn taken_up(&self, request: &Request) -> Result<Option<Parked>, Failure> {
        if self.introduced.is_none() || !request.message.method.may_need_input() {
            return Ok(None);
        }
        let tape = Tape::read_str(request.payload.source())?;
        let params = tape.root().member("params");
        let state = params.and_then(|p| p.member("requestState"));
        let Some(word) = state.and_then(Value::as_str) else {
            return Ok(None);
        };
        let unknown = || {
            Failure::Rpc(RpcFault::answer(
                Code::InvalidParams,
                "`requestState` is not that of this request, or was used already.",
            ))
        };
        match self.session.unpark(&word) {
            Some(parked)
                if parked.digest == digest(request)
                    && parked.server == self.link.server.config.name =>
            {
                Ok(Some(parked))
            }
            Some(_) => Err(unknown()),
            // The state of a modern server: only that server can tell. A legacy one has none, and would only run
            // the call once more.
            None => match self.link.connection(self.session).await?.hello().era {
                Era::Modern => Ok(None),
                Era::Legacy => Err(unknown()),
            },
        }
    }

    /// Gives a legacy server what it asked for, and waits on.
    async fn go_on(
        &mut self,
        request: &Request,
        parked: Parked,
        cleared: &Cleared,
    ) -> Result<Answer, Failure> {
        let tape = Tape::read_str(cleared.as_str())?;
        let params = tape.root().member("params");
        let (key, server_id, upstream_id) = &parked.question;
        let answers = params.and_then(|p| p.member("inputResponses"));
        let answer = answers.and_then(|a| a.member(key)).ok_or_else(|| {
            Failure::Rpc(RpcFault::answer(
                Code::InvalidParams,
                "`inputResponses` holds no answer to what was asked.",
            ))
        })?;
        let body = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{server_id},\"result\":{}}}",
            answer.raw()
        );
        let body = cleared.clone().reshaped(body.into());
        let (edge, server) = (&self.session.edge, &self.link.server.config);
        edge.recorded(self.state, self.account, &body, server.audit_failure)
            .await?;
        parked.connection.post(body.into_bytes()).await?;
        match self
            .answered(request, &parked.connection, parked.replies, *upstream_id)
            .await?
        {
            Ended::Answer(answer) => Ok(answer),
            Ended::NeedsInput(_) => Err(Fault::Garbled.into()),
        }
    }
}

/// How a try ended.
enum Ended {
    Answer(Answer),
    NeedsInput(Cleared),
}

/// Waits until the agent wants the call no more.
pub async fn wanted_no_more(cancelled: &mut watch::Receiver<bool>) {
    let told = cancelled.wait_for(|cancelled| *cancelled).await.map(drop);
    if told.is_err() {
        // Nobody is left who could cancel.
        std::future::pending::<()>().await;
    }
}

/// The arguments of a call, as JSON.
fn arguments(body: &str) -> String {
    let tape = Tape::read_str(body).ok();
    let arguments = tape.as_ref().and_then(|tape| {
        let params = tape.root().member("params")?;
        Some(params.member("arguments")?.raw().to_owned())
    });
    arguments.unwrap_or_else(|| "{}".to_owned())
}

/// What a call is, so that a retry can be known for the same: method, name and arguments.
fn digest(request: &Request) -> [u8; 32] {
    super::request::digest([
        request.message.method.as_str(),
        request.name.as_deref().unwrap_or_default(),
        &arguments(request.payload.source()),
    ])
}
