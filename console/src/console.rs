//! Which request is answered with what.

use crate::access::{Access, Entry, Login};
use crate::facts::Facts;
use crate::history::{History, HistoryError};
use crate::page::{self, Here};
use crate::pages;
use crate::request::{Reply, Request, Values, decode, encode};
use crate::{api, words};
use http::Method;
use maud::Markup;
use std::sync::Arc;

pub(crate) const HTML: &str = "text/html; charset=utf-8";
pub(crate) const JSON: &str = "application/json";

/// The console: pages and JSON over a [`History`], behind [`Access`].
#[derive(Debug)]
pub struct Console {
    history: Arc<History>,
    access: Access,
}

/// What a page is made from.
pub(crate) struct View<'a> {
    pub(crate) history: &'a History,
    pub(crate) facts: &'a Facts,
    pub(crate) request: &'a Request<'a>,
    pub(crate) query: Values,
    /// What the form that logs out has to say; nothing where nobody logged in.
    pub(crate) session: Option<String>,
}

impl View<'_> {
    pub(crate) fn now_ms(&self) -> i64 {
        self.request.now_ms()
    }
}

/// Why there is no page.
pub(crate) enum Missing {
    /// There is no such thing.
    Nothing(&'static str),
    /// The history does not answer.
    History(HistoryError),
}

impl From<HistoryError> for Missing {
    fn from(why: HistoryError) -> Self {
        Missing::History(why)
    }
}

impl Console {
    /// A console over `history`, with the token that `operators.token` says.
    ///
    /// # Errors
    /// If the system has no randomness to draw sessions from.
    pub fn new(history: Arc<History>, token: Option<&str>) -> Result<Console, getrandom::Error> {
        Ok(Console {
            history,
            access: Access::new(token)?,
        })
    }

    /// What it shows.
    pub fn history(&self) -> &Arc<History> {
        &self.history
    }

    /// Answers a request. Reads from the history, so it may take milliseconds: call it where blocking is allowed.
    ///
    /// The caller has checked that `Host` is a name of the listener, and has answered `/healthz`, `/readyz` and
    /// `/metrics` itself.
    pub fn answer(&self, request: &Request<'_>, facts: &Facts) -> Reply {
        let mut reply = self.route(request, facts);
        reply.body = match reply.content_type {
            HTML => words::seen(reply.body),
            _ => words::json(reply.body),
        };
        reply.headers.extend(page::guards(reply.content_type));
        reply
    }

    fn route(&self, request: &Request<'_>, facts: &Facts) -> Reply {
        let path = request.path();
        match (request.method, path) {
            (&Method::POST, "/login") => return self.log_in(request, facts),
            (&Method::POST, "/logout") => return self.log_out(request),
            (&Method::GET | &Method::HEAD, _) => {}
            _ => {
                let mut reply = told(
                    request,
                    405,
                    "only GET and HEAD: the console changes nothing",
                );
                reply.headers.push(("allow", "GET, HEAD".into()));
                return reply;
            }
        }
        match self.access.entry(request, facts.loopback) {
            Entry::Open { session } => {
                let view = View {
                    history: &self.history,
                    facts,
                    request,
                    query: request.query(),
                    session,
                };
                show(&view, path)
            }
            Entry::Locked if path == "/login" => self.login_page(request, facts, 200, None),
            Entry::Locked => locked(request),
            Entry::Barred(wait) => barred(request, wait),
            Entry::Unconfigured if is_api(request) => told(
                request,
                403,
                "set `operators.token`: without one the console shows only on a loopback address",
            ),
            Entry::Unconfigured => Reply::page(
                403,
                page::bare(facts, "No token", &pages::login::unconfigured()),
            ),
        }
    }

    fn log_in(&self, request: &Request<'_>, facts: &Facts) -> Reply {
        match self.access.entry(request, facts.loopback) {
            Entry::Unconfigured => return told(request, 403, "no token is configured"),
            Entry::Open { .. } => return Reply::to("/"),
            _ => {}
        }
        match self.access.login(request) {
            Login::In(cookie) => {
                let form = request.form();
                let mut reply = Reply::to(own_path(form.get("to").unwrap_or("/")));
                reply.headers.push(("set-cookie", cookie));
                reply
            }
            Login::Wrong => self.login_page(request, facts, 401, Some("That is not the token.")),
            Login::Foreign => self.login_page(
                request,
                facts,
                403,
                Some("That form was old, or did not come from here. Try again."),
            ),
            Login::Barred(wait) => barred(request, wait),
        }
    }

    fn log_out(&self, request: &Request<'_>) -> Reply {
        match self.access.logout(request) {
            Some(cookie) => {
                let mut reply = Reply::to("/login");
                reply.headers.push(("set-cookie", cookie));
                reply
            }
            None => told(
                request,
                403,
                "that form did not come from a page of this session",
            ),
        }
    }

    fn login_page(
        &self,
        request: &Request<'_>,
        facts: &Facts,
        status: u16,
        error: Option<&str>,
    ) -> Reply {
        let (query, form) = (request.query(), request.form());
        let to = own_path(query.get("to").or_else(|| form.get("to")).unwrap_or("/"));
        let word = self.access.login_word(request.now_ns);
        let body = pages::login::login(&word, to, error);
        Reply::page(status, page::bare(facts, "Log in", &body))
    }
}

fn show(view: &View<'_>, path: &str) -> Reply {
    if let Some(asked) = path.strip_prefix("/api/") {
        return api::answer(view, asked);
    }
    match pick(view, path) {
        Ok(Shown::Page(here, title, body)) => {
            Reply::page(200, page::page(view, here, &title, &body))
        }
        Ok(Shown::Piece(body)) => Reply::page(200, body),
        Ok(Shown::To(path)) => Reply::to(path),
        Err(Missing::Nothing(what)) => {
            let body = pages::login::missing(what);
            Reply::page(404, page::page(view, Here::Nowhere, "Not found", &body))
        }
        Err(Missing::History(why)) => {
            let body = pages::login::broken(&why.to_string());
            Reply::page(500, page::page(view, Here::Nowhere, "No answer", &body))
        }
    }
}

/// What is shown.
enum Shown {
    /// A page: where it stands, its title, its body.
    Page(Here, String, Markup),
    /// A piece of one, for the script.
    Piece(Markup),
    /// Another address.
    To(&'static str),
}

fn pick(view: &View<'_>, path: &str) -> Result<Shown, Missing> {
    let page = |here: Here, body: Markup| Ok(Shown::Page(here, here.title().into(), body));
    match path {
        "/" => page(Here::Live, pages::live::page(view)?),
        "/rows" => Ok(Shown::Piece(pages::live::news(view)?)),
        "/sessions" => page(Here::Sessions, pages::sessions::list(view)?),
        "/map" => page(Here::Map, pages::map::page(view)?),
        "/teams" => page(Here::Teams, pages::teams::page(view)?),
        "/firewall" => page(Here::Firewall, pages::firewall::page(view)?),
        "/policies" => page(Here::Policies, pages::policies::page(view)?),
        "/servers" => page(Here::Servers, pages::servers::page(view)),
        "/login" => Ok(Shown::To("/")),
        _ => {
            if let Some(id) = path.strip_prefix("/exchanges/") {
                let id = decode(id);
                let body = pages::exchange::page(view, &id)?;
                return Ok(Shown::Page(Here::Live, format!("Exchange {id}"), body));
            }
            if let Some(id) = path.strip_prefix("/sessions/") {
                let id = decode(id);
                let body = pages::sessions::one(view, &id)?;
                return Ok(Shown::Page(Here::Sessions, format!("Session {id}"), body));
            }
            Err(Missing::Nothing("There is no such page."))
        }
    }
}

fn is_api(request: &Request<'_>) -> bool {
    request.path().starts_with("/api/")
}

fn locked(request: &Request<'_>) -> Reply {
    // A script is told; so is the script of a page whose session has ended.
    if is_api(request) || request.path() == "/rows" {
        let mut reply = told(
            request,
            401,
            "send `authorization: Bearer` with the operators' token",
        );
        reply
            .headers
            .push(("www-authenticate", "Bearer realm=\"sallyport\"".into()));
        return reply;
    }
    match request.target {
        "/" => Reply::to("/login"),
        target => Reply::to(&format!("/login?to={}", encode(target))),
    }
}

fn barred(request: &Request<'_>, wait: u64) -> Reply {
    let mut reply = told(request, 429, "too many wrong tokens came from there");
    reply.headers.push(("retry-after", wait.to_string()));
    reply
}

/// A path of ours, whatever a link says: no other host, and no way around.
fn own_path(to: &str) -> &str {
    let plain = |c: char| c.is_ascii_graphic() && c != '\\';
    match to.starts_with('/') && !to.starts_with("//") && to.chars().all(plain) {
        true => to,
        false => "/",
    }
}

/// A sentence, as JSON for scripts and as a plain page for people.
fn told(request: &Request<'_>, status: u16, what: &str) -> Reply {
    match is_api(request) {
        true => Reply::json(status, &serde_json::json!({ "error": what })),
        false => Reply::page(status, page::sentence(what)),
    }
}

impl Reply {
    pub(crate) fn page(status: u16, body: Markup) -> Reply {
        Reply {
            status,
            content_type: HTML,
            headers: Vec::new(),
            body: body.into_string(),
        }
    }

    pub(crate) fn json(status: u16, body: &impl serde::Serialize) -> Reply {
        Reply {
            status,
            content_type: JSON,
            headers: Vec::new(),
            body: serde_json::to_string(body).unwrap_or_default(),
        }
    }

    fn to(path: &str) -> Reply {
        Reply {
            status: 303,
            content_type: HTML,
            headers: vec![("location", path.into())],
            body: String::new(),
        }
    }
}
