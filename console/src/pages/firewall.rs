//! The semantic firewall and the other finders: what they found, and how sure they were.

use super::chart;
use super::live;
use super::teams::windows;
use crate::console::{Missing, View};
use crate::facts::FirewallFacts;
use crate::history::{Filter, FindingCount, SCORE_BUCKETS};
use crate::page::nothing;
use crate::request::encode;
use crate::words::{count, took};
use maud::{Markup, html};

/// Exchanges shown below.
const ROWS: usize = 20;

/// The page.
pub(crate) fn page(view: &View<'_>) -> Result<Markup, Missing> {
    let window = view.query.window().unwrap_or_default();
    let from = window.start(view.now_ms());
    let found = view.history.findings(from)?;
    let filter = Filter {
        finding: Some("injection.*".into()),
        ..Filter::default()
    };
    let last = view.history.page(&filter, None, ROWS)?;
    Ok(html! {
        h1 { "Firewall" }
        div.columns data-live="stages" { (stages(view.facts.firewall.as_ref())) }
        (windows("/firewall", window))
        section data-live="found" { h2 { "What was found" }
            @if found.is_empty() { (nothing("Nothing was found in this time.")) } @else { (table(&found)) }
        }
        h2 { "Last exchanges with an injection" }
        @if last.exchanges.is_empty() { (nothing("None is remembered.")) } @else { (live::table(&last, None)) }
    })
}

fn stages(facts: Option<&FirewallFacts>) -> Markup {
    let Some(facts) = facts else {
        return html! { section { h2 { "Stages" } p { "The semantic firewall does not run. What is found below comes from the other finders." } } };
    };
    let all: u64 = facts.decided.iter().map(|(_, count)| count).sum();
    let each = |seconds: f64, of: u64| match of {
        0 => "–".to_owned(),
        of => took((seconds * 1e6 / of as f64) as u64),
    };
    let failed: u64 = facts.unavailable.iter().map(|(_, count)| count).sum();
    html! {
        section { h2 { "Which stage decided" }
            table.cards { thead { tr { th scope="col" { "Stage" } th.number scope="col" { "Texts" } th.number scope="col" { "Share" } } }
                tbody { @for (stage, texts) in &facts.decided {
                    @let part = if all > 0 { *texts as f64 / all as f64 } else { 0.0 };
                    tr { th scope="row" data-label="Stage" { (stage) } td.number data-label="Texts" { (count(*texts)) }
                        td.number data-label="Share" { (format!("{:.1} %", part * 100.0)) (chart::share(part, "read")) } }
                } }
            }
        }
        section { h2 { "Since the start" }
            dl.facts {
                @if let Some(model) = &facts.model { dt { "Model" } dd { (model) } }
                dt { "Windows asked about" } dd { (count(facts.windows)) }
                dt { "Waiting now" } dd { (count(facts.waiting)) }
                dt { "Verdicts remembered" } dd { (count(facts.remembered)) }
                dt { "Screening, each text" } dd { (each(facts.screen_seconds, all)) }
                dt { "Model, each window" } dd { (each(facts.model_seconds, facts.windows)) }
                dt { "Not answered" } dd { @if failed == 0 { "never" } @else { @for (why, times) in &facts.unavailable { @if *times > 0 { strong.denied { (why) " " (count(*times)) } " " } } } }
            }
        }
    }
}

fn table(found: &[FindingCount]) -> Markup {
    html! {
        table.cards {
            thead { tr { th scope="col" { "Label" } th.number scope="col" { "Exchanges" } th.number scope="col" { "Highest score" } th scope="col" { "Scores, 0 to 1" } } }
            tbody { @for count_of in found {
                tr {
                    th scope="row" data-label="Label" { a.finding href={ "/?finding=" (encode(&count_of.label)) } { (count_of.label) } }
                    td.number data-label="Exchanges" { (count(count_of.exchanges)) }
                    td.number data-label="Highest" { (format!("{:.2}", count_of.highest)) }
                    td data-label="Scores" { (scores(&count_of.scores)) }
                }
            } }
        }
    }
}

fn scores(scores: &[u64; SCORE_BUCKETS]) -> Markup {
    let most = scores.iter().copied().max().unwrap_or(0).max(1) as f64;
    let said: Vec<String> = scores
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0)
        .map(|(at, count)| {
            format!(
                "{count} between {:.1} and {:.1}",
                at as f64 / 10.0,
                (at + 1) as f64 / 10.0
            )
        })
        .collect();
    html! {
        svg.scores viewBox="0 0 100 20" role="img" aria-label=(said.join(", ")) {
            line.axis x1="0" x2="100" y1="19.5" y2="19.5" {}
            @for (at, times) in scores.iter().enumerate() { @if *times > 0 {
                @let height = (*times as f64 / most * 18.0).max(1.5);
                rect.refused[at >= 8] .passed[at < 8] x=(at * 10 + 1) y=(format!("{:.1}", 19.0 - height)) width="8" height=(format!("{height:.1}")) {}
            } }
        }
    }
}
