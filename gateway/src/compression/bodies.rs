//! Request bodies that come from no exchange: of a file, or from an operator who compares.

use super::{Originals, Scope, offers_retrieval};
use sallyport_compress::tokens::{Vocabulary, count};
use sallyport_compress::{Compressed, Kept, Memo, Mode, Rules, compress, conversation};
use sallyport_exchange::json::{Tape, Value};
use sallyport_exchange::{Caller, Dialect, Malformed, Operation, Payload};
use std::collections::BTreeSet;

/// Bytes of remembered forms.
const MEMORY: u64 = 256 << 20;

/// Reads bodies one after another, as those of one session.
pub struct Bodies {
    store: Option<Originals>,
    scope: Scope,
    memo: Memo,
    /// Originals are at hand whether or not a body offers the tool that gives them back.
    at_hand: bool,
}

/// A body beside what it becomes.
pub struct Compared {
    /// The messages as they would be forwarded: JSON, in the bytes that would be sent.
    pub messages: String,
    /// Tokens (o200k) of all words in the body.
    pub tokens_before: usize,
    /// The same as it would be forwarded.
    pub tokens_after: usize,
    /// Which kinds of step were taken.
    pub steps: BTreeSet<&'static str>,
}

impl Compared {
    /// As engines that compress for others answer.
    pub fn to_json(&self) -> String {
        let (before, after) = (self.tokens_before, self.tokens_after);
        let told = serde_json::json!({
            "tokens_before": before,
            "tokens_after": after,
            "tokens_saved": before.saturating_sub(after),
            "compression_ratio": after as f64 / before.max(1) as f64,
            "transforms_applied": self.steps,
        });
        let told = told.to_string();
        // The messages are not read again: they stand as they would be sent.
        format!("{{\"messages\":{},{}", self.messages, &told[1..])
    }
}

/// Why a body is not looked at.
#[derive(Debug, thiserror::Error)]
pub enum NoBody {
    /// It is no JSON, or no request of a dialect.
    #[error("this is no request body: {0}")]
    Unreadable(#[from] Malformed),
    /// It has no messages.
    #[error("there are no `messages` in this")]
    NoMessages,
}

impl Bodies {
    /// With a store: forms that leave something out are taken, and the originals kept. `at_hand`: even where the body
    /// offers no tool that gives them back.
    pub fn new(store: Option<Originals>, scope: Scope, at_hand: bool) -> Bodies {
        Bodies {
            store,
            scope,
            memo: Memo::new(MEMORY),
            at_hand,
        }
    }

    /// A body as it would be forwarded.
    pub fn forwarded(&self, body: &str) -> Result<String, NoBody> {
        let (payload, compressed) = self.compress(body)?;
        Ok(applied(&payload, &compressed))
    }

    /// A body beside what it becomes.
    pub fn compared(&self, body: &str) -> Result<Compared, NoBody> {
        let (payload, compressed) = self.compress(body)?;
        let after = applied(&payload, &compressed);
        let tape = Tape::read_str(&after)?;
        let messages = tape.root().member("messages").ok_or(NoBody::NoMessages)?;
        let messages = messages.raw().to_owned();
        let words = |payload: &Payload| -> usize {
            let texts = payload
                .views()
                .map(|view| count(view.text, Vocabulary::O200k));
            texts.sum()
        };
        let forwarded = dialect(&after)?.read_request(Operation::Chat, after.clone().into())?;
        let (before, left) = (words(&payload), words(&forwarded));
        let steps = compressed.blocks.iter().flat_map(|block| &block.steps);
        Ok(Compared {
            messages,
            tokens_before: before,
            tokens_after: left,
            steps: steps.map(|step| step.as_str()).collect(),
        })
    }

    fn compress(&self, body: &str) -> Result<(Payload, Compressed), NoBody> {
        let payload = dialect(body)?.read_request(Operation::Chat, body.to_owned().into())?;
        let store = self.store.as_ref();
        let store = store.filter(|_| self.at_hand || offers_retrieval(&payload));
        let mode = match store {
            Some(_) => Mode::Reversible,
            None => Mode::Lossless,
        };
        let mut desk = store.map(|store| Desk(store, &self.scope));
        let originals = desk
            .as_mut()
            .map(|desk| desk as &mut dyn conversation::Originals);
        let compressed = compress(&payload, &Rules::new(mode), &self.memo, originals);
        Ok((payload, compressed))
    }
}

impl Scope {
    /// The scope of whoever sits at the machine.
    pub fn local() -> Scope {
        let nobody = Caller {
            team: "".into(),
            agent: "".into(),
            key: "".into(),
            labels: [].into(),
        };
        Scope::of(&nobody, "local")
    }
}

/// The body with its edits. A body is text, and so is every edit.
fn applied(payload: &Payload, compressed: &Compressed) -> String {
    let body = compressed.edits.apply(payload.bytes());
    String::from_utf8_lossy(&body).into_owned()
}

/// Originals in a folder.
struct Desk<'a>(&'a Originals, &'a Scope);

impl conversation::Originals for Desk<'_> {
    fn handle(&self, digest: &[u8; 32]) -> String {
        self.1.handle(b"", digest)
    }

    fn keep(&mut self, kept: &Kept<'_>) -> bool {
        self.0.put(self.1, kept.handle, kept.original).is_ok()
    }
}

/// In which dialect a body speaks, by what only one of them has.
fn dialect(body: &str) -> Result<Dialect, Malformed> {
    let tape = Tape::read_str(body)?;
    let root = tape.root();
    if root.member("messages").is_none() && root.member("input").is_some() {
        return Ok(Dialect::OpenAiResponses);
    }
    let word = |value: Value<'_>, key: &str, words: &[&str]| {
        let word = value.member(key).and_then(|word| word.as_str());
        word.is_some_and(|word| words.contains(&&*word))
    };
    let tools = elements(root.member("tools"));
    let messages = elements(root.member("messages"));
    let anthropic = root.member("system").is_some()
        || tools
            .iter()
            .any(|tool| tool.member("input_schema").is_some())
        || messages.iter().any(|message| {
            let blocks = elements(message.member("content"));
            blocks
                .iter()
                .any(|block| word(*block, "type", &["tool_use", "tool_result", "thinking"]))
        });
    let openai = messages.iter().any(|message| {
        message.member("tool_calls").is_some()
            || word(
                *message,
                "role",
                &["tool", "system", "developer", "function"],
            )
    });
    Ok(match anthropic && !openai {
        true => Dialect::Anthropic,
        false => Dialect::OpenAiChat,
    })
}

fn elements(value: Option<Value<'_>>) -> Vec<Value<'_>> {
    value
        .and_then(Value::elements)
        .into_iter()
        .flatten()
        .collect()
}
