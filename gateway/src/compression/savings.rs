//! What was saved, counted beside the way of the exchange: exact tokens cost more than a request should wait for.

use super::wish::Mode;
use crate::operators::Metrics;
use parking_lot::Mutex;
use quick_cache::sync::Cache;
use sallyport_compress::tokens::{Vocabulary, count};
use sallyport_exchange::Dialect;
use sallyport_record::SavedRecord;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};

/// Exchanges that wait to be counted; past that they are not, and that is counted.
const WAITING_MAX: usize = 256;
/// Bytes of all bodies and texts that wait.
const BYTES_MAX: usize = 256 << 20;
/// Counts that are kept, by the digest of their text.
const COUNTS_KEPT: usize = 100_000;

/// What a token costs, in tokens read afresh, under a provider's prompt cache.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Prices {
    /// Sent for the first time.
    pub new: f64,
    /// Sent before, so that it stands in the cache.
    pub old: f64,
}

impl Prices {
    /// The prices of who speaks this dialect: Anthropic writes at 1.25 and reads at 0.1 (the five-minute cache), OpenAI
    /// writes at 1 and reads at 0.1 (the GPT-5 family).
    pub fn of(dialect: Dialect) -> Prices {
        match dialect {
            Dialect::Anthropic | Dialect::Mcp => Prices {
                new: 1.25,
                old: 0.1,
            },
            Dialect::OpenAiChat | Dialect::OpenAiResponses => Prices { new: 1.0, old: 0.1 },
        }
    }
}

/// A block in another form.
pub struct Rewritten {
    /// As it came.
    pub before: String,
    /// As it is forwarded.
    pub after: String,
    /// Whether the provider sees it for the first time.
    pub new: bool,
}

/// What one plan saves in one exchange, in tokens of o200k.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct Saved {
    /// Of the blocks that were rewritten, as they came.
    pub before: u64,
    /// The same as they are forwarded.
    pub after: u64,
    /// What that makes on the bill, in tokens read afresh.
    pub billed: f64,
}

impl Saved {
    /// As the decision log has it.
    pub fn record(&self) -> SavedRecord {
        SavedRecord {
            tokens_before: self.before,
            tokens_after: self.after,
            billed_saved: self.billed,
        }
    }
}

/// What one exchange saves: told when it has been counted.
#[derive(Default, Debug)]
pub struct Told {
    /// By forms without loss.
    pub lossless: OnceLock<Saved>,
    /// With forms that leave something out.
    pub reversible: OnceLock<Saved>,
}

/// Something to be counted.
pub struct Job {
    /// Whose.
    pub team: Arc<str>,
    /// How far the team goes.
    pub mode: Mode,
    /// What tokens cost.
    pub prices: Prices,
    /// What to count.
    pub work: Work,
    /// Where it is told.
    pub told: Arc<Told>,
}

/// What is known already, or is still to be found out.
pub enum Work {
    /// These were rewritten.
    Count(Vec<Rewritten>),
    /// Nothing was; these plans would rewrite so much.
    Observe(Box<dyn FnOnce() -> [Vec<Rewritten>; 2] + Send>),
}

/// One thread that counts.
#[derive(Clone)]
pub struct Accountant {
    jobs: SyncSender<(Job, usize)>,
    waiting: Arc<AtomicUsize>,
    metrics: Arc<Metrics>,
    totals: Arc<Mutex<Totals>>,
}

impl Accountant {
    /// Starts it. It ends when nobody holds it any more.
    pub fn start(metrics: Arc<Metrics>) -> std::io::Result<Accountant> {
        let (jobs, taken) = sync_channel(WAITING_MAX);
        let waiting = Arc::<AtomicUsize>::default();
        let totals = Arc::default();
        let counting = Counting {
            metrics: metrics.clone(),
            totals: Arc::clone(&totals),
            known: Cache::new(COUNTS_KEPT),
            waiting: waiting.clone(),
        };
        std::thread::Builder::new()
            .name("sallyport-savings".into())
            .spawn(move || counting.run(&taken))?;
        Ok(Accountant {
            jobs,
            waiting,
            metrics,
            totals,
        })
    }

    /// What was saved since the start.
    pub fn totals(&self) -> Totals {
        self.totals.lock().clone()
    }

    /// Hands something over that holds so many bytes. Nobody waits for it.
    pub fn take(&self, job: Job, bytes: usize) {
        let before = self.waiting.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > BYTES_MAX || self.jobs.try_send((job, bytes)).is_err() {
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
            self.metrics.compression_uncounted();
        }
    }
}

/// What was saved since the start: by team, by how far the team goes, and by plan.
pub type Totals = BTreeMap<(Arc<str>, Mode, Mode), Saved>;

struct Counting {
    metrics: Arc<Metrics>,
    totals: Arc<Mutex<Totals>>,
    waiting: Arc<AtomicUsize>,
    known: Cache<[u8; 16], u32>,
}

impl Counting {
    fn run(&self, taken: &Receiver<(Job, usize)>) {
        while let Ok((job, bytes)) = taken.recv() {
            let Job {
                team,
                mode,
                prices,
                work,
                told,
            } = job;
            let tell = |plan: Mode, blocks: &[Rewritten]| {
                let saved = self.saved(blocks, prices);
                self.metrics.compression_saved(&team, plan, mode, saved);
                let mut totals = self.totals.lock();
                let total = totals.entry((team.clone(), mode, plan)).or_default();
                total.before += saved.before;
                total.after += saved.after;
                total.billed += saved.billed;
                drop(totals);
                let cell = match plan {
                    Mode::Reversible => &told.reversible,
                    _ => &told.lossless,
                };
                let _ = cell.set(saved);
            };
            match work {
                Work::Count(blocks) => tell(mode, &blocks),
                Work::Observe(look) => {
                    let [lossless, reversible] = look();
                    tell(Mode::Lossless, &lossless);
                    tell(Mode::Reversible, &reversible);
                }
            }
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    fn saved(&self, blocks: &[Rewritten], prices: Prices) -> Saved {
        let mut all = Saved::default();
        for block in blocks {
            let (before, after) = (self.tokens(&block.before), self.tokens(&block.after));
            all.before += u64::from(before);
            all.after += u64::from(after);
            let price = if block.new { prices.new } else { prices.old };
            all.billed += (f64::from(before) - f64::from(after)) * price;
        }
        all
    }

    fn tokens(&self, text: &str) -> u32 {
        let mut key = [0; 16];
        blake3::Hasher::new()
            .update(text.as_bytes())
            .finalize_xof()
            .fill(&mut key);
        if let Some(known) = self.known.get(&key) {
            return known;
        }
        let counted = u32::try_from(count(text, Vocabulary::O200k)).unwrap_or(u32::MAX);
        self.known.insert(key, counted);
        counted
    }
}
