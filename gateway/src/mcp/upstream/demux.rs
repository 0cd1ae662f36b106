//! Who waits for what on a channel that all requests share: standard output, or the stream of 2024.

use super::inbox::Inbox;
use super::message::{Sight, Token, Topic, messages, salvaged_id};
use super::replies::{Outlet, Queued, Replies};
use super::{Fault, Tally};
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Messages of one request that may wait to be read.
const WAITING_MAX: usize = 64;
/// Bytes of all requests that may wait to be read.
pub(super) const WAITING_BYTES_MAX: usize = 64 << 20;
/// How long a burst waits for its reader, before he is taken to be asleep and no longer waited for.
const READER_TIME: Duration = Duration::from_millis(250);

/// The requests in flight.
pub(super) struct Demux {
    table: Mutex<Table>,
    room: Arc<Semaphore>,
    inbox: Inbox,
    tally: Arc<Tally>,
    /// Whether messages may come in batches.
    pub batches: std::sync::atomic::AtomicBool,
}

#[derive(Default)]
struct Table {
    waiting: HashMap<u64, Waiting>,
    tokens: HashMap<Token, u64>,
    /// By age.
    order: BTreeMap<u64, u64>,
    begun: u64,
    closed: Option<Fault>,
}

struct Waiting {
    outlet: Outlet,
    token: Option<Token>,
    age: u64,
    /// Its reader let a burst wait for [`READER_TIME`] and has not read since.
    asleep: bool,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Table {
    fn remove(&mut self, id: u64) -> Option<Waiting> {
        let waiting = self.waiting.remove(&id)?;
        self.order.remove(&waiting.age);
        if let Some(token) = &waiting.token {
            self.tokens.remove(token);
        }
        Some(waiting)
    }
}

/// A request's place in the list of those in flight.
pub(super) struct Entry {
    demux: Arc<Demux>,
    id: u64,
    age: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut table = self.demux.lock();
        // The id may have been used again since.
        if table.order.get(&self.age) == Some(&self.id) {
            table.remove(self.id);
        }
    }
}

impl Demux {
    pub fn new(inbox: Inbox, tally: Arc<Tally>) -> Self {
        Demux {
            table: Mutex::default(),
            room: Arc::new(Semaphore::new(WAITING_BYTES_MAX)),
            inbox,
            tally,
            batches: false.into(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(|p| p.into_inner())
    }

    /// Begins to wait for the answer to `id`.
    pub fn wait(
        self: &Arc<Self>,
        id: u64,
        token: Option<&str>,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Result<Replies, Fault> {
        let (outlet, replies) = Replies::several(WAITING_MAX, 200, false);
        let token = token.and_then(Token::read);
        let mut table = self.lock();
        if let Some(fault) = table.closed {
            return Err(fault);
        }
        if table.waiting.contains_key(&id) {
            return Err(Fault::BadRequest);
        }
        table.begun += 1;
        let age = table.begun;
        table.order.insert(age, id);
        if let Some(token) = &token {
            table.tokens.insert(token.clone(), id);
        }
        let waiting = Waiting {
            outlet,
            token,
            age,
            asleep: false,
            _permit: permit,
        };
        table.waiting.insert(id, waiting);
        drop(table);
        let demux = self.clone();
        Ok(replies.keep(Entry { demux, id, age }))
    }

    /// Hands what the server said to whom it belongs. False: it was rubbish.
    pub async fn take(&self, body: Bytes) -> bool {
        let Ok(all) = messages(&body, self.batches.load(Ordering::Relaxed)) else {
            return match salvaged_id(&body).and_then(|id| self.lock().remove(id)) {
                Some(waiting) => {
                    let _ = waiting.outlet.answer.send(Err(Fault::Garbled));
                    true
                }
                None => false,
            };
        };
        for (sight, message) in all {
            match sight {
                Sight::Answer(id) => self.answer(id, message),
                Sight::Request => self.tell(self.newest(), message).await,
                Sight::Notification(Topic::Other) => self.tell(self.newest(), message).await,
                Sight::Notification(Topic::Changed) => self.inbox.put(message, true),
                Sight::Notification(Topic::Subscription(id)) => self.tell(Some(id), message).await,
                Sight::Notification(Topic::Progress(token)) => {
                    let id = self.lock().tokens.get(&token).copied();
                    self.tell(id, message).await;
                }
            }
        }
        true
    }

    fn newest(&self) -> Option<u64> {
        self.lock().order.last_key_value().map(|(_, id)| *id)
    }

    fn answer(&self, id: Option<u64>, message: Bytes) {
        let waiting = id.and_then(|id| self.lock().remove(id));
        match waiting {
            Some(waiting) => {
                let queued = self.queued(message).ok_or(Fault::Busy);
                let _ = waiting.outlet.answer.send(queued);
            }
            // An answer to what was cancelled, or to nothing.
            None => self.dropped(),
        }
    }

    /// The message with the room it takes, if there is any.
    fn queued(&self, message: Bytes) -> Option<Queued> {
        let size = u32::try_from(message.len()).unwrap_or(u32::MAX);
        let room = self.room.clone().try_acquire_many_owned(size).ok()?;
        Some(Queued {
            message,
            _room: Some(room),
        })
    }

    /// A message for the request `id` if it is in flight, else for nobody in particular.
    async fn tell(&self, id: Option<u64>, message: Bytes) {
        let found = id.and_then(|id| {
            let table = self.lock();
            let waiting = table.waiting.get(&id)?;
            Some((id, waiting.outlet.before.clone(), waiting.asleep))
        });
        let Some((id, reader, asleep)) = found else {
            self.inbox.put(message, false);
            return;
        };
        let Some(queued) = self.queued(message) else {
            return self.dropped();
        };
        match reader.try_send(queued) {
            Ok(()) if asleep => self.set_asleep(id, false),
            Ok(()) => {}
            Err(TrySendError::Full(queued)) if !asleep => {
                match tokio::time::timeout(READER_TIME, reader.reserve()).await {
                    Ok(Ok(place)) => place.send(queued),
                    Ok(Err(_)) => self.dropped(),
                    Err(_) => {
                        self.set_asleep(id, true);
                        self.dropped();
                    }
                }
            }
            Err(_) => self.dropped(),
        }
    }

    fn set_asleep(&self, id: u64, asleep: bool) {
        if let Some(waiting) = self.lock().waiting.get_mut(&id) {
            waiting.asleep = asleep;
        }
    }

    fn dropped(&self) {
        self.tally.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Ends every request in flight, and all that are yet to come.
    pub fn close(&self, fault: Fault) {
        let mut table = self.lock();
        table.closed.get_or_insert(fault);
        table.order.clear();
        table.tokens.clear();
        for (_, waiting) in table.waiting.drain() {
            let _ = waiting.outlet.answer.send(Err(fault));
        }
    }

    /// Whether requests can be made.
    pub fn is_open(&self) -> bool {
        self.lock().closed.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc;

    fn demux() -> (Arc<Demux>, mpsc::Receiver<Bytes>) {
        let (to, from) = mpsc::channel(16);
        let tally = Arc::new(Tally::default());
        let inbox = Inbox::new("s".into(), to, tally.clone());
        (Arc::new(Demux::new(inbox, tally)), from)
    }

    async fn take(demux: &Demux, text: &str) -> bool {
        demux.take(Bytes::copy_from_slice(text.as_bytes())).await
    }

    async fn next(replies: &mut Replies) -> String {
        let message = replies.next().await.expect("a message").expect("no fault");
        String::from_utf8_lossy(&message).into_owned()
    }

    #[tokio::test]
    async fn each_message_goes_to_whom_it_belongs() {
        let (demux, mut inbox) = demux();
        let mut first = demux.wait(16, Some("\"p\""), None).expect("room");
        let mut second = demux.wait(17, None, None).expect("room");
        let progress =
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p"}}"#;
        let log = r#"{"jsonrpc":"2.0","method":"notifications/message"}"#;
        let changed = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
        let ask = r#"{"jsonrpc":"2.0","id":16,"method":"sampling/createMessage"}"#;
        for text in [progress, log, changed, ask] {
            assert!(take(&demux, text).await);
        }
        assert!(take(&demux, r#"{"jsonrpc":"2.0","id":17,"result":2}"#).await);
        assert!(take(&demux, r#"{"jsonrpc":"2.0","id":16,"result":1}"#).await);
        assert_eq!(next(&mut first).await, progress);
        assert!(next(&mut first).await.contains("\"result\":1"));
        assert!(first.next().await.is_none());
        assert_eq!(next(&mut second).await, log);
        assert_eq!(next(&mut second).await, ask);
        assert!(next(&mut second).await.contains("\"result\":2"));
        assert_eq!(inbox.recv().await.expect("a message"), changed);
        assert!(take(&demux, log).await, "nobody is in flight any more");
        assert_eq!(inbox.recv().await.expect("a message"), log);
    }

    #[tokio::test]
    async fn an_unreadable_answer_fails_its_own_request_only() {
        let (demux, _inbox) = demux();
        let mut first = demux.wait(16, None, None).expect("room");
        let mut second = demux.wait(17, None, None).expect("room");
        assert!(
            take(
                &demux,
                r#"{"jsonrpc":"2.0","id":16,"result":{"a":1,"a":2}}"#
            )
            .await
        );
        assert!(!take(&demux, "listening on stdio").await);
        assert_eq!(first.next().await, Some(Err(Fault::Garbled)));
        demux.close(Fault::Died);
        assert_eq!(second.next().await, Some(Err(Fault::Died)));
        assert_eq!(demux.wait(18, None, None).err(), Some(Fault::Died));
    }

    #[tokio::test]
    async fn a_dropped_request_is_forgotten_and_its_id_may_be_used_again() {
        let (demux, _inbox) = demux();
        let first = demux.wait(16, None, None).expect("room");
        assert_eq!(demux.wait(16, None, None).err(), Some(Fault::BadRequest));
        assert!(take(&demux, r#"{"jsonrpc":"2.0","id":16,"result":1}"#).await);
        let mut again = demux.wait(16, None, None).expect("room");
        drop(first);
        assert!(take(&demux, r#"{"jsonrpc":"2.0","id":16,"result":2}"#).await);
        assert!(next(&mut again).await.contains("\"result\":2"));
        drop(again);
        assert!(demux.lock().order.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_who_sleeps_costs_a_bounded_amount() {
        let (demux, _inbox) = demux();
        let mut replies = demux.wait(16, None, None).expect("room");
        let log = r#"{"jsonrpc":"2.0","method":"notifications/message"}"#;
        for _ in 0..10_000 {
            take(&demux, log).await;
        }
        take(&demux, r#"{"jsonrpc":"2.0","id":16,"result":1}"#).await;
        let mut count = 0;
        while let Some(Ok(_)) = replies.next().await {
            count += 1;
        }
        assert_eq!(count, WAITING_MAX + 1, "and the answer came through");
    }

    #[tokio::test]
    async fn a_burst_is_not_cut_for_a_reader_who_is_awake() {
        let (demux, _inbox) = demux();
        let mut replies = demux.wait(16, None, None).expect("room");
        let log = r#"{"jsonrpc":"2.0","method":"notifications/message"}"#;
        let reading = tokio::spawn(async move {
            let mut count = 0;
            while let Some(Ok(_)) = replies.next().await {
                count += 1;
            }
            count
        });
        for _ in 0..10_000 {
            take(&demux, log).await;
        }
        take(&demux, r#"{"jsonrpc":"2.0","id":16,"result":1}"#).await;
        assert_eq!(reading.await.expect("a number"), 10_001);
    }
}
