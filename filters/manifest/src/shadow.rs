//! What tools show beside each other: the same name twice, names that look alike, words about others' tools.

use crate::clean::Clean;
use crate::finding::{LOOKALIKE, Observation, SHADOWED, Severity};
use crate::leaves;
use crate::seen::{excerpt, shown};
use crate::tool::Tool;
use sallyport_exchange::json::Tape;
use std::collections::{BTreeSet, HashMap};
use unicode_normalization::UnicodeNormalization as _;
use unicode_security::confusable_detection::skeleton;

/// One tool among those of all servers.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// The server's name in the configuration.
    pub server: &'a str,
    /// The tool.
    pub tool: &'a Tool,
    /// Whether somebody approved it as it is. Beside a tool that is approved, the other one is to blame.
    pub pinned: bool,
}

/// The shortest name of another's tool that is looked for in descriptions, in bytes.
const NAME_MIN: usize = 4;
/// How far before and after a tool's name words are looked for that give orders about it, in bytes.
const NEAR: usize = 64;
/// The most findings of this sort told of one tool.
const TOLD_MAX: usize = 8;

/// Compares all tools of all servers. Answers with the index of the offer that each finding is about, in
/// the order of offers. Near linear in the text of all declarations.
pub fn check_together(offers: &[Offer<'_>]) -> Vec<(usize, Observation)> {
    let mut found = Vec::new();
    alike(offers, &mut found);
    mentioned(offers, &mut found);
    found.sort_by_key(|(index, _)| *index);
    found
}

/// A name without what people overlook: case, separators, forms of the same letter.
fn folded(name: &str) -> String {
    let plain = name
        .nfkc()
        .filter(|c| !matches!(c, '_' | '-' | '.' | ' ' | '/'));
    plain.flat_map(char::to_lowercase).collect()
}

/// How a name looks (UTS #39, section 4), case aside.
fn looks(name: &str) -> String {
    let plain: String = name
        .nfkc()
        .filter(|c| !crate::seen::is_unseen(*c))
        .collect();
    skeleton(&plain).flat_map(char::to_lowercase).collect()
}

fn alike(offers: &[Offer<'_>], found: &mut Vec<(usize, Observation)>) {
    let mut told: BTreeSet<usize> = BTreeSet::new();
    for key in [folded, looks] {
        let mut groups: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, offer) in offers.iter().enumerate() {
            groups
                .entry(key(offer.tool.name()))
                .or_default()
                .push(index);
        }
        for group in groups.values().filter(|group| group.len() > 1) {
            let newcomers = group.iter().any(|&index| !offers[index].pinned);
            // The same name on the same server again is told as listed twice.
            let Some(&first) = group.first() else {
                continue;
            };
            let same = |a: usize, b: usize| {
                let (a, b) = (&offers[a], &offers[b]);
                (a.server, a.tool.name()) == (b.server, b.tool.name())
            };
            let Some(&second) = group.iter().find(|&&other| !same(first, other)) else {
                continue;
            };
            let blamed = group
                .iter()
                .filter(|&&index| !newcomers || !offers[index].pinned);
            for &index in blamed {
                let other = if same(first, index) { second } else { first };
                if told.insert(index) {
                    found.push((index, likeness(&offers[index], &offers[other])));
                }
            }
        }
    }
}

fn likeness(offer: &Offer<'_>, other: &Offer<'_>) -> Observation {
    let (name, others) = (offer.tool.name(), other.tool.name());
    let far = offer.server != other.server;
    let owner = if far {
        format!("`{}` of {}", shown(others), shown(other.server))
    } else {
        format!("`{}` beside it", shown(others))
    };
    let (label, severity, says) = if name == others {
        (
            SHADOWED,
            Severity::Refusal,
            format!("the same name as {owner}"),
        )
    } else if name.is_ascii() && others.is_ascii() && folded(name) == folded(others) {
        let severity = if far {
            Severity::Refusal
        } else {
            Severity::Warning
        };
        (
            LOOKALIKE,
            severity,
            format!("but for case and separators the same name as {owner}"),
        )
    } else {
        (LOOKALIKE, Severity::Refusal, format!("looks like {owner}"))
    };
    Observation {
        label,
        severity,
        place: "/name".into(),
        says,
        excerpt: shown(name),
    }
}

/// Words about another server's tool. Needed: a name that is no plain word, or in quotes; and an order near it.
fn mentioned(offers: &[Offer<'_>], found: &mut Vec<(usize, Observation)>) {
    let mut owners: HashMap<&str, BTreeSet<&str>> = HashMap::new();
    for offer in offers {
        let name = offer.tool.name();
        if name.len() >= NAME_MIN && name.is_ascii() {
            owners.entry(name).or_default().insert(offer.server);
        }
    }
    for (index, offer) in offers.iter().enumerate() {
        let Ok(tape) = Tape::read_str(offer.tool.canonical()) else {
            continue;
        };
        let mut told = 0;
        leaves::each(tape.root(), &mut |leaf| {
            if leaf.key || leaf.text.len() < NAME_MIN || leaf.path.0[0].is("name") {
                return true;
            }
            let clean = Clean::of(leaf.text);
            for place in words(&clean.bytes) {
                let Ok(name) = std::str::from_utf8(&clean.bytes[place.clone()]) else {
                    continue;
                };
                let Some(servers) = owners
                    .get(name)
                    .filter(|servers| !servers.contains(offer.server))
                else {
                    continue;
                };
                if !(is_distinct(name) || is_quoted(&clean.bytes, &place))
                    || !orders_about(&clean.bytes, &place)
                {
                    continue;
                }
                let owner = servers.first().copied().unwrap_or_default();
                found.push((
                    index,
                    Observation {
                        label: SHADOWED,
                        severity: Severity::Refusal,
                        place: leaf.path.pointer(),
                        says: format!("gives orders about `{}` of {}", shown(name), shown(owner)),
                        excerpt: excerpt(leaf.text, clean.origin(place)),
                    },
                ));
                told += 1;
                break;
            }
            told < TOLD_MAX
        });
    }
}

/// Runs of what names are made of, without a full stop at the end.
fn words(text: &[u8]) -> impl Iterator<Item = std::ops::Range<usize>> {
    let inside = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text[at..].iter().position(|b| inside(*b))?;
        let len = text[start..]
            .iter()
            .position(|b| !inside(*b))
            .unwrap_or(text.len() - start);
        at = start + len;
        let stops = text[start..at]
            .iter()
            .rev()
            .take_while(|b| **b == b'.')
            .count();
        Some(start..at - stops)
    })
}

/// Whether a name is nothing one would write by chance: `send_message`, `readFile`, `v2.list`; not `search`.
fn is_distinct(name: &str) -> bool {
    name.contains(['_', '.', '-'])
        || name[1..]
            .bytes()
            .any(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

fn is_quoted(text: &[u8], place: &std::ops::Range<usize>) -> bool {
    let quote = |b: Option<&u8>| matches!(b, Some(b'`' | b'\'' | b'"'));
    quote(place.start.checked_sub(1).and_then(|at| text.get(at))) && quote(text.get(place.end))
}

/// Words that give orders about the tool whose name follows.
const BEFORE: &[&str] = &[
    "instead of",
    "rather than",
    "in place of",
    "before",
    "after",
    "when",
    "whenever",
    "every time",
    "if you use",
    "if you call",
    "replaces",
    "overrides",
    "supersedes",
    "do not use",
    "don't use",
    "never use",
    "do not call",
    "don't call",
    "never call",
    "stop using",
    "avoid",
    "must use",
    "must call",
    "also call",
    "always call",
    "always use",
    "first call",
    "then call",
];
/// And about the tool whose name stands before.
const AFTER: &[&str] = &[
    "must",
    "is deprecated",
    "is broken",
    "is insecure",
    "is unsafe",
    "is disabled",
    "no longer",
    "always",
    "should be",
    "should not",
    "is replaced",
    "do not",
    "never",
    "is called",
    "is invoked",
    "is used",
];

fn orders_about(text: &[u8], place: &std::ops::Range<usize>) -> bool {
    let before = &text[place.start.saturating_sub(NEAR)..place.start];
    let after = &text[place.end..text.len().min(place.end + NEAR)];
    // Only within the sentence.
    let before = before
        .rsplit(|b| matches!(b, b'.' | b'\n'))
        .next()
        .unwrap_or(before);
    let after = after
        .split(|b| matches!(b, b'.' | b'\n'))
        .next()
        .unwrap_or(after);
    let (before, after) = (lowered(before), lowered(after));
    BEFORE.iter().any(|word| has_word(&before, word))
        || AFTER.iter().any(|word| has_word(&after, word))
}

/// In small letters, all blanks and marks as one blank each, with one at either end.
fn lowered(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text).to_lowercase();
    let words = text
        .split(|c: char| !(c.is_alphanumeric() || c == '\''))
        .filter(|word| !word.is_empty());
    words.fold(String::from(" "), |mut all, word| {
        all.push_str(word);
        all.push(' ');
        all
    })
}

fn has_word(text: &str, words: &str) -> bool {
    text.match_indices(words)
        .any(|(at, _)| text[..at].ends_with(' ') && text[at + words.len()..].starts_with(' '))
}
