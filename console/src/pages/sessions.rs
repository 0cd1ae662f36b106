//! Sessions: what one agent did after the other.

use super::live;
use crate::console::{Missing, View};
use crate::history::{Filter, PAGE_MAX, SessionBrief};
use crate::page::nothing;
use crate::request::encode;
use crate::words::{ago, clock, count, dollars, short, time, took};
use maud::{Markup, html};

/// Sessions of one page.
const SESSIONS: usize = 50;

/// The list.
pub(crate) fn list(view: &View<'_>) -> Result<Markup, Missing> {
    let sessions = view
        .history
        .sessions(view.query.number("before"), SESSIONS)?;
    let older = sessions
        .last()
        .filter(|_| sessions.len() == SESSIONS)
        .map(|last| last.newest);
    Ok(html! {
        h1 { "Sessions" }
        p.soft { "Exchanges that belong to one conversation: by the session that an agent names, or by the history that it sends again." }
        @if sessions.is_empty() { (nothing("No session is known yet.")) }
        @else {
            table.cards data-live="sessions" {
                thead { tr { th scope="col" { "Session" } th scope="col" { "Team and agent" } th scope="col" { "Last" } th.number scope="col" { "Lasted" }
                    th scope="col" { "Model" } th.number scope="col" { "Exchanges" } th.number scope="col" { "Refused" } th.number scope="col" { "Tokens" } th.number scope="col" { "Cost" } } }
                tbody { @for session in &sessions { (line(view, session)) } }
            }
        }
        @if let Some(older) = older { nav.pager aria-label="Older" { span {} a rel="next" href={ "/sessions?before=" (older) } { "Older →" } } }
    })
}

fn line(view: &View<'_>, session: &SessionBrief) -> Markup {
    let sum = &session.sum;
    let lasted = u64::try_from(session.to_ms.saturating_sub(session.from_ms))
        .unwrap_or(0)
        .saturating_mul(1000);
    html! {
        tr {
            td data-label="Session" { a href={ "/sessions/" (encode(&session.session)) } { code { (session.session) } } }
            td data-label="Agent" { span.soft { (session.team) " / " } (session.agent) }
            td data-label="Last" title=(time(session.to_ms.saturating_mul(1_000_000))) { (ago(view.request.now_ns, session.to_ms.saturating_mul(1_000_000))) }
            td.number data-label="Lasted" { (took(lasted)) }
            td data-label="Model" { @if let Some(model) = &session.model { code { (model) } } }
            td.number data-label="Exchanges" { (count(sum.exchanges)) }
            td.number data-label="Refused" { @if sum.refused > 0 { strong.denied { (count(sum.refused)) } } @else { "0" } }
            td.number data-label="Tokens" { (short(sum.tokens_in)) span.soft { " / " } (short(sum.tokens_out)) }
            td.number data-label="Cost" { (dollars(sum.cost_usd)) }
        }
    }
}

/// One session: its exchanges.
pub(crate) fn one(view: &View<'_>, id: &str) -> Result<Markup, Missing> {
    let filter = Filter {
        session: Some(id.to_owned()),
        ..Filter::default()
    };
    let page = view
        .history
        .page(&filter, view.query.number("before"), PAGE_MAX)?;
    let Some(newest) = page.exchanges.first() else {
        return Err(Missing::Nothing(
            "No exchange of this session is remembered.",
        ));
    };
    let (mut tokens_in, mut tokens_out, mut cost, mut refused) = (0, 0, 0.0, 0);
    for exchange in &page.exchanges {
        tokens_in += exchange.tokens_in.unwrap_or(0);
        tokens_out += exchange.tokens_out.unwrap_or(0);
        cost += exchange.cost_usd.unwrap_or(0.0);
        refused += usize::from(!exchange.refused_by.is_empty());
    }
    let oldest = page
        .exchanges
        .last()
        .map_or(newest.at_ms, |oldest| oldest.at_ms);
    let live = view
        .query
        .get("before")
        .is_none()
        .then(|| format!("?session={}", encode(id)));
    Ok(html! {
        p.crumbs { a href="/sessions" { "Sessions" } " › " code { (id) } }
        h1 { span.soft { (newest.team) " / " } (newest.agent) }
        dl.figures {
            div.figure { dt { "Shown" } dd { (page.exchanges.len()) @if page.older.is_some() { "+" } " exchanges" } }
            div.figure.is-denied[refused > 0] { dt { "With refusals" } dd { (refused) } }
            div.figure { dt { "Tokens in / out" } dd { (short(tokens_in)) " / " (short(tokens_out)) } }
            div.figure { dt { "Cost" } dd { (dollars(cost)) } }
            div.figure { dt { "From, to (UTC)" } dd { (clock(oldest)) " – " (clock(newest.at_ms)) } }
        }
        (live::table(&page, live))
        @if let Some(older) = page.older { nav.pager aria-label="Older" { span {} a rel="next" href={ "/sessions/" (encode(id)) "?before=" (older) } { "Older →" } } }
    })
}
