//! Answering a call of one of the gateway's own tools: judged on its way in and on its way out, as any other.

use super::super::background::Judged;
use super::super::outbox::Outbox;
use super::super::request::{Asking, Plain};
use super::super::session::Session;
use super::retrieve::{NOT_FOUND, Wanted, select};
use super::shown::{Item, Shown};
use super::signature::{plain_or_quoted, signature};
use super::words::{Arguments, bad};
use super::{SERVER, Tool};
use crate::compression::Scope;
use crate::edge::account::Account;
use crate::edge::failure::Failure;
use sallyport_exchange::json::string::quoted;
use sallyport_exchange::json::{Tape, Value};
use sallyport_exchange::mcp::{Era, Method};
use sallyport_exchange::{Denial, Dialect, Flow, Operation, Payload};
use sallyport_firewall::boundary::floor;
use sallyport_policy::{Ruling, Terms};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;
use tokio::sync::watch;

/// Tools that one call describes.
const DESCRIBED_MAX: usize = 50;
/// Bytes of one answer.
const ANSWER_MAX: usize = 128 << 10;
/// Tools that a search gives where no limit is given, and at most.
const FOUND: (usize, usize) = (10, 50);
/// Letters of a tool's first line in what a search gives.
const LINE_MAX: usize = 160;

/// A call of one of the gateway's own tools.
pub(super) struct Answering<'a> {
    pub asking: &'a Asking,
    pub account: &'a mut Account,
    pub session: &'a Arc<Session>,
    pub out: &'a Arc<Outbox>,
    pub cancelled: &'a watch::Receiver<bool>,
    pub tool: Tool,
}

impl Answering<'_> {
    /// Answers it.
    pub(super) async fn answer(mut self) -> Result<Plain, Failure> {
        let body = self.asking.body.clone();
        let text = std::str::from_utf8(&body).unwrap_or_default();
        let tape = Tape::read_str(text)?;
        let texts = match self.tool {
            Tool::Retrieve => {
                self.may_retrieve()?;
                self.retrieved(&tape)?
            }
            Tool::Search => {
                let given = Arguments::of(&tape, &["query", "limit"])?;
                let query = given.text("query")?.filter(|query| !query.is_empty());
                let query =
                    query.ok_or_else(|| bad("`query` is missing: say what a tool should do."))?;
                let limit = given.count("limit")?.unwrap_or(FOUND.0).min(FOUND.1);
                let seen = self.may_list()?;
                vec![found(&*self.shown().await?, &seen, &query, limit)]
            }
            Tool::Describe | Tool::Call => {
                let wanted = wanted(&Arguments::of(&tape, &["tools"])?)?;
                let seen = self.may_list()?;
                vec![described(&*self.shown().await?, &seen, &wanted)]
            }
        };
        self.told(&texts)
    }

    async fn shown(&self) -> Result<Arc<Shown>, Failure> {
        Shown::now(self.asking, self.session, self.out, self.cancelled).await
    }

    fn judged(&self, server: &str, method: Method) -> Judged {
        Judged {
            session: self.session.clone(),
            id: self.account.id.clone(),
            now_ns: self.account.began_ns,
            server: server.into(),
            method: method.as_str().into(),
            name: Some(self.tool.name().into()),
        }
    }

    fn rules(
        &mut self,
        judged: &Judged,
        operation: Operation,
        payload: &Payload,
        terms: &Terms,
    ) -> Ruling {
        let exchange = judged.exchange(operation);
        let engine = &self.asking.state.engine;
        let ruling = engine.judge_message(&exchange, Flow::Request, payload, terms);
        self.account.exchange(&exchange, &judged.server);
        self.account.request(&ruling, payload);
        self.account.settings(&ruling.settings);
        ruling
    }

    /// The servers whose tools may be told of: those that may be listed. It shows no more than a list does, so it is
    /// judged as one, at each server, with the agent's own words in it.
    fn may_list(&mut self) -> Result<BTreeSet<Arc<str>>, Failure> {
        let payload = Dialect::Mcp.read_request(Operation::ToolList, self.asking.body.clone())?;
        let mut seen = BTreeSet::new();
        let mut refused: Option<Denial> = None;
        for server in self.asking.own.disclosures().into_keys() {
            let judged = self.judged(&server, Method::ToolsList);
            let ruling = self.rules(&judged, Operation::ToolList, &payload, &Terms::default());
            match ruling.clear() {
                Ok(_) => {
                    seen.insert(server);
                }
                Err(denial) => {
                    refused.get_or_insert(denial);
                }
            }
        }
        match (seen.is_empty(), refused) {
            (true, Some(denial)) => {
                self.account
                    .called(self.tool.name(), Some(denial.rule.clone()));
                Err(Failure::Denied(denial))
            }
            (true, None) => Err(Failure::NoToolServer),
            (false, _) => Ok(seen),
        }
    }

    /// A call of the server `sallyport`. A caller who may list needs no rule that allows it; every other rule counts.
    fn may_retrieve(&mut self) -> Result<(), Failure> {
        let payload = Dialect::Mcp.read_request(Operation::ToolCall, self.asking.body.clone())?;
        let terms = Terms {
            granted: true,
            ..Terms::default()
        };
        let judged = self.judged(SERVER, Method::ToolsCall);
        let ruling = self.rules(&judged, Operation::ToolCall, &payload, &terms);
        ruling.clear()?;
        Ok(())
    }

    fn retrieved(&self, tape: &Tape<'_>) -> Result<Vec<String>, Failure> {
        let (handle, wanted) = Wanted::read(tape)?;
        let caller = &self.asking.caller;
        let scopes = [
            Scope::of(caller, &self.session.id),
            Scope::conversations(caller),
        ];
        let edge = &self.asking.edge;
        let kept = edge.compression.originals();
        let original = kept.and_then(|kept| scopes.iter().find_map(|of| kept.get(of, &handle)));
        edge.observers.metrics.original_asked(original.is_some());
        let original = original.ok_or_else(|| bad(NOT_FOUND))?;
        let selected = select(&original, &wanted).map_err(|say| bad(&say.0))?;
        Ok([Some(selected.text), selected.note]
            .into_iter()
            .flatten()
            .collect())
    }

    /// What is told, judged as what a tool says.
    fn told(&mut self, texts: &[String]) -> Result<Plain, Failure> {
        let blocks: Vec<String> = texts
            .iter()
            .map(|text| format!("{{\"type\":\"text\",\"text\":{}}}", quoted(text)))
            .collect();
        let complete = match self.asking.era() {
            Era::Legacy => "",
            Era::Modern => "\"resultType\":\"complete\",",
        };
        let body = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{{{complete}\"content\":[{}]}}}}",
            self.asking.own_id(),
            blocks.join(",")
        );
        let payload = Dialect::Mcp.read_answer(Operation::ToolCall, body.into())?;
        let judged = self.judged(SERVER, Method::ToolsCall);
        let exchange = judged.exchange(Operation::ToolCall);
        self.account.exchange(&exchange, &judged.server);
        if self.tool != Tool::Retrieve {
            self.account.called(self.tool.name(), None);
        }
        let as_what = (Operation::ToolCall, Flow::Answer);
        let cleared = judged.said(&self.asking.state, self.account, as_what, &payload)?;
        Ok(Plain {
            status: 200,
            message: cleared.into_bytes(),
        })
    }
}

/// The names that are to be described.
fn wanted(given: &Arguments<'_>) -> Result<Vec<String>, Failure> {
    let say = || bad("`tools` must be a list of names of tools, as they are listed.");
    let value = given.value("tools").ok_or_else(say)?;
    // One name alone is as clear.
    if let Some(one) = value.as_str() {
        return Ok(vec![one.into_owned()]);
    }
    let mut names: Vec<String> = Vec::new();
    for element in value.elements().ok_or_else(say)? {
        let name = Value::as_str(element).ok_or_else(say)?.into_owned();
        if !names.contains(&name) {
            names.push(name);
        }
        if names.len() > DESCRIBED_MAX {
            return Err(bad(&format!(
                "Ask for at most {DESCRIBED_MAX} tools at once."
            )));
        }
    }
    match names.is_empty() {
        true => Err(say()),
        false => Ok(names),
    }
}

/// The signatures of these tools. What may not be seen is not there, whatever the reason.
fn described(shown: &Shown, seen: &BTreeSet<Arc<str>>, wanted: &[String]) -> String {
    let mut text = String::new();
    let mut missing = Vec::new();
    let mut later = Vec::new();
    for name in wanted {
        let Some(item) = shown.find(name).filter(|item| seen.contains(&item.server)) else {
            missing.push(plain_or_quoted(&cut(name, LINE_MAX)));
            continue;
        };
        let mut signature = signature(&item.name, &item.json);
        let room = ANSWER_MAX.saturating_sub(text.len());
        if signature.len() > room && !text.is_empty() {
            later.push(plain_or_quoted(&item.name));
            continue;
        }
        if signature.len() > room {
            let all = signature.len();
            signature.truncate(floor(&signature, room));
            let _ = write!(signature, "\n[cut: {room} of {all} bytes]\n");
        }
        text.push_str(&signature);
    }
    if !later.is_empty() {
        let _ = writeln!(
            text,
            "Too long for one answer, ask again: {}",
            later.join(" ")
        );
    }
    if !missing.is_empty() {
        let _ = writeln!(text, "No such tool here: {}", missing.join(" "));
    }
    text
}

/// The tools that a query means, a line each.
fn found(shown: &Shown, seen: &BTreeSet<Arc<str>>, query: &str, limit: usize) -> String {
    let may = |item: &&Item| seen.contains(&item.server);
    // What may not be told of is left out of what is counted, so as many more are looked at.
    let barred = shown.items().iter().filter(|item| !may(item)).count();
    let found = shown.index().search(query, limit + barred);
    let items: Vec<&Item> = found
        .best
        .iter()
        .filter_map(|p| shown.items().get(*p))
        .filter(may)
        .take(limit)
        .collect();
    if items.is_empty() {
        return "No tool matches. Try other words, or fewer.".to_owned();
    }
    let mut text = String::new();
    for item in &items {
        let _ = writeln!(
            text,
            "{}: {}",
            plain_or_quoted(&item.name),
            first_line(&item.json)
        );
    }
    if barred == 0 && found.all > items.len() {
        let _ = writeln!(text, "{} of {} that match.", items.len(), found.all);
    }
    text
}

/// The first line of a tool's description.
fn first_line(json: &str) -> String {
    let tape = Tape::read_str(json).ok();
    let said = tape.and_then(|t| Some(t.root().member("description")?.as_str()?.into_owned()));
    let said = said.unwrap_or_default();
    let first = said
        .trim()
        .split(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
        .next();
    cut(first.unwrap_or_default(), LINE_MAX)
}

fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
