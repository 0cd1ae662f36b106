//! From the tree of a JSON text to its table form.

use super::super::elide::{self, Left};
use super::super::node::{Kind, Node};
use super::columns::{self, Column, Form, Members};
use super::{order, word};
use std::collections::HashMap;

/// Bytes of the smallest object or list that is named where it stands again.
const SAME_MIN: usize = 48;
/// Bytes of the smallest string that is.
const SAME_TEXT_MIN: usize = 96;
/// Bytes of the longest path by which something is named.
const PATH_MAX: usize = 64;
/// How often something is named, at most: a reader walks its path each time.
pub(super) const SAME_MAX: usize = 1024;

/// Which of the rarer signs occur.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Signs {
    /// `-`.
    pub absent: bool,
    /// `^path`.
    pub same: bool,
}

/// The text, the orders of keys as bytes, and the signs that occur.
pub(super) fn document(root: &Node<'_>) -> (String, Vec<u8>, Signs) {
    let mut writer = Writer::default();
    writer.value(root, Some(""));
    (writer.out, order::write(writer.orders), writer.signs)
}

/// The text with what is long left out, and how much that is.
pub(in super::super) fn view(root: &Node<'_>) -> (String, Left) {
    let mut writer = Writer {
        view: Some(Left::default()),
        ..Writer::default()
    };
    writer.value(root, Some(""));
    (writer.out, writer.view.unwrap_or_default())
}

#[derive(Default)]
struct Writer<'t> {
    out: String,
    /// Of each object in a row whose keys stood in another order: its number, and where each key stands.
    orders: Vec<(usize, Vec<usize>)>,
    /// Objects in rows so far.
    objects: usize,
    /// What was written in full at a path, by its hash.
    seen: HashMap<u64, (&'t str, String)>,
    named: usize,
    signs: Signs,
    /// What was left out so far; `None`: nothing may be.
    view: Option<Left>,
}

impl<'t> Writer<'t> {
    /// A value; `path`: where it stands, if that can be named.
    fn value(&mut self, node: &Node<'t>, path: Option<&str>) {
        if path.is_some_and(|path| self.same(node, path)) {
            return;
        }
        match &node.kind {
            Kind::Plain => self.out.push_str(node.raw),
            Kind::Text => self.text(node.raw),
            Kind::List(elements) => self.list(elements, path),
            Kind::Object(members) => self.object(members, path),
        }
    }

    fn text(&mut self, raw: &str) {
        let short = self.view.as_mut().and_then(|left| elide::text(raw, left));
        self.out
            .push_str(short.as_deref().unwrap_or(word::value(raw)));
    }

    /// Of so many parts of a whole, which are shown: `None` for all.
    fn shown(&self, rows: &[Members<'_, 't>], columns: &[Column<'_, 't>]) -> Option<elide::Shown> {
        self.view?;
        elide::rows(rows, columns)
    }

    /// The same of parts that have no columns.
    fn ends(&self, parts: usize, bytes: usize) -> Option<elide::Shown> {
        self.view?;
        elide::ends(parts, bytes)
    }

    /// Says what is left out before the part `at`; whether this part itself is.
    fn gap(&mut self, shown: Option<&elide::Shown>, at: usize, begin: &str, what: &str) -> bool {
        let Some(shown) = shown else {
            return false;
        };
        if shown.has(at) {
            return false;
        }
        if let (Some((last, all)), Some(left)) = (shown.gap_at(at), self.view.as_mut()) {
            left.parts += last - at + 1;
            let says = format!("{begin}({what} {at}-{last} of 0-{} left out)", all - 1);
            self.out.push_str(&says);
        }
        true
    }

    /// Names a value that stands earlier, or remembers it.
    fn same(&mut self, node: &Node<'t>, path: &str) -> bool {
        let min = match node.kind {
            Kind::Plain => return false,
            Kind::Text => SAME_TEXT_MIN,
            _ => SAME_MIN,
        };
        if node.raw.len() < min {
            return false;
        }
        match self.seen.get(&node.hash) {
            Some((raw, earlier)) if *raw == node.raw && self.named < SAME_MAX => {
                self.named += 1;
                self.out.push('^');
                self.out.push_str(earlier);
                self.signs.same = true;
                true
            }
            Some(_) => false,
            None => {
                self.seen.insert(node.hash, (node.raw, path.to_owned()));
                false
            }
        }
    }

    fn list(&mut self, elements: &[Node<'t>], path: Option<&str>) {
        if self.table(elements) || self.groups(elements) {
            return;
        }
        self.out.push('[');
        let shown = self.ends(elements.len(), bytes(elements.iter()));
        for (at, element) in elements.iter().enumerate() {
            if self.gap(shown.as_ref(), at, " ", "items") {
                continue;
            }
            self.space(at > 0);
            let path = match element.is_leaf() && element.raw.len() < SAME_TEXT_MIN {
                true => None,
                false => step(path, &at.to_string()),
            };
            self.value(element, path.as_deref());
        }
        self.out.push(']');
    }

    fn object(&mut self, members: Members<'_, 't>, path: Option<&str>) {
        if self.map(members) {
            return;
        }
        self.out.push('{');
        let shown = self.ends(members.len(), bytes(members.iter().map(|(_, value)| value)));
        for (at, (key, value)) in members.iter().enumerate() {
            if self.gap(shown.as_ref(), at, " ", "members") {
                continue;
            }
            self.space(at > 0);
            self.member(key, value, path);
        }
        self.out.push('}');
    }

    fn member(&mut self, key: &str, value: &Node<'t>, path: Option<&str>) {
        let bare = word::key(key);
        self.out.push_str(bare);
        self.out.push('=');
        let path = match value.raw.len() < SAME_MIN {
            true => None,
            false => step(path, bare),
        };
        self.value(value, path.as_deref());
    }

    fn space(&mut self, wanted: bool) {
        if wanted {
            self.out.push(' ');
        }
    }

    /// A list of alike objects.
    fn table(&mut self, elements: &[Node<'t>]) -> bool {
        let Some(rows) = objects(elements.iter()) else {
            return false;
        };
        let Some(columns) = columns::of(&rows, None) else {
            return false;
        };
        self.out.push_str("[:");
        self.header(&columns);
        let shown = self.shown(&rows, &columns);
        for (at, row) in rows.into_iter().enumerate() {
            if self.gap(shown.as_ref(), at, "\n", "rows") {
                continue;
            }
            self.out.push('\n');
            self.row(&columns, row, false);
        }
        self.says(shown);
        self.out.push(']');
        true
    }

    /// What is true of all rows, where not all are shown.
    fn says(&mut self, shown: Option<elide::Shown>) {
        if let Some(says) = shown
            .map(|shown| shown.says)
            .filter(|says| !says.is_empty())
        {
            self.out.push('\n');
            self.out.push_str(&says);
        }
    }

    /// A list of lists of alike objects.
    fn groups(&mut self, elements: &[Node<'t>]) -> bool {
        let groups: Option<Vec<&[Node<'t>]>> = elements
            .iter()
            .map(|element| element.elements().filter(|inner| !inner.is_empty()))
            .collect();
        let Some(groups) = groups else {
            return false;
        };
        let Some(rows) = objects(groups.iter().copied().flatten()) else {
            return false;
        };
        let Some(columns) = columns::of(&rows, None) else {
            return false;
        };
        self.out.push_str("[::");
        self.header(&columns);
        let shown = self.ends(groups.len(), bytes(elements.iter()));
        for (at, group) in groups.into_iter().enumerate() {
            if self.gap(shown.as_ref(), at, "\n\n", "lists") {
                continue;
            }
            if at > 0 {
                self.out.push('\n');
            }
            for row in group.iter().filter_map(Node::members) {
                self.out.push('\n');
                self.row(&columns, row, false);
            }
        }
        self.out.push(']');
        true
    }

    /// An object of alike objects.
    fn map(&mut self, members: Members<'_, 't>) -> bool {
        let Some(rows) = objects(members.iter().map(|(_, value)| value)) else {
            return false;
        };
        let keys: Vec<&'t str> = members.iter().map(|(key, _)| *key).collect();
        let Some(columns) = columns::of(&rows, Some(&keys)) else {
            return false;
        };
        self.out.push_str("{:");
        self.header(&columns);
        let shown = self.shown(&rows, &columns);
        for (at, (key, row)) in keys.into_iter().zip(rows).enumerate() {
            if self.gap(shown.as_ref(), at, "\n", "rows") {
                continue;
            }
            self.out.push('\n');
            self.out.push_str(word::key(key));
            self.row(&columns, row, true);
        }
        self.says(shown);
        self.out.push('}');
        true
    }

    fn header(&mut self, columns: &[Column<'_, 't>]) {
        for (at, column) in columns.iter().enumerate() {
            self.space(at > 0);
            self.out.push_str(word::key(column.key));
            match &column.form {
                Form::Plain => {}
                Form::Text => self.out.push_str("\"\""),
                Form::Key => self.out.push_str("=#"),
                Form::Constant(value) => {
                    self.out.push('=');
                    self.value(value, None);
                }
                Form::Nested(inner) => self.inner('{', inner, '}'),
                Form::Optional(inner) => {
                    self.out.push('?');
                    self.inner('{', inner, '}');
                }
                Form::List(inner) => self.inner('[', inner, ']'),
            }
        }
    }

    fn inner(&mut self, open: char, columns: &[Column<'_, 't>], close: char) {
        self.out.push(open);
        self.header(columns);
        self.out.push(close);
    }

    /// The cells of an object, and what of it has no column; `begun`: something stands before them on the line.
    fn row(&mut self, columns: &[Column<'_, 't>], row: Members<'_, 't>, begun: bool) -> bool {
        let number = self.objects;
        self.objects += 1;
        let mut begun = begun;
        // For each member that was written, which one of the object it is.
        let mut written = Vec::with_capacity(row.len());
        let mut next = 0;
        for column in columns {
            let place = find(row, column.key, next);
            if let Some(place) = place {
                written.push(place);
                next = place + 1;
            }
            let value = place.map(|place| &row[place].1);
            begun = self.cell(column, value, begun);
        }
        if written.len() < row.len() {
            let mut has = vec![false; row.len()];
            written.iter().for_each(|place| has[*place] = true);
            for (place, (key, value)) in row.iter().enumerate().filter(|(at, _)| !has[*at]) {
                self.space(begun);
                begun = true;
                self.member(key, value, None);
                written.push(place);
            }
        }
        if !written.is_sorted() {
            let mut order = vec![0; written.len()];
            written
                .iter()
                .enumerate()
                .for_each(|(at, place)| order[*place] = at);
            self.orders.push((number, order));
        }
        begun
    }

    fn cell(&mut self, column: &Column<'_, 't>, value: Option<&Node<'t>>, begun: bool) -> bool {
        match (&column.form, value) {
            (Form::Constant(_) | Form::Key, _) => return begun,
            (
                Form::Nested(inner),
                Some(Node {
                    kind: Kind::Object(members),
                    ..
                }),
            ) => {
                return self.row(inner, members, begun);
            }
            _ => {}
        }
        self.space(begun);
        let Some(value) = value else {
            self.signs.absent = true;
            self.out.push('-');
            return true;
        };
        match (&column.form, &value.kind) {
            (Form::Text, _) => self.out.push_str(word::text(value.raw)),
            (Form::Optional(inner), Kind::Object(members)) => self.braced(inner, members),
            (Form::List(inner), Kind::List(elements)) => {
                self.out.push('[');
                for (at, members) in elements.iter().filter_map(Node::members).enumerate() {
                    self.space(at > 0);
                    self.braced(inner, members);
                }
                self.out.push(']');
            }
            _ => self.value(value, None),
        }
        true
    }

    fn braced(&mut self, columns: &[Column<'_, 't>], row: Members<'_, 't>) {
        self.out.push('{');
        self.row(columns, row, false);
        self.out.push('}');
    }
}

/// Bytes of all of them.
fn bytes<'n, 't: 'n>(all: impl Iterator<Item = &'n Node<'t>>) -> usize {
    all.map(|node| node.raw.len()).sum()
}

/// Where a key stands in an object; most often at `hint`.
fn find(row: Members<'_, '_>, key: &str, hint: usize) -> Option<usize> {
    if row.get(hint).is_some_and(|(k, _)| *k == key) {
        return Some(hint);
    }
    row.iter().position(|(k, _)| *k == key)
}

/// The members of each, if all are objects.
fn objects<'n, 't: 'n>(all: impl Iterator<Item = &'n Node<'t>>) -> Option<Vec<Members<'n, 't>>> {
    all.map(Node::members).collect()
}

/// A path with one more step, if it can still be read at a glance.
fn step(path: Option<&str>, step: &str) -> Option<String> {
    let path = path?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    if step.is_empty() || path.len() + step.len() > PATH_MAX || !step.bytes().all(plain) {
        return None;
    }
    Some(match path {
        "" => step.to_owned(),
        _ => format!("{path}.{step}"),
    })
}
