//! Metrics in the form of OpenMetrics 1.0, which has room for exemplars; the older form has none.

use super::exemplars::Exemplar;
use prometheus::proto::{Metric, MetricFamily, MetricType};
use std::fmt::Write;

/// The `content-type`.
pub(super) const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Whether a scraper would rather have this form.
pub(super) fn is_wanted(accept: &str) -> bool {
    accept
        .split(',')
        .any(|media| media.trim().starts_with("application/openmetrics-text"))
}

/// All families as text. `exemplar` gives that of a bucket: the family's name, the metric, the bucket's place.
pub(super) fn text(
    families: &[MetricFamily],
    exemplar: impl Fn(&str, &Metric, usize) -> Option<Exemplar>,
) -> String {
    let mut out = String::with_capacity(16 << 10);
    for family in families {
        let kind = family.get_field_type();
        let (name, word) = match kind {
            MetricType::COUNTER => (family.name().trim_end_matches("_total"), "counter"),
            MetricType::GAUGE => (family.name(), "gauge"),
            MetricType::HISTOGRAM => (family.name(), "histogram"),
            _ => continue,
        };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "# TYPE {name} {word}");
        let _ = writeln!(out, "# HELP {name} {}", escaped(family.help()));
        for metric in family.get_metric() {
            match kind {
                MetricType::COUNTER => {
                    line(&mut out, &format!("{name}_total"), metric, None);
                    let _ = writeln!(out, " {}", number(metric.get_counter().get_value()));
                }
                MetricType::GAUGE => {
                    line(&mut out, name, metric, None);
                    let _ = writeln!(out, " {}", number(metric.get_gauge().get_value()));
                }
                _ => histogram(&mut out, name, metric, &exemplar),
            }
        }
    }
    out.push_str("# EOF\n");
    out
}

fn histogram(
    out: &mut String,
    name: &str,
    metric: &Metric,
    exemplar: &impl Fn(&str, &Metric, usize) -> Option<Exemplar>,
) {
    let histogram = metric.get_histogram();
    let bucket = format!("{name}_bucket");
    let bounded = histogram.get_bucket().iter();
    let bounded = bounded.map(|b| (number(b.upper_bound()), b.cumulative_count()));
    let all = bounded.chain([("+Inf".to_owned(), histogram.get_sample_count())]);
    for (at, (bound, count)) in all.enumerate() {
        line(out, &bucket, metric, Some(&bound));
        let _ = write!(out, " {count}");
        if let Some(exemplar) = exemplar(name, metric, at) {
            let Exemplar { trace, seconds, at } = exemplar;
            let _ = write!(out, " # {{trace_id=\"{trace}\"}} {seconds} {at:.3}");
        }
        out.push('\n');
    }
    line(out, &format!("{name}_count"), metric, None);
    let _ = writeln!(out, " {}", histogram.get_sample_count());
    line(out, &format!("{name}_sum"), metric, None);
    let _ = writeln!(out, " {}", number(histogram.get_sample_sum()));
}

/// A sample's name and labels.
fn line(out: &mut String, name: &str, metric: &Metric, bound: Option<&str>) {
    out.push_str(name);
    let labels = metric.get_label().iter().map(|l| (l.name(), l.value()));
    let mut before = '{';
    for (name, value) in labels.chain(bound.map(|bound| ("le", bound))) {
        let _ = write!(out, "{before}{name}=\"{}\"", escaped(value));
        before = ',';
    }
    if before == ',' {
        out.push('}');
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// A number in its shortest exact form, with a point, as the form demands of bounds.
fn number(value: f64) -> String {
    format!("{value:?}")
}
