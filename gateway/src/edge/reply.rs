//! What the gateway itself says to an agent.

use super::account::Account;
use super::failure::Failure;
use bytes::Bytes;
use pingora_core::protocols::http::ServerSession;
use pingora_http::ResponseHeader;
use sallyport_exchange::Reply;
use std::time::Duration;

/// A body up to this size is read even if it is not wanted, in bytes.
const REST_MAX: u64 = 64 << 10;
/// For that.
const REST_TIME: Duration = Duration::from_secs(1);

/// The header that carries the decision id, in every answer.
pub const ID_HEADER: &str = "x-sallyport-id";

/// Tells the agent of a failure in its own dialect. The connection is kept only when the whole request
/// was read.
pub async fn fail(session: &mut ServerSession, failure: &Failure, account: &mut Account) {
    let reply = match failure {
        Failure::Denied(denial) => account.dialect.refuse(denial, account.asked()),
        other => account.dialect.fault(&other.fault(), &account.id),
    };
    take_rest(session).await;
    let challenge = match failure {
        Failure::Challenged(_, challenge) => Some(challenge.as_str()),
        _ => None,
    };
    write_with(session, reply, challenge, account).await;
}

/// Reads what is left of a small body, so that the agent hears the refusal and not a broken connection: closing
/// with unread bytes resets it (RFC 9112 §9.6). What is larger, or slow, is left, and the connection closed.
pub async fn take_rest(session: &mut ServerSession) {
    if session.is_body_done() {
        return;
    }
    let headers = &session.req_header().headers;
    let announced = headers
        .get(http::header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let comes = !headers.contains_key(http::header::EXPECT);
    let is_small = comes && announced.is_some_and(|length| length <= REST_MAX);
    let taken = is_small
        && tokio::time::timeout(REST_TIME, session.drain_request_body())
            .await
            .is_ok_and(|drained| drained.is_ok());
    if !taken {
        session.set_keepalive(None);
    }
}

/// Writes a whole reply.
pub async fn write(session: &mut ServerSession, reply: Reply, account: &mut Account) {
    write_with(session, reply, None, account).await;
}

async fn write_with(
    session: &mut ServerSession,
    reply: Reply,
    challenge: Option<&str>,
    account: &mut Account,
) {
    account.answered(reply.status, reply.body.len());
    let written = async {
        let mut header = ResponseHeader::build(reply.status, Some(4))?;
        header.insert_header(http::header::CONTENT_TYPE, reply.content_type)?;
        header.insert_header(ID_HEADER, &*account.id)?;
        header.insert_header(http::header::CONTENT_LENGTH, reply.body.len())?;
        if reply.status == 426 {
            // RFC 9110 §15.5.22: say what to upgrade to.
            header.insert_header(http::header::UPGRADE, "HTTP/1.1")?;
        }
        if let Some(challenge) = challenge {
            header.insert_header(http::header::WWW_AUTHENTICATE, challenge)?;
        }
        session.write_response_header(Box::new(header)).await?;
        session.write_response_body(reply.body, true).await
    };
    if written.await.is_err() {
        session.set_keepalive(None);
    }
}

/// The closing words of a stream that has begun.
pub fn closing(failure: &Failure, account: &Account) -> Bytes {
    match failure {
        Failure::Denied(denial) => account
            .dialect
            .closing(&denial.rule, &denial.say, &account.id),
        other => {
            let fault = other.fault();
            account
                .dialect
                .closing(fault.code, &fault.message, &account.id)
        }
    }
}
