//! A YAML file as a tree in which every value knows where it was written.

use super::error::ConfigError;
use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use std::collections::HashMap;
use std::path::Path;

/// The most values one file may hold, aliases written out.
const NODES_MAX: usize = 200_000;
/// The deepest nesting.
const DEPTH_MAX: usize = 64;

/// A place in a file, both counted from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub(crate) struct At {
    pub line: usize,
    pub column: usize,
}

/// One value.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub at: At,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    /// In the order of the file; no key twice.
    Map(Vec<(Key, Node)>),
}

#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub at: At,
    pub name: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    /// As written in the file: safe to show.
    pub written: String,
    /// With the environment put in.
    pub text: String,
    /// Neither quoted nor a block: `true` is a truth value and `~` is nothing.
    pub plain: bool,
}

impl Scalar {
    /// Nothing: `~`, `null`, or no value at all.
    pub fn is_null(&self) -> bool {
        self.plain && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }
}

impl Node {
    /// The value of a key.
    pub fn get(&self, name: &str) -> Option<(&Key, &Node)> {
        match &self.value {
            Value::Map(entries) => entries
                .iter()
                .find(|(key, _)| key.name == name)
                .map(|(key, node)| (key, node)),
            _ => None,
        }
    }

    /// The place of what `path` names, or of the nearest thing above it. The key's place, not its value's.
    pub fn place(&self, path: &[&str]) -> At {
        let Some((first, rest)) = path.split_first() else {
            return self.at;
        };
        match &self.value {
            Value::Map(_) => match self.get(first) {
                Some((key, node)) if rest.is_empty() || matches!(node.value, Value::Scalar(_)) => {
                    key.at
                }
                Some((_, node)) => node.place(rest),
                None => self.at,
            },
            Value::List(items) => {
                let item = first
                    .parse::<usize>()
                    .ok()
                    .and_then(|index| items.get(index));
                item.map_or(self.at, |item| item.place(rest))
            }
            Value::Scalar(_) => self.at,
        }
    }

    /// Whether there is nothing here.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.is_null())
    }

    /// Each scalar in turn.
    pub fn each_scalar(&mut self, with: &mut impl FnMut(At, &mut Scalar)) {
        match &mut self.value {
            Value::Scalar(scalar) => with(self.at, scalar),
            Value::List(items) => items.iter_mut().for_each(|item| item.each_scalar(with)),
            Value::Map(entries) => entries
                .iter_mut()
                .for_each(|(_, node)| node.each_scalar(with)),
        }
    }

    /// As JSON, by the rules of YAML's core schema.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Scalar(scalar) => scalar_to_json(scalar),
            Value::List(items) => items.iter().map(Node::to_json).collect(),
            Value::Map(entries) => entries
                .iter()
                .map(|(key, node)| (key.name.clone(), node.to_json()))
                .collect(),
        }
    }
}

fn scalar_to_json(scalar: &Scalar) -> serde_json::Value {
    let text = scalar.text.as_str();
    if !scalar.plain {
        return text.into();
    }
    if scalar.is_null() {
        return serde_json::Value::Null;
    }
    match text {
        "true" | "True" | "TRUE" => return true.into(),
        "false" | "False" | "FALSE" => return false.into(),
        _ => {}
    }
    // JSON's spelling of numbers only: `0644` and `1_000` stay text, as nothing loses digits that way.
    match serde_json::from_str::<serde_json::Number>(text) {
        Ok(number) => number.into(),
        Err(_) => text.into(),
    }
}

/// Reads a file's one document.
pub(crate) fn read(file: &Path, text: &str) -> Result<Node, ConfigError> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        anchors: HashMap::new(),
        nodes: 0,
    };
    reader.document().map_err(|wrong| ConfigError {
        file: file.into(),
        line: wrong.at.line,
        column: wrong.at.column,
        message: wrong.message,
        hint: wrong.hint.map(Into::into),
    })
}

struct Wrong {
    at: At,
    message: String,
    hint: Option<&'static str>,
}

impl Wrong {
    fn new(at: At, message: impl Into<String>, hint: &'static str) -> Self {
        Wrong {
            at,
            message: message.into(),
            hint: Some(hint),
        }
    }
}

struct Reader<'t> {
    parser: Parser<'t, saphyr_parser::StrInput<'t>>,
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), Wrong> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(Wrong {
                at: At {
                    line: error.marker().line(),
                    column: error.marker().col() + 1,
                },
                message: format!("not YAML: {}", error.info()),
                hint: None,
            }),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn document(&mut self) -> Result<Node, Wrong> {
        let mut found = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart
                | Event::DocumentStart(_)
                | Event::DocumentEnd
                | Event::Nothing => {}
                _ if found.is_some() => {
                    return Err(Wrong::new(
                        at(&span),
                        "a second document begins here",
                        "keep one document in a file",
                    ));
                }
                event => found = Some(self.node(event, span, 0)?),
            }
        }
        Ok(found.unwrap_or(Node {
            at: At { line: 1, column: 1 },
            value: Value::Map(Vec::new()),
        }))
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Wrong> {
        let at = at(&span);
        self.count(1, at)?;
        if depth > DEPTH_MAX {
            return Err(Wrong::new(
                at,
                format!("nested more than {DEPTH_MAX} deep"),
                "make it flatter",
            ));
        }
        let before = self.nodes;
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, _) => (anchor, scalar(&text, style)),
            Event::SequenceStart(anchor, _) => (anchor, self.list(depth)?),
            Event::MappingStart(anchor, _) => (anchor, self.map(depth)?),
            Event::Alias(anchor) => return self.alias(anchor, at),
            _ => {
                return Err(Wrong::new(
                    at,
                    "a value is missing here",
                    "write one, or `~` for none",
                ));
            }
        };
        let node = Node { at, value };
        if anchor > 0 {
            self.anchors
                .insert(anchor, (node.clone(), 1 + self.nodes - before));
        }
        Ok(node)
    }

    fn count(&mut self, more: usize, at: At) -> Result<(), Wrong> {
        self.nodes += more;
        if self.nodes <= NODES_MAX {
            return Ok(());
        }
        Err(Wrong::new(
            at,
            format!("more than {NODES_MAX} values"),
            "split the file, or use fewer aliases",
        ))
    }

    fn alias(&mut self, anchor: usize, at: At) -> Result<Node, Wrong> {
        let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
            return Err(Wrong::new(
                at,
                "this alias names itself",
                "write the value out",
            ));
        };
        self.count(size, at)?;
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Value, Wrong> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(items)),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, Wrong> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut seen: HashMap<String, At> = HashMap::new();
        loop {
            let (event, span) = self.next()?;
            let key_at = at(&span);
            let name = match event {
                Event::MappingEnd => return Ok(Value::Map(entries)),
                Event::Scalar(name, ..) => name.into_owned(),
                _ => {
                    return Err(Wrong::new(
                        key_at,
                        "a key must be plain text",
                        "write `key: value`",
                    ));
                }
            };
            if let Some(first) = seen.insert(name.clone(), key_at) {
                let message = format!("`{name}` is given twice, first in line {}", first.line);
                return Err(Wrong::new(key_at, message, "keep one of the two"));
            }
            let (event, span) = self.next()?;
            let node = self.node(event, span, depth + 1)?;
            entries.push((Key { at: key_at, name }, node));
        }
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    Value::Scalar(Scalar {
        written: text.into(),
        text: text.into(),
        plain: style == ScalarStyle::Plain,
    })
}

fn at(span: &Span) -> At {
    At {
        line: span.start.line(),
        column: span.start.col() + 1,
    }
}
