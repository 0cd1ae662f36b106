//! Each kind of traffic, block by block: tokens before and after, and whether everything can be had back.

use crate::corpus::{Sample, Session, Traffic};
use crate::count::{Counter, Tokens};
use crate::keep::Store;
use crate::replay::Replayed;
use sallyport_compress::{
    Block, Class, Context, Earlier, Kept, Kinds, Mode, Originals, Plan, Reason, Rules, StepKind,
    expand, plan, resolve,
};
use std::collections::BTreeMap;

/// Sums over the blocks of one kind of traffic in one mode.
#[derive(Clone, Default, Debug)]
pub struct Sum {
    /// Blocks.
    pub blocks: usize,
    /// Blocks in another form without loss, and of them those that decoded to the same bytes.
    pub lossless: (usize, usize),
    /// Blocks with something left out, and of them those whose original came back the same.
    pub reversible: (usize, usize),
    /// Tokens as they came.
    pub before: Tokens,
    /// Tokens as they are forwarded.
    pub after: Tokens,
    /// Blocks and saved tokens (o200k) by what was done last.
    pub steps: BTreeMap<&'static str, (usize, i64)>,
}

/// Sums by traffic and mode.
pub type Sums = BTreeMap<(Traffic, Mode), Sum>;

/// Adds samples, each a block alone.
pub fn add_samples(samples: &[Sample], mode: Mode, counter: &mut Counter, sums: &mut Sums) {
    let rules = Rules::new(mode);
    let mut store = Store::default();
    for sample in samples {
        let tool = sample.tool.as_deref();
        let asked = Asked {
            rules: &rules,
            tool,
            text: &sample.text,
        };
        let planned = asked.plan(&Earlier::default(), &mut store);
        let sum = sums.entry((sample.traffic, mode)).or_default();
        asked.add(&planned, &Earlier::default(), &store, counter, sum);
    }
}

/// Adds the results of a session. Each is planned once more, where it stands; it must have been forwarded like that.
pub fn add_session(
    session: &Session,
    replayed: &Replayed,
    mode: Mode,
    counter: &mut Counter,
    sums: &mut Sums,
) -> usize {
    let rules = Rules::new(mode);
    let (mut store, mut earlier) = (Store::default(), Earlier::default());
    let mut tools: BTreeMap<&str, &str> = BTreeMap::new();
    let mut other = 0;
    for (came, forwarded) in session.messages.iter().zip(&replayed.messages) {
        for call in came["tool_calls"].as_array().into_iter().flatten() {
            if let (Some(id), Some(name)) = (call["id"].as_str(), call["function"]["name"].as_str())
            {
                tools.insert(id, name);
            }
        }
        let (Some("tool"), Some(text)) = (came["role"].as_str(), came["content"].as_str()) else {
            continue;
        };
        let id = came["tool_call_id"].as_str().unwrap_or("");
        let tool = tools.get(id).copied().or(came["name"].as_str());
        let asked = Asked {
            rules: &rules,
            tool,
            text,
        };
        let planned = match forwarded["content"].as_str() {
            Some(same) if same == text => Plan::Keep(Reason::Little),
            _ => asked.plan(&earlier, &mut store),
        };
        let reads = planned.text(text);
        other += usize::from(forwarded["content"].as_str() != Some(reads));
        let sum = sums.entry((session.traffic, mode)).or_default();
        asked.add(&planned, &earlier, &store, counter, sum);
        match &planned {
            Plan::Rewrite { steps, .. } if steps.iter().any(|s| s.kind != StepKind::Reference) => {
                earlier.add_form(id, tool, reads);
            }
            _ => earlier.add(id, tool, reads),
        }
    }
    other
}

/// A block in its place.
struct Asked<'a> {
    rules: &'a Rules,
    tool: Option<&'a str>,
    text: &'a str,
}

impl Asked<'_> {
    fn plan(&self, earlier: &Earlier, store: &mut Store) -> Plan {
        let digest = *blake3::hash(self.text.as_bytes()).as_bytes();
        let exact = self.tool.is_some_and(|tool| self.rules.exact.has(tool));
        let handle = match self.rules.mode {
            Mode::Reversible if !exact => Some(store.handle(&digest)),
            _ => None,
        };
        let block = Block {
            text: self.text,
            tool: self.tool,
        };
        let context = Context {
            mode: self.rules.mode,
            kinds: Kinds::ALL,
            exact,
            earlier,
            handle: handle.as_deref(),
        };
        let planned = plan(&block, &context);
        if let (Class::Reversible, Some(handle)) = (planned.class(), handle) {
            store.keep(&Kept {
                handle: &handle,
                digest: &digest,
                original: self.text,
                text: planned.text(self.text),
                tool: self.tool,
                new: true,
            });
        }
        planned
    }

    fn add(
        &self,
        planned: &Plan,
        earlier: &Earlier,
        store: &Store,
        counter: &mut Counter,
        sum: &mut Sum,
    ) {
        sum.blocks += 1;
        let before = counter.count(self.text);
        let after = counter.count(planned.text(self.text));
        sum.before += before;
        sum.after += after;
        let Plan::Rewrite { class, steps, text } = planned else {
            return;
        };
        match class {
            Class::Lossless => {
                sum.lossless.0 += 1;
                let back = undo(text, steps, earlier);
                sum.lossless.1 += usize::from(back.as_deref() == Some(self.text));
            }
            _ => {
                sum.reversible.0 += 1;
                let back = named(text).and_then(|handle| store.originals.get(handle));
                sum.reversible.1 += usize::from(back.is_some_and(|back| back == self.text));
            }
        }
        let names: Vec<&str> = steps.iter().map(|s| s.kind.as_str()).collect();
        let last = names.last().copied().unwrap_or("none");
        let step = sum.steps.entry(last).or_default();
        step.0 += 1;
        step.1 += before.o200k as i64 - after.o200k as i64;
    }
}

/// Undoes steps, references with what stands before.
fn undo(text: &str, steps: &[sallyport_compress::Step], earlier: &Earlier) -> Option<String> {
    let mut text = text.to_owned();
    for step in steps.iter().rev() {
        text = match step.kind {
            StepKind::Reference => resolve(&text, earlier)?,
            _ => expand(&text, std::slice::from_ref(step)).ok()?,
        };
    }
    Some(text)
}

/// The word for the original that a form names.
fn named(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("sallyport_retrieve ref=")?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric());
    Some(&rest[..end.unwrap_or(rest.len())])
}
