//! Upstreams, and tool servers with what is pinned of them.

use super::policies::refused;
use crate::console::View;
use crate::facts::{PinFact, ServerFacts, ToolFacts};
use crate::page::nothing;
use crate::request::encode;
use crate::words::count;
use maud::{Markup, html};

/// The page.
pub(crate) fn page(view: &View<'_>) -> Markup {
    html! {
        h1 { "Servers" }
        (upstreams(view))
        section { h2 { "Tool servers" }
            @match &view.facts.tools { None => (nothing("None is configured. `tool_servers` in the configuration names them.")), Some(tools) => (servers(tools)) }
        }
    }
}

fn upstreams(view: &View<'_>) -> Markup {
    html! {
        section { h2 { "Upstreams" }
            @if view.facts.upstreams.is_empty() { (nothing("None is configured.")) }
            @else { table.cards {
                thead { tr { th scope="col" { "Name" } th scope="col" { "Address" } th scope="col" { "Speaks" } th scope="col" { "Key" } th scope="col" { "Routes" } } }
                tbody { @for upstream in &view.facts.upstreams { tr {
                    th scope="row" data-label="Name" { a href={ "/?upstream=" (encode(&upstream.name)) } { (upstream.name) } }
                    td data-label="Address" { code { (upstream.address) } }
                    td data-label="Speaks" { (upstream.speaks) }
                    td data-label="Key" { @if upstream.key { "yes" } @else { span.soft { "none" } } }
                    td data-label="Routes" { @for route in &upstream.routes { div { (route) } } }
                } } }
            } }
        }
    }
}

fn servers(tools: &ToolFacts) -> Markup {
    html! {
        @if let Some(lock) = &tools.lock { (refused(lock.error.as_deref())) }
        dl.facts {
            dt { "Sessions" } dd { (count(tools.sessions)) " of agents" }
            dt { "Lock" } dd { @match &tools.lock {
                None => "none: whatever they list is let in",
                Some(lock) => { code { (lock.file) } @if lock.signed { ", signed" } @else { ", not signed" } },
            } }
        }
        table.cards {
            thead { tr { th scope="col" { "Name" } th scope="col" { "Reached" } th scope="col" { "Seen by" } th scope="col" { "Pinned tools" }
                th.number scope="col" { "Sessions begun" } th.number scope="col" { "Failed" } th.number scope="col" { "Messages lost" } } }
            tbody { @for server in &tools.servers { (line(server, tools.lock.is_some())) } }
        }
    }
}

fn line(server: &ServerFacts, locked: bool) -> Markup {
    html! {
        tr {
            th scope="row" data-label="Name" { a href={ "/?upstream=" (encode(&server.name)) } { (server.name) } }
            td data-label="Reached" { code { (server.reached) } }
            td data-label="Seen by" { @if server.teams.is_empty() { "every team" } @else { (server.teams.join(", ")) } }
            td data-label="Pinned" { @match &server.pinned {
                _ if !locked => span.soft { "–" },
                None => "none: nothing of it is let in",
                Some(pins) => (pinned(pins)),
            } }
            td.number data-label="Begun" { (count(server.opened)) }
            td.number data-label="Failed" { @if server.failed > 0 { strong.denied { (count(server.failed)) } } @else { "0" } }
            td.number data-label="Lost" { (count(server.lost)) }
        }
    }
}

fn pinned(pins: &[PinFact]) -> Markup {
    html! {
        @if pins.is_empty() { "0" } @else {
            details { summary { (pins.len()) @if pins.len() == 1 { " tool" } @else { " tools" } }
                ul.pins { @for pin in pins { li { a.tool href={ "/?tool=" (encode(&pin.tool)) } { (pin.tool) } " " code.soft { (pin.digest) } } } } }
        }
    }
}
