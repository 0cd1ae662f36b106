//! One pass over a text for every fixed string that something may begin with.

use crate::grams::Grams;
use crate::links::Use;
use crate::phrases::{PHRASES, Word};
use crate::scan::Scan;
use crate::{assignments, hidden, links, machines, markers, phrases, private_keys, secrets};
use memchr::{memchr_iter, memmem};
use std::sync::LazyLock;

/// What a fixed string may be the beginning of.
#[derive(Clone, Copy, Debug)]
enum Anchor {
    PrivateKey,
    Assignment,
    Authorization,
    Ipv6,
    Target(Use),
    Token(usize),
    Turn,
    Phrase(usize, Word),
    Style,
}

/// The strings and what they are for, in the same order.
struct Anchors {
    strings: Grams,
    meanings: Vec<(usize, Anchor)>,
}

/// Beginnings of public IPv6 addresses as they are given out, besides those with `::` in them.
#[rustfmt::skip]
const IPV6: &[&str] = &[
    "2001:", "2003:", "2400:", "2401:", "2402:", "2403:", "2404:", "2405:", "2406:", "2407:", "2408:", "2409:",
    "240e:", "2600:", "2601:", "2602:", "2603:", "2604:", "2605:", "2606:", "2607:", "2620:", "2800:", "2804:",
    "2806:", "2a00:", "2a01:", "2a02:", "2a03:", "2a04:", "2a05:", "2a06:", "2a09:", "2a0c:", "2c0f:",
];

/// What an address may begin with behind `src=`: all that is judged of it.
const ADDRESS_STARTS: [&str; 8] = ["h", "d", "j", "v", "\"", "'", "<", "\\"];

static ANCHORS: LazyLock<Anchors> = LazyLock::new(|| {
    let mut pairs: Vec<(String, Anchor)> = Vec::new();
    let mut add = |form: &str, anchor: Anchor| pairs.push((form.to_owned(), anchor));
    add("-----BEGIN", Anchor::PrivateKey);
    assignments::NAMES
        .iter()
        .for_each(|name| add(name, Anchor::Assignment));
    add("bearer", Anchor::Authorization);
    add("basic", Anchor::Authorization);
    IPV6.iter().for_each(|start| add(start, Anchor::Ipv6));
    for name in ["href=", "srcset=", "action="] {
        add(name, Anchor::Target(Use::Attribute));
    }
    for (name, start) in ["src=", "url("]
        .into_iter()
        .flat_map(|name| ADDRESS_STARTS.map(|start| (name, start)))
    {
        add(&format!("{name}{start}"), Anchor::Target(Use::Attribute));
    }
    markers::TOKENS
        .iter()
        .enumerate()
        .for_each(|(token, (form, _))| add(form, Anchor::Token(token)));
    add("human:", Anchor::Turn);
    add("assistant:", Anchor::Turn);
    hidden::STYLES
        .iter()
        .for_each(|style| add(style, Anchor::Style));
    for (phrase, form) in PHRASES.iter().enumerate() {
        let (word, strings) = phrases::anchored(form);
        strings
            .iter()
            .for_each(|string| add(string, Anchor::Phrase(phrase, word)));
    }
    let meanings = pairs
        .iter()
        .map(|(form, anchor)| (form.len(), *anchor))
        .collect();
    let strings = Grams::new(pairs.into_iter().map(|(form, _)| form).collect());
    Anchors { strings, meanings }
});

/// Judges every place in the text where one of the strings stands.
pub(crate) fn scan(scan: &mut Scan<'_>) {
    let anchors = &*ANCHORS;
    anchors.strings.find(scan.bytes, |string, start| {
        let (len, anchor) = anchors.meanings[string];
        judge(scan, anchor, start, start + len);
    });
    colons(scan);
    brackets(scan);
}

fn judge(scan: &mut Scan<'_>, anchor: Anchor, start: usize, end: usize) {
    let wanted = scan.wanted;
    match anchor {
        Anchor::PrivateKey if wanted.secrets => private_keys::private_key(scan, start..end),
        Anchor::Assignment if wanted.secrets => assignments::assigned(scan, start..end),
        Anchor::Authorization if wanted.secrets => secrets::authorization(scan, start..end),
        Anchor::Ipv6 if wanted.personal => machines::ipv6(scan, end - 1),
        Anchor::Target(used) if wanted.links => links::target(scan, used, start),
        Anchor::Token(token) if wanted.markers => markers::token(scan, token, start..end),
        Anchor::Turn if wanted.markers => markers::turn(scan, start..end),
        Anchor::Phrase(phrase, word) if wanted.markers => phrases::found(scan, phrase, word, start),
        Anchor::Style if wanted.hidden_html => hidden::styled(scan, start..end),
        _ => {}
    }
}

/// Addresses, of machines and pages.
fn colons(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    if scan.wanted.personal {
        memmem::find_iter(bytes, b"::").for_each(|at| machines::ipv6(scan, at + 1));
    }
    if !(scan.wanted.secrets || scan.wanted.links) {
        return;
    }
    for at in memmem::find_iter(bytes, b"://") {
        if scan.wanted.secrets {
            secrets::address_password(scan, at..at + 3);
        }
        if scan.wanted.links {
            links::host(scan, at..at + 3);
        }
    }
}

/// What stands in brackets: tags, chat-template tokens, comments, the addresses of links.
pub(crate) fn brackets(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    if scan.wanted.links {
        memmem::find_iter(bytes, b"](").for_each(|at| links::target(scan, Use::Markdown, at));
    }
    if !(scan.wanted.markers || scan.wanted.hidden_html) {
        return;
    }
    for at in memchr_iter(b'<', bytes) {
        if scan.wanted.hidden_html && bytes[at..].starts_with(b"<!--") {
            hidden::comment(scan, at..at + 4);
        }
        if scan.wanted.markers {
            markers::bracket(scan, at);
        }
    }
}
