//! The status page: one plain page of HTML, made on the server, with nothing loaded from anywhere.

use super::OperatorsView;
use crate::config::Upstream;
use crate::policies::Status;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sallyport_record::{Observed, rfc3339};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;

const STYLE: &str = include_str!("page.css");

/// The page's one style sheet, as a source for the content security policy.
pub(super) fn style_source() -> String {
    format!(
        "style-src 'sha256-{}'; ",
        STANDARD.encode(Sha256::digest(STYLE))
    )
}

/// The page.
pub(super) fn page(view: &OperatorsView, now_ns: i64) -> String {
    let mut html = Html::default();
    html.raw("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">");
    html.raw("<meta http-equiv=\"refresh\" content=\"10\"><title>Sallyport</title><style>")
        .raw(STYLE)
        .raw("</style></head><body>");
    html.raw("<header><h1>Sallyport</h1><p>")
        .text(env!("CARGO_PKG_VERSION"))
        .raw(" · ")
        .text(&rfc3339(now_ns))
        .raw("</p></header><main>");
    policies(&mut html, view);
    upstreams(&mut html, view);
    super::tools::tools(&mut html, view);
    super::savings::savings(&mut html, view);
    teams(&mut html, view);
    decisions(&mut html, view);
    html.raw("</main></body></html>\n");
    html.0
}

fn policies(html: &mut Html, view: &OperatorsView) {
    let status = view.policies.status();
    html.raw("<section><h2>Policies</h2>");
    standing(html, &status);
    let loaded = view.policies.loaded();
    let teams: Vec<&str> = loaded.policy.teams().collect();
    html.raw("<dl><dt>Platform</dt><dd>")
        .text(if loaded.policy.has_org() {
            "has rules"
        } else {
            "has no rules of its own"
        });
    html.raw("</dd><dt>Teams</dt><dd>")
        .text(&if teams.is_empty() {
            "none: nothing is allowed".into()
        } else {
            teams.join(", ")
        })
        .raw("</dd></dl></section>");
}

fn standing(html: &mut Html, status: &Status) {
    html.raw("<dl><dt>In force</dt><dd><code>")
        .text(&status.revision)
        .raw("</code> since ")
        .text(&rfc3339(status.loaded_at_ns))
        .raw("</dd>");
    if let Some(path) = &status.path {
        html.raw("<dt>From</dt><dd><code>")
            .text(&path.display().to_string())
            .raw("</code></dd>");
    }
    html.raw("</dl>");
    if let Some(error) = &status.error {
        html.raw("<div class=\"bad\"><p>What is there now is not in force:</p><pre>")
            .text(error)
            .raw("</pre></div>");
    }
}

fn upstreams(html: &mut Html, view: &OperatorsView) {
    html.raw("<section><h2>Upstreams</h2><table><tr><th>Name</th><th>Address</th><th>Speaks</th><th>Key</th><th>Routes</th></tr>");
    for upstream in &view.config.upstreams {
        let routes: Vec<String> = view
            .config
            .routes
            .iter()
            .filter(|route| route.upstream.name == upstream.name)
            .map(route_words)
            .collect();
        html.row(&[
            &upstream.name,
            &address(upstream),
            upstream.speaks.as_str(),
            if upstream.key.is_some() {
                "yes"
            } else {
                "none"
            },
            &routes.join("; "),
        ]);
    }
    html.raw("</table></section>");
}

fn route_words(route: &crate::config::Route) -> String {
    let models: Vec<&str> = route.models.iter().map(|model| model.as_str()).collect();
    match models.is_empty() {
        true => format!("{}: every model", route.name),
        false => format!("{}: {}", route.name, models.join(", ")),
    }
}

/// An upstream's address in full.
pub(crate) fn address(upstream: &Upstream) -> String {
    let scheme = if upstream.url.tls { "https" } else { "http" };
    format!(
        "{scheme}://{}{}",
        upstream.url.authority(),
        upstream.url.base
    )
}

fn teams(html: &mut Html, view: &OperatorsView) {
    let keys = view.keys.current();
    let mut teams: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for caller in keys.callers() {
        teams
            .entry(&caller.team)
            .or_default()
            .push(format!("{} ({})", caller.key, caller.agent));
    }
    html.raw("<section><h2>Keys</h2>");
    if let Some(error) = &view.keys.status().error {
        html.raw("<div class=\"bad\"><p>What is there now is not in force:</p><pre>")
            .text(error)
            .raw("</pre></div>");
    }
    html.raw("<table><tr><th>Team</th><th>Key (agent)</th></tr>");
    for (team, keys) in teams {
        html.row(&[team, &keys.join(", ")]);
    }
    html.raw("</table></section>");
}

fn decisions(html: &mut Html, view: &OperatorsView) {
    let records = view.records.recent();
    html.raw("<section><h2>Last decisions</h2>");
    if view.records.dropped() > 0 {
        html.raw("<p class=\"bad\">")
            .text(&view.records.dropped().to_string())
            .raw(" decision records were lost.</p>");
    }
    html.raw("<table><tr><th>Time</th><th>Verdict</th><th>Team</th><th>Agent</th><th>Operation</th><th>Model</th><th>Status</th><th>Rules</th><th>Findings</th><th>Tokens</th><th>ms</th><th>Id</th></tr>");
    for record in &records {
        decision(html, record);
    }
    html.raw("</table>");
    if records.is_empty() {
        html.raw("<p>None yet.</p>");
    }
    html.raw("</section>");
}

fn decision(html: &mut Html, observed: &Observed) {
    let record = &observed.record;
    let verdict = record.verdict.as_str();
    let (team, agent) = record
        .caller
        .as_ref()
        .map_or(("", ""), |caller| (&*caller.team, &*caller.agent));
    let mut findings: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in &record.findings {
        *findings.entry(&finding.label).or_default() += 1;
    }
    let findings: Vec<String> = findings
        .iter()
        .map(|(label, count)| {
            if *count == 1 {
                (*label).into()
            } else {
                format!("{label} ×{count}")
            }
        })
        .collect();
    let failure = record.failure.as_ref().map(|failure| &*failure.code);
    let rules: Vec<&str> = record
        .rules
        .iter()
        .map(|rule| &**rule)
        .chain(failure)
        .collect();
    let tokens = [record.usage.input, record.usage.output]
        .map(|count| count.map_or_else(|| "–".into(), |count| count.to_string()))
        .join(" / ");
    let ms = record
        .micros
        .total
        .map_or_else(String::new, |micros| format!("{:.1}", micros as f64 / 1e3));
    // The class is one of five fixed words.
    let _ = write!(html.0, "<tr class=\"{verdict}\">");
    for cell in [
        &record.time,
        verdict,
        team,
        agent,
        record.operation.as_deref().unwrap_or_default(),
        record.model.as_deref().unwrap_or_default(),
        &record.status.to_string(),
        &rules.join(", "),
        &findings.join(", "),
        &tokens,
        &ms,
        &record.id,
    ] {
        html.raw("<td>").text(cell).raw("</td>");
    }
    html.raw("</tr>");
}

/// HTML that is being written: what is not markup of ours is escaped.
#[derive(Default)]
pub(super) struct Html(String);

impl Html {
    /// Markup of ours.
    pub(super) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Anybody's words.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // Shown, so that no text can turn the page's direction or hide itself.
                c if c != '\n'
                    && (c.is_control()
                        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')) =>
                {
                    let _ = write!(self.0, "\\u{{{:x}}}", c as u32);
                }
                c => self.0.push(c),
            }
        }
        self
    }

    pub(super) fn row(&mut self, cells: &[&str]) {
        self.raw("<tr>");
        for cell in cells {
            self.raw("<td>").text(cell).raw("</td>");
        }
        self.raw("</tr>");
    }
}

#[cfg(test)]
mod tests {
    use super::Html;

    #[test]
    fn words_are_escaped() {
        let mut html = Html::default();
        html.text("<script>alert('x')</script> & \"q\" \u{202e}evil\u{7}");
        assert_eq!(
            html.0,
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;q&quot; \\u{202e}evil\\u{7}"
        );
    }
}
