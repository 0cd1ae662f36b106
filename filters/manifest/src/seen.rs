//! What people see of a text: which characters show nothing, and how to show a text that one does not trust.

use crate::limits::EXCERPT_MAX;
use std::fmt::Write as _;
use std::ops::Range;

/// Whether `c` shows nothing, or changes the order in which others are shown, or drives a terminal.
/// Line ends and tabs are not among them.
pub(crate) fn is_unseen(c: char) -> bool {
    match c {
        '\n' | '\r' | '\t' => false,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => true,
        // Default_Ignorable_Code_Point, less the unassigned: DerivedCoreProperties.txt.
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' => {
            true
        }
        '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' => true,
        '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{206f}' | '\u{3164}' => true,
        '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' => true,
        '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' => true,
        _ => false,
    }
}

/// `text` for a terminal or a report: what is unseen is written `<U+200B>`, line ends as blanks.
pub fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        push_shown(c, &mut out);
    }
    out
}

fn push_shown(c: char, out: &mut String) {
    match c {
        '\n' | '\r' | '\t' => out.push(' '),
        // Writing to a `String` cannot fail.
        c if is_unseen(c) => {
            let _ = write!(out, "<U+{:04X}>", c as u32);
        }
        c => out.push(c),
    }
}

/// A short piece of `text` around `range`, shown.
pub(crate) fn excerpt(text: &str, range: Range<usize>) -> String {
    let before: Vec<char> = text[..range.start].chars().rev().take(16).collect();
    let mut out = String::new();
    if text[..range.start].chars().nth_back(16).is_some() {
        out.push('…');
    }
    for c in before.into_iter().rev() {
        push_shown(c, &mut out);
    }
    let mut rest = text[range.start..].chars();
    for c in rest.by_ref().take(EXCERPT_MAX) {
        push_shown(c, &mut out);
    }
    if rest.next().is_some() {
        out.push('…');
    }
    out
}
