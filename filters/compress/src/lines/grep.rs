//! Search results grouped by file, without loss.
//!
//! # The form
//!
//! ```text
//! [compact grep: path, then line:text of it]
//! src/plan.rs
//! 12:fn plan() {
//! 13-    let a = 1;
//! --
//! 40:fn plans() {
//!
//! src/step.rs
//! 7:// plan
//! ```
//!
//! After the mark, groups with an empty line between them. The first line of a group is a file's path, whole; every
//! other line stands for `path` + `:` + itself where it is a match (`12:text`, or `:text` in results without numbers,
//! which stands for `path:text`), for `path-13-text` where it is `13-text` (a line of context), or for itself: `--`, and
//! after a `\`, which is not part of it. Lines before the first path are of the last kind.
//!
//! The residue is empty, or one byte `1`: the last line had no line end.

use crate::form::Form;
use crate::{mark, tokens};

const FORM: &str = "grep: path, then line:text of it";
/// Lines of the smallest result.
const LINES_MIN: usize = 4;
/// Of all lines, one in so many at most may be no result.
const STRANGE_SHARE: usize = 4;
/// Bytes of the longest path.
const PATH_MAX: usize = 512;
const OPEN: u8 = 1;

/// What a line of the result is.
enum Result<'a> {
    /// A path, and what stands in the group: `12:text`, `13-text`, `:text`.
    Of(&'a str, &'a str),
    Break,
    Other,
}

pub(crate) fn encode(text: &str) -> Option<Form> {
    let (body, residue) = match text.strip_suffix('\n') {
        Some(body) => (body, Vec::new()),
        None => (text, vec![OPEN]),
    };
    if !body
        .lines()
        .take(LINES_MIN)
        .any(|line| path_of(line).is_some())
    {
        return None;
    }
    let lines: Vec<&str> = body.split('\n').collect();
    if lines.len() < LINES_MIN {
        return None;
    }
    let next = next_paths(&lines);
    let mut out = mark::lossless(FORM);
    let mut path = "";
    let mut strange = 0;
    for (number, line) in lines.iter().enumerate() {
        match result(line, path, next[number]) {
            Result::Of(of, rest) => {
                if of != path {
                    if !path.is_empty() {
                        out.push('\n');
                    }
                    out.push_str(of);
                    out.push('\n');
                    path = of;
                }
                out.push_str(rest);
            }
            Result::Break if !path.is_empty() => out.push_str("--"),
            Result::Break | Result::Other => {
                strange += 1;
                if strange * STRANGE_SHARE > lines.len() {
                    return None;
                }
                out.push('\\');
                out.push_str(line);
            }
        }
        out.push('\n');
    }
    out.pop();
    (tokens::estimate(&out) < tokens::estimate(text)).then_some(Form { text: out, residue })
}

/// For each line, the path of the first match from it on: a line of context before the match belongs to it.
fn next_paths<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let mut next = "";
    let mut paths: Vec<&str> = lines
        .iter()
        .rev()
        .map(|line| {
            next = path_of(line).unwrap_or(next);
            next
        })
        .collect();
    paths.reverse();
    paths
}

/// The path of a match.
fn path_of(line: &str) -> Option<&str> {
    numbered(line).or_else(|| {
        let at = line
            .as_bytes()
            .iter()
            .take(PATH_MAX)
            .position(|b| *b == b':')?;
        line.get(..at).filter(|path| is_path(path))
    })
}

/// The path of a match that says its line: before the first `:12:`.
fn numbered(line: &str) -> Option<&str> {
    let bytes = line.as_bytes();
    let mut at = 0;
    while let Some(found) = bytes[at..].iter().take(PATH_MAX).position(|b| *b == b':') {
        at += found;
        if at > PATH_MAX {
            return None;
        }
        if entry(&line[at + 1..], b':') {
            return line.get(..at).filter(|path| is_path(path));
        }
        at += 1;
    }
    None
}

/// Whether a text is `12:…` (or `12-…`).
fn entry(rest: &str, mark: u8) -> bool {
    let digits = rest.bytes().take(10).take_while(u8::is_ascii_digit).count();
    digits > 0 && rest.as_bytes().get(digits) == Some(&mark)
}

fn is_path(text: &str) -> bool {
    text.contains(['/', '.', '\\'])
        && !text.starts_with('\\')
        && !text
            .bytes()
            .any(|b| b <= b' ' || b == b'"' || b == b'\'' || b == b'(')
}

fn result<'a>(line: &'a str, path: &'a str, next: &'a str) -> Result<'a> {
    if line == "--" {
        return Result::Break;
    }
    for of in [path, next] {
        if let Some(rest) = line.strip_prefix(of).filter(|_| !of.is_empty()) {
            match rest.as_bytes().first() {
                Some(b':') if entry(&rest[1..], b':') => return Result::Of(of, &rest[1..]),
                Some(b'-') if entry(&rest[1..], b'-') => return Result::Of(of, &rest[1..]),
                Some(b':') => return Result::Of(of, rest),
                _ => {}
            }
        }
    }
    Result::Other
}

pub(crate) fn decode(text: &str, residue: &[u8]) -> Option<String> {
    let body = text.strip_prefix(&*mark::lossless(FORM))?;
    let mut out = String::with_capacity(text.len() * 2);
    let mut path = "";
    let mut begins = true;
    for line in body.split('\n') {
        if let Some(own) = line.strip_prefix('\\') {
            out.push_str(own);
        } else if line.is_empty() {
            begins = true;
            continue;
        } else if begins {
            (path, begins) = (line, false);
            continue;
        } else if line == "--" {
            out.push_str(line);
        } else {
            out.push_str(path);
            let between = match (line.starts_with(':'), entry(line, b'-')) {
                (true, _) => "",
                (_, true) => "-",
                _ => ":",
            };
            out.push_str(between);
            out.push_str(line);
        }
        out.push('\n');
        if out.len() > crate::BLOCK_MAX + 1 {
            return None;
        }
    }
    if residue == [OPEN] {
        out.pop();
    }
    Some(out)
}
