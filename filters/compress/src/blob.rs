//! Bytes that say nothing to a reader are left out; every word stays where it stood.
//!
//! What is left out, and what is written in its place (`…[left out: 18432 bytes of base64, image/png, blake3 0123456789abcdef]…`,
//! the digest being the first 16 digits of that of the whole run as it stood, its kept ends included):
//!
//! | what | from | kept of it |
//! |---|---|---|
//! | base64 and base64url, in one line or broken into lines of one length | 200 letters | 24 letters before, 8 after |
//! | `data:` URIs, base64 or percent-encoded | 128 bytes of data | the media type, the same |
//! | PEM blocks | 128 letters | the lines `BEGIN` and `END`, the same |
//! | one run of hexadecimal digits (SHA-512 and all shorter digests stay) | 160 digits | the same |
//! | a list of numbers that are fractions (an embedding) or bytes | 64 or 256 numbers | the first 4 and last 2 numbers |
//! | minified JavaScript or CSS, outside JSON | a line of 1,000 bytes | 160 bytes before, 60 after |
//!
//! In JSON this happens within strings and lists of numbers, and the text stays JSON: in a list the note is a string.
//! A run counts as base64 only where its letters change class as random ones do, so that words and paths stay.
//!
//! A lock file (`Cargo.lock` and others with `[[package]]` tables, `package-lock.json`, `yarn.lock`, `go.sum`) becomes
//! a line `name version` for each package, in its order; what precedes the first package stays.

mod code;
mod lock;
mod media;
mod run;
mod vector;

use crate::mark;

/// Bytes of the smallest text that is looked at.
const TEXT_MIN: usize = 256;
/// Bytes of a run that are kept before and after what is left out.
const HEAD: usize = 24;
const TAIL: usize = 8;

/// A stretch that is left out.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    /// Where it begins and ends.
    start: usize,
    end: usize,
    /// What is written in its place.
    note: String,
}

/// The view of a text without its blobs; `None`: it has none.
pub(crate) fn view(text: &str, handle: &str) -> Option<String> {
    if text.len() < TEXT_MIN {
        return None;
    }
    if let Some(lock) = lock::view(text) {
        let view = mark::reversible(&lock.form, handle) + &lock.text;
        return (view.len() < text.len() && !mark::imitates(&lock.text)).then_some(view);
    }
    let json = matches!(text.trim_start().as_bytes().first(), Some(b'{' | b'['));
    let mut pieces = Vec::new();
    if json {
        run::find(text, 0..text.len(), &mut pieces);
    } else {
        outside_json(text, &mut pieces);
    }
    if pieces.is_empty() {
        return None;
    }
    let mut body = String::with_capacity(text.len() / 2);
    let mut at = 0;
    for piece in &pieces {
        body.push_str(text.get(at..piece.start)?);
        body.push_str(&piece.note);
        at = piece.end;
    }
    body.push_str(text.get(at..)?);
    if body.len() >= text.len() || mark::imitates(&body) {
        return None;
    }
    let form = match pieces.len() {
        1 => "blobs: 1 run that holds no words shortened".to_owned(),
        many => format!("blobs: {many} runs that hold no words shortened"),
    };
    Some(mark::reversible(&form, handle) + &body)
}

/// Long lines of minified code are one piece each; the rest is looked through for runs.
fn outside_json(text: &str, pieces: &mut Vec<Piece>) {
    let mut plain = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if let Some(piece) = code::minified(text, at, line) {
            run::find(text, plain..at, pieces);
            pieces.push(piece);
            plain = at + line.len();
        }
        at += line.len();
    }
    run::find(text, plain..text.len(), pieces);
}

/// The note for a run, of which the ends are kept; both must lie between characters.
fn shorten(
    text: &str,
    run: std::ops::Range<usize>,
    head: usize,
    tail: usize,
    what: &str,
) -> Option<Piece> {
    let whole = text.get(run.clone())?;
    let mut start = run.start + head;
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let mut end = run.end.checked_sub(tail)?;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let bytes = end.checked_sub(start).filter(|&bytes| bytes > 0)?;
    Some(Piece {
        start,
        end,
        note: format!(
            "…[left out: {bytes} bytes of {what}, blake3 {}]…",
            digest(whole)
        ),
    })
}

/// The first 16 digits of the digest.
fn digest(whole: &str) -> String {
    let mut digits = blake3::hash(whole.as_bytes()).to_hex().to_string();
    digits.truncate(16);
    digits
}
