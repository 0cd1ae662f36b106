//! Personal data: who and where people are, and the numbers they go by.

use crate::classes::{self, ALPHA, BASE62, DASH, DIGIT, DOT, UPPER, WORD};
use crate::letters::contains_any;
use crate::national;
use crate::scan::Scan;
use memchr::memchr_iter;

/// Finds addresses of people: local part, `@`, domain.
pub(crate) fn emails(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    for at in memchr_iter(b'@', bytes) {
        const LOCAL: u16 = WORD | DOT | DASH | classes::PLUS_SLASH;
        let mut start = classes::run_start(bytes, at, LOCAL & !classes::PLUS_SLASH, 64);
        while start > 0 && bytes[start - 1] == b'+' && at - start < 64 {
            start = classes::run_start(bytes, start - 1, LOCAL & !classes::PLUS_SLASH, 64);
        }
        // The letter of an escape that a body carried over belongs to no name.
        if start > 0 && bytes[start - 1] == b'\\' && matches!(bytes[start], b'n' | b't' | b'r') {
            start += 1;
        }
        while start < at && !classes::is(bytes[start], BASE62) {
            start += 1;
        }
        let end = classes::run_end(bytes, at + 1, BASE62 | DOT | DASH, 254);
        let end = if end > at && bytes[end - 1] == b'.' { end - 1 } else { end };
        if start < at && is_mailbox(scan, start, at, end) {
            let domain = &bytes[at + 1..end];
            let example = contains_any(domain, &["example.", ".test", ".invalid"]);
            scan.hit("pii.email", start..end, if example { 0.5 } else { 0.95 });
        }
    }
}

/// Endings of file names that would pass for the top of a domain.
const FILE_ENDINGS: &[&str] = &[
    "png", "jpg", "jpeg", "gif", "svg", "webp", "js", "ts", "mjs", "cjs", "css", "html", "json", "xml", "yml", "yaml", "tgz", "gz",
    "zip", "tar", "txt", "md", "py", "rs", "go", "java", "lock", "toml", "exe", "dll", "so", "map", "tsx", "jsx", "service", "git", "local", "internal",
];

fn is_mailbox(scan: &Scan<'_>, start: usize, at: usize, end: usize) -> bool {
    let bytes = scan.bytes;
    let domain = &bytes[at + 1..end];
    let Some(dot) = domain.iter().rposition(|&byte| byte == b'.') else { return false };
    let top = &domain[dot + 1..];
    let top_fits = (2..=18).contains(&top.len()) && top.iter().all(|&byte| classes::is(byte, ALPHA));
    let labels_fit = domain.split(|&byte| byte == b'.').all(|label| {
        !label.is_empty() && label.len() <= 63 && label[0] != b'-' && label[label.len() - 1] != b'-'
    });
    let neighbours_fit = bytes.get(end) != Some(&b'@')
        && (start == 0 || !matches!(bytes[start - 1], b'@' | b':' | b'/'))
        && bytes[at - 1] != b'.'
        && !bytes[start..at].windows(2).any(|pair| pair == b"..");
    let is_remote = matches!(&bytes[start..at], b"git" | b"org" | b"hg") || matches!(bytes.get(end), Some(b':')) && classes::has(bytes, end + 1, ALPHA | classes::PLUS_SLASH);
    let file = FILE_ENDINGS.iter().any(|ending| top.eq_ignore_ascii_case(ending.as_bytes()));
    top_fits && labels_fit && neighbours_fit && !is_remote && !file
}

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
    let Some(&next) = bytes.get(end) else { return false };
    let before = if start > 0 { bytes[start - 1] } else { b' ' };
    let separated = matches!(next, b' ' | b'-' | b'.' | b')' | b'(');
    end - start < 8 && !separated && before != b'+' && before != b' ' && !classes::is(before, UPPER)
}

/// Whether a number may begin at `at`: it is not the middle of a word, a version, a path or an id.
fn stands_alone(bytes: &[u8], at: usize) -> bool {
    classes::begins(bytes, at, WORD | DOT | DASH) && (at == 0 || !matches!(bytes[at - 1], b'/' | b'#' | b'$' | b'%' | b'@'))
}

/// Whether a number may end at `at`.
fn ends_alone(bytes: &[u8], at: usize) -> bool {
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
        scan.reached_end(at.saturating_sub(8).max(classes::run_start(bytes, at, WORD | classes::PLUS_SLASH, 8)));
    }
    let len = end - at;
    if at > 0 && classes::is(bytes[at - 1], UPPER) {
        lettered(scan, at, end);
        return;
    }
    let next = bytes.get(end).copied().unwrap_or(0);
    let separated = matches!(next, b' ' | b'-' | b'.' | b')' | b'(');
    if len <= 3 && next == b'.' {
        ipv4(scan, at);
    }
    let before = if at > 0 { bytes[at - 1] } else { b' ' };
    let paired = before == b' ' && (len == 2 || scan.ends(end)) && at >= 3;
    if paired && classes::is(bytes[at - 2], UPPER) && classes::is(bytes[at - 3], UPPER) && stands_alone(bytes, at - 3) {
        nino(scan, at - 3, at);
    }
    if len < 8 && !separated && before != b'+' {
        return;
    }
    if len < 8 && before != b' ' && next == b' ' && end + 1 < bytes.len() && !classes::has(bytes, end + 1, DIGIT | DASH) && !classes::has(bytes, end + 1, UPPER) && bytes[end + 1] != b'(' {
        return;
    }
    if before == b'+' {
        international(scan, at);
        return;
    }
    if !stands_alone(bytes, at) {
        return;
    }
    if len == 8 && classes::is(next, UPPER) {
        dni(scan, at, end, 0);
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
        us_phone(scan, at);
    }
}

/// Reads groups of digits with one separator between them.
fn groups(scan: &mut Scan<'_>, start: usize) -> Number {
    let bytes = scan.bytes;
    let mut number = Number { start, groups: 0, count: 0, ends: [(0, 0); DIGITS_MAX], digits: [0; DIGITS_MAX], separators: [0; DIGITS_MAX] };
    let mut at = start;
    loop {
        let end = classes::run_end(bytes, at, DIGIT, DIGITS_MAX + 1);
        let count = number.count + (end - at);
        if count > DIGITS_MAX {
            return number;
        }
        for (digit, byte) in number.digits[number.count..count].iter_mut().zip(&bytes[at..end]) {
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
fn context(scan: &Scan<'_>, at: usize, words: &[&str]) -> bool {
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
        ([3, 2, 4], _) if separators == b"-- ".get(..2).unwrap_or(b"") || near(scan, &["ssn", "social sec"]) => {
            let area = u16::from(digits[0]) * 100 + u16::from(digits[1]) * 10 + u16::from(digits[2]);
            if !matches!(area, 0 | 666 | 900..) && digits[3..5] != [0, 0] && digits[5..] != [0, 0, 0, 0] {
                scan.hit("pii.us_ssn", range, 0.85);
            }
        }
        ([9], _) if near(scan, &["ssn", "social sec"]) => scan.hit("pii.us_ssn", range, 0.7),
        ([9], _) if national::bsn(digits) && near(scan, &["bsn", "burgerservice", "sofinummer"]) => scan.hit("pii.nl_bsn", range, 0.9),
        ([3, 3, 3, 2], _) if separators == b"..-" && national::cpf(digits) => scan.hit("pii.br_cpf", range, 0.95),
        ([11], _) if national::cpf(digits) && near(scan, &["cpf"]) => scan.hit("pii.br_cpf", range, 0.9),
        ([2, 3, 3, 3], _) if even && national::steuer_id(digits) => scan.hit("pii.de_steuer_id", range, 0.9),
        ([11], _) if national::steuer_id(digits) && near(scan, &["steuer", "idnr", "tin", "tax"]) => scan.hit("pii.de_steuer_id", range, 0.9),
        ([4, 4, 4], _) if even && digits[0] >= 2 && separators[0] != b'.' && national::verhoeff(digits) => scan.hit("pii.in_aadhaar", range, 0.85),
        ([12], _) if digits[0] >= 2 && national::verhoeff(digits) && near(scan, &["aadhaar", "aadhar", "uidai"]) => scan.hit("pii.in_aadhaar", range, 0.9),
        ([1, 2, 2, 2, 3, 3, 2] | [13, 2], 15) if even && national::nir(digits) => scan.hit("pii.fr_nir", range, 0.95),
        ([15], _) if national::nir(digits) && near(scan, &["nir", "sécu", "secu", "insee"]) => scan.hit("pii.fr_nir", range, 0.9),
        (sizes, _) => card(scan, digits, sizes, even, range),
    }
}

fn card(scan: &mut Scan<'_>, digits: &[u8], sizes: &[usize], even: bool, range: std::ops::Range<usize>) {
    let printed = matches!(sizes, [4, 4, 4, 4] | [4, 6, 5] | [4, 6, 4] | [4, 4, 4, 4, 3] | [4, 4, 4, 1]) && even;
    if !(printed || sizes.len() == 1) || !national::card_issuer(digits) || !national::luhn(digits) {
        return;
    }
    let named = context(scan, range.start, &["card", "visa", "amex", "mastercard", "credit", "pan", "karte", "carte", "payment"]);
    if printed || named {
        scan.hit("pii.card", range, 0.95);
    } else if matches!(digits.len(), 15 | 16) {
        scan.hit("pii.card", range, 0.7);
    }
}

/// `+49 170 1234567`: a country code, then up to fifteen digits in groups.
fn international(scan: &mut Scan<'_>, at: usize) {
    let bytes = scan.bytes;
    let start = at - 1;
    if bytes[at] == b'0' || !classes::begins(bytes, start, BASE62) || (start > 0 && matches!(bytes[start - 1], b'+' | b')' | b']')) {
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
        scan.hit("pii.phone", start..end, if groups >= 2 { 0.85 } else { 0.7 });
    }
}

/// `(415) 555-2671`, `415-555-2671`, `415.555.2671`, `1-415-555-2671`; with spaces only if named.
fn us_phone(scan: &mut Scan<'_>, at: usize) {
    let bytes = scan.bytes;
    let opened = at > 0 && bytes[at - 1] == b'(';
    let start = if opened { at - 1 } else { at };
    let first = if !opened && bytes[at] == b'1' && classes::run_end(bytes, at, DIGIT, 2) == at + 1 { at + 2 } else { at };
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
    if !plain || context(scan, start, &["phone", "tel", "call", "mobile", "cell", "fax", "contact", "whatsapp"]) {
        scan.hit("pii.phone", start..cursor, 0.8);
    }
}

/// Numbers that begin with capital letters.
fn lettered(scan: &mut Scan<'_>, at: usize, end: usize) {
    let bytes = scan.bytes;
    let start = classes::run_start(bytes, at, UPPER, 7);
    if !stands_alone(bytes, start) {
        return;
    }
    match at - start {
        1 if end - at == 7 && matches!(bytes[start], b'X' | b'Y' | b'Z') && classes::has(bytes, end, UPPER) => {
            dni(scan, at, end, u32::from(bytes[start] - b'X'));
        }
        2 => {
            iban(scan, start);
            nino(scan, start, at);
        }
        6 if classes::run_end(bytes, start, UPPER | DIGIT, 17) == start + 16 => {
            if !classes::has(bytes, start + 16, WORD) && national::codice_fiscale(&bytes[start..start + 16]) {
                scan.hit("pii.it_codice_fiscale", start..start + 16, 0.95);
            }
        }
        _ => {}
    }
}

fn dni(scan: &mut Scan<'_>, at: usize, end: usize, first: u32) {
    let bytes = scan.bytes;
    let number = bytes[at..end].iter().fold(first, |value, byte| value * 10 + u32::from(byte - b'0'));
    let start = if end - at == 7 { at - 1 } else { at };
    if bytes.get(end) == Some(&national::dni_letter(number)) && !classes::has(bytes, end + 1, WORD | DASH) {
        scan.hit("pii.es_dni", start..end + 1, 0.8);
    }
}

/// Letters and digits in one piece, or in groups of four.
fn iban(scan: &mut Scan<'_>, start: usize) {
    let bytes = scan.bytes;
    let Some(length) = national::iban_length(&bytes[start..start + 2]) else { return };
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
fn nino(scan: &mut Scan<'_>, start: usize, at: usize) {
    let bytes = scan.bytes;
    let (first, second) = (bytes[start], bytes[start + 1]);
    let letters_fit = !b"DFIQUV".contains(&first)
        && !b"DFIQUVO".contains(&second)
        && !matches!(&[first, second], b"BG" | b"GB" | b"KN" | b"NK" | b"NT" | b"TN" | b"ZZ");
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
    if letters_fit && matches!(bytes[cursor], b'A'..=b'D') && !classes::has(bytes, cursor + 1, WORD | DASH) {
        if scan.ends(cursor + 1) {
            scan.reached_end(start);
        }
        scan.hit("pii.uk_nino", start..cursor + 1, 0.8);
    }
}

fn ipv4(scan: &mut Scan<'_>, at: usize) {
    let bytes = scan.bytes;
    if at > 0 && (classes::is(bytes[at - 1], WORD | DOT | DASH) || bytes[at - 1] == b'+') {
        return;
    }
    let mut parts = [0u16; 4];
    let mut cursor = at;
    for (place, part) in parts.iter_mut().enumerate() {
        let end = classes::run_end(bytes, cursor, DIGIT, 4);
        if end == cursor || end - cursor > 3 || (end - cursor > 1 && bytes[cursor] == b'0') {
            return;
        }
        *part = bytes[cursor..end].iter().fold(0, |value, byte| value * 10 + u16::from(byte - b'0'));
        cursor = end;
        if place < 3 {
            if bytes.get(cursor) != Some(&b'.') {
                return;
            }
            cursor += 1;
        }
    }
    if parts.iter().any(|&part| part > 255) || classes::has(bytes, cursor, WORD | DASH) || bytes.get(cursor) == Some(&b'.') && classes::has(bytes, cursor + 1, BASE62) {
        return;
    }
    // A version of four numbers: small ones, or named so.
    if parts[0] < 10 && parts[1] < 30 && parts[2] < 30 && parts != [8, 8, 8, 8] && parts != [1, 1, 1, 1] || context(scan, at, &["version", "release", " v", "chrome/", "ver.", "edg/"]) {
        return;
    }
    let address = std::net::Ipv4Addr::new(parts[0] as u8, parts[1] as u8, parts[2] as u8, parts[3] as u8);
    let shared = parts[0] == 100 && (64..128).contains(&parts[1]);
    let ours = address.is_private() || address.is_loopback() || address.is_link_local() || address.is_unspecified() || address.is_documentation() || address.is_broadcast() || address.is_multicast() || parts[0] == 0 || parts[0] >= 224 || shared;
    if !ours {
        scan.hit("pii.ip", at..cursor, 0.8);
    }
}

/// Finds public IPv6 addresses: anchored at a colon within hexadecimal groups.
pub(crate) fn ipv6(scan: &mut Scan<'_>, colons: usize) {
    let bytes = scan.bytes;
    let in_address = |byte: u8| classes::is(byte, classes::HEX) || byte == b':';
    let mut start = colons;
    while start > 0 && colons - start < 40 && in_address(bytes[start - 1]) {
        start -= 1;
    }
    let mut end = colons;
    while end < bytes.len() && end - start < 46 && in_address(bytes[end]) {
        end += 1;
    }
    let end = if bytes[..end].ends_with(b":") && !bytes[..end].ends_with(b"::") { end - 1 } else { end };
    if !classes::begins(bytes, start, WORD | DASH | DOT) || classes::has(bytes, end, WORD | DASH | DOT) && classes::has(bytes, end + 1, BASE62) {
        return;
    }
    let Some(form) = scan.text.get(start..end) else { return };
    let Ok(address) = form.parse::<std::net::Ipv6Addr>() else { return };
    let first = address.segments()[0];
    let public = (0x2000..0x4000).contains(&first) && !(first == 0x2001 && address.segments()[1] == 0xdb8);
    if public {
        scan.hit("pii.ip", start..end, 0.8);
    }
}
