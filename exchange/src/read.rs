//! Reading: what the dialects use to turn a JSON document into an outline.

use crate::json::{Fault, JsonKind, KeyName, Malformed, Tape, Value, string};
use crate::part::{Answer, Author, Coding, Kind, Part, PartId, Segment, Text};
use crate::payload::{OfferList, Outline};
use crate::span::Span;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What is known of a part besides its words.
#[derive(Clone, Copy, Debug)]
pub struct Is {
    /// What it is.
    pub kind: Kind,
    /// Who wrote it.
    pub author: Author,
    /// The message or item it stands in.
    pub message: Option<u32>,
    /// The tool's name.
    pub tool: Option<Text>,
    /// The call's id.
    pub call: Option<Text>,
    /// An offer's or a medium's type.
    pub form: Option<Text>,
    /// Signed: never to be edited.
    pub sealed: bool,
    /// Whether a tool's words may be put in others.
    pub answer: Answer,
}

impl Is {
    /// A part of this kind by this author, in message `message`.
    pub fn new(kind: Kind, author: Author, message: Option<u32>) -> Self {
        Is {
            kind,
            author,
            message,
            tool: None,
            call: None,
            form: None,
            sealed: false,
            answer: Answer::Fixed,
        }
    }

    /// With the tool's name.
    pub fn tool(self, tool: Option<Text>) -> Self {
        Is { tool, ..self }
    }

    /// With the call's id.
    pub fn call(self, call: Option<Text>) -> Self {
        Is { call, ..self }
    }

    /// With a type.
    pub fn form(self, form: Option<Text>) -> Self {
        Is { form, ..self }
    }

    /// Signed by the provider.
    pub fn sealed(self) -> Self {
        Is {
            sealed: true,
            ..self
        }
    }

    /// What a tool answered, and whether its words may be put in others.
    pub fn answer(self, answer: Answer) -> Self {
        Is { answer, ..self }
    }

    /// The same, but of another kind.
    pub fn kind(self, kind: Kind) -> Self {
        Is { kind, ..self }
    }
}

/// An outline in the making. All values given to it must be of the one document it began with.
#[derive(Debug, Default)]
pub struct Reading {
    /// What has been understood so far; dialects fill the plain fields themselves.
    pub outline: Outline,
}

impl Reading {
    /// The words of a string value: in the body if they can be, else decoded.
    pub fn string(&mut self, value: Value<'_>) -> Option<Text> {
        let (span, escaped) = value.content()?;
        if !escaped {
            return Some(Text::Body(span));
        }
        let raw = value.raw();
        Some(self.decoded(&raw[1..raw.len() - 1]))
    }

    fn decoded(&mut self, raw: &str) -> Text {
        let start = self.outline.arena.len();
        string::decode(raw, &mut self.outline.arena);
        Text::Arena(Span::new(start, self.outline.arena.len()))
    }

    /// Words that stand nowhere in the body, such as a path.
    pub fn words(&mut self, words: &str) -> Text {
        let start = self.outline.arena.len();
        self.outline.arena.push_str(words);
        Text::Arena(Span::new(start, self.outline.arena.len()))
    }

    /// A part whose words are one string value. Other types of value give the words inside them.
    pub fn text(&mut self, is: Is, value: Value<'_>) -> PartId {
        let Some((raw, _)) = value.content() else {
            return self.leaves(is, value);
        };
        let text = self.string(value).unwrap_or(Text::Body(raw));
        let len = match text {
            Text::Body(span) | Text::Arena(span) => span.len(),
        };
        let first = self.outline.segments.len();
        self.outline.segments.push(Segment {
            text: Span::new(0, len),
            raw,
            coding: Coding::String,
        });
        self.part(is, text, None, Span::new(first, first + 1), value.span())
    }

    /// A part whose words are only the first `len` bytes of a string: what can be read of a medium before
    /// its bytes begin. The rest is in no text.
    pub fn head(&mut self, is: Is, value: Value<'_>, len: usize) -> PartId {
        let id = self.text(is, value);
        let part = &mut self.outline.parts[id.0 as usize];
        let (Text::Body(span) | Text::Arena(span)) = part.text;
        let head = Span::new(0, len.min(span.len()));
        let kept = head.shifted(span.start as usize);
        part.text = match part.text {
            Text::Body(_) => Text::Body(kept),
            Text::Arena(_) => Text::Arena(kept),
        };
        part.segments.end = part.segments.end.min(part.segments.start + 1);
        if let Some(segment) = self.outline.segments.get_mut(part.segments.start as usize) {
            segment.text.end = segment.text.end.min(head.end);
        }
        id
    }

    /// A part whose words are every key, string and number inside a value, one a line. Its `json` is the
    /// value itself.
    pub fn leaves(&mut self, is: Is, value: Value<'_>) -> PartId {
        let mut leaves = Leaves::begin(&self.outline);
        leaves.add(&mut self.outline, value, None);
        let (text, segments) = leaves.end(&self.outline);
        self.part(
            is,
            text,
            Some(Text::Body(value.span())),
            segments,
            value.span(),
        )
    }

    /// A part whose value is a string that holds a JSON document, such as a call's arguments: its words
    /// are those inside the document. If it is not (strict) JSON, its words are the string itself and
    /// `json` is `None`. An empty string stands for `{}`.
    pub fn nested(&mut self, is: Is, value: Value<'_>) -> PartId {
        let Some((outer, _)) = value.content() else {
            return self.leaves(is, value);
        };
        let Some(document) = self.string(value) else {
            return self.text(is, value);
        };
        let source = match document {
            Text::Body(_) => value.raw()[1..value.raw().len() - 1].to_owned(),
            Text::Arena(span) => self.outline.arena[span.range()].to_owned(),
        };
        if source.trim().is_empty() {
            let id = self.text(is, value);
            let empty = self.words("{}");
            self.outline.parts[id.0 as usize].json = Some(empty);
            return id;
        }
        let Ok(tape) = Tape::read_str(&source) else {
            return self.text(is, value);
        };
        let mut leaves = Leaves::begin(&self.outline);
        leaves.add(&mut self.outline, tape.root(), Some(outer));
        let (text, segments) = leaves.end(&self.outline);
        self.part(is, text, Some(document), segments, value.span())
    }

    /// An image, a sound, a file. Its words are those of the string that tells of it: an address, a name,
    /// a type; of a base64 `data:` address only the head, without the payload. No string: no words.
    pub fn media(&mut self, is: Is, whole: Value<'_>, words: Option<Value<'_>>) -> PartId {
        let first = self.outline.segments.len();
        let Some((value, (content, escaped))) = words.and_then(|w| Some((w, w.content()?))) else {
            let start = whole.span().start;
            let nothing = Text::Body(Span { start, end: start });
            return self.part(is, nothing, None, Span::new(first, first), whole.span());
        };
        let raw = &value.raw()[1..value.raw().len() - 1];
        let head = head_len(&value.as_str().unwrap_or_default());
        let raw_head = string::raw_range(raw, 0..head);
        let span = Span::new(0, raw_head.end).shifted(content.start as usize);
        let text = match escaped {
            true => self.decoded(&raw[..raw_head.end]),
            false => Text::Body(span),
        };
        self.outline.segments.push(Segment {
            text: Span::new(0, head),
            raw: span,
            coding: Coding::String,
        });
        self.part(is, text, None, Span::new(first, first + 1), whole.span())
    }

    /// Bytes in base64, such as a resource's blob: if they are text, a part with that text; else a medium. What
    /// is no (padded, unescaped) base64 is read as the words it is.
    pub fn base64(&mut self, is: Is, form: Option<Text>, value: Value<'_>) -> PartId {
        let Some((raw, false)) = value.content() else {
            return self.leaves(is, value);
        };
        let coded = &value.raw()[1..value.raw().len() - 1];
        let Ok(bytes) = STANDARD.decode(coded) else {
            return self.text(is, value);
        };
        let Ok(text) = String::from_utf8(bytes) else {
            return self.media(is.kind(Kind::Media).form(form), value, None);
        };
        let first = self.outline.segments.len();
        self.outline.segments.push(Segment {
            text: Span::new(0, text.len()),
            raw,
            coding: Coding::Base64,
        });
        let text = self.words(&text);
        self.part(is, text, None, Span::new(first, first + 1), value.span())
    }

    /// Something no reader knows: noted by its path, and inspected as a part of kind `Unread`.
    /// A key that differs only in case from one in `known` is refused: another parser might take it.
    pub fn unread(
        &mut self,
        path: &str,
        key: Value<'_>,
        value: Value<'_>,
        known: &[&str],
        is: Is,
    ) -> Result<(), Malformed> {
        let name = key.as_str().unwrap_or_default();
        if known.iter().any(|k| k.eq_ignore_ascii_case(&name)) {
            return Err(Malformed {
                at: key.span().start as usize,
                fault: Fault::LookalikeKey(KeyName::new(&name)),
            });
        }
        let dot = if path.is_empty() { "" } else { "." };
        let path = self.words(&format!("{path}{dot}{name}"));
        self.outline.unread.push(path);
        self.leaves(is.kind(Kind::Unread), value);
        Ok(())
    }

    /// An element (a block, an item) of a type no reader knows.
    pub fn unread_element(&mut self, path: &str, value: Value<'_>, is: Is) {
        let path = self.words(path);
        self.outline.unread.push(path);
        self.leaves(is.kind(Kind::Unread), value);
    }

    /// A list of offers, each already read as a part: remembered so that hidden ones can be cut out.
    /// `dependant_keys` are members of `holder` that make no sense without the list.
    pub fn offer_list(
        &mut self,
        holder: Value<'_>,
        list_key: &str,
        dependant_keys: &[&str],
        offers: Vec<(PartId, Span)>,
    ) {
        let mut members = Vec::new();
        let mut dependants = Vec::new();
        for (key, value) in holder.members().into_iter().flatten() {
            let name = key.as_str().unwrap_or_default();
            if name == list_key || dependant_keys.contains(&&*name) {
                dependants.push(members.len());
            }
            members.push(Span {
                start: key.span().start,
                end: value.span().end,
            });
        }
        self.outline.offer_lists.push(OfferList {
            offers,
            members,
            dependants,
        });
    }

    fn part(
        &mut self,
        is: Is,
        text: Text,
        json: Option<Text>,
        segments: Span,
        whole: Span,
    ) -> PartId {
        let id = PartId(self.outline.parts.len() as u32);
        self.outline.parts.push(Part {
            kind: is.kind,
            author: is.author,
            message: is.message,
            tool: is.tool,
            call: is.call,
            form: is.form,
            text,
            json,
            segments,
            whole,
            sealed: is.sealed,
            answer: is.answer,
        });
        id
    }
}

/// Gathers the words of one part from many values, a line each.
struct Leaves {
    arena: usize,
    first: usize,
}

impl Leaves {
    fn begin(outline: &Outline) -> Self {
        Leaves {
            arena: outline.arena.len(),
            first: outline.segments.len(),
        }
    }

    /// Adds every key, string and number in `value`. `outer`: the JSON string whose decoded content
    /// `value` was read from, if it was.
    fn add(&mut self, outline: &mut Outline, value: Value<'_>, outer: Option<Span>) {
        match value.kind() {
            JsonKind::Object => {
                for (key, member) in value.members().into_iter().flatten() {
                    self.add(outline, key, outer);
                    self.add(outline, member, outer);
                }
            }
            JsonKind::Array => {
                for element in value.elements().into_iter().flatten() {
                    self.add(outline, element, outer);
                }
            }
            JsonKind::String => self.line(outline, value, outer, false),
            JsonKind::Number => self.line(outline, value, outer, true),
            JsonKind::True | JsonKind::False | JsonKind::Null => {}
        }
    }

    fn line(&mut self, outline: &mut Outline, value: Value<'_>, outer: Option<Span>, number: bool) {
        if outline.segments.len() > self.first {
            outline.arena.push('\n');
        }
        let start = outline.arena.len() - self.arena;
        let raw = match value.content() {
            Some((span, _)) => {
                string::decode(&value.raw()[1..value.raw().len() - 1], &mut outline.arena);
                span
            }
            None => {
                outline.arena.push_str(value.raw());
                value.span()
            }
        };
        outline.segments.push(Segment {
            text: Span::new(start, outline.arena.len() - self.arena),
            raw,
            coding: match (outer, number) {
                (Some(outer), number) => Coding::Nested { outer, number },
                (None, true) => Coding::Number,
                (None, false) => Coding::String,
            },
        });
    }

    fn end(self, outline: &Outline) -> (Text, Span) {
        (
            Text::Arena(Span::new(self.arena, outline.arena.len())),
            Span::new(self.first, outline.segments.len()),
        )
    }
}

/// How much of an address is words: all of it, but for the payload of base64 `data:`. A payload that is
/// not base64 is words.
fn head_len(address: &str) -> usize {
    let is_data = |head: &str| {
        let scheme = head.trim_start().get(..5).unwrap_or_default();
        scheme.eq_ignore_ascii_case("data:") && head.to_ascii_lowercase().ends_with(";base64")
    };
    let is_base64 = |b: u8| b.is_ascii_alphanumeric() || b"+/=-_\r\n".contains(&b);
    match address.split_once(',') {
        Some((head, payload)) if is_data(head) && payload.bytes().all(is_base64) => head.len() + 1,
        _ => address.len(),
    }
}

/// The error for a value of the wrong type.
pub fn wrong_type(value: Value<'_>, what: &'static str) -> Malformed {
    Malformed {
        at: value.span().start as usize,
        fault: Fault::Type(what),
    }
}
