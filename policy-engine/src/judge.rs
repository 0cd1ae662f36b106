//! Judging one whole body: filters look, policies decide, and a ruling comes out. It cannot fail.

mod message;
mod seams;

use crate::decision::{Decision, Settings};
use crate::facts::{CallFacts, Facts, OfferFacts, Via};
use crate::placeholder::Placeholders;
use crate::policy::Policy;
use crate::ruling::{CallRuling, FILTERS_MAX, Ruling, Spent, Trail};
use crate::witness::Witness;
use bytes::Bytes;
use sallyport_exchange::edit::{Edit, cuts};
use sallyport_exchange::json::Tape;
use sallyport_exchange::{
    Denial, Dialect, Edits, Exchange, Filter, Finding, Flow, Kind, Label, Operation, Part, PartId,
    PartView, Payload, Report, Span, Usage,
};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// Findings of one body, or of one stream. A body with more is refused: it could not be judged in a sensible time.
pub const FINDINGS_MAX: usize = 100_000;

/// Bytes of tool arguments, written as JSON within JSON, that may be gone through again to mask findings in them.
const NESTED_WORK_MAX: usize = 256 << 20;

/// Labels that are always masked, whatever a policy says: the gateway's own keys.
pub const ALWAYS_MASKED: &str = "secret.upstream_key";

/// Tells how long it has run. The engine has no clock of its own; the gateway lends one.
pub type Stopwatch = fn() -> Duration;

/// Filters and policies together: everything that is needed to judge.
pub struct Engine {
    pub(crate) filters: Vec<Box<dyn Filter>>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) placeholders: Placeholders,
    pub(crate) stopwatch: Stopwatch,
    pub(crate) witness: Option<Arc<dyn Witness>>,
}

/// What the request's ruling, and the ledger, leave to be known when an answer is judged.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Tools that were hidden from the model: a call of one is refused.
    pub hidden: Vec<String>,
    /// The model that was asked.
    pub model: Option<String>,
    /// The declaration of the tool that is called at a tool server, as JSON.
    pub offer: Option<Arc<str>>,
    /// What is known of the message's parts beyond what filters see in them: a tool that changed since it was pinned.
    pub found: Vec<Finding>,
    /// Whether `allow` was given before, for something that this is a part of: it is not asked again. Everything else
    /// that policies say counts.
    pub granted: bool,
}

impl Engine {
    /// An engine of these filters under this policy.
    pub fn new(
        filters: Vec<Box<dyn Filter>>,
        policy: Arc<Policy>,
        placeholders: Placeholders,
        stopwatch: Stopwatch,
    ) -> Self {
        Engine {
            filters,
            policy,
            placeholders,
            stopwatch,
            witness: None,
        }
    }

    /// The policy it judges by.
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// Judges a request. `stored`: ids of provider-side state it leans on that are not the caller's own.
    pub fn judge_request(&self, about: &Exchange, payload: &Payload, stored: &[&str]) -> Ruling {
        let mut judging = Judging::begin(self, about, Flow::Request, payload, stored);
        let decision = judging.decide(payload.model());
        let verdict = judging
            .refused(&decision)
            .or_else(|| judging.too_many())
            .or_else(|| foreign_state(stored, &decision.settings))
            .or_else(|| model_not_allowed(about.operation, payload.model(), &decision.settings))
            .map_or_else(|| judging.request_edits(&decision), Err);
        judging.end(verdict, decision)
    }

    /// Judges a whole answer: its words, and every tool call in it.
    pub fn judge_answer(&self, about: &Exchange, payload: &Payload, terms: &Terms) -> Ruling {
        let mut judging = Judging::begin(self, about, Flow::Answer, payload, &[]);
        let model = payload
            .model()
            .or(terms.model.as_deref())
            .map(str::to_owned);
        let mut decision = judging.decide(model.as_deref());
        let verdict = judging
            .refused(&decision)
            .or_else(|| judging.too_many())
            .or_else(|| judging.calls(model.as_deref(), terms, &mut decision))
            .map_or_else(|| judging.masks(&decision.redact), Err)
            .map(|edits| without_models(edits, about, payload, &decision.settings));
        judging.end(verdict, decision)
    }

    /// Shows one part to the filters that want it.
    pub(crate) fn inspect(&self, view: &PartView<'_>, findings: &mut Vec<Finding>) {
        self.show(view, findings, |filter, report| {
            filter.inspect(view, report)
        });
    }

    /// Shows one part that may still grow to the filters that want it.
    pub(crate) fn inspect_growing(&self, view: &PartView<'_>, findings: &mut Vec<Finding>) {
        self.show(view, findings, |filter, report| {
            filter.inspect_growing(view, report)
        });
    }

    fn show(
        &self,
        view: &PartView<'_>,
        findings: &mut Vec<Finding>,
        look: impl Fn(&dyn Filter, &mut Report<'_>),
    ) {
        let first = findings.len();
        for filter in &self.filters {
            if filter.wants(view.kind, view.author) {
                look(&**filter, &mut Report::new(view.id, findings));
            }
        }
        sort(&mut findings[first..]);
    }

    /// Shows all parts of a body to the filters that want them.
    fn inspect_all(
        &self,
        views: &[PartView<'_>],
        findings: &mut Vec<Finding>,
    ) -> [(&'static str, u64); FILTERS_MAX] {
        let mut spent = [("", 0); FILTERS_MAX];
        let mut begun = (self.stopwatch)();
        for (i, filter) in self.filters.iter().enumerate() {
            filter.inspect_all(views, findings);
            let now = (self.stopwatch)();
            let spent = &mut spent[i.min(FILTERS_MAX - 1)];
            *spent = (filter.name(), spent.1 + nanos(now - begun));
            begun = now;
        }
        sort(findings);
        spent
    }

    /// Whether a finding of this label is to be masked under these patterns.
    pub(crate) fn is_masked(label: Label, patterns: &[String]) -> bool {
        label.as_str() == ALWAYS_MASKED || patterns.iter().any(|p| label.matches(p))
    }

    /// Asks the policies whether a tool may be called. `call.arguments` must have been read strictly.
    pub(crate) fn judge_call(&self, facts: &Facts<'_>, terms: &Terms) -> Result<Decision, Denial> {
        let call = facts.call.unwrap_or(CallFacts {
            id: "",
            tool: "",
            arguments: None,
            input: None,
        });
        if terms.hidden.iter().any(|tool| tool == call.tool) {
            return Err(Denial::deny(
                "gateway/hidden-tool",
                format!("The tool `{}` is not available here.", shown(call.tool)),
            ));
        }
        if call.arguments.is_none() && call.input.is_none() {
            return Err(Denial::deny(
                "gateway/unreadable-arguments",
                format!(
                    "The arguments of `{}` are not a JSON object.",
                    shown(call.tool)
                ),
            ));
        }
        let decision = self.decide(facts);
        match decision.denials.first() {
            Some(denial) => Err(denial.clone()),
            None => Ok(decision),
        }
    }
}

/// By place, then by name.
fn sort(findings: &mut [Finding]) {
    let key = |f: &Finding| (f.part, f.range.start, f.range.end, f.label);
    findings.sort_by_key(key);
}

/// A name that came from outside, as an error may show it.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}

/// One body on its way to a ruling.
struct Judging<'a> {
    engine: &'a Engine,
    about: &'a Exchange,
    flow: Flow,
    payload: &'a Payload,
    stored: &'a [&'a str],
    views: Vec<PartView<'a>>,
    trail: Trail,
    /// There was more to be found than is gone through.
    too_many: bool,
}

impl<'a> Judging<'a> {
    fn begin(
        engine: &'a Engine,
        about: &'a Exchange,
        flow: Flow,
        payload: &'a Payload,
        stored: &'a [&'a str],
    ) -> Self {
        let begun = (engine.stopwatch)();
        let views: Vec<PartView<'a>> = payload.views().collect();
        let mut findings = Vec::new();
        for view in &views {
            if view.kind == Kind::Media {
                findings.push(sallyport_exchange::dialect::unscanned(view.id));
            }
        }
        let filters_ns = engine.inspect_all(&views, &mut findings);
        engine.inspect_seams(&views, &payload.outline().parts, &mut findings);
        let too_many = findings.len() > FINDINGS_MAX;
        findings.truncate(FINDINGS_MAX);
        let seen_in = |f: &Finding| {
            let view = &views[f.part.0 as usize];
            (view.kind, view.author)
        };
        let trail = Trail {
            seen_in: findings.iter().map(seen_in).collect(),
            findings,
            spent: Spent {
                inspect_ns: nanos((engine.stopwatch)() - begun),
                filters_ns,
                ..Spent::default()
            },
            ..Trail::default()
        };
        Judging {
            engine,
            about,
            flow,
            payload,
            stored,
            views,
            trail,
            too_many,
        }
    }

    /// Asks the policies about the body as a whole.
    fn decide(&mut self, model: Option<&str>) -> Decision {
        let begun = (self.engine.stopwatch)();
        let needs = self.engine.needs(&self.about.caller.team);
        let offers = if needs.tools {
            self.offers()
        } else {
            Vec::new()
        };
        let unread: Vec<&str> = self
            .payload
            .outline()
            .unread
            .iter()
            .map(|t| self.payload.text(*t))
            .collect();
        let facts = self.facts(self.about.operation, model, &offers, &unread, None);
        let decision = self.engine.decide(&facts);
        self.trail.spent.policy_ns += nanos((self.engine.stopwatch)() - begun);
        decision
    }

    fn facts<'f>(
        &'f self,
        operation: Operation,
        model: Option<&'f str>,
        offers: &'f [OfferFacts<'f>],
        unread: &'f [&'f str],
        call: Option<CallFacts<'f>>,
    ) -> Facts<'f> {
        let usage = self.payload.outline().usage;
        Facts {
            about: self.about,
            flow: self.flow,
            operation,
            via: match self.about.dialect {
                Dialect::Mcp => Via::Mcp,
                _ => Via::Chat,
            },
            model,
            stream: self.payload.outline().streamed,
            parts: &self.views,
            offers,
            call,
            findings: &self.trail.findings,
            unread,
            stored: self.stored,
            usage: (usage != Usage::default()).then_some(usage),
        }
    }

    fn offers(&self) -> Vec<OfferFacts<'a>> {
        let payload = self.payload;
        let offers = payload.of_kind(Kind::ToolOffer);
        offers
            .map(|(_, part)| OfferFacts {
                name: part.tool.map_or("", |t| payload.text(t)),
                form: part.form.map_or("function", |t| payload.text(t)),
                server_url: part.json.and_then(|t| server_url(payload.text(t))),
                description: payload.text(part.text),
                json: part.json.map_or("null", |t| payload.text(t)),
            })
            .collect()
    }

    fn too_many(&self) -> Option<Denial> {
        self.too_many.then(too_many_findings)
    }

    /// The first denial that a decision holds.
    fn refused(&self, decision: &Decision) -> Option<Denial> {
        decision.denials.first().cloned()
    }

    /// Judges every tool call of an answer; the first that is refused refuses the answer.
    fn calls(
        &mut self,
        model: Option<&str>,
        terms: &Terms,
        decision: &mut Decision,
    ) -> Option<Denial> {
        let begun = (self.engine.stopwatch)();
        let mut refused = None;
        for (_, part) in self.payload.of_kind(Kind::ToolCall) {
            let (call, via) = call_facts(part, self.payload);
            let facts = Facts {
                via,
                ..self.facts(Operation::ToolCall, model, &[], &[], Some(call))
            };
            let (ruled, refused_by) = match self.engine.judge_call(&facts, terms) {
                Ok(ruled) => (Some(ruled), None),
                Err(denial) => (None, Some(denial)),
            };
            self.trail.calls.push(CallRuling {
                tool: call.tool.to_owned(),
                refused_by: refused_by.as_ref().map(|d| d.rule.clone()),
            });
            if let Some(ruled) = ruled {
                self.trail.note_rules(ruled.rules);
                self.trail.note_warnings(ruled.warnings);
                decision.redact.extend(ruled.redact);
            }
            if let Some(denial) = refused_by {
                self.trail.note_rules(vec![denial.rule.clone()]);
                refused.get_or_insert(denial);
            }
        }
        self.trail.spent.policy_ns += nanos((self.engine.stopwatch)() - begun);
        refused
    }

    fn request_edits(&mut self, decision: &Decision) -> Result<Edits, Denial> {
        let mut edits = self.masks(&decision.redact)?;
        let outline = self.payload.outline();
        let is_hidden = |part: &Part| {
            part.tool
                .is_some_and(|t| decision.hide.iter().any(|h| h == self.payload.text(t)))
        };
        // Lists of one holder share its members: those that go are cut together, or a comma would stay.
        let mut holders: Vec<(&[Span], Vec<usize>)> = Vec::new();
        let mut listed = 0;
        for list in &outline.offer_lists {
            let gone = |(id, _): &(PartId, Span)| is_hidden(&outline.parts[id.0 as usize]);
            listed += list.offers.iter().filter(|offer| gone(offer)).count();
            let all = !list.offers.is_empty() && list.offers.iter().all(gone);
            match holders
                .iter_mut()
                .find(|(members, _)| *members == list.members)
            {
                _ if !all => {
                    let spans: Vec<Span> = list.offers.iter().map(|(_, span)| *span).collect();
                    cut(&mut edits, &spans, |i| gone(&list.offers[i]));
                }
                Some((_, going)) => going.extend(&list.dependants),
                None => holders.push((&list.members, list.dependants.clone())),
            }
        }
        for (members, going) in holders {
            cut(&mut edits, members, |i| going.contains(&i));
        }
        let offered = self
            .payload
            .of_kind(Kind::ToolOffer)
            .filter(|(_, part)| is_hidden(part))
            .count();
        if offered > listed {
            return Err(Denial::deny(
                "gateway/hidden-tool",
                "A tool that is not available here is offered in a place from which it cannot be taken out.",
            ));
        }
        self.trail.hidden = decision.hide.clone();
        match outline.forced_tool.map(|t| self.payload.text(t)) {
            Some(tool) if decision.hide.iter().any(|h| h == tool) => Err(Denial::deny(
                "gateway/hidden-tool",
                format!(
                    "`tool_choice` names the tool `{}`, which is not available here.",
                    shown(tool)
                ),
            )),
            _ => Ok(edits),
        }
    }

    /// The edits that mask what matches `patterns`.
    fn masks(&mut self, patterns: &[String]) -> Result<Edits, Denial> {
        let mut edits = Edits::default();
        let mut work = 0;
        for (part, label, range) in masked(&self.trail.findings, patterns) {
            let read = &self.payload.outline().parts[part.0 as usize];
            if read.kind == Kind::ToolCall {
                work += read.whole.len();
            }
            if work > NESTED_WORK_MAX {
                return Err(too_many_findings());
            }
            let text = self.payload.view(part).text;
            let Some(secret) = text.get(range.clone()) else {
                continue;
            };
            let words = self
                .engine
                .placeholders
                .words(&self.about.caller.team, label, secret);
            self.payload
                .redact(part, range, &words, &mut edits)
                .map_err(|_| sealed(label))?;
            self.trail.masked += 1;
        }
        Ok(edits)
    }

    fn end(mut self, verdict: Result<Edits, Denial>, decision: Decision) -> Ruling {
        let edited = verdict.as_ref().is_ok_and(|edits| !edits.is_empty());
        let verdict = verdict
            .map(|edits| edits.apply(self.payload.bytes()))
            .and_then(|bytes| still_reads(bytes, edited));
        self.trail.note_rules(decision.rules);
        if let Err(denial) = &verdict {
            self.trail.note_rules(vec![denial.rule.clone()]);
        }
        self.trail.note_warnings(decision.warnings);
        self.trail.detail = decision.detail;
        self.trail.redact = decision.redact;
        Ruling {
            verdict,
            edited,
            trail: self.trail,
            settings: decision.settings,
        }
    }
}

/// An edited body must read as strictly as the one that came: masking keys of one object could make two of
/// them the same.
fn still_reads(bytes: Bytes, edited: bool) -> Result<Bytes, Denial> {
    let is_json = matches!(bytes.first(), Some(b'{' | b'['));
    if edited && is_json && Tape::read(&bytes).is_err() {
        return Err(Denial::deny(
            "gateway/unmaskable",
            "Something in this body has to be masked, but lies where masking would break it.",
        ));
    }
    Ok(bytes)
}

/// The facts of a call that stands whole in a body, and who would run it.
pub(crate) fn call_facts<'a>(part: &Part, payload: &'a Payload) -> (CallFacts<'a>, Via) {
    let text = |t| payload.text(t);
    let form = part.form.map(text);
    // What is free text by nature, or is run by the provider, may be no object; a function's arguments must be.
    let json = part
        .json
        .map(text)
        .filter(|json| json.trim_start().starts_with('{'));
    let call = CallFacts {
        id: part.call.map_or("", text),
        tool: part.tool.map_or("", text),
        arguments: json,
        input: (json.is_none() && form.is_some()).then(|| text(part.text)),
    };
    let via = if form.is_some_and(|form| form != "custom") {
        Via::Provider
    } else {
        Via::Chat
    };
    (call, via)
}

/// Where a hosted tool server is, if a declaration names one.
fn server_url(declaration: &str) -> Option<&str> {
    let tape = Tape::read_str(declaration).ok()?;
    let url = tape
        .root()
        .member("server_url")
        .or_else(|| tape.root().member("url"))?;
    let (span, _) = url.content()?;
    declaration.get(span.range())
}

fn cut(edits: &mut Edits, items: &[Span], gone: impl Fn(usize) -> bool) {
    for span in cuts(items, gone) {
        edits.insert(Edit {
            span,
            with: String::new(),
        });
    }
}

/// The arguments of a streamed call as facts may hold them: strictly read, and an object.
pub(crate) fn strict_object(arguments: &str) -> Option<&str> {
    let text = if arguments.trim().is_empty() {
        "{}"
    } else {
        arguments
    };
    let tape = Tape::read_str(text).ok()?;
    tape.root().members().is_some().then_some(text)
}

/// What is to be masked: for each part, ranges that do not meet, each under the label of its surest finding.
pub(crate) fn masked(
    findings: &[Finding],
    patterns: &[String],
) -> Vec<(PartId, Label, Range<usize>)> {
    let mut chosen: Vec<&Finding> = findings
        .iter()
        .filter(|f| !f.range.is_empty() && Engine::is_masked(f.label, patterns))
        .collect();
    chosen.sort_by_key(|f| (f.part, f.range.start, f.range.end));
    let mut merged: Vec<(PartId, Label, Range<usize>, f32)> = Vec::new();
    for finding in chosen {
        match merged.last_mut() {
            Some((part, label, range, score))
                if *part == finding.part && finding.range.start < range.end =>
            {
                range.end = range.end.max(finding.range.end);
                if finding.score > *score {
                    (*label, *score) = (finding.label, finding.score);
                }
            }
            _ => merged.push((
                finding.part,
                finding.label,
                finding.range.clone(),
                finding.score,
            )),
        }
    }
    merged
        .into_iter()
        .map(|(part, label, range, _)| (part, label, range))
        .collect()
}

pub(crate) fn too_many_findings() -> Denial {
    Denial::deny(
        "gateway/too-many-findings",
        "There is more to be masked or judged in this body than can be gone through. Send less at once.",
    )
}

pub(crate) fn sealed(label: Label) -> Denial {
    Denial::deny(
        "gateway/sealed",
        format!(
            "`{label}` was found in content that the provider has signed; it cannot be masked without breaking it."
        ),
    )
}

/// State that the gateway never saw is refused unless a policy says `"stored": "allow"`.
fn foreign_state(stored: &[&str], settings: &Settings) -> Option<Denial> {
    let allowed = settings.get("stored").is_some_and(|v| v == "allow");
    (!stored.is_empty() && !allowed).then(|| {
        Denial::deny(
            "gateway/foreign-state",
            "This request leans on state kept at the provider that you did not create through this gateway (a previous response, a conversation, a file). Send the content itself.",
        )
    })
}

/// Whether the setting `models` leaves this model out.
fn model_not_allowed(
    operation: Operation,
    model: Option<&str>,
    settings: &Settings,
) -> Option<Denial> {
    if matches!(operation, Operation::Models | Operation::Stored) {
        return None;
    }
    // A request that names no model has it chosen by something the gateway cannot see.
    let model = model.unwrap_or_default();
    if is_listed(model, settings) {
        return None;
    }
    Some(Denial::deny(
        "gateway/model",
        format!("The model `{}` is not allowed here.", shown(model)),
    ))
}

/// Whether the setting `models`, where there is one, names this model. A name may end in `*`. A setting that
/// is no list names none.
fn is_listed(model: &str, settings: &Settings) -> bool {
    let Some(models) = settings.get("models") else {
        return true;
    };
    let patterns = models
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|m| m.as_str());
    patterns
        .into_iter()
        .any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => model.starts_with(prefix),
            None => model == pattern,
        })
}

/// Takes the models that may not be asked out of a list of models.
fn without_models(
    mut edits: Edits,
    about: &Exchange,
    payload: &Payload,
    settings: &Settings,
) -> Edits {
    if about.operation != Operation::Models || !settings.contains_key("models") {
        return edits;
    }
    let Ok(tape) = Tape::read_str(payload.source()) else {
        return edits;
    };
    let listed = tape.root().member("data").and_then(|data| data.elements());
    let listed: Vec<_> = listed.into_iter().flatten().collect();
    let spans: Vec<Span> = listed.iter().map(|model| model.span()).collect();
    cut(&mut edits, &spans, |i| {
        let id = listed[i].member("id").and_then(|id| id.as_str());
        !id.is_some_and(|id| is_listed(&id, settings))
    });
    edits
}

/// The last character boundary at or before `at`.
pub(crate) fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
