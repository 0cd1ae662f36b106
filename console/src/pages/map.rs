//! Agents, models and tools, and what was blocked between them: drawn, and as a table.

use super::teams::windows;
use crate::console::{Missing, View};
use crate::history::{Edge, Node};
use crate::page::nothing;
use crate::request::encode;
use crate::words::{count, short};
use maud::{Markup, html};

/// Names drawn on each side; the table has all.
const DRAWN_MAX: usize = 24;
/// Characters of a name that are drawn.
const NAME_CHARS: usize = 26;
/// The drawing's own units.
const WIDTH: f64 = 1080.0;
const ROW: f64 = 34.0;
const BOX: f64 = 230.0;
const TALL: f64 = 26.0;

/// The page.
pub(crate) fn page(view: &View<'_>) -> Result<Markup, Missing> {
    let window = view.query.window().unwrap_or_default();
    let edges = view.history.map(window.start(view.now_ms()))?;
    Ok(html! {
        h1 { "Map" }
        p.soft { "Which agent used which model and tool, and what a rule blocked between them." }
        (windows("/map", window))
        div data-live="map" {
            @if edges.is_empty() { (nothing("No agent used a model or a tool in this time.")) }
            @else { (drawing(&edges)) (table(&edges)) }
        }
    })
}

/// Who stands on which side, in the order of the drawing.
struct Sides<'e> {
    left: Vec<(&'e str, &'e str)>,
    right: Vec<(Node, &'e str)>,
}

impl<'e> Sides<'e> {
    fn of(edges: &'e [Edge]) -> Sides<'e> {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        // What was blocked or used most comes first in `edges`, so that is what has room here.
        for edge in edges {
            let (from, to) = ((&*edge.team, &*edge.agent), (edge.kind, &*edge.to));
            if !left.contains(&from) && left.len() < DRAWN_MAX {
                left.push(from);
            }
            if !right.contains(&to) && right.len() < DRAWN_MAX {
                right.push(to);
            }
        }
        left.sort_unstable();
        right.sort_by_key(|(kind, _)| *kind);
        Sides { left, right }
    }

    fn height(&self) -> f64 {
        self.left.len().max(self.right.len()) as f64 * ROW + 10.0
    }

    /// Where the middle of a name is: both sides are spread over the whole height.
    fn y(&self, at: usize, of: usize) -> f64 {
        (at as f64 + 0.5) * (self.height() / of.max(1) as f64)
    }

    /// Where a line begins and ends, and where on it its badge is: far enough that lines from one agent have parted,
    /// and elsewhere than those of its neighbours.
    fn ends(&self, edge: &Edge) -> Option<(f64, f64, f64)> {
        let from = self
            .left
            .iter()
            .position(|from| *from == (&*edge.team, &*edge.agent))?;
        let to = self
            .right
            .iter()
            .position(|to| *to == (edge.kind, &*edge.to))?;
        let badge = [0.6, 0.7, 0.8][(from + to) % 3];
        Some((
            self.y(from, self.left.len()),
            self.y(to, self.right.len()),
            badge,
        ))
    }
}

fn drawing(edges: &[Edge]) -> Markup {
    let sides = Sides::of(edges);
    let most = edges
        .iter()
        .map(|edge| edge.count)
        .max()
        .unwrap_or(1)
        .max(1) as f64;
    let blocked: u64 = edges.iter().map(|edge| edge.blocked).sum();
    let said = format!(
        "{} agents, {} models and tools, {} lines between them, {blocked} exchanges blocked; the table below says the same",
        sides.left.len(),
        sides.right.len(),
        edges.len()
    );
    html! {
        figure.map tabindex="0" aria-label="Map; scrolls sideways on narrow screens" {
            svg viewBox={ "-1 0 " (WIDTH + 2.0) " " (sides.height()) } role="img" aria-label=(said) {
                // What was blocked lies on top.
                @for edge in edges.iter().rev() { @if let Some(ends) = sides.ends(edge) { (line(edge, ends, most)) } }
                @for (at, (team, agent)) in sides.left.iter().enumerate() {
                    (node((0.0, sides.y(at, sides.left.len())), "agent", (&format!("{team}/{agent}"), &format!("/?team={}&agent={}", encode(team), encode(agent))), if agent.is_empty() { "nobody known" } else { agent }, team))
                }
                @for (at, (kind, name)) in sides.right.iter().enumerate() {
                    @let class = kind.as_str();
                    (node((WIDTH - BOX, sides.y(at, sides.right.len())), class, (&format!("{class}/{name}"), &format!("/?{class}={}", encode(name))), name, class))
                }
            }
            figcaption.soft { span.key.passed { "used" } " " span.key.refused { "blocked" } " · the wider, the more often" }
        }
    }
}

fn line(edge: &Edge, (from, to, badge): (f64, f64, f64), most: f64) -> Markup {
    let (x1, x2) = (BOX, WIDTH - BOX);
    let middle = (x1 + x2) / 2.0;
    let path = format!("M{x1} {from:.1} C{middle} {from:.1} {middle} {to:.1} {x2} {to:.1}");
    let wide = |count: u64| {
        format!(
            "{:.1}",
            1.0 + 3.5 * ((1.0 + count as f64).ln() / (1.0 + most).ln())
        )
    };
    let passed = edge.count.saturating_sub(edge.blocked);
    html! {
        g.edge data-ends={ (edge.team) "/" (edge.agent) "\n" (edge.kind.as_str()) "/" (edge.to) } {
            title { (edge.agent) " → " (edge.to) ": " (edge.count) @if edge.blocked > 0 { ", " (edge.blocked) " blocked" @if let Some(rule) = &edge.rule { " by " (rule) } } }
            @if passed > 0 { path.passed d=(path) stroke-width=(wide(passed)) {} }
            @if edge.blocked > 0 {
                path.refused d=(path) stroke-width=(wide(edge.blocked)) {}
                @let (x, y) = on_curve((x1, from), (x2, to), badge);
                @let said = format!("✕ {}", short(edge.blocked));
                @let wide = 14.0 + 6.5 * said.chars().count() as f64;
                g.badge { rect x=(format!("{:.1}", x - wide / 2.0)) y=(format!("{:.1}", y - 8.0)) width=(format!("{wide:.1}")) height="16" rx="8" {}
                    text x=(format!("{x:.1}")) y=(format!("{:.1}", y + 3.8)) text-anchor="middle" { (said) } }
            }
        }
    }
}

/// A point of the curve that `line` draws, at `t` from 0 to 1.
fn on_curve((x1, y1): (f64, f64), (x2, y2): (f64, f64), t: f64) -> (f64, f64) {
    let middle = (x1 + x2) / 2.0;
    let bend = |a: f64, b: f64, c: f64, d: f64| {
        let s = 1.0 - t;
        s * s * s * a + 3.0 * s * s * t * b + 3.0 * s * t * t * c + t * t * t * d
    };
    (bend(x1, middle, middle, x2), bend(y1, y1, y2, y2))
}

fn node(
    (x, y): (f64, f64),
    class: &str,
    (end, to): (&str, &str),
    name: &str,
    below: &str,
) -> Markup {
    let shown = sallyport_record::shorten(name, NAME_CHARS);
    let below = sallyport_record::shorten(below, 12);
    html! {
        a href=(to) data-end=(end) {
            g class={ "node " (class) } {
                title { (name) }
                rect x=(format!("{x:.1}")) y=(format!("{:.1}", y - TALL / 2.0)) width=(BOX) height=(TALL) rx="6" {}
                text x=(format!("{:.1}", x + 10.0)) y=(format!("{:.1}", y + 4.0)) { (shown) }
                text.below x=(format!("{:.1}", x + BOX - 10.0)) y=(format!("{:.1}", y + 4.0)) text-anchor="end" { (below) }
            }
        }
    }
}

fn table(edges: &[Edge]) -> Markup {
    html! {
        table.cards {
            caption.unseen { "The map as a table" }
            thead { tr { th scope="col" { "Agent" } th scope="col" { "Used" } th scope="col" { "Kind" } th.number scope="col" { "Exchanges" } th.number scope="col" { "Blocked" } th scope="col" { "By" } } }
            tbody { @for edge in edges {
                @let kind = edge.kind.as_str();
                tr {
                    td data-label="Agent" { span.soft { (edge.team) " / " } (edge.agent) }
                    td data-label="Used" { a href={ "/?" (kind) "=" (encode(&edge.to)) "&team=" (encode(&edge.team)) "&agent=" (encode(&edge.agent)) } { code { (edge.to) } } }
                    td data-label="Kind" { (kind) }
                    td.number data-label="Exchanges" { (count(edge.count)) }
                    td.number data-label="Blocked" { @if edge.blocked > 0 { strong.denied { (count(edge.blocked)) } } @else { "0" } }
                    td data-label="By" { @if let Some(rule) = &edge.rule { a.rule.refused href={ "/?rule=" (encode(rule)) } { (rule) } } }
                }
            } }
        }
    }
}
