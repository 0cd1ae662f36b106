//! The server over HTTP: one endpoint, `/mcp`, for both eras.

use crate::body::{Abandon, Body};
use crate::call;
use crate::legacy::Session;
use crate::message::{Failure, Incoming, Request};
use crate::talk::{Era, Out, Talk};
use crate::{Seen, Shared, modern};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, ORIGIN};
use http::{HeaderMap, Method, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

const BODY_MAX: usize = 4 << 20;
const SESSION: &str = "mcp-session-id";
const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

type Answer = Response<Body>;

/// Accepts connections until it is dropped, and they with it.
pub(crate) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            continue;
        };
        let _ = socket.set_nodelay(true);
        while connections.try_join_next().is_some() {}
        let shared = Arc::clone(&shared);
        let service = hyper::service::service_fn(move |request| {
            let shared = Arc::clone(&shared);
            async move { Ok::<_, Infallible>(serve(shared, request).await) }
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(socket), service);
        connections.spawn(async move { drop(connection.await) });
    }
}

async fn serve(shared: Arc<Shared>, request: http::Request<hyper::body::Incoming>) -> Answer {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_MAX).collect().await else {
        return bare(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let body = body.to_bytes();
    shared.saw(seen(&head, &body));
    if head.uri.path() != "/mcp" {
        return bare(StatusCode::NOT_FOUND);
    }
    if !is_local(&head.headers) {
        return bare(StatusCode::FORBIDDEN);
    }
    match head.method {
        Method::POST => post(&shared, &head.headers, &body).await,
        _ if modern::speaks(&head.headers) => bare(StatusCode::METHOD_NOT_ALLOWED),
        Method::GET => get(&shared, &head.headers),
        Method::DELETE => match session(&shared, &head.headers) {
            Ok(session) => {
                shared.sessions.end(&session.id);
                bare(StatusCode::OK)
            }
            Err(status) => bare(status),
        },
        _ => bare(StatusCode::METHOD_NOT_ALLOWED),
    }
}

fn seen(head: &http::request::Parts, body: &Bytes) -> Seen {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), text(value)));
    Seen {
        verb: head.method.to_string(),
        headers: headers.collect(),
        body: serde_json::from_slice(body).unwrap_or_default(),
    }
}

/// Whether a browser on another site cannot have sent this.
fn is_local(headers: &HeaderMap) -> bool {
    let local = |authority: &str| {
        let name = authority
            .rsplit_once(':')
            .map_or(authority, |(name, port)| {
                if port.bytes().all(|byte| byte.is_ascii_digit()) {
                    name
                } else {
                    authority
                }
            });
        matches!(name, "localhost" | "127.0.0.1" | "[::1]")
    };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let origin = headers.get(ORIGIN).map(|origin| {
        origin
            .to_str()
            .ok()
            .and_then(|origin| origin.split_once("://"))
            .map(|(_, host)| host)
    });
    host.is_some_and(local) && origin.is_none_or(|origin| origin.is_some_and(local))
}

async fn post(shared: &Arc<Shared>, headers: &HeaderMap, body: &Bytes) -> Answer {
    let says = |name, word: &str| {
        let values = headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok());
        values.collect::<Vec<_>>().join(",").contains(word)
    };
    if !says(CONTENT_TYPE, JSON) {
        return bare(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    if !(says(ACCEPT, JSON) && says(ACCEPT, EVENTS) || says(ACCEPT, "*/*")) {
        return bare(StatusCode::NOT_ACCEPTABLE);
    }
    let message = match Incoming::read(body) {
        Ok(message) => message,
        Err(failure) => return refuse(&failure, None),
    };
    match message {
        Incoming::Request(request) if modern::speaks(headers) || modern::is_modern(&request) => {
            match modern::check(headers, &request) {
                Ok(()) => serve_modern(shared, headers, request).await,
                Err(failure) => refuse(&failure, Some(&request.id)),
            }
        }
        // No notification of the modern era is defined over HTTP.
        Incoming::Notification { .. } if modern::speaks(headers) => bare(StatusCode::ACCEPTED),
        Incoming::Response { .. } if modern::speaks(headers) => bare(StatusCode::BAD_REQUEST),
        message => post_legacy(shared, headers, message).await,
    }
}

fn session(shared: &Shared, headers: &HeaderMap) -> Result<Arc<Session>, StatusCode> {
    let id = headers.get(SESSION).ok_or(StatusCode::BAD_REQUEST)?;
    let known = id.to_str().ok().and_then(|id| shared.sessions.get(id));
    known.ok_or(StatusCode::NOT_FOUND)
}

async fn post_legacy(shared: &Arc<Shared>, headers: &HeaderMap, message: Incoming) -> Answer {
    let id = match &message {
        Incoming::Request(request) => Some(request.id.clone()),
        _ => None,
    };
    let session = match &message {
        Incoming::Request(request) if request.method == "initialize" => shared
            .sessions
            .begin(shared)
            .ok_or(StatusCode::SERVICE_UNAVAILABLE),
        _ => session(shared, headers),
    };
    let session = match session {
        Ok(session) => session,
        Err(status) => {
            let failure = Failure::new(-32001, "there is no such session").status(status.as_u16());
            return refuse(&failure, id.as_ref());
        }
    };
    match message {
        Incoming::Request(request) => serve_legacy(shared, headers, session, request).await,
        Incoming::Notification { method, params } => {
            if method == "notifications/cancelled" {
                session.cancelled(&params["requestId"]);
            }
            bare(StatusCode::ACCEPTED)
        }
        Incoming::Response { id, outcome } => {
            session.conversation.answered(&id, outcome);
            bare(StatusCode::ACCEPTED)
        }
    }
}

async fn serve_legacy(
    shared: &Arc<Shared>,
    headers: &HeaderMap,
    session: Arc<Session>,
    request: Request,
) -> Answer {
    let era = Era::Legacy(Arc::clone(&session.conversation));
    let begins = request.method == "initialize";
    let id = request.id.clone();
    let (talk, mut came) = Talk::new(request, era, shared.changes.clone());
    // It goes on if the client leaves: that is no cancellation in this era.
    let call = tokio::spawn(call::serve(talk, shared.settings));
    session.started(&id, call.abort_handle());
    let first = came.recv().await;
    let mut answer = match first {
        Some(Out::Answer(message, _)) if begins || !prefers_events(headers) => {
            let version = message["result"]["protocolVersion"].as_str();
            session
                .primes
                .fetch_or(version == Some("2025-11-25"), Ordering::Relaxed);
            whole(StatusCode::OK, &message)
        }
        first => {
            let (number, events) = session.open();
            tokio::spawn(Arc::clone(&session).pump(number, first, came));
            streamed(Body::Events(events, None))
        }
    };
    if let (true, Ok(id)) = (begins, session.id.parse()) {
        answer.headers_mut().insert(SESSION, id);
    }
    answer
}

async fn serve_modern(shared: &Arc<Shared>, headers: &HeaderMap, request: Request) -> Answer {
    let (talk, mut came) = Talk::new(request, Era::Modern, shared.changes.clone());
    let call = tokio::spawn(call::serve(talk, shared.settings));
    let abandon = Abandon::new(call.abort_handle(), shared.abandoned.clone());
    let first = came.recv().await;
    if let Some(Out::Answer(message, status)) = &first
        && (*status != 200 || !prefers_events(headers))
    {
        abandon.no();
        let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        return whole(status, message);
    }
    let (send, events) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut next = first;
        while let Some(Out::Message(message) | Out::Answer(message, _)) = next {
            if send
                .send(format!("event: message\ndata: {message}\n\n"))
                .await
                .is_err()
            {
                return;
            }
            next = came.recv().await;
        }
    });
    streamed(Body::Events(events, Some(abandon)))
}

fn get(shared: &Shared, headers: &HeaderMap) -> Answer {
    let accepts = headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .unwrap_or_default();
    if !accepts.contains(EVENTS) {
        return bare(StatusCode::NOT_ACCEPTABLE);
    }
    let session = match session(shared, headers) {
        Ok(session) => session,
        Err(status) => return bare(status),
    };
    let events = match headers.get("last-event-id") {
        Some(last) => {
            let last = last.to_str().ok().and_then(|last| session.resume(last));
            last.ok_or(StatusCode::BAD_REQUEST)
        }
        None => session.stand().ok_or(StatusCode::CONFLICT),
    };
    match events {
        Ok(events) => streamed(Body::Events(events, None)),
        Err(status) => bare(status),
    }
}

/// Whether a client names event streams before JSON: then it gets one wherever it may.
fn prefers_events(headers: &HeaderMap) -> bool {
    let accepts = headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .unwrap_or_default();
    accepts.trim_start().starts_with(EVENTS)
}

fn bare(status: StatusCode) -> Answer {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = status;
    answer
}

fn whole(status: StatusCode, message: &Value) -> Answer {
    let mut answer = Response::new(Body::json(message));
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, http::HeaderValue::from_static(JSON));
    answer
}

fn streamed(body: Body) -> Answer {
    let mut answer = Response::new(body);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, http::HeaderValue::from_static(EVENTS));
    headers.insert(
        "cache-control",
        http::HeaderValue::from_static("no-cache, no-transform"),
    );
    headers.insert("x-accel-buffering", http::HeaderValue::from_static("no"));
    answer
}

fn refuse(failure: &Failure, id: Option<&Value>) -> Answer {
    let status = StatusCode::from_u16(failure.status).unwrap_or(StatusCode::BAD_REQUEST);
    let message = failure.answer(id);
    // Without an id it is no message that a schema knows: then the status says it all.
    if message.get("id").is_none_or(|id| id == &json!(null)) {
        return bare(status);
    }
    whole(status, &message)
}
