//! How a call that is being served speaks with its client, whatever era and transport.

use crate::Change;
use crate::message::{self, Failure, Request};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{broadcast, mpsc, oneshot};

/// Messages of one call that wait to be written.
pub(crate) const OUT_MAX: usize = 64;

/// In the order of how bad they are.
pub(crate) const LEVELS: [&str; 8] = [
    "debug",
    "info",
    "notice",
    "warning",
    "error",
    "critical",
    "alert",
    "emergency",
];

/// What comes out of a call.
#[derive(Debug)]
pub(crate) enum Out {
    /// A notification, or a request to the client.
    Message(Value),
    /// The last one, and its HTTP status if nothing came before it.
    Answer(Value, u16),
    /// Closes the connection, not the stream: the rest is for who comes again (legacy only).
    Hangup,
}

/// Which rules a call goes by.
#[derive(Clone, Debug)]
pub(crate) enum Era {
    /// A session that began with `initialize`.
    Legacy(Arc<Conversation>),
    /// All that matters is in each request.
    Modern,
}

/// What a legacy client said that outlives one call.
#[derive(Debug, Default)]
pub(crate) struct Conversation {
    /// What it can do.
    pub capabilities: Mutex<Value>,
    /// The least level it wants to hear of, as a place in [`LEVELS`].
    pub level: AtomicU64,
    /// Resources whose changes it wants to hear of.
    pub watched: Mutex<Vec<String>>,
    questions: Mutex<HashMap<String, oneshot::Sender<Result<Value, Value>>>>,
    asked: AtomicU64,
}

impl Conversation {
    /// The client's answer to a question. Says whether anybody had asked.
    pub fn answered(&self, id: &Value, outcome: Result<Value, Value>) -> bool {
        let waiting = id
            .as_str()
            .and_then(|id| locked(&self.questions).remove(id));
        waiting.is_some_and(|waiting| waiting.send(outcome).is_ok())
    }
}

/// One call and the way back to whom it came from.
#[derive(Clone, Debug)]
pub(crate) struct Talk {
    pub request: Request,
    pub era: Era,
    pub changes: broadcast::Sender<Change>,
    out: mpsc::Sender<Out>,
}

impl Talk {
    pub fn new(
        request: Request,
        era: Era,
        changes: broadcast::Sender<Change>,
    ) -> (Talk, mpsc::Receiver<Out>) {
        let (out, came) = mpsc::channel(OUT_MAX);
        (
            Talk {
                request,
                era,
                changes,
                out,
            },
            came,
        )
    }

    /// Sends a notification that belongs to this call.
    pub async fn notify(&self, method: &str, params: Value) {
        self.send(Out::Message(message::notification(method, &params)))
            .await;
    }

    /// Sends whatever comes out. Nobody listens any more: then there is nobody to tell.
    pub async fn send(&self, out: Out) {
        let _ = self.out.send(out).await;
    }

    /// Reports progress, if the client asked for it.
    pub async fn progress(&self, progress: u64, total: u64) {
        if let Some(token) = self.request.meta("progressToken") {
            let params = json!({"progressToken": token, "progress": progress, "total": total});
            self.notify("notifications/progress", params).await;
        }
    }

    /// Writes a line to the client's log, if it wants to hear of this level.
    pub async fn log(&self, level: &str, words: &str) {
        let place = |level: &str| LEVELS.iter().position(|known| *known == level);
        let wanted = match &self.era {
            Era::Legacy(conversation) => {
                usize::try_from(conversation.level.load(Ordering::Relaxed)).ok()
            }
            Era::Modern => self
                .request
                .meta("io.modelcontextprotocol/logLevel")
                .and_then(Value::as_str)
                .and_then(place),
        };
        if wanted.is_some_and(|wanted| place(level).is_some_and(|this| this >= wanted)) {
            let params = json!({"level": level, "logger": "fixture", "data": words});
            self.notify("notifications/message", params).await;
        }
    }

    /// Whether the client said that it can do this.
    pub fn client_can(&self, capability: &str) -> bool {
        match &self.era {
            Era::Legacy(conversation) => {
                locked(&conversation.capabilities).get(capability).is_some()
            }
            Era::Modern => self
                .request
                .meta("io.modelcontextprotocol/clientCapabilities")
                .is_some_and(|known| known.get(capability).is_some()),
        }
    }

    /// Asks the client. A modern client is asked by a result, so there the first round ends with [`Need`].
    pub async fn ask(&self, key: &str, method: &str, params: Value) -> Result<Value, Need> {
        let capability = capability_of(method);
        if !self.client_can(capability) {
            return Err(Need::Failed(missing(capability)));
        }
        let Era::Legacy(conversation) = &self.era else {
            let given = self
                .request
                .params
                .get("inputResponses")
                .and_then(|given| given.get(key));
            return match given.filter(|given| given.is_object()) {
                Some(given) => Ok(given.clone()),
                None => Err(Need::Input(Map::from_iter([(
                    key.to_owned(),
                    json!({"method": method, "params": params}),
                )]))),
            };
        };
        let id = format!(
            "fixture-{}",
            conversation.asked.fetch_add(1, Ordering::Relaxed)
        );
        let (answer, come) = oneshot::channel();
        locked(&conversation.questions).insert(id.clone(), answer);
        self.send(Out::Message(message::request(&id, method, &params)))
            .await;
        match come.await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(error)) => Err(Need::Failed(Failure::new(-32000, &error.to_string()))),
            Err(_) => Err(Need::Failed(Failure::new(-32000, "the session ended"))),
        }
    }
}

/// Why a question has no answer yet.
#[derive(Debug)]
pub(crate) enum Need {
    /// The client is to bring it with its next try.
    Input(Map<String, Value>),
    /// It never comes.
    Failed(Failure),
}

fn capability_of(method: &str) -> &str {
    match method {
        "sampling/createMessage" => "sampling",
        "roots/list" => "roots",
        _ => "elicitation",
    }
}

/// What a modern server says when a client cannot do what is needed.
pub(crate) fn missing(capability: &str) -> Failure {
    let required = Map::from_iter([(capability.to_owned(), json!({}))]);
    Failure::new(-32021, &format!("the client cannot do {capability}"))
        .data(json!({"requiredCapabilities": required}))
}

/// A lock whose holder cannot have left anything half done.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
