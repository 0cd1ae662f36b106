//! The one pass over the bytes: grammar, nesting, duplicate keys.

use super::{DEPTH_MAX, Fault, JsonKind, KeyName, Malformed, Node, VALUES_MAX, string};
use crate::span::Span;
use std::borrow::Cow;
use std::collections::HashSet;

/// Above this many keys an object's keys are compared by hash instead of pair by pair.
const KEYS_BY_PAIR_MAX: usize = 12;

/// An array or object that is still open.
struct Open {
    /// Its node's index.
    node: usize,
    is_object: bool,
}

struct Scanner<'a> {
    source: &'a str,
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    open: Vec<Open>,
}

/// What the grammar allows next.
enum Expect {
    Value,
    /// The first element or the end of an array just opened.
    FirstElement,
    /// The first key or the end of an object just opened.
    FirstKey,
    /// A comma or the end of what is open.
    CommaOrEnd,
}

pub(super) fn scan(source: &str) -> Result<Vec<Node>, Malformed> {
    let mut scanner = Scanner {
        source,
        bytes: source.as_bytes(),
        at: 0,
        nodes: Vec::with_capacity(source.len() / 24 + 8),
        open: Vec::new(),
    };
    if source.starts_with('\u{feff}') {
        return scanner.fail(Fault::ByteOrderMark);
    }
    scanner.document()?;
    Ok(scanner.nodes)
}

impl Scanner<'_> {
    fn document(&mut self) -> Result<(), Malformed> {
        let mut expect = Expect::Value;
        loop {
            self.skip_space();
            expect = match expect {
                Expect::Value => self.value()?,
                Expect::FirstElement if self.peek() == Some(b']') => self.close()?,
                Expect::FirstElement => self.value()?,
                Expect::FirstKey if self.peek() == Some(b'}') => self.close()?,
                Expect::FirstKey => self.key()?,
                Expect::CommaOrEnd => match self.open.last() {
                    None => break,
                    Some(open) => {
                        let is_object = open.is_object;
                        self.comma_or_end(is_object)?
                    }
                },
            };
        }
        match self.peek() {
            None => Ok(()),
            Some(_) => self.fail(Fault::Trailing),
        }
    }

    fn value(&mut self) -> Result<Expect, Malformed> {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'{') => self.open(JsonKind::Object),
            Some(b'[') => self.open(JsonKind::Array),
            Some(b't') => self.word("true", JsonKind::True),
            Some(b'f') => self.word("false", JsonKind::False),
            Some(b'n') => self.word("null", JsonKind::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.fail(Fault::Grammar),
        }
    }

    fn key(&mut self) -> Result<Expect, Malformed> {
        if self.peek() != Some(b'"') {
            return self.fail(Fault::Grammar);
        }
        self.string()?;
        self.skip_space();
        self.expect(b':')?;
        Ok(Expect::Value)
    }

    fn comma_or_end(&mut self, is_object: bool) -> Result<Expect, Malformed> {
        match (self.peek(), is_object) {
            (Some(b','), true) => {
                self.at += 1;
                self.skip_space();
                self.key()
            }
            (Some(b','), false) => {
                self.at += 1;
                Ok(Expect::Value)
            }
            (Some(b'}'), true) | (Some(b']'), false) => self.close(),
            _ => self.fail(Fault::Grammar),
        }
    }

    fn open(&mut self, kind: JsonKind) -> Result<Expect, Malformed> {
        if self.open.len() >= DEPTH_MAX {
            return self.fail(Fault::Depth);
        }
        let is_object = kind == JsonKind::Object;
        self.open.push(Open {
            node: self.nodes.len(),
            is_object,
        });
        self.push(kind, self.at, self.at + 1, false)?;
        self.at += 1;
        Ok(if is_object {
            Expect::FirstKey
        } else {
            Expect::FirstElement
        })
    }

    fn close(&mut self) -> Result<Expect, Malformed> {
        self.at += 1;
        let next = self.nodes.len() as u32;
        if let Some(open) = self.open.pop() {
            let node = &mut self.nodes[open.node];
            node.span.end = self.at as u32;
            node.next = next;
            if open.is_object {
                self.refuse_duplicates(open.node)?;
            }
        }
        Ok(Expect::CommaOrEnd)
    }

    fn string(&mut self) -> Result<Expect, Malformed> {
        let start = self.at;
        let mut escaped = false;
        let mut from = start + 1;
        loop {
            let Some(found) = memchr::memchr2(b'"', b'\\', &self.bytes[from..]) else {
                return self.fail(Fault::Grammar);
            };
            let stop = from + found;
            if self.bytes[from..stop].iter().any(|&b| b < 0x20) {
                return self.fail(Fault::Grammar);
            }
            self.at = stop;
            if self.bytes[stop] == b'"' {
                break;
            }
            escaped = true;
            match string::escape_len(&self.source[stop..]) {
                Ok(len) => from = stop + len,
                Err(fault) => return self.fail(fault),
            }
        }
        self.at += 1;
        self.push(JsonKind::String, start, self.at, escaped)?;
        Ok(Expect::CommaOrEnd)
    }

    fn number(&mut self) -> Result<Expect, Malformed> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return self.fail(Fault::Grammar),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        self.push(JsonKind::Number, start, self.at, false)?;
        Ok(Expect::CommaOrEnd)
    }

    fn digits(&mut self) -> Result<(), Malformed> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start {
            return self.fail(Fault::Grammar);
        }
        Ok(())
    }

    fn word(&mut self, word: &str, kind: JsonKind) -> Result<Expect, Malformed> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return self.fail(Fault::Grammar);
        }
        let start = self.at;
        self.at += word.len();
        self.push(kind, start, self.at, false)?;
        Ok(Expect::CommaOrEnd)
    }

    fn push(
        &mut self,
        kind: JsonKind,
        start: usize,
        end: usize,
        escaped: bool,
    ) -> Result<(), Malformed> {
        if self.nodes.len() >= VALUES_MAX {
            return self.fail(Fault::Values);
        }
        self.nodes.push(Node {
            span: Span::new(start, end),
            next: self.nodes.len() as u32 + 1,
            kind,
            escaped,
        });
        Ok(())
    }

    fn refuse_duplicates(&self, object: usize) -> Result<(), Malformed> {
        let end = self.nodes[object].next as usize;
        let mut keys: [Option<Cow<'_, str>>; KEYS_BY_PAIR_MAX] = Default::default();
        let mut many: HashSet<Cow<'_, str>> = HashSet::new();
        let mut count = 0;
        let mut at = object + 1;
        while at < end {
            let key = self.decoded(at);
            let twice = if count < KEYS_BY_PAIR_MAX {
                keys[..count].iter().flatten().any(|k| *k == key)
            } else {
                if count == KEYS_BY_PAIR_MAX {
                    many.extend(keys.iter_mut().filter_map(Option::take));
                }
                many.contains(&key)
            };
            if twice {
                return Err(Malformed {
                    at: self.nodes[at].span.start as usize,
                    fault: Fault::DuplicateKey(KeyName::new(&key)),
                });
            }
            match keys.get_mut(count) {
                Some(slot) => *slot = Some(key),
                None => drop(many.insert(key)),
            }
            count += 1;
            at = self.nodes[at + 1].next as usize;
        }
        Ok(())
    }

    fn decoded(&self, node: usize) -> Cow<'_, str> {
        let node = self.nodes[node];
        let raw = &self.source[node.span.start as usize + 1..node.span.end as usize - 1];
        if !node.escaped {
            return Cow::Borrowed(raw);
        }
        let mut text = String::with_capacity(raw.len());
        string::decode(raw, &mut text);
        Cow::Owned(text)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.peek() != Some(byte) {
            return self.fail(Fault::Grammar);
        }
        self.at += 1;
        Ok(())
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn fail<T>(&self, fault: Fault) -> Result<T, Malformed> {
        Err(Malformed { at: self.at, fault })
    }
}
