//! Answers: responses, lists of items, counts, acknowledgements and errors.

use super::reader::{Path, Reader};
use crate::exchange::Usage;
use crate::json::{JsonKind, Malformed, Value};
use crate::part::{Author, Kind};
use crate::read::{Is, wrong_type};

impl Reader<'_> {
    /// A whole answer, or the response within an event.
    pub fn answer(&mut self, root: Value<'_>, at: &Path<'_>) -> Result<(), Malformed> {
        if root.kind() != JsonKind::Object {
            return Err(wrong_type(root, "the answer"));
        }
        if root.member("type").is_some() {
            // One item, as when it was asked for by its id.
            return self.item(root, at, 0);
        }
        if root
            .member("object")
            .is_some_and(|object| object.is_str("response"))
            && let Some(id) = self.member(root, "id")
        {
            self.reading.outline.created.push(id);
        }
        if let Some(usage) = root.member("usage") {
            self.reading.outline.usage.update(read_usage(usage));
        }
        let said = Is::new(Kind::Text, Author::Model, None);
        self.each(root, at, said, |r, key, value, here| {
            match key {
                "output" | "data" => r.items(value, here, Author::Model)?,
                "input" => r.items(value, here, Author::User)?,
                "output_text" => r.inspect_text(said, value),
                "error" => r.inspect(said, value),
                _ => return r.setting(root, key, value, here),
            }
            Ok(true)
        })
    }
}

/// The tokens that a `usage` tells of.
pub(super) fn read_usage(usage: Value<'_>) -> Usage {
    let count = |object: Option<Value<'_>>, key| object?.member(key)?.as_u64();
    Usage {
        input: count(Some(usage), "input_tokens"),
        output: count(Some(usage), "output_tokens"),
        cached: count(usage.member("input_tokens_details"), "cached_tokens"),
    }
}
