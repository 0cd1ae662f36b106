//! E-mail addresses.

use crate::classes::{self, ALPHA, BASE62, DASH, DOT, WORD};
use crate::letters::contains_any;
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
        let end = if end > at && bytes[end - 1] == b'.' {
            end - 1
        } else {
            end
        };
        if start < at && is_mailbox(scan, start, at, end) {
            let domain = &bytes[at + 1..end];
            let example = contains_any(domain, &["example.", ".test", ".invalid"]);
            scan.hit("pii.email", start..end, if example { 0.5 } else { 0.95 });
        }
    }
}

/// Endings of file names that would pass for the top of a domain.
const FILE_ENDINGS: &[&str] = &[
    "png", "jpg", "jpeg", "gif", "svg", "webp", "js", "ts", "mjs", "cjs", "css", "html", "json",
    "xml", "yml", "yaml", "tgz", "gz", "zip", "tar", "txt", "md", "py", "rs", "go", "java", "lock",
    "toml", "exe", "dll", "so", "map", "tsx", "jsx", "service", "git", "local", "internal",
];

fn is_mailbox(scan: &Scan<'_>, start: usize, at: usize, end: usize) -> bool {
    let bytes = scan.bytes;
    let domain = &bytes[at + 1..end];
    let Some(dot) = domain.iter().rposition(|&byte| byte == b'.') else {
        return false;
    };
    let top = &domain[dot + 1..];
    let top_fits =
        (2..=18).contains(&top.len()) && top.iter().all(|&byte| classes::is(byte, ALPHA));
    let labels_fit = domain.split(|&byte| byte == b'.').all(|label| {
        !label.is_empty() && label.len() <= 63 && label[0] != b'-' && label[label.len() - 1] != b'-'
    });
    let neighbours_fit = bytes.get(end) != Some(&b'@')
        && (start == 0 || !matches!(bytes[start - 1], b'@' | b':' | b'/'))
        && bytes[at - 1] != b'.'
        && !bytes[start..at].windows(2).any(|pair| pair == b"..");
    let is_remote = matches!(&bytes[start..at], b"git" | b"org" | b"hg")
        || matches!(bytes.get(end), Some(b':'))
            && classes::has(bytes, end + 1, ALPHA | classes::PLUS_SLASH);
    let file = FILE_ENDINGS
        .iter()
        .any(|ending| top.eq_ignore_ascii_case(ending.as_bytes()));
    top_fits && labels_fit && neighbours_fit && !is_remote && !file
}
