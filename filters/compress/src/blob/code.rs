//! Code that no one reads: minified into lines without blanks.

use super::{Piece, shorten};

/// Bytes of the shortest line.
const LINE_MIN: usize = 1_000;
/// Bytes of it that are kept before and after.
const HEAD: usize = 160;
const TAIL: usize = 60;

/// The line as a piece, if it is minified JavaScript or CSS.
pub(super) fn minified(text: &str, start: usize, line: &str) -> Option<Piece> {
    let line = line.trim_end();
    if line.len() < LINE_MIN {
        return None;
    }
    let (mut blanks, mut marks, mut ends, mut braces, mut values) = (0, 0, 0, 0, 0);
    let mut last = 0;
    for byte in line.bytes() {
        blanks += usize::from(byte == b' ' || byte == b'\t');
        marks += usize::from(b"{}();,=:.[]!&|?+".contains(&byte));
        ends += usize::from(byte == b';');
        braces += usize::from(byte == b'{');
        // `"key":` is JSON, which says something.
        values += usize::from(byte == b':' && (last == b'"' || last == b'\''));
        last = byte;
    }
    let per = |count: usize, share: usize| count * share >= line.len();
    let code = per(marks, 10) && per(ends, 250) && per(braces, 400);
    let dense = !per(blanks, 8);
    let data = per(values, 120);
    let markup = line.trim_start().starts_with('<');
    if !code || !dense || data || markup {
        return None;
    }
    let what = if is_script(line) {
        "minified code"
    } else {
        "minified styles"
    };
    shorten(text, start..start + line.len(), HEAD, TAIL, what)
}

fn is_script(line: &str) -> bool {
    ["function", "=>", "return", "var "]
        .iter()
        .any(|word| line.contains(word))
}
