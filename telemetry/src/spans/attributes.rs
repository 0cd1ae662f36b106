//! Attributes, bounded.

use crate::limits::{LIST_MAX, TEXT_BYTES_MAX};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};

/// Attributes of one span, event or link.
#[derive(Default)]
pub(crate) struct Attributes {
    pub list: Vec<KeyValue>,
}

impl Attributes {
    pub fn text(&mut self, key: impl Into<String>, text: impl AsRef<str>) {
        self.long(key, shortened(text.as_ref(), TEXT_BYTES_MAX));
    }

    /// A text of which somebody else has seen to it that it is not too long.
    pub fn long(&mut self, key: impl Into<String>, text: String) {
        self.add(key, Value::StringValue(text));
    }

    pub fn maybe(&mut self, key: &str, text: Option<impl AsRef<str>>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    pub fn int(&mut self, key: impl Into<String>, value: impl TryInto<i64>) {
        let value = value.try_into().unwrap_or(i64::MAX);
        self.add(key, Value::IntValue(value));
    }

    pub fn maybe_int(&mut self, key: &str, value: Option<impl TryInto<i64>>) {
        if let Some(value) = value {
            self.int(key, value);
        }
    }

    /// A number; none where it is not finite, which some collectors choke on.
    pub fn double(&mut self, key: &str, value: f64) {
        if value.is_finite() {
            self.add(key, Value::DoubleValue(value));
        }
    }

    pub fn bool(&mut self, key: &str, value: bool) {
        self.add(key, Value::BoolValue(value));
    }

    /// A list of texts; none where it is empty.
    pub fn texts<T: AsRef<str>>(&mut self, key: &str, texts: impl IntoIterator<Item = T>) {
        let values: Vec<AnyValue> = texts
            .into_iter()
            .take(LIST_MAX)
            .map(|text| any(Value::StringValue(shortened(text.as_ref(), TEXT_BYTES_MAX))))
            .collect();
        if !values.is_empty() {
            self.add(key, Value::ArrayValue(ArrayValue { values }));
        }
    }

    fn add(&mut self, key: impl Into<String>, value: Value) {
        self.list.push(KeyValue {
            key: key.into(),
            value: Some(any(value)),
            ..Default::default()
        });
    }
}

fn any(value: Value) -> AnyValue {
    AnyValue { value: Some(value) }
}

/// The beginning of a text, at most this many bytes with the mark that it is not all.
pub(crate) fn shortened(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let room = bytes_max - '…'.len_utf8();
    let end = (0..=room).rev().find(|&at| text.is_char_boundary(at));
    let end = end.unwrap_or_default();
    format!("{}…", &text[..end])
}
