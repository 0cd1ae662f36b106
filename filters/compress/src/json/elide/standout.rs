//! Which rows of a table stand out, and what is true of all of them.

use super::super::node::{Kind, Node};
use super::super::table::columns::{Column, Form, Members};
use std::collections::HashMap;
use std::fmt::Write as _;

/// Different values of a column of which it is said how often each occurs.
const FEW: usize = 8;
/// Bytes of the longest of them.
const VALUE_MAX: usize = 32;
/// Columns of which something is said.
const COLUMNS_MAX: usize = 12;
/// A value is rare if at most one in this many rows has it.
const RARE: usize = 20;
/// Standard deviations from the mean at which a number stands out.
const FAR: f64 = 4.0;
/// Bytes of a value that are looked at for a word of failure.
const LOOK: usize = 400;
/// What failures are called.
const FAILURES: [&str; 10] = [
    "error",
    "fail",
    "fatal",
    "exception",
    "denied",
    "timeout",
    "critical",
    "panic",
    "refused",
    "invalid",
];

/// What is said of all rows.
struct Said {
    text: String,
    columns: usize,
}

/// The rows that stand out, the most striking first, and a line about all rows.
pub(super) fn of(rows: &[Members<'_, '_>], columns: &[Column<'_, '_>]) -> (Vec<usize>, String) {
    let mut scores = vec![0u32; rows.len()];
    let mut said = Said {
        text: format!("(all {} rows", rows.len()),
        columns: 0,
    };

    within("", rows, columns, &mut scores, &mut said);
    let mut order: Vec<usize> = (0..rows.len()).filter(|row| scores[*row] > 0).collect();
    order.sort_by_key(|row| (std::cmp::Reverse(scores[*row]), *row));
    if !order.is_empty() {
        let _ = write!(said.text, "; {} stand out", order.len());
    }
    said.text.push(')');
    (order, said.text)
}

/// The same for the columns of objects that are in every row.
fn within<'n, 't>(
    path: &str,
    rows: &[Members<'n, 't>],
    columns: &[Column<'_, '_>],
    scores: &mut [u32],
    said: &mut Said,
) {
    for column in columns {
        let key = column.key.get(1..column.key.len() - 1).unwrap_or("");
        let values: Vec<(usize, &'n Node<'t>)> = rows
            .iter()
            .enumerate()
            .filter_map(|(at, row)| {
                row.iter()
                    .find(|(key, _)| *key == column.key)
                    .map(|(_, value)| (at, value))
            })
            .collect();
        let about = match &column.form {
            Form::Nested(inner) => {
                let inside: Vec<Members<'n, 't>> = values
                    .iter()
                    .filter_map(|(_, value)| value.members())
                    .collect();
                within(&format!("{path}{key}."), &inside, inner, scores, said);
                None
            }
            Form::Plain | Form::Text => {
                failures(&values, scores);
                numbers(&values, scores).or_else(|| few(&values, scores))
            }
            _ => None,
        };
        if let Some(about) = about.filter(|_| said.columns < COLUMNS_MAX) {
            let sign = if said.columns == 0 { ':' } else { ',' };
            said.columns += 1;
            let _ = write!(said.text, "{sign} {path}{key} {about}");
            if values.len() < rows.len() {
                let _ = write!(said.text, " absent {}", rows.len() - values.len());
            }
        }
    }
}

/// Rows that speak of failure, where few do.
fn failures(values: &[(usize, &Node<'_>)], scores: &mut [u32]) {
    let speaks = |node: &Node<'_>| {
        let mut end = node.raw.len().min(LOOK);
        while !node.raw.is_char_boundary(end) {
            end -= 1;
        }
        let low = node.raw[..end].to_ascii_lowercase();
        matches!(node.kind, Kind::Text) && FAILURES.iter().any(|word| low.contains(word))
    };
    let found: Vec<usize> = values
        .iter()
        .filter(|(_, node)| speaks(node))
        .map(|(row, _)| *row)
        .collect();
    if found.len() * 5 <= values.len() {
        found.into_iter().for_each(|row| scores[row] += 8);
    }
}

/// The range of a column of numbers; rows far outside score.
fn numbers(values: &[(usize, &Node<'_>)], scores: &mut [u32]) -> Option<String> {
    let mut all: Vec<(usize, f64, &str)> = Vec::with_capacity(values.len());
    for (row, node) in values {
        match node.kind {
            Kind::Plain if node.raw == "null" => {}
            Kind::Plain => all.push((
                *row,
                node.raw.parse().ok().filter(|n: &f64| n.is_finite())?,
                node.raw,
            )),
            _ => return None,
        }
    }
    let least = all.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let most = all.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let count = all.len() as f64;
    let mean = all.iter().map(|(_, n, _)| n / count).sum::<f64>();
    let spread = (all
        .iter()
        .map(|(_, n, _)| (n - mean) * (n - mean) / count)
        .sum::<f64>())
    .sqrt();
    for (row, number, _) in &all {
        if spread.is_finite() && (number - mean).abs() > FAR * spread {
            scores[*row] += 4;
        }
    }
    Some(format!("{}..{}", least.2, most.2))
}

/// How often each value of a column occurs that has few; rows with a rare one score.
fn few(values: &[(usize, &Node<'_>)], scores: &mut [u32]) -> Option<String> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let mut order: Vec<&str> = Vec::new();
    for (_, node) in values {
        if !node.is_leaf() || node.raw.len() > VALUE_MAX {
            return None;
        }
        let count = counts.entry(node.raw).or_insert_with(|| {
            order.push(node.raw);
            0
        });
        *count += 1;
        if order.len() > FEW {
            return None;
        }
    }
    for (row, node) in values {
        if counts[node.raw] * RARE <= values.len() {
            scores[*row] += 2;
        }
    }
    order.sort_by_key(|value| std::cmp::Reverse(counts[value]));
    let words: Vec<String> = order
        .iter()
        .map(|value| format!("{value} {}", counts[value]))
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}
