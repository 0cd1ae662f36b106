//! The one thread that writes.

use super::insert;
use super::kept::{self, Row};
use super::{Counters, HistoryError, Job};
use rusqlite::{Connection, Transaction};
use sallyport_record::Observed;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, SyncSender};

/// Exchanges written at once.
const BATCH_MAX: usize = 256;
/// When the bound is reached, this share of it goes at once.
const SHARE_TO_DROP: u64 = 50;

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) exchanges: u64,
    pub(super) bytes: u64,
}

/// Writes, and forgets the oldest.
pub(super) struct Writer {
    connection: Connection,
    packer: kept::Packer,
    bounds: Bounds,
    exchanges: u64,
    bytes: u64,
    tallies: insert::Tallies,
    standing: Arc<Counters>,
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        common: Arc<[u8]>,
        bounds: Bounds,
        standing: Arc<Counters>,
    ) -> Result<Writer, HistoryError> {
        let packer = kept::Packer::new(&common).map_err(|why| HistoryError::Cannot {
            what: "set up packing",
            why: why.to_string(),
        })?;
        let mut writer = Writer {
            connection,
            packer,
            bounds,
            exchanges: 0,
            bytes: 0,
            tallies: insert::Tallies::default(),
            standing,
        };
        writer.count()?;
        // The bound may have been lowered since the file was written.
        let transaction = writer.connection.transaction()?;
        let (exchanges, bytes) =
            forget(&transaction, writer.bounds, writer.exchanges, writer.bytes)?;
        transaction.commit()?;
        writer.stands_at(exchanges, bytes)?;
        Ok(writer)
    }

    fn count(&mut self) -> rusqlite::Result<()> {
        let (exchanges, bytes): (u64, u64) = self.connection.query_row(
            "SELECT count(*), coalesce(sum(bytes), 0) FROM exchanges",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        self.stands_at(exchanges, bytes)
    }

    fn stands_at(&mut self, exchanges: u64, bytes: u64) -> rusqlite::Result<()> {
        (self.exchanges, self.bytes) = (exchanges, bytes);
        let last: i64 = self.connection.query_row(
            "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'exchanges'",
            [],
            |row| row.get(0),
        )?;
        self.standing.kept.store(exchanges, Relaxed);
        self.standing.last_row.store(last, Relaxed);
        Ok(())
    }

    /// Until nobody can ask any more.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            let mut batch = Vec::new();
            let mut flushed = None;
            let mut next = Some(first);
            while let Some(job) = next {
                match job {
                    Job::Keep(observed, bytes) => batch.push((observed, bytes)),
                    Job::Flush(done) => flushed = Some(done),
                }
                let more = batch.len() < BATCH_MAX && flushed.is_none();
                next = more.then(|| jobs.try_recv().ok()).flatten();
            }
            self.keep(&batch);
            let bytes: usize = batch.iter().map(|(_, bytes)| bytes).sum();
            self.standing.waiting_bytes.fetch_sub(bytes as u64, Relaxed);
            done(flushed);
        }
    }

    fn keep(&mut self, batch: &[(Arc<Observed>, usize)]) {
        if batch.is_empty() {
            return;
        }
        match self.write(batch) {
            Ok(()) => {
                self.standing.broken.store(false, Relaxed);
                *self.standing.error.lock() = None;
            }
            Err(why) => {
                let lost = batch.len() as u64;
                self.standing.dropped.fetch_add(lost, Relaxed);
                // Said once, until it works again.
                if !self.standing.broken.swap(true, Relaxed) {
                    log::error!("the console's history cannot be written: {why}");
                }
                *self.standing.error.lock() = Some(why.to_string());
            }
        }
    }

    fn write(&mut self, batch: &[(Arc<Observed>, usize)]) -> Result<(), HistoryError> {
        let transaction = self.connection.transaction()?;
        let (mut exchanges, mut bytes) = (self.exchanges, self.bytes);
        for (observed, _) in batch {
            let row = Row::of(observed, &mut self.packer)?;
            bytes += row.packed.len() as u64;
            exchanges += 1;
            let number = insert::exchange(&transaction, &row)?;
            insert::words(&transaction, &row, number)?;
            insert::sums(&transaction, &row, number)?;
            self.tallies.count(&transaction, &row)?;
        }
        let (exchanges, bytes) = forget(&transaction, self.bounds, exchanges, bytes)?;
        transaction.commit()?;
        self.stands_at(exchanges, bytes)?;
        Ok(())
    }
}

fn done(flushed: Option<SyncSender<()>>) {
    if let Some(flushed) = flushed {
        // Whoever asked may have gone.
        let _ = flushed.send(());
    }
}

/// Forgets the oldest exchanges until the bounds hold, and a little more, so that this is not done for each.
fn forget(
    from: &Transaction<'_>,
    bounds: Bounds,
    exchanges: u64,
    bytes: u64,
) -> rusqlite::Result<(u64, u64)> {
    if exchanges <= bounds.exchanges && bytes <= bounds.bytes {
        return Ok((exchanges, bytes));
    }
    let wanted = |now: u64, max: u64| match now > max {
        true => now - (max - max / SHARE_TO_DROP).min(now),
        false => 0,
    };
    let (mut rows_to_go, mut bytes_to_go) = (
        wanted(exchanges, bounds.exchanges),
        wanted(bytes, bounds.bytes),
    );
    let (mut gone, mut gone_bytes, mut last) = (0, 0, 0i64);
    {
        let mut oldest = from.prepare("SELECT row, bytes FROM exchanges ORDER BY row")?;
        let mut rows = oldest.query([])?;
        while rows_to_go > 0 || bytes_to_go > 0 {
            let Some(row) = rows.next()? else { break };
            let size: u64 = row.get(1)?;
            last = row.get(0)?;
            gone += 1;
            gone_bytes += size;
            rows_to_go = rows_to_go.saturating_sub(1);
            bytes_to_go = bytes_to_go.saturating_sub(size);
        }
    }
    for table in ["words", "bodies", "exchanges"] {
        from.execute(&format!("DELETE FROM {table} WHERE row <= ?1"), [last])?;
    }
    from.execute("DELETE FROM sessions WHERE newest <= ?1", [last])?;
    Ok((exchanges - gone, bytes - gone_bytes.min(bytes)))
}
