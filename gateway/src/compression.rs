//! Context made small on its way out, as each team wishes, after it was judged and masked.
//!
//! What goes to a model is looked at as a whole ([`Compression::request`]): the results of tools in it, each in the form
//! it was given when it was first sent. What a tool server answers is made small where it is born
//! ([`Compression::result`]). Originals of what is left out are kept before anything is sent ([`Originals`]); what was
//! saved is counted beside the way ([`savings`]).

mod bodies;
mod originals;
mod result;
mod savings;
mod wish;

use crate::config;
use crate::edge::account::Account;
use crate::operators::Metrics;
use quick_cache::sync::Cache;
use sallyport_compress::conversation::{self, BlockReport};
use sallyport_compress::mark::RETRIEVE;
use sallyport_compress::{Class, Compressed, Kept, Memo, compress};
use sallyport_exchange::{Author, Exchange, Kind, Operation, Payload};
use sallyport_policy::{Cleared, Ruling, Settings};
use std::sync::Arc;
use std::time::Duration;

pub use bodies::{Bodies, Compared, NoBody};
pub use originals::{NotKept, ORIGINAL_MAX, Originals, Scope, is_handle};
pub use result::Answered;
pub use savings::{Prices, Saved, Told, Totals};
pub use wish::{Mode, Unclear, Wish};

use savings::{Accountant, Job, Rewritten, Work};

/// Sessions whose wish is remembered, so that a policy that changes does not rewrite what was sent already.
const SESSIONS_MAX: usize = 100_000;
/// How often originals that have had their time are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(3600);

/// Bytes of the largest body that is only observed: it is read once more for that.
const OBSERVED_MAX: usize = 4 << 20;

/// Why compression cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The folder of originals.
    #[error("compression.originals: {0}")]
    Originals(#[from] NotKept),
    /// No thread.
    #[error("{0}")]
    System(#[from] std::io::Error),
}

/// Makes context small; shared by all exchanges.
#[derive(Clone)]
pub struct Compression(Option<Arc<Inner>>);

struct Inner {
    memo: Arc<Memo>,
    sessions: Cache<[u8; 16], Wish>,
    originals: Option<Originals>,
    accountant: Accountant,
    metrics: Arc<Metrics>,
}

impl Compression {
    /// Starts what the configuration wants.
    pub fn start(
        config: Option<&config::Compression>,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, StartError> {
        let Some(config) = config else {
            return Ok(Compression(None));
        };
        let open = |o: &config::Originals| Originals::open(&o.folder, o.bytes_max, o.keep);
        Ok(Compression(Some(Arc::new(Inner {
            memo: Arc::new(Memo::new(config.memory as u64)),
            sessions: Cache::new(SESSIONS_MAX),
            originals: config.originals.as_ref().map(open).transpose()?,
            accountant: Accountant::start(metrics.clone())?,
            metrics: metrics.clone(),
        }))))
    }

    /// The originals, where any are kept.
    pub fn originals(&self) -> Option<&Originals> {
        self.0.as_ref()?.originals.as_ref()
    }

    /// What was saved since the start.
    pub fn totals(&self) -> Totals {
        let inner = self.0.as_ref();
        inner.map_or_else(Totals::new, |inner| inner.accountant.totals())
    }

    /// What a team's policies wish. A setting that cannot be read is said in the log and changes nothing.
    pub fn wish(&self, settings: &Settings) -> Wish {
        if self.0.is_none() {
            return Wish::off();
        }
        Wish::of(settings).unwrap_or_else(|unclear| {
            tracing::warn!(%unclear, "compression is only observed");
            Wish::default()
        })
    }

    /// The bytes to be sent to a model in place of `cleared`, which is `payload` as it was ruled.
    pub fn request(
        &self,
        exchange: &Exchange,
        payload: &Payload,
        ruling: &Ruling,
        cleared: Cleared,
        account: &mut Account,
    ) -> Cleared {
        let (Some(inner), Operation::Chat | Operation::CountTokens) = (&self.0, exchange.operation)
        else {
            return cleared;
        };
        if payload.of_kind(Kind::ToolResult).next().is_none() {
            return cleared;
        }
        let session = conversation_of(exchange, payload);
        let wish = inner.wish_of(&session, || self.wish(&ruling.settings));
        if wish.mode == Mode::Off {
            return cleared;
        }
        if !ruling.is_edited() {
            return inner.compress(exchange, payload, &wish, &session, cleared, account);
        }
        // What was masked is what is made small and kept, not what came.
        match exchange
            .dialect
            .read_request(exchange.operation, cleared.clone().into_bytes())
        {
            Ok(masked) => inner.compress(exchange, &masked, &wish, &session, cleared, account),
            Err(_) => cleared,
        }
    }

    /// Lets go of originals that have had their time, for as long as it is polled.
    pub async fn sweep(self) {
        let Some(originals) = self.originals().cloned() else {
            return;
        };
        loop {
            tokio::time::sleep(SWEEP_EVERY).await;
            let originals = originals.clone();
            let swept = tokio::task::spawn_blocking(move || originals.sweep()).await;
            if let Ok(Err(error)) = swept {
                tracing::warn!(%error, "old originals cannot be let go of");
            }
        }
    }
}

impl Inner {
    /// The wish that a session began with.
    fn wish_of(&self, session: &[u8; 16], now: impl FnOnce() -> Wish) -> Wish {
        if let Some(wish) = self.sessions.get(session) {
            return wish;
        }
        let wish = now().for_session(session);
        self.sessions.insert(*session, wish.clone());
        wish
    }

    fn compress(
        &self,
        exchange: &Exchange,
        payload: &Payload,
        wish: &Wish,
        session: &[u8; 16],
        cleared: Cleared,
        account: &mut Account,
    ) -> Cleared {
        if wish.mode == Mode::Observe && cleared.len() > OBSERVED_MAX {
            self.metrics.compression_uncounted();
            return cleared;
        }
        let told = Arc::new(Told::default());
        account.compression(wish.mode, told.clone());
        let mut job = Job {
            team: exchange.caller.team.clone(),
            mode: wish.mode,
            prices: Prices::of(exchange.dialect),
            work: Work::Count(Vec::new()),
            told,
        };
        let edited = match wish.mode {
            Mode::Off | Mode::Observe => {
                job.work = self.observe(exchange, wish, session, &cleared);
                None
            }
            Mode::Lossless | Mode::Reversible => {
                let compressed = self.planned(exchange, payload, wish, session);
                for block in &compressed.blocks {
                    self.metrics.compression_block(match block.left {
                        Some(left) => left.as_str(),
                        None => block.class.as_str(),
                    });
                    account.compressed(block.class);
                }
                job.work = Work::Count(rewritten(payload, &compressed));
                Some(compressed.edits)
            }
        };
        self.accountant.take(job, payload.bytes().len());
        match edited {
            Some(edits) if !edits.is_empty() => {
                let body = edits.apply(payload.bytes());
                cleared.reshaped(body)
            }
            _ => cleared,
        }
    }

    fn planned(
        &self,
        exchange: &Exchange,
        payload: &Payload,
        wish: &Wish,
        session: &[u8; 16],
    ) -> Compressed {
        let rules = wish.rules(wish.mode);
        let store = self.originals.as_ref();
        let store = store.filter(|_| wish.mode == Mode::Reversible && offers_retrieval(payload));
        let Some(store) = store else {
            return compress(payload, &rules, &self.memo, None);
        };
        let mut kept = Conversation {
            scope: Scope::conversations(&exchange.caller),
            session: *session,
            keep: &mut |scope, kept| self.kept(store, scope, kept.handle, kept.original),
        };
        compress(payload, &rules, &self.memo, Some(&mut kept))
    }

    /// Puts an original into the store; whether it is there now.
    fn kept(&self, originals: &Originals, scope: &Scope, handle: &str, text: &str) -> bool {
        match originals.put(scope, handle, text) {
            Ok(()) => true,
            Err(why) => {
                self.metrics.original_refused(&why);
                false
            }
        }
    }

    /// What both plans would do, to be found out by the accountant.
    fn observe(
        &self,
        exchange: &Exchange,
        wish: &Wish,
        session: &[u8; 16],
        cleared: &Cleared,
    ) -> Work {
        let (memo, wish, session) = (self.memo.clone(), wish.clone(), *session);
        let (dialect, operation) = (exchange.dialect, exchange.operation);
        let scope = Scope::conversations(&exchange.caller);
        let body = cleared.clone().into_bytes();
        Work::Observe(Box::new(move || {
            let Ok(payload) = dialect.read_request(operation, body) else {
                return [Vec::new(), Vec::new()];
            };
            [Mode::Lossless, Mode::Reversible].map(|would| {
                let mut kept = Conversation {
                    scope,
                    session,
                    keep: &mut |_, _| true,
                };
                let rules = wish.rules(would);
                rewritten(
                    &payload,
                    &compress(&payload, &rules, &memo, Some(&mut kept)),
                )
            })
        }))
    }
}

/// Originals of one conversation with a model.
struct Conversation<'a> {
    scope: Scope,
    session: [u8; 16],
    keep: &'a mut dyn FnMut(&Scope, &Kept<'_>) -> bool,
}

impl conversation::Originals for Conversation<'_> {
    fn handle(&self, digest: &[u8; 32]) -> String {
        self.scope.handle(&self.session, digest)
    }

    fn keep(&mut self, kept: &Kept<'_>) -> bool {
        (self.keep)(&self.scope, kept)
    }
}

fn rewritten(payload: &Payload, compressed: &Compressed) -> Vec<Rewritten> {
    let changed = compressed
        .blocks
        .iter()
        .filter(|block| block.class != Class::None);
    let of = |block: &BlockReport| {
        let before = payload.view(block.part).text;
        Rewritten {
            before: before.to_owned(),
            after: block.text(before).to_owned(),
            new: block.new,
        }
    };
    changed.map(of).collect()
}

/// Whether the model is offered the tool that gives originals back, by whatever name its client calls our server.
fn offers_retrieval(payload: &Payload) -> bool {
    let offered = payload
        .of_kind(Kind::ToolOffer)
        .filter_map(|(_, part)| part.tool);
    offered
        .into_iter()
        .any(|tool| payload.text(tool).ends_with(RETRIEVE))
}

/// What stays the same from turn to turn of a conversation: who has it, and how it began. The system prompt may hold the
/// time of day; the first words of the user do not change.
pub(crate) fn conversation_of(exchange: &Exchange, payload: &Payload) -> [u8; 16] {
    let mut hash = blake3::Hasher::new();
    for word in [
        &exchange.caller.team,
        &exchange.caller.agent,
        &exchange.caller.key,
    ] {
        hash.update(&(word.len() as u64).to_le_bytes());
        hash.update(word.as_bytes());
    }
    let users = payload.views().zip(&payload.outline().parts);
    let mut users =
        users.filter(|(view, _)| view.author == Author::User && view.kind == Kind::Text);
    if let Some((first, part)) = users.next() {
        hash.update(first.text.as_bytes());
        for (view, _) in users.take_while(|(_, other)| other.message == part.message) {
            hash.update(view.text.as_bytes());
        }
    }
    let mut key = [0; 16];
    hash.finalize_xof().fill(&mut key);
    key
}
