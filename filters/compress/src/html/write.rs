//! The page, written.

use super::furniture::Furniture;
use super::line::Line;
use super::tag::Tag;
use super::tree::{Node, Tree};
use super::weigh::{Verdict, Weighed};
use std::collections::{BTreeSet, HashSet};

/// What is folded is told at its place from so many links or words on; less is told at the end.
const TOLD_LINKS: u32 = 3;
const TOLD_WORDS: u32 = 30;
/// Letters of the longest cell of a table of data.
const CELL_MAX: usize = 400;
/// Lists within lists that are indented.
const INDENT_MAX: usize = 8;
/// Bytes of the longest address that is written.
const ADDRESS_MAX: usize = 2048;

/// What was written.
pub(super) struct Written {
    pub text: String,
    /// Hidden elements that were left out.
    pub hidden: u32,
}

pub(super) fn write(tree: &Tree, weighed: &Weighed) -> Written {
    let mut writer = Writer {
        tree,
        weighed,
        out: String::new(),
        line: Line::default(),
        title: title(tree),
        title_told: false,
        open: Vec::new(),
        lists: Vec::new(),
        heading: 0,
        marker: None,
        quotes: 0,
        code: None,
        table: None,
        tight: false,
        folded: Folded::default(),
        shown: HashSet::new(),
        hidden: 0,
    };
    writer.walk();
    writer.tell(true);
    Written {
        text: writer.head() + &writer.out,
        hidden: writer.hidden,
    }
}

/// What the head calls the page. Drawings have titles of their own.
fn title(tree: &Tree) -> String {
    let mut at = 0;
    while let Some(node) = tree.nodes.get(at) {
        at = match node.tag {
            Some(Tag::Svg | Tag::Unseen) => node.end as usize,
            Some(Tag::Title) => {
                let inner = tree.nodes.get(at + 1..node.end as usize);
                let words = inner.unwrap_or_default().iter();
                let words = words.flat_map(|node| tree.words(&node.words).split_whitespace());
                return words.collect::<Vec<_>>().join(" ");
            }
            _ => at + 1,
        };
    }
    String::new()
}

/// What was left out and not yet told.
#[derive(Default)]
struct Folded {
    kinds: BTreeSet<Furniture>,
    links: u32,
    words: u32,
}

/// A block of code.
struct Code {
    text: String,
    language: String,
}

struct Writer<'a> {
    tree: &'a Tree,
    weighed: &'a Weighed,
    out: String,
    line: Line,
    title: String,
    title_told: bool,
    /// Open elements.
    open: Vec<u32>,
    /// Open lists, each with the number of its next item.
    lists: Vec<Option<u32>>,
    /// The level of the open heading.
    heading: u8,
    /// What the next block begins with: the sign of an item.
    marker: Option<String>,
    quotes: usize,
    code: Option<Code>,
    /// The open table of data: whether its row has a cell yet.
    table: Option<(u32, bool)>,
    /// The last block was an item, so that the next item follows without an empty line.
    tight: bool,
    folded: Folded,
    shown: HashSet<String>,
    hidden: u32,
}

impl Writer<'_> {
    fn walk(&mut self) {
        let mut at = 0u32;
        while let Some(node) = self.tree.nodes.get(at as usize) {
            while let Some(&open) = self.open.last()
                && self
                    .tree
                    .nodes
                    .get(open as usize)
                    .is_some_and(|node| node.end <= at)
            {
                self.open.pop();
                self.leave(open);
            }
            self.line.reached(at);
            match self.weighed.verdicts.get(at as usize) {
                Some(Verdict::Keep) => {
                    self.enter(at, node);
                    if node.tag.is_some() {
                        self.open.push(at);
                    }
                    at += 1;
                }
                Some(Verdict::Hidden) => {
                    self.hidden += 1;
                    at = node.end;
                }
                Some(Verdict::Fold(furniture)) => {
                    self.fold(at, *furniture);
                    at = node.end;
                }
                _ => at = node.end,
            }
        }
        while let Some(open) = self.open.pop() {
            self.leave(open);
        }
        self.flush();
    }

    fn fold(&mut self, at: u32, furniture: Furniture) {
        self.flush();
        let weight = self
            .weighed
            .weights
            .get(at as usize)
            .copied()
            .unwrap_or_default();
        self.folded.kinds.insert(furniture);
        self.folded.links += weight.links;
        self.folded.words += weight.words;
    }

    fn enter(&mut self, at: u32, node: &Node) {
        let words = self.tree.words(&node.words);
        let Some(tag) = node.tag else {
            match &mut self.code {
                Some(code) => code.text.push_str(words),
                None => self.line.say(words),
            }
            return;
        };
        if let Some(code) = &mut self.code {
            code.enter(tag, words);
            return;
        }
        if self.table.is_some() {
            self.enter_table(tag);
        } else if tag.is_block() {
            self.flush();
        }
        if !tag.is_block() {
            self.line.entered();
        }
        match tag {
            Tag::A if leads(words) => self.line.open_link(words, node.end.min(node.first)),
            Tag::Br if self.table.is_some() => self.line.blank(),
            Tag::Br => self.line.newline(),
            Tag::Img => self.line.image(words),
            Tag::Control => self.line.blank(),
            Tag::Heading(level) => self.heading = level,
            Tag::Ul => self.lists.push(None),
            Tag::Ol => self.lists.push(Some(node.first)),
            Tag::Li => self.item(),
            Tag::Blockquote => self.quotes += 1,
            Tag::Pre if self.table.is_none() => {
                self.code = Some(Code {
                    text: String::new(),
                    language: words.to_owned(),
                });
            }
            Tag::Table if self.table.is_none() && self.is_data(at, node) => {
                self.table = Some((at, false));
            }
            _ => {}
        }
    }

    fn enter_table(&mut self, tag: Tag) {
        match (tag, &mut self.table) {
            (Tag::Row, Some((_, begun))) => {
                *begun = false;
                self.line.row();
            }
            (Tag::Cell, Some((_, begun))) => {
                if *begun {
                    self.line.cell();
                }
                *begun = true;
            }
            (tag, _) if tag.is_block() => self.line.blank(),
            _ => {}
        }
    }

    fn item(&mut self) {
        let depth = self.lists.len().saturating_sub(1).min(INDENT_MAX);
        let sign = match self.lists.last_mut() {
            Some(Some(number)) => {
                let sign = format!("{number}. ");
                *number = number.saturating_add(1);
                sign
            }
            _ => "- ".to_owned(),
        };
        self.marker = Some("  ".repeat(depth) + &sign);
    }

    fn leave(&mut self, at: u32) {
        let Some(tag) = self.tree.nodes.get(at as usize).and_then(|node| node.tag) else {
            return;
        };
        if self.code.is_some() {
            if tag == Tag::Pre {
                self.end_code();
            }
            return;
        }
        if self.table.is_some_and(|(table, _)| table != at) {
            if tag.is_block() && tag != Tag::Cell && tag != Tag::Row {
                self.line.blank();
            }
        } else if tag.is_block() {
            self.flush();
        }
        if !tag.is_block() {
            self.line.left(tag == Tag::A);
        }
        match tag {
            Tag::Control => self.line.blank(),
            Tag::Heading(_) => self.heading = 0,
            Tag::Ul | Tag::Ol => {
                self.lists.pop();
            }
            Tag::Li => self.marker = None,
            Tag::Blockquote => self.quotes = self.quotes.saturating_sub(1),
            Tag::Table if self.table.is_some_and(|(table, _)| table == at) => self.table = None,
            _ => {}
        }
    }

    /// Whether a table holds data, not the page's layout.
    fn is_data(&self, at: u32, node: &Node) -> bool {
        let inner = at as usize + 1..node.end as usize;
        let (mut rows, mut cells) = (0, 0);
        for node in self.tree.nodes.get(inner).unwrap_or_default() {
            match node.tag {
                Some(
                    Tag::Table
                    | Tag::Heading(_)
                    | Tag::Pre
                    | Tag::Blockquote
                    | Tag::Form
                    | Tag::Article
                    | Tag::Nav
                    | Tag::Ul
                    | Tag::Ol,
                ) => return false,
                Some(Tag::Row) => rows += 1,
                Some(Tag::Cell) => cells += 1,
                None if node.words.len() > CELL_MAX => return false,
                _ => {}
            }
        }
        rows >= 2 && cells >= rows * 2
    }

    /// Writes the block that was read.
    fn flush(&mut self) {
        let taken = self.line.take();
        for image in taken.images {
            if self.shown.insert(image.clone()) {
                self.block(&format!("![{image}]"), false);
            }
        }
        if taken.plain.is_empty() {
            return;
        }
        if self.heading > 0 && self.marker.is_none() {
            self.title_told |= taken.plain == self.title;
            let hashes = "#".repeat(self.heading.into());
            let words = taken.written.replace('\n', " ");
            self.block(&format!("{hashes} {words}"), false);
            return;
        }
        match self.marker.take() {
            Some(marker) => self.block(&(marker + &taken.written), true),
            None => self.block(&taken.written, false),
        }
    }

    fn block(&mut self, text: &str, item: bool) {
        self.tell(false);
        if !self.out.is_empty() {
            self.out
                .push_str(if item && self.tight { "\n" } else { "\n\n" });
        }
        for _ in 0..self.quotes.min(INDENT_MAX) {
            self.out.push_str("> ");
        }
        self.out.push_str(text);
        self.tight = item;
    }

    fn end_code(&mut self) {
        let Some(code) = self.code.take() else { return };
        let text = code
            .text
            .strip_prefix('\n')
            .unwrap_or(&code.text)
            .trim_end();
        if text.is_empty() {
            return;
        }
        let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(3.max(longest + 1));
        self.block(&format!("{fence}{}\n{text}\n{fence}", code.language), false);
    }

    /// Says what was left out here.
    fn tell(&mut self, end: bool) {
        let Folded {
            kinds,
            links,
            words,
        } = &self.folded;
        let much = *links >= TOLD_LINKS || *words >= TOLD_WORDS;
        if kinds.is_empty() || !(end || much) {
            return;
        }
        let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
        let note = format!(
            "[left out: {}; {}, {}]",
            kinds.join(", "),
            counted(*links, "link"),
            counted(*words, "word"),
        );
        self.folded = Folded::default();
        if !self.out.is_empty() {
            self.out.push_str("\n\n");
        }
        self.out.push_str(&note);
        self.tight = false;
    }

    /// What the head of the page says, unless its text says the same.
    fn head(&self) -> String {
        let mut head = String::new();
        if !self.title.is_empty() && !self.title_told {
            head.push_str(&format!("title: {}\n", self.title));
        }
        let about = &self.tree.description;
        let about = about.split_whitespace().collect::<Vec<_>>().join(" ");
        if !about.is_empty() && !self.out.contains(&about) {
            head.push_str(&format!("description: {about}\n"));
        }
        if !head.is_empty() {
            head.push('\n');
        }
        head
    }
}

impl Code {
    fn enter(&mut self, tag: Tag, words: &str) {
        match tag {
            Tag::Br => self.text.push('\n'),
            Tag::Code if self.language.is_empty() => self.language = words.to_owned(),
            // Lines as blocks: what highlighters write.
            tag if tag.is_block() && !self.text.is_empty() && !self.text.ends_with('\n') => {
                self.text.push('\n');
            }
            _ => {}
        }
    }
}

/// `1 link`, `2 links`.
pub(super) fn counted(count: u32, thing: &str) -> String {
    match count {
        1 => format!("1 {thing}"),
        _ => format!("{count} {thing}s"),
    }
}

/// Whether an address leads anywhere.
fn leads(address: &str) -> bool {
    let address = address.trim();
    let begins = |what: &str| {
        let head = address.get(..what.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(what))
    };
    !address.is_empty()
        && address.len() <= ADDRESS_MAX
        && !address.starts_with('#')
        && !begins("javascript:")
        && !begins("data:")
}
