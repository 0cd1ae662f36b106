//! Walks a document by its shapes: every string in it becomes a part, or is a harmless word.

use super::missing;
use super::shape::{self, Rows, Sort, Take};
use crate::exchange::Usage;
use crate::json::{Fault, JsonKind, KeyName, Malformed, Value};
use crate::part::{Answer, Author, Kind, PartId, Text};
use crate::read::{Is, Reading, wrong_type};
use crate::span::Span;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

/// The longest string that passes as a harmless word.
const WORD_MAX: usize = 256;

/// The longest number that passes as one.
const NUMBER_MAX: usize = 32;

/// Where a value stands: written out only when something unread is found there.
#[derive(Clone, Copy)]
pub(super) enum Path<'p> {
    Root,
    Key(&'p Path<'p>, &'p str),
    Index(&'p Path<'p>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Key(Path::Root, key) => f.write_str(key),
            Path::Key(holder, key) => write!(f, "{holder}.{key}"),
            Path::Index(holder, index) => write!(f, "{holder}[{index}]"),
        }
    }
}

/// Reads one document into an outline.
pub(super) struct Reader<'r, 't> {
    pub(super) reading: &'r mut Reading,
    /// The names of the tools that were called, by the call's id.
    calls: HashMap<Cow<'t, str>, Text>,
    answering: bool,
}

impl<'r, 't> Reader<'r, 't> {
    pub(super) fn request(reading: &'r mut Reading) -> Self {
        Reader {
            reading,
            calls: HashMap::new(),
            answering: false,
        }
    }

    pub(super) fn answer(reading: &'r mut Reading) -> Self {
        Reader {
            answering: true,
            ..Reader::request(reading)
        }
    }

    /// Remembers a call that was made earlier, outside this document.
    pub(super) fn called(&mut self, id: Cow<'t, str>, tool: &str) {
        let tool = self.reading.words(tool);
        self.calls.insert(id, tool);
    }

    /// Reads an object whose members are `rows`; whatever else it holds is unread.
    pub(super) fn object(
        &mut self,
        at: Path<'_>,
        object: Value<'t>,
        is: Is,
        rows: Rows,
    ) -> Result<(), Malformed> {
        let Some(members) = object.members() else {
            self.strange_unless(object.is_null(), at, object, is);
            return Ok(());
        };
        for (key, value) in members {
            let name = key.as_str().unwrap_or_default();
            match rows.iter().find(|(known, _)| *known == name) {
                Some((known, take)) => {
                    self.take(Path::Key(&at, known), object, value, is, *take)?
                }
                None => {
                    let known: Vec<&str> = rows.iter().map(|(known, _)| *known).collect();
                    self.reading
                        .unread(&at.to_string(), key, value, &known, is)?;
                }
            }
        }
        Ok(())
    }

    fn take(
        &mut self,
        at: Path<'_>,
        holder: Value<'t>,
        value: Value<'t>,
        is: Is,
        take: Take,
    ) -> Result<(), Malformed> {
        match take {
            Take::Elsewhere => {}
            Take::Word => self.strange_unless(is_word(value), at, value, is),
            Take::Label => self.strange_unless(is_label(value), at, value, is),
            Take::Opaque => self.strange_unless(is_opaque(value), at, value, is),
            Take::Words => self.strange_unless(are_words(value), at, value, is),
            Take::Settings if are_words(value) => {}
            Take::Settings => drop(self.reading.leaves(is, value)),
            Take::Text => self.text(at, value, is),
            Take::UserText => self.leaves(value, Is::new(Kind::Text, Author::User, is.message)),
            Take::Refusal => self.text(at, value, is.kind(Kind::Refusal)),
            Take::Leaves => self.leaves(value, is),
            Take::Content => self.content(at, value, is)?,
            Take::Citations => self.citations(at, value, is)?,
            Take::Source(form) => self.source(at, holder, value, is, form)?,
            Take::Upload => self.upload(at, holder, value, is),
            Take::Object(rows) => self.object(at, value, is, rows)?,
            Take::Each(rows) => self.each(at, value, is, rows)?,
            Take::Stored => self.stored(at, value, is),
            Take::Created => self.created(at, value, is),
            Take::Container if value.kind() == JsonKind::String => self.stored(at, value, is),
            Take::Container => self.object(at, value, is, shape::CONTAINER)?,
            Take::Model => self.model(at, value, is),
            Take::Stream => self.stream(value)?,
            Take::Usage => self.usage(at, value, is),
            Take::Counted => self.counted(at, value, is),
            Take::Messages => self.messages(at, value)?,
            Take::Offers(key, dependants) => self.offers(holder, value, key, dependants)?,
            Take::Listing => drop(self.offer_parts(value, "mcp_tool", is.message)?),
            Take::Offer => drop(self.offer(value, "custom", is.message)?),
            Take::ToolChoice => self.tool_choice(at, value, is)?,
        }
        Ok(())
    }

    /// Notes what stands where something else should.
    fn strange_unless(&mut self, fine: bool, at: Path<'_>, value: Value<'t>, is: Is) {
        if !fine {
            self.reading.unread_element(&at.to_string(), value, is);
        }
    }

    fn text(&mut self, at: Path<'_>, value: Value<'t>, is: Is) {
        match value.kind() {
            JsonKind::String => drop(self.reading.text(is, value)),
            kind => self.strange_unless(kind == JsonKind::Null, at, value, is),
        }
    }

    fn leaves(&mut self, value: Value<'t>, is: Is) {
        match value.kind() {
            JsonKind::Null => {}
            JsonKind::String => drop(self.reading.text(is, value)),
            _ => drop(self.reading.leaves(is, value)),
        }
    }

    fn each(&mut self, at: Path<'_>, list: Value<'t>, is: Is, rows: Rows) -> Result<(), Malformed> {
        let Some(elements) = list.elements() else {
            self.strange_unless(list.is_null(), at, list, is);
            return Ok(());
        };
        for (index, element) in elements.enumerate() {
            self.object(Path::Index(&at, index), element, is, rows)?;
        }
        Ok(())
    }

    fn content(&mut self, at: Path<'_>, value: Value<'t>, is: Is) -> Result<(), Malformed> {
        match value.kind() {
            JsonKind::Object => self.block(at, value, is)?,
            JsonKind::Array => {
                for (index, block) in value.elements().into_iter().flatten().enumerate() {
                    self.block(Path::Index(&at, index), block, is)?;
                }
            }
            _ => self.text(at, value, is),
        }
        Ok(())
    }

    /// Reads one content block, or an object inside a result.
    pub(super) fn block(
        &mut self,
        at: Path<'_>,
        block: Value<'t>,
        is: Is,
    ) -> Result<(), Malformed> {
        let kind = kind_of(block);
        let within_result = is.kind == Kind::ToolResult;
        let is = match kind == "text" && !is_cited(block) {
            true => is,
            false => is.answer(Answer::Fixed),
        };
        let known = shape::block(&kind).filter(|(sort, _)| !within_result || sort.within_result());
        match known {
            Some((sort, rows)) => {
                let is = self.whose(block, &kind, sort, is)?;
                self.object(at, block, is, rows)
            }
            None => {
                self.reading.unread_element(&at.to_string(), block, is);
                Ok(())
            }
        }
    }

    /// What the parts of a block are, and who wrote them.
    fn whose(&mut self, block: Value<'t>, kind: &str, sort: Sort, is: Is) -> Result<Is, Malformed> {
        let by = |kind, author| Is::new(kind, author, is.message);
        Ok(match sort {
            Sort::Plain | Sort::Inner | Sort::Tools => is,
            Sort::Found => Is {
                author: Author::Tool,
                ..is
            },
            Sort::Thinking => by(Kind::Reasoning, Author::Model).sealed(),
            Sort::Compaction if is_signed(block) => is.sealed(),
            Sort::Compaction => is,
            Sort::Call => self.call(block, by(Kind::ToolCall, Author::Model))?,
            Sort::ProviderCall => {
                let form = self.reading.words(kind);
                self.call(block, by(Kind::ToolCall, Author::Model).form(Some(form)))?
            }
            Sort::Result => {
                let id = block.member("tool_use_id");
                let tool = id
                    .and_then(Value::as_str)
                    .and_then(|id| self.calls.get(&id).copied());
                let call = id.and_then(|id| self.reading.string(id));
                let answer = match (kind, block.member("is_error").and_then(Value::as_bool)) {
                    ("tool_result", Some(true)) => Answer::Failed,
                    ("tool_result", _) => Answer::Plain,
                    _ => Answer::Fixed,
                };
                by(Kind::ToolResult, Author::Tool)
                    .tool(tool)
                    .call(call)
                    .answer(answer)
            }
        })
    }

    fn call(&mut self, block: Value<'t>, is: Is) -> Result<Is, Malformed> {
        let name = block.member("name").ok_or_else(|| missing(block, "name"))?;
        if block.member("input").is_none_or(Value::is_null) {
            return Err(missing(block, "input"));
        }
        let Some(tool) = self.reading.string(name) else {
            return Err(wrong_type(name, "name"));
        };
        let id = block.member("id");
        if let Some(id) = id.and_then(Value::as_str) {
            self.calls.insert(id, tool);
        }
        let id = id.and_then(|id| self.reading.string(id));
        Ok(is.tool(Some(tool)).call(id))
    }

    /// Reads where a medium comes from. `holder` is the block that shows it.
    fn source(
        &mut self,
        at: Path<'_>,
        holder: Value<'t>,
        source: Value<'t>,
        is: Is,
        form: &str,
    ) -> Result<(), Malformed> {
        let kind = kind_of(source);
        let Some((told, rows)) = shape::source(&kind) else {
            self.reading.unread_element(&at.to_string(), source, is);
            return Ok(());
        };
        if let Some(key) = told {
            // These are all the words a medium has, so they must be there.
            let told = source.member(key).ok_or_else(|| missing(source, key))?;
            if told.kind() != JsonKind::String {
                return Err(wrong_type(told, key));
            }
            self.media(holder, told, is, form);
            if key == "file_id" {
                self.store(told);
            }
        }
        self.object(at, source, is, rows)
    }

    fn media(&mut self, holder: Value<'t>, told: Value<'t>, is: Is, form: &str) {
        let form = self.reading.words(form);
        let is = is.kind(Kind::Media).form(Some(form));
        self.reading.media(is, holder, Some(told));
    }

    fn upload(&mut self, at: Path<'_>, holder: Value<'t>, file: Value<'t>, is: Is) {
        if file.kind() == JsonKind::String {
            self.media(holder, file, is, "file");
            self.store(file);
        } else {
            self.strange_unless(file.is_null(), at, file, is);
        }
    }

    fn citations(&mut self, at: Path<'_>, value: Value<'t>, is: Is) -> Result<(), Malformed> {
        if value.kind() == JsonKind::Array {
            return self.each(at, value, is, shape::CITATION);
        }
        self.strange_unless(are_words(value), at, value, is);
        Ok(())
    }

    fn stored(&mut self, at: Path<'_>, value: Value<'t>, is: Is) {
        self.store(value);
        self.strange_unless(is_word(value), at, value, is);
    }

    /// Only a request leans on what is stored; an answer repeats it.
    fn store(&mut self, value: Value<'t>) {
        if let (false, Some(id)) = (self.answering, self.reading.string(value)) {
            self.reading.outline.stored.push(id);
        }
    }

    fn created(&mut self, at: Path<'_>, value: Value<'t>, is: Is) {
        if let (true, Some(id)) = (self.answering, self.reading.string(value)) {
            self.reading.outline.created.push(id);
        }
        self.stored(at, value, is);
    }

    fn model(&mut self, at: Path<'_>, value: Value<'t>, is: Is) {
        self.reading.outline.model = self.reading.string(value);
        self.strange_unless(is_word(value), at, value, is);
    }

    fn stream(&mut self, value: Value<'t>) -> Result<(), Malformed> {
        match value.as_bool() {
            Some(streamed) => self.reading.outline.streamed = streamed,
            None if value.is_null() => {}
            None => return Err(wrong_type(value, "stream")),
        }
        Ok(())
    }

    fn usage(&mut self, at: Path<'_>, usage: Value<'t>, is: Is) {
        let tokens = |key| usage.member(key).and_then(Value::as_u64);
        let cached = tokens("cache_read_input_tokens");
        let written = tokens("cache_creation_input_tokens");
        let input = tokens("input_tokens").map(|fresh| {
            fresh
                .saturating_add(written.unwrap_or(0))
                .saturating_add(cached.unwrap_or(0))
        });
        self.reading.outline.usage.update(Usage {
            input,
            output: tokens("output_tokens"),
            cached,
        });
        self.strange_unless(are_words(usage), at, usage, is);
    }

    fn counted(&mut self, at: Path<'_>, value: Value<'t>, is: Is) {
        self.reading.outline.usage.input = value.as_u64();
        self.strange_unless(is_word(value), at, value, is);
    }

    fn messages(&mut self, at: Path<'_>, messages: Value<'t>) -> Result<(), Malformed> {
        for (index, message) in messages.elements().into_iter().flatten().enumerate() {
            if message.kind() != JsonKind::Object {
                return Err(wrong_type(message, "a message"));
            }
            let role = message
                .member("role")
                .ok_or_else(|| missing(message, "role"))?;
            let author = match role.as_str().as_deref() {
                Some("user") => Author::User,
                Some("assistant") => Author::Model,
                Some("system") => Author::Operator,
                _ => return Err(wrong_type(role, "role")),
            };
            let is = Is::new(Kind::Text, author, Some(index as u32));
            self.reading.outline.clears |= message.member("clear_at").is_some();
            self.object(Path::Index(&at, index), message, is, shape::MESSAGE_PARAM)?;
        }
        Ok(())
    }

    fn offers(
        &mut self,
        holder: Value<'t>,
        list: Value<'t>,
        key: &'static str,
        dependants: &[&str],
    ) -> Result<(), Malformed> {
        if list.is_null() {
            return Ok(());
        }
        let usual = match key {
            "mcp_servers" => "mcp_server",
            _ => "custom",
        };
        let offers = self.offer_parts(list, usual, None)?;
        self.reading.offer_list(holder, key, dependants, offers);
        Ok(())
    }

    fn offer_parts(
        &mut self,
        list: Value<'t>,
        usual: &str,
        message: Option<u32>,
    ) -> Result<Vec<(PartId, Span)>, Malformed> {
        let Some(elements) = list.elements() else {
            return Err(wrong_type(list, "a list of tools"));
        };
        elements
            .map(|offer| Ok((self.offer(offer, usual, message)?, offer.span())))
            .collect()
    }

    /// One tool, or a tool server whose tools the provider calls itself. Its form is its type; `usual` for
    /// those that need none.
    fn offer(
        &mut self,
        offer: Value<'t>,
        usual: &str,
        message: Option<u32>,
    ) -> Result<PartId, Malformed> {
        if offer.kind() != JsonKind::Object {
            return Err(wrong_type(offer, "a tool"));
        }
        refuse_lookalikes(offer, shape::OFFER_KEYS)?;
        let kind = offer.member("type").filter(|_| usual != "mcp_server");
        let form = match kind.and_then(|kind| self.reading.string(kind)) {
            Some(form) => form,
            None => self.reading.words(usual),
        };
        let name = offer
            .member("name")
            .or_else(|| offer.member("mcp_server_name"))
            .and_then(|name| self.reading.string(name));
        let is = Is::new(Kind::ToolOffer, Author::Tool, message)
            .tool(Some(name.unwrap_or(form)))
            .form(Some(form));
        Ok(self.reading.leaves(is, offer))
    }

    fn tool_choice(&mut self, at: Path<'_>, choice: Value<'t>, is: Is) -> Result<(), Malformed> {
        if choice
            .member("type")
            .is_some_and(|kind| kind.is_str("tool"))
        {
            let name = choice.member("name");
            self.reading.outline.forced_tool = name.and_then(|name| self.reading.string(name));
        }
        self.object(at, choice, is, shape::TOOL_CHOICE)
    }
}

/// The `type` of an object; empty if it has none.
pub(super) fn kind_of(object: Value<'_>) -> Cow<'_, str> {
    object
        .member("type")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Whether the places in a text are cited, or are to be.
fn is_cited(block: Value<'_>) -> bool {
    let citations = block.member("citations");
    citations
        .is_some_and(|all| !all.is_null() && all.elements().is_none_or(|mut e| e.next().is_some()))
}

fn is_signed(block: Value<'_>) -> bool {
    ["signature", "encrypted_content"]
        .iter()
        .any(|key| block.member(key).is_some_and(|value| !value.is_null()))
}

fn refuse_lookalikes(object: Value<'_>, known: &[&str]) -> Result<(), Malformed> {
    for (key, _) in object.members().into_iter().flatten() {
        let name = key.as_str().unwrap_or_default();
        let alike = |known: &&&str| known.eq_ignore_ascii_case(&name) && **known != name;
        if known.iter().any(|known| alike(&known)) {
            return Err(Malformed {
                at: key.span().start as usize,
                fault: Fault::LookalikeKey(KeyName::new(&name)),
            });
        }
    }
    Ok(())
}

/// A flag, a number, or a string that is a name, an id, a date or the like and not a sentence.
pub(super) fn is_word(value: Value<'_>) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.:/+=@[]".contains(&b);
    match value.kind() {
        JsonKind::String => is_made_of(value, WORD_MAX, plain),
        JsonKind::Number => value.raw().len() <= NUMBER_MAX,
        kind => !matches!(kind, JsonKind::Object | JsonKind::Array),
    }
}

fn is_label(value: Value<'_>) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b" _-.:/+=@[]()".contains(&b);
    value.is_null() || is_made_of(value, WORD_MAX, plain)
}

/// Base64 of either alphabet, with or without line ends.
fn is_opaque(value: Value<'_>) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"+/=_-\n\r".contains(&b);
    value.is_null() || is_made_of(value, usize::MAX, plain)
}

fn is_made_of(value: Value<'_>, max: usize, plain: impl Fn(u8) -> bool) -> bool {
    value
        .as_str()
        .is_some_and(|text| text.len() <= max && text.bytes().all(plain))
}

/// Whether every key and value inside is a word.
fn are_words(value: Value<'_>) -> bool {
    match value.kind() {
        JsonKind::Object => value
            .members()
            .into_iter()
            .flatten()
            .all(|(key, value)| is_word(key) && are_words(value)),
        JsonKind::Array => value.elements().into_iter().flatten().all(are_words),
        _ => is_word(value),
    }
}
