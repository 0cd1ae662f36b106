//! A page as a tree, from the tokens of the WHATWG tokenizer.
//!
//! Nodes stand in document order and a subtree is one stretch of them, so every walk is a loop. The tree is at most
//! [`DEPTH_MAX`] deep: what is nested deeper becomes content of the deepest element. Of HTML's rules for broken pages
//! those are kept that decide what a reader sees where: implied ends of paragraphs, items, rows and cells; end tags
//! that nothing opened; tables as walls. Misnested formatting is not rebuilt, for formatting is not written.

use super::furniture::{self, Furniture};
use super::tag::Tag;
use html5gum::Tokenizer;
use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use std::ops::Range;

/// Elements open at once.
const DEPTH_MAX: usize = 256;
/// Nodes of the largest page that is read.
const NODES_MAX: usize = 1 << 19;

/// A stretch of [`Tree::words`].
pub(super) type Span = Range<u32>;

/// An element, or a text.
#[derive(Debug)]
pub(super) struct Node {
    /// `None`: a text.
    pub tag: Option<Tag>,
    /// The first node after this one and all it holds.
    pub end: u32,
    /// The element that holds it.
    pub parent: u32,
    /// Of a text its words; of a link where it leads; of an image what it shows; of code its language.
    pub words: Span,
    /// The page says that it is not shown.
    pub hidden: bool,
    /// What its names say it is, beside the article.
    pub furniture: Option<Furniture>,
    /// Of an ordered list its first number; of a link the node before which it ends, where that is not [`Node::end`].
    pub first: u32,
}

/// A page.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// In document order; the first holds all others.
    pub nodes: Vec<Node>,
    /// All texts and attributes that are kept.
    pub words: String,
    /// What the head says the page is about.
    pub description: String,
}

impl Tree {
    /// `None`: more nodes than are read.
    pub(super) fn of(page: &str) -> Option<Tree> {
        let mut builder = Builder::new();
        let mut emitter =
            CallbackEmitter::new(|event: CallbackEvent<'_>, _: html5gum::Span<()>| {
                builder.take(event);
                None::<std::convert::Infallible>
            });
        emitter.naively_switch_states(true);
        let Ok(()) = Tokenizer::new_with_emitter(page, emitter).finish();
        if builder.tree.nodes.len() >= NODES_MAX {
            return None;
        }
        builder.close_to(0);
        Some(builder.tree)
    }

    pub(super) fn words(&self, span: &Span) -> &str {
        self.words
            .get(span.start as usize..span.end as usize)
            .unwrap_or_default()
    }

    fn say(&mut self, text: &str) -> Span {
        let start = self.words.len() as u32;
        self.words.push_str(text);
        start..self.words.len() as u32
    }
}

/// What an attribute is, where it is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attribute {
    Href,
    Alt,
    Names,
    Role,
    Style,
    AriaHidden,
    Hidden,
    First,
    MetaName,
    Content,
    Other,
}

/// The start tag that is being read.
#[derive(Default)]
struct Begun {
    tag: Option<Tag>,
    name: u32,
    attribute: Option<Attribute>,
    href: Option<String>,
    alt: Option<String>,
    names: String,
    hidden: bool,
    role: Option<Furniture>,
    /// The element's own name says what it is.
    kind: Option<Furniture>,
    first: u32,
    meta_name: String,
    content: String,
}

/// An open element.
#[derive(Clone, Copy)]
struct Open {
    at: u32,
    tag: Tag,
    name: u32,
}

/// A name, short (FNV-1a). Two that are alike cost no more than an end tag taken for another.
fn short(name: &[u8]) -> u32 {
    let step = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    name.iter().fold(0x811c_9dc5, step)
}

struct Builder {
    tree: Tree,
    open: Vec<Open>,
    /// Open `svg`s.
    drawings: usize,
    /// Elements that were opened below the deepest level and not closed.
    over: usize,
    begun: Begun,
}

impl Builder {
    fn new() -> Self {
        let mut builder = Builder {
            tree: Tree::default(),
            open: Vec::new(),
            drawings: 0,
            over: 0,
            begun: Begun::default(),
        };
        let at = builder.push(Some(Tag::Block));
        builder.open.push(Open {
            at,
            tag: Tag::Block,
            name: 0,
        });
        builder
    }

    fn take(&mut self, event: CallbackEvent<'_>) {
        if self.tree.nodes.len() >= NODES_MAX {
            return;
        }
        match event {
            CallbackEvent::OpenStartTag { name } => {
                self.begun = Begun {
                    tag: Some(Tag::of(name)),
                    name: short(name),
                    kind: furniture::of_element(name),
                    first: if name == b"a" { u32::MAX } else { 1 },
                    ..Begun::default()
                };
            }
            CallbackEvent::AttributeName { name } => self.attribute(name),
            CallbackEvent::AttributeValue { value } => self.value(value),
            CallbackEvent::CloseStartTag { self_closing } => self.start(self_closing),
            CallbackEvent::EndTag { name } => self.end(name),
            CallbackEvent::String { value } => self.text(&String::from_utf8_lossy(value)),
            CallbackEvent::Comment { .. }
            | CallbackEvent::Doctype { .. }
            | CallbackEvent::Error(_) => {}
        }
    }

    fn attribute(&mut self, name: &[u8]) {
        let attribute = match name {
            b"href" => Attribute::Href,
            b"alt" => Attribute::Alt,
            b"class" | b"id" => Attribute::Names,
            b"role" => Attribute::Role,
            b"style" => Attribute::Style,
            b"aria-hidden" => Attribute::AriaHidden,
            b"hidden" => Attribute::Hidden,
            b"start" => Attribute::First,
            b"name" | b"property" => Attribute::MetaName,
            b"content" => Attribute::Content,
            _ => Attribute::Other,
        };
        self.begun.attribute = Some(attribute);
        if attribute == Attribute::Hidden {
            self.begun.hidden = true;
        }
    }

    fn value(&mut self, value: &[u8]) {
        let begun = &mut self.begun;
        let text = || String::from_utf8_lossy(value).into_owned();
        match begun.attribute.unwrap_or(Attribute::Other) {
            // The first of two counts, as everywhere in HTML.
            Attribute::Href if begun.tag == Some(Tag::A) => {
                begun.href.get_or_insert_with(text);
            }
            Attribute::Alt if begun.tag == Some(Tag::Img) => {
                begun.alt.get_or_insert_with(text);
            }
            Attribute::Names if begun.names.len() < furniture::NAMES_MAX => {
                begun.names.push_str(&String::from_utf8_lossy(value));
                begun.names.push(' ');
            }
            Attribute::Role => begun.role = furniture::of_role(value),
            Attribute::Style => begun.hidden |= furniture::not_shown(value),
            Attribute::AriaHidden => begun.hidden |= value == b"true",
            // Shown when it is searched for.
            Attribute::Hidden if value == b"until-found" => begun.hidden = false,
            Attribute::First if begun.tag == Some(Tag::Ol) => {
                let number = std::str::from_utf8(value).ok();
                begun.first = number.and_then(|n| n.trim().parse().ok()).unwrap_or(1);
            }
            Attribute::MetaName if begun.tag == Some(Tag::Meta) => begun.meta_name = text(),
            Attribute::Content if begun.tag == Some(Tag::Meta) => begun.content = text(),
            _ => {}
        }
    }

    fn start(&mut self, self_closing: bool) {
        let begun = std::mem::take(&mut self.begun);
        let Some(tag) = begun.tag else { return };
        if tag == Tag::Meta {
            self.describe(&begun);
            return;
        }
        self.imply_ends(tag);
        let at = self.push(Some(tag));
        let words = match tag {
            Tag::A => begun.href,
            Tag::Img => begun.alt,
            Tag::Code | Tag::Pre => furniture::language(&begun.names).map(str::to_owned),
            _ => None,
        };
        let words = self.tree.say(words.as_deref().unwrap_or_default());
        let named = begun.kind.or(begun.role);
        let named = named.or_else(|| furniture::of_names(&begun.names));
        if let Some(node) = self.tree.nodes.get_mut(at as usize) {
            node.words = words;
            node.hidden = begun.hidden;
            node.furniture = named;
            node.first = begun.first;
        }
        if !(tag.is_void() || (self_closing && self.drawings > 0)) {
            self.open(at, tag, begun.name);
        }
    }

    fn open(&mut self, at: u32, tag: Tag, name: u32) {
        // A script too deep to stand in the tree must still not be read as words.
        let unseen = tag == Tag::Unseen && self.top() != Some(Tag::Unseen);
        if self.open.len() < DEPTH_MAX || unseen {
            self.drawings += usize::from(tag == Tag::Svg);
            self.open.push(Open { at, tag, name });
        } else {
            self.over += 1;
        }
    }

    fn describe(&mut self, begun: &Begun) {
        let name = begun.meta_name.to_ascii_lowercase();
        let better = match name.as_str() {
            "description" => true,
            "og:description" => self.tree.description.is_empty(),
            _ => false,
        };
        if better && !begun.content.trim().is_empty() {
            self.tree.description.clone_from(&begun.content);
        }
    }

    /// What a start tag ends without saying so.
    fn imply_ends(&mut self, tag: Tag) {
        let html = tag.is_block() || matches!(tag, Tag::Br | Tag::Img | Tag::Code);
        if html && tag != Tag::Title && self.drawings > 0 {
            // An element of HTML inside a drawing ends the drawing.
            self.end_nearest(|open| open.tag == Tag::Svg, |_| false);
        }
        if tag.ends_paragraph() {
            self.end_nearest(|open| open.tag == Tag::P, Tag::is_wall);
        }
        let ends: &[Tag] = match tag {
            Tag::Li => &[Tag::Li],
            Tag::Dt | Tag::Dd => &[Tag::Dt, Tag::Dd],
            Tag::Opt => &[Tag::Opt],
            Tag::Cell => &[Tag::Cell],
            Tag::Row => &[Tag::Row],
            Tag::Rows => &[Tag::Rows, Tag::Caption],
            Tag::A => &[Tag::A],
            Tag::Body => &[Tag::Head],
            Tag::Heading(_) => {
                if matches!(self.top(), Some(Tag::Heading(_))) {
                    self.close_to(self.open.len() - 1);
                }
                return;
            }
            _ => return,
        };
        let wall = move |open: Tag| match tag {
            Tag::Li => matches!(open, Tag::Ul | Tag::Ol) || open.is_wall(),
            Tag::Opt => open == Tag::Select,
            Tag::Cell | Tag::Row | Tag::Rows => open == Tag::Table,
            Tag::A => open.is_block(),
            _ => open.is_wall(),
        };
        self.end_nearest(|open| ends.contains(&open.tag), wall);
    }

    fn end(&mut self, name: &[u8]) {
        let (tag, name) = (Tag::of(name), short(name));
        if self.over > 0 && self.top() != Some(Tag::Unseen) {
            self.over -= usize::from(!tag.is_void());
            return;
        }
        let same = |open: &Open| open.name == name;
        match tag {
            Tag::Br => {
                self.push(Some(Tag::Br));
            }
            // What follows the end of the body still belongs to it.
            Tag::Body | Tag::Html => {}
            Tag::A => {
                if !self.end_nearest(same, Tag::is_block) {
                    self.end_link();
                }
            }
            Tag::Inline | Tag::Code | Tag::Control => {
                self.end_nearest(same, Tag::is_block);
            }
            Tag::Heading(_) => {
                self.end_nearest(|open| matches!(open.tag, Tag::Heading(_)), Tag::is_wall);
            }
            Tag::Cell | Tag::Row | Tag::Rows | Tag::Caption => {
                self.end_nearest(|open| open.tag == tag, |open| open == Tag::Table);
            }
            Tag::Table | Tag::Svg => {
                self.end_nearest(same, |_| false);
            }
            _ if tag.is_void() => {}
            _ => {
                self.end_nearest(same, Tag::is_wall);
            }
        }
    }

    /// A link ends inside a block that it began around.
    fn end_link(&mut self) {
        let now = self.tree.nodes.len() as u32;
        let link = self.open.iter().rev().find(|open| open.tag == Tag::A);
        let link = link.and_then(|open| self.tree.nodes.get_mut(open.at as usize));
        if let Some(link) = link.filter(|link| link.first == u32::MAX) {
            link.first = now;
        }
    }

    fn top(&self) -> Option<Tag> {
        self.open.last().map(|open| open.tag)
    }

    /// Closes the nearest open element that is meant, and what is in it, unless a wall stands before it.
    fn end_nearest(&mut self, meant: impl Fn(&Open) -> bool, wall: impl Fn(Tag) -> bool) -> bool {
        for (level, open) in self.open.iter().enumerate().skip(1).rev() {
            if meant(open) {
                self.close_to(level);
                return true;
            }
            if wall(open.tag) {
                return false;
            }
        }
        false
    }

    /// Closes all that is open from this level on.
    fn close_to(&mut self, level: usize) {
        let end = self.tree.nodes.len() as u32;
        for open in self.open.drain(level..) {
            self.drawings -= usize::from(open.tag == Tag::Svg);
            if let Some(node) = self.tree.nodes.get_mut(open.at as usize) {
                node.end = end;
            }
        }
    }

    fn text(&mut self, text: &str) {
        if matches!(self.top(), Some(Tag::Unseen)) {
            return;
        }
        let words = self.tree.say(text);
        let at = self.push(None);
        if let Some(node) = self.tree.nodes.get_mut(at as usize) {
            node.words = words;
        }
    }

    fn push(&mut self, tag: Option<Tag>) -> u32 {
        let at = self.tree.nodes.len() as u32;
        self.tree.nodes.push(Node {
            tag,
            end: at + 1,
            parent: self.open.last().map_or(0, |open| open.at),
            words: 0..0,
            hidden: false,
            furniture: None,
            first: 1,
        });
        at
    }
}
