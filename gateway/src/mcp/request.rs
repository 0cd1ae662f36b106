//! From a request of an agent to the servers it means.

use super::background::Judged;
use super::call::{Answer, Call, Request};
use super::door::Door;
use super::greeting;
use super::listen;
use super::lists;
use super::modern::Introduced;
use super::names;
use super::outbox::Outbox;
use super::own::{self, Own, Turn};
use super::readdress::replace;
use super::session::{Session, UnderWay};
use super::upstream::{Introduction, Server};
use super::{catalogue, write};
use crate::compression::Wish;
use crate::edge::Edge;
use crate::edge::account::Account;
use crate::edge::failure::{Failure, RpcFault};
use crate::state::State;
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use sallyport_exchange::Edits;
use sallyport_exchange::json::string::quoted;
use sallyport_exchange::json::{Tape, Value};
use sallyport_exchange::mcp::{self, Code, Era, Message, Method, Revision};
use sallyport_exchange::{Caller, Dialect, Operation, RefusalKind};
use sallyport_record::TraceParent;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tokio::sync::watch;

/// A message of an agent, and all that is known of it.
pub struct Asking {
    /// The gateway.
    pub edge: Edge,
    /// What was configured when it came.
    pub state: Arc<State>,
    /// Who asks.
    pub caller: Caller,
    /// Which servers.
    pub door: Door,
    /// Within which session; `None` only for `initialize`.
    pub session: Option<Arc<Session>>,
    /// The message.
    pub body: Bytes,
    /// Its envelope.
    pub message: Message,
    /// How a modern agent introduced itself.
    pub introduced: Option<Introduced>,
    /// Headers that mirror arguments; `None`: the agent had no list that demands them.
    pub sent_params: Option<Vec<(HeaderName, HeaderValue)>>,
    /// The gateway's own tools, as far as the request is about them.
    pub own: Own,
    /// The span of this request, for what is done for it; `None`: nobody traces.
    pub span: Option<TraceParent>,
}

impl Asking {
    /// The request's id, as JSON.
    pub fn own_id(&self) -> String {
        let id = self.message.id.as_ref();
        id.map_or("null", |id| &id.raw).to_owned()
    }

    /// The servers behind this door.
    pub fn servers(&self) -> Vec<Arc<Server>> {
        let all = self.state.servers_of(&self.caller.team);
        match &self.door {
            Door::All => all,
            Door::One(name) => all
                .into_iter()
                .filter(|server| server.config.name == *name)
                .collect(),
        }
    }

    /// The agent's era.
    pub fn era(&self) -> Era {
        match self.introduced {
            Some(_) => Era::Modern,
            None => Era::Legacy,
        }
    }
}

/// The id of what is kept for a modern agent: who it is, which door, what it can do.
pub fn modern_id(caller: &Caller, door: &Door, introduced: &Introduced) -> String {
    let door = match door {
        Door::All => "",
        Door::One(server) => server,
    };
    let who: [&str; 6] = [
        &caller.team,
        &caller.agent,
        &caller.key,
        door,
        &introduced.client_info,
        &introduced.capabilities,
    ];
    // A token with other claims is another principal: what one may do must not be kept for the other.
    let labels = caller.labels.iter();
    let labels = labels.flat_map(|(key, value)| [&**key, &**value]);
    let digest = digest(who.into_iter().chain(labels));
    let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
    // No header can name it: those of legacy sessions have no colon.
    format!("modern:{hex}")
}

/// A digest of texts that keeps them apart: each goes in after its length.
pub fn digest<'t>(parts: impl IntoIterator<Item = &'t str>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}

/// Answers a request: the last message on `out` is its answer. Writes its record.
pub async fn request(
    mut asking: Asking,
    mut account: Account,
    under_way: UnderWay,
    out: &Arc<Outbox>,
    cancelled: watch::Receiver<bool>,
) {
    let session = under_way.session().clone();
    account.operation(asking.message.method.operation());
    account.session(&session.digest());
    if let Some(parent) = meant_parent(&asking) {
        account.meant_by(parent);
    }
    asking.span = account.as_parent();
    asking.own = Own::of(&asking, &account, &session);
    let answered = answer(&asking, &mut account, &session, out, cancelled).await;
    let (status, body) = match answered {
        Ok(answer) => {
            account.complete();
            let status = match asking.era() {
                Era::Modern => answer.status,
                Era::Legacy => 200,
            };
            (status, Some(answer.message))
        }
        Err(Failure::AgentLeft) => {
            account.fail(&Failure::AgentLeft);
            (200, None)
        }
        Err(failure) => {
            account.fail(&failure);
            let (status, body) = refusal(&failure, &asking, &account);
            // To a legacy agent with a session, 404 says that the session is gone.
            let status = match asking.era() {
                Era::Modern => status,
                Era::Legacy => 200,
            };
            (status, Some(body))
        }
    };
    drop(under_way);
    if let Some(body) = body {
        account.answered(status, body.len());
        account.returned(&body);
        match session.is_old() {
            true => out.push(body),
            false => out.finish(status, body),
        }
    }
    asking.edge.settle(account, &asking.state);
}

/// The span that a message names in its `_meta` (2025-11-25 and later, SEP-414).
fn meant_parent(asking: &Asking) -> Option<TraceParent> {
    let span = asking.message.meta?;
    let text = std::str::from_utf8(&asking.body).ok()?;
    let tape = Tape::read_str(text.get(span.range())?).ok()?;
    let word = |key: &str| tape.root().member(key).and_then(Value::as_str);
    TraceParent::read(&word("traceparent")?, word("tracestate").as_deref())
}

/// How a request is told that it will not be: a tool call, as a result that the model can learn from, unless the
/// team's setting `refusals` says `error`.
fn refusal(failure: &Failure, asking: &Asking, account: &Account) -> (u16, Bytes) {
    let id = asking.own_id();
    let is_call = asking.message.method == Method::ToolsCall;
    match failure {
        Failure::Denied(denial)
            if is_call && (denial.kind == RefusalKind::Steer || !account.refuses_by_error()) =>
        {
            let body = mcp::refused_result(&id, denial, &account.id, asking.era());
            (200, body)
        }
        Failure::BadArguments(say) if is_call => (200, mcp::tool_error(&id, say, asking.era())),
        Failure::BadArguments(say) => (200, mcp::error(&id, Code::InvalidParams, say, None)),
        other => {
            let (status, body) = write::rpc(other, &id, &account.id);
            let keeps_status = matches!(other, Failure::Rpc(_));
            (if keeps_status { status } else { 200 }, body)
        }
    }
}

async fn answer(
    asking: &Asking,
    account: &mut Account,
    session: &Arc<Session>,
    out: &Arc<Outbox>,
    cancelled: watch::Receiver<bool>,
) -> Result<Plain, Failure> {
    match own::turn(asking, account, session, out, &cancelled).await? {
        Turn::Theirs => theirs(asking, account, session, out, cancelled).await,
        Turn::Inner(inner) => theirs(&inner, account, session, out, cancelled).await,
        Turn::More(declaration) => {
            let answer = theirs(asking, account, session, out, cancelled).await?;
            Ok(own::with_last(answer, &declaration))
        }
        Turn::Ours(answer) => Ok(answer),
    }
}

/// The answer of the servers behind the door.
async fn theirs(
    asking: &Asking,
    account: &mut Account,
    session: &Arc<Session>,
    out: &Arc<Outbox>,
    cancelled: watch::Receiver<bool>,
) -> Result<Plain, Failure> {
    let method = asking.message.method;
    match (&asking.door, method) {
        (_, Method::Ping) => {
            may(asking, account, session)?;
            Ok(Plain::result(asking, "{}"))
        }
        (_, Method::Discover) => greeting::discover(asking, account, session).await,
        (_, Method::Listen) => listen::listen(asking, account, session, out, cancelled).await,
        (Door::All, Method::SetLevel) => {
            lists::all(asking, session, out, &cancelled).await?;
            Ok(Plain::result(asking, "{}"))
        }
        (Door::All, method) if method.list_key().is_some() => {
            lists::merged(asking, session, out, &cancelled).await
        }
        _ => {
            let (server, name) = target(asking, session).await?;
            let mut call = Call {
                session,
                state: &asking.state,
                account,
                out,
                link: session.link(&server),
                introduced: asking.introduced.clone(),
                sent_params: asking.sent_params.clone(),
                reserved: asking.own.is_on(),
                cancelled,
                wish: Wish::off(),
            };
            let request = own_request(asking, name)?;
            call.account.read(&request.payload);
            call.begin(&request);
            call.run(&request).await.map(Plain::from)
        }
    }
}

/// The request by the server's own name for what it means: policies know tools and prompts by that one name,
/// whichever door they are called through.
fn own_request(asking: &Asking, name: Option<String>) -> Result<Request, Failure> {
    let mut body = asking.body.clone();
    let mut message = asking.message.clone();
    if let (Some(place), Some(name)) = (&message.name, &name) {
        let mut edits = Edits::default();
        replace(&mut edits, place, &quoted(name));
        body = edits.apply(&body);
        message = Message::read(std::str::from_utf8(&body).unwrap_or_default())?;
    }
    Ok(Request {
        payload: Dialect::Mcp.read_request(message.method.operation(), body)?,
        message,
        name,
    })
}

/// An answer, ready to be sent.
#[derive(Debug)]
pub struct Plain {
    /// The HTTP status for an agent of the modern era.
    pub status: u16,
    /// The message.
    pub message: Bytes,
}

impl Plain {
    /// A result of the gateway's own.
    pub fn result(asking: &Asking, result: &str) -> Plain {
        let complete = match (asking.era(), result) {
            (Era::Legacy, _) => result.to_owned(),
            (Era::Modern, "{}") => "{\"resultType\":\"complete\"}".to_owned(),
            (Era::Modern, _) => format!("{{\"resultType\":\"complete\",{}", &result[1..]),
        };
        Plain {
            status: 200,
            message: Bytes::from(format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{complete}}}",
                asking.own_id()
            )),
        }
    }
}

impl From<Answer> for Plain {
    fn from(answer: Answer) -> Self {
        Plain {
            status: answer.status,
            message: answer.message.into_bytes(),
        }
    }
}

/// Whether the policies allow a request that the gateway answers itself: asked for each server behind the door;
/// one that may be used is enough.
pub fn may(
    asking: &Asking,
    account: &mut Account,
    session: &Arc<Session>,
) -> Result<Vec<Arc<Server>>, Failure> {
    let operation = asking.message.method.operation();
    let payload = Dialect::Mcp.read_request(operation, asking.body.clone())?;
    let mut allowed = Vec::new();
    let mut refused = None;
    for server in asking.servers() {
        let judged = judged(asking, account, session, &server, None);
        match judged.told(&asking.state, account, operation, &payload) {
            Ok(_) => allowed.push(server),
            Err(denial) => {
                refused.get_or_insert(denial);
            }
        }
    }
    match (allowed.is_empty(), refused) {
        (true, Some(denial)) => Err(Failure::Denied(denial)),
        (true, None) => Err(Failure::NoToolServer),
        (false, _) => Ok(allowed),
    }
}

/// What is judged, of this request at this server.
pub fn judged(
    asking: &Asking,
    account: &Account,
    session: &Arc<Session>,
    server: &Arc<Server>,
    name: Option<&str>,
) -> Judged {
    Judged {
        session: session.clone(),
        id: account.id.clone(),
        now_ns: account.began_ns,
        server: server.config.name.clone(),
        method: asking.message.method_name.as_str().into(),
        name: name.map(Into::into),
    }
}

/// The server that a request means, and what it names there.
async fn target(
    asking: &Asking,
    session: &Arc<Session>,
) -> Result<(Arc<Server>, Option<String>), Failure> {
    let named = asking.message.name.as_ref().and_then(|name| name.text());
    if let Door::One(_) = asking.door {
        let server = asking.servers().into_iter().next();
        return Ok((server.ok_or(Failure::NoToolServer)?, named));
    }
    let unknown = |what: &str| {
        Failure::Rpc(RpcFault::answer(
            Code::InvalidParams,
            format!("There is no such {what} here."),
        ))
    };
    let method = asking.message.method;
    let reference = reference(asking);
    let (server, name) = match method.name_key() {
        Some("name") => {
            let name = named.ok_or_else(|| unknown("name"))?;
            return own_name(asking, session, method, &name)
                .await?
                .map(|(server, name)| (server, Some(name)))
                .ok_or_else(|| {
                    unknown(if method == Method::ToolsCall {
                        "tool"
                    } else {
                        "prompt"
                    })
                });
        }
        Some(_) => {
            let address = named.ok_or_else(|| unknown("address"))?;
            let split = names::split_uri(&address);
            let split = split.map(|(server, own)| (server.to_owned(), Some(own.to_owned())));
            split.ok_or_else(|| unknown("address"))?
        }
        None if method == Method::Complete => {
            let reference = reference.ok_or_else(|| unknown("reference"))?;
            (reference, None)
        }
        None => {
            return Err(Failure::Rpc(RpcFault {
                status: 404,
                ..RpcFault::answer(
                    Code::MethodNotFound,
                    "This method means one server; ask it at `/mcp/{server}`.",
                )
            }));
        }
    };
    let found = asking
        .servers()
        .into_iter()
        .find(|known| *known.config.name == *server);
    Ok((found.ok_or_else(|| unknown("server"))?, name))
}

/// The server that a completion's reference names.
fn reference(asking: &Asking) -> Option<String> {
    let text = std::str::from_utf8(&asking.body).ok()?;
    let tape = Tape::read_str(text).ok()?;
    let reference = tape.root().member("params")?.member("ref")?;
    let name = reference.member("name").and_then(Value::as_str);
    let uri = reference.member("uri").and_then(Value::as_str);
    let server = match (name, uri) {
        (Some(name), None) => names::split(&name)?.0.to_owned(),
        (None, Some(uri)) => names::split_uri(&uri)?.0.to_owned(),
        _ => return None,
    };
    Some(server)
}

/// A tool's or prompt's own name. One that had to be changed for the list of all is looked up.
async fn own_name(
    asking: &Asking,
    session: &Arc<Session>,
    method: Method,
    name: &str,
) -> Result<Option<(Arc<Server>, String)>, Failure> {
    let Some((id, own)) = names::split(name) else {
        return Ok(None);
    };
    let servers = asking.servers();
    let Some(server) = servers.into_iter().find(|s| *s.config.name == *id) else {
        return Ok(None);
    };
    if names::shared(id, own) == name {
        return Ok(Some((server, own.to_owned())));
    }
    if method != Method::ToolsCall {
        return Ok(None);
    }
    let catalogue = catalogue::load(&session.link(&server), session).await?;
    let found = catalogue
        .names()
        .find(|known| names::shared(id, known) == name)
        .map(|known| known.to_string());
    Ok(found.map(|own| (server, own)))
}

/// `initialize` of a legacy agent: a session, and what the servers behind the door can do.
pub async fn initialize(
    asking: Asking,
    account: &mut Account,
    old: Option<(String, Arc<Outbox>)>,
) -> Result<(Arc<Session>, Bytes), Failure> {
    account.operation(Operation::Connect);
    let text = std::str::from_utf8(&asking.body).unwrap_or_default();
    let tape = Tape::read_str(text)?;
    let params = tape.root().member("params");
    let param = |key: &str| params.and_then(|params| params.member(key));
    let asked = param("protocolVersion").and_then(Value::as_str);
    let bad = |say: &str| Failure::Rpc(RpcFault::answer(Code::InvalidParams, say));
    let asked = asked.ok_or_else(|| bad("`protocolVersion` is missing."))?;
    let object = |key: &str| {
        let value = param(key).filter(|value| value.members().is_some());
        value.map(|value| value.raw().to_owned())
    };
    // An unknown revision is answered with the newest known one (2025-11-25, Lifecycle, Version Negotiation).
    let revision = Revision::of(&asked)
        .filter(|revision| revision.era() == Era::Legacy)
        .unwrap_or(Revision::LEGACY);
    let introduction = Introduction {
        prefer: Era::Legacy,
        revision: Some(revision),
        client_info: object("clientInfo").ok_or_else(|| bad("`clientInfo` is missing."))?,
        capabilities: object("capabilities").ok_or_else(|| bad("`capabilities` is missing."))?,
    };
    let sessions = &asking.edge.tools.sessions;
    let session = sessions
        .open_old(
            &asking.edge,
            old,
            &asking.caller,
            &asking.door,
            revision,
            introduction,
        )
        .ok_or(Failure::ToolServer(super::upstream::Fault::Busy))?;
    match greeting::greet(&asking, account, &session).await {
        Ok(body) => Ok((session, body)),
        Err(failure) => {
            sessions.close(&session.id).await;
            Err(failure)
        }
    }
}
