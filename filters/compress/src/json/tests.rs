//! The JSON forms: there and back, small, and readable by a stranger.

use super::{elide, minify, table, unwrap};
use crate::tokens::{Vocabulary, count};

fn exact(text: &str) -> usize {
    count(text, Vocabulary::O200k)
}

/// The table form of a text, proven: by its decoder to the byte, and by a reader that knows only the grammar.
fn tabled(text: &str) -> Option<String> {
    let form = table::encode(text)?;
    assert_eq!(
        table::decode(&form.text, &form.residue).as_deref(),
        Some(text),
        "{}",
        form.text
    );
    let body = form.text.split_once('\n').expect("a first line").1;
    if let Ok(value) = serde_json::from_str::<serde_json::Value>(text) {
        assert_eq!(stranger::read(body), Ok(value), "{}", form.text);
    }
    Some(form.text)
}

mod corpora;
mod elided;
mod forms;
mod hostile;
mod stranger;
mod wrapped;
