//! Addresses of machines that may be somebody's: public ones.

use crate::classes::{self, BASE62, DASH, DIGIT, DOT, WORD};
use crate::personal::context;
use crate::scan::Scan;
use std::net::{Ipv4Addr, Ipv6Addr};

/// `93.184.216.34`, whose digits begin at `at`.
pub(crate) fn ipv4(scan: &mut Scan<'_>, at: usize) {
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
        *part = bytes[cursor..end]
            .iter()
            .fold(0, |value, byte| value * 10 + u16::from(byte - b'0'));
        cursor = end;
        if place < 3 {
            if bytes.get(cursor) != Some(&b'.') {
                return;
            }
            cursor += 1;
        }
    }
    if parts.iter().any(|&part| part > 255)
        || classes::has(bytes, cursor, WORD | DASH)
        || bytes.get(cursor) == Some(&b'.') && classes::has(bytes, cursor + 1, BASE62)
    {
        return;
    }
    // A version of four numbers: small ones, or named so. All known resolvers have small ones.
    let version = parts[0] < 10 && parts[1] < 30 && parts[2] < 30;
    if version
        || context(
            scan,
            at,
            &["version", "release", " v", "chrome/", "ver.", "edg/"],
        )
    {
        return;
    }
    if is_public(Ipv4Addr::from(parts.map(|part| part as u8))) {
        scan.hit("pii.ip", at..cursor, 0.8);
    }
}

fn is_public(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    let shared = first == 100 && (64..128).contains(&second);
    let ours = address.is_private() || address.is_loopback() || address.is_link_local();
    !(ours || shared || address.is_documentation() || first == 0 || first >= 224)
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
    let end = if bytes[..end].ends_with(b":") && !bytes[..end].ends_with(b"::") {
        end - 1
    } else {
        end
    };
    if !classes::begins(bytes, start, WORD | DASH | DOT)
        || classes::has(bytes, end, WORD | DASH | DOT) && classes::has(bytes, end + 1, BASE62)
    {
        return;
    }
    let Some(form) = scan.text.get(start..end) else {
        return;
    };
    let Ok(address) = form.parse::<Ipv6Addr>() else {
        return;
    };
    let first = address.segments()[0];
    let public =
        (0x2000..0x4000).contains(&first) && !(first == 0x2001 && address.segments()[1] == 0xdb8);
    if public {
        scan.hit("pii.ip", start..end, 0.8);
    }
}
