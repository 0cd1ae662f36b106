//! HTTP/1 as bytes: just enough to read a message and know where it ends.

use tokio::io::{AsyncRead, AsyncReadExt};

/// The head of a message, and its body.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    /// As it came, up to and with the blank line.
    pub head: Vec<u8>,
    /// Without its framing.
    pub body: Vec<u8>,
    /// As it came.
    pub raw_body: Vec<u8>,
    /// Whether the body ended where its framing says.
    pub complete: bool,
}

/// How long a body is.
enum Framing {
    Length(usize),
    Chunked,
    UntilClose,
}

/// What was read of a connection but belongs to the next message.
#[derive(Debug, Default)]
pub(crate) struct Buffer(Vec<u8>);

impl Buffer {
    /// Reads more. False: the other side has closed, or reset.
    pub async fn fill(&mut self, from: &mut (impl AsyncRead + Unpin)) -> bool {
        matches!(from.read_buf(&mut self.0).await, Ok(n) if n > 0)
    }

    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads until the bytes hold `end`, and takes all up to and with it.
    async fn through(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
        end: &[u8],
    ) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = find(&self.0, end) {
                let rest = self.0.split_off(at + end.len());
                return Some(std::mem::replace(&mut self.0, rest));
            }
            if !self.fill(from).await {
                return None;
            }
        }
    }

    async fn exactly(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
        length: usize,
    ) -> Result<Vec<u8>, Vec<u8>> {
        while self.0.len() < length {
            if !self.fill(from).await {
                return Err(self.take());
            }
        }
        let rest = self.0.split_off(length);
        Ok(std::mem::replace(&mut self.0, rest))
    }

    /// Reads a request. `None`: the connection closed before its head was complete.
    pub async fn request(&mut self, from: &mut (impl AsyncRead + Unpin)) -> Option<Message> {
        let head = self.through(from, b"\r\n\r\n").await?;
        let framing = match field(&head, "transfer-encoding") {
            Some(_) => Framing::Chunked,
            None => Framing::Length(
                field(&head, "content-length")
                    .and_then(|l| l.parse().ok())
                    .unwrap_or(0),
            ),
        };
        Some(self.body(from, head, framing).await)
    }

    /// Reads an answer to a request with `method`; informational ones are skipped.
    pub async fn answer(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
        method: &str,
    ) -> Option<Message> {
        loop {
            let head = self.through(from, b"\r\n\r\n").await?;
            let status = status(&head);
            if (100..200).contains(&status) && status != 101 {
                continue;
            }
            let framing = match (
                field(&head, "transfer-encoding"),
                field(&head, "content-length"),
            ) {
                _ if method == "HEAD" || matches!(status, 204 | 304) => Framing::Length(0),
                (Some(_), _) => Framing::Chunked,
                (None, Some(length)) => Framing::Length(length.parse().unwrap_or(0)),
                (None, None) => Framing::UntilClose,
            };
            return Some(self.body(from, head, framing).await);
        }
    }

    async fn body(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
        head: Vec<u8>,
        framing: Framing,
    ) -> Message {
        let (raw_body, complete) = match framing {
            Framing::Length(length) => match self.exactly(from, length).await {
                Ok(body) => (body, true),
                Err(part) => (part, false),
            },
            Framing::UntilClose => {
                while self.fill(from).await {}
                (self.take(), true)
            }
            Framing::Chunked => {
                let mut message = Message {
                    head,
                    ..Message::default()
                };
                message.complete = self.chunks(from, &mut message).await.is_some();
                if !message.complete {
                    message.raw_body.append(&mut self.0);
                }
                return message;
            }
        };
        Message {
            head,
            body: raw_body.clone(),
            raw_body,
            complete,
        }
    }

    async fn chunks(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
        message: &mut Message,
    ) -> Option<()> {
        loop {
            let line = self.through(from, b"\r\n").await?;
            message.raw_body.extend_from_slice(&line);
            let size = std::str::from_utf8(&line)
                .ok()?
                .trim()
                .split(';')
                .next()?
                .trim();
            let size = usize::from_str_radix(size, 16).ok()?;
            if size == 0 {
                let end = loop {
                    let line = self.through(from, b"\r\n").await?;
                    message.raw_body.extend_from_slice(&line);
                    if line == b"\r\n" {
                        break Some(());
                    }
                };
                return end;
            }
            let chunk = match self.exactly(from, size + 2).await {
                Ok(chunk) => chunk,
                Err(part) => {
                    message.body.extend_from_slice(&part);
                    message.raw_body.extend_from_slice(&part);
                    return None;
                }
            };
            message.body.extend_from_slice(&chunk[..size]);
            message.raw_body.extend_from_slice(&chunk);
        }
    }
}

/// The first value of a header.
pub(crate) fn field(head: &[u8], name: &str) -> Option<String> {
    fields(head)
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

/// All headers, in order.
pub(crate) fn fields(head: &[u8]) -> impl Iterator<Item = (String, String)> {
    let text = String::from_utf8_lossy(head).into_owned();
    let lines: Vec<String> = text.split("\r\n").skip(1).map(str::to_owned).collect();
    lines.into_iter().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_owned(), value.trim().to_owned()))
    })
}

/// The status of an answer; 0 if it has none.
pub(crate) fn status(head: &[u8]) -> u16 {
    String::from_utf8_lossy(head)
        .split(' ')
        .nth(1)
        .and_then(|s| s.parse().ok())
        .unwrap_or(0)
}

/// Where `needle` begins.
pub(crate) fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len())
        .position(|window| window == needle)
}
