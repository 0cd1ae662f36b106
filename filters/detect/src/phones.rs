//! Telephone numbers.

use crate::classes::{self, BASE62, DASH, DIGIT, DOT, WORD};
use crate::personal::{context, ends_alone};
use crate::scan::Scan;

/// `+49 170 1234567`: a country code, then up to fifteen digits in groups.
pub(crate) fn international(scan: &mut Scan<'_>, at: usize) {
    let bytes = scan.bytes;
    let start = at - 1;
    if bytes[at] == b'0'
        || !classes::begins(bytes, start, BASE62)
        || (start > 0 && matches!(bytes[start - 1], b'+' | b')' | b']'))
    {
        return;
    }
    let (mut end, mut count, mut groups, mut cursor) = (at, 0, 0, at);
    let mut widest = 0;
    while let Some(&byte) = bytes.get(cursor) {
        match byte {
            b'0'..=b'9' => {
                let stop = classes::run_end(bytes, cursor, DIGIT, 17);
                if count + stop - cursor > 15 {
                    return;
                }
                widest = widest.max(stop - cursor);
                count += stop - cursor;
                groups += 1;
                (cursor, end) = (stop, stop);
                continue;
            }
            b' ' | b'-' | b'.' | b'(' | b')' if cursor - end < 2 => cursor += 1,
            _ => break,
        }
    }
    if scan.ends(cursor) {
        scan.reached_end(start);
    }
    let fits = count >= 9 && (groups >= 2 || count >= 11) && widest >= 2 && ends_alone(bytes, end);
    if fits {
        scan.hit(
            "pii.phone",
            start..end,
            if groups >= 2 { 0.85 } else { 0.7 },
        );
    }
}

/// `(415) 555-2671`, `415-555-2671`, `415.555.2671`, `1-415-555-2671`; with spaces only if named.
pub(crate) fn north_american(scan: &mut Scan<'_>, at: usize) {
    let bytes = scan.bytes;
    let opened = at > 0 && bytes[at - 1] == b'(';
    let start = if opened { at - 1 } else { at };
    let first = if !opened && bytes[at] == b'1' && classes::run_end(bytes, at, DIGIT, 2) == at + 1 {
        at + 2
    } else {
        at
    };
    let shape = [(3usize, opened), (3, false), (4, false)];
    let mut cursor = first;
    let mut separators = [0u8; 2];
    for (group, (size, closes)) in shape.into_iter().enumerate() {
        let end = classes::run_end(bytes, cursor, DIGIT, size + 1);
        if scan.ends(end) {
            scan.reached_end(start);
        }
        if end - cursor != size || (group < 2 && !matches!(bytes[cursor], b'2'..=b'9')) {
            return;
        }
        cursor = end;
        if closes {
            if bytes.get(cursor) != Some(&b')') {
                return;
            }
            cursor += 1;
        }
        if group < 2 {
            match bytes.get(cursor) {
                Some(&separator @ (b'-' | b'.' | b' ')) => {
                    separators[group] = separator;
                    cursor += 1;
                }
                Some(b'0'..=b'9') if closes => separators[group] = b'(',
                None => return scan.reached_end(start),
                _ => return,
            }
        }
    }
    if !ends_alone(bytes, cursor) || !classes::begins(bytes, start, WORD | DOT | DASH) {
        return;
    }
    let plain = separators[1] == b' ' || (!opened && separators[0] != separators[1]);
    if !plain
        || context(
            scan,
            start,
            &[
                "phone", "tel", "call", "mobile", "cell", "fax", "contact", "whatsapp",
            ],
        )
    {
        scan.hit("pii.phone", start..cursor, 0.8);
    }
}
