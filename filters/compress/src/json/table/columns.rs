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
    let mut order: Vec<&'t str> = Vec::new();
    let mut counts: HashMap<&'t str, usize> = HashMap::new();
    let mut members = 0;
    for row in rows {
        members += row.len();
        for (at, (key, _)) in row.iter().enumerate() {
            if let Some(count) = counts.get_mut(key) {
                *count += 1;
                continue;
            }
            if order.len() >= KEYS_MAX {
                return None;
            }
            counts.insert(key, 1);
            let before = at.checked_sub(1).map(|at| row[at].0);
            let place = before.and_then(|before| order.iter().position(|key| *key == before));
            order.insert(place.map_or(0, |place| place + 1), key);
        }
    }
    for common in [COMMON, 51, 100] {
        let kept: Vec<&'t str> = order
            .iter()
            .copied()
            .filter(|key| counts[key] * 100 >= rows.len() * common)
            .collect();
        let cells: usize = kept.iter().map(|key| counts[key]).sum();
        if !kept.is_empty()
            && cells * 100 >= kept.len() * rows.len() * FILLED
            && cells * 2 >= members
        {
            return Some(kept);
        }
    }
    None
}

/// The values of each column, and in which row.
fn values<'n, 't>(rows: &[Members<'n, 't>], common: &[&'t str]) -> Vec<Vec<(usize, &'n Node<'t>)>> {
    let places: HashMap<&str, usize> = common
        .iter()
        .enumerate()
        .map(|(at, key)| (*key, at))
        .collect();
    let mut values = vec![Vec::new(); common.len()];
    for (at, row) in rows.iter().enumerate() {
        for (key, value) in *row {
            if let Some(place) = places.get(key) {
                values[*place].push((at, value));
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
