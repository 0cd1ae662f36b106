//! Which texts are web pages.

use super::tag::Tag;

/// Known tags from which on a fragment is of a page.
const TAGS_MIN: usize = 10;
/// Bytes of the smallest page that is rewritten.
const PAGE_MIN: usize = 400;
/// Bytes of what may stand before a page: the head of an HTTP answer, a line of the tool.
const PREFACE_MAX: usize = 4096;
/// Bytes of a fragment that are looked at.
const SAMPLE: usize = 32 << 10;
/// Of a fragment's bytes, one in this many stands in tags.
const TAG_SHARE: usize = 5;

/// What stands before the page, and the page.
pub(super) fn split(text: &str) -> Option<(&str, &str)> {
    if text.len() < PAGE_MIN || !text.contains('<') {
        return None;
    }
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(found) = memchr_lt(bytes, at).filter(|&at| at <= PREFACE_MAX) {
        if begins_document(bytes.get(found..)?) {
            let (preface, page) = text.split_at_checked(found)?;
            return is_preface(preface).then_some((preface, page));
        }
        at = found + 1;
    }
    is_fragment(text).then_some(("", text))
}

fn memchr_lt(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.iter()
        .position(|&byte| byte == b'<')
        .map(|at| from + at)
}

fn begins_document(bytes: &[u8]) -> bool {
    let starts = |what: &[u8]| {
        let head = bytes.get(..what.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(what))
    };
    let tag = |what: &[u8]| {
        let after = bytes.get(what.len());
        starts(what) && after.is_some_and(|&b| b == b'>' || b.is_ascii_whitespace())
    };
    starts(b"<!doctype html") || tag(b"<html") || tag(b"<head") || tag(b"<body")
}

/// Header lines, a line that ends in a colon, an XML declaration or a comment: nothing that is a language of its own.
fn is_preface(preface: &str) -> bool {
    let trimmed = preface.trim();
    if trimmed.is_empty() || trimmed.starts_with("<?xml") || trimmed.starts_with("<!--") {
        return true;
    }
    if !preface.ends_with(['\n', '\r']) && !trimmed.ends_with(':') {
        return false;
    }
    let header = |line: &str| {
        let name = line.split(':').next().unwrap_or_default();
        let plain = |c: char| c.is_ascii_alphanumeric() || " -_/.".contains(c);
        line.starts_with("HTTP/")
            || line.starts_with("<?xml")
            || (line.contains(':') && name.len() <= 60 && name.chars().all(plain))
    };
    trimmed
        .lines()
        .map(str::trim)
        .all(|line| line.is_empty() || header(line))
}

/// A piece of a page: begins with a tag that pages have, and is dense with them.
fn is_fragment(text: &str) -> bool {
    let bytes = text.trim_start().as_bytes();
    let bytes = bytes.get(..bytes.len().min(SAMPLE)).unwrap_or(bytes);
    let known = |at: usize| {
        let rest = bytes.get(at + 1..).unwrap_or_default();
        let rest = rest.strip_prefix(b"/").unwrap_or(rest);
        let end = rest
            .iter()
            .take(12)
            .position(|b| !b.is_ascii_alphanumeric());
        let name = rest.get(..end.unwrap_or(0)).unwrap_or_default();
        Tag::of(&name.to_ascii_lowercase()) != Tag::Inline
    };
    if bytes.first() != Some(&b'<') || !(known(0) || bytes.starts_with(b"<!--")) {
        return false;
    }
    let (mut tags, mut inside, mut at) = (0, 0, 0);
    while let Some(found) = memchr_lt(bytes, at) {
        let rest = bytes.get(found..).unwrap_or_default();
        let len = rest.iter().position(|&b| b == b'>').unwrap_or(rest.len());
        if known(found) {
            tags += 1;
            inside += len;
        }
        at = found + len.max(1);
    }
    tags >= TAGS_MIN && inside * TAG_SHARE >= bytes.len()
}
