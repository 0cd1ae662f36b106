//! Judging what servers say and ask on their own, and passing it on.

use super::door::Door;
use super::readdress::{self, replace};
use super::session::{AnswerTo, Asked, Session};
use super::upstream::{Connection, Fault};
use crate::edge::account::Account;
use crate::edge::failure::Failure;
use crate::state::State;
use bytes::Bytes;
use sallyport_exchange::mcp::{Code, Message, Method, Shape, Side};
use sallyport_exchange::{Denial, Dialect, Edits, Exchange, Flow, McpTarget, Operation, Payload};
use sallyport_policy::{Cleared, Terms};
use std::sync::Arc;

/// Whose message is judged, and what it is about.
pub struct Judged {
    /// The agent's session.
    pub session: Arc<Session>,
    /// The decision id.
    pub id: Arc<str>,
    /// When it came: nanoseconds since 1970.
    pub now_ns: i64,
    /// The server.
    pub server: Arc<str>,
    /// The method as written.
    pub method: Arc<str>,
    /// What it names, as the server knows it.
    pub name: Option<Arc<str>>,
}

impl Judged {
    /// What policies are told of it.
    pub fn exchange(&self, operation: Operation) -> Exchange {
        let path = match &self.session.door {
            Door::All => "/mcp".into(),
            Door::One(server) => format!("/mcp/{server}").into(),
        };
        Exchange {
            id: self.id.clone(),
            caller: self.session.caller.clone(),
            route: self.server.clone(),
            dialect: Dialect::Mcp,
            operation,
            path,
            now_ns: self.now_ns,
            mcp: Some(McpTarget {
                server: self.server.clone(),
                method: self.method.clone(),
                revision: self.session.revision().as_str(),
                name: self.name.clone(),
            }),
        }
    }

    /// Judges what a server says, by its own words alone, and notes the ruling.
    pub fn said(
        &self,
        state: &State,
        account: &mut Account,
        (operation, flow): (Operation, Flow),
        payload: &Payload,
    ) -> Result<Cleared, Denial> {
        let exchange = self.exchange(operation);
        let ruling = state
            .engine
            .judge_message(&exchange, flow, payload, &Terms::default());
        account.answer(&ruling, payload);
        ruling.clear()
    }

    /// Judges what an agent says, by its own words alone, and notes where it would go, and the ruling.
    pub fn told(
        &self,
        state: &State,
        account: &mut Account,
        operation: Operation,
        payload: &Payload,
    ) -> Result<Cleared, Denial> {
        let exchange = self.exchange(operation);
        account.exchange(&exchange, &self.server);
        let ruling =
            state
                .engine
                .judge_message(&exchange, Flow::Request, payload, &Terms::default());
        account.request(&ruling, payload);
        ruling.clear()
    }

    /// Judges a notification of a server. `None`: it is dropped.
    pub fn notification(
        &self,
        state: &State,
        account: &mut Account,
        bytes: Bytes,
    ) -> Option<Cleared> {
        let payload = Dialect::Mcp.read_request(Operation::Notify, bytes).ok()?;
        let as_what = (Operation::Notify, Flow::Answer);
        self.said(state, account, as_what, &payload).ok()
    }

    /// Judges a question of a server. What only agents ask is refused whatever policies say; whatever else a
    /// server asks is judged as a request, for an answer needs nobody's `allow`.
    pub fn asked(
        &self,
        state: &State,
        account: &mut Account,
        bytes: Bytes,
        method: Method,
    ) -> Result<Cleared, Failure> {
        if method.side() == Side::Agent {
            return Err(Fault::Garbled.into());
        }
        let operation = method.operation();
        let flow = match operation.is_asked_by_server() {
            true => Flow::Answer,
            false => Flow::Request,
        };
        let payload = Dialect::Mcp
            .read_request(operation, bytes)
            .map_err(|_| Fault::Garbled)?;
        Ok(self.said(state, account, (operation, flow), &payload)?)
    }

    /// Judges a question of a server. `None`: it was answered here, because it was a ping or was refused.
    pub async fn admitted(
        &self,
        state: &State,
        account: &mut Account,
        connection: &Connection,
        bytes: Bytes,
        message: &Message,
    ) -> Option<Cleared> {
        let server_id = &message.id.as_ref()?.raw;
        if message.method == Method::Ping {
            let pong = format!("{{\"jsonrpc\":\"2.0\",\"id\":{server_id},\"result\":{{}}}}");
            let _ = connection.post(pong.into()).await;
            return None;
        }
        match self.asked(state, account, bytes, message.method) {
            Ok(cleared) => Some(cleared),
            Err(failure) => {
                let (code, say) = match failure {
                    Failure::Denied(_) => (Code::Denied, "Refused by policy."),
                    _ => (Code::MethodNotFound, "This is not asked of agents."),
                };
                let error = sallyport_exchange::mcp::error(server_id, code, say, None);
                let _ = connection.post(error).await;
                None
            }
        }
    }

    /// Judges a question of a server and gives it a number of ours; the agent's answer will find its way back. A
    /// question that is refused is answered to the server here.
    pub async fn question(
        &self,
        state: &State,
        account: &mut Account,
        connection: &Connection,
        bytes: Bytes,
        message: &Message,
    ) -> Option<Bytes> {
        let server_id = message.id.as_ref()?.raw.clone();
        let admitted = self.admitted(state, account, connection, bytes, message);
        let cleared = admitted.await?;
        let asked = Asked {
            server: self.server.clone(),
            operation: message.method.operation(),
            to: AnswerTo::Server(connection.clone(), server_id.clone()),
        };
        let Some(number) = self.session.ask(asked) else {
            let say = "Too many questions are open.";
            let error = sallyport_exchange::mcp::error(&server_id, Code::Internal, say, None);
            let _ = connection.post(error).await;
            return None;
        };
        Some(self.for_agent(cleared, |edits, message| {
            if let Some(place) = &message.id {
                replace(edits, place, &number.to_string());
            }
        }))
    }

    /// A cleared message as the agent gets it.
    pub fn for_agent(&self, cleared: Cleared, also: impl FnOnce(&mut Edits, &Message)) -> Bytes {
        let Ok(message) = Message::read(cleared.as_str()) else {
            return Bytes::new();
        };
        let edits = readdress::apply(cleared.as_str(), |edits, root| {
            if let (Door::All, Some(params)) = (&self.session.door, root.member("params")) {
                readdress::share(edits, &self.server, message.method, params);
            }
            also(edits, &message);
        });
        let readdressed = cleared.readdressed(&edits.unwrap_or_default());
        readdressed.into_bytes()
    }
}

/// Passes on what a server says of its own accord.
pub async fn pass_on(session: &Arc<Session>, server: &Arc<str>, back: &Connection, bytes: Bytes) {
    let Some(message) = std::str::from_utf8(&bytes)
        .ok()
        .and_then(|text| Message::read(text).ok())
    else {
        return;
    };
    let state = session.edge.state.load_full();
    let mut account = Account::begin(state.watching);
    account.speaks(Dialect::Mcp);
    account.operation(message.method.operation());
    account.caller(&session.caller);
    account.within(None);
    account.session(&session.digest());
    let judged = Judged {
        session: session.clone(),
        id: account.id.clone(),
        now_ns: account.began_ns,
        server: server.clone(),
        method: message.method_name.as_str().into(),
        name: message.name.as_ref().and_then(|n| n.text()).map(Into::into),
    };
    account.exchange(&judged.exchange(message.method.operation()), server);
    match message.shape {
        Shape::Notification => {
            if message.method == Method::ToolsChanged {
                session.shown.forget();
                session
                    .links()
                    .iter()
                    .filter(|link| link.server.config.name == *server)
                    .for_each(|link| link.forget_catalogue());
            }
            if let Some(cleared) = judged.notification(&state, &mut account, bytes) {
                let message_bytes = judged.for_agent(cleared, |_, _| {});
                super::listen::tell(session, message.method, &message_bytes);
                session.main.push(message_bytes);
                account.complete();
            }
        }
        Shape::Request => {
            let question = judged
                .question(&state, &mut account, back, bytes, &message)
                .await;
            if let Some(question) = question {
                session.main.push(question);
                account.complete();
            }
        }
        Shape::Result | Shape::Error => return,
    }
    session.edge.settle(account, &state);
}
