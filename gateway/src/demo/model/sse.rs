//! A streamed answer: events, and the body that sends them one after the other.

use super::Book;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use serde_json::Value;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Sleep;

/// The events of one answer.
#[derive(Debug, Default)]
pub(crate) struct Events(VecDeque<Bytes>);

impl Events {
    /// An event with data only.
    pub fn data(&mut self, data: &Value) {
        self.0.push_back(Bytes::from(format!("data: {data}\n\n")));
    }

    /// An event whose name is its data's `type`.
    pub fn named(&mut self, data: &Value) {
        let name = data["type"].as_str().unwrap_or("message");
        self.0
            .push_back(Bytes::from(format!("event: {name}\ndata: {data}\n\n")));
    }

    /// The line that ends an OpenAI stream.
    pub fn done(&mut self) {
        self.0.push_back(Bytes::from_static(b"data: [DONE]\n\n"));
    }

    /// The body that sends them, `pace` apart.
    pub(super) fn paced(self, pace: Duration, book: Arc<Book>) -> Stream {
        Stream {
            events: self.0,
            pace,
            waiting: None,
            book,
        }
    }
}

/// A body that sends events one by one, and notes when nobody wants the rest.
#[derive(Debug)]
pub(crate) struct Stream {
    events: VecDeque<Bytes>,
    pace: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
    book: Arc<Book>,
}

impl Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(waiting) = &mut self.waiting {
            if waiting.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.waiting = None;
        }
        let next = self.events.pop_front();
        if next.is_some() && !self.pace.is_zero() {
            self.waiting = Some(Box::pin(tokio::time::sleep(self.pace)));
        }
        Poll::Ready(next.map(|event| Ok(Frame::data(event))))
    }

    fn is_end_stream(&self) -> bool {
        self.events.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if !self.events.is_empty() {
            self.book.note_hang_up();
        }
    }
}
