//! The words of a declaration: every key and string in it, with the place where it stands.

use sallyport_exchange::json::{JsonKind, Value};
use std::borrow::Cow;
use std::fmt::Write as _;

/// The longest pointer that is written out, in bytes.
const POINTER_MAX: usize = 512;

/// One step down into a document.
#[derive(Clone, Debug)]
pub(crate) enum Step<'t> {
    Key(Cow<'t, str>),
    Index(usize),
}

impl Step<'_> {
    pub fn is(&self, name: &str) -> bool {
        matches!(self, Step::Key(key) if key == name)
    }
}

/// Where a value stands. Written out only where something is found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Path<'t>(pub Vec<Step<'t>>);

impl Path<'_> {
    /// As a JSON pointer (RFC 6901), cut off where it grows too long.
    pub fn pointer(&self) -> String {
        let mut out = String::new();
        for step in &self.0 {
            // Writing to a `String` cannot fail.
            match step {
                Step::Index(index) => {
                    let _ = write!(out, "/{index}");
                }
                Step::Key(key) => {
                    out.push('/');
                    for c in key.chars().take(POINTER_MAX) {
                        match c {
                            '~' => out.push_str("~0"),
                            '/' => out.push_str("~1"),
                            c => out.push(c),
                        }
                    }
                }
            }
            if out.len() > POINTER_MAX {
                out.push('…');
                break;
            }
        }
        out
    }
}

/// A key or a string.
pub(crate) struct Leaf<'a, 't> {
    /// Where it stands; of a key, the place of its value.
    pub path: &'a Path<'t>,
    /// Whether it is a key.
    pub key: bool,
    pub text: &'a str,
    /// Where it begins in the part's text: every key, string and number of the document, one a line.
    pub at: usize,
}

/// Shows every key and string of `value` to `see`, in document order, until it answers `false`.
pub(crate) fn each(value: Value<'_>, see: &mut dyn FnMut(&Leaf<'_, '_>) -> bool) {
    let mut walk = Walk {
        path: Path::default(),
        at: 0,
        see,
    };
    walk.value(value);
}

struct Walk<'t, 's> {
    path: Path<'t>,
    at: usize,
    see: &'s mut dyn FnMut(&Leaf<'_, '_>) -> bool,
}

impl<'t> Walk<'t, '_> {
    fn value(&mut self, value: Value<'t>) -> bool {
        match value.kind() {
            JsonKind::Object => {
                for (key, member) in value.members().into_iter().flatten() {
                    let name = key.as_str().unwrap_or_default();
                    self.path.0.push(Step::Key(name.clone()));
                    let on = self.leaf(true, &name) && self.value(member);
                    self.path.0.pop();
                    if !on {
                        return false;
                    }
                }
                true
            }
            JsonKind::Array => {
                for (index, element) in value.elements().into_iter().flatten().enumerate() {
                    self.path.0.push(Step::Index(index));
                    let on = self.value(element);
                    self.path.0.pop();
                    if !on {
                        return false;
                    }
                }
                true
            }
            JsonKind::String => self.leaf(false, &value.as_str().unwrap_or_default()),
            JsonKind::Number => {
                self.at += value.raw().len() + 1;
                true
            }
            JsonKind::True | JsonKind::False | JsonKind::Null => true,
        }
    }

    fn leaf(&mut self, key: bool, text: &str) -> bool {
        let on = (self.see)(&Leaf {
            path: &self.path,
            key,
            text,
            at: self.at,
        });
        self.at += text.len() + 1;
        on
    }
}

/// How many objects and arrays lie in each other.
pub(crate) fn depth(value: Value<'_>) -> usize {
    let inner = match value.kind() {
        JsonKind::Object => value
            .members()
            .into_iter()
            .flatten()
            .map(|(_, v)| depth(v))
            .max(),
        JsonKind::Array => value.elements().into_iter().flatten().map(depth).max(),
        _ => return 0,
    };
    1 + inner.unwrap_or(0)
}

/// Every key, string and number, one a line: the text of a part that was read from `value`.
pub(crate) fn lines(value: Value<'_>) -> String {
    let mut text = String::new();
    add_lines(value, &mut text);
    text.pop();
    text
}

fn add_lines(value: Value<'_>, text: &mut String) {
    for (key, member) in value.members().into_iter().flatten() {
        add_lines(key, text);
        add_lines(member, text);
    }
    for element in value.elements().into_iter().flatten() {
        add_lines(element, text);
    }
    match value.kind() {
        JsonKind::String => text.push_str(&value.as_str().unwrap_or_default()),
        JsonKind::Number => text.push_str(value.raw()),
        _ => return,
    }
    text.push('\n');
}

/// Where each key and string begins in [`lines`], and its pointer. Sorted.
pub(crate) fn starts(value: Value<'_>) -> Vec<(usize, String)> {
    let mut starts = Vec::new();
    each(value, &mut |leaf| {
        starts.push((leaf.at, leaf.path.pointer()));
        true
    });
    starts
}
