//! Exchanges as they end, with verdicts, reasons and filters.

use super::chart;
use crate::console::{Missing, View};
use crate::history::{Brief, CallBrief, Page, Sum, Window};
use crate::page::{nothing, verdict};
use crate::request::encode;
use crate::words::{clock, count, dollars, short, took};
use maud::{Markup, html};
use sallyport_record::Verdict;

/// Exchanges of one page.
const ROWS: usize = 50;
/// Names of each kind that are shown of one exchange in the list.
const NAMES_MAX: usize = 3;
/// Characters of a name in the list; the exchange's own page has all of it.
const NAME_CHARS: usize = 48;

/// The page.
pub(crate) fn page(view: &View<'_>) -> Result<Markup, Missing> {
    let filter = view.query.filter(view.now_ms());
    let page = view
        .history
        .page(&filter, view.query.number("before"), ROWS)?;
    let (all, _) = view.history.teams(Window::Hour, view.now_ms())?;
    let is_live = view.query.get("before").is_none();
    Ok(html! {
        h1.unseen { "Live exchanges" }
        section.summary aria-label="The last hour" data-live="summary" { (summary(&all.sum, &all.steps)) }
        (filters(view))
        (table(&page, is_live.then(|| view.query.with("before", None))))
        @if page.exchanges.is_empty() { (none(view)) }
        (pager(view, &page))
    })
}

fn none(view: &View<'_>) -> Markup {
    let filtered = chips(view).next().is_some();
    html! {
        div data-empty="" {
            @if filtered {
                (nothing("No exchange fits. Those that come and fit will appear here."))
            } @else {
                (nothing("No exchange yet. Point an agent at Sallyport, and what it does appears here within a second."))
            }
        }
    }
}

/// What came after `?after=`, as rows for the script.
pub(crate) fn news(view: &View<'_>) -> Result<Markup, Missing> {
    let filter = view.query.filter(view.now_ms());
    let after = view.query.number("after").unwrap_or(0);
    let page = view.history.since(&filter, after, ROWS)?;
    Ok(html! {
        table { tbody data-seq=(page.newest) { @for exchange in &page.exchanges { (row(exchange)) } } }
    })
}

fn summary(sum: &Sum, steps: &[Sum]) -> Markup {
    let refused = |sum: &Sum| sum.refused as f64;
    let failed = |sum: &Sum| sum.failed as f64;
    let passed = |sum: &Sum| sum.exchanges.saturating_sub(sum.refused + sum.failed) as f64;
    let said = format!(
        "Exchanges of the last hour by minute: {} in all, {} refused, {} failed",
        sum.exchanges, sum.refused, sum.failed
    );
    let figure = |name: &str, value: String, class: &str| html! { div class={ "figure " (class) } { dt { (name) } dd { (value) } } };
    html! {
        dl.figures {
            (figure("Exchanges, last hour", count(sum.exchanges), ""))
            (figure("Refused", count(sum.refused), if sum.refused > 0 { "is-denied" } else { "" }))
            (figure("Failed", count(sum.failed), if sum.failed > 0 { "is-failed" } else { "" }))
            (figure("Tokens in / out", format!("{} / {}", short(sum.tokens_in), short(sum.tokens_out)), ""))
            (figure("Cost", dollars(sum.cost_usd), ""))
            (figure("Tokens saved", short(sum.saved.max(0.0) as u64), ""))
        }
        (chart::bars(steps, &[("passed", &passed), ("refused", &refused), ("failed", &failed)], &said, Window::Hour))
    }
}

const FIELDS: [(&str, &str); 8] = [
    ("team", "Team"),
    ("agent", "Agent"),
    ("rule", "Rule"),
    ("tool", "Tool"),
    ("model", "Model"),
    ("finding", "Finding"),
    ("operation", "Operation"),
    ("upstream", "Upstream"),
];
/// Of these, so many are always shown.
const SHOWN: usize = 4;

fn filters(view: &View<'_>) -> Markup {
    let query = &view.query;
    let field = |(name, title): (&'static str, &'static str)| {
        let hint = if name == "finding" { "secret.*" } else { "any" };
        html! {
            label.extra[name != "team"] { span { (title) }
                input name=(name) value=(query.get(name).unwrap_or_default()) placeholder=(hint) autocomplete="off" spellcheck="false" list=[lists(name)]; }
        }
    };
    let more_set = FIELDS[SHOWN..]
        .iter()
        .any(|(name, _)| query.get(name).is_some())
        || query.get("session").is_some();
    html! {
        search {
            form.filters action="/" {
                label.wide { span { "Find" } input type="search" name="q" id="filter" value=(query.get("q").unwrap_or_default())
                    placeholder="beginning of an id, a trace, a session" autocomplete="off" spellcheck="false"; }
                label { span { "Verdict" } select name="verdict" {
                    option value="" { "any" }
                    @for word in Verdict::ALL { option value=(word.as_str()) selected[query.get("verdict") == Some(word.as_str())] { (word.as_str()) } }
                } }
                @for known in &FIELDS[..SHOWN] { (field(*known)) }
                label.extra { span { "Since" } select name="window" {
                    option value="" { "ever" }
                    @for window in Window::ALL { option value=(window.as_str()) selected[query.get("window") == Some(window.as_str())] { (window.as_str()) } }
                } }
                details.more open[more_set] { summary { "More" } div {
                    @for known in &FIELDS[SHOWN..] { (field(*known)) }
                    (field(("session", "Session")))
                } }
                button { "Filter" }
            }
        }
        (datalists(view))
        @if chips(view).next().is_some() {
            p.chips aria-label="Filters in force" {
                @for (name, value, without) in chips(view) {
                    a.chip href=(without) aria-label={ "Leave out the filter " (name) " " (value) } { span.soft { (name) " " } (value) span aria-hidden="true" { " ×" } }
                }
                a.soft href="/" { "all" }
            }
        }
    }
}

fn lists(name: &str) -> Option<&'static str> {
    match name {
        "team" => Some("teams"),
        "agent" => Some("agents"),
        "upstream" => Some("upstreams"),
        _ => None,
    }
}

fn datalists(view: &View<'_>) -> Markup {
    let mut teams: Vec<&str> = view
        .facts
        .policies
        .teams
        .iter()
        .map(String::as_str)
        .collect();
    teams.extend(view.facts.keys.keys.iter().map(|key| key.team.as_str()));
    teams.sort_unstable();
    teams.dedup();
    let mut agents: Vec<&str> = view
        .facts
        .keys
        .keys
        .iter()
        .map(|key| key.agent.as_str())
        .collect();
    agents.sort_unstable();
    agents.dedup();
    html! {
        datalist id="teams" { @for team in teams { option value=(team) {} } }
        datalist id="agents" { @for agent in agents { option value=(agent) {} } }
        datalist id="upstreams" { @for upstream in &view.facts.upstreams { option value=(upstream.name) {} } }
    }
}

/// Filters in force: name, value, and the address without it.
fn chips<'a>(view: &'a View<'_>) -> impl Iterator<Item = (&'static str, &'a str, String)> {
    let names = ["q", "verdict", "session", "window"]
        .into_iter()
        .chain(FIELDS.map(|(name, _)| name));
    names.filter_map(|name| {
        let value = view.query.get(name)?;
        Some((name, value, format!("/{}", view.query.with(name, None))))
    })
}

/// The table of a page. `live`: the query that its script asks for news with.
pub(crate) fn table(page: &Page, live: Option<String>) -> Markup {
    html! {
        @if live.is_some() {
            div.live-bar {
                p.live-state id="live-state" { span.dot aria-hidden="true" {} span data-live-word="" { "live" } }
                button.plain type="button" data-pause="" aria-pressed="false" hidden { "Pause" }
                p.unseen aria-live="polite" id="announce" {}
            }
        }
        table.exchanges data-rows=[live] data-seq=(page.newest) {
            thead { tr {
                th scope="col" { "Time " span.soft { "UTC" } } th scope="col" { "Verdict" } th scope="col" { "Team and agent" }
                th scope="col" { "Asked for" } th scope="col" { "Why, and what was found" }
                th.number scope="col" { "Tokens" } th.number scope="col" { "Cost" } th.number scope="col" { "Took" }
            } }
            tbody { @for exchange in &page.exchanges { (row(exchange)) } }
        }
    }
}

fn row(exchange: &Brief) -> Markup {
    let tokens = |count: Option<u64>| count.map_or_else(|| "–".into(), short);
    html! {
        tr data-id=(exchange.id) data-verdict=(exchange.verdict.as_str()) {
            td.when { a href={ "/exchanges/" (encode(&exchange.id)) } title=(exchange.time)
                aria-label={ "Exchange at " (exchange.time) ", " (exchange.verdict.as_str()) } { time datetime=(exchange.time) { (clock(exchange.at_ms)) } } }
            td.what { (verdict(exchange.verdict)) " " span.status title="HTTP status that the agent was sent" { (exchange.status) } }
            td.who { @if exchange.team.is_empty() { span.soft { "nobody known" } } @else { span.soft { (brief(&exchange.team)) " / " } (brief(&exchange.agent)) } }
            td.asked { (asked(exchange)) }
            td.why { (why(exchange)) }
            td.number.tokens { (tokens(exchange.tokens_in)) span.soft { " / " } (tokens(exchange.tokens_out)) }
            td.number.cost { (exchange.cost_usd.map_or_else(|| "–".into(), dollars)) }
            td.number.took { (exchange.micros.map_or_else(|| "–".into(), took)) }
        }
    }
}

fn brief(name: &str) -> String {
    sallyport_record::shorten(name, NAME_CHARS)
}

fn asked(exchange: &Brief) -> Markup {
    html! {
        span.operation { (if exchange.operation.is_empty() { "unknown".into() } else { brief(&exchange.operation) }) }
        @if let Some(model) = &exchange.model { " " code { (brief(model)) } }
        @for call in exchange.tools.iter().take(NAMES_MAX) { " " (tool(call)) }
        (rest(exchange.tools.len()))
    }
}

fn tool(call: &CallBrief) -> Markup {
    let blocked = matches!(call.verdict, Verdict::Denied | Verdict::Steered);
    html! {
        span.tool.blocked[blocked] { @if blocked { span.unseen { "blocked " } } (brief(&call.tool)) }
    }
}

fn rest(count: usize) -> Markup {
    html! { @if count > NAMES_MAX { span.soft { " +" (count - NAMES_MAX) } } }
}

fn why(exchange: &Brief) -> Markup {
    let quiet = exchange
        .rules
        .iter()
        .filter(|rule| !exchange.refused_by.contains(rule));
    let findings: Vec<_> = exchange.findings.iter().collect();
    html! {
        @for rule in exchange.refused_by.iter().take(NAMES_MAX) { span.rule.refused { (brief(rule)) } " " }
        (rest(exchange.refused_by.len()))
        @if let Some(failure) = &exchange.failure { span.rule.failed { (brief(failure)) } " " }
        @for rule in quiet.take(NAMES_MAX) { span.rule { (brief(rule)) } " " }
        @for (label, times) in findings.iter().take(NAMES_MAX) {
            span.finding { (brief(label)) @if **times > 1 { span.soft { " ×" (times) } } } " "
        }
        (rest(findings.len()))
        @if exchange.hidden > 0 { span.soft { (exchange.hidden) " hidden " } }
        @if exchange.saved >= 1.0 { span.soft { "−" (short(exchange.saved as u64)) " tokens" } }
    }
}

fn pager(view: &View<'_>, page: &Page) -> Markup {
    html! {
        nav.pager aria-label="Older and newer" {
            @if view.query.get("before").is_some() { a href={ "/" (view.query.with("before", None)) } { "← Newest" } }
            @if let Some(older) = page.older { a rel="next" href={ "/" (view.query.with("before", Some(&older.to_string()))) } { "Older →" } }
        }
    }
}
