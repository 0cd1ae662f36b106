//! A model that always answers the same: one chat completion, whole or as 64 events.

use crate::corpus::{MODEL, MODEL_THAT_WAITS};
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::net::{TcpListener, TcpStream};

/// Events in a stream, before `[DONE]`.
pub const EVENTS: usize = 64;
/// The start of a body in which the model and `stream` stand.
const LOOK_AT: usize = 128;

/// What is answered.
#[derive(Debug)]
struct Answers {
    whole: Bytes,
    events: Vec<Bytes>,
}

/// Serves on a thread of its own until the process ends.
pub fn start() -> std::io::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("upstream".into())
        .spawn(move || runtime.block_on(serve(listener)))?;
    Ok(address)
}

async fn serve(listener: std::net::TcpListener) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    let answers = Arc::new(Answers {
        whole: whole(),
        events: events(),
    });
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let answers = answers.clone();
        tokio::spawn(connection(stream, answers));
    }
}

async fn connection(stream: TcpStream, answers: Arc<Answers>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(request, answers.clone()));
    // A caller that hangs up is nothing to tell.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(
    request: Request<Incoming>,
    answers: Arc<Answers>,
) -> Result<Response<Answer>, Infallible> {
    let start = drain(request.into_body()).await;
    let start = String::from_utf8_lossy(&start);
    let streamed = start.contains("\"stream\":true");
    let body = match streamed {
        false => Answer::whole(answers),
        true => Answer::stream(answers, start.contains(MODEL_THAT_WAITS)),
    };
    let mut response = Response::new(body);
    let kind = if streamed {
        "text/event-stream"
    } else {
        "application/json"
    };
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if streamed {
        // Tells nginx to pass each event on as it comes.
        response
            .headers_mut()
            .insert("x-accel-buffering", HeaderValue::from_static("no"));
    }
    Ok(response)
}

/// Takes the whole body and keeps its start.
async fn drain(mut body: Incoming) -> Vec<u8> {
    let mut start = Vec::new();
    while let Some(Ok(frame)) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await
    {
        if let Some(data) = frame.data_ref().filter(|_| start.len() < LOOK_AT) {
            start.extend_from_slice(&data[..data.len().min(LOOK_AT)]);
        }
    }
    start
}

/// A body: the whole answer, or events of which each is flushed by itself.
struct Answer {
    answers: Arc<Answers>,
    streamed: bool,
    waits: bool,
    next: usize,
    rested: bool,
}

impl Answer {
    fn whole(answers: Arc<Answers>) -> Self {
        Answer {
            answers,
            streamed: false,
            waits: false,
            next: 0,
            rested: true,
        }
    }

    fn stream(answers: Arc<Answers>, waits: bool) -> Self {
        Answer {
            answers,
            streamed: true,
            waits,
            next: 0,
            rested: true,
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.waits && self.next == 1 {
            return Poll::Pending;
        }
        if !self.rested {
            // Nothing for now: what was given is written out, as if time passed between two tokens.
            self.rested = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let piece = match self.streamed {
            true => self.answers.events.get(self.next).cloned(),
            false => (self.next == 0).then(|| self.answers.whole.clone()),
        };
        self.next += 1;
        self.rested = !self.streamed;
        Poll::Ready(piece.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn size_hint(&self) -> SizeHint {
        match self.streamed {
            true => SizeHint::default(),
            false => SizeHint::with_exact(self.answers.whole.len() as u64),
        }
    }
}

/// About 1 KB, as a provider writes it.
fn whole() -> Bytes {
    let words = WORDS.repeat(4);
    let answer = json!({
        "id": "chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG", "object": "chat.completion", "created": 1_779_000_000, "model": MODEL,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": words.trim(), "refusal": null, "annotations": []},
            "logprobs": null, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 812, "completion_tokens": 160, "total_tokens": 972, "prompt_tokens_details": {"cached_tokens": 512}},
        "service_tier": "default", "system_fingerprint": "fp_fc9f1d7035"});
    Bytes::from(answer.to_string())
}

/// 64 events of a few words each, then `[DONE]` with the last.
fn events() -> Vec<Bytes> {
    let mut words = WORDS.split_inclusive(' ').cycle();
    (0..EVENTS)
        .map(|at| {
            let said: String = [words.next(), words.next()].into_iter().flatten().collect();
            let delta = match at {
                0 => json!({"role": "assistant", "content": "", "refusal": null}),
                _ if at == EVENTS - 1 => json!({}),
                _ => json!({"content": said}),
            };
            let finish = if at == EVENTS - 1 { json!("stop") } else { json!(null) };
            let event = json!({"id": "chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG", "object": "chat.completion.chunk", "created": 1_779_000_000,
                "model": MODEL, "system_fingerprint": "fp_fc9f1d7035", "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]});
            let done = if at == EVENTS - 1 { "data: [DONE]\n\n" } else { "" };
            Bytes::from(format!("data: {event}\n\n{done}"))
        })
        .collect()
}

const WORDS: &str = "Both workers took the same job because its lease ran out while the mail server was slow; a conditional write keeps the second one from sending it again. ";
