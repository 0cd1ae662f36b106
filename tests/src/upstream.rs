//! An upstream that plays any bytes, and keeps exactly what it was sent.

use crate::soon;
use crate::wire::{self, Buffer};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// What it does after it has read a request.
#[derive(Clone, Debug)]
pub enum Step {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Does nothing for a while.
    Pause(Duration),
    /// Waits for [`FakeUpstream::go_on`].
    Wait,
    /// Does nothing until the other side hangs up.
    Hold,
    /// Closes the connection.
    Cut,
    /// Resets the connection.
    Reset,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// Which connection it came on, counted from 0.
    pub connection: usize,
    /// The request line and headers, as they came.
    pub head: String,
    /// The body without its framing.
    pub body: Vec<u8>,
    /// Whether all of the body came.
    pub complete: bool,
}

impl Received {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the upstream should receive JSON")
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<String> {
        wire::field(self.head.as_bytes(), name)
    }

    /// All headers, in order.
    pub fn headers(&self) -> Vec<(String, String)> {
        wire::fields(self.head.as_bytes()).collect()
    }

    /// The request line.
    pub fn line(&self) -> &str {
        self.head.split("\r\n").next().unwrap_or_default()
    }
}

type Script = dyn Fn(&Received) -> Vec<Step> + Send + Sync;

#[derive(Default)]
struct Book {
    requests: Mutex<Vec<Received>>,
    connections: AtomicUsize,
    hang_ups: AtomicUsize,
    news: Notify,
    go_on: Notify,
}

/// A running upstream. It stops when this is dropped.
pub struct FakeUpstream {
    address: SocketAddr,
    book: Arc<Book>,
    serving: JoinHandle<()>,
}

impl FakeUpstream {
    /// Answers each request by a script.
    pub async fn plays(script: impl Fn(&Received) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("an address");
        let book = Arc::new(Book::default());
        let serving = tokio::spawn(serve(listener, book.clone(), Arc::new(script)));
        FakeUpstream {
            address,
            book,
            serving,
        }
    }

    /// Answers each request with this JSON.
    pub async fn answers(json: &str) -> Self {
        FakeUpstream::sends(vec![Step::Send(whole(200, json))]).await
    }

    /// Takes the same steps after each request.
    pub async fn sends(steps: Vec<Step>) -> Self {
        FakeUpstream::plays(move |_| steps.clone()).await
    }

    /// Answers each request with a stream of these events' data.
    pub async fn streams(events: &[&str]) -> Self {
        let events: Vec<String> = events
            .iter()
            .map(|data| format!("data: {data}\n\n"))
            .collect();
        FakeUpstream::sends(sse(&events)).await
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every request that has come.
    pub fn requests(&self) -> Vec<Received> {
        self.book.requests.lock().expect("no test panicked").clone()
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.book.connections.load(Ordering::Acquire)
    }

    /// Waits for this many requests.
    pub async fn received(&self, count: usize) -> Vec<Received> {
        soon(
            "a request at the upstream",
            self.news(|book| book.requests.lock().expect("no panic").len() >= count),
        )
        .await;
        self.requests()
    }

    /// Waits until this many connections were closed by the other side during [`Step::Hold`], [`Step::Wait`] or a send.
    pub async fn hung_up(&self, count: usize) {
        soon(
            "a hang-up at the upstream",
            self.news(|book| book.hang_ups.load(Ordering::Acquire) >= count),
        )
        .await;
    }

    /// Ends one [`Step::Wait`], the present one or the next.
    pub fn go_on(&self) {
        self.book.go_on.notify_one();
    }

    async fn news(&self, enough: impl Fn(&Book) -> bool) {
        loop {
            let news = self.book.news.notified();
            if enough(&self.book) {
                return;
            }
            news.await;
        }
    }
}

impl Drop for FakeUpstream {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The steps of a streamed answer: its head, then each event in a chunk of its own, then the end.
pub fn sse(events: &[impl AsRef<[u8]>]) -> Vec<Step> {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut steps = vec![Step::Send(head.into())];
    steps.extend(events.iter().map(|event| Step::Send(chunk(event.as_ref()))));
    steps.push(Step::Send(b"0\r\n\r\n".to_vec()));
    steps
}

/// One chunk of a chunked body.
pub fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

/// A whole JSON answer.
pub fn whole(status: u16, json: &str) -> Vec<u8> {
    let reason = if status == 200 { "OK" } else { "Other" };
    let length = json.len();
    format!("HTTP/1.1 {status} {reason}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{json}").into()
}

async fn serve(listener: TcpListener, book: Arc<Book>, script: Arc<Script>) {
    while let Ok((socket, _)) = listener.accept().await {
        let _ = socket.set_nodelay(true);
        let connection = book.connections.fetch_add(1, Ordering::AcqRel);
        tokio::spawn(converse(socket, connection, book.clone(), script.clone()));
    }
}

async fn converse(mut socket: TcpStream, connection: usize, book: Arc<Book>, script: Arc<Script>) {
    let mut buffer = Buffer::default();
    while let Some(message) = buffer.request(&mut socket).await {
        let received = Received {
            connection,
            head: String::from_utf8_lossy(&message.head).into_owned(),
            body: message.body,
            complete: message.complete,
        };
        let steps = script(&received);
        book.requests
            .lock()
            .expect("no test panicked")
            .push(received);
        book.news.notify_waiters();
        for step in steps {
            if !take(step, &mut socket, &mut buffer, &book).await {
                return;
            }
        }
    }
}

/// Takes one step. False: the connection is over.
async fn take(step: Step, socket: &mut TcpStream, buffer: &mut Buffer, book: &Book) -> bool {
    let left = match step {
        Step::Send(bytes) => {
            socket.write_all(&bytes).await.is_err() || socket.flush().await.is_err()
        }
        Step::Pause(time) => {
            tokio::time::sleep(time).await;
            false
        }
        Step::Wait => tokio::select! {
            _ = book.go_on.notified() => false,
            _ = closed(socket, buffer) => true,
        },
        Step::Hold => {
            closed(socket, buffer).await;
            true
        }
        Step::Cut => {
            let _ = socket.shutdown().await;
            return false;
        }
        Step::Reset => {
            let _ = socket.set_zero_linger();
            return false;
        }
    };
    if left {
        book.hang_ups.fetch_add(1, Ordering::AcqRel);
        book.news.notify_waiters();
    }
    !left
}

async fn closed(socket: &mut TcpStream, buffer: &mut Buffer) {
    while buffer.fill(socket).await {}
}
