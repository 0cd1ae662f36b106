//! The blanks between the tokens of a JSON text: taken out, and put back.
//!
//! Most writers put blanks by a rule (`json.dumps`, `JSON.stringify(_, _, 2)`, Go's `MarshalIndent`): the rule is a byte
//! or two. Where no rule fits, the blanks themselves are kept, in order.
//!
//! The residue: nothing for no blanks at all; else a byte for the rule, its parameters, what stands before the first
//! token and what after the last.

use super::varint;

const RULE_SPACED: u8 = 1;
const RULE_INDENTED: u8 = 2;
const IRREGULAR: u8 = 3;

const AFTER_COMMA: u8 = 1;
const AFTER_COLON: u8 = 2;
const BEFORE_COLON: u8 = 4;
const TABS: u8 = 8;
const CRLF: u8 = 16;

/// Blanks of the deepest indentation step that counts as a rule.
const INDENT_MAX: usize = 16;

/// How blanks were put.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Rule {
    flags: u8,
    /// Blanks a level; `None`: all on one line.
    indent: Option<u8>,
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

/// Where the token that begins at `at` ends. The text is JSON.
pub(super) fn token_end(bytes: &[u8], at: usize) -> usize {
    match bytes[at] {
        b'{' | b'}' | b'[' | b']' | b',' | b':' => at + 1,
        b'"' => string_end(bytes, at),
        _ => {
            let stops = |b: &u8| {
                is_blank(*b) || matches!(b, b',' | b']' | b'}' | b':' | b'"' | b'[' | b'{')
            };
            bytes[at..]
                .iter()
                .position(stops)
                .map_or(bytes.len(), |n| (at + n).max(at + 1))
        }
    }
}

/// Where the string whose quote stands at `at` ends, after its closing quote.
pub(super) fn string_end(bytes: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while let Some(&byte) = bytes.get(end) {
        match byte {
            b'"' => return end + 1,
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
    bytes.len()
}

/// The JSON text without blanks between its tokens, and the residue that says where they were.
pub(super) fn strip(text: &str) -> (String, Vec<u8>) {
    let bytes = text.as_bytes();
    let mut small = String::with_capacity(text.len());
    let mut at = 0;
    while at < bytes.len() {
        if is_blank(bytes[at]) {
            at += 1;
            continue;
        }
        let end = token_end(bytes, at);
        small.push_str(&text[at..end]);
        at = end;
    }
    let residue = if small.len() == text.len() {
        Vec::new()
    } else {
        residue(text, &small)
    };
    (small, residue)
}

fn residue(text: &str, small: &str) -> Vec<u8> {
    let body = text.trim_matches(|c: char| c.is_ascii() && is_blank(c as u8));
    let begun = body.as_ptr() as usize - text.as_ptr() as usize;
    let (lead, trail) = (&text[..begun], &text[begun + body.len()..]);
    let mut out = Vec::new();
    let rule = guess(body);
    if spell(small, rule, body.len()).as_deref() == Some(body) {
        match rule.indent {
            None => out.extend([RULE_SPACED, rule.flags]),
            Some(indent) => out.extend([RULE_INDENTED, rule.flags, indent]),
        }
        if !lead.is_empty() || !trail.is_empty() {
            varint::put(lead.len(), &mut out);
            out.extend(lead.as_bytes());
            out.extend(trail.as_bytes());
        }
        return out;
    }
    out.push(IRREGULAR);
    irregular(text, &mut out);
    out
}

/// The blanks before each token and after the last, each ended by a zero.
fn irregular(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let begun = at;
        while at < bytes.len() && is_blank(bytes[at]) {
            at += 1;
        }
        out.extend(&bytes[begun..at]);
        out.push(0);
        if at < bytes.len() {
            at = token_end(bytes, at);
        }
    }
}

/// The rule that the first blanks of a text suggest.
fn guess(body: &str) -> Rule {
    let bytes = body.as_bytes();
    let mut rule = Rule::default();
    let (mut at, mut comma, mut colon, mut open) = (0, false, false, false);
    while at < bytes.len() && !(comma && colon && open) {
        let end = token_end(bytes, at);
        let blanks = bytes[end..].iter().take_while(|b| is_blank(**b)).count();
        let gap = &bytes[end..end + blanks];
        let next = bytes.get(end + blanks).copied().unwrap_or(0);
        match bytes[at] {
            b'{' | b'[' if !open && !matches!(next, b'}' | b']') => {
                open = true;
                indent(gap, &mut rule);
            }
            b',' if !comma => {
                comma = true;
                rule.flags |= if gap == b" " { AFTER_COMMA } else { 0 };
            }
            b':' if !colon => {
                colon = true;
                rule.flags |= if gap == b" " { AFTER_COLON } else { 0 };
            }
            b'"' if !colon && next == b':' && gap == b" " => rule.flags |= BEFORE_COLON,
            _ => {}
        }
        at = end + blanks;
    }
    rule
}

/// What the blanks after the first bracket say about indentation.
fn indent(gap: &[u8], rule: &mut Rule) {
    let Some(line) = gap.iter().position(|b| *b == b'\n') else {
        return;
    };
    let step = &gap[line + 1..];
    if step.len() > INDENT_MAX {
        return;
    }
    if gap[..line].ends_with(b"\r") {
        rule.flags |= CRLF;
    }
    if step.first() == Some(&b'\t') {
        rule.flags |= TABS;
    }
    rule.indent = Some(step.len() as u8);
}

/// The text that a rule makes of one without blanks; `None`: it grows beyond `max` bytes.
fn spell(small: &str, rule: Rule, max: usize) -> Option<String> {
    let bytes = small.as_bytes();
    let mut out = String::with_capacity(max.min(small.len() * 8));
    let (mut at, mut depth) = (0, 0usize);
    while at < bytes.len() {
        let end = token_end(bytes, at);
        let token = small.get(at..end)?;
        let next = bytes.get(end).copied().unwrap_or(0);
        match bytes[at] {
            b'{' | b'[' => {
                depth += 1;
                out.push_str(token);
                if !matches!(next, b'}' | b']') {
                    line(&mut out, rule, depth);
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if at > 0 && !matches!(bytes[at - 1], b'{' | b'[') {
                    line(&mut out, rule, depth);
                }
                out.push_str(token);
            }
            b',' => {
                out.push_str(token);
                if rule.flags & AFTER_COMMA != 0 {
                    out.push(' ');
                }
                line(&mut out, rule, depth);
            }
            b':' => {
                if rule.flags & BEFORE_COLON != 0 {
                    out.push(' ');
                }
                out.push_str(token);
                if rule.flags & AFTER_COLON != 0 {
                    out.push(' ');
                }
            }
            _ => out.push_str(token),
        }
        if out.len() > max {
            return None;
        }
        at = end;
    }
    Some(out)
}

fn line(out: &mut String, rule: Rule, depth: usize) {
    let Some(step) = rule.indent else {
        return;
    };
    out.push_str(if rule.flags & CRLF != 0 { "\r\n" } else { "\n" });
    let blank = if rule.flags & TABS != 0 { '\t' } else { ' ' };
    out.extend(std::iter::repeat_n(blank, depth * usize::from(step)));
}

/// Puts the blanks back: the inverse of [`strip`]. `max` bounds the text in bytes.
pub(super) fn restore(small: &str, residue: &[u8], max: usize) -> Option<String> {
    let Some((&kind, mut rest)) = residue.split_first() else {
        return Some(small.to_owned());
    };
    if kind == IRREGULAR {
        return restore_irregular(small, rest, max);
    }
    let (&flags, after) = rest.split_first()?;
    rest = after;
    let indent = match kind {
        RULE_SPACED => None,
        RULE_INDENTED => {
            let (&indent, after) = rest.split_first()?;
            rest = after;
            Some(indent)
        }
        _ => return None,
    };
    let body = spell(small, Rule { flags, indent }, max)?;
    if rest.is_empty() {
        return Some(body);
    }
    let count = varint::take(&mut rest)?;
    let lead = std::str::from_utf8(varint::take_bytes(&mut rest, count)?).ok()?;
    Some([lead, &body, std::str::from_utf8(rest).ok()?].concat())
}

fn restore_irregular(small: &str, blanks: &[u8], max: usize) -> Option<String> {
    let bytes = small.as_bytes();
    let mut out = String::with_capacity(small.len() + blanks.len());
    let mut at = 0;
    for gap in blanks.strip_suffix(&[0])?.split(|b| *b == 0) {
        if !gap.iter().all(|b| is_blank(*b)) {
            return None;
        }
        out.push_str(std::str::from_utf8(gap).ok()?);
        if at < bytes.len() {
            let end = token_end(bytes, at);
            out.push_str(small.get(at..end)?);
            at = end;
        }
        if out.len() > max {
            return None;
        }
    }
    (at == bytes.len()).then_some(out)
}
