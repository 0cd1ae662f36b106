//! One pass over a text for every fixed string that something may begin with.

use crate::links::Use;
use crate::scan::Scan;
use crate::secret_rules::RULES;
use crate::{assignments, hidden, links, markers, personal, phrases, secrets};
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use std::sync::LazyLock;

/// What a fixed string may be the beginning of.
#[derive(Clone, Copy, Debug)]
enum Anchor {
    Secret(usize),
    PrivateKey,
    Assignment,
    Authorization,
    Address,
    Ipv6,
    Target(Use),
    Token(usize),
    Piped,
    Turn,
    Tag(usize),
    Phrase(usize),
    Comment,
    Style,
}

/// The strings and what they are for, in the same order.
struct Anchors {
    strings: AhoCorasick,
    meanings: Vec<Anchor>,
}

/// Beginnings of public IPv6 addresses as they are given out, besides those with `::` in them.
const IPV6: &[&str] = &["2001:", "2003:", "2400:", "2401:", "2402:", "2403:", "2404:", "2405:", "2406:", "2407:", "2408:", "2409:", "240e:", "2600:", "2601:", "2602:", "2603:", "2604:", "2605:", "2606:", "2607:", "2620:", "2800:", "2804:", "2806:", "2a00:", "2a01:", "2a02:", "2a03:", "2a04:", "2a05:", "2a06:", "2a09:", "2a0c:", "2c0f:"];

static ANCHORS: LazyLock<Option<Anchors>> = LazyLock::new(|| {
    let mut pairs: Vec<(&str, Anchor)> = Vec::new();
    pairs.extend(RULES.iter().enumerate().map(|(rule, kind)| (kind.prefix, Anchor::Secret(rule))));
    pairs.push(("-----BEGIN", Anchor::PrivateKey));
    pairs.extend(assignments::NAMES.iter().map(|name| (*name, Anchor::Assignment)));
    pairs.extend([("bearer", Anchor::Authorization), ("basic", Anchor::Authorization)]);
    pairs.extend([("://", Anchor::Address), ("::", Anchor::Ipv6)]);
    pairs.extend(IPV6.iter().map(|start| (*start, Anchor::Ipv6)));
    pairs.push(("](", Anchor::Target(Use::Markdown)));
    pairs.extend(["src=", "href=", "srcset=", "action=", "url("].map(|name| (name, Anchor::Target(Use::Attribute))));
    pairs.extend(markers::TOKENS.iter().enumerate().map(|(token, (form, _))| (*form, Anchor::Token(token))));
    pairs.push(("<|", Anchor::Piped));
    pairs.extend([("human:", Anchor::Turn), ("assistant:", Anchor::Turn)]);
    pairs.extend(markers::TAGS.iter().enumerate().map(|(tag, (name, _))| (*name, Anchor::Tag(tag))));
    pairs.push(("<!--", Anchor::Comment));
    pairs.extend(hidden::STYLES.iter().map(|style| (*style, Anchor::Style)));
    let mut strings: Vec<String> = pairs.iter().map(|(string, _)| (*string).to_owned()).collect();
    let mut meanings: Vec<Anchor> = pairs.into_iter().map(|(_, meaning)| meaning).collect();
    for (phrase, form) in phrases::PHRASES.iter().enumerate() {
        for string in beginnings(form.start) {
            strings.push(string);
            meanings.push(Anchor::Phrase(phrase));
        }
    }
    let strings = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::DFA))
        .build(&strings)
        .ok()?;
    Some(Anchors { strings, meanings })
});

/// A phrase is anchored at its first two words, for what lies between them may vary: first words
/// alone, such as `do`, are in every sentence.
fn beginnings(phrase: &str) -> Vec<String> {
    let mut words = phrase.split(' ');
    match (words.next(), words.next()) {
        (Some(first), Some(second)) => phrases::GAPS.iter().map(|gap| format!("{first}{gap}{second}")).collect(),
        _ => vec![phrase.to_owned()],
    }
}

/// Judges every place in the text where one of the strings stands.
pub(crate) fn scan(scan: &mut Scan<'_>) {
    let Some(anchors) = ANCHORS.as_ref() else { return };
    let wanted = scan.wanted;
    for found in anchors.strings.find_overlapping_iter(scan.bytes) {
        let place = found.start()..found.end();
        match anchors.meanings[found.pattern().as_usize()] {
            Anchor::Secret(rule) if wanted.secrets => secrets::prefixed(scan, rule, place),
            Anchor::PrivateKey if wanted.secrets => secrets::private_key(scan, place),
            Anchor::Assignment if wanted.secrets => assignments::assigned(scan, place),
            Anchor::Authorization if wanted.secrets => secrets::authorization(scan, place),
            Anchor::Address => {
                if wanted.secrets {
                    secrets::address_password(scan, place.clone());
                }
                if wanted.links {
                    links::host(scan, place);
                }
            }
            Anchor::Ipv6 if wanted.personal => personal::ipv6(scan, place.end - 1),
            Anchor::Target(used) if wanted.links => links::target(scan, used, place),
            Anchor::Token(token) if wanted.markers => markers::token(scan, token, place),
            Anchor::Piped if wanted.markers => markers::piped(scan, place),
            Anchor::Turn if wanted.markers => markers::turn(scan, place),
            Anchor::Tag(tag) if wanted.markers => markers::tag(scan, tag, place),
            Anchor::Phrase(phrase) if wanted.markers => phrases::phrase(scan, phrase, place),
            Anchor::Comment if wanted.hidden_html => hidden::comment(scan, place),
            Anchor::Style if wanted.hidden_html => hidden::styled(scan, place),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_table_of_strings_can_be_built() {
        assert!(super::ANCHORS.is_some());
    }
}
