//! Small charts, drawn here: bars over time.

use crate::history::{Sum, Window};
use maud::{Markup, PreEscaped, html};
use std::fmt::Write;

/// Width and height in the chart's own units; the page scales it.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 72.0;

/// One colour of the bars: a class of the style sheet, and what it measures.
pub(crate) type Layer<'a> = (&'static str, &'a dyn Fn(&Sum) -> f64);

/// Bars of a window's steps, one layer on the other. `said`: what a reader of the screen hears.
pub(crate) fn bars(steps: &[Sum], layers: &[Layer<'_>], said: &str, window: Window) -> Markup {
    let total = |sum: &Sum| {
        layers
            .iter()
            .map(|(_, measure)| measure(sum).max(0.0))
            .sum::<f64>()
    };
    let highest = steps.iter().map(total).fold(0.0, f64::max);
    let slot = WIDTH / steps.len().max(1) as f64;
    let mut drawn = String::new();
    for (at, sum) in steps.iter().enumerate() {
        let mut top = HEIGHT;
        for (class, measure) in layers {
            let value = measure(sum).max(0.0);
            if value <= 0.0 || highest <= 0.0 {
                continue;
            }
            // What is there can be seen, however small beside the rest.
            let height = (value / highest * (HEIGHT - 2.0)).max(1.5);
            top -= height;
            let _ = write!(
                drawn,
                "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\"/>",
                at as f64 * slot + slot * 0.1,
                top.max(0.0),
                slot * 0.8,
            );
        }
    }
    html! {
        figure.bars {
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(said) {
                line.axis x1="0" x2=(WIDTH) y1=(HEIGHT) y2=(HEIGHT) {}
                (PreEscaped(drawn))
            }
            figcaption { span { (began(window)) } span { "now" } }
        }
    }
}

fn began(window: Window) -> &'static str {
    match window {
        Window::Hour => "an hour ago",
        Window::Day => "a day ago",
        Window::Week => "a week ago",
        Window::Month => "30 days ago",
    }
}

/// A bar for a share of a whole, 0 to 1.
pub(crate) fn share(share: f64, class: &'static str) -> Markup {
    let width = share.clamp(0.0, 1.0) * 100.0;
    html! {
        svg.share viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" {
            rect.track width="100" height="6" {}
            rect class=(class) width=(format!("{width:.1}")) height="6" {}
        }
    }
}
