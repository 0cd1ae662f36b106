//! What lasts between requests of one agent: its connections to servers, its streams, and what it was asked.
//!
//! A legacy agent has a session because it asked for one (`initialize`). A modern agent has none; it is given
//! one by who it is and what it can do, because legacy servers behind the door need one.

use super::door::Door;
use super::link::Link;
use super::outbox::Outbox;
use super::own::LastShown;
use super::upstream::{Connection, Introduction, Replies, Server};
use crate::edge::Edge;
use crate::state::State;
use dashmap::DashMap;
use parking_lot::Mutex;
use sallyport_exchange::Caller;
use sallyport_exchange::Operation;
use sallyport_exchange::mcp::Revision;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};

/// Sessions of the whole gateway.
const SESSIONS_MAX: usize = 20_000;
/// Sessions of one agent.
const SESSIONS_PER_AGENT_MAX: usize = 256;
/// A session that nobody used for so long is over.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// How often idle sessions are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(30);
/// Streams of a session that are kept for redelivery.
const STREAMS_KEPT: usize = 64;
/// Requests of one session under way at once.
const CALLS_MAX: usize = 256;
/// Questions of servers that wait for an agent's answer, in one session.
const ASKED_MAX: usize = 64;
/// Calls that wait for a modern agent to bring what the server asked for.
const PARKED_MAX: usize = 64;
/// How long a parked call waits.
pub const PARKED_FOR: Duration = Duration::from_secs(10 * 60);

/// One agent's dealings with the servers behind one door.
pub struct Session {
    /// Its name: random, visible ASCII. Only its own caller can use it.
    pub id: Arc<str>,
    /// The gateway it belongs to.
    pub edge: Edge,
    /// Whose it is.
    pub caller: Caller,
    /// Which servers.
    pub door: Door,
    revision: Mutex<Revision>,
    /// Whether it is of the transport of 2024-11-05, where every message goes on one stream.
    old: bool,
    /// How the agent introduced itself.
    pub introduction: Introduction,
    /// The stream that belongs to no request.
    pub main: Arc<Outbox>,
    /// Streams that listen for changes, with what they want to hear.
    pub listeners: Mutex<Vec<Arc<super::listen::Listener>>>,
    lasting: Mutex<Vec<Weak<Outbox>>>,
    /// What a list of tools that the gateway put together held last.
    pub shown: LastShown,
    links: DashMap<Arc<str>, Arc<Link>>,
    streams: Mutex<BTreeMap<u64, Arc<Outbox>>>,
    asked: Mutex<HashMap<u64, Asked>>,
    calls: Mutex<HashMap<String, Cancel>>,
    parked: Mutex<HashMap<String, Parked>>,
    numbers: AtomicU64,
    used: Mutex<Instant>,
}

/// A question of a server that waits for the agent's answer.
pub struct Asked {
    /// Which server asked.
    pub server: Arc<str>,
    /// What.
    pub operation: Operation,
    /// Where the answer goes.
    pub to: AnswerTo,
}

/// Where an agent's answer goes.
pub enum AnswerTo {
    /// To the server, under the id that it gave, as JSON.
    Server(Connection, String),
    /// To a call of ours that waits for it: the JSON of the result, or of the error.
    Call(oneshot::Sender<Result<String, String>>),
}

/// A call that waits for what the server asked of a modern agent.
pub struct Parked {
    /// What the call was: its method, name and arguments. A retry must be the same.
    pub digest: [u8; 32],
    /// Which server.
    pub server: Arc<str>,
    /// Where its answer will come from.
    pub replies: Replies,
    /// Where to answer the server.
    pub connection: Connection,
    /// The server's question: key given to the agent, id given by the server; and the call's id at the server.
    pub question: (String, String, u64),
    since: Instant,
}

/// Cancels a call under way.
#[derive(Clone)]
pub struct Cancel(pub Arc<watch::Sender<bool>>);

impl Session {
    /// A digest of its name, which records may show: the name itself lets whoever knows the key in.
    pub fn digest(&self) -> [u8; 16] {
        let mut digest = [0; 16];
        let mut reader = blake3::Hasher::new();
        reader
            .update(self.id.as_bytes())
            .finalize_xof()
            .fill(&mut digest);
        digest
    }

    /// What the agent speaks.
    pub fn revision(&self) -> Revision {
        *self.revision.lock()
    }

    /// What was agreed on in the end.
    pub fn agree(&self, revision: Revision) {
        *self.revision.lock() = revision;
    }

    /// Whether every message goes on one stream: the transport of 2024-11-05.
    pub fn is_old(&self) -> bool {
        self.old
    }

    /// A number that this session has not used.
    pub fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Notes that it is used.
    pub fn touch(&self) {
        *self.used.lock() = Instant::now();
    }

    /// The link to a server, made when it is first needed.
    pub fn link(&self, server: &Arc<Server>) -> Arc<Link> {
        self.links
            .entry(server.config.name.clone())
            .or_insert_with(|| Arc::new(Link::new(server.clone())))
            .clone()
    }

    /// The links that there are.
    pub fn links(&self) -> Vec<Arc<Link>> {
        self.links
            .iter()
            .map(|entry| entry.value().clone())
            .collect()
    }

    /// A new stream, kept for redelivery.
    pub fn stream(&self) -> Arc<Outbox> {
        let stream = Arc::new(Outbox::new(self.number()));
        let mut streams = self.streams.lock();
        streams.insert(stream.stream, stream.clone());
        while streams.len() > STREAMS_KEPT {
            let oldest_ended = streams.iter().find(|(_, s)| s.has_ended()).map(|(n, _)| *n);
            let Some(gone) = oldest_ended.or_else(|| streams.keys().next().copied()) else {
                break;
            };
            streams.remove(&gone);
        }
        stream
    }

    /// Notes a stream that lasts until it is ended.
    pub fn lasts(&self, stream: &Arc<Outbox>) {
        let mut lasting = self.lasting.lock();
        lasting.retain(|stream| stream.strong_count() > 0);
        lasting.push(Arc::downgrade(stream));
    }

    /// The stream of this number.
    pub fn find_stream(&self, number: u64) -> Option<Arc<Outbox>> {
        if number == self.main.stream {
            return Some(self.main.clone());
        }
        self.streams.lock().get(&number).cloned()
    }

    /// Notes a question of a server; gives the id under which the agent is asked.
    pub fn ask(&self, asked: Asked) -> Option<u64> {
        let number = self.number();
        let mut all = self.asked.lock();
        if all.len() >= ASKED_MAX {
            return None;
        }
        all.insert(number, asked);
        Some(number)
    }

    /// The question that this id stands for; each is answered once.
    pub fn asked(&self, id: &str) -> Option<Asked> {
        let number = id.parse().ok()?;
        self.asked.lock().remove(&number)
    }

    /// Notes a call under way by the agent's own id for it. An id that is in use is refused. It is told by the
    /// second when the agent cancels.
    pub fn begin(self: &Arc<Self>, id: &str) -> Result<(UnderWay, watch::Receiver<bool>), Full> {
        let mut calls = self.calls.lock();
        if calls.contains_key(id) {
            return Err(Full::SameId);
        }
        if calls.len() >= CALLS_MAX {
            return Err(Full::TooMany);
        }
        let (sender, receiver) = watch::channel(false);
        calls.insert(id.to_owned(), Cancel(Arc::new(sender)));
        let under_way = UnderWay {
            session: self.clone(),
            id: id.to_owned(),
        };
        Ok((under_way, receiver))
    }

    /// Cancels the call of this id, if it is under way.
    pub fn cancel(&self, id: &str) {
        if let Some(call) = self.calls.lock().get(id) {
            call.0.send_replace(true);
        }
    }

    /// Parks a call; gives the word by which it is taken up again.
    pub fn park(&self, mut parked: Parked) -> Option<String> {
        parked.since = Instant::now();
        let mut all = self.parked.lock();
        all.retain(|_, call| call.since.elapsed() < PARKED_FOR);
        if all.len() >= PARKED_MAX {
            return None;
        }
        let word = random_word();
        all.insert(word.clone(), parked);
        Some(word)
    }

    /// Takes up a parked call; once.
    pub fn unpark(&self, word: &str) -> Option<Parked> {
        let parked = self.parked.lock().remove(word)?;
        (parked.since.elapsed() < PARKED_FOR).then_some(parked)
    }

    async fn close(&self) {
        self.main.end();
        for call in self.calls.lock().drain() {
            call.1.0.send_replace(true);
        }
        self.parked.lock().clear();
        for link in self.links() {
            link.close().await;
        }
    }
}

impl Parked {
    /// A call to be parked.
    pub fn new(
        digest: [u8; 32],
        server: Arc<str>,
        replies: Replies,
        connection: Connection,
        question: (String, String, u64),
    ) -> Self {
        Parked {
            digest,
            server,
            replies,
            connection,
            question,
            since: Instant::now(),
        }
    }
}

/// A call under way: its id is in use for as long as this lives. Dropped *before* the answer is handed on, for an
/// agent may use the id again as soon as it has its answer.
#[must_use]
pub struct UnderWay {
    session: Arc<Session>,
    id: String,
}

impl UnderWay {
    /// The session it belongs to.
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.session.calls.lock().remove(&self.id);
    }
}

/// Why a call cannot begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Full {
    /// Its id is in use.
    SameId,
    /// There are too many under way.
    TooMany,
}

/// All sessions.
#[derive(Clone, Default)]
pub struct Sessions {
    all: Arc<DashMap<Arc<str>, Arc<Session>>>,
}

impl Sessions {
    /// Opens a session. `id`: `None` draws one.
    pub fn open(
        &self,
        edge: &Edge,
        id: Option<Arc<str>>,
        caller: &Caller,
        door: &Door,
        revision: Revision,
        introduction: Introduction,
    ) -> Option<Arc<Session>> {
        let main = Arc::new(Outbox::new(0));
        self.add(
            edge,
            (id, main, false),
            caller,
            door,
            revision,
            introduction,
        )
    }

    /// Opens a legacy session; `old`: the stream that its agent opened before (2024-11-05).
    pub fn open_old(
        &self,
        edge: &Edge,
        old: Option<(String, Arc<Outbox>)>,
        caller: &Caller,
        door: &Door,
        revision: Revision,
        introduction: Introduction,
    ) -> Option<Arc<Session>> {
        let begun = match old {
            Some((id, main)) => (Some(id.into()), main, true),
            None => (None, Arc::new(Outbox::new(0)), false),
        };
        self.add(edge, begun, caller, door, revision, introduction)
    }

    fn add(
        &self,
        edge: &Edge,
        (id, main, old): (Option<Arc<str>>, Arc<Outbox>, bool),
        caller: &Caller,
        door: &Door,
        revision: Revision,
        introduction: Introduction,
    ) -> Option<Arc<Session>> {
        let same = |s: &Session| s.caller.team == caller.team && s.caller.agent == caller.agent;
        if self.all.len() >= SESSIONS_MAX
            || self.all.iter().filter(|s| same(s.value())).count() >= SESSIONS_PER_AGENT_MAX
        {
            return None;
        }
        let session = Arc::new(Session {
            id: id.unwrap_or_else(|| random_word().into()),
            edge: edge.clone(),
            caller: caller.clone(),
            door: door.clone(),
            revision: Mutex::new(revision),
            old,
            introduction,
            main,
            listeners: Mutex::default(),
            lasting: Mutex::default(),
            shown: LastShown::default(),
            links: DashMap::new(),
            streams: Mutex::default(),
            asked: Mutex::default(),
            calls: Mutex::default(),
            parked: Mutex::default(),
            numbers: AtomicU64::new(1),
            used: Mutex::new(Instant::now()),
        });
        self.all.insert(session.id.clone(), session.clone());
        Some(session)
    }

    /// The session of this id, if it is this caller's and of this door.
    pub fn find(&self, id: &str, caller: &Caller, door: &Door) -> Option<Arc<Session>> {
        let session = self.all.get(id)?.clone();
        (session.caller == *caller && session.door == *door).then(|| {
            session.touch();
            session
        })
    }

    /// Ends a session.
    pub async fn close(&self, id: &str) {
        if let Some((_, session)) = self.all.remove(id) {
            session.close().await;
        }
    }

    /// Ends the streams that wait for what may never come: they would hold up the gateway's stop, which waits for
    /// calls.
    pub fn end_lasting_streams(&self) {
        for session in self.all.iter() {
            session.main.end();
            for stream in session.lasting.lock().drain(..) {
                if let Some(stream) = stream.upgrade() {
                    stream.end();
                }
            }
        }
    }

    /// Ends all sessions: the gateway has stopped.
    pub async fn close_all(&self) {
        let all: Vec<Arc<str>> = self.all.iter().map(|s| s.id.clone()).collect();
        for id in all {
            self.close(&id).await;
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Ends what is idle, for ever; and tells agents when another policy may have changed what they see.
    pub async fn sweep(self, edge: Edge) {
        let mut revision = policy_revision(&edge.state.load());
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        let mut swept = Instant::now();
        loop {
            ticks.tick().await;
            let state = edge.state.load_full();
            let now = policy_revision(&state);
            let pinned_anew = state.pins.as_ref().is_some_and(|pins| pins.refresh());
            if now != revision || pinned_anew {
                revision = now;
                for session in self.all.iter() {
                    super::listen::tools_changed(session.value());
                }
            }
            if swept.elapsed() < SWEEP_EVERY {
                continue;
            }
            swept = Instant::now();
            let idle: Vec<Arc<str>> = self
                .all
                .iter()
                .filter(|s| s.used.lock().elapsed() > IDLE && s.calls.lock().is_empty())
                .map(|s| s.id.clone())
                .collect();
            for id in idle {
                self.close(&id).await;
            }
        }
    }
}

fn policy_revision(state: &State) -> String {
    state.engine.policy().revision().to_owned()
}

/// 160 random bits in hex: visible ASCII, never guessed.
pub fn random_word() -> String {
    let mut random = [0u8; 20];
    // Without randomness a session would be guessable: its caller is checked as well, so nothing is lost.
    let _ = getrandom::fill(&mut random);
    random.iter().map(|b| format!("{b:02x}")).collect()
}
