//! Holds a tree against the JSON Schema and turns it into JSON: every mistake at its place, not only the first.

use super::error::{ConfigError, nearest};
use super::tree::{At, Node, Scalar, Value as Tree};
use super::units::{Size, Time};
use serde_json::{Map, Value};
use std::path::Path;

/// The mistakes found so far in one file.
pub(crate) struct Mistakes<'f> {
    pub file: &'f Path,
    pub found: Vec<ConfigError>,
}

impl<'f> Mistakes<'f> {
    pub fn new(file: &'f Path) -> Self {
        Mistakes {
            file,
            found: Vec::new(),
        }
    }

    /// Notes one mistake.
    pub fn add(&mut self, at: At, message: impl Into<String>, hint: impl Into<String>) {
        let hint: String = hint.into();
        self.found.push(ConfigError {
            file: self.file.into(),
            line: at.line,
            column: at.column,
            message: message.into(),
            hint: (!hint.is_empty()).then_some(hint),
        });
    }
}

/// The JSON that `node` stands for, as far as `schema` understands it. `name` is the key it belongs to.
pub(crate) fn check(name: &str, node: &Node, schema: &Value, mistakes: &mut Mistakes<'_>) -> Value {
    let schema = without_null(schema);
    match &node.value {
        Tree::Map(entries) if is(schema, "object") => {
            let mut object = Map::new();
            for (key, node) in entries {
                match member(schema, &key.name) {
                    // No value is the same as no key.
                    Some(_) if node.is_null() && schema["properties"].get(&key.name).is_some() => {}
                    Some(member) => {
                        object.insert(key.name.clone(), check(&key.name, node, member, mistakes));
                    }
                    None => unknown(&key.name, key.at, schema, mistakes),
                }
            }
            missing(name, node, schema, mistakes);
            Value::Object(object)
        }
        Tree::List(items) if is(schema, "array") => items
            .iter()
            .map(|item| check(name, item, &schema["items"], mistakes))
            .collect(),
        Tree::Scalar(scalar) if !is(schema, "object") && !is(schema, "array") => {
            match word(scalar, schema) {
                Ok(value) => value,
                Err(hint) => {
                    let written = match schema["format"] == "secret" {
                        true => String::new(),
                        false => format!(": `{}` is not", shorten(&scalar.written)),
                    };
                    mistakes.add(
                        node.at,
                        format!("`{name}` must be {}{written}", kind(schema)),
                        hint,
                    );
                    Value::Null
                }
            }
        }
        _ => {
            match name.is_empty() {
                true => mistakes.add(
                    node.at,
                    "the file must be a group of keys",
                    "write `key: value`, a key a line",
                ),
                false => mistakes.add(
                    node.at,
                    format!("`{name}` must be {}", kind(schema)),
                    example(name, schema),
                ),
            }
            Value::Null
        }
    }
}

/// A scalar as its schema wants it, or how to mend it.
fn word(scalar: &Scalar, schema: &Value) -> Result<Value, String> {
    let text = scalar.text.as_str();
    match schema["format"].as_str() {
        Some("size") => {
            return text
                .parse()
                .map(|size: Size| size.to_string().into())
                .map_err(str::to_owned);
        }
        Some("duration") => {
            return text
                .parse()
                .map(|time: Time| time.to_string().into())
                .map_err(str::to_owned);
        }
        _ => {}
    }
    let words = words(schema);
    if !words.is_empty() {
        return match words.contains(&text) {
            true => Ok(text.into()),
            false => Err(nearest(text, words)
                .map_or_else(String::new, |word| format!("did you mean `{word}`?"))),
        };
    }
    if is(schema, "boolean") {
        return text
            .parse::<bool>()
            .map(Value::from)
            .map_err(|_| "write `true` or `false`".into());
    }
    if is(schema, "integer") {
        return integer(text, schema);
    }
    if is(schema, "number") {
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        return number
            .map(Value::from)
            .ok_or_else(|| "write a number, such as `0.5`".into());
    }
    // A number or `true` where text is meant is that text: names and hashes may look like numbers.
    match scalar.is_null() {
        true => Err("write a value, or leave the key out".into()),
        false => Ok(text.into()),
    }
}

fn integer(text: &str, schema: &Value) -> Result<Value, String> {
    let low = schema["minimum"].as_u64().unwrap_or(0);
    let high = schema["maximum"]
        .as_u64()
        .unwrap_or(match schema["format"].as_str() {
            Some("uint8") => u64::from(u8::MAX),
            Some("uint16") => u64::from(u16::MAX),
            Some("uint32") => u64::from(u32::MAX),
            _ => u64::MAX,
        });
    match (text.parse::<u64>(), text.parse::<f64>()) {
        (Ok(number), _) if (low..=high).contains(&number) => Ok(number.into()),
        (_, Ok(_)) => Err(format!("a whole number from {low} to {high}")),
        _ => Err("write it in digits".into()),
    }
}

fn unknown(key: &str, at: At, schema: &Value, mistakes: &mut Mistakes<'_>) {
    let known: Vec<&str> = schema["properties"]
        .as_object()
        .map_or_else(Vec::new, |all| all.keys().map(String::as_str).collect());
    let hint = match nearest(key, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}", known.join(", ")),
    };
    mistakes.add(at, format!("unknown key `{key}`"), hint);
}

fn missing(name: &str, node: &Node, schema: &Value, mistakes: &mut Mistakes<'_>) {
    for key in schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        if node.get(key).is_none_or(|(_, node)| node.is_null()) {
            let about = schema["properties"][key]["description"]
                .as_str()
                .unwrap_or_default();
            let sentence = about
                .split_inclusive(". ")
                .next()
                .unwrap_or_default()
                .trim_end();
            let of = if name.is_empty() {
                String::new()
            } else {
                format!(" in `{name}`")
            };
            mistakes.add(node.at, format!("`{key}` is missing{of}"), sentence);
        }
    }
}

fn member<'s>(schema: &'s Value, key: &str) -> Option<&'s Value> {
    let named = schema["properties"].get(key);
    named.or_else(|| Some(&schema["additionalProperties"]).filter(|any| any.is_object()))
}

/// Of "this or null", this.
pub(super) fn without_null(schema: &Value) -> &Value {
    let any = schema["anyOf"].as_array().into_iter().flatten();
    any.into_iter()
        .find(|one| one["type"] != "null")
        .unwrap_or(schema)
}

/// Whether a schema takes values of a type.
pub(super) fn is(schema: &Value, kind: &str) -> bool {
    match &schema["type"] {
        Value::Array(kinds) => kinds.iter().any(|one| one == kind),
        one => one == kind,
    }
}

/// The words of a closed set.
pub(super) fn words(schema: &Value) -> Vec<&str> {
    let listed = schema["enum"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let described = schema["oneOf"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one["const"].as_str());
    listed.chain(described).collect()
}

/// What a value must be, in words.
pub(super) fn kind(schema: &Value) -> String {
    let words = words(schema);
    if !words.is_empty() {
        return words
            .iter()
            .map(|word| format!("`{word}`"))
            .collect::<Vec<_>>()
            .join(" or ");
    }
    let kind = match schema["format"].as_str() {
        Some("size") => "a size",
        Some("duration") => "a duration",
        Some("secret") => "text",
        _ if is(schema, "object") => "a group of keys",
        _ if is(schema, "array") => "a list",
        _ if is(schema, "boolean") => "`true` or `false`",
        _ if is(schema, "integer") => "a whole number",
        _ if is(schema, "number") => "a number",
        _ => "text",
    };
    kind.into()
}

fn example(name: &str, schema: &Value) -> String {
    if is(schema, "object") {
        return format!("write `{name}:` and its keys below, indented");
    }
    if is(schema, "array") {
        return format!("write `{name}:` and its entries below, each after `- `");
    }
    format!("write `{name}: value`")
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.into(),
    }
}
