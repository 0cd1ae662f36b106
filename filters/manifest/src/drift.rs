//! What a server lists now beside what was pinned, and what follows from it.

use crate::finding::{CHANGED, NEW, Observation, Severity, TWICE};
use crate::lock::Lock;
use crate::seen::shown;
use crate::tool::{Listing, Tool};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What is done with tools that are not as pinned.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Mode {
    /// They are kept from agents. What a lock file is for, so this is what one gets.
    #[default]
    Enforce,
    /// They are told of and let in.
    Warn,
}

/// One member of a declaration that is not as it was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldChange {
    /// Its name, such as `description`.
    pub field: String,
    /// Its canonical JSON as pinned; `None`: it was not there.
    pub old: Option<String>,
    /// Its canonical JSON now; `None`: it is gone.
    pub new: Option<String>,
}

/// How one tool, or a server's instructions, stand to the lock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// As pinned.
    Unchanged,
    /// Pinned under this name, and something else now.
    Changed(Vec<FieldChange>),
    /// Not pinned.
    New,
    /// Pinned, and not listed any more.
    Gone,
    /// Listed more than once under this name: nobody can say which of them a call would reach.
    Twice,
}

impl Change {
    /// Whether what is listed is not what somebody approved. What is gone cannot be called.
    pub fn is_quarantined(&self) -> bool {
        matches!(self, Change::Changed(_) | Change::New | Change::Twice)
    }

    /// The word a report has for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Change::Unchanged => "unchanged",
            Change::Changed(_) => "changed",
            Change::New => "new",
            Change::Gone => "gone",
            Change::Twice => "twice",
        }
    }

    /// The finding it amounts to, if it does.
    pub fn observation(&self) -> Option<Observation> {
        let (label, says) = match self {
            Change::Unchanged | Change::Gone => return None,
            Change::New => (NEW, "nobody has pinned it".to_owned()),
            Change::Twice => (TWICE, "the server lists it more than once".to_owned()),
            Change::Changed(fields) => {
                let fields: Vec<String> = fields.iter().map(|f| shown(&f.field)).collect();
                (CHANGED, format!("not as pinned: {}", fields.join(", ")))
            }
        };
        Some(Observation {
            label,
            severity: Severity::Refusal,
            place: String::new(),
            says,
            excerpt: String::new(),
        })
    }
}

/// How one tool stands to the lock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Drift {
    /// Its name.
    pub tool: String,
    /// How it stands.
    pub change: Change,
}

/// How one server stands to the lock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Comparison {
    /// The server.
    pub server: String,
    /// Whether the lock has it.
    pub known: bool,
    /// Its instructions; `Unchanged` also where there are none and were none.
    pub instructions: Change,
    /// Its tools by name, each once: those listed and those gone.
    pub tools: Vec<Drift>,
}

impl Comparison {
    /// Whether all is as pinned.
    pub fn is_clean(&self) -> bool {
        self.instructions == Change::Unchanged
            && self
                .tools
                .iter()
                .all(|drift| drift.change == Change::Unchanged)
    }

    /// Names of the tools that agents may see. In mode `Warn` what is listed twice is kept back too.
    pub fn admitted(&self, mode: Mode) -> BTreeSet<&str> {
        let lets_in = |change: &Change| match mode {
            Mode::Enforce => *change == Change::Unchanged,
            Mode::Warn => !matches!(change, Change::Gone | Change::Twice),
        };
        let tools = self.tools.iter().filter(|drift| lets_in(&drift.change));
        tools.map(|drift| drift.tool.as_str()).collect()
    }

    /// Whether agents may see the server's instructions.
    pub fn admits_instructions(&self, mode: Mode) -> bool {
        mode == Mode::Warn || !self.instructions.is_quarantined()
    }

    /// How the tool of this name stands.
    pub fn of(&self, tool: &str) -> Option<&Change> {
        let place = self
            .tools
            .binary_search_by(|drift| drift.tool.as_str().cmp(tool))
            .ok()?;
        Some(&self.tools[place].change)
    }
}

/// Compares what a server lists with what is pinned. A server that the lock does not have has only new tools.
pub fn compare(lock: &Lock, listing: &Listing) -> Comparison {
    let pinned = lock.server(&listing.server);
    let mut listed: HashMap<&str, usize> = HashMap::new();
    for tool in &listing.tools {
        *listed.entry(tool.name()).or_default() += 1;
    }
    let mut tools: BTreeMap<&str, Change> = BTreeMap::new();
    for tool in &listing.tools {
        let pin = pinned.and_then(|server| server.tools.get(tool.name()));
        let change = match pin {
            _ if listed[tool.name()] > 1 => Change::Twice,
            None => Change::New,
            Some(pin) if pin.tool.digest() == tool.digest() => Change::Unchanged,
            Some(pin) => Change::Changed(fields(&pin.tool, tool)),
        };
        tools.insert(tool.name(), change);
    }
    let gone = pinned.iter().flat_map(|server| server.tools.keys());
    for name in gone.filter(|name| !listed.contains_key(name.as_str())) {
        tools.insert(name, Change::Gone);
    }
    let old = pinned.and_then(|server| server.instructions.as_deref());
    Comparison {
        server: listing.server.clone(),
        known: pinned.is_some(),
        instructions: instructions(old, listing.instructions.as_deref()),
        tools: tools
            .into_iter()
            .map(|(tool, change)| Drift {
                tool: tool.to_owned(),
                change,
            })
            .collect(),
    }
}

fn instructions(old: Option<&str>, new: Option<&str>) -> Change {
    match (old, new) {
        (old, new) if old == new => Change::Unchanged,
        (None, Some(_)) => Change::New,
        (Some(_), None) => Change::Gone,
        (old, new) => {
            let json = |text: Option<&str>| {
                text.map(|text| {
                    let mut json = String::new();
                    crate::canonical::write_string(text, &mut json);
                    json
                })
            };
            Change::Changed(vec![FieldChange {
                field: "instructions".into(),
                old: json(old),
                new: json(new),
            }])
        }
    }
}

/// The members in which two declarations differ, by name.
fn fields(old: &Tool, new: &Tool) -> Vec<FieldChange> {
    let mut both: BTreeMap<String, (Option<String>, Option<String>)> = BTreeMap::new();
    for (field, value) in old.fields() {
        both.entry(field).or_default().0 = Some(value);
    }
    for (field, value) in new.fields() {
        both.entry(field).or_default().1 = Some(value);
    }
    let differ = both.into_iter().filter(|(_, (old, new))| old != new);
    differ
        .map(|(field, (old, new))| FieldChange { field, old, new })
        .collect()
}
