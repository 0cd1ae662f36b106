//! What stands verbatim earlier in the same request is named, not repeated.
//!
//! A text is cut at its line ends. Runs of its lines that an earlier result holds as well become one line each that
//! says where they stand; the other lines stay. Line numbers may differ by a constant: a file that is shown again after
//! lines were put in above. [`resolve`] puts everything back, and nothing is used that it does not put back exactly.
//!
//! ```text
//! [compact refs]
//! [File: /src/parse.py (214 lines total)]
//! [compact lines 2-61 of result 3 of open]
//! 61:    return found
//! [compact lines 63-101 of result 3 of open, numbers +1]
//! ```

mod find;
mod line;
mod words;

use crate::block::{BLOCK_MAX, Kinds};
use crate::mark;
use crate::step::{Step, StepKind};
use line::{Line, Window};
use std::collections::HashMap;
use std::ops::Range;
use words::Words;

/// Lines of one request that are remembered, at most.
const LINES_MAX: usize = 1 << 21;
/// Bytes of the longest name of a tool that is part of another name.
const TOOL_MAX: usize = 64;
/// Bytes of the longest id of a call by which a result is named.
const ID_MAX: usize = 12;
/// No earlier window of this kind.
const NONE: u32 = u32::MAX;

/// What tools said earlier in the same request, as it is forwarded.
///
/// Results are named by the id of their call if it is short, else by their tool and their number among its results, so
/// all of them must be told, in order, those too that nothing may be said of.
#[derive(Default)]
pub struct Earlier {
    text: String,
    lines: Vec<Line>,
    said: Vec<Said>,
    named: HashMap<String, u32>,
    counts: HashMap<String, u32>,
    last: Option<(String, String, u32)>,
    /// Texts as they are forwarded in other words, by their digest: they can be named as a whole.
    forms: HashMap<blake3::Hash, String>,
    /// Where windows of lines stand: the last one of each hash, and for each line the one before it.
    heads: HashMap<u64, u32>,
    before: Vec<u32>,
}

/// One text that a tool said.
struct Said {
    name: String,
    /// In `Earlier::lines`.
    lines: Range<u32>,
}

impl Earlier {
    /// Remembers a block by the text it is forwarded as: as it came, or with parts of it named. `call` is the id of its
    /// call.
    pub fn add(&mut self, call: &str, tool: Option<&str>, text: &str) {
        if let Some(first) = self.keep(call, tool, text) {
            self.index(first);
        }
    }

    /// Remembers a block that is forwarded in other words: a later one may be the same in all of them, and nothing else
    /// may lean on it.
    pub fn add_form(&mut self, call: &str, tool: Option<&str>, text: &str) {
        if self.keep(call, tool, text).is_some()
            && let Some(said) = self.said.last()
        {
            let name = || said.name.clone();
            let digest = blake3::hash(text.as_bytes());
            self.forms.entry(digest).or_insert_with(name);
        }
    }

    /// Keeps a text under its name: its first line, if there is place and the name is free.
    fn keep(&mut self, call: &str, tool: Option<&str>, text: &str) -> Option<usize> {
        let name = self.name(call, tool);
        if self.named.contains_key(&name) || self.text.len() + text.len() > u32::MAX as usize {
            return None;
        }
        let first = self.lines.len();
        line::cut(text, self.text.len(), &mut self.lines);
        if self.lines.len() > LINES_MAX {
            self.lines.truncate(first);
            return None;
        }
        self.text.push_str(text);
        self.before.resize(self.lines.len(), NONE);
        let lines = first as u32..self.lines.len() as u32;
        self.named.insert(name.clone(), self.said.len() as u32);
        self.said.push(Said { name, lines });
        Some(first)
    }

    /// Counts what is no block: nothing may lean on it.
    pub fn skip(&mut self, call: &str, tool: Option<&str>) {
        self.name(call, tool);
    }

    /// What a result is called. Texts of one result are its parts.
    fn name(&mut self, call: &str, tool: Option<&str>) -> String {
        let plain = |word: &str| {
            let fine = |b: u8| b.is_ascii_alphanumeric() || b"_-.:/".contains(&b);
            !word.is_empty() && word.bytes().all(fine)
        };
        let tool = tool.filter(|tool| tool.len() <= TOOL_MAX && plain(tool));
        if let Some((last, name, parts)) = &mut self.last
            && !call.is_empty()
            && last == call
        {
            *parts += 1;
            return format!("{name} part {parts}");
        }
        let count = self
            .counts
            .entry(tool.unwrap_or("").to_owned())
            .or_default();
        *count += 1;
        let name = match tool {
            _ if call.len() <= ID_MAX && plain(call) => format!("result {call}"),
            Some(tool) => format!("result {count} of {tool}"),
            None => format!("nameless result {count}"),
        };
        self.last = Some((call.to_owned(), name.clone(), 1));
        name
    }

    fn index(&mut self, first: usize) {
        for at in first..self.lines.len() {
            if let Some(Window(hash)) = Window::at(&self.lines, at) {
                let head = self.heads.entry(hash).or_insert(NONE);
                self.before[at] = *head;
                *head = at as u32;
            }
        }
    }

    /// The text that line `at` belongs to.
    fn said_at(&self, at: u32) -> &Said {
        let next = self.said.partition_point(|said| said.lines.start <= at);
        &self.said[next.saturating_sub(1)]
    }

    fn named(&self, name: &str) -> Option<&Said> {
        self.said.get(*self.named.get(name)? as usize)
    }
}

/// The text with what stands earlier named; `None`: nothing does.
pub(crate) fn refer(text: &str, earlier: &Earlier, kinds: Kinds) -> Option<(Step, String)> {
    if !kinds.has(StepKind::Reference) || earlier.said.is_empty() {
        return None;
    }
    let mut lines = Vec::new();
    line::cut(text, 0, &mut lines);
    let runs = find::runs(text, &lines, earlier);
    if runs.is_empty() {
        return None;
    }
    let form = words::write(text, &lines, &runs, earlier);
    let proven = resolve(&form, earlier).as_deref() == Some(text);
    proven.then(|| (Step::new(StepKind::Reference, []), form))
}

/// The name of an earlier result that is forwarded in these very words, for a text that came out of other steps.
pub(crate) fn same_form(form: &str, earlier: &Earlier, kinds: Kinds) -> Option<(Step, String)> {
    if !kinds.has(StepKind::Reference) || earlier.forms.is_empty() {
        return None;
    }
    let name = earlier.forms.get(&blake3::hash(form.as_bytes()))?;
    let named = words::all_of(name);
    let proven = resolve(&named, earlier).as_deref() == Some(form);
    proven.then(|| (Step::new(StepKind::Reference, []), named))
}

/// The text that [`Plan`](crate::Plan)s of the kind [`StepKind::Reference`] stand for, from what was said earlier in
/// the same request. `None`: it names what is not there.
pub fn resolve(text: &str, earlier: &Earlier) -> Option<String> {
    let mut out = String::new();
    let mut pieces = text.split('\n');
    let mut next = pieces.next();
    if next == Some(words::HEAD_LINE) {
        next = pieces.next();
    }
    while let Some(piece) = next {
        match piece.starts_with(mark::HEAD) {
            true => Words::read(piece)?.put(earlier, &mut out)?,
            false => {
                out.push_str(piece);
                out.push('\n');
            }
        }
        if out.len() > BLOCK_MAX + 1 {
            return None;
        }
        next = pieces.next();
    }
    out.pop();
    Some(out)
}
