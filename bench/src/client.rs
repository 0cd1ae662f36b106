//! An HTTP/1.1 client that does no more than it must: it writes prepared bytes and finds the end of an answer.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The end of a chunked body.
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";
/// The largest answer that is expected.
const ANSWER_MAX: usize = 1 << 20;

/// A request as it is written, head and body.
pub fn request(key: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: gateway.example\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\naccept: */*\r\nuser-agent: sallyport-bench\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// How long one exchange took.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    /// To the first byte of the answer's body.
    pub first: Duration,
    /// To the last.
    pub whole: Duration,
}

/// A connection that is kept, and opened again when the other side closes it between two requests.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    stream: Option<TcpStream>,
    answer: Vec<u8>,
}

impl Client {
    /// Connects with the first request.
    pub fn new(address: SocketAddr) -> Self {
        Client {
            address,
            stream: None,
            answer: Vec::with_capacity(64 << 10),
        }
    }

    /// The last answer, head and all.
    pub fn answer(&self) -> &[u8] {
        &self.answer
    }

    /// One exchange; any status that tells of no success is an error.
    pub async fn ask(&mut self, request: &[u8]) -> Result<Took> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(self.address).await?,
        };
        let begun = Instant::now();
        stream.write_all(request).await?;
        self.answer.clear();
        let head = self.read_until_body(&mut stream).await?;
        let first = begun.elapsed();
        while !head.is_complete(&self.answer) {
            self.more(&mut stream).await?;
        }
        let whole = begun.elapsed();
        if !head.closes {
            self.stream = Some(stream);
        }
        Ok(Took { first, whole })
    }

    /// Sends a request and returns once the first bytes of its body are there; the stream stays open.
    pub async fn open(&mut self, request: &[u8]) -> Result<TcpStream> {
        let mut stream = connect(self.address).await?;
        stream.write_all(request).await?;
        self.answer.clear();
        self.read_until_body(&mut stream).await?;
        Ok(stream)
    }

    async fn read_until_body(&mut self, stream: &mut TcpStream) -> Result<Head> {
        loop {
            self.more(stream).await?;
            if let Some(head) = Head::read(&self.answer)?
                && (self.answer.len() > head.ends || head.length == Some(0))
            {
                return Ok(head);
            }
        }
    }

    async fn more(&mut self, stream: &mut TcpStream) -> Result<()> {
        if self.answer.len() > ANSWER_MAX {
            return Err(told(
                "an answer larger than any that was sent",
                &self.answer,
            ));
        }
        match stream.read_buf(&mut self.answer).await? {
            0 => Err(told(
                "the connection was closed within an answer",
                &self.answer,
            )),
            _ => Ok(()),
        }
    }
}

async fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// What the head of an answer says of its body.
#[derive(Clone, Copy, Debug)]
struct Head {
    ends: usize,
    /// `None`: chunked.
    length: Option<usize>,
    closes: bool,
}

impl Head {
    fn read(answer: &[u8]) -> Result<Option<Head>> {
        let Some(at) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let text = std::str::from_utf8(&answer[..at])
            .map_err(|_| told("a head that is no text", answer))?;
        let mut head = Head {
            ends: at + 4,
            length: None,
            closes: false,
        };
        let mut lines = text.split("\r\n");
        if !lines
            .next()
            .is_some_and(|line| line.starts_with("HTTP/1.1 20"))
        {
            return Err(told("an answer that is no success", answer));
        }
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                head.length = value.parse().ok();
            } else if name.eq_ignore_ascii_case("connection") {
                head.closes = value.eq_ignore_ascii_case("close");
            }
        }
        Ok(Some(head))
    }

    fn is_complete(&self, answer: &[u8]) -> bool {
        match self.length {
            Some(length) => answer.len() >= self.ends + length,
            None => answer.ends_with(LAST_CHUNK),
        }
    }
}

fn told(what: &str, answer: &[u8]) -> Error {
    let shown = String::from_utf8_lossy(&answer[..answer.len().min(600)]);
    Error::new(ErrorKind::InvalidData, format!("{what}:\n{shown}"))
}

/// A header of an answer.
pub fn header<'a>(answer: &'a [u8], name: &str) -> Option<&'a str> {
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let lines = std::str::from_utf8(answer.get(..head)?).ok()?.split("\r\n");
    lines
        .filter_map(|line| line.split_once(':'))
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

/// The body of a complete answer, chunks put together.
pub fn body_of(answer: &[u8]) -> Vec<u8> {
    let Ok(Some(head)) = Head::read(answer) else {
        return Vec::new();
    };
    let mut rest = &answer[head.ends..];
    if head.length.is_some() {
        return rest.to_vec();
    }
    let mut body = Vec::new();
    while let Some(line) = rest.windows(2).position(|two| two == b"\r\n") {
        let digits = std::str::from_utf8(&rest[..line]).unwrap_or_default();
        let length = usize::from_str_radix(digits.split(';').next().unwrap_or_default().trim(), 16)
            .unwrap_or(0);
        let chunk = rest.get(line + 2..line + 2 + length).unwrap_or_default();
        if chunk.is_empty() {
            break;
        }
        body.extend_from_slice(chunk);
        rest = rest.get(line + 2 + length + 2..).unwrap_or_default();
    }
    body
}
