//! A server's event stream: messages, and where to go on after a break (2025-11-25, transports, §Resumability).

use super::Fault;
use bytes::Bytes;
use http::HeaderValue;
use sallyport_exchange::sse::{BadStream, EVENT_MAX, Event, Parser};
use std::time::Duration;

/// The longest event id that is kept: it goes into a header.
const ID_MAX: usize = 1 << 10;

/// Reads a stream that may come in several connections.
#[derive(Default)]
pub(super) struct Events {
    parser: Parser,
    /// Of the last event that had one.
    pub last_id: Option<HeaderValue>,
    /// How long the server wants to be left alone before it is asked again.
    pub retry: Option<Duration>,
}

/// An event with data.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Said {
    /// Its name, if it is not `message`.
    pub name: Option<String>,
    /// Its data.
    pub data: Bytes,
}

impl Events {
    /// Takes the next bytes.
    pub fn push(&mut self, chunk: &[u8]) {
        self.parser.push(chunk);
    }

    /// Forgets an event whose end did not come.
    pub fn reconnect(&mut self) {
        self.parser = Parser::default();
    }

    /// The next event with data, if it is smaller than `max` bytes.
    pub fn next(&mut self, max: usize) -> Result<Option<Said>, Fault> {
        loop {
            let event = self.parser.next_event().map_err(|bad| match bad {
                BadStream::TooLarge => Fault::TooLarge(EVENT_MAX),
                BadStream::Utf8 => Fault::Garbled,
            })?;
            let Some(event) = event else {
                return match self.parser.held() > max {
                    true => Err(Fault::TooLarge(max)),
                    false => Ok(None),
                };
            };
            if event.raw().len() > max {
                return Err(Fault::TooLarge(max));
            }
            self.note(event.raw());
            if let Some(data) = data(&event) {
                let name = event.name().filter(|name| *name != "message");
                return Ok(Some(Said {
                    name: name.map(str::to_owned),
                    data,
                }));
            }
        }
    }

    fn note(&mut self, raw: &[u8]) {
        for line in raw.split(|byte| matches!(byte, b'\n' | b'\r')) {
            let value = |name: &[u8]| {
                let rest = line.strip_prefix(name)?;
                Some(rest.strip_prefix(b" ").unwrap_or(rest))
            };
            if let Some(id) = value(b"id:") {
                let id = Some(id).filter(|id| !id.is_empty() && id.len() <= ID_MAX);
                self.last_id = id.and_then(|id| HeaderValue::from_bytes(id).ok());
            } else if let Some(retry) = value(b"retry:") {
                let milliseconds = std::str::from_utf8(retry).ok().and_then(|n| n.parse().ok());
                self.retry = milliseconds.map(Duration::from_millis).or(self.retry);
            }
        }
    }
}

/// The data of an event, without a copy where it stands on one line.
fn data(event: &Event) -> Option<Bytes> {
    let data = event.data().filter(|data| !data.is_empty())?.as_bytes();
    let raw = event.raw();
    Some(match raw.as_ptr_range().contains(&data.as_ptr()) {
        true => raw.slice_ref(data),
        false => Bytes::copy_from_slice(data),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_pauses_are_kept_over_a_break() {
        let mut events = Events::default();
        events.push(
            b"id: 1\nretry: 50\ndata:\n\n: hi\n\nevent: message\nid: 2\ndata: {}\n\ndata: half",
        );
        let said = events.next(100).expect("a stream").expect("an event");
        assert_eq!((said.name, &said.data[..]), (None, &b"{}"[..]));
        assert_eq!(events.next(100), Ok(None));
        events.reconnect();
        assert_eq!(events.last_id, Some(HeaderValue::from_static("2")));
        assert_eq!(events.retry, Some(Duration::from_millis(50)));
        events.push(b"event: endpoint\ndata: a\ndata: b\n\n");
        let said = events.next(100).expect("a stream").expect("an event");
        assert_eq!(said.name.as_deref(), Some("endpoint"));
        assert_eq!(&said.data[..], b"a\nb");
    }

    #[test]
    fn an_id_that_no_header_can_carry_is_forgotten() {
        let mut events = Events::default();
        events.push(b"id: ok\ndata: 1\n\nid: \x01\ndata: 1\n\n");
        while events.next(100).expect("a stream").is_some() {}
        assert_eq!(events.last_id, None);
    }

    #[test]
    fn a_large_event_is_refused_whether_it_ends_or_not() {
        for end in ["", "\n\n"] {
            let mut events = Events::default();
            events.push(format!("data: {}{end}", "x".repeat(200)).as_bytes());
            assert_eq!(events.next(100), Err(Fault::TooLarge(100)));
        }
    }
}
