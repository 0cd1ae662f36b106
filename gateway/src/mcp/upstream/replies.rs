//! What a server says to one request.

use super::Fault;
use super::demux::Entry;
use bytes::Bytes;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};
use tokio::time::Instant;

/// The messages that belong to one request, in order; the response is the last.
pub struct Replies {
    source: Source,
    status: u16,
    stream: bool,
    patience: Option<Patience>,
    pauses: watch::Receiver<Duration>,
}

/// How long a server is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// For its next message.
    pub idle: Duration,
    /// For its response.
    pub until: Instant,
}

enum Source {
    /// Everything is here.
    One(Option<Bytes>),
    /// It is still coming.
    Several {
        before: mpsc::Receiver<Queued>,
        answer: Option<oneshot::Receiver<Result<Queued, Fault>>>,
        /// Takes the request from the list of those in flight when it is dropped.
        _entry: Option<Entry>,
    },
}

/// A message that waits to be read, and the room it takes.
pub(super) struct Queued {
    pub message: Bytes,
    pub _room: Option<OwnedSemaphorePermit>,
}

/// The writing ends of a request's replies.
pub(super) struct Outlet {
    pub before: mpsc::Sender<Queued>,
    pub answer: oneshot::Sender<Result<Queued, Fault>>,
    /// Told when the server ends a connection before the answer, with how long it wants to be left alone.
    pub pauses: watch::Sender<Duration>,
}

impl Replies {
    pub(super) fn one(answer: Bytes, status: u16) -> Self {
        Replies {
            source: Source::One(Some(answer)),
            status,
            stream: false,
            patience: None,
            pauses: watch::channel(Duration::ZERO).1,
        }
    }

    /// Replies that come one by one; at most `waiting` of them wait to be read.
    pub(super) fn several(waiting: usize, status: u16, stream: bool) -> (Outlet, Replies) {
        let (before, coming) = mpsc::channel(waiting);
        let (answer, last) = oneshot::channel();
        let (told, pauses) = watch::channel(Duration::ZERO);
        let source = Source::Several {
            before: coming,
            answer: Some(last),
            _entry: None,
        };
        let replies = Replies {
            source,
            status,
            stream,
            patience: None,
            pauses,
        };
        let outlet = Outlet {
            before,
            answer,
            pauses: told,
        };
        (outlet, replies)
    }

    /// Waits no longer than this.
    pub(super) fn with_patience(mut self, patience: Option<Patience>) -> Self {
        self.patience = patience;
        self
    }

    pub(super) fn keep(mut self, entry: Entry) -> Self {
        if let Source::Several { _entry, .. } = &mut self.source {
            *_entry = Some(entry);
        }
        self
    }

    /// The next message: notifications and the server's own requests, last the response or why there is none.
    /// Then `None`. Nothing is lost if this is dropped while it waits.
    pub async fn next(&mut self) -> Option<Result<Bytes, Fault>> {
        let (before, answer) = match &mut self.source {
            Source::One(answer) => return answer.take().map(Ok),
            Source::Several { before, answer, .. } => (before, answer),
        };
        let last = answer.as_mut()?;
        let coming = async {
            match before.recv().await {
                Some(queued) => (Ok(queued.message), false),
                None => {
                    let last = last.await.unwrap_or(Err(Fault::Closed));
                    (last.map(|queued| queued.message), true)
                }
            }
        };
        let (next, ends) = match self.patience {
            None => coming.await,
            Some(Patience { idle, until }) => {
                let until = until.min(Instant::now() + idle);
                let waited = tokio::time::timeout_at(until, coming).await;
                waited.unwrap_or((Err(Fault::Slow), true))
            }
        };
        if ends {
            *answer = None;
        }
        Some(next)
    }

    /// Changes when the server ended a connection before its answer and will be asked again after so long
    /// (2025-11-25, Transports: polling).
    pub fn pauses(&self) -> watch::Receiver<Duration> {
        self.pauses.clone()
    }

    /// Whether the server answers with a stream of events.
    pub fn is_stream(&self) -> bool {
        self.stream
    }

    /// The HTTP status of the answer; 200 where there is no HTTP. Anything but 2xx comes with a JSON-RPC error.
    pub fn status(&self) -> u16 {
        self.status
    }
}
