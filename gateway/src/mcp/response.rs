//! What an agent says that asks for no answer: notifications, and its answers to what servers asked.

use super::outbox::{Next, Outbox};
use super::readdress::{self, replace};
use super::request::{Asking, judged};
use super::session::{AnswerTo, Session};
use super::write;
use crate::edge::account::Account;
use crate::edge::failure::{Failure, RpcFault};
use bytes::Bytes;
use sallyport_exchange::Dialect;
use sallyport_exchange::json::{Tape, Value};
use sallyport_exchange::mcp::{Code, Message, Method, Shape};
use sallyport_policy::Cleared;
use std::sync::Arc;

/// Takes a notification or a response: judges it and passes it on. Gives the decision id.
pub async fn take(asking: Asking, mut account: Account) -> Result<Arc<str>, (Failure, Arc<str>)> {
    let id = account.id.clone();
    if let Some(session) = &asking.session {
        account.session(&session.digest());
    }
    let taken = match asking.message.shape {
        Shape::Notification => notification(&asking, &mut account).await,
        _ => answer(&asking, &mut account).await,
    };
    match &taken {
        Ok(()) => account.complete(),
        Err(failure) => account.fail(failure),
    }
    account.answered(taken.as_ref().map_or_else(write::untaken, |()| 202), 0);
    asking.edge.settle(account, &asking.state);
    taken.map(|()| id.clone()).map_err(|failure| (failure, id))
}

/// A notification goes to the server it concerns, or to all behind the door that are connected.
async fn notification(asking: &Asking, account: &mut Account) -> Result<(), Failure> {
    let Some(session) = asking.session.clone() else {
        return Ok(());
    };
    let operation = asking.message.method.operation();
    account.operation(operation);
    let payload = Dialect::Mcp.read_request(operation, asking.body.clone())?;
    if asking.message.method == Method::Cancelled {
        return cancelled(asking, account, &session, &payload);
    }
    let (mut refused, mut failed, mut reached) = (None, None, false);
    let servers = asking.servers();
    let several = servers.len() > 1;
    for server in servers {
        let judged = judged(asking, account, &session, &server, None);
        match judged.told(&asking.state, account, operation, &payload) {
            // The connection to the server began with a notification of its own.
            Ok(_) if asking.message.method == Method::Initialized => {}
            // Progress with what one server asked is no other's business, and it is not told whose it is.
            Ok(_) if several && asking.message.method != Method::RootsChanged => reached = true,
            Ok(cleared) => {
                // A server that cannot be reached keeps nothing from the others.
                let link = session.link(&server);
                let fails = server.config.audit_failure;
                asking
                    .edge
                    .recorded(&asking.state, account, &cleared, fails)
                    .await?;
                let told = match link.connection(&session).await {
                    Ok(connection) => connection.post(cleared.into_bytes()).await,
                    Err(fault) => Err(fault),
                };
                if let Err(fault) = told {
                    tracing::warn!(server = %server.config.name, %fault, "a tool server was not told");
                    failed.get_or_insert(fault);
                } else {
                    reached = true;
                }
            }
            Err(denial) => {
                refused.get_or_insert(denial);
            }
        }
    }
    match (refused, failed) {
        (Some(denial), _) => Err(denial.into()),
        (None, Some(fault)) if !reached => Err(fault.into()),
        _ => Ok(()),
    }
}

/// A cancellation is for one call, which knows its own id at the server.
fn cancelled(
    asking: &Asking,
    account: &mut Account,
    session: &Arc<Session>,
    payload: &sallyport_exchange::Payload,
) -> Result<(), Failure> {
    let operation = asking.message.method.operation();
    if let Some(server) = asking.servers().first() {
        let judged = judged(asking, account, session, server, None);
        judged.told(&asking.state, account, operation, payload)?;
    }
    if let Some(id) = &asking.message.request_id {
        session.cancel(&id.raw);
    }
    Ok(())
}

/// The agent's answer to a question goes to whoever asked it, once.
async fn answer(asking: &Asking, account: &mut Account) -> Result<(), Failure> {
    let session = asking.session.clone().ok_or_else(nobody_asked)?;
    let id = asking.message.id.as_ref().ok_or_else(nobody_asked)?;
    let asked = session.asked(&id.raw).ok_or_else(nobody_asked)?;
    account.operation(asked.operation);
    let payload = Dialect::Mcp.read_answer(asked.operation, asking.body.clone())?;
    let servers = asking.servers();
    let server = servers.iter().find(|s| s.config.name == asked.server);
    let server = server.ok_or_else(nobody_asked)?;
    let judged = judged(asking, account, &session, server, None);
    let cleared = judged.told(&asking.state, account, asked.operation, &payload);
    match asked.to {
        AnswerTo::Server(connection, server_id) => {
            let (body, denied) = match cleared {
                Ok(cleared) => {
                    let body = under_id(cleared, &server_id)?;
                    let fails = server.config.audit_failure;
                    asking
                        .edge
                        .recorded(&asking.state, account, &body, fails)
                        .await?;
                    (body.into_bytes(), None)
                }
                Err(denial) => {
                    let refusal = "Refused by policy.";
                    let error =
                        sallyport_exchange::mcp::error(&server_id, Code::Denied, refusal, None);
                    (error, Some(denial))
                }
            };
            connection.post(body).await?;
            denied.map_or(Ok(()), |denial| Err(denial.into()))
        }
        AnswerTo::Call(waiting) => {
            let told = cleared.map_err(|denial| denial.say.to_string());
            let told = told.and_then(|cleared| result_of(&cleared));
            let failed = told.is_err();
            let _ = waiting.send(told);
            match failed {
                true => Err(nobody_asked()),
                false => Ok(()),
            }
        }
    }
}

fn under_id(cleared: Cleared, id: &str) -> Result<Cleared, Failure> {
    let message = Message::read(cleared.as_str())?;
    let edits = readdress::apply(cleared.as_str(), |edits, _| {
        if let Some(place) = &message.id {
            replace(edits, place, id);
        }
    });
    Ok(cleared.readdressed(&edits.unwrap_or_default()))
}

fn result_of(cleared: &Cleared) -> Result<String, String> {
    let tape = Tape::read_str(cleared.as_str()).map_err(|error| error.to_string())?;
    let result = tape.root().member("result").map(Value::raw);
    result
        .map(str::to_owned)
        .ok_or_else(|| "an error".to_owned())
}

fn nobody_asked() -> Failure {
    Failure::Rpc(RpcFault::bad_request(
        Code::InvalidRequest,
        "This answers nothing that was asked.",
    ))
}

/// The last message of a stream: the answer. What came before goes to the session's own stream.
pub async fn last(out: &Arc<Outbox>, reader: u64, session: &Arc<Session>) -> Option<Bytes> {
    let mut after = 0;
    let mut last: Option<Bytes> = None;
    loop {
        match out.next(reader, after).await {
            Next::Message(number, message) => {
                after = number;
                if let Some(earlier) = last.replace(message) {
                    session.main.push(earlier);
                }
            }
            Next::Paused(_) => {}
            Next::Ended | Next::TakenOver => return last,
        }
    }
}
