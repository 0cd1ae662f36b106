//! How the tools behind a door are shown, as the team's policies set it.

use super::super::background::Judged;
use super::super::door::Door;
use super::super::names;
use super::super::request::Asking;
use super::super::session::Session;
use super::{Tool, is_reserved};
use crate::compression::{Compression, Mode};
use crate::edge::account::Account;
use sallyport_exchange::mcp::Method;
use sallyport_exchange::{Dialect, Flow, Operation};
use sallyport_policy::{Settings, Terms};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A request for a list, as it is judged when nobody has asked for one.
pub(super) const LIST: &str = "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"tools/list\"}";

/// How the tools of one server are shown.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Disclosure {
    /// Each with its schema, as the server lists it.
    #[default]
    Native,
    /// By name, and described when asked for.
    Names,
    /// When searched for.
    Search,
}

impl Disclosure {
    /// What `settings.disclosure` says. The second: a word that means nothing, for the log.
    pub fn of(settings: &Settings) -> (Disclosure, Option<String>) {
        let Some(word) = settings.get("disclosure") else {
            return (Disclosure::Native, None);
        };
        match word.as_str() {
            Some("native") => (Disclosure::Native, None),
            Some("names+describe") => (Disclosure::Names, None),
            Some("search") => (Disclosure::Search, None),
            _ => (Disclosure::Native, Some(word.to_string())),
        }
    }
}

/// Whether what tools answer is made smaller in forms that leave something out: then the original can be asked for.
fn retrieval(compression: &Compression, settings: &Settings) -> bool {
    compression.originals().is_some() && compression.wish(settings).mode == Mode::Reversible
}

/// The gateway's own tools at a door, for one caller, now.
#[derive(Clone, Default, Debug)]
pub struct Own {
    servers: Vec<(Arc<str>, Disclosure)>,
    retrieve: bool,
}

impl Own {
    /// Asks the policies, if the request is one that they could change: nothing leaves, and nothing is recorded.
    pub fn of(asking: &Asking, account: &Account, session: &Arc<Session>) -> Own {
        let mut own = Own::default();
        let method = asking.message.method;
        if method != Method::ToolsList && !(method == Method::ToolsCall && names_own(asking)) {
            return own;
        }
        let Ok(list) = Dialect::Mcp.read_request(Operation::ToolList, LIST.into()) else {
            return own;
        };
        for server in asking.servers() {
            let name = server.config.name.clone();
            let judged = Judged {
                session: session.clone(),
                id: account.id.clone(),
                now_ns: account.began_ns,
                server: name.clone(),
                method: Method::ToolsList.as_str().into(),
                name: None,
            };
            let exchange = judged.exchange(Operation::ToolList);
            let engine = &asking.state.engine;
            let ruling = engine.judge_message(&exchange, Flow::Request, &list, &Terms::default());
            if ruling.denial().is_some() {
                continue;
            }
            let (disclosure, unknown) = Disclosure::of(&ruling.settings);
            if let Some(word) = unknown.filter(|_| method == Method::ToolsList) {
                let word: String = word.chars().take(64).collect();
                tracing::warn!(team = %asking.caller.team, word, "`settings.disclosure` is none of `native`, `names+describe`, `search`: tools are shown natively");
            }
            own.retrieve |= retrieval(&asking.edge.compression, &ruling.settings);
            own.servers.push((name, disclosure));
        }
        own
    }

    /// Whether any server's tools are shown otherwise than natively.
    pub fn discloses(&self) -> bool {
        let mut disclosures = self.servers.iter().map(|(_, disclosure)| *disclosure);
        disclosures.any(|disclosure| disclosure != Disclosure::Native)
    }

    /// Whether originals can be asked for.
    pub fn retrieves(&self) -> bool {
        self.retrieve
    }

    /// Whether the gateway's own names are taken.
    pub fn is_on(&self) -> bool {
        self.discloses() || self.retrieves()
    }

    /// Whether a tool is to be had. A search may be needed where the names are too many for a description.
    pub fn has(&self, tool: Tool) -> bool {
        match tool {
            Tool::Search | Tool::Describe | Tool::Call => self.discloses(),
            Tool::Retrieve => self.retrieves(),
        }
    }

    /// The servers whose tools the caller may list, and how they are shown.
    pub fn disclosures(&self) -> BTreeMap<Arc<str>, Disclosure> {
        self.servers.iter().cloned().collect()
    }
}

/// Whether a call names what could be one of the gateway's own tools, or poses as one.
fn names_own(asking: &Asking) -> bool {
    let named = asking.message.name.as_ref().and_then(|name| name.text());
    named.is_some_and(|name| match (&asking.door, names::split(&name)) {
        (Door::All, Some((_, own))) => is_reserved(own),
        _ => is_reserved(&name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Settings {
        serde_json::from_str(text).expect("an object")
    }

    #[test]
    fn an_unknown_word_is_native_and_is_told() {
        let of = |text: &str| Disclosure::of(&settings(text));
        assert_eq!(of("{}"), (Disclosure::Native, None));
        assert_eq!(of(r#"{"disclosure":"native"}"#).0, Disclosure::Native);
        assert_eq!(
            of(r#"{"disclosure":"names+describe"}"#).0,
            Disclosure::Names
        );
        assert_eq!(of(r#"{"disclosure":"search"}"#).0, Disclosure::Search);
        for odd in [r#""Search""#, "7", "null", r#"["search"]"#, r#""""#] {
            let (disclosure, told) = of(&format!("{{\"disclosure\":{odd}}}"));
            assert_eq!(disclosure, Disclosure::Native);
            assert_eq!(told.as_deref(), Some(odd));
        }
    }
}
