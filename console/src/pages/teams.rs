//! What teams spend, use and save, over time.

use super::chart;
use crate::console::{Missing, View};
use crate::history::{Sum, TeamSum, Window};
use crate::page::nothing;
use crate::request::encode;
use crate::words::{bytes, count, dollars, short};
use maud::{Markup, html};

/// Teams whose charts are drawn.
const CHARTS_MAX: usize = 24;

/// The page.
pub(crate) fn page(view: &View<'_>) -> Result<Markup, Missing> {
    let window = view.query.window().unwrap_or(Window::Day);
    let (all, teams) = view.history.teams(window, view.now_ms())?;
    Ok(html! {
        h1 { "Teams" }
        (windows("/teams", window))
        div data-live="teams" {
            @if teams.is_empty() { (nothing("Nothing was asked for in this time.")) }
            @else {
                (charts("All teams", &all, window))
                (table(&all, &teams))
                div.grid { @for team in teams.iter().take(CHARTS_MAX) { (charts(name(&team.team), team, window)) } }
            }
        }
        (savings(view))
    })
}

fn name(team: &str) -> &str {
    match team {
        "" => "nobody known",
        team => team,
    }
}

/// Links to the same page over other times.
pub(crate) fn windows(path: &str, now: Window) -> Markup {
    html! {
        nav.windows aria-label="How far back" { @for window in Window::ALL {
            a href={ (path) "?window=" (window.as_str()) } aria-current=[(window == now).then_some("true")] { (window.as_str()) }
        } }
    }
}

fn charts(title: &str, team: &TeamSum, window: Window) -> Markup {
    let sum = &team.sum;
    let spend = |sum: &Sum| sum.cost_usd;
    let (read, written) = (
        |sum: &Sum| sum.tokens_in as f64,
        |sum: &Sum| sum.tokens_out as f64,
    );
    let saved = |sum: &Sum| sum.saved;
    let (passed, refused, failed) = (
        |sum: &Sum| sum.exchanges.saturating_sub(sum.refused + sum.failed) as f64,
        |sum: &Sum| sum.refused as f64,
        |sum: &Sum| sum.failed as f64,
    );
    let said = |what: &str, figure: &str| format!("{title}: {what} over time, {figure} in all");
    let chart = |what: &str, figure: String, layers: &[chart::Layer<'_>]| {
        html! {
            div { p.chart-title { span { (what) } strong { (figure) } } (chart::bars(&team.steps, layers, &said(what, &figure), window)) }
        }
    };
    html! {
        section.team { h2 { (title) } div.charts {
            (chart("Spend", dollars(sum.cost_usd), &[("spend", &spend)]))
            (chart("Tokens", format!("{} in, {} out", short(sum.tokens_in), short(sum.tokens_out)), &[("read", &read), ("written", &written)]))
            (chart("Saved tokens", short(sum.saved.max(0.0) as u64), &[("saved", &saved)]))
            (chart("Exchanges", format!("{}, {} refused", count(sum.exchanges), count(sum.refused)), &[("passed", &passed), ("refused", &refused), ("failed", &failed)]))
        } }
    }
}

fn table(all: &TeamSum, teams: &[TeamSum]) -> Markup {
    let most = teams
        .iter()
        .map(|team| team.sum.cost_usd)
        .fold(0.0, f64::max);
    let line = |team: &TeamSum, title: Markup| {
        let sum = &team.sum;
        html! {
            tr {
                th scope="row" data-label="Team" { (title) }
                td.number data-label="Cost" { (dollars(sum.cost_usd)) (chart::share(if most > 0.0 { sum.cost_usd / most } else { 0.0 }, "spend")) }
                td.number data-label="Tokens in" { (count(sum.tokens_in)) }
                td.number data-label="Cached" { (count(sum.tokens_cached)) }
                td.number data-label="Tokens out" { (count(sum.tokens_out)) }
                td.number data-label="Saved" { (count(sum.saved.max(0.0) as u64)) }
                td.number data-label="Exchanges" { (count(sum.exchanges)) }
                td.number data-label="Refused" { (count(sum.refused)) }
                td.number data-label="Failed" { (count(sum.failed)) }
            }
        }
    };
    html! {
        table.cards {
            thead { tr { th scope="col" { "Team" } th.number scope="col" { "Cost" } th.number scope="col" { "Tokens in" } th.number scope="col" { "of these cached" } th.number scope="col" { "Tokens out" }
                th.number scope="col" { "Saved" } th.number scope="col" { "Exchanges" } th.number scope="col" { "Refused" } th.number scope="col" { "Failed" } } }
            tbody { @for team in teams { (line(team, html! { @if team.team.is_empty() { "nobody known" } @else { a href={ "/?team=" (encode(&team.team)) } { (team.team) } } })) } }
            @if teams.len() > 1 { tfoot { (line(all, html! { "All" })) } }
        }
    }
}

fn savings(view: &View<'_>) -> Markup {
    let facts = view.facts;
    if facts.savings.is_empty() && facts.originals_bytes.is_none() {
        return html! {};
    }
    html! {
        section { h2 { "Compression since the start" }
            p.soft { "Results of tools that were rewritten, or would have been. Tokens of o200k; on the bill, in tokens read afresh." }
            table.cards {
                thead { tr { th scope="col" { "Team" } th scope="col" { "Mode" } th scope="col" { "Forms" } th.number scope="col" { "As they came" } th.number scope="col" { "As they went on" } th.number scope="col" { "Fewer" } th.number scope="col" { "Saved on the bill" } } }
                tbody { @for saving in &facts.savings {
                    @let fewer = (saving.before > 0).then(|| 1.0 - saving.after as f64 / saving.before as f64);
                    tr {
                        th scope="row" data-label="Team" { (saving.team) }
                        td data-label="Mode" { (saving.mode) }
                        td data-label="Forms" { (saving.plan) @if saving.mode == "observe" { span.soft { ", if it were on" } } }
                        td.number data-label="Came" { (count(saving.before)) }
                        td.number data-label="Went on" { (count(saving.after)) }
                        td.number data-label="Fewer" { @match fewer { Some(fewer) => { (format!("{:.0} %", fewer * 100.0)) (chart::share(fewer, "saved")) }, None => "–" } }
                        td.number data-label="On the bill" { (count(saving.billed.max(0.0) as u64)) }
                    }
                } }
            }
            @if let Some(kept) = facts.originals_bytes { p.soft { "Originals kept: " (bytes(kept)) "." } }
        }
    }
}
