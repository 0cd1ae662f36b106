//! What of a page is read: what is hidden, where the article stands, and what stands beside it.

use super::furniture::Furniture;
use super::tag::Tag;
use super::tree::{Node, Tree};
use std::ops::Range;

/// Letters from which on the words of one block read as prose.
const PROSE_MIN: u32 = 80;
/// Of a paragraph's letters, one in this many stands outside links, if it reads as prose.
const PLAIN_SHARE: u32 = 6;
/// Of all prose, the article's place holds at least this many in ten.
const MAIN_TENTHS: u32 = 6;
/// Letters of prose from which on a page has an article.
const ARTICLE_MIN: u32 = 400;
/// Links from which on a block without prose is a list of links.
const LINKS_MIN: u32 = 5;
/// Words up to which what is named furniture is folded, links or none.
const SMALL_WORDS: u32 = 60;
/// The same inside the article.
const BUTTON_WORDS: u32 = 8;
/// Letters of prose that a notice may hold and still be one.
const NOTICE_MAX: u32 = 1_500;

/// What becomes of an element.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// It is written.
    Keep,
    /// A reader of the page never sees it.
    Unseen,
    /// The page says that it is not shown.
    Hidden,
    /// It stands beside the article.
    Fold(Furniture),
}

/// What a subtree holds, in letters that are no blanks.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Weight {
    pub text: u32,
    pub linked: u32,
    pub links: u32,
    pub words: u32,
    /// Letters outside links in blocks that read as prose.
    pub prose: u32,
    /// First headings.
    pub titles: u32,
    /// Quotations and blocks of code: they belong to what quotes them.
    pub quoted: u32,
    /// Blocks that have words of their own.
    pub blocks: u32,
}

/// A page, weighed.
pub(super) struct Weighed {
    pub weights: Vec<Weight>,
    pub verdicts: Vec<Verdict>,
}

pub(super) fn weigh(tree: &Tree) -> Weighed {
    let mut verdicts = vec![Verdict::Keep; tree.nodes.len()];
    unseen(tree, &mut verdicts);
    let texts = texts(tree, &verdicts);
    let all = weights(tree, &texts, &verdicts);
    hide(tree, &all, &mut verdicts);
    let weights = weights(tree, &texts, &verdicts);
    fold(tree, &weights, &mut verdicts);
    Weighed { weights, verdicts }
}

/// Letters and words of each text that can be seen.
fn texts(tree: &Tree, verdicts: &[Verdict]) -> Vec<(u32, u32)> {
    let mut texts = vec![(0, 0); tree.nodes.len()];
    let mut at = 0;
    while let Some(node) = tree.nodes.get(at) {
        if verdicts.get(at) != Some(&Verdict::Keep) {
            at = node.end as usize;
            continue;
        }
        if let (None, Some(text)) = (node.tag, texts.get_mut(at)) {
            for word in tree.words(&node.words).split_whitespace() {
                text.0 += word.chars().count() as u32;
                text.1 += 1;
            }
        }
        at += 1;
    }
    texts
}

fn unseen(tree: &Tree, verdicts: &mut [Verdict]) {
    for (node, verdict) in tree.nodes.iter().zip(verdicts) {
        if matches!(node.tag, Some(Tag::Unseen | Tag::Svg | Tag::Title)) {
            *verdict = Verdict::Unseen;
        }
    }
}

/// Leaves out what the page hides, unless that is much of what it says.
fn hide(tree: &Tree, weights: &[Weight], verdicts: &mut [Verdict]) {
    let all = weights.first().map_or(0, |weight| weight.prose);
    for ((node, weight), verdict) in tree.nodes.iter().zip(weights).zip(verdicts) {
        if node.hidden && weight.prose * 3 <= all && *verdict == Verdict::Keep {
            *verdict = Verdict::Hidden;
        }
    }
}

/// What each subtree holds of what is kept so far.
fn weights(tree: &Tree, texts: &[(u32, u32)], verdicts: &[Verdict]) -> Vec<Weight> {
    let mut own = own(tree, texts, verdicts);
    // A block's own words read as prose together, before they are added to what holds it.
    for (weight, node) in own.iter_mut().zip(&tree.nodes) {
        weight.blocks = u32::from(weight.text > 0);
        let plain = weight.text - weight.linked;
        let paragraph = node.tag == Some(Tag::P) && weight.text >= PROSE_MIN;
        let read = plain >= PROSE_MIN && weight.linked < plain;
        if read || (paragraph && plain * PLAIN_SHARE >= weight.text) {
            weight.prose = plain;
        }
    }
    for at in (1..tree.nodes.len()).rev() {
        let Some(node) = tree.nodes.get(at) else {
            continue;
        };
        let inner = own.get(at).copied().unwrap_or_default();
        let Some(outer) = own.get_mut(node.parent as usize) else {
            continue;
        };
        outer.text += inner.text;
        outer.linked += inner.linked;
        outer.links += inner.links;
        outer.words += inner.words;
        outer.prose += inner.prose;
        outer.titles += inner.titles;
        outer.quoted += inner.quoted;
        outer.blocks += inner.blocks;
    }
    own
}

/// What stands in each block itself, not in blocks within.
fn own(tree: &Tree, texts: &[(u32, u32)], verdicts: &[Verdict]) -> Vec<Weight> {
    let mut own = vec![Weight::default(); tree.nodes.len()];
    let mut block_of = vec![0u32; tree.nodes.len()];
    let mut link_end = 0u32;
    let mut at = 0usize;
    while let Some(node) = tree.nodes.get(at) {
        if verdicts.get(at) != Some(&Verdict::Keep) {
            at = node.end as usize;
            continue;
        }
        let above = block_of.get(node.parent as usize).copied().unwrap_or(0);
        let block = match node.tag {
            Some(tag) if tag.is_block() => at as u32,
            _ => above,
        };
        if let Some(slot) = block_of.get_mut(at) {
            *slot = block;
        }
        let Some(weight) = own.get_mut(block as usize) else {
            return own;
        };
        match node.tag {
            None => {
                let (letters, words) = texts.get(at).copied().unwrap_or_default();
                weight.text += letters;
                weight.words += words;
                weight.linked += if (at as u32) < link_end { letters } else { 0 };
            }
            Some(Tag::A) if !node.words.is_empty() => {
                weight.links += 1;
                link_end = node.end.min(node.first);
            }
            Some(Tag::Blockquote | Tag::Pre) => weight.quoted += 1,
            Some(Tag::Heading(1)) => weight.titles += 1,
            Some(_) => {}
        }
        at += 1;
    }
    own
}

/// The innermost element that holds most of the prose, if that sets the article apart from the page's links.
fn main(tree: &Tree, weights: &[Weight], verdicts: &[Verdict]) -> Range<u32> {
    let all = weights.first().copied().unwrap_or_default();
    let mut at = 0u32;
    'down: while let Some(node) = tree.nodes.get(at as usize) {
        let mut child = at + 1;
        while child < node.end {
            let weight = weights.get(child as usize).copied().unwrap_or_default();
            let kept = verdicts.get(child as usize) == Some(&Verdict::Keep);
            if kept && weight.prose > 0 && weight.prose * 10 >= all.prose * MAIN_TENTHS {
                at = child;
                continue 'down;
            }
            child = tree.nodes.get(child as usize).map_or(node.end, |n| n.end);
        }
        break;
    }
    let links = weights.get(at as usize).map_or(0, |weight| weight.links);
    match tree.nodes.get(at as usize) {
        Some(node) if links * 10 <= all.links * MAIN_TENTHS => at..node.end,
        _ => 0..0,
    }
}

/// Which elements stand among paragraphs: in an element that holds two or more, itself.
fn among(tree: &Tree, weights: &[Weight]) -> Vec<bool> {
    let mut paragraphs = vec![0u32; tree.nodes.len()];
    for (node, weight) in tree.nodes.iter().zip(weights) {
        let leaf = node
            .tag
            .is_some_and(|tag| matches!(tag, Tag::P | Tag::Block));
        if leaf
            && weight.prose > 0
            && weight.blocks <= 1
            && let Some(count) = paragraphs.get_mut(node.parent as usize)
        {
            *count += 1;
        }
    }
    let mut among = vec![false; tree.nodes.len()];
    for (at, node) in tree.nodes.iter().enumerate().skip(1) {
        let parent = node.parent as usize;
        let here = among.get(parent) == Some(&true) || paragraphs.get(parent) > Some(&1);
        if let Some(slot) = among.get_mut(at) {
            *slot = here;
        }
    }
    among
}

/// Folds what stands beside the article.
fn fold(tree: &Tree, weights: &[Weight], verdicts: &mut [Verdict]) {
    let all = weights.first().copied().unwrap_or_default();
    let main = main(tree, weights, verdicts);
    let among = among(tree, weights);
    let mut at = 0usize;
    while let (Some(node), Some(weight)) = (tree.nodes.get(at), weights.get(at)) {
        if verdicts.get(at) != Some(&Verdict::Keep) {
            at = node.end as usize;
            continue;
        }
        let place = match all.prose >= ARTICLE_MIN {
            false => Place::NoArticle,
            true if among.get(at) == Some(&true) || main.contains(&(at as u32)) => Place::Within,
            true => Place::Beside,
        };
        let block = node.tag.is_some_and(|tag| tag.is_block());
        let folded = beside(node, *weight, all, place).filter(|_| block && at > 0);
        match (folded, verdicts.get_mut(at)) {
            (Some(furniture), Some(verdict)) => {
                *verdict = Verdict::Fold(furniture);
                at = node.end as usize;
            }
            _ => at += 1,
        }
    }
}

/// Where an element stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// On a page that has no article that could be told from the rest.
    NoArticle,
    /// In the article's place.
    Within,
    /// Outside of it.
    Beside,
}

/// Whether the element is no part of what the page is read for. In doubt it is.
fn beside(node: &Node, weight: Weight, all: Weight, place: Place) -> Option<Furniture> {
    let Weight {
        text,
        linked,
        links,
        ..
    } = weight;
    if text == 0 || weight.titles > 0 && node.tag != Some(Tag::Nav) {
        return None;
    }
    if node.furniture == Some(Furniture::Consent) {
        let small = weight.prose <= NOTICE_MAX && weight.prose * 5 <= all.prose;
        return (small && place != Place::Within).then_some(Furniture::Consent);
    }
    if weight.prose > 0 {
        return None;
    }
    let mostly_links = linked * 10 >= text * 6;
    match (node.furniture, place) {
        (Some(_), _) if weight.quoted > 0 => None,
        (Some(furniture), Place::Beside) => {
            (mostly_links || weight.words <= SMALL_WORDS).then_some(furniture)
        }
        (Some(furniture), Place::Within | Place::NoArticle) => {
            let sure = match furniture {
                Furniture::Navigation => mostly_links,
                Furniture::Sharing | Furniture::Promotion => {
                    mostly_links || weight.words <= BUTTON_WORDS
                }
                Furniture::Banner | Furniture::Footer | Furniture::Form => {
                    mostly_links && links > 2
                }
                _ => false,
            };
            sure.then_some(furniture)
        }
        (None, Place::Beside) => {
            let list = links >= LINKS_MIN && mostly_links && node.tag != Some(Tag::P);
            list.then_some(Furniture::Links)
        }
        (None, _) => None,
    }
}
