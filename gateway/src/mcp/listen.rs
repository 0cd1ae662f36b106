//! Listening for changes (2026-07-28, Subscriptions): one stream for a modern agent, whatever the servers speak.

use super::call::{Call, Request, wanted_no_more};
use super::outbox::Outbox;
use super::readdress::add_members;
use super::request::{Asking, Plain, may};
use super::session::Session;
use crate::compression::Wish;
use crate::edge::account::Account;
use crate::edge::failure::Failure;
use bytes::Bytes;
use sallyport_exchange::Dialect;
use sallyport_exchange::json::string::quoted;
use sallyport_exchange::json::{Tape, Value};
use sallyport_exchange::mcp::{Era, Message, Method};
use std::sync::Arc;
use tokio::sync::watch;

/// Streams of one agent that listen.
const LISTENERS_MAX: usize = 32;
/// Resources that one stream listens to.
const RESOURCES_MAX: usize = 1024;

/// A stream that listens for changes.
pub struct Listener {
    /// The request's id, as JSON: every message carries it.
    id: String,
    out: Arc<Outbox>,
    tools: bool,
    prompts: bool,
    resources: bool,
    uris: Vec<String>,
}

/// Answers `subscriptions/listen`: the stream stays until the agent leaves or the session ends.
pub async fn listen(
    asking: &Asking,
    account: &mut Account,
    session: &Arc<Session>,
    out: &Arc<Outbox>,
    mut cancelled: watch::Receiver<bool>,
) -> Result<Plain, Failure> {
    let servers = may(asking, account, session)?;
    session.lasts(out);
    let mut modern = Vec::new();
    let mut has_legacy = false;
    for server in &servers {
        let link = session.link(server);
        match link.connection(session).await {
            Ok(connection) if connection.hello().era == Era::Modern => modern.push(link),
            Ok(_) => has_legacy = true,
            Err(fault) => {
                tracing::warn!(server = %server.config.name, %fault, "a tool server is not listened to");
            }
        }
    }
    if let ([link], false) = (modern.as_slice(), has_legacy) {
        // One modern server: its own stream, as it is.
        let payload =
            Dialect::Mcp.read_request(asking.message.method.operation(), asking.body.clone())?;
        let mut call = Call {
            session,
            state: &asking.state,
            account,
            out,
            link: link.clone(),
            introduced: asking.introduced.clone(),
            sent_params: None,
            reserved: false,
            cancelled,
            wish: Wish::off(),
        };
        let request = Request {
            payload,
            message: asking.message.clone(),
            name: None,
        };
        return call.run(&request).await.map(Plain::from);
    }
    let listener = Arc::new(Listener::of(asking, out));
    {
        let mut all = session.listeners.lock();
        all.retain(|listener| !listener.out.has_ended());
        if all.len() >= LISTENERS_MAX {
            return Err(super::upstream::Fault::Busy.into());
        }
        all.push(listener.clone());
    }
    out.push(listener.acknowledged());
    wanted_no_more(&mut cancelled).await;
    session
        .listeners
        .lock()
        .retain(|other| !Arc::ptr_eq(other, &listener));
    Ok(Plain::result(
        asking,
        &format!(
            "{{\"_meta\":{{\"io.modelcontextprotocol/subscriptionId\":{}}}}}",
            listener.id
        ),
    ))
}

impl Listener {
    fn of(asking: &Asking, out: &Arc<Outbox>) -> Listener {
        let text = std::str::from_utf8(&asking.body).unwrap_or_default();
        let tape = Tape::read_str(text).ok();
        let filter = tape
            .as_ref()
            .and_then(|t| t.root().member("params")?.member("notifications"));
        let wants = |key: &str| {
            let flag = filter.and_then(|f| f.member(key)).and_then(Value::as_bool);
            flag == Some(true)
        };
        let uris = filter
            .and_then(|f| f.member("resourceSubscriptions"))
            .and_then(Value::elements)
            .into_iter()
            .flatten()
            .filter_map(|uri| uri.as_str().map(|uri| uri.into_owned()))
            .take(RESOURCES_MAX)
            .collect();
        Listener {
            id: asking.own_id(),
            out: out.clone(),
            tools: wants("toolsListChanged"),
            prompts: wants("promptsListChanged"),
            resources: wants("resourcesListChanged"),
            uris,
        }
    }

    fn acknowledged(&self) -> Bytes {
        let mut wanted = Vec::new();
        for (key, wants) in [
            ("toolsListChanged", self.tools),
            ("promptsListChanged", self.prompts),
            ("resourcesListChanged", self.resources),
        ] {
            if wants {
                wanted.push(format!("\"{key}\":true"));
            }
        }
        if !self.uris.is_empty() {
            let uris: Vec<String> = self.uris.iter().map(|uri| quoted(uri)).collect();
            wanted.push(format!("\"resourceSubscriptions\":[{}]", uris.join(",")));
        }
        Bytes::from(format!(
            "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{{\"notifications\":{{{}}},\"_meta\":{{\"io.modelcontextprotocol/subscriptionId\":{}}}}}}}",
            wanted.join(","),
            self.id
        ))
    }

    fn wants(&self, method: Method, uri: Option<&str>) -> bool {
        match method {
            Method::ToolsChanged => self.tools,
            Method::PromptsChanged => self.prompts,
            Method::ResourcesChanged => self.resources,
            Method::ResourceUpdated => uri.is_some_and(|uri| self.uris.iter().any(|u| u == uri)),
            _ => false,
        }
    }

    fn tell(&self, message: &Bytes) {
        let text = std::str::from_utf8(message).unwrap_or_default();
        let member = format!("\"io.modelcontextprotocol/subscriptionId\":{}", self.id);
        let edits = super::readdress::apply(text, |edits, root| {
            let params = root.member("params");
            match (params, params.and_then(|p| p.member("_meta"))) {
                (_, Some(meta)) => add_members(edits, meta, &member),
                (Some(params), None) => {
                    add_members(edits, params, &format!("\"_meta\":{{{member}}}"));
                }
                (None, None) => {
                    add_members(
                        edits,
                        root,
                        &format!("\"params\":{{\"_meta\":{{{member}}}}}"),
                    );
                }
            }
        });
        self.out.push(edits.unwrap_or_default().apply(message));
    }
}

/// Tells all that listen of a change.
pub fn tell(session: &Session, method: Method, message: &Bytes) {
    let name = std::str::from_utf8(message)
        .ok()
        .and_then(|text| Message::read(text).ok())
        .and_then(|message| message.name?.text());
    for listener in session.listeners.lock().iter() {
        if listener.wants(method, name.as_deref()) {
            listener.tell(message);
        }
    }
}

/// A policy may have changed what an agent sees: it is told to ask again.
pub fn tools_changed(session: &Session) {
    const CHANGED: &[u8] = b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}";
    let message = Bytes::from_static(CHANGED);
    tell(session, Method::ToolsChanged, &message);
    if session.revision().era() == Era::Legacy {
        session.main.push(message);
    }
}
