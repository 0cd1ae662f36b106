//! What all pages have around them.

use crate::console::{HTML, View};
use crate::facts::Facts;
use crate::words;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sallyport_record::Verdict;
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("console.css");
const SCRIPT: &str = include_str!("console.js");
/// The gate, in the tab.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath fill='%230f766e' d='M1 15V6a7 7 0 0 1 14 0v9h-4V7a3 3 0 0 0-6 0v8z'/%3E%3C/svg%3E";

/// Which of the pages is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Here {
    Live,
    Sessions,
    Map,
    Teams,
    Firewall,
    Policies,
    Servers,
    Nowhere,
}

impl Here {
    const ALL: [Here; 7] = [
        Here::Live,
        Here::Sessions,
        Here::Map,
        Here::Teams,
        Here::Firewall,
        Here::Policies,
        Here::Servers,
    ];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Here::Live => "Live",
            Here::Sessions => "Sessions",
            Here::Map => "Map",
            Here::Teams => "Teams",
            Here::Firewall => "Firewall",
            Here::Policies => "Policies",
            Here::Servers => "Servers",
            Here::Nowhere => "Not found",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Here::Live | Here::Nowhere => "/",
            Here::Sessions => "/sessions",
            Here::Map => "/map",
            Here::Teams => "/teams",
            Here::Firewall => "/firewall",
            Here::Policies => "/policies",
            Here::Servers => "/servers",
        }
    }
}

/// A whole page.
pub(crate) fn page(view: &View<'_>, here: Here, title: &str, body: &Markup) -> Markup {
    let facts = view.facts;
    whole(
        title,
        &html! {
            a.skip href="#main" { "Skip to the content" }
            header.top {
                a.brand href="/" { (gate()) "Sallyport" }
                nav aria-label="Pages" {
                    @for other in Here::ALL {
                        a href=(other.path()) aria-current=[(other == here).then_some("page")] { (other.title()) }
                    }
                }
                div.standing {
                    @if facts.not_ready.is_empty() { span.ok { "ready" } } @else { span.bad { "not ready" } }
                    span.soft title=(words::time(view.request.now_ns)) { (facts.version) }
                    @if let Some(word) = &view.session {
                        form method="post" action="/logout" {
                            input type="hidden" name="word" value=(word);
                            button.plain { "Log out" }
                        }
                    }
                }
            }
            (alarms(view))
            main id="main" tabindex="-1" { (body) }
            footer { p.soft { kbd { "/" } " filter  " kbd { "j" } " " kbd { "k" } " move  " kbd { "Enter" } " open  " kbd { "p" } " pause" } }
        },
        true,
    )
}

/// A page for somebody who is not let in.
pub(crate) fn bare(facts: &Facts, title: &str, body: &Markup) -> Markup {
    whole(
        title,
        &html! {
            header.top { span.brand { (gate()) "Sallyport" } div.standing { span.soft { (facts.version) } } }
            main.narrow id="main" { (body) }
        },
        false,
    )
}

/// A page of one sentence.
pub(crate) fn sentence(what: &str) -> Markup {
    whole(
        "Sallyport",
        &html! { main.narrow id="main" { p { (what) } p { a href="/" { "To the console" } } } },
        false,
    )
}

fn whole(title: &str, body: &Markup, refreshes: bool) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Sallyport" }
                link rel="icon" href=(ICON);
                @if refreshes { noscript { meta http-equiv="refresh" content="15"; } }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (body)
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

fn gate() -> Markup {
    html! {
        svg.gate viewBox="0 0 16 16" width="18" height="18" aria-hidden="true" {
            path d="M1 15V6a7 7 0 0 1 14 0v9h-4V7a3 3 0 0 0-6 0v8z" {}
        }
    }
}

/// What an operator should know whichever page is open.
fn alarms(view: &View<'_>) -> Markup {
    let mut told = out_of_force(view.facts);
    told.extend(lost(view));
    html! {
        @if !told.is_empty() {
            ul.alarms aria-label="What needs attention" {
                @for (what, why, page) in &told {
                    li { strong { (what) } " " span { (why) } @if let Some(page) = page { " " a href=(page) { "Show" } } }
                }
            }
        }
    }
}

/// What is wrong, why, and which page says more.
type Alarm = (&'static str, String, Option<&'static str>);

/// What was saved, or configured, and does not hold.
fn out_of_force(facts: &Facts) -> Vec<Alarm> {
    let not_ready = facts.not_ready.iter();
    let mut told: Vec<Alarm> = not_ready
        .map(|why| ("Not ready", why.clone(), None))
        .collect();
    let lock = facts.tools.as_ref().and_then(|tools| tools.lock.as_ref());
    let audit = facts.audit.as_ref();
    let errors = [
        (
            "Policies: what is there now is not in force",
            facts.policies.error.as_ref(),
            "/policies",
        ),
        (
            "Keys: what is there now is not in force",
            facts.keys.error.as_ref(),
            "/policies#keys",
        ),
        (
            "Lock file: what is there now is not in force",
            lock.and_then(|lock| lock.error.as_ref()),
            "/servers",
        ),
        (
            "The audit log cannot be written",
            audit.and_then(|audit| audit.error.as_ref()),
            "/policies#audit",
        ),
    ];
    for (what, error, page) in errors {
        told.extend(error.map(|error| (what, first_line(error), Some(page))));
    }
    told
}

/// What cannot be seen, here or in the log.
fn lost(view: &View<'_>) -> Vec<Alarm> {
    let standing = view.history.standing();
    let mut told: Vec<Alarm> = Vec::new();
    if let Some(error) = &standing.error {
        told.push(("This history cannot be written", first_line(error), None));
    }
    if standing.dropped > 0 {
        let why = format!("{} exchanges could not be kept", standing.dropped);
        told.push(("Not shown here", why, None));
    }
    if view.facts.records_dropped > 0 {
        let why = format!("{} records were lost", view.facts.records_dropped);
        told.push(("Decision log", why, None));
    }
    if let Some(aside) = &standing.moved_aside {
        let why = format!("the file was damaged; it is now {aside}, and a new one was begun");
        told.push(("History", why, None));
    }
    told
}

fn first_line(text: &str) -> String {
    sallyport_record::shorten(text.lines().next().unwrap_or_default(), 200)
}

/// A verdict, by word, sign and colour.
pub(crate) fn verdict(verdict: Verdict) -> Markup {
    let sign = match verdict {
        Verdict::Allowed => "✓",
        Verdict::Redacted => "◐",
        Verdict::Denied => "✕",
        Verdict::Steered => "↪",
        Verdict::Failed => "!",
    };
    html! { span class={ "verdict " (verdict.as_str()) } { span aria-hidden="true" { (sign) } (verdict.as_str()) } }
}

/// The sentence of an empty table.
pub(crate) fn nothing(what: &str) -> Markup {
    html! { p.empty { (what) } }
}

/// Headers that keep a browser from doing more than showing the page.
pub(crate) fn guards(content_type: &str) -> Vec<(&'static str, String)> {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    let sources = match content_type == HTML {
        true => format!(
            "script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; img-src data:; form-action 'self'; ",
            hash(SCRIPT),
            hash(STYLE)
        ),
        false => "form-action 'none'; ".into(),
    };
    let policy = format!("default-src 'none'; {sources}base-uri 'none'; frame-ancestors 'none'");
    vec![
        ("content-security-policy", policy),
        ("x-content-type-options", "nosniff".into()),
        ("x-frame-options", "DENY".into()),
        // Not `no-referrer`: with that, browsers send our own forms with `Origin: null`.
        ("referrer-policy", "same-origin".into()),
        ("cross-origin-opener-policy", "same-origin".into()),
        ("cross-origin-resource-policy", "same-origin".into()),
        ("cache-control", "no-store".into()),
    ]
}
