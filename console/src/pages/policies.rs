//! Policies, keys, the audit log and telemetry: what is in force, and since when.

use crate::console::{Missing, View};
use crate::facts::{AuditFacts, PolicyFacts, TelemetryFacts, TestFacts};
use crate::history::Window;
use crate::page::nothing;
use crate::request::encode;
use crate::words::{ago, count, time};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// The page.
pub(crate) fn page(view: &View<'_>) -> Result<Markup, Missing> {
    let facts = view.facts;
    let rules = view.history.rules(Window::Day.start(view.now_ms()))?;
    Ok(html! {
        h1 { "Policies" }
        (in_force(view, &facts.policies))
        section { h2 { "Rules of the last day" }
            @if rules.is_empty() { (nothing("No rule spoke.")) }
            @else { table.cards {
                thead { tr { th scope="col" { "Rule" } th.number scope="col" { "Refused" } th.number scope="col" { "Spoke" } } }
                tbody { @for rule in &rules { tr {
                    th scope="row" data-label="Rule" { a.rule.refused[rule.refused > 0] href={ "/?rule=" (encode(&rule.rule)) } { (rule.rule) } }
                    td.number data-label="Refused" { (count(rule.refused)) } td.number data-label="Spoke" { (count(rule.spoke)) }
                } } }
            } }
        }
        (keys(view))
        div.columns { (audit(view, facts.audit.as_ref())) (telemetry(facts.telemetry.as_ref())) (history(view)) }
    })
}

fn in_force(view: &View<'_>, facts: &PolicyFacts) -> Markup {
    html! {
        section { h2.unseen { "In force" }
            (refused(facts.error.as_deref()))
            dl.facts {
                dt { "In force" } dd { code { (facts.revision) } " since " (time(facts.since_ns)) span.soft { ", " (ago(view.request.now_ns, facts.since_ns)) } }
                @if let Some(path) = &facts.path { dt { "From" } dd { code { (path) } } }
                dt { "Platform" } dd { @if facts.platform { "has rules" } @else { "has no rules of its own" } }
                dt { "Teams" } dd { @if facts.teams.is_empty() { "none: nothing is allowed" } @else { @for team in &facts.teams { a href={ "/?team=" (encode(team)) } { (team) } " " } } }
                @if !facts.files.is_empty() { dt { "Files" } dd { (facts.files.join(", ")) } }
                @if facts.loads + facts.failures > 0 { dt { "Loaded" } dd { (count(facts.loads)) " times, refused " (count(facts.failures)) } }
                dt { "Tests" } dd { (tests(facts.tests.as_ref())) }
            }
        }
    }
}

fn tests(facts: Option<&TestFacts>) -> Markup {
    html! {
        @match facts {
            None => { span.soft { "not run here; run " code { "sallyport policy test" } " on the folder" } },
            Some(facts) if facts.failed.is_empty() && facts.passed == 0 => { span.soft { "there are none" } },
            Some(facts) if facts.failed.is_empty() => { strong.allowed { "✓ all " (facts.passed) " pass" } },
            Some(facts) => { strong.denied { "✕ " (facts.failed.len()) " fail" } ", " (facts.passed) " pass: " (facts.failed.join(", ")) },
        }
    }
}

/// Why what is there now is not in force.
pub(crate) fn refused(error: Option<&str>) -> Markup {
    html! { @if let Some(error) = error { div.bad role="alert" { p { "What is there now is not in force:" } pre { (error) } } } }
}

fn keys(view: &View<'_>) -> Markup {
    let keys = &view.facts.keys;
    let mut teams: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for key in &keys.keys {
        teams
            .entry(&key.team)
            .or_default()
            .push((&key.key, &key.agent));
    }
    html! {
        section id="keys" { h2 { "Keys" @if !keys.revision.is_empty() { span.soft { " " (keys.revision) } } }
            (refused(keys.error.as_deref()))
            @if teams.is_empty() { (nothing("No key is in force.")) }
            @else { table.cards {
                thead { tr { th scope="col" { "Team" } th scope="col" { "Keys, and their agents" } } }
                tbody { @for (team, keys) in &teams { tr {
                    th scope="row" data-label="Team" { a href={ "/?team=" (encode(team)) } { (team) } }
                    td data-label="Keys" { @for (at, (key, agent)) in keys.iter().enumerate() { @if at > 0 { ", " } (key) span.soft { " (" (agent) ")" } } }
                } } }
            } }
        }
    }
}

fn audit(view: &View<'_>, facts: Option<&AuditFacts>) -> Markup {
    html! {
        section id="audit" { h2 { "Audit log" }
            @match facts {
                None => p.soft { "There is none. " code { "audit.folder" } " in the configuration begins one." },
                Some(facts) => {
                    @if let Some(error) = &facts.error { div.bad role="alert" { p { "It cannot be written:" } pre { (error) } } }
                    dl.facts {
                        dt { "Folder" } dd { code { (facts.folder) } }
                        dt { "Mode" } dd { (facts.mode) }
                        dt { "Origin" } dd { (facts.origin) }
                        dt { "Records" } dd { (count(facts.tree_size)) @if facts.unsynced > 0 { ", " (count(facts.unsynced)) " not yet on disk" } }
                        @if let Some(root) = &facts.root { dt { "Root" } dd { code { (root) } } }
                        @if let Some(signed) = facts.checkpoint_ns { dt { "Signed" } dd { (ago(view.request.now_ns, signed)) } }
                        dt { "Lost" } dd { @if facts.lost > 0 { strong.denied { (count(facts.lost)) } } @else { "none" } @if facts.failures > 0 { ", " (count(facts.failures)) " failures to write" } }
                    }
                },
            }
        }
    }
}

fn telemetry(facts: Option<&TelemetryFacts>) -> Markup {
    html! {
        section { h2 { "Telemetry" }
            @match facts {
                None => p.soft { "Nothing is exported. " code { "telemetry.endpoint" } " in the configuration begins that." },
                Some(facts) => dl.facts {
                    dt { "To" } dd { code { (facts.endpoint) } " " span.soft { (facts.protocol) } }
                    dt { "Spans" } dd { (count(facts.sent)) " sent" @if facts.dropped > 0 { ", " strong.denied { (count(facts.dropped)) " dropped" } } @if facts.failed > 0 { ", " strong.denied { (count(facts.failed)) " not taken" } } }
                    @if let Some(error) = &facts.error { dt { "It said" } dd { (error) } }
                },
            }
        }
    }
}

fn history(view: &View<'_>) -> Markup {
    let standing = view.history.standing();
    html! {
        section { h2 { "What this console remembers" }
            dl.facts {
                dt { "Exchanges" } dd { (count(standing.exchanges)) " of at most " (count(standing.exchanges_max as u64)) }
                dt { "Kept" } dd { @match &standing.file { Some(file) => code { (file) }, None => "in memory: gone at the next start" } }
                dt { "Not kept" } dd { @if standing.dropped > 0 { strong.denied { (count(standing.dropped)) } } @else { "none" } }
                @if view.facts.started_ns > 0 { dt { "Gateway runs" } dd { "since " (time(view.facts.started_ns)) } }
            }
        }
    }
}
