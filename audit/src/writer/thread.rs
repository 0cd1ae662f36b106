//! What the log's thread does: takes all that waits, writes it at once, syncs it at once, tells everybody.

use super::{Body, Clock, Done, Message, Shared};
use crate::disk;
use crate::log::{Fault, Kind, Log};
use crate::settings::{LOSS_WINDOW, Mode, Settings};
use crate::standing::{Kept, NotKept};
use serde_json::{Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

/// Records that are written and synced together, at most.
const BATCH_RECORDS: usize = 1_024;
/// Bytes that are written together, unless one record is longer.
const BATCH_BYTES: usize = 4 << 20;
/// How often an error is tried to be got over.
const RETRY_EVERY: Duration = Duration::from_millis(250);
/// How often closing is tried.
const END_TRIES: usize = 10;
/// How often old segments are looked for.
const RETIRE_EVERY: Duration = Duration::from_secs(60);

pub(super) struct Thread {
    log: Log,
    mode: Mode,
    checkpoint_records: u64,
    checkpoint_every: Duration,
    clock: Clock,
    shared: Arc<Shared>,
    /// Records that are in the log and not synced: their seq and kind, oldest first.
    unsynced: Vec<Unsynced>,
    /// Since when some are.
    unsynced_since: Option<Instant>,
    /// Since when records are that no checkpoint covers.
    unsigned_since: Option<Instant>,
    /// After an error, nothing is tried before.
    retry_at: Option<Instant>,
    retire_at: Instant,
    /// Whether the `close` record is in the log.
    closed: bool,
    /// What the last error was.
    disk_full: bool,
    /// Lost records that no `lost` record tells of yet.
    untold: u64,
    /// How many of `Shared::crowded_out` are told of, or in `untold`.
    crowded_seen: u64,
}

/// Somebody waits for a record, or not.
struct Waiting {
    seq: u64,
    done: Option<Done>,
}

struct Unsynced {
    seq: u64,
    /// Records that it tells the loss of.
    tells: u64,
}

impl Thread {
    pub(super) fn new(log: Log, settings: &Settings, clock: Clock, shared: Arc<Shared>) -> Thread {
        let now = Instant::now();
        let mut thread = Thread {
            log,
            mode: settings.mode,
            checkpoint_records: settings.checkpoint_records.max(1),
            checkpoint_every: settings.checkpoint_every,
            clock,
            shared,
            unsynced: Vec::new(),
            unsynced_since: None,
            unsigned_since: None,
            retry_at: None,
            retire_at: now,
            closed: false,
            disk_full: false,
            untold: 0,
            crowded_seen: 0,
        };
        let signed_ns = (thread.clock)().wall_ns;
        thread.shared.standing().last_checkpoint_ns = Some(signed_ns);
        thread.report();
        thread
    }

    pub(super) fn run(mut self, messages: &Receiver<Message>) {
        loop {
            let mut close = None;
            match messages.recv_timeout(self.patience()) {
                Ok(first) => {
                    let rest = messages.try_iter().take(BATCH_RECORDS);
                    close = self.take(std::iter::once(first).chain(rest));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    let _ = self.end();
                    return;
                }
            }
            if let Some(reply) = close {
                let ended = self.end();
                self.refuse_rest(messages);
                let _ = self.shared.closed.set(ended.clone());
                // Whoever is told may open the log again at once, so its lock goes first.
                drop(self);
                let _ = reply.send(ended);
                return;
            }
            self.tick();
            self.report();
        }
    }

    /// How long nothing needs to be done if nothing comes.
    fn patience(&self) -> Duration {
        let sync = self.unsynced_since.map(|since| since + LOSS_WINDOW);
        let sign = self
            .unsigned_since
            .map(|since| since + self.checkpoint_every);
        let due = match self.retry_at {
            Some(retry) => Some(retry),
            None => sync.into_iter().chain(sign).min(),
        };
        let due = due.map_or(self.retire_at, |due| due.min(self.retire_at));
        due.saturating_duration_since(Instant::now())
    }

    /// Puts records into the log, and tells who waits. Gives who wants it closed, and takes nothing after that.
    fn take(
        &mut self,
        messages: impl Iterator<Item = Message>,
    ) -> Option<SyncSender<Result<(), String>>> {
        self.recover();
        self.tell_losses();
        let (mut waiting, mut close) = (Vec::new(), None);
        for message in messages {
            match message {
                Message::Record { kind, body, done } => self.put(kind, body, done, &mut waiting),
                Message::Close(reply) => {
                    close = Some(reply);
                    break;
                }
            }
            if self.log.buffered() > BATCH_BYTES {
                self.commit(&mut waiting);
            }
        }
        self.commit(&mut waiting);
        close
    }

    fn put(
        &mut self,
        kind: &'static str,
        body: Body,
        done: Option<Done>,
        waiting: &mut Vec<Waiting>,
    ) {
        if !self.log.has_room() {
            return self.not_kept(
                done,
                if self.disk_full {
                    NotKept::Full
                } else {
                    NotKept::Io
                },
            );
        }
        // What makes a body is the caller's code, and its panic must not end the log.
        let Ok(body) = catch_unwind(AssertUnwindSafe(body)) else {
            return self.not_kept(done, NotKept::Body);
        };
        match self.append(kind, &body, 0) {
            Some(seq) => waiting.push(Waiting { seq, done }),
            None => self.not_kept(done, NotKept::TooLong),
        }
    }

    fn append(&mut self, kind: &'static str, body: &Value, tells: u64) -> Option<u64> {
        let now = (self.clock)();
        let seq = self.log.append(kind, body, now).ok()?;
        self.unsynced.push(Unsynced { seq, tells });
        self.mark();
        *self.shared.standing().written.entry(kind).or_default() += 1;
        Some(seq)
    }

    /// Notes since when something waits for the disk and for a signature.
    fn mark(&mut self) {
        let now = Instant::now();
        self.unsynced_since.get_or_insert(now);
        self.unsigned_since.get_or_insert(now);
    }

    /// Writes what was put in, waits for the disk where somebody waits for it, and tells them.
    fn commit(&mut self, waiting: &mut Vec<Waiting>) {
        let sync =
            self.mode == Mode::Strict && waiting.iter().any(|waiting| waiting.done.is_some());
        let result = match sync {
            true => self.log.sync(),
            false => self.log.write(),
        };
        let why = match result {
            Ok(()) => NotKept::Io,
            Err(fault) => self.fail(&fault, waiting),
        };
        // Whoever is told may ask at once how the log is doing.
        self.report();
        let (size, synced) = (self.log.size(), self.log.synced());
        for Waiting { seq, done } in waiting.drain(..) {
            match done {
                _ if seq >= size => self.not_kept(done, why),
                Some(done) => tell(
                    done,
                    Ok(Kept {
                        seq,
                        synced: seq < synced,
                    }),
                ),
                None => {}
            }
        }
        self.settle();
    }

    /// After an error the log went back. What went with it and was not just put in is lost, too.
    fn fail(&mut self, fault: &Fault, waiting: &[Waiting]) -> NotKept {
        let full = disk::is_full(&fault.error);
        let size = self.log.size();
        let gone = self.unsynced.partition_point(|record| record.seq < size);
        let mut lost = 0;
        for record in self.unsynced.drain(gone..) {
            let answered = waiting
                .binary_search_by_key(&record.seq, |waiting| waiting.seq)
                .is_ok();
            lost += if record.tells > 0 {
                0
            } else {
                u64::from(!answered)
            };
            self.untold += record.tells;
        }
        self.disk_full = full;
        let why = if full { NotKept::Full } else { NotKept::Io };
        self.untold += lost;
        self.retry_at = Some(Instant::now() + RETRY_EVERY);
        let mut standing = self.shared.standing();
        standing.lost += lost;
        standing.last_error = Some(fault.to_string());
        if lost > 0 {
            *standing.failures.entry(why).or_default() += lost;
        }
        why
    }

    fn not_kept(&mut self, done: Option<Done>, why: NotKept) {
        {
            let mut standing = self.shared.standing();
            *standing.failures.entry(why).or_default() += 1;
            standing.lost += u64::from(done.is_none());
        }
        match done {
            Some(done) => tell(done, Err(why)),
            None => self.untold += 1,
        }
    }

    /// Forgets what is on the disk, and what is signed.
    fn settle(&mut self) {
        let synced = self.log.synced();
        let known = self.unsynced.partition_point(|record| record.seq < synced);
        self.unsynced.drain(..known);
        if self.unsynced.is_empty() {
            self.unsynced_since = None;
        }
        if self.log.size() == self.log.signed() {
            self.unsigned_since = None;
        }
    }

    /// A record of those that were lost, as soon as there is room.
    fn tell_losses(&mut self) {
        let crowded = self.shared.crowded_out.load(Ordering::Relaxed);
        self.untold += crowded - self.crowded_seen;
        self.crowded_seen = crowded;
        if self.untold > 0 && self.log.has_room() {
            let (lost, total) = (self.untold, self.shared.standing().lost + crowded);
            self.untold = 0;
            self.append(
                Kind::Lost.as_str(),
                &json!({"records": lost, "total": total}),
                lost,
            );
        }
    }

    /// What is due by the clock.
    fn tick(&mut self) {
        self.recover();
        let now = Instant::now();
        if self.log.is_broken() || self.retry_at.is_some_and(|retry| now < retry) {
            return;
        }
        self.tell_losses();
        let result = self.due(now);
        match result {
            Ok(()) => self.retry_at = None,
            Err(fault) => {
                let why = self.fail(&fault, &[]);
                *self.shared.standing().failures.entry(why).or_default() += 1;
            }
        }
        self.settle();
    }

    fn due(&mut self, now: Instant) -> Result<(), Fault> {
        let over =
            |since: Option<Instant>, window| since.is_some_and(|since| now >= since + window);
        let unsigned = self.log.size() - self.log.signed();
        self.log.write()?;
        if unsigned >= self.checkpoint_records || over(self.unsigned_since, self.checkpoint_every) {
            self.sign()?;
        } else if over(self.unsynced_since, LOSS_WINDOW) {
            self.log.sync()?;
        }
        let full = self.log.is_segment_full();
        if full {
            let wall = (self.clock)();
            self.log.rotate(wall)?;
            self.signed();
            self.count(Kind::Rotate);
            self.mark();
            self.log.write()?;
        }
        if full || now >= self.retire_at {
            self.retire_at = now + RETIRE_EVERY;
            let wall = (self.clock)();
            if self.log.retire(wall)? > 0 {
                self.count(Kind::Retention);
                self.signed();
            }
        }
        Ok(())
    }

    fn sign(&mut self) -> Result<(), Fault> {
        self.log.checkpoint()?;
        self.signed();
        Ok(())
    }

    fn signed(&mut self) {
        let signed_ns = (self.clock)().wall_ns;
        self.shared.standing().last_checkpoint_ns = Some(signed_ns);
        self.settle();
    }

    fn count(&self, kind: Kind) {
        *self
            .shared
            .standing()
            .written
            .entry(kind.as_str())
            .or_default() += 1;
    }

    /// Gets over an error, if there is one and it is time.
    fn recover(&mut self) {
        if !self.log.is_broken() || self.retry_at.is_some_and(|retry| Instant::now() < retry) {
            return;
        }
        let now = (self.clock)();
        match self.log.mend(now) {
            Ok(()) => {
                self.retry_at = None;
                self.count(Kind::Recovery);
                self.mark();
                self.settle();
            }
            Err(fault) => {
                self.fail(&fault, &[]);
            }
        }
    }

    /// A `close` record, and a checkpoint over all. What fails is tried a few times more.
    fn end(&mut self) -> Result<(), String> {
        let mut ended = self.finish();
        for _ in 1..END_TRIES {
            if ended.is_ok() {
                break;
            }
            std::thread::sleep(RETRY_EVERY);
            ended = self.finish();
        }
        self.report();
        ended
    }

    fn finish(&mut self) -> Result<(), String> {
        self.retry_at = None;
        self.recover();
        self.tell_losses();
        if self.log.has_room() && !self.closed {
            self.append(Kind::Close.as_str(), &json!({}), 0);
        }
        let result = match self.log.is_broken() {
            true => {
                return Err(self
                    .shared
                    .standing()
                    .last_error
                    .clone()
                    .unwrap_or_default());
            }
            false => self.sign(),
        };
        // With an error that took nothing back, the `close` record is in the log.
        self.closed = !self.log.is_broken();
        result.map_err(|fault| {
            self.fail(&fault, &[]);
            fault.to_string()
        })
    }

    fn refuse_rest(&mut self, messages: &Receiver<Message>) {
        for message in messages.try_iter() {
            match message {
                Message::Record { done, .. } => self.not_kept(done, NotKept::Closed),
                Message::Close(reply) => drop(reply),
            }
        }
    }

    fn report(&self) {
        let (size, degraded) = (
            self.log.written(),
            !self.log.has_room() || self.retry_at.is_some(),
        );
        let mut standing = self.shared.standing();
        standing.size = size;
        standing.unsynced = size - self.log.synced().min(size);
        standing.unsigned = size - self.log.signed().min(size);
        standing.degraded = degraded;
    }
}

/// Who waits may panic; the log goes on.
fn tell(done: Done, result: Result<Kept, NotKept>) {
    let _ = catch_unwind(AssertUnwindSafe(move || done(result)));
}
