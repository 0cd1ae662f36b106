//! What alike objects have in common: the columns of their table.

use super::super::node::{Kind, Node};
use super::word;
use std::collections::HashMap;

/// Different keys of one table, at most.
const KEYS_MAX: usize = 256;
/// A key is a column if it is in so many of a hundred rows.
const COMMON: usize = 40;
/// Of a hundred cells, so many must hold something.
const FILLED: usize = 60;
/// Bytes of a large row.
const ROW_LARGE: usize = 2000;

/// One key that rows have in common.
pub(in super::super) struct Column<'n, 't> {
    /// As it stands in the text, quotes included.
    pub key: &'t str,
    /// How its values stand in the rows.
    pub form: Form<'n, 't>,
}

/// How the values of a column stand in the rows.
pub(in super::super) enum Form<'n, 't> {
    /// A cell.
    Plain,
    /// A cell that is a string, bare even where it looks like a number.
    Text,
    /// Every row has this value: no cell.
    Constant(&'n Node<'t>),
    /// Every row has its own key as a value: no cell.
    Key,
    /// Every row has an object: its columns are cells of the row.
    Nested(Vec<Column<'n, 't>>),
    /// A cell: an object by its columns, or something else.
    Optional(Vec<Column<'n, 't>>),
    /// A cell: a list of objects by their columns, or something else.
    List(Vec<Column<'n, 't>>),
}

/// The members of an object.
pub(in super::super) type Members<'n, 't> = &'n [(&'t str, Node<'t>)];

/// The columns of alike objects; `None`: they are not alike. `keys`: of an object of objects, the row's own keys.
pub(super) fn of<'n, 't>(
    rows: &[Members<'n, 't>],
    keys: Option<&[&'t str]>,
) -> Option<Vec<Column<'n, 't>>> {
    let common = common(rows)?;
    let mut columns: Vec<Column<'n, 't>> = Vec::with_capacity(common.len());
    let values = values(rows, &common);
    for (key, values) in common.into_iter().zip(values) {
        let form = form(&values, rows.len(), keys);
        columns.push(Column { key, form });
    }
    // A row must be seen.
    if width(&columns) == 0 && keys.is_none() {
        columns.first_mut()?.form = Form::Plain;
    }
    Some(columns)
}

/// How many cells a row has.
pub(super) fn width(columns: &[Column<'_, '_>]) -> usize {
    let cells = columns.iter().map(|column| match &column.form {
        Form::Constant(_) | Form::Key => 0,
        Form::Nested(inner) => width(inner),
        _ => 1,
    });
    cells.sum()
}

/// The keys that enough rows have, in an order that most rows have them in.
fn common<'t>(rows: &[Members<'_, 't>]) -> Option<Vec<&'t str>> {
    if rows.len() < 2 {
        return None;
    }
    let mut keys = Keys::default();
    for row in rows {
        keys.add(row)?;
    }
    // Where keys are next to nothing beside the values, they are better read next to them.
    if keys.bytes > rows.len() * ROW_LARGE && keys.key_bytes * 20 < keys.bytes {
        return None;
    }
    for common in [COMMON, 51, 100] {
        let is_kept = |key: &&usize| keys.counts[**key] * 100 >= rows.len() * common;
        let kept: Vec<usize> = keys.order.iter().filter(is_kept).copied().collect();
        let cells: usize = kept.iter().map(|key| keys.counts[*key]).sum();
        if !kept.is_empty()
            && cells * 100 >= kept.len() * rows.len() * FILLED
            && cells * 2 >= keys.members
        {
            return Some(kept.into_iter().map(|key| keys.names[key]).collect());
        }
    }
    None
}

/// The keys of all rows so far.
#[derive(Default)]
struct Keys<'t> {
    names: Vec<&'t str>,
    /// How many rows have each.
    counts: Vec<usize>,
    /// In the order of the columns.
    order: Vec<usize>,
    places: HashMap<&'t str, usize>,
    /// Those of the row before: most rows have the same.
    before: Vec<usize>,
    members: usize,
    key_bytes: usize,
    bytes: usize,
}

impl<'t> Keys<'t> {
    fn add(&mut self, row: Members<'_, 't>) -> Option<()> {
        self.members += row.len();
        for (at, (name, value)) in row.iter().enumerate() {
            self.key_bytes += name.len();
            self.bytes += name.len() + value.raw.len();
            let same = self
                .before
                .get(at)
                .copied()
                .filter(|key| self.names[*key] == *name);
            let key = match same.or_else(|| self.places.get(name).copied()) {
                Some(key) => key,
                None => self.first(name, at)?,
            };
            self.counts[key] += 1;
            match self.before.get_mut(at) {
                Some(before) => *before = key,
                None => self.before.push(key),
            }
        }
        self.before.truncate(row.len());
        Some(())
    }

    /// A key not seen before, which stands at `at` in its row: its column comes after that of the key before it.
    fn first(&mut self, name: &'t str, at: usize) -> Option<usize> {
        if self.names.len() >= KEYS_MAX {
            return None;
        }
        let key = self.names.len();
        self.names.push(name);
        self.counts.push(0);
        self.places.insert(name, key);
        let before = at.checked_sub(1).map(|at| self.before[at]);
        let place = before.and_then(|before| self.order.iter().position(|key| *key == before));
        self.order.insert(place.map_or(0, |place| place + 1), key);
        Some(key)
    }
}

/// The values of each column, and in which row.
fn values<'n, 't>(rows: &[Members<'n, 't>], common: &[&'t str]) -> Vec<Vec<(usize, &'n Node<'t>)>> {
    let places: HashMap<&str, usize> = common
        .iter()
        .enumerate()
        .map(|(at, key)| (*key, at))
        .collect();
    let mut values = vec![Vec::with_capacity(rows.len()); common.len()];
    for (at, row) in rows.iter().enumerate() {
        for (member, (key, value)) in row.iter().enumerate() {
            let same = common
                .get(member)
                .filter(|name| *name == key)
                .map(|_| member);
            if let Some(place) = same.or_else(|| places.get(key).copied()) {
                values[place].push((at, value));
            }
        }
    }
    values
}

fn form<'n, 't>(
    values: &[(usize, &'n Node<'t>)],
    rows: usize,
    keys: Option<&[&'t str]>,
) -> Form<'n, 't> {
    let everywhere = values.len() == rows;
    let Some((_, first)) = values.first() else {
        return Form::Plain;
    };
    if everywhere
        && values
            .iter()
            .all(|(_, v)| v.hash == first.hash && v.raw == first.raw)
    {
        return Form::Constant(first);
    }
    let is_own_key = |(row, value): &(usize, &Node<'t>)| keys.is_some_and(|k| k[*row] == value.raw);
    if everywhere && values.iter().all(is_own_key) {
        return Form::Key;
    }
    let count = |is: fn(&Node<'_>) -> bool| values.iter().filter(|(_, v)| is(v)).count();
    let objects = count(|v| v.members().is_some());
    let lists = count(|v| v.elements().is_some());
    if objects >= 2 && lists == 0 {
        return nested(values, everywhere && objects == rows);
    }
    if lists >= 1 && objects == 0 {
        return listed(values);
    }
    let texts = count(|v| matches!(v.kind, Kind::Text));
    if texts == values.len() && values.iter().any(|(_, v)| word::looks_plain(v.raw)) {
        return Form::Text;
    }
    Form::Plain
}

fn nested<'n, 't>(values: &[(usize, &'n Node<'t>)], everywhere: bool) -> Form<'n, 't> {
    let inner: Vec<Members<'n, 't>> = values.iter().filter_map(|(_, v)| v.members()).collect();
    let Some(columns) = of(&inner, None) else {
        return Form::Plain;
    };
    let covers = |row: &Members<'_, '_>| {
        row.iter()
            .all(|(key, _)| columns.iter().any(|column| column.key == *key))
    };
    if everywhere && inner.iter().all(covers) {
        Form::Nested(columns)
    } else {
        Form::Optional(columns)
    }
}

fn listed<'n, 't>(values: &[(usize, &'n Node<'t>)]) -> Form<'n, 't> {
    let elements = || values.iter().filter_map(|(_, v)| v.elements()).flatten();
    if !elements().all(|element| element.members().is_some()) {
        return Form::Plain;
    }
    let inner: Vec<Members<'n, 't>> = elements().filter_map(Node::members).collect();
    of(&inner, None).map_or(Form::Plain, Form::List)
}
