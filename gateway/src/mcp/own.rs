//! The gateway's own tools: what stands in a list of tools in place of the servers' catalogues, and beside them.
//!
//! A team chooses by `settings.disclosure` how the tools of a server are shown: `native`, each with its schema;
//! `names+describe`, by name in the description of `sallyport_describe`; or `search`, not at all until they are
//! searched for. Only what the policies let the team see is named, described or found ([`shown`]). A call by
//! `sallyport_call` becomes the call that it holds before anything judges it ([`inner`]), so that whatever stands
//! behind knows no difference.

mod answer;
mod declared;
mod disclosure;
mod inner;
mod retrieve;
mod search;
mod shown;
mod signature;
mod words;

pub use disclosure::Own;
pub use retrieve::{Say, Selected, Wanted, select};
pub use shown::{LastShown, Shown};

use super::outbox::Outbox;
use super::request::{Asking, Plain};
use super::session::Session;
use crate::edge::account::Account;
use crate::edge::failure::{Failure, RpcFault};
use sallyport_exchange::json::Tape;
use sallyport_exchange::mcp::{Code, Method};
use sallyport_exchange::{Kind, Payload};
use std::sync::Arc;
use tokio::sync::watch;

/// The server that the gateway's own tools are of, to policies and in the record.
pub const SERVER: &str = "sallyport";
/// What their names begin with. While any of them is shown, no server's tool may be called so.
pub const PREFIX: &str = "sallyport_";

/// One of the gateway's own tools.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tool {
    /// Finds tools by what they do.
    Search,
    /// Tells a tool's parameters.
    Describe,
    /// Calls a tool.
    Call,
    /// Gives back what a reversible form left out.
    Retrieve,
}

impl Tool {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Tool::Search => "sallyport_search",
            Tool::Describe => "sallyport_describe",
            Tool::Call => "sallyport_call",
            Tool::Retrieve => sallyport_compress::mark::RETRIEVE,
        }
    }

    /// The tool of this name; exactly, for a name that only looks like it is another one.
    pub fn of(name: &str) -> Option<Tool> {
        let all = [Tool::Search, Tool::Describe, Tool::Call, Tool::Retrieve];
        all.into_iter().find(|tool| tool.name() == name)
    }
}

/// Whether a name is kept for the gateway's own tools. Letters of either case: what looks the same must not be there.
pub fn is_reserved(name: &str) -> bool {
    let head = name.as_bytes().get(..PREFIX.len());
    head.is_some_and(|head| head.eq_ignore_ascii_case(PREFIX.as_bytes()))
}

/// The names in a server's list that are kept for the gateway's own tools.
pub fn posing(list: &Payload) -> Vec<String> {
    let offers = list.of_kind(Kind::ToolOffer);
    let names = offers.filter_map(|(_, part)| Some(list.text(part.tool?)));
    let posing = names.filter(|name| is_reserved(name));
    posing.map(str::to_owned).collect()
}

/// Who answers a request.
pub enum Turn {
    /// The servers, as ever.
    Theirs,
    /// The servers, and these declarations are added to the end of their list.
    More(String),
    /// The servers, but the call that was held within this one.
    Inner(Box<Asking>),
    /// The gateway has answered.
    Ours(Plain),
}

/// Finds out who answers a request, and answers it if that is the gateway.
pub async fn turn(
    asking: &Asking,
    account: &mut Account,
    session: &Arc<Session>,
    out: &Arc<Outbox>,
    cancelled: &watch::Receiver<bool>,
) -> Result<Turn, Failure> {
    let own = &asking.own;
    match asking.message.method {
        Method::ToolsList if own.discloses() => {
            check_cursor(asking)?;
            let shown = Shown::listed(asking, session, out, cancelled).await?;
            declared::list(asking, &shown).map(Turn::Ours)
        }
        Method::ToolsList if own.retrieves() => Ok(Turn::More(declared::retrieve())),
        Method::ToolsCall => {
            let named = asking.message.name.as_ref().and_then(|name| name.text());
            let Some(tool) = named.as_deref().and_then(Tool::of).filter(|t| own.has(*t)) else {
                return Ok(Turn::Theirs);
            };
            if tool == Tool::Call {
                return Ok(Turn::Inner(Box::new(inner::unwrapped(asking)?)));
            }
            let answering = answer::Answering {
                asking,
                account,
                session,
                out,
                cancelled,
                tool,
            };
            answering.answer().await.map(Turn::Ours)
        }
        _ => Ok(Turn::Theirs),
    }
}

/// A list that the gateway puts together comes whole.
fn check_cursor(asking: &Asking) -> Result<(), Failure> {
    match asking.message.cursor {
        None => Ok(()),
        Some(_) => Err(Failure::Rpc(RpcFault::answer(
            Code::InvalidParams,
            "There is no such cursor: this list comes whole.",
        ))),
    }
}

/// Adds declarations to the end of a list of tools, on its last page. What is no list stays what it is.
pub fn with_last(plain: Plain, declaration: &str) -> Plain {
    let text = std::str::from_utf8(&plain.message).unwrap_or_default();
    let Ok(tape) = Tape::read_str(text) else {
        return plain;
    };
    let result = tape.root().member("result");
    let more = result.and_then(|r| r.member("nextCursor"));
    let tools = result.and_then(|r| r.member("tools"));
    let Some(tools) = tools.filter(|_| more.is_none_or(|more| more.is_null())) else {
        return plain;
    };
    let Some(mut elements) = tools.elements() else {
        return plain;
    };
    let comma = if elements.next().is_some() { "," } else { "" };
    let end = tools.span().end as usize - 1;
    let message = format!("{}{comma}{declaration}{}", &text[..end], &text[end..]);
    Plain {
        status: plain.status,
        message: message.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(text: &str) -> String {
        let plain = Plain {
            status: 200,
            message: text.to_owned().into(),
        };
        let added = with_last(plain, "{\"name\":\"x\"}");
        String::from_utf8(added.message.to_vec()).expect("is text")
    }

    #[test]
    fn own_tools_come_last_and_on_the_last_page() {
        assert_eq!(
            last(r#"{"result":{"tools":[ {"name":"a"} ],"ttlMs":0}}"#),
            r#"{"result":{"tools":[ {"name":"a"} ,{"name":"x"}],"ttlMs":0}}"#
        );
        assert_eq!(
            last(r#"{"result":{"tools":[]}}"#),
            r#"{"result":{"tools":[{"name":"x"}]}}"#
        );
        for same in [
            r#"{"result":{"tools":[],"nextCursor":"2"}}"#,
            r#"{"error":{"code":1,"message":""}}"#,
            r#"{"result":{"tools":7}}"#,
        ] {
            assert_eq!(last(same), same);
        }
    }

    #[test]
    fn own_names_are_reserved_in_any_case() {
        for name in ["sallyport_call", "Sallyport_x", "SALLYPORT_"] {
            assert!(is_reserved(name), "{name}");
        }
        for name in [
            "sallyport",
            "sallyport__x".get(..9).unwrap_or(""),
            "asallyport_",
            "",
        ] {
            assert!(!is_reserved(name), "{name}");
        }
        assert_eq!(Tool::of("sallyport_call"), Some(Tool::Call));
        assert_eq!(Tool::of("Sallyport_call"), None);
    }
}
