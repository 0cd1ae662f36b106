//! Lists of all servers as one. A server that is down, or that the team may not ask, is missing from them.

use super::call::{Call, Request};
use super::door::Door;
use super::outbox::Outbox;
use super::request::{Asking, Plain};
use super::session::Session;
use super::upstream::{Fault, Server};
use crate::compression::Wish;
use crate::edge::account::Account;
use crate::edge::failure::{Failure, RpcFault};
use sallyport_exchange::Dialect;
use sallyport_exchange::json::{Tape, Value};
use sallyport_exchange::mcp::{Code, Era, Message, Method};
use std::sync::Arc;
use tokio::sync::watch;

/// Pages of one server's list.
const PAGES_MAX: usize = 200;
/// Items of one server's list; a server with more is left out.
const ITEMS_MAX: usize = 20_000;
/// Bytes of one server's list.
const BYTES_MAX: usize = 32 << 20;

/// Asks each server; gives the items of all their lists, as JSON, with the servers that failed left out.
pub async fn merged(
    asking: &Asking,
    session: &Arc<Session>,
    out: &Arc<Outbox>,
    cancelled: &watch::Receiver<bool>,
) -> Result<Plain, Failure> {
    if asking.message.cursor.is_some() {
        return Err(Failure::Rpc(RpcFault::answer(
            Code::InvalidParams,
            "There is no such cursor: this list comes whole.",
        )));
    }
    let key = asking.message.method.list_key().unwrap_or_default();
    let items = all(asking, session, out, cancelled).await?;
    let total: usize = items.iter().map(|item| item.len() + 1).sum();
    let mut result = String::with_capacity(total + 64);
    result.push_str("{\"");
    result.push_str(key);
    result.push_str("\":[");
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            result.push(',');
        }
        result.push_str(item);
    }
    result.push(']');
    if asking.era() == Era::Modern {
        result.push_str(",\"ttlMs\":0,\"cacheScope\":\"private\"");
    }
    result.push('}');
    Ok(Plain::result(asking, &result))
}

/// The lists of several servers.
pub struct Listed {
    /// Each server that answered, with the items of its list as JSON.
    pub of: Vec<(Arc<str>, Vec<String>)>,
    /// Whether all that may be asked have answered.
    pub is_whole: bool,
}

/// Asks all servers at once; gives the items of all lists.
pub async fn all(
    asking: &Asking,
    session: &Arc<Session>,
    out: &Arc<Outbox>,
    cancelled: &watch::Receiver<bool>,
) -> Result<Vec<String>, Failure> {
    let listed = each(asking, session, out, cancelled).await?;
    Ok(listed.of.into_iter().flat_map(|(_, items)| items).collect())
}

/// Asks all servers at once; gives each one's list. What the only server behind a door fails with is told.
pub async fn each(
    asking: &Asking,
    session: &Arc<Session>,
    out: &Arc<Outbox>,
    cancelled: &watch::Receiver<bool>,
) -> Result<Listed, Failure> {
    let servers = asking.servers();
    let asked = servers
        .iter()
        .map(|server| of_one(asking, session, out, cancelled, server));
    let answers = futures::future::join_all(asked).await;
    let mut listed = Listed {
        of: Vec::new(),
        is_whole: true,
    };
    let mut refused = None;
    let mut answered = false;
    for (server, answer) in servers.iter().zip(answers) {
        match answer {
            Ok(items) => {
                answered = true;
                listed.of.push((server.config.name.clone(), items));
            }
            Err(Failure::AgentLeft) => return Err(Failure::AgentLeft),
            Err(Failure::Denied(denial)) => {
                refused.get_or_insert(denial);
            }
            Err(failure) if matches!(asking.door, Door::One(_)) => return Err(failure),
            Err(failure) => {
                answered = true;
                listed.is_whole = false;
                tracing::warn!(server = %server.config.name, reason = failure.fault().message, "a tool server is missing from the list of all");
            }
        }
    }
    match (answered, refused) {
        // Not one of them may be asked: that is an answer too.
        (false, Some(denial)) => Err(Failure::Denied(denial)),
        _ => Ok(listed),
    }
}

/// The list of one server, with a record of its own.
async fn of_one(
    asking: &Asking,
    session: &Arc<Session>,
    out: &Arc<Outbox>,
    cancelled: &watch::Receiver<bool>,
    server: &Arc<Server>,
) -> Result<Vec<String>, Failure> {
    let mut account = Account::begin(asking.state.watching);
    account.within(asking.span.clone());
    account.session(&session.digest());
    account.speaks(Dialect::Mcp);
    account.operation(asking.message.method.operation());
    account.caller(&asking.caller);
    let listed = pages(asking, session, out, cancelled, server, &mut account).await;
    match &listed {
        Ok(_) => account.complete(),
        Err(failure) => account.fail(failure),
    }
    asking.edge.settle(account, &asking.state);
    listed
}

async fn pages(
    asking: &Asking,
    session: &Arc<Session>,
    out: &Arc<Outbox>,
    cancelled: &watch::Receiver<bool>,
    server: &Arc<Server>,
    account: &mut Account,
) -> Result<Vec<String>, Failure> {
    let method = asking.message.method;
    let mut body = asking.body.clone();
    let mut message = asking.message.clone();
    let mut items = Vec::new();
    let mut bytes = 0;
    for _ in 0..PAGES_MAX {
        let payload = Dialect::Mcp.read_request(method.operation(), body.clone())?;
        let request = Request {
            payload,
            message,
            name: None,
        };
        let mut call = Call {
            session,
            state: &asking.state,
            account,
            out,
            link: session.link(server),
            introduced: asking.introduced.clone(),
            sent_params: None,
            reserved: asking.own.is_on(),
            cancelled: cancelled.clone(),
            wish: Wish::off(),
        };
        call.begin(&request);
        let answer = call.run(&request).await?;
        let Some(next) = take(method, answer.message.as_str(), &mut items)? else {
            return Ok(items);
        };
        bytes += answer.message.len();
        if items.len() > ITEMS_MAX || bytes > BYTES_MAX {
            return Err(Fault::TooLarge(BYTES_MAX).into());
        }
        let with_cursor = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"{}\",\"params\":{{\"cursor\":{next}}}}}",
            method.as_str()
        );
        message = Message::read(&with_cursor)?;
        body = with_cursor.into();
    }
    Err(Fault::TooLarge(BYTES_MAX).into())
}

/// Takes the items of a page; gives the cursor of the next, as JSON.
fn take(method: Method, text: &str, items: &mut Vec<String>) -> Result<Option<String>, Failure> {
    let tape = Tape::read_str(text).map_err(|_| Fault::Garbled)?;
    let Some(result) = tape.root().member("result") else {
        // A server without such a list says so; it has none.
        return Ok(None);
    };
    let list = method.list_key().and_then(|key| result.member(key));
    for item in list.and_then(Value::elements).into_iter().flatten() {
        items.push(item.raw().to_owned());
    }
    let next = result.member("nextCursor").filter(|next| !next.is_null());
    Ok(next.map(|next| next.raw().to_owned()))
}
