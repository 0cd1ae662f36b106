//! What belongs to no request: kept in order, bounded, and never waited for.

use super::Tally;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use tokio::sync::{Notify, mpsc};

/// Messages that may wait.
const WAITING_MAX: usize = 256;
/// Bytes that may wait.
const WAITING_BYTES_MAX: usize = 4 << 20;

/// Puts messages before a reader who may be slow. A full inbox drops what comes, and says so once in a while.
#[derive(Clone)]
pub(super) struct Inbox {
    shared: Arc<Shared>,
    /// The task ends with the last clone.
    _alive: Arc<Alive>,
}

struct Shared {
    server: Arc<str>,
    waiting: Mutex<Waiting>,
    wake: Notify,
    tally: Arc<Tally>,
}

#[derive(Default)]
struct Waiting {
    messages: VecDeque<Bytes>,
    bytes: usize,
    ended: bool,
}

struct Alive(Arc<Shared>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.wake.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(|p| p.into_inner())
    }
}

impl Inbox {
    /// Hands on to `to`, in a task of its own.
    pub fn new(server: Arc<str>, to: mpsc::Sender<Bytes>, tally: Arc<Tally>) -> Self {
        let shared = Arc::new(Shared {
            server,
            waiting: Mutex::default(),
            wake: Notify::new(),
            tally,
        });
        tokio::spawn(hand_on(shared.clone(), to));
        Inbox {
            _alive: Arc::new(Alive(shared.clone())),
            shared,
        }
    }

    /// Takes a message. One that says only that something changed is not kept twice (`once`).
    pub fn put(&self, message: Bytes, once: bool) {
        let mut waiting = self.shared.lock();
        if once && waiting.messages.contains(&message) {
            self.shared.tally.coalesced.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let full = waiting.messages.len() >= WAITING_MAX
            || waiting.bytes + message.len() > WAITING_BYTES_MAX;
        if full {
            drop(waiting);
            let dropped = self.shared.tally.dropped.fetch_add(1, Ordering::Relaxed) + 1;
            if dropped.is_power_of_two() {
                let server = &*self.shared.server;
                tracing::warn!(
                    server,
                    dropped,
                    "a tool server says more than is read; dropped"
                );
            }
            return;
        }
        waiting.bytes += message.len();
        waiting.messages.push_back(message);
        drop(waiting);
        self.shared.wake.notify_one();
    }
}

async fn hand_on(shared: Arc<Shared>, to: mpsc::Sender<Bytes>) {
    loop {
        let next = {
            let mut waiting = shared.lock();
            let next = waiting.messages.pop_front();
            match next {
                Some(message) => {
                    waiting.bytes -= message.len();
                    Some(message)
                }
                None if waiting.ended => return,
                None => None,
            }
        };
        match next {
            None => shared.wake.notified().await,
            // Nobody reads any more: what comes is dropped by its limits, the oldest first.
            Some(message) => {
                if to.send(message).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_flood_is_bounded_and_changes_are_told_once() {
        let (to, mut from) = mpsc::channel(1);
        let tally = Arc::new(Tally::default());
        let inbox = Inbox::new("s".into(), to, tally.clone());
        for _ in 0..1000 {
            inbox.put(Bytes::from_static(b"changed"), true);
        }
        for n in 0..1000 {
            inbox.put(Bytes::from(format!("{n}")), false);
        }
        assert!(tally.coalesced.load(Ordering::Relaxed) >= 997);
        assert!(tally.dropped.load(Ordering::Relaxed) >= 1000 - WAITING_MAX as u64);
        assert_eq!(from.recv().await.expect("a message"), "changed");
        drop(inbox);
        let mut left = 0;
        while from.recv().await.is_some() {
            left += 1;
        }
        assert!(left <= WAITING_MAX, "{left}");
    }

    #[tokio::test]
    async fn large_messages_are_bounded_by_their_bytes() {
        let (to, _from) = mpsc::channel(1);
        let tally = Arc::new(Tally::default());
        let inbox = Inbox::new("s".into(), to, tally.clone());
        for n in 0..16u8 {
            inbox.put(Bytes::from(vec![n; 1 << 20]), false);
        }
        assert!(tally.dropped.load(Ordering::Relaxed) >= 11);
    }
}
