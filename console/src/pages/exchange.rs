//! One exchange, opened into its parts.

use super::parts;
use crate::console::{Missing, View};
use crate::page::verdict;
use crate::request::encode;
use crate::words::{bytes, count, dollars, time, took};
use maud::{Markup, html};
use sallyport_record::{CompressionRecord, Observed, Record, SavedRecord, Stage, Verdict};

/// Width of the timing's bars, in their own units.
const WIDTH: f64 = 1000.0;

/// The page.
pub(crate) fn page(view: &View<'_>, id: &str) -> Result<Markup, Missing> {
    let Some((row, observed)) = view.history.one(id)? else {
        return Err(Missing::Nothing(
            "No such exchange is remembered. The history has a bound, and the oldest go first.",
        ));
    };
    let record = &observed.record;
    Ok(html! {
        p.crumbs { a href="/" { "Live" } " › " @if let Some(session) = &record.session { a href={ "/sessions/" (encode(session)) } { "session " (session) } " › " } code { (record.id) } }
        header.verdict-head.(record.verdict.as_str()) {
            h1 { (verdict(record.verdict)) " " (sentence(record)) }
            p { (who(record)) " · " time datetime=(record.time) { (record.time) } " · status " (record.status)
                " · " a href={ "/api/exchanges/" (encode(id)) } { "JSON" } " · " span.soft { "no. " (count(row.max(0) as u64)) } }
        }
        (reasons(record))
        div.columns { (timing(&observed)) (about(&observed)) }
        (parts::parts(&observed))
        (changes(&observed))
    })
}

/// What became of it, in words.
fn sentence(record: &Record) -> Markup {
    let rules: Vec<&str> = record.refused_by.iter().map(|rule| &**rule).collect();
    let by = html! { @for (at, rule) in rules.iter().enumerate() { @if at > 0 { ", " } code { (rule) } } };
    html! {
        @match record.verdict {
            Verdict::Allowed => "It passed as it came.",
            Verdict::Redacted => "It passed with something masked or hidden.",
            Verdict::Denied => { "Refused" @if !rules.is_empty() { " by " (by) } "." },
            Verdict::Steered => { "Refused with guidance" @if !rules.is_empty() { " by " (by) } "." },
            Verdict::Failed => { @match &record.failure {
                Some(failure) => { "Broke: " code { (failure.code) } ", the " (failure.blame.as_str()) "’s doing." },
                None => "Broke before anything was decided.",
            } },
        }
    }
}

fn who(record: &Record) -> Markup {
    html! {
        @match &record.caller {
            Some(caller) => { (caller.team) " / " strong { (caller.agent) } },
            None => "nobody who is known",
        }
        " asked for " strong { (record.operation.as_deref().unwrap_or("something unknown")) }
        @if let Some(model) = &record.model { " of " code { (model) } }
        @if let Some(mcp) = &record.mcp { " " code { (mcp.method) @if let Some(name) = &mcp.name { " " (name) } } }
    }
}

fn reasons(record: &Record) -> Markup {
    let failed_too = record.verdict != Verdict::Failed && record.failure.is_some();
    if record.rules.is_empty()
        && record.warnings.is_empty()
        && record.calls.is_empty()
        && record.hidden.is_empty()
        && !failed_too
    {
        return html! {};
    }
    html! {
        section.reasons { h2 { "What decided it" }
            dl.facts {
                @if !record.rules.is_empty() {
                    dt { "Rules that spoke" } dd { @for rule in &record.rules {
                        a.rule.refused[record.refused_by.contains(rule)] href={ "/?rule=" (encode(rule)) } { (rule) @if record.refused_by.contains(rule) { span.soft { " refused" } } } " "
                    } }
                }
                @for warning in &record.warnings {
                    dt { "Noted by " (warning.rule) } dd { @match &warning.say { Some(say) => (say), None => span.soft { "its words are not kept" } } }
                }
                @if !record.calls.is_empty() {
                    dt { "Tool calls" } dd { @for call in &record.calls {
                        div { (verdict(call.verdict)) " " a.tool href={ "/?tool=" (encode(&call.tool)) } { (call.tool) } @if let Some(rule) = &call.rule { " by " code { (rule) } } }
                    } }
                }
                @if !record.hidden.is_empty() {
                    dt { "Tools that were hidden" } dd { @for tool in &record.hidden { span.tool.blocked { (tool) } " " } }
                }
                @if failed_too { @if let Some(failure) = &record.failure {
                    dt { "And then" } dd { code { (failure.code) } ", the " (failure.blame.as_str()) "’s doing" }
                } }
            }
        }
    }
}

fn timing(observed: &Observed) -> Markup {
    let micros = &observed.record.micros;
    let end = |stage: &Stage| stage.start.saturating_add(stage.micros);
    let last = observed.stages.iter().map(end).max().unwrap_or(0);
    let total = micros.total.unwrap_or(last).max(last).max(1);
    html! {
        section.timing { h2 { "Where the time went" }
            @if observed.stages.is_empty() { p.soft { "No stage was timed. In all: " (micros.total.map_or_else(|| "unknown".into(), took)) "." } }
            @else {
                table.waterfall {
                    thead.unseen { tr { th scope="col" { "Stage" } th scope="col" { "When" } th scope="col" { "Took" } } }
                    tbody {
                        @for stage in &observed.stages { (stage_row(stage, total)) }
                        tr.total { th scope="row" { "in all" } td {} td.number { (took(total)) } }
                    }
                }
                @if let Some(first) = micros.upstream_first { p.soft { "First byte from the upstream after " (took(first)) "." } }
            }
        }
    }
}

fn stage_row(stage: &Stage, total: u64) -> Markup {
    let scale = |micros: u64| micros.min(total) as f64 / total as f64 * WIDTH;
    let x = scale(stage.start);
    // Whatever took time can be seen.
    let width = scale(stage.micros).max(3.0).min(WIDTH - x.min(WIDTH - 3.0));
    let busy = scale(stage.busy.min(stage.micros)).max(3.0).min(width);
    let name = stage.name.as_str();
    html! {
        tr {
            th scope="row" { (name) span.soft { " " (stage.flow) } }
            td {
                svg.bar viewBox={ "0 0 " (WIDTH) " 14" } preserveAspectRatio="none" aria-hidden="true" {
                    rect.track width=(WIDTH) height="14" {}
                    rect class={ "stage faint " (name) } x=(format!("{:.1}", x.min(WIDTH - 3.0))) width=(format!("{width:.1}")) height="14" {}
                    rect class={ "stage " (name) } x=(format!("{:.1}", x.min(WIDTH - 3.0))) width=(format!("{busy:.1}")) height="14" {}
                }
                @if !stage.within.is_empty() { p.within { @for (filter, micros) in &stage.within { span { (filter) " " b { (took(*micros)) } } " " } } }
            }
            td.number title={ "from " (took(stage.start)) " on; worked " (took(stage.busy)) } { (took(stage.micros)) }
        }
    }
}

fn about(observed: &Observed) -> Markup {
    let record = &observed.record;
    let row = |name: &str, value: Option<Markup>| html! { @if let Some(value) = value { dt { (name) } dd { (value) } } };
    let code = |text: &str| html! { code { (text) } };
    let tokens = |count_of: Option<u64>| count_of.map_or_else(|| "not said".into(), count);
    let usage = &record.usage;
    html! {
        section.about { h2 { "What it was" }
            dl.facts {
                (row("Key", record.caller.as_ref().map(|caller| html! { (caller.key) })))
                (row("Route", record.route.as_ref().map(|route| html! { (route) @if let Some(upstream) = &record.upstream { " → " a href={ "/?upstream=" (encode(upstream)) } { (upstream) } } })))
                (row("Sent to", observed.peer.as_ref().map(|peer| html! { (peer.provider) @if let Some(address) = &peer.address { " at " code { (address) @if let Some(port) = peer.port { ":" (port) } } } })))
                (row("Spoken", record.dialect.as_ref().map(|dialect| html! { (dialect) @if record.stream { ", streamed" } })))
                (row("MCP", record.mcp.as_ref().map(|mcp| html! { code { (mcp.method) } " " (mcp.name.as_deref().unwrap_or_default()) " " span.soft { "revision " (mcp.revision) } })))
                (row("Model that answered", observed.said.model.as_ref().map(|model| html! { code { (model) } })))
                (row("Ended because", (!observed.said.finish_reasons.is_empty()).then(|| html! { (observed.said.finish_reasons.join(", ")) })))
                (row("Settings", settings(observed)))
                (row("Tokens", Some(html! { (tokens(usage.input)) " in, " (tokens(usage.output)) " out" @if let Some(cached) = usage.cached { ", " (count(cached)) " from the cache" } })))
                (row("Cost", Some(html! { (record.cost_usd.map_or_else(|| "unknown: no price for the model, or no tokens".into(), dollars)) })))
                (row("Compression", record.compression.as_ref().map(compression)))
                (row("Bytes", Some(html! { (bytes(record.bytes.request)) " in, " (bytes(record.bytes.answer)) " out" })))
                (row("Not understood", (record.unread > 0).then(|| html! { (record.unread) " things that no reader knows" })))
                (row("Policy", record.policy.as_deref().map(code)))
                (row("Trace", record.trace.as_deref().map(code)))
                (row("Answer’s id", observed.said.id.as_deref().map(code)))
                (row("Began", Some(html! { (time(observed.began_ns)) })))
                (row("Left out of this record", (record.left_out > 0).then(|| html! { (record.left_out) " entries" })))
            }
        }
    }
}

fn settings(observed: &Observed) -> Option<Markup> {
    let settings = &observed.settings;
    let mut said: Vec<String> = Vec::new();
    let mut say = |name: &str, value: Option<String>| {
        said.extend(value.map(|value| format!("{name} {value}")))
    };
    say(
        "at most",
        settings
            .max_tokens
            .map(|most| format!("{} tokens", count(most))),
    );
    say(
        "temperature",
        settings.temperature.map(|value| value.to_string()),
    );
    say("top-p", settings.top_p.map(|value| value.to_string()));
    say("top-k", settings.top_k.map(|value| value.to_string()));
    say("seed", settings.seed.map(|value| value.to_string()));
    say("choices", settings.choices.map(|value| value.to_string()));
    (!said.is_empty()).then(|| html! { (said.join(", ")) })
}

fn compression(compression: &CompressionRecord) -> Markup {
    let saved = |name: &str, saved: Option<SavedRecord>| {
        html! {
            @if let Some(saved) = saved {
                div { (name) ": " (count(saved.tokens_before)) " → " (count(saved.tokens_after)) " tokens" span.soft { ", " (count(saved.billed_saved.max(0.0) as u64)) " on the bill" } }
            }
        }
    };
    html! {
        (compression.mode) ", " (compression.rewritten) " of " (compression.blocks) " results rewritten"
        (saved("Without loss", compression.lossless))
        (saved("With originals kept", compression.reversible))
    }
}

/// How the body changed on its way, as far as that is known.
fn changes(observed: &Observed) -> Markup {
    let Some(digests) = &observed.record.digests else {
        return html! {};
    };
    let known = [
        ("Request, as the agent sent it", &digests.request),
        ("Request, as it went on", &digests.sent),
        ("Answer, as the agent got it", &digests.answer),
    ];
    let changed = match (&digests.request, &digests.sent) {
        (Some(came), Some(went)) if came == went => {
            Some("The request went on byte for byte as it came.")
        }
        (Some(_), Some(_)) => Some("The request was changed on its way."),
        _ => None,
    };
    html! {
        section { h2 { "Digests" }
            @if let Some(changed) = changed { p { (changed) } }
            dl.facts { @for (name, digest) in known { @if let Some(digest) = digest { dt { (name) } dd { code { (digest) } } } } }
            p.soft { "SHA-256 of the bodies, as the audit log has them." }
        }
    }
}
