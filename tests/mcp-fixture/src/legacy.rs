//! Sessions of the legacy era: streams that can be left and taken up again, and what is known of their clients.

use crate::talk::{Conversation, Out, locked};
use crate::{Change, Shared};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, Weak};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// One event of a stream, as text.
pub(crate) type Event = String;

/// Events that wait for a slow reader. One more, and it has to come again.
const EVENTS_MAX: usize = 256;
/// Streams that a session keeps for those who come again.
const STREAMS_MAX: usize = 64;
/// Sessions at a time.
const SESSIONS_MAX: usize = 10_000;
/// How long a client is asked to stay away, in milliseconds.
const RETRY_MS: u64 = 300;

/// All sessions by their ids.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<HashMap<String, Arc<Session>>>);

impl Sessions {
    pub fn get(&self, id: &str) -> Option<Arc<Session>> {
        locked(&self.0).get(id).cloned()
    }

    pub fn end(&self, id: &str) -> bool {
        let ended = locked(&self.0).remove(id);
        ended.inspect(|session| session.end()).is_some()
    }

    pub fn clear(&self) {
        locked(&self.0)
            .drain()
            .for_each(|(_, session)| session.end());
    }

    /// A new session, which hears of changes. `None`: there are too many.
    pub fn begin(&self, shared: &Shared) -> Option<Arc<Session>> {
        let mut sessions = locked(&self.0);
        if sessions.len() >= SESSIONS_MAX {
            return None;
        }
        let session = Arc::new(Session::new(sessions.len()));
        sessions.insert(session.id.clone(), Arc::clone(&session));
        tokio::spawn(tell(Arc::downgrade(&session), shared.changes.subscribe()));
        Some(session)
    }
}

/// Tells a session of changes, while there is one.
async fn tell(session: Weak<Session>, mut changes: tokio::sync::broadcast::Receiver<Change>) {
    while let Ok(change) = changes.recv().await {
        let Some(session) = session.upgrade() else {
            return;
        };
        let wanted = match &change {
            Change::Resource(uri) => locked(&session.conversation.watched).contains(uri),
            Change::Closing => return session.end(),
            _ => true,
        };
        if wanted {
            let (method, params) = change.told();
            session.tell(&crate::message::notification(method, &params));
        }
    }
}

/// A session.
#[derive(Debug)]
pub(crate) struct Session {
    pub id: String,
    pub conversation: Arc<Conversation>,
    /// Whether its revision knows events without data.
    pub primes: std::sync::atomic::AtomicBool,
    streams: Mutex<Streams>,
    running: Mutex<HashMap<String, AbortHandle>>,
}

#[derive(Debug, Default)]
struct Streams {
    next: u64,
    kept: BTreeMap<u64, Stream>,
    /// The one that a GET opened.
    standing: Option<u64>,
}

#[derive(Debug)]
struct Stream {
    events: Vec<Event>,
    reader: Option<mpsc::Sender<Event>>,
    ended: bool,
}

impl Stream {
    fn write(&mut self, number: u64, fields: &str) {
        let event = format!("id: {number}-{}\n{fields}\n\n", self.events.len());
        let taken = self
            .reader
            .as_ref()
            .is_some_and(|reader| reader.try_send(event.clone()).is_ok());
        if !taken {
            self.reader = None;
        }
        self.events.push(event);
    }
}

impl Session {
    fn new(number: usize) -> Self {
        // No secret: a fixture's sessions are worth nothing. But two of one moment must differ.
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let nanos = now.unwrap_or_default().as_nanos();
        Session {
            id: format!("fixture~{nanos:x}.{number}!"),
            conversation: Arc::default(),
            primes: false.into(),
            streams: Mutex::default(),
            running: Mutex::default(),
        }
    }

    /// A call has begun.
    pub fn started(&self, id: &Value, call: AbortHandle) {
        let mut running = locked(&self.running);
        running.retain(|_, call| !call.is_finished());
        running.insert(id.to_string(), call);
    }

    /// The client wants no answer any more.
    pub fn cancelled(&self, id: &Value) {
        if let Some(call) = locked(&self.running).remove(&id.to_string()) {
            call.abort();
        }
    }

    /// Opens a stream.
    pub fn open(&self) -> (u64, mpsc::Receiver<Event>) {
        let mut streams = locked(&self.streams);
        let number = streams.next;
        streams.next += 1;
        let (reader, events) = mpsc::channel(EVENTS_MAX);
        let mut stream = Stream {
            events: Vec::new(),
            reader: Some(reader),
            ended: false,
        };
        if self.primes.load(std::sync::atomic::Ordering::Relaxed) {
            stream.write(number, &format!("retry: {RETRY_MS}\ndata: "));
        }
        streams.kept.insert(number, stream);
        if streams.kept.len() > STREAMS_MAX {
            streams.kept.pop_first();
        }
        (number, events)
    }

    /// Opens the stream that belongs to no call. `None`: somebody reads it already.
    pub fn stand(&self) -> Option<mpsc::Receiver<Event>> {
        {
            let streams = locked(&self.streams);
            let standing = streams
                .standing
                .and_then(|number| streams.kept.get(&number));
            let read = |reader: &mpsc::Sender<Event>| !reader.is_closed();
            if standing.is_some_and(|stream| stream.reader.as_ref().is_some_and(read)) {
                return None;
            }
        }
        let (number, events) = self.open();
        locked(&self.streams).standing = Some(number);
        Some(events)
    }

    /// Takes up a stream after the event with this id. `None`: there is no such stream.
    pub fn resume(&self, last: &str) -> Option<mpsc::Receiver<Event>> {
        let (number, event) = last.split_once('-')?;
        let (number, event): (u64, usize) = (number.parse().ok()?, event.parse().ok()?);
        let mut streams = locked(&self.streams);
        let stream = streams.kept.get_mut(&number)?;
        let (reader, events) = mpsc::channel(EVENTS_MAX);
        for missed in stream.events.iter().skip(event + 1) {
            reader.try_send(missed.clone()).ok()?;
        }
        if !stream.ended {
            stream.reader = Some(reader);
        }
        Some(events)
    }

    /// Writes what comes out of a call to its stream.
    pub async fn pump(
        self: Arc<Self>,
        number: u64,
        first: Option<Out>,
        mut came: mpsc::Receiver<Out>,
    ) {
        let mut next = first;
        while let Some(out) = next {
            if !self.write(number, &out) {
                return;
            }
            next = came.recv().await;
        }
        // Cancelled: the stream ends without an answer.
        self.finish(number);
    }

    /// Whether more may come.
    fn write(&self, number: u64, out: &Out) -> bool {
        let mut streams = locked(&self.streams);
        let Some(stream) = streams.kept.get_mut(&number) else {
            return false;
        };
        match out {
            Out::Message(message) => stream.write(number, &data(message)),
            Out::Hangup => stream.reader = None,
            Out::Answer(message, _) => {
                stream.write(number, &data(message));
                (stream.reader, stream.ended) = (None, true);
                return false;
            }
        }
        true
    }

    fn finish(&self, number: u64) {
        if let Some(stream) = locked(&self.streams).kept.get_mut(&number) {
            (stream.reader, stream.ended) = (None, true);
        }
    }

    fn tell(&self, message: &Value) {
        let mut streams = locked(&self.streams);
        let Some(number) = streams.standing else {
            return;
        };
        if let Some(stream) = streams.kept.get_mut(&number) {
            stream.write(number, &data(message));
        }
    }

    fn end(&self) {
        locked(&self.running)
            .drain()
            .for_each(|(_, call)| call.abort());
        locked(&self.streams).kept.clear();
    }
}

fn data(message: &Value) -> String {
    format!("event: message\ndata: {message}")
}
