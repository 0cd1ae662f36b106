//! One session's request bodies, turn by turn, as they would be forwarded.

use super::compress::whose;
use crate::compression::{Originals, offers_retrieval};
use sallyport_compress::{Compressed, Kept, Memo, Mode, Rules, compress, conversation};
use sallyport_exchange::json::{Tape, Value};
use sallyport_exchange::{Dialect, Operation, Payload};

/// Bytes of remembered forms.
const MEMORY: u64 = 256 << 20;

/// A session at the desk.
pub(crate) struct Session {
    store: Option<Originals>,
    memo: Memo,
    /// Originals can be had back by who reads the bodies, whether or not they offer the tool for it.
    always: bool,
}

/// Why a body is not looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoBody {
    /// It is not JSON, or no request of a dialect.
    #[error("this is no request body: {0}")]
    Unreadable(#[from] sallyport_exchange::Malformed),
}

impl Session {
    /// With a store: forms that leave something out are taken.
    pub(crate) fn new(store: Option<Originals>, always: bool) -> Session {
        Session {
            store,
            memo: Memo::new(MEMORY),
            always,
        }
    }

    /// A body as it would be forwarded, on one line.
    pub(crate) fn body(&self, line: &str) -> Result<String, String> {
        let (payload, compressed) = self.compress(line).map_err(|error| error.to_string())?;
        let body = compressed.edits.apply(payload.bytes());
        String::from_utf8(body.into()).map_err(|error| error.to_string())
    }

    /// A body, and what is made of it.
    pub(crate) fn compress(&self, body: &str) -> Result<(Payload, Compressed), NoBody> {
        let dialect = dialect(body)?;
        let payload = dialect.read_request(Operation::Chat, body.to_owned().into())?;
        let store = self
            .store
            .as_ref()
            .filter(|_| self.always || offers_retrieval(&payload));
        let mode = match store {
            Some(_) => Mode::Reversible,
            None => Mode::Lossless,
        };
        let mut desk = store.map(Desk);
        let originals = desk
            .as_mut()
            .map(|desk| desk as &mut dyn conversation::Originals);
        let compressed = compress(&payload, &Rules::new(mode), &self.memo, originals);
        Ok((payload, compressed))
    }
}

/// Originals in the folder of the command line.
struct Desk<'a>(&'a Originals);

impl conversation::Originals for Desk<'_> {
    fn handle(&self, digest: &[u8; 32]) -> String {
        whose().handle(b"", digest)
    }

    fn keep(&mut self, kept: &Kept<'_>) -> bool {
        self.0.put(&whose(), kept.handle, kept.original).is_ok()
    }
}

/// In which dialect a body speaks, by what only one of them has.
fn dialect(body: &str) -> Result<Dialect, sallyport_exchange::Malformed> {
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
