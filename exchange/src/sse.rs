//! Server-sent events (WHATWG HTML §9.2): bytes in, whole events out, each with the bytes it came as.

use crate::edit::Edits;
use crate::span::Span;
use bytes::{Bytes, BytesMut};

/// The largest event that is read. A partial image can take some megabytes.
pub const EVENT_MAX: usize = 16 << 20;

/// Why a stream cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadStream {
    /// One event is larger than [`EVENT_MAX`].
    #[error("an event is larger than {EVENT_MAX} bytes")]
    TooLarge,
    /// An event is not UTF-8.
    #[error("an event is not valid UTF-8")]
    Utf8,
}

/// One event, comment or keep-alive, up to and with the blank line that ends it.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    raw: Bytes,
    name: Option<Span>,
    data: Data,
}

#[derive(Clone, PartialEq, Eq)]
enum Data {
    None,
    /// On one line of `raw`.
    Line(Span),
    /// On several lines, joined by line feeds.
    Lines(Bytes),
}

impl std::fmt::Debug for Event {
    /// Name and size, never data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Event {:?}, {} bytes", self.name(), self.raw.len())
    }
}

impl Event {
    fn parse(raw: Bytes) -> Result<Event, BadStream> {
        let text = std::str::from_utf8(&raw).map_err(|_| BadStream::Utf8)?;
        let mut name = None;
        let mut data: Vec<Span> = Vec::new();
        for line in lines(text) {
            let content = &text[line.range()];
            if let Some(value) = field(content, "data") {
                data.push(value.shifted(line.start as usize));
            } else if let Some(value) = field(content, "event") {
                name = Some(value.shifted(line.start as usize));
            }
        }
        let data = match data.as_slice() {
            [] => Data::None,
            [one] => Data::Line(*one),
            many => {
                let pieces: Vec<&str> = many.iter().map(|s| &text[s.range()]).collect();
                Data::Lines(Bytes::from(pieces.join("\n")))
            }
        };
        Ok(Event { raw, name, data })
    }

    /// The bytes it came as.
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// The event's name, if it has an `event:` line.
    pub fn name(&self) -> Option<&str> {
        let span = self.name?;
        std::str::from_utf8(&self.raw[span.range()]).ok()
    }

    /// Its data; `None` for a comment or keep-alive.
    pub fn data(&self) -> Option<&str> {
        let bytes = match &self.data {
            Data::None => return None,
            Data::Line(span) => &self.raw[span.range()],
            Data::Lines(joined) => &joined[..],
        };
        std::str::from_utf8(bytes).ok()
    }

    /// The event's bytes with `edits` made to its data; every other line stays as it came.
    pub fn edited(&self, edits: &Edits) -> Bytes {
        if edits.is_empty() {
            return self.raw.clone();
        }
        match &self.data {
            Data::None => self.raw.clone(),
            Data::Line(span) => {
                let data = edits.apply(&self.raw.slice(span.range()));
                let mut out = BytesMut::with_capacity(self.raw.len() + data.len());
                out.extend_from_slice(&self.raw[..span.start as usize]);
                out.extend_from_slice(&data);
                out.extend_from_slice(&self.raw[span.end as usize..]);
                out.freeze()
            }
            Data::Lines(joined) => self.with_lines(&edits.apply(joined)),
        }
    }

    fn with_lines(&self, data: &[u8]) -> Bytes {
        let mut out = BytesMut::with_capacity(self.raw.len() + data.len());
        let text = std::str::from_utf8(&self.raw).unwrap_or("");
        for line in lines(text) {
            let content = &text[line.range()];
            if !content.is_empty() && field(content, "data").is_none() {
                out.extend_from_slice(content.as_bytes());
                out.extend_from_slice(b"\n");
            }
        }
        for line in data.split(|&b| b == b'\n') {
            out.extend_from_slice(b"data: ");
            out.extend_from_slice(line);
            out.extend_from_slice(b"\n");
        }
        out.extend_from_slice(b"\n");
        out.freeze()
    }
}

/// The value of `line` if it is the field `name`, as a span of the line.
fn field(line: &str, name: &str) -> Option<Span> {
    let rest = line.strip_prefix(name)?;
    if rest.is_empty() {
        return Some(Span::new(line.len(), line.len()));
    }
    let value = rest.strip_prefix(':')?;
    let value = value.strip_prefix(' ').unwrap_or(value);
    Some(Span::new(line.len() - value.len(), line.len()))
}

/// Lines without their ends, for LF, CRLF and CR alike.
fn lines(text: &str) -> impl Iterator<Item = Span> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        if at >= bytes.len() {
            return None;
        }
        let end = memchr::memchr2(b'\n', b'\r', &bytes[at..]).map_or(bytes.len(), |n| at + n);
        let line = Span::new(at, end);
        at = match (bytes.get(end), bytes.get(end + 1)) {
            (Some(b'\r'), Some(b'\n')) => end + 2,
            _ => end + 1,
        };
        Some(line)
    })
}

/// Cuts a byte stream into events. However the stream is cut, the same events come out.
#[derive(Default)]
pub struct Parser {
    buffer: BytesMut,
    /// Bytes of `buffer` in which no event ends, so that a long event is not searched again and again.
    searched: usize,
    begun: bool,
}

impl Parser {
    /// Takes the next bytes.
    pub fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// Bytes held for an event that has not ended.
    pub fn held(&self) -> usize {
        self.buffer.len()
    }

    /// The next whole event.
    pub fn next_event(&mut self) -> Result<Option<Event>, BadStream> {
        self.skip_byte_order_mark();
        match self.event_end() {
            Some(end) => {
                self.searched = 0;
                let raw = self.buffer.split_to(end).freeze();
                Event::parse(raw).map(Some)
            }
            None if self.buffer.len() > EVENT_MAX => Err(BadStream::TooLarge),
            None => Ok(None),
        }
    }

    /// What is left when the stream has ended: an event whose blank line never came. A browser would
    /// drop it; SDKs read it, so it is judged like any other.
    pub fn finish(mut self) -> Result<Option<Event>, BadStream> {
        if let Some(event) = self.next_event()? {
            // A CR that waited for its LF.
            return Ok(Some(event));
        }
        if self.buffer.is_empty() {
            return Ok(None);
        }
        Event::parse(self.buffer.freeze()).map(Some)
    }

    /// A leading U+FEFF is not part of the stream (§9.2.6).
    fn skip_byte_order_mark(&mut self) {
        if !self.begun && !self.buffer.is_empty() {
            let mark = "\u{feff}".as_bytes();
            if mark.starts_with(&self.buffer[..self.buffer.len().min(3)]) {
                if self.buffer.len() < 3 {
                    return;
                }
                let _ = self.buffer.split_to(3);
                // Its first bytes may have been searched before they were known for a mark.
                self.searched = 0;
            }
            self.begun = true;
        }
    }

    /// Where the first event ends: after its blank line. A CR at the very end may still get its LF.
    fn event_end(&mut self) -> Option<usize> {
        let bytes = &self.buffer[..];
        let mut at = self.searched;
        while let Some(n) = memchr::memchr2(b'\n', b'\r', &bytes[at..]) {
            let stop = at + n;
            let next = after_newline(bytes, stop)?;
            match bytes.get(next) {
                Some(b'\n' | b'\r') => {
                    if let Some(end) = after_newline(bytes, next) {
                        return Some(end);
                    }
                    self.searched = stop;
                    return None;
                }
                Some(_) => at = next,
                None => {
                    self.searched = stop;
                    return None;
                }
            }
        }
        self.searched = bytes.len();
        None
    }
}

/// The offset after the line end at `at`; `None` if a CR there may still get its LF.
fn after_newline(bytes: &[u8], at: usize) -> Option<usize> {
    match (bytes.get(at), bytes.get(at + 1)) {
        (Some(b'\r'), Some(b'\n')) => Some(at + 2),
        (Some(b'\r'), None) => None,
        _ => Some(at + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::Edit;
    use proptest::prelude::*;

    fn events(chunks: &[&[u8]]) -> Vec<(Option<String>, Option<String>)> {
        let mut parser = Parser::default();
        let mut out = Vec::new();
        let mut note =
            |e: Event| out.push((e.name().map(str::to_owned), e.data().map(str::to_owned)));
        for chunk in chunks {
            parser.push(chunk);
            while let Some(event) = parser.next_event().unwrap() {
                note(event);
            }
        }
        if let Some(event) = parser.finish().unwrap() {
            note(event);
        }
        out
    }

    #[test]
    fn reads_every_line_ending_comment_and_multi_line_data() {
        let text = b"\xef\xbb\xbf: hi\n\nevent: a\ndata:1\n\ndata: x\r\ndata: y\r\n\r\ndata\rid: 3\r\rdata: last";
        let some = |s: &str| Some(s.to_owned());
        assert_eq!(
            events(&[text]),
            [
                (None, None),
                (some("a"), some("1")),
                (None, some("x\ny")),
                (None, some("")),
                (None, some("last")),
            ]
        );
    }

    #[test]
    fn a_byte_order_mark_may_come_in_pieces() {
        let text = b"\xef\xbb\xbfdata: a\n\ndata: b\n\n";
        let pieces: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(events(&pieces), events(&[text]));
    }

    #[test]
    fn an_edit_keeps_every_other_byte() {
        let mut parser = Parser::default();
        parser.push(b"id: 7\nevent: m\ndata: {\"a\":\"secret\"}\nretry: 5\n\n");
        let event = parser.next_event().unwrap().unwrap();
        let mut edits = Edits::default();
        edits.insert(Edit {
            span: Span::new(6, 12),
            with: "-".into(),
        });
        assert_eq!(
            event.edited(&edits),
            "id: 7\nevent: m\ndata: {\"a\":\"-\"}\nretry: 5\n\n"
        );
    }

    #[test]
    fn a_never_ending_event_is_refused() {
        let mut parser = Parser::default();
        parser.push(b"data: ");
        let chunk = vec![b'a'; 1 << 20];
        let refused = (0..20).any(|_| {
            parser.push(&chunk);
            parser.next_event() == Err(BadStream::TooLarge)
        });
        assert!(refused);
    }

    proptest! {
        #[test]
        fn the_cut_does_not_matter(
            lines in proptest::collection::vec("(data|event|id|:)?:? ?[a-zé]{0,6}(\n|\r\n|\r|\n\n|\r\r|\r\n\r\n)", 0..30),
            cuts in proptest::collection::vec(0usize..400, 0..20),
        ) {
            let text = lines.concat().into_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|w| &text[w[0]..w[1]]).collect();
            prop_assert_eq!(events(&chunks), events(&[&text]));
        }
    }
}
