//! All that can be said of some servers' tools at once.

use crate::checks::{check_instructions, check_tool};
use crate::drift::{Change, Comparison, Mode, compare};
use crate::finding::{Observation, Severity};
use crate::leaves;
use crate::lock::{Lock, Pin};
use crate::seen::excerpt;
use crate::shadow::{Offer, check_together};
use crate::tool::{Digest, Listing, Tool, Unread};
use sallyport_exchange::json::Tape;
use sallyport_exchange::{Author, Filter, Finding, Kind, PartId, PartView, Report};
use std::collections::BTreeSet;

/// What follows for one tool, or for all.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Verdict {
    /// Nothing speaks against it.
    Pass,
    /// A person should look.
    Look,
    /// It is not let in.
    Refuse,
}

impl Verdict {
    /// The word a report has for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Look => "look",
            Verdict::Refuse => "refuse",
        }
    }

    fn of<'a>(findings: impl IntoIterator<Item = &'a Observation>) -> Verdict {
        match findings.into_iter().map(|finding| finding.severity).max() {
            Some(Severity::Refusal) => Verdict::Refuse,
            Some(Severity::Warning) => Verdict::Look,
            Some(Severity::Note) | None => Verdict::Pass,
        }
    }
}

/// What was found of some servers.
#[derive(Clone, PartialEq, Debug)]
pub struct Scan {
    /// Each server, in the order given.
    pub servers: Vec<ScannedServer>,
}

impl Scan {
    /// The worst of all. A command that scans fails at [`Verdict::Refuse`] (exit code 1), and at nothing less.
    pub fn verdict(&self) -> Verdict {
        let worst = self.servers.iter().map(ScannedServer::verdict).max();
        worst.unwrap_or(Verdict::Pass)
    }
}

/// What was found of one server.
#[derive(Clone, PartialEq, Debug)]
pub struct ScannedServer {
    /// Its name.
    pub server: String,
    /// What its instructions show.
    pub instructions: Vec<Observation>,
    /// Its tools, in its order.
    pub tools: Vec<ScannedTool>,
    /// Declarations that could not be read.
    pub unread: Vec<Unread>,
    /// How it stands to the lock, if there is one.
    pub comparison: Option<Comparison>,
}

impl ScannedServer {
    /// Names of the tools that agents may see. Enforced: those that nothing speaks against but warnings, so
    /// that given a lock, what is not as approved stays out, and what is approved with a refusal on it stays out
    /// until that finding is accepted. In mode `Warn` only what is listed twice stays out.
    pub fn admitted(&self, mode: Mode) -> BTreeSet<&str> {
        let lets_in = |tool: &&ScannedTool| match mode {
            Mode::Enforce => tool.verdict() != Verdict::Refuse,
            Mode::Warn => tool.change != Some(Change::Twice),
        };
        let tools = self.tools.iter().filter(lets_in);
        tools.map(|tool| tool.name.as_str()).collect()
    }

    /// The worst of its tools, its instructions and what could not be read.
    pub fn verdict(&self) -> Verdict {
        let tools = self.tools.iter().map(ScannedTool::verdict);
        let unread = self.unread.iter().map(|_| Verdict::Refuse);
        let words = Verdict::of(&self.instructions);
        tools.chain(unread).fold(words, Verdict::max)
    }
}

/// What was found of one tool.
#[derive(Clone, PartialEq, Debug)]
pub struct ScannedTool {
    /// Its name.
    pub name: String,
    /// Its digest.
    pub digest: Digest,
    /// How it stands to the lock, if there is one.
    pub change: Option<Change>,
    /// What was found.
    pub findings: Vec<Observation>,
}

impl ScannedTool {
    /// The worst of its findings.
    pub fn verdict(&self) -> Verdict {
        Verdict::of(&self.findings)
    }
}

/// Looks at everything these servers list: by itself, beside each other, and, given a lock, beside what was
/// approved. `filters` look at each tool's words as they would in a chat: what they find is told as a warning,
/// and as a refusal where it is `injection.*`, `marker.*` or `hidden.*`.
///
/// A finding that whoever approved the tool has accepted is told as a note, while the tool is as approved.
pub fn scan(listings: &[Listing], lock: Option<&Lock>, filters: &[&dyn Filter]) -> Scan {
    let mut servers: Vec<ScannedServer> = listings
        .iter()
        .map(|listing| scan_server(listing, lock, filters))
        .collect();
    let mut places = Vec::new();
    let mut offers = Vec::new();
    for (s, listing) in listings.iter().enumerate() {
        for (t, tool) in listing.tools.iter().enumerate() {
            places.push((s, t));
            offers.push(Offer {
                server: &listing.server,
                tool,
                pinned: servers[s].tools[t].change == Some(Change::Unchanged),
            });
        }
    }
    for (offer, finding) in check_together(&offers) {
        let (s, t) = places[offer];
        servers[s].tools[t].findings.push(finding);
    }
    for server in &mut servers {
        let pins = lock.and_then(|lock| lock.server(&server.server));
        for tool in &mut server.tools {
            if let Some(pin) = pins.and_then(|pins| pins.tools.get(&tool.name)) {
                accept(tool, pin);
            }
            tool.findings
                .sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        }
    }
    Scan { servers }
}

fn accept(tool: &mut ScannedTool, pin: &Pin) {
    if tool.change != Some(Change::Unchanged) {
        return;
    }
    for finding in &mut tool.findings {
        if pin.accept.contains(finding.label.as_str()) {
            finding.severity = Severity::Note;
            finding.says.push_str(" (accepted)");
        }
    }
}

fn scan_server(listing: &Listing, lock: Option<&Lock>, filters: &[&dyn Filter]) -> ScannedServer {
    let comparison = lock.map(|lock| compare(lock, listing));
    let mut instructions = Vec::new();
    if let Some(words) = &listing.instructions {
        let change = comparison
            .as_ref()
            .and_then(|c| c.instructions.observation());
        instructions.extend(change.into_iter().map(|finding| Observation {
            place: "/instructions".into(),
            ..finding
        }));
        // What is pinned was read by whoever pinned it.
        instructions.extend(check_instructions(words));
    }
    // Without a lock too: nobody can say which of two a call would reach.
    let twice = compare(&Lock::default(), listing);
    let tools = listing.tools.iter().map(|tool| {
        let change = match (&comparison, twice.of(tool.name())) {
            (Some(comparison), _) => comparison.of(tool.name()).cloned(),
            (None, Some(Change::Twice)) => Some(Change::Twice),
            (None, _) => None,
        };
        let mut findings: Vec<Observation> =
            change.iter().filter_map(Change::observation).collect();
        findings.extend(check_tool(tool));
        filtered(tool, filters, &mut findings);
        ScannedTool {
            name: tool.name().to_owned(),
            digest: tool.digest(),
            change,
            findings,
        }
    });
    ScannedServer {
        server: listing.server.clone(),
        instructions,
        tools: tools.collect(),
        unread: listing.unread.clone(),
        comparison,
    }
}

/// Every key, string and number of a tool, one a line, as the other filters see a tool on offer.
fn filtered(tool: &Tool, filters: &[&dyn Filter], found: &mut Vec<Observation>) {
    let wanting = filters
        .iter()
        .filter(|f| f.wants(Kind::ToolOffer, Author::Tool));
    let wanting: Vec<_> = wanting.collect();
    if wanting.is_empty() {
        return;
    }
    let Ok(tape) = Tape::read_str(tool.canonical()) else {
        return;
    };
    let text = leaves::lines(tape.root());
    let part = PartView {
        id: PartId(0),
        kind: Kind::ToolOffer,
        author: Author::Tool,
        tool: Some(tool.name()),
        json: Some(tool.canonical()),
        text: &text,
    };
    let mut findings: Vec<Finding> = Vec::new();
    for filter in wanting {
        filter.inspect(&part, &mut Report::new(part.id, &mut findings));
    }
    if findings.is_empty() {
        return;
    }
    let places = leaves::starts(tape.root());
    for finding in findings.into_iter().take(crate::limits::FINDINGS_MAX) {
        let label = finding.label.as_str();
        let grave = ["injection.", "marker.", "hidden."]
            .iter()
            .any(|family| label.starts_with(family));
        let nearest = places.partition_point(|(at, _)| *at <= finding.range.start);
        found.push(Observation {
            label: finding.label,
            severity: if grave {
                Severity::Refusal
            } else {
                Severity::Warning
            },
            place: nearest
                .checked_sub(1)
                .map_or(String::new(), |n| places[n].1.clone()),
            says: format!("found in its words, score {:.2}", finding.score),
            // A secret is not to be repeated.
            excerpt: match grave {
                true => excerpt(&text, finding.range),
                false => String::new(),
            },
        });
    }
}
