//! JSON and edits: what our reader reads is what every other parser reads, and edits change only their places.

use crate::take;
use bytes::Bytes;
use sallyport_exchange::json::{Fault, JsonKind, Tape, Value, string};
use sallyport_exchange::{Edit, Edits, Span, edit};

/// A document.
pub fn json(data: &[u8]) {
    let other: Result<serde_json::Value, _> = serde_json::from_slice(data);
    let tape = match Tape::read(data) {
        Ok(tape) => tape,
        Err(why) => {
            assert!(why.at <= data.len(), "an error points past the end");
            // Stricter than others, but only where we say so.
            let stricter = matches!(
                why.fault,
                Fault::DuplicateKey(_) | Fault::Depth | Fault::Values
            );
            assert!(
                other.is_err() || stricter,
                "refused, but others read it: {why}"
            );
            return;
        }
    };
    let lax: Result<serde::de::IgnoredAny, _> = serde_json::from_slice(data);
    assert!(lax.is_ok(), "read, but others refuse it");
    if let Ok(other) = other {
        agree(tape.root(), &other);
    }
}

fn agree(ours: Value<'_>, other: &serde_json::Value) {
    match (ours.kind(), other) {
        (JsonKind::Null, serde_json::Value::Null) => {}
        (JsonKind::True, serde_json::Value::Bool(true))
        | (JsonKind::False, serde_json::Value::Bool(false)) => {}
        (JsonKind::Number, serde_json::Value::Number(number)) => {
            if let Some(whole) = ours.as_u64() {
                assert_eq!(number.as_u64(), Some(whole));
            }
        }
        (JsonKind::String, serde_json::Value::String(text)) => {
            assert!(ours.is_str(text), "a string is read otherwise");
            masks(ours, text);
        }
        (JsonKind::Array, serde_json::Value::Array(items)) => {
            let elements: Vec<_> = ours.elements().into_iter().flatten().collect();
            assert_eq!(elements.len(), items.len());
            elements
                .into_iter()
                .zip(items)
                .for_each(|(ours, other)| agree(ours, other));
        }
        (JsonKind::Object, serde_json::Value::Object(members)) => {
            let ours: Vec<_> = ours.members().into_iter().flatten().collect();
            assert_eq!(ours.len(), members.len());
            for (key, value) in ours {
                let other = key.as_str().and_then(|key| members.get(&*key));
                agree(value, other.expect("a key is read otherwise"));
            }
        }
        (ours, _) => panic!("{ours:?} is of another type to others"),
    }
}

/// The escaped place of every character is where it is decoded from.
fn masks(value: Value<'_>, text: &str) {
    let raw = &value.raw()[1..value.raw().len() - 1];
    for (at, c) in text.char_indices().take(64) {
        let place = string::raw_range(raw, at..at + c.len_utf8());
        let mut one = String::new();
        string::decode(&raw[place], &mut one);
        assert_eq!(
            one.chars().collect::<Vec<_>>(),
            [c],
            "a character was read from elsewhere"
        );
    }
    let again: Result<String, _> = serde_json::from_str(&string::quoted(text));
    assert_eq!(
        again.ok().as_deref(),
        Some(text),
        "quoted otherwise than read"
    );
}

/// Edits. Bytes: how many edits, each its place and length (2), the source.
pub fn edits(mut data: &[u8]) {
    let [count] = take(&mut data);
    let wanted: Vec<[u8; 2]> = (0..count % 16).map(|_| take(&mut data)).collect();
    let mut touched = vec![false; data.len()];
    let mut edits = Edits::default();
    for [start, len] in &wanted {
        let start = (*start as usize).min(data.len());
        let end = (start + *len as usize % 32).min(data.len());
        touched[start..end].fill(true);
        edits.insert(Edit {
            span: Span::new(start, end),
            with: String::new(),
        });
    }
    let list: Vec<_> = edits.iter().collect();
    assert!(
        list.windows(2)
            .all(|two| two[0].span.end <= two[1].span.start),
        "edits overlap"
    );
    let kept: Vec<u8> = data
        .iter()
        .zip(&touched)
        .filter(|(_, gone)| !**gone)
        .map(|(byte, _)| *byte)
        .collect();
    assert_eq!(
        edits.apply(&Bytes::copy_from_slice(data)),
        kept,
        "edits changed more or less than their places"
    );
    list_stays_a_list(&wanted);
}

fn list_stays_a_list(wanted: &[[u8; 2]]) {
    if wanted.is_empty() {
        return;
    }
    let gone = |at: usize| wanted[at][0] % 2 == 0;
    let mut source = String::from("[");
    let mut items = Vec::new();
    for (at, [_, len]) in wanted.iter().enumerate() {
        source.push_str(if at > 0 { "," } else { "" });
        source.push_str(&" ".repeat(*len as usize % 3));
        let start = source.len();
        source.push_str(&at.to_string());
        items.push(Span::new(start, source.len()));
    }
    source.push(']');
    let mut edits = Edits::default();
    for span in edit::cuts(&items, gone) {
        edits.insert(Edit {
            span,
            with: String::new(),
        });
    }
    let left: Vec<usize> =
        serde_json::from_slice(&edits.apply(&Bytes::from(source))).expect("a list stays a list");
    let kept: Vec<usize> = (0..items.len()).filter(|at| !gone(*at)).collect();
    assert_eq!(left, kept);
}
