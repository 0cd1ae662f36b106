//! The tools that a caller may see at a door: judged, masked, with what is hidden or held back left out.

use super::super::door::Door;
use super::super::lists;
use super::super::names;
use super::super::outbox::Outbox;
use super::super::request::Asking;
use super::super::session::Session;
use super::disclosure::{Disclosure, LIST, Own};
use super::search::Index;
use crate::edge::failure::Failure;
use sallyport_exchange::json::{Tape, Value};
use sallyport_exchange::mcp::Message;
use sallyport_manifest::Lock;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long a list is believed when nobody says that it changed.
const SHOWN_FOR: Duration = Duration::from_secs(60);

/// One tool that a caller may see.
pub struct Item {
    /// Its server.
    pub server: Arc<str>,
    /// What the agent calls it at this door.
    pub name: String,
    /// Its declaration, as JSON.
    pub json: String,
}

/// What a caller may see at a door, by server and then by name.
pub struct Shown {
    items: Vec<Item>,
    disclosures: BTreeMap<Arc<str>, Disclosure>,
    places: HashMap<String, usize>,
    index: OnceLock<Index>,
    since: Instant,
    policy: String,
    lock: Option<Arc<Lock>>,
}

impl Shown {
    /// Asks the servers, and remembers what they list.
    pub async fn listed(
        asking: &Asking,
        session: &Arc<Session>,
        out: &Arc<Outbox>,
        cancelled: &watch::Receiver<bool>,
    ) -> Result<Arc<Shown>, Failure> {
        let (policy, lock) = standing(asking);
        let changes = session.shown.changes();
        let listing = Asking {
            edge: asking.edge.clone(),
            state: asking.state.clone(),
            caller: asking.caller.clone(),
            door: asking.door.clone(),
            session: asking.session.clone(),
            body: LIST.into(),
            message: Message::read(LIST)?,
            introduced: asking.introduced.clone(),
            sent_params: None,
            own: asking.own.clone(),
            span: asking.span.clone(),
        };
        let listed = lists::each(&listing, session, out, cancelled).await?;
        let is_whole = listed.is_whole;
        let mut shown = Shown::of(listed.of, &asking.own, &asking.door);
        (shown.policy, shown.lock) = (policy, lock);
        let shown = Arc::new(shown);
        // A server that is down for a moment must not be missing for a minute.
        session.shown.keep(is_whole.then(|| shown.clone()), changes);
        Ok(shown)
    }

    /// What was listed last, if that still holds; else the servers are asked.
    pub async fn now(
        asking: &Asking,
        session: &Arc<Session>,
        out: &Arc<Outbox>,
        cancelled: &watch::Receiver<bool>,
    ) -> Result<Arc<Shown>, Failure> {
        let (policy, lock) = standing(asking);
        let same = |shown: &Arc<Shown>| {
            let same_lock = match (&shown.lock, &lock) {
                (Some(one), Some(other)) => Arc::ptr_eq(one, other),
                (one, other) => one.is_none() && other.is_none(),
            };
            same_lock
                && shown.policy == policy
                && shown.since.elapsed() < SHOWN_FOR
                && shown.disclosures == asking.own.disclosures()
        };
        match session.shown.kept().filter(same) {
            Some(shown) => Ok(shown),
            None => Shown::listed(asking, session, out, cancelled).await,
        }
    }

    /// The tools in these lists, one list a server.
    pub fn of(lists: Vec<(Arc<str>, Vec<String>)>, own: &Own, door: &Door) -> Shown {
        let disclosures = own.disclosures();
        let mut items = Vec::new();
        for (server, declarations) in lists {
            if !disclosures.contains_key(&server) {
                continue;
            }
            for json in declarations {
                let Some(name) = name_of(&json) else { continue };
                let server = server.clone();
                items.push(Item { server, name, json });
            }
        }
        // Natively a server's own order stands, for its bytes do; what the gateway writes is sorted.
        let is_native = |item: &Item| disclosures.get(&item.server) == Some(&Disclosure::Native);
        items.sort_by(|a, b| {
            let by_name = match is_native(a) {
                true => std::cmp::Ordering::Equal,
                false => a.name.cmp(&b.name),
            };
            a.server.cmp(&b.server).then(by_name)
        });
        let mut places = HashMap::new();
        for (place, item) in items.iter().enumerate() {
            places.insert(item.name.clone(), place);
        }
        if *door == Door::All {
            short_names(&items, &mut places);
        }
        Shown {
            items,
            disclosures,
            places,
            index: OnceLock::new(),
            since: Instant::now(),
            policy: String::new(),
            lock: None,
        }
    }

    /// All of them.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// How each server's tools are shown.
    pub fn disclosures(&self) -> &BTreeMap<Arc<str>, Disclosure> {
        &self.disclosures
    }

    /// Those of one server.
    pub fn of_server(&self, server: &str) -> &[Item] {
        let first = self.items.partition_point(|item| *item.server < *server);
        let rest = &self.items[first..];
        &rest[..rest.partition_point(|item| *item.server == *server)]
    }

    /// The tool that an agent means: by its name at this door, or by its server's name for it where only one tool is
    /// called so.
    pub fn find(&self, name: &str) -> Option<&Item> {
        let place = *self.places.get(name)?;
        self.items.get(place)
    }

    /// For searching them.
    pub fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::of(&self.items))
    }
}

/// Adds the names without their servers' prefixes, where one stands for one tool and is no tool's whole name.
fn short_names(items: &[Item], places: &mut HashMap<String, usize>) {
    let mut short: HashMap<&str, Option<usize>> = HashMap::new();
    for (place, item) in items.iter().enumerate() {
        if let Some((_, own)) = names::split(&item.name) {
            short
                .entry(own)
                .and_modify(|of| *of = None)
                .or_insert(Some(place));
        }
    }
    for (name, place) in short {
        if let Some(place) = place {
            places.entry(name.to_owned()).or_insert(place);
        }
    }
}

fn name_of(json: &str) -> Option<String> {
    let tape = Tape::read_str(json).ok()?;
    let name = tape.root().member("name").and_then(Value::as_str)?;
    Some(name.into_owned())
}

/// What decides what is shown, beside the servers: the policies and the lock.
fn standing(asking: &Asking) -> (String, Option<Arc<Lock>>) {
    let policy = asking.state.engine.policy().revision().to_owned();
    let pins = asking.state.pins.as_ref();
    (policy, pins.map(|pins| pins.in_force().1))
}

/// What a session was shown last.
#[derive(Default)]
pub struct LastShown {
    kept: parking_lot::Mutex<(u64, Option<Arc<Shown>>)>,
}

impl LastShown {
    /// A server says that its tools are others now.
    pub fn forget(&self) {
        let mut kept = self.kept.lock();
        kept.0 += 1;
        kept.1 = None;
    }

    fn changes(&self) -> u64 {
        self.kept.lock().0
    }

    fn kept(&self) -> Option<Arc<Shown>> {
        self.kept.lock().1.clone()
    }

    /// Keeps a list, unless something changed since it was asked for.
    fn keep(&self, shown: Option<Arc<Shown>>, since: u64) {
        let mut kept = self.kept.lock();
        if kept.0 == since {
            kept.1 = shown;
        }
    }
}
