//! Bodies of answers: whole, or a stream of events.

use crate::legacy::Event;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use serde_json::Value;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

/// A body.
#[derive(Debug)]
pub(crate) enum Body {
    /// What is left of it.
    Whole(Option<Bytes>),
    /// Comes event by event, and may hold a call that ends with it.
    Events(mpsc::Receiver<Event>, Option<Abandon>),
}

impl Body {
    pub fn empty() -> Self {
        Body::Whole(None)
    }

    pub fn json(message: &Value) -> Self {
        Body::Whole(Some(Bytes::from(message.to_string())))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Body::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Body::Events(events, abandon) => events.poll_recv(context).map(|event| {
                let Some(event) = event else {
                    if let Some(abandon) = abandon.take() {
                        abandon.no();
                    }
                    return None;
                };
                Some(Ok(Frame::data(Bytes::from(event))))
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Body::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Body::Events(..) => SizeHint::default(),
        }
    }
}

/// Ends a call when the client leaves before the answer: the modern era's way to cancel.
#[derive(Debug)]
pub(crate) struct Abandon {
    call: Option<AbortHandle>,
    count: watch::Sender<usize>,
}

impl Abandon {
    pub fn new(call: AbortHandle, count: watch::Sender<usize>) -> Self {
        Abandon {
            call: Some(call),
            count,
        }
    }

    /// The answer is out.
    pub fn no(mut self) {
        self.call = None;
    }
}

impl Drop for Abandon {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            call.abort();
            self.count.send_modify(|count| *count += 1);
        }
    }
}
