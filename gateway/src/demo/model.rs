//! A scripted model behind a real socket: it speaks the dialects that the gateway speaks, streams, and calls tools.
//!
//! What it does is written in the last message it is sent ([`script`]); the same request always gets the same
//! answer. It stands in for a provider in `sallyport demo` and in the tests of real SDKs.

mod chat;
mod messages;
mod responses;
mod script;
mod sse;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use script::{Play, Turn};
use serde_json::{Value, json};
use sse::{Events, Stream};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Requests that are remembered; older ones are forgotten.
const SEEN: usize = 64;
/// Responses that can be fetched again by their id.
const STORED: usize = 64;
/// The `created` of everything: a scripted model has no clock.
const CREATED: i64 = 1_767_225_600;
/// The names under which it can be asked.
const MODELS: [&str; 3] = ["demo-model", "demo-model-mini", "demo-embed"];

/// A running model. It stops when this is dropped.
#[derive(Debug)]
pub struct Model {
    address: SocketAddr,
    book: Arc<Book>,
    serving: JoinHandle<()>,
}

/// A request as the model saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The method.
    pub method: Method,
    /// The path, with its query.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// What a model remembers.
#[derive(Debug, Default)]
struct Book {
    seen: Mutex<VecDeque<Seen>>,
    stored: Mutex<VecDeque<Value>>,
    hang_ups: AtomicUsize,
    hung_up: Notify,
}

type Body = Either<Full<Bytes>, Stream>;

impl Model {
    /// Starts a model on a free port of this machine.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let book = Arc::new(Book::default());
        let serving = tokio::spawn(serve(listener, book.clone()));
        Ok(Model {
            address,
            book,
            serving,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The latest requests, oldest first.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.book.seen).iter().cloned().collect()
    }

    /// The latest request.
    pub fn last(&self) -> Option<Seen> {
        lock(&self.book.seen).back().cloned()
    }

    /// Forgets all requests.
    pub fn forget(&self) {
        lock(&self.book.seen).clear();
    }

    /// How many streams were given up by their reader before they were complete.
    pub fn hang_ups(&self) -> usize {
        self.book.hang_ups.load(Ordering::Acquire)
    }

    /// Waits until at least `count` streams were given up.
    pub async fn hung_up(&self, count: usize) {
        loop {
            let told = self.book.hung_up.notified();
            if self.hang_ups() >= count {
                return;
            }
            told.await;
        }
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, book: Arc<Book>) {
    while let Ok((socket, _)) = listener.accept().await {
        let _ = socket.set_nodelay(true);
        let book = book.clone();
        let service = service_fn(move |request| answer(request, book.clone()));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
    }
}

/// One request, answered by its path and what it says.
async fn answer(request: Request<Incoming>, book: Arc<Book>) -> Result<Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return Ok(failure(
            &head.headers,
            StatusCode::BAD_REQUEST,
            "the request broke off",
        ));
    };
    let seen = Seen {
        method: head.method,
        path: head
            .uri
            .path_and_query()
            .map_or("/", |p| p.as_str())
            .to_owned(),
        headers: head.headers,
        body: body.to_bytes(),
    };
    let before = book.note(&seen);
    let path = head.uri.path();
    Ok(match seen.method {
        Method::GET | Method::DELETE => look_up(&seen, path, &book),
        Method::POST => match serde_json::from_slice(&seen.body) {
            Ok(body) => ask(&seen, path, &body, before, &book),
            Err(_) => failure(
                &seen.headers,
                StatusCode::BAD_REQUEST,
                "the body is not JSON",
            ),
        },
        _ => failure(
            &seen.headers,
            StatusCode::METHOD_NOT_ALLOWED,
            "this method is not known here",
        ),
    })
}

fn look_up(seen: &Seen, path: &str, book: &Book) -> Response<Body> {
    if let Some(id) = path.strip_prefix("/v1/responses/") {
        return match book.response(id) {
            Some(response) if seen.method == Method::GET => whole(StatusCode::OK, &response),
            Some(_) => whole(
                StatusCode::OK,
                &json!({"id": id, "object": "response", "deleted": true}),
            ),
            None => failure(&seen.headers, StatusCode::NOT_FOUND, "no such response"),
        };
    }
    let anthropic = is_anthropic(&seen.headers);
    let shape = if anthropic {
        messages::model
    } else {
        chat::model
    };
    match path.strip_prefix("/v1/models") {
        Some("") if anthropic => whole(StatusCode::OK, &messages::models(&MODELS)),
        Some("") => whole(
            StatusCode::OK,
            &json!({"object": "list", "data": MODELS.map(shape)}),
        ),
        Some(name) if MODELS.contains(&name.trim_start_matches('/')) => {
            whole(StatusCode::OK, &shape(name.trim_start_matches('/')))
        }
        _ => failure(&seen.headers, StatusCode::NOT_FOUND, "no such thing here"),
    }
}

fn ask(seen: &Seen, path: &str, body: &Value, before: u32, book: &Arc<Book>) -> Response<Body> {
    let id = format!("{:016x}", fingerprint(&seen.body));
    let (turn, speak): (Turn, fn(&Asked<'_>) -> Told) = match path {
        "/v1/chat/completions" => (chat::turn(body), chat::tell),
        "/v1/completions" => (chat::prompt(body), chat::complete),
        "/v1/responses" => (responses::turn(body), responses::tell),
        "/v1/messages" => (messages::turn(body), messages::tell),
        "/v1/messages/count_tokens" => {
            return whole(StatusCode::OK, &messages::count(&messages::turn(body)));
        }
        "/v1/embeddings" => return whole(StatusCode::OK, &chat::embed(body)),
        _ => return failure(&seen.headers, StatusCode::NOT_FOUND, "no such thing here"),
    };
    match script::play(&turn, before) {
        Play::Fail { status, say } => failure(&seen.headers, status, &say),
        Play::Answer(answer) => {
            let asked = Asked {
                id: &id,
                body,
                turn: &turn,
                answer: &answer,
            };
            let told = speak(&asked);
            if let Some(response) = told.stored {
                book.store(response);
            }
            match told.form {
                Form::Whole(value) => whole(StatusCode::OK, &value),
                Form::Streamed(events) => streamed(events.paced(answer.pace, book.clone())),
            }
        }
    }
}

/// What a dialect needs to tell an answer.
pub(crate) struct Asked<'a> {
    id: &'a str,
    body: &'a Value,
    turn: &'a Turn,
    answer: &'a script::Answer,
}

impl Asked<'_> {
    fn streamed(&self) -> bool {
        self.body["stream"] == json!(true)
    }

    fn model(&self) -> &str {
        self.body["model"].as_str().unwrap_or(MODELS[0])
    }
}

/// An answer in a dialect's words.
pub(crate) struct Told {
    form: Form,
    /// What can be fetched again later.
    stored: Option<Value>,
}

pub(crate) enum Form {
    Whole(Value),
    Streamed(Events),
}

impl Told {
    fn whole(value: Value) -> Self {
        Told {
            form: Form::Whole(value),
            stored: None,
        }
    }

    fn streamed(events: Events) -> Self {
        Told {
            form: Form::Streamed(events),
            stored: None,
        }
    }
}

impl Book {
    /// Remembers a request, and says how often the very same one came before.
    fn note(&self, request: &Seen) -> u32 {
        let mut seen = lock(&self.seen);
        let before = seen
            .iter()
            .filter(|other| other.body == request.body && other.path == request.path)
            .count();
        seen.push_back(request.clone());
        if seen.len() > SEEN {
            seen.pop_front();
        }
        before as u32
    }

    fn store(&self, response: Value) {
        let mut stored = lock(&self.stored);
        stored.push_back(response);
        if stored.len() > STORED {
            stored.pop_front();
        }
    }

    fn response(&self, id: &str) -> Option<Value> {
        lock(&self.stored)
            .iter()
            .find(|response| response["id"] == json!(id))
            .cloned()
    }

    fn note_hang_up(&self) {
        self.hang_ups.fetch_add(1, Ordering::AcqRel);
        self.hung_up.notify_waiters();
    }
}

fn whole(status: StatusCode, value: &Value) -> Response<Body> {
    reply(
        status,
        "application/json",
        Either::Left(Full::new(Bytes::from(value.to_string()))),
    )
}

fn streamed(stream: Stream) -> Response<Body> {
    reply(
        StatusCode::OK,
        "text/event-stream; charset=utf-8",
        Either::Right(stream),
    )
}

fn reply(status: StatusCode, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static(content_type),
    );
    headers.insert("x-request-id", header::HeaderValue::from_static("req_demo"));
    headers.insert("request-id", header::HeaderValue::from_static("req_demo"));
    if status == StatusCode::TOO_MANY_REQUESTS {
        headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static("0"));
    }
    response
}

/// An error in the words of whoever asked.
fn failure(headers: &HeaderMap, status: StatusCode, say: &str) -> Response<Body> {
    let anthropic = is_anthropic(headers);
    whole(
        status,
        &if anthropic {
            messages::error(status, say)
        } else {
            chat::error(status, say)
        },
    )
}

fn is_anthropic(headers: &HeaderMap) -> bool {
    headers.contains_key("anthropic-version")
}

/// About how many tokens a text has.
fn tokens(text: &str) -> usize {
    text.len().div_ceil(4)
}

/// FNV-1a: the same bytes give the same ids.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
