//! Long lists by their ends and what stands out, long strings by theirs.
//!
//! The rest of the document stands in table form (`table`). Between the rows that are shown a line says which are not,
//! counted from 0 as a JSON path counts them: `(rows 3-94 of 0-99 left out)`. After the rows a line says what is true of
//! all of them: how many, the smallest and the largest number of a column, and how often the values of a column occur
//! that has few. Within a string: `(12000 characters left out)`.

mod standout;

use super::node::Node;
use super::table::columns::{Column, Members};
use super::table::write;
use crate::mark;
use sallyport_exchange::json::Tape;

/// Bytes of the shortest list of which something is left out: some 2,000 tokens.
const LIST_MIN: usize = 6 << 10;
/// Parts of the shortest.
const PARTS_MIN: usize = 16;
/// Bytes of the shortest string of which something is left out.
const TEXT_MIN: usize = 2 << 10;
/// Bytes of its beginning that are shown, and of its end.
const TEXT_ENDS: (usize, usize) = (400, 160);
/// Of a hundred bytes, so many are shown.
const SHARE: usize = 10;
/// Parts that are shown, at least and at most.
const SHOWN: (usize, usize) = (4, 24);

/// What was left out.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Left {
    /// Rows, elements and members.
    pub parts: usize,
    /// Characters of strings.
    pub characters: usize,
}

/// Which parts of a whole are shown.
pub(super) struct Shown {
    /// In order.
    parts: Vec<usize>,
    all: usize,
    /// What is true of all.
    pub says: String,
}

impl Shown {
    /// Whether this part is shown.
    pub fn has(&self, at: usize) -> bool {
        self.parts.binary_search(&at).is_ok()
    }

    /// If a gap begins at `at`: the last part of it, and how many parts there are.
    pub fn gap_at(&self, at: usize) -> Option<(usize, usize)> {
        let begins = at == 0 || self.has(at - 1);
        let next = self.parts.partition_point(|part| *part < at);
        let end = self.parts.get(next).copied().unwrap_or(self.all);
        begins.then_some((end - 1, self.all))
    }
}

/// The document with what is long left out; `None`: it is not JSON, or nothing in it is long.
pub(crate) fn view(text: &str, handle: &str) -> Option<String> {
    let first = text.bytes().find(|b| !b.is_ascii_whitespace())?;
    if !matches!(first, b'{' | b'[') || text.len() < TEXT_MIN {
        return None;
    }
    Tape::read_str(text).ok()?;
    let (small, _) = super::blanks::strip(text);
    let tape = Tape::read_str(&small).ok()?;
    let (body, left) = write::view(&Node::of(&tape));
    if mark::imitates(&body) {
        return None;
    }
    let what = match (left.parts, left.characters) {
        (0, 0) => return None,
        (parts, 0) => format!("json: {parts} entries of long lists left out"),
        (0, characters) => format!("json: {characters} characters of long strings left out"),
        (parts, characters) => {
            format!(
                "json: {parts} entries of long lists and {characters} characters of long strings left out"
            )
        }
    };
    Some(format!("{}{body}", mark::reversible(&what, handle)))
}

/// How many of these parts are shown; `None`: all.
fn budget(parts: usize, bytes: usize) -> Option<usize> {
    if parts < PARTS_MIN || bytes < LIST_MIN {
        return None;
    }
    Some((parts * SHARE / 100).clamp(SHOWN.0, SHOWN.1))
}

/// The first and the last parts of a whole without columns.
pub(super) fn ends(parts: usize, bytes: usize) -> Option<Shown> {
    let budget = budget(parts, bytes)?;
    let last = budget / 3;
    let parts_shown = (0..budget - last).chain(parts - last..parts).collect();
    Some(Shown {
        parts: parts_shown,
        all: parts,
        says: String::new(),
    })
}

/// The first and the last rows of a table, and those that stand out.
pub(super) fn rows(rows: &[Members<'_, '_>], columns: &[Column<'_, '_>]) -> Option<Shown> {
    let bytes = rows
        .iter()
        .flat_map(|row| row.iter())
        .map(|(key, value)| key.len() + value.raw.len() + 2)
        .sum();
    let budget = budget(rows.len(), bytes)?;
    let (standing_out, says) = standout::of(rows, columns);
    let last = (budget / 5).max(1);
    let first = (budget * 2 / 5).max(1);
    let mut parts: Vec<usize> = (0..first).chain(rows.len() - last..rows.len()).collect();
    for row in standing_out {
        if parts.len() >= budget {
            break;
        }
        if !parts.contains(&row) {
            parts.push(row);
        }
    }
    parts.sort_unstable();
    Some(Shown {
        parts,
        all: rows.len(),
        says,
    })
}

/// The ends of a long string, as a JSON string.
pub(super) fn text(raw: &str, left: &mut Left) -> Option<String> {
    if raw.len() < TEXT_MIN {
        return None;
    }
    let start = whole(raw, TEXT_ENDS.0)?;
    let end = whole(raw, raw.len() - TEXT_ENDS.1)?;
    let characters = characters(raw.get(start..end)?);
    left.characters += characters;
    Some(format!(
        "{}... ({characters} characters left out) ...{}",
        &raw[..start],
        &raw[end..]
    ))
}

/// The first place at or after `wanted` that splits neither a character nor an escape.
fn whole(raw: &str, wanted: usize) -> Option<usize> {
    let bytes = raw.as_bytes();
    // An escape may be as long as a surrogate pair.
    let mut at = 1;
    while at < wanted {
        at += match (bytes.get(at)?, bytes.get(at + 1)) {
            (b'\\', Some(b'u')) => surrogates(bytes, at),
            (b'\\', _) => 2,
            _ => 1,
        };
    }
    while !raw.is_char_boundary(at) {
        at += 1;
    }
    (at < raw.len()).then_some(at)
}

/// Bytes of the escape `\u…`, with its second half if it has one.
fn surrogates(bytes: &[u8], at: usize) -> usize {
    let high = matches!(
        bytes.get(at + 2..at + 4),
        Some([b'd' | b'D', b'8' | b'9' | b'a' | b'b' | b'A' | b'B'])
    );
    if high { 12 } else { 6 }
}

/// Characters that this part of a JSON string stands for.
fn characters(raw: &str) -> usize {
    let bytes = raw.as_bytes();
    let (mut at, mut count) = (0, 0);
    while at < bytes.len() {
        at += match (bytes[at], bytes.get(at + 1)) {
            (b'\\', Some(b'u')) => surrogates(bytes, at),
            (b'\\', _) => 2,
            _ => raw[at..].chars().next().map_or(1, char::len_utf8),
        };
        count += 1;
    }
    count
}
