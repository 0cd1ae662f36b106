//! A web page as markdown: what a reader of the page sees, without what only a browser reads.
//!
//! **Which texts.** A document (`<!doctype html>`, `<html`, `<head` or `<body` within the first 4 KB), or a fragment
//! that begins with a tag of HTML and is dense with them. Before a document may stand the head of an HTTP answer or a
//! line that ends in a colon; it stays, verbatim, before the page. Pages of more than half a million nodes, and pages
//! whose words would read as the gateway's own mark, stay as they are.
//!
//! **Kept.** Every text that is seen, in the page's order, blanks (also no-break ones) as one; entities as the
//! characters that they stand for; soft hyphens and joiners as written. `title:` and `description:` of the head, unless
//! the text says the same. Headings as `#`, items as `-` or with their numbers, quotations as `>`, `<br>` as a line,
//! `<pre>` verbatim in a fence with its language. Tables of data as a line a row, cells apart by tabs (empty cells too);
//! tables of layout as blocks. Pictures by what they show: `![…]`, without their address; emoji as letters.
//!
//! **Links** as `[name](address)`, the address as the page writes it, never resolved. No sentence is cut by one: a link
//! that is a whole line or whole sentences stands in its place, and any other follows its block on a line of its own,
//! under the name that it has in the block. Links to a place on the same page, to scripts, with nothing to name them,
//! or whose name is their address, are words only. Links are set apart by a blank from letters of another element
//! right beside them, as pages show them; so are addresses, and the numbers of notes (`[1]`).
//!
//! **Left out everywhere.** Scripts, styles, comments, drawings, players, frames, `<noscript>`, `<template>`; attributes
//! but those above; bold, italic and inline code marks; form fields. What the page itself hides (`hidden`,
//! `aria-hidden`, `display:none`, `visibility:hidden` in its own style) is left out and the first line says how many
//! elements; but not where it holds more than a third of the page's prose.
//!
//! **Folded.** What stands beside the article, with a count of its links and words where it stood, or at the end where
//! it was little: `[left out: navigation, footer; 38 links, 61 words]`. An element is folded only if it holds no prose
//! (no block with 80 letters outside links), no first heading and no quotation or code, and if its name, role, class or id says that
//! it is navigation, a banner, a footer, a sidebar, related pages, sharing, promotion or a form, and it is mostly links
//! or short; or if it is a list of five links or more that stands neither among paragraphs nor in the element that
//! holds most of the prose. Inside the article only navigation, sharing, promotion, and menus of links are. A cookie
//! notice may hold prose, if that is little of the page's. A page without an article (under 400 letters of prose)
//! keeps its lists of links.
//!
//! Linear in the page: the WHATWG tokenizer, a flat tree of bounded depth, loops over it.

mod furniture;
mod line;
mod page;
mod tag;
mod tree;
mod weigh;
mod write;

/// The view of a text that is a web page; `None`: it is none, or the view would say what only the gateway says.
pub(crate) fn view(text: &str, handle: &str) -> Option<String> {
    let (preface, page) = page::split(text)?;
    let tree = tree::Tree::of(page)?;
    let weighed = weigh::weigh(&tree);
    let written = write::write(&tree, &weighed);
    let mut form = String::from("html: page as markdown without markup");
    if written.hidden > 0 {
        let hidden = write::counted(written.hidden, "hidden element");
        form.push_str(&format!(", {hidden} left out"));
    }
    let body = match preface.trim_end() {
        "" => written.text,
        preface => format!("{preface}\n\n{}", written.text),
    };
    if body.trim().is_empty() || crate::mark::imitates(&body) {
        return None;
    }
    Some(crate::mark::reversible(&form, handle) + &body)
}
