use super::{minify, table, unwrap};
use crate::tokens::{Vocabulary, count};

fn exact(text: &str) -> usize {
    count(text, Vocabulary::O200k)
}

/// Gives the table form of a text, proven.
fn tabled(text: &str) -> Option<String> {
    let form = table::encode(text)?;
    assert_eq!(
        table::decode(&form.text, &form.residue).as_deref(),
        Some(text),
        "{}",
        form.text
    );
    Some(form.text)
}

mod corpora;
