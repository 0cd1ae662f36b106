//! The smallest readable form of a JSON text.
//!
//! # The form
//!
//! The first line is `[compact table]`; after `table` it may say which of the rarer signs occur (`: - absent`). What
//! follows is one value. All blanks count: where one stands below, exactly one space stands in the text.
//!
//! ```text
//! value   = quoted | word | list | object | table | groups | map | same
//! quoted  = a JSON string, as it was
//! word    = bytes up to a space, the end of the line, or a `]` or `}` that closes something opened outside of the word
//! list    = "[" [value *(" " value)] "]"
//! object  = "{" [member *(" " member)] "}"
//! member  = key "=" value
//! key     = quoted | bytes without space, quote, backslash, "=", "?" and brackets
//! same    = "^" path            ; the same value as stands at this path, from the top: keys and list indices (from 0), by "."
//! table   = "[:" columns *(LF row) "]"                    ; a list of objects
//! groups  = "[::" columns 1*(LF row) *(LF 1*(LF row)) "]" ; a list of lists of objects: an empty line parts the inner lists
//! map     = "{:" columns *(LF key " " row) "}"            ; an object of objects: each row begins with its key
//! columns = column *(" " column)
//! column  = key                       ; a cell in each row
//!         / key DQUOTE DQUOTE         ; a cell that is a string, also where it looks like a number
//!         / key "=" value             ; no cell: every row has this value
//!         / key "=#"                  ; no cell: in a map, the row's own key, as a string
//!         / key "{" columns "}"       ; an object in every row: no cell of its own, but those of its columns
//!         / key "?{" columns "}"      ; a cell: "{" row "}" for an object, or any other value
//!         / key "[" columns "]"       ; a cell: "[" *("{" row "}") "]" for a list of objects (parted by " "), or any other value
//! row     = [cell *(" " cell)] *(" " member)   ; the cells in the order of the columns, then members that have no column
//! cell    = "-" | value               ; "-": the row does not have this key
//! ```
//!
//! A word that is a JSON number, `true`, `false` or `null` is that; any other word is a string, spelled as in JSON but
//! without its quotes. Strings are quoted where a reader could take them for something else: empty, with a blank, a
//! quote, a backslash or a control character in them, with brackets that do not pair, or that begin with `[`, `{`, `^`
//! or `:`, or are `-`, `#`, a number, `true`, `false` or `null`. Under a column marked `""` numbers and those words are
//! strings and stand bare.
//!
//! Where the JSON text was cut off (the first line says `cut off in the last line`), all up to its last whole value stands
//! in the form, as if everything open had been closed there; a last line has the rest, as it was.
//!
//! Numbers and strings are spelled as they were. The order of keys in a row is that of the columns; where it was
//! another one, the residue says so.

pub(super) mod columns;
mod order;
mod read;
mod word;
pub(super) mod write;

use super::blanks;
use super::cut::{self, Cut};
use super::node::Node;
use super::varint;
use crate::form::Form;
use crate::mark;
use crate::tokens::{self, Vocabulary};
use sallyport_exchange::json::Tape;
use std::borrow::Cow;

/// How the first line begins.
const NAME: &str = "table";
/// What it says of a text that was cut off, and how the line then ends.
const CUT: &str = "cut off in the last line";
const CUT_END: &str = "cut off in the last line]";

/// Bytes of the largest text that is given back.
const TEXT_MAX: usize = 64 << 20;

/// Of a hundred: how much smaller by the quick count is surely smaller. The shares of two quick counts and of two exact
/// ones differed by 0.92 to 1.10 on 867 results of airlines, and of GitHub's interfaces.
const SURE: usize = 85;
/// Bytes of the longest text whose tokens are counted exactly.
const COUNT_MAX: usize = 4 << 10;

/// The table form; `None`: the text is not JSON, or the form is not smaller than the text without blanks.
pub(crate) fn encode(text: &str) -> Option<Form> {
    let (form, small) = proposed(text)?;
    smaller(&form.text, &small).then_some(form)
}

/// The table form, smaller or not.
#[cfg(test)]
pub(super) fn form(text: &str) -> Option<Form> {
    proposed(text).map(|(form, _)| form)
}

/// The table form, and the text without blanks.
fn proposed(text: &str) -> Option<(Form, String)> {
    let first = text.bytes().find(|b| !b.is_ascii_whitespace())?;
    if !matches!(first, b'{' | b'[') {
        return None;
    }
    let read = Tape::read_str(text).ok();
    let (small, blanks, cut) = match &read {
        Some(_) => {
            let (small, blanks) = blanks::strip(text);
            (small, blanks, None)
        }
        None => beginning(text)?,
    };
    let whole = match &cut {
        None => Cow::Borrowed(small.as_str()),
        Some(cut) => Cow::Owned([&small[..cut.kept], &cut.closers].concat()),
    };
    let tape = match read {
        Some(tape) if blanks.is_empty() => tape,
        _ => Tape::read_str(&whole).ok()?,
    };
    let (body, orders, signs) = write::document(&Node::of(&tape));
    if mark::imitates(&body) {
        return None;
    }
    let mut text = mark::lossless(&legend(signs, cut.is_some()));
    text.push_str(&body);
    let mut residue = Vec::new();
    if let Some(cut) = &cut {
        text.push('\n');
        text.push_str(&small[cut.kept..]);
        varint::put(cut.closers.len(), &mut residue);
    }
    if cut.is_some() || !orders.is_empty() || !blanks.is_empty() {
        varint::put(orders.len(), &mut residue);
        residue.extend(orders);
        residue.extend(blanks);
    }
    Some((Form { text, residue }, small))
}

/// The beginning of a JSON text without its blanks, the residue of those, and where it was cut.
fn beginning(text: &str) -> Option<(String, Vec<u8>, Option<Cut>)> {
    let Cut { kept, closers } = cut::find(text)?;
    Tape::read_str(&[&text[..kept], &closers].concat()).ok()?;
    let (small, blanks) = blanks::strip(text);
    let kept = blanks::strip(&text[..kept]).0.len();
    // The rest stands on a line of its own.
    let is_line = !small[kept..].contains('\n');
    is_line.then_some((small, blanks, Some(Cut { kept, closers })))
}

/// What the first line says of the signs that occur.
fn legend(signs: write::Signs, cut: bool) -> String {
    let said: Vec<&str> = [
        (signs.absent, "- absent"),
        (signs.same, "^ same as at path"),
        (cut, CUT),
    ]
    .into_iter()
    .filter_map(|(occurs, says)| occurs.then_some(says))
    .collect();
    match said.is_empty() {
        true => NAME.to_owned(),
        false => format!("{NAME}: {}", said.join(", ")),
    }
}

/// Whether the table is smaller than the minified text: by the quick count where that is sure, else exactly.
fn smaller(table: &str, minified: &str) -> bool {
    let (ours, theirs) = (tokens::estimate(table), tokens::estimate(minified));
    if ours * 100 <= theirs * SURE {
        return true;
    }
    if ours * SURE > theirs * 100 || minified.len() > COUNT_MAX {
        return false;
    }
    tokens::count(table, Vocabulary::O200k) < tokens::count(minified, Vocabulary::O200k)
}

/// The JSON text, as it was.
pub(crate) fn decode(text: &str, residue: &[u8]) -> Option<String> {
    let (head, body) = text.split_once('\n')?;
    if !head.starts_with(mark::HEAD) || !head[mark::HEAD.len()..].starts_with(NAME) {
        return None;
    }
    let mut rest = residue;
    let cut = match head.ends_with(CUT_END) {
        true => Some(varint::take(&mut rest)?),
        false => None,
    };
    let (body, tail) = match cut {
        Some(_) => body.rsplit_once('\n')?,
        None => (body, ""),
    };
    let orders = match rest.is_empty() {
        true => &[],
        false => {
            let count = varint::take(&mut rest)?;
            varint::take_bytes(&mut rest, count)?
        }
    };
    let mut small = read::document(body, order::read(orders)?, TEXT_MAX)?;
    if let Some(closers) = cut {
        let kept = small.len().checked_sub(closers)?;
        small.is_char_boundary(kept).then_some(())?;
        small.truncate(kept);
        small.push_str(tail);
    }
    blanks::restore(&small, rest, TEXT_MAX)
}
