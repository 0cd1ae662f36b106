//! What compression saves, on the operators' page.

use super::OperatorsView;
use super::page::Html;
use crate::compression::Mode;

/// The section; nothing until something could have been saved.
pub(super) fn savings(html: &mut Html, view: &OperatorsView) {
    let totals = view.compression.totals();
    if totals.is_empty() {
        return;
    }
    html.raw("<section><h2>Compression</h2><p>Results of tools that were rewritten, or would have been, since the start. Tokens of o200k; on the bill, in tokens read afresh.</p>");
    html.raw("<table><tr><th>Team</th><th>Mode</th><th>Forms</th><th>As they came</th><th>As they went on</th><th>Fewer</th><th>Saved on the bill</th></tr>");
    for ((team, mode, plan), saved) in &totals {
        let fewer = match saved.before {
            0 => "–".to_owned(),
            before => format!(
                "{:.0} %",
                100.0 * (1.0 - saved.after as f64 / before as f64)
            ),
        };
        let plan = match mode {
            Mode::Observe => format!("{}, if it were on", plan.as_str()),
            _ => plan.as_str().to_owned(),
        };
        html.row(&[
            team,
            mode.as_str(),
            &plan,
            &saved.before.to_string(),
            &saved.after.to_string(),
            &fewer,
            &format!("{:.0}", saved.billed),
        ]);
    }
    html.raw("</table>");
    if let Some(originals) = view.compression.originals() {
        html.raw("<p>Originals kept: ")
            .text(&originals.bytes().to_string())
            .raw(" bytes.</p>");
    }
    html.raw("</section>");
}
