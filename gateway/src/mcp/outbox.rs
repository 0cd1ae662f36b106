//! What is on its way to an agent on one stream, kept so that a broken connection can be taken up again
//! (2025-11-25, Transports, Resumability and Redelivery).

use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// Messages of one stream that are kept for redelivery.
const KEPT_MAX: usize = 256;
/// Bytes of one stream that are kept for redelivery.
const KEPT_BYTES_MAX: usize = 4 << 20;

/// A stream of messages to one agent. Its number is unique in its session.
#[derive(Debug)]
pub struct Outbox {
    /// The stream's number.
    pub stream: u64,
    kept: Mutex<Kept>,
    grown: watch::Sender<u64>,
    /// Who reads it now; a later reader takes it over.
    reader: AtomicU64,
}

#[derive(Debug, Default)]
struct Kept {
    messages: VecDeque<Bytes>,
    bytes: usize,
    /// The number of the first message kept; they count from 1.
    first: u64,
    ended: bool,
    status: u16,
    streamed: bool,
    pause: Option<Duration>,
}

/// What a reader finds.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// The message of this number.
    Message(u64, Bytes),
    /// Nothing will come any more.
    Ended,
    /// Nothing will come for so long: the reader may leave and come again.
    Paused(Duration),
    /// Somebody else reads this stream now.
    TakenOver,
}

impl Outbox {
    /// An empty stream.
    pub fn new(stream: u64) -> Self {
        let kept = Kept {
            first: 1,
            ..Kept::default()
        };
        Outbox {
            stream,
            kept: Mutex::new(kept),
            grown: watch::channel(0).0,
            reader: AtomicU64::new(0),
        }
    }

    /// Adds a message. The oldest are let go beyond the limits.
    pub fn push(&self, message: Bytes) {
        self.push_last(message, false);
    }

    fn push_last(&self, message: Bytes, last: bool) {
        {
            let mut kept = self.lock();
            if kept.ended {
                return;
            }
            kept.ended = last;
            kept.bytes += message.len();
            kept.messages.push_back(message);
            while kept.messages.len() > KEPT_MAX
                || (kept.bytes > KEPT_BYTES_MAX && kept.messages.len() > 1)
            {
                let gone = kept.messages.pop_front().map_or(0, |m| m.len());
                kept.bytes -= gone;
                kept.first += 1;
            }
        }
        self.grown.send_modify(|n| *n += 1);
    }

    /// Nothing more will come.
    pub fn end(&self) {
        self.lock().ended = true;
        self.grown.send_modify(|n| *n += 1);
    }

    /// The HTTP status that the last message would have as the only one.
    pub fn status(&self) -> u16 {
        match self.lock().status {
            0 => 200,
            status => status,
        }
    }

    /// The server answers with a stream, so the agent is answered with one.
    pub fn set_streamed(&self) {
        self.lock().streamed = true;
    }

    /// Nothing will come for so long. Told once, to who reads now.
    pub fn pause(&self, pause: Duration) {
        self.lock().pause = Some(pause);
        self.grown.send_modify(|n| *n += 1);
    }

    /// Adds the last message: nothing comes after it. `status`: the HTTP status if it is the only one.
    pub fn finish(&self, status: u16, message: Bytes) {
        self.lock().status = status;
        self.push_last(message, true);
    }

    /// Whether one message is all that was ever said, and may be said without a stream.
    pub fn is_only_message(&self) -> bool {
        let kept = self.lock();
        kept.ended && !kept.streamed && kept.first == 1 && kept.messages.len() == 1
    }

    /// Lets go of what was kept: it was delivered whole and not as events, so nobody can take it up again.
    pub fn let_go(&self) {
        let mut kept = self.lock();
        kept.first += kept.messages.len() as u64;
        kept.messages.clear();
        kept.bytes = 0;
    }

    /// Whether all has been said.
    pub fn has_ended(&self) -> bool {
        self.lock().ended
    }

    /// Begins to read; whoever read before is told so.
    pub fn take_over(&self) -> u64 {
        let reader = self.reader.fetch_add(1, Ordering::AcqRel) + 1;
        self.grown.send_modify(|n| *n += 1);
        reader
    }

    /// Whether anybody has ever read it.
    pub fn has_reader(&self) -> bool {
        self.reader.load(Ordering::Acquire) > 0
    }

    /// The message after number `after`; waits for it.
    pub async fn next(&self, reader: u64, after: u64) -> Next {
        let mut grown = self.grown.subscribe();
        loop {
            grown.mark_unchanged();
            if self.reader.load(Ordering::Acquire) != reader {
                return Next::TakenOver;
            }
            if let Some(found) = self.look(after) {
                return found;
            }
            if grown.changed().await.is_err() {
                return Next::Ended;
            }
        }
    }

    fn look(&self, after: u64) -> Option<Next> {
        let mut kept = self.lock();
        let number = (after + 1).max(kept.first);
        let at = usize::try_from(number - kept.first).ok()?;
        match kept.messages.get(at) {
            Some(message) => Some(Next::Message(number, message.clone())),
            None if kept.ended => Some(Next::Ended),
            None => kept.pause.take().map(Next::Paused),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(|p| p.into_inner())
    }
}

/// An event id: the stream, and the message in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventId {
    /// The stream's number.
    pub stream: u64,
    /// The message's number; 0 is before the first.
    pub message: u64,
}

impl EventId {
    /// Reads `stream-message`.
    pub fn read(text: &str) -> Option<EventId> {
        let (stream, message) = text.split_once('-')?;
        let plain = |n: &str| {
            (n.len() <= 20 && n.bytes().all(|b| b.is_ascii_digit()))
                .then(|| n.parse().ok())
                .flatten()
        };
        Some(EventId {
            stream: plain(stream)?,
            message: plain(message)?,
        })
    }
}

impl std::fmt::Display for EventId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.stream, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stream_is_read_again_from_where_it_broke() {
        let outbox = Outbox::new(3);
        let first = outbox.take_over();
        outbox.push(Bytes::from_static(b"a"));
        outbox.push(Bytes::from_static(b"b"));
        assert_eq!(
            outbox.next(first, 0).await,
            Next::Message(1, Bytes::from_static(b"a"))
        );
        let second = outbox.take_over();
        assert_eq!(outbox.next(first, 1).await, Next::TakenOver);
        assert_eq!(
            outbox.next(second, 1).await,
            Next::Message(2, Bytes::from_static(b"b"))
        );
        outbox.end();
        assert_eq!(outbox.next(second, 2).await, Next::Ended);
    }

    #[tokio::test]
    async fn what_is_kept_is_bounded() {
        let outbox = Outbox::new(1);
        let reader = outbox.take_over();
        for n in 0..KEPT_MAX + 10 {
            outbox.push(Bytes::from(n.to_string()));
        }
        assert_eq!(
            outbox.next(reader, 0).await,
            Next::Message(11, Bytes::from_static(b"10"))
        );
    }

    #[tokio::test]
    async fn what_was_delivered_whole_is_not_kept() {
        let outbox = Outbox::new(1);
        let reader = outbox.take_over();
        outbox.finish(200, Bytes::from_static(b"all"));
        assert!(outbox.is_only_message());
        outbox.let_go();
        assert!(outbox.lock().messages.is_empty());
        assert_eq!(outbox.next(reader, 0).await, Next::Ended);
    }

    #[test]
    fn event_ids_are_read_strictly() {
        let id = EventId {
            stream: 4,
            message: 9,
        };
        assert_eq!(EventId::read(&id.to_string()), Some(id));
        for odd in ["", "4", "4-", "-9", "+4-9", "4-9-1", "four-9"] {
            assert_eq!(EventId::read(odd), None, "{odd}");
        }
    }
}
