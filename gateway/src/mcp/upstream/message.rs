//! What a server's message is, as far as it must be known to hand it to the right reader.

use super::Fault;
use bytes::Bytes;
use sallyport_exchange::json::{JsonKind, Tape, Value};
use serde::Deserialize;

/// Messages in one batch (2025-03-26).
const BATCH_MAX: usize = 64;
/// Where a modern notification names its subscription.
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// What a message is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Sight {
    /// The server asks something.
    Request,
    /// The server tells something.
    Notification(Topic),
    /// The server answers the request of this id; `None`: of an id that is none of ours.
    Answer(Option<u64>),
}

/// What a notification is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Topic {
    /// The progress of the request that gave this token.
    Progress(Token),
    /// The subscription that the request of this id began.
    Subscription(u64),
    /// A list or a resource is no longer what it was: nothing is lost if it is said once instead of twice.
    Changed,
    /// Anything else.
    Other,
}

/// A progress token, so written that equal ones are equal.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Token(String);

impl Token {
    fn of(value: Value<'_>) -> Option<Token> {
        match value.kind() {
            JsonKind::String => value.as_str().map(|text| Token(format!("s{text}"))),
            JsonKind::Number => Some(Token(format!("n{}", value.raw()))),
            _ => None,
        }
    }

    /// A token as it stands in JSON.
    pub fn read(raw: &str) -> Option<Token> {
        Token::of(Tape::read_str(raw).ok()?.root())
    }
}

/// The messages that a body holds: one, or those of a batch where `batches` are allowed.
pub(super) fn messages(body: &Bytes, batches: bool) -> Result<Vec<(Sight, Bytes)>, Fault> {
    let tape = Tape::read(body).map_err(|_| Fault::Garbled)?;
    let root = tape.root();
    match root.elements() {
        None => Ok(vec![(sight(root)?, body.clone())]),
        Some(elements) if batches => {
            let mut all = Vec::new();
            for element in elements {
                if all.len() == BATCH_MAX {
                    return Err(Fault::Garbled);
                }
                all.push((sight(element)?, body.slice(element.span().range())));
            }
            Ok(all)
        }
        Some(_) => Err(Fault::Garbled),
    }
}

fn sight(message: Value<'_>) -> Result<Sight, Fault> {
    let is_rpc = message
        .member("jsonrpc")
        .is_some_and(|version| version.is_str("2.0"));
    let (id, method) = (message.member("id"), message.member("method"));
    let answers = message.member("result").is_some() || message.member("error").is_some();
    match (method, id) {
        _ if !is_rpc => Err(Fault::Garbled),
        (Some(_), _) if answers => Err(Fault::Garbled),
        (Some(_), Some(_)) => Ok(Sight::Request),
        (Some(method), None) => Ok(Sight::Notification(topic(method, message))),
        (None, id) if answers => Ok(Sight::Answer(id.and_then(Value::as_u64))),
        (None, _) => Err(Fault::Garbled),
    }
}

fn topic(method: Value<'_>, message: Value<'_>) -> Topic {
    let params = message.member("params");
    let subscription = params
        .and_then(|params| params.member("_meta")?.member(SUBSCRIPTION))
        .and_then(|id| id.as_u64().or_else(|| id.as_str()?.parse().ok()));
    if let Some(id) = subscription {
        return Topic::Subscription(id);
    }
    let method = method.as_str().unwrap_or_default();
    match &*method {
        "notifications/progress" => params
            .and_then(|params| Token::of(params.member("progressToken")?))
            .map_or(Topic::Other, Topic::Progress),
        "notifications/resources/updated" => Topic::Changed,
        method if method.ends_with("/list_changed") => Topic::Changed,
        _ => Topic::Other,
    }
}

/// The id that an unreadable message probably has. Only good for saying which request failed.
pub(super) fn salvaged_id(body: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Salvage {
        id: u64,
    }
    serde_json::from_slice::<Salvage>(body)
        .ok()
        .map(|salvage| salvage.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn see(text: &str) -> Result<Sight, Fault> {
        let all = messages(&Bytes::copy_from_slice(text.as_bytes()), false)?;
        Ok(all.into_iter().next().expect("one message").0)
    }

    #[test]
    fn messages_are_told_apart() {
        let cases = [
            (
                r#"{"jsonrpc":"2.0","id":"x","method":"ping"}"#,
                Sight::Request,
            ),
            (
                r#"{"jsonrpc":"2.0","id":7,"result":{}}"#,
                Sight::Answer(Some(7)),
            ),
            (
                r#"{"jsonrpc":"2.0","id":"7","error":{}}"#,
                Sight::Answer(None),
            ),
            (
                r#"{"jsonrpc":"2.0","id":null,"error":{}}"#,
                Sight::Answer(None),
            ),
            (
                r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#,
                Sight::Notification(Topic::Changed),
            ),
            (
                r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":9}}}"#,
                Sight::Notification(Topic::Subscription(9)),
            ),
            (
                r#"{"jsonrpc":"2.0","method":"notifications/message","params":{}}"#,
                Sight::Notification(Topic::Other),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(see(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_token_is_the_same_however_it_is_escaped() {
        let said =
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"a"}}"#;
        let token = Token::read(r#""\u0061""#).expect("a token");
        assert_eq!(see(said), Ok(Sight::Notification(Topic::Progress(token))));
        assert_ne!(Token::read("1"), Token::read("\"1\""));
    }

    #[test]
    fn what_is_no_message_is_garbled() {
        for text in [
            "",
            "starting…",
            "[]",
            "{}",
            r#"{"level":"info","msg":"hello"}"#,
            r#"{"jsonrpc":"2.0","id":1,"id":1,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"x","result":{}}"#,
            r#"{"id":1,"result":{}}"#,
        ] {
            assert_eq!(see(text), Err(Fault::Garbled), "{text}");
        }
    }

    #[test]
    fn a_batch_is_taken_apart_only_where_there_are_batches() {
        let body = Bytes::from_static(
            br#" [{"jsonrpc":"2.0","method":"a"}, {"jsonrpc":"2.0","id":1,"result":1}]"#,
        );
        let all = messages(&body, true).expect("a batch");
        assert_eq!(all[1].0, Sight::Answer(Some(1)));
        assert_eq!(&all[1].1[..], br#"{"jsonrpc":"2.0","id":1,"result":1}"#);
        assert_eq!(messages(&body, false), Err(Fault::Garbled));
        let many = format!("[{}1]", r#"{"jsonrpc":"2.0","method":"a"},"#.repeat(65));
        assert_eq!(messages(&many.into(), true), Err(Fault::Garbled));
    }

    #[test]
    fn the_id_of_an_unreadable_message_is_found() {
        assert_eq!(salvaged_id(br#"{"id":5,"result":{"a":1,"a":2}}"#), Some(5));
        assert_eq!(salvaged_id(br#"{"id":5,"result":"\ud800"}"#), Some(5));
        assert_eq!(salvaged_id(b"rubbish"), None);
        assert_eq!(salvaged_id(br#"{"id":5,"id":6}"#), None);
    }
}
