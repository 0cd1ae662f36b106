//! Numbers of people and accounts that have capital letters in them.

use crate::classes::{self, BASE62, DASH, DIGIT, UPPER, WORD};
use crate::national;
use crate::personal::stands_alone;
use crate::scan::Scan;

/// Numbers that begin with capital letters.
pub(crate) fn lettered(scan: &mut Scan<'_>, at: usize, end: usize) {
    let bytes = scan.bytes;
    let start = classes::run_start(bytes, at, UPPER, 7);
    if !stands_alone(bytes, start) {
        return;
    }
    match at - start {
        1 if end - at == 7
            && matches!(bytes[start], b'X' | b'Y' | b'Z')
            && classes::has(bytes, end, UPPER) =>
        {
            dni(scan, at, end, u32::from(bytes[start] - b'X'));
        }
        2 => {
            iban(scan, start);
            nino(scan, start, at);
        }
        6 => codice_fiscale(scan, start),
        _ => {}
    }
}

fn codice_fiscale(scan: &mut Scan<'_>, start: usize) {
    let end = classes::run_end(scan.bytes, start, UPPER | DIGIT, 17);
    let alone = end == start + 16 && !classes::has(scan.bytes, end, WORD);
    if alone && national::codice_fiscale(&scan.bytes[start..end]) {
        scan.hit("pii.it_codice_fiscale", start..end, 0.95);
    }
}

pub(crate) fn dni(scan: &mut Scan<'_>, at: usize, end: usize, first: u32) {
    let bytes = scan.bytes;
    let number = bytes[at..end]
        .iter()
        .fold(first, |value, byte| value * 10 + u32::from(byte - b'0'));
    let start = if end - at == 7 { at - 1 } else { at };
    if bytes.get(end) == Some(&national::dni_letter(number))
        && !classes::has(bytes, end + 1, WORD | DASH)
    {
        scan.hit("pii.es_dni", start..end + 1, 0.8);
    }
}

/// Letters and digits in one piece, or in groups of four.
fn iban(scan: &mut Scan<'_>, start: usize) {
    let bytes = scan.bytes;
    let Some(length) = national::iban_length(&bytes[start..start + 2]) else {
        return;
    };
    let mut code = Vec::with_capacity(length);
    let mut at = start;
    while code.len() < length {
        match bytes.get(at) {
            None => return scan.reached_end(start),
            Some(&byte) if classes::is(byte, UPPER | DIGIT) => code.push(byte),
            Some(b' ') if code.len() % 4 == 0 && bytes[at - 1] != b' ' => {}
            _ => return,
        }
        at += 1;
    }
    if scan.ends(at) {
        scan.reached_end(start);
    }
    if !classes::has(bytes, at, BASE62) && national::iban(&code) {
        scan.hit("pii.iban", start..at, 0.98);
    }
}

/// Two letters, six digits, a letter from A to D; in one piece or in pairs.
pub(crate) fn nino(scan: &mut Scan<'_>, start: usize, at: usize) {
    let bytes = scan.bytes;
    let (first, second) = (bytes[start], bytes[start + 1]);
    let letters_fit = !b"DFIQUV".contains(&first)
        && !b"DFIQUVO".contains(&second)
        && !matches!(
            &[first, second],
            b"BG" | b"GB" | b"KN" | b"NK" | b"NT" | b"TN" | b"ZZ"
        );
    let mut cursor = at;
    let mut digits = 0;
    while digits < 6 {
        match bytes.get(cursor) {
            None => return scan.reached_end(start),
            Some(byte) if byte.is_ascii_digit() => digits += 1,
            Some(b' ') if digits % 2 == 0 && bytes[cursor - 1] != b' ' => {}
            _ => return,
        }
        cursor += 1;
    }
    cursor += usize::from(bytes.get(cursor) == Some(&b' '));
    if scan.ends(cursor) {
        return scan.reached_end(start);
    }
    if letters_fit
        && matches!(bytes[cursor], b'A'..=b'D')
        && !classes::has(bytes, cursor + 1, WORD | DASH)
    {
        if scan.ends(cursor + 1) {
            scan.reached_end(start);
        }
        scan.hit("pii.uk_nino", start..cursor + 1, 0.8);
    }
}
