//! A tool server made of a socket: it answers what the test says, also what no HTTP library would send.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) verb: String,
    pub(crate) target: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) fn says(&self, text: &str) -> bool {
        self.body.contains(text)
    }
}

/// What is answered.
pub(crate) enum Reply {
    /// Status, more headers (each with its line end), body.
    Whole(u16, String, String),
    /// A stream of events, chunk by chunk.
    Stream(Vec<Piece>),
}

pub(crate) enum Piece {
    Text(String),
    Pause(u64),
    /// The same again and again.
    Forever(String),
    /// Waits until the client is gone, and notes it.
    Hang,
    /// Closes without ending the body.
    Cut,
}

pub(crate) fn json(body: &str) -> Reply {
    Reply::Whole(
        200,
        "content-type: application/json\r\n".into(),
        body.into(),
    )
}

pub(crate) fn status(code: u16) -> Reply {
    Reply::Whole(code, String::new(), String::new())
}

pub(crate) fn event(data: &str) -> Piece {
    Piece::Text(format!("data: {data}\n\n"))
}

pub(crate) fn result(id: u64, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

/// A result of `initialize`.
pub(crate) fn hello(revision: &str) -> String {
    let result = format!(
        r#"{{"protocolVersion":"{revision}","capabilities":{{}},"serverInfo":{{"name":"fake","version":"0"}},"unknown":[1.50]}}"#
    );
    self::result(1, &result)
}

type Handler = dyn Fn(&Asked) -> Reply + Send + Sync;

pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    pub(crate) asked: Arc<Mutex<Vec<Asked>>>,
    /// How often a client was gone in a [`Piece::Hang`].
    pub(crate) gone: Arc<Mutex<usize>>,
}

impl Fake {
    pub(crate) async fn new(handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let fake = Fake {
            address,
            asked: Arc::default(),
            gone: Arc::default(),
        };
        let (asked, gone) = (fake.asked.clone(), fake.gone.clone());
        let handler: Arc<Handler> = Arc::new(handler);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, handler.clone(), asked.clone(), gone.clone()));
            }
        });
        fake
    }

    /// A server of the legacy era; `more` answers what is no part of the lifecycle.
    pub(crate) async fn legacy(more: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Fake {
        Fake::new(move |asked| {
            if asked.says("\"initialize\"") {
                let head = "content-type: application/json\r\nmcp-session-id: s-1\r\n";
                return Reply::Whole(200, head.into(), hello("2025-11-25"));
            }
            if asked.says("server/discover") {
                return status(400);
            }
            if asked.says("notifications/initialized") {
                return status(202);
            }
            if asked.verb == "GET" && asked.header("last-event-id").is_none() {
                return status(405);
            }
            more(asked)
        })
        .await
    }

    /// A server of the modern era.
    pub(crate) async fn modern(more: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Fake {
        Fake::new(move |asked| {
            if asked.verb != "POST" {
                return status(405);
            }
            if asked.says("server/discover") {
                let found = r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}}"#;
                return json(&result(2, found));
            }
            if asked.says("\"initialize\"") {
                let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32020,"message":"header"}}"#;
                let head = "content-type: application/json\r\n";
                return Reply::Whole(400, head.into(), error.into());
            }
            more(asked)
        })
        .await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("url: http://{}{path}", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("a list").clone()
    }

    pub(crate) fn count(&self, is: impl Fn(&Asked) -> bool) -> usize {
        self.asked().iter().filter(|asked| is(asked)).count()
    }

    pub(crate) fn gone(&self) -> usize {
        *self.gone.lock().expect("a number")
    }
}

async fn serve(
    socket: TcpStream,
    handler: Arc<Handler>,
    all: Arc<Mutex<Vec<Asked>>>,
    gone: Arc<Mutex<usize>>,
) {
    let mut socket = BufReader::new(socket);
    while let Some(asked) = read(&mut socket).await {
        all.lock().expect("a list").push(asked.clone());
        match handler(&asked) {
            Reply::Whole(status, headers, body) => {
                let length = body.len();
                let head =
                    format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n");
                let written = socket.write_all((head + &body).as_bytes()).await;
                if written.is_err() {
                    return;
                }
            }
            Reply::Stream(pieces) => {
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
                let _ = socket.write_all(head.as_bytes()).await;
                if stream(&mut socket, pieces, &gone).await.is_none() {
                    return;
                }
            }
        }
    }
}

async fn stream(
    socket: &mut BufReader<TcpStream>,
    pieces: Vec<Piece>,
    gone: &Mutex<usize>,
) -> Option<()> {
    for piece in pieces {
        match piece {
            Piece::Text(text) => {
                let chunk = format!("{:x}\r\n{text}\r\n", text.len());
                socket.write_all(chunk.as_bytes()).await.ok()?;
            }
            Piece::Forever(text) => {
                let chunk = format!("{:x}\r\n{text}\r\n", text.len());
                while socket.write_all(chunk.as_bytes()).await.is_ok() {
                    tokio::task::yield_now().await;
                }
                *gone.lock().expect("a number") += 1;
                return None;
            }
            Piece::Pause(milliseconds) => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            }
            Piece::Hang => {
                let mut byte = [0];
                let _ = socket.read(&mut byte).await;
                *gone.lock().expect("a number") += 1;
                return None;
            }
            Piece::Cut => return None,
        }
    }
    socket.write_all(b"0\r\n\r\n").await.ok()
}

async fn read(socket: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    socket.read_line(&mut line).await.ok()?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (verb, target) = (words.next()?, words.next()?);
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        socket.read_line(&mut line).await.ok()?;
        match line.trim().split_once(':') {
            Some((name, value)) => {
                headers.insert(name.to_lowercase(), value.trim().to_owned());
            }
            None => break,
        }
    }
    let length = headers.get("content-length").map_or("0", String::as_str);
    let mut body = vec![0; length.parse().ok()?];
    socket.read_exact(&mut body).await.ok()?;
    Some(Asked {
        verb,
        target,
        headers,
        body: String::from_utf8(body).ok()?,
    })
}
