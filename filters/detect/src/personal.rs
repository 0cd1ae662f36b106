//! Personal data in numbers: what a run of digits may be the beginning or a part of.

use crate::classes::{self, BASE62, DASH, DIGIT, DOT, UPPER, WORD};
use crate::letters::contains_any;
use crate::scan::Scan;
use crate::{lettered, machines, national, phones};

/// The groups of digits that begin at one place.
struct Number {
    start: usize,
    /// How many groups there are.
    groups: usize,
    /// How many digits there are in all.
    count: usize,
    /// Where each group ends, and how many digits there are up to there.
    ends: [(usize, usize); DIGITS_MAX],
    digits: [u8; DIGITS_MAX],
    separators: [u8; DIGITS_MAX],
}

/// The most digits looked at together.
const DIGITS_MAX: usize = 19;

/// Finds every number of a known kind.
pub(crate) fn numbers(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    let mut at = 0;
    while let Some(start) = classes::digit(bytes, at) {
        let end = classes::run_end(bytes, start, DIGIT, usize::MAX);
        if end - start <= DIGITS_MAX && !is_idle(bytes, start, end) {
            number_at(scan, start, end);
        }
        at = end;
    }
}

/// A quick look at the neighbours of a run of digits: whether it is certainly no number of a known
/// kind, nor the beginning of one.
fn is_idle(bytes: &[u8], start: usize, end: usize) -> bool {
    let Some(&next) = bytes.get(end) else {
        return false;
    };
    let before = if start > 0 { bytes[start - 1] } else { b' ' };
    let separated = matches!(next, b' ' | b'-' | b'.' | b')' | b'(');
    end - start < 8 && !separated && before != b'+' && before != b' ' && !classes::is(before, UPPER)
}

/// Whether a number may begin at `at`: it is not the middle of a word, a version, a path or an id.
pub(crate) fn stands_alone(bytes: &[u8], at: usize) -> bool {
    classes::begins(bytes, at, WORD | DOT | DASH)
        && (at == 0 || !matches!(bytes[at - 1], b'/' | b'#' | b'$' | b'%' | b'@'))
}

/// Whether a number may end at `at`.
pub(crate) fn ends_alone(bytes: &[u8], at: usize) -> bool {
    match bytes.get(at) {
        None => true,
        Some(b'.' | b'-' | b',' | b':') => !classes::has(bytes, at + 1, BASE62),
        Some(b'/' | b'%' | b'@' | b'=') => false,
        Some(&byte) => byte < 0x80 && !classes::is(byte, WORD),
    }
}

fn number_at(scan: &mut Scan<'_>, at: usize, end: usize) {
    let bytes = scan.bytes;
    if scan.ends(end) {
        // Letters in front may belong to it.
        scan.reached_end(at.saturating_sub(8).max(classes::run_start(
            bytes,
            at,
            WORD | classes::PLUS_SLASH,
            8,
        )));
    }
    let len = end - at;
    if at > 0 && classes::is(bytes[at - 1], UPPER) {
        lettered::lettered(scan, at, end);
        return;
    }
    let next = bytes.get(end).copied().unwrap_or(0);
    let separated = matches!(next, b' ' | b'-' | b'.' | b')' | b'(');
    if len <= 3 && next == b'.' {
        machines::ipv4(scan, at);
    }
    let before = if at > 0 { bytes[at - 1] } else { b' ' };
    let paired = before == b' ' && (len == 2 || scan.ends(end)) && at >= 3;
    if paired
        && classes::is(bytes[at - 2], UPPER)
        && classes::is(bytes[at - 3], UPPER)
        && stands_alone(bytes, at - 3)
    {
        lettered::nino(scan, at - 3, at);
    }
    if len < 8 && !separated && before != b'+' {
        return;
    }
    if len < 8
        && before != b' '
        && next == b' '
        && end + 1 < bytes.len()
        && !classes::has(bytes, end + 1, DIGIT | DASH)
        && !classes::has(bytes, end + 1, UPPER)
        && bytes[end + 1] != b'('
    {
        return;
    }
    if before == b'+' {
        phones::international(scan, at);
        return;
    }
    if !stands_alone(bytes, at) {
        return;
    }
    if len == 8 && classes::is(next, UPPER) {
        lettered::dni(scan, at, end, 0);
        return;
    }
    let number = groups(scan, at);
    for place in 0..number.groups {
        let (end, count) = number.ends[place];
        if count >= 9 && ends_alone(bytes, end) {
            grouped(scan, &number, place, end);
        }
    }
    if before == b'(' || len == 3 || (len == 1 && bytes[at] == b'1') {
        phones::north_american(scan, at);
    }
}

/// Reads groups of digits with one separator between them.
fn groups(scan: &mut Scan<'_>, start: usize) -> Number {
    let bytes = scan.bytes;
    let mut number = Number {
        start,
        groups: 0,
        count: 0,
        ends: [(0, 0); DIGITS_MAX],
        digits: [0; DIGITS_MAX],
        separators: [0; DIGITS_MAX],
    };
    let mut at = start;
    loop {
        let end = classes::run_end(bytes, at, DIGIT, DIGITS_MAX + 1);
        let count = number.count + (end - at);
        if count > DIGITS_MAX {
            return number;
        }
        for (digit, byte) in number.digits[number.count..count]
            .iter_mut()
            .zip(&bytes[at..end])
        {
            *digit = byte - b'0';
        }
        number.ends[number.groups] = (end, count);
        (number.groups, number.count) = (number.groups + 1, count);
        match bytes.get(end) {
            None => {
                scan.reached_end(start);
                return number;
            }
            Some(&separator @ (b' ' | b'-' | b'.')) => {
                if scan.ends(end + 1) {
                    scan.reached_end(start);
                }
                if !classes::has(bytes, end + 1, DIGIT) {
                    return number;
                }
                number.separators[number.groups - 1] = separator;
                at = end + 1;
            }
            _ => return number,
        }
    }
}

/// Whether one of `words` stands shortly before `at`.
pub(crate) fn context(scan: &Scan<'_>, at: usize, words: &[&str]) -> bool {
    contains_any(classes::before(scan.text, at, 40).as_bytes(), words)
}

/// Judges the groups up to and with the one at `place`.
fn grouped(scan: &mut Scan<'_>, number: &Number, place: usize, end: usize) {
    let digits = &number.digits[..number.ends[place].1];
    let mut sizes = [0; DIGITS_MAX];
    let mut before = 0;
    for (size, &(_, count)) in sizes.iter_mut().zip(&number.ends[..=place]) {
        *size = count - before;
        before = count;
    }
    let sizes = &sizes[..=place];
    let separators = &number.separators[..place];
    let even = separators.windows(2).all(|pair| pair[0] == pair[1]);
    let range = number.start..end;
    let near = |scan: &Scan<'_>, words: &[&str]| context(scan, number.start, words);
    match (sizes, digits.len()) {
        ([3, 2, 4], _)
            if separators == b"-- ".get(..2).unwrap_or(b"")
                || near(scan, &["ssn", "social sec"]) =>
        {
            let area =
                u16::from(digits[0]) * 100 + u16::from(digits[1]) * 10 + u16::from(digits[2]);
            if !matches!(area, 0 | 666 | 900..)
                && digits[3..5] != [0, 0]
                && digits[5..] != [0, 0, 0, 0]
            {
                scan.hit("pii.us_ssn", range, 0.85);
            }
        }
        ([9], _) if near(scan, &["ssn", "social sec"]) => scan.hit("pii.us_ssn", range, 0.7),
        ([9], _)
            if national::bsn(digits) && near(scan, &["bsn", "burgerservice", "sofinummer"]) =>
        {
            scan.hit("pii.nl_bsn", range, 0.9)
        }
        ([3, 3, 3, 2], _) if separators == b"..-" && national::cpf(digits) => {
            scan.hit("pii.br_cpf", range, 0.95)
        }
        ([11], _) if national::cpf(digits) && near(scan, &["cpf"]) => {
            scan.hit("pii.br_cpf", range, 0.9)
        }
        ([2, 3, 3, 3], _) if even && national::steuer_id(digits) => {
            scan.hit("pii.de_steuer_id", range, 0.9)
        }
        ([11], _)
            if national::steuer_id(digits) && near(scan, &["steuer", "idnr", "tin", "tax"]) =>
        {
            scan.hit("pii.de_steuer_id", range, 0.9)
        }
        ([4, 4, 4], _)
            if even && digits[0] >= 2 && separators[0] != b'.' && national::verhoeff(digits) =>
        {
            scan.hit("pii.in_aadhaar", range, 0.85)
        }
        ([12], _)
            if digits[0] >= 2
                && national::verhoeff(digits)
                && near(scan, &["aadhaar", "aadhar", "uidai"]) =>
        {
            scan.hit("pii.in_aadhaar", range, 0.9)
        }
        ([1, 2, 2, 2, 3, 3, 2] | [13, 2], 15) if even && national::nir(digits) => {
            scan.hit("pii.fr_nir", range, 0.95)
        }
        ([15], _) if national::nir(digits) && near(scan, &["nir", "sécu", "secu", "insee"]) => {
            scan.hit("pii.fr_nir", range, 0.9)
        }
        (sizes, _) => card(scan, digits, sizes, even, range),
    }
}

fn card(
    scan: &mut Scan<'_>,
    digits: &[u8],
    sizes: &[usize],
    even: bool,
    range: std::ops::Range<usize>,
) {
    let printed = matches!(
        sizes,
        [4, 4, 4, 4] | [4, 6, 5] | [4, 6, 4] | [4, 4, 4, 4, 3] | [4, 4, 4, 1]
    ) && even;
    if !(printed || sizes.len() == 1) || !national::card_issuer(digits) || !national::luhn(digits) {
        return;
    }
    let named = context(
        scan,
        range.start,
        &[
            "card",
            "visa",
            "amex",
            "mastercard",
            "credit",
            "pan",
            "karte",
            "carte",
            "payment",
        ],
    );
    if printed || named {
        scan.hit("pii.card", range, 0.95);
    } else if matches!(digits.len(), 15 | 16) {
        scan.hit("pii.card", range, 0.7);
    }
}
