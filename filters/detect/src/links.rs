//! Addresses that carry data out, run as script, or pretend to be another's.

use crate::classes::{self, ALPHA, BASE62, BASE64, DASH, DOT};
use crate::letters::{contains_any, entropy};
use crate::scan::Scan;
use crate::words::{List, Places};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use sallyport_normalise::latin;
use std::ops::Range;
use std::sync::LazyLock;

/// The longest address read.
const ADDRESS_MAX: usize = 2000;
/// The shortest value that could carry something out.
const CARGO_MIN: usize = 24;

/// Hosts whose purpose is to show what was sent to them.
const COLLECTORS: &[&str] = &[
    "webhook.site",
    "requestbin",
    "pipedream.net",
    "ngrok.io",
    "ngrok-free.app",
    "burpcollaborator.net",
    "oastify.com",
    "interact.sh",
    "oast.fun",
    "oast.pro",
    "oast.live",
    "oast.site",
    "oast.online",
    "oast.me",
    "beeceptor.com",
    "requestcatcher.com",
    "canarytokens",
    "hookbin.com",
    "dnslog.cn",
    "ceye.io",
    "postb.in",
    "webhook.cool",
    "typedwebhook.tools",
    "trycloudflare.com",
    "requestrepo.com",
    "mockbin",
    "putsreq.com",
];
/// Names of parameters under which stolen text travels.
const CARGO_NAMES: &[&str] = &[
    "data",
    "d",
    "q",
    "c",
    "payload",
    "exfil",
    "leak",
    "content",
    "secret",
    "secrets",
    "token",
    "info",
    "msg",
    "message",
    "history",
    "chat",
    "conversation",
    "prompt",
    "context",
    "text",
    "stolen",
    "key",
    "keys",
    "log",
    "x",
];

/// How an address is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Use {
    /// Behind `](`.
    Markdown,
    /// Behind `src=`, `href=` and the like.
    Attribute,
}

/// Judges the address that the mark at `mark` introduces: `](`, `src=` or the like.
pub(crate) fn target(scan: &mut Scan<'_>, used: Use, mark: usize) {
    let bytes = scan.bytes;
    let Some(offset) = bytes[mark..]
        .iter()
        .take(8)
        .position(|byte| matches!(byte, b'=' | b'('))
    else {
        return;
    };
    let begin = mark + offset + 1;
    let mut start = begin;
    while start < begin + 2 && matches!(bytes.get(start), Some(b'"' | b'\'' | b'<' | b'\\')) {
        start += 1;
    }
    let judged: [&[u8]; 4] = [b"http", b"data:", b"javascript:", b"vbscript:"];
    if !judged.iter().any(|kind| classes::reads(bytes, start, kind)) {
        return;
    }
    let stop = bytes.len().min(start + ADDRESS_MAX);
    let ahead = match used {
        Use::Markdown => &mut scan.aheads.markdown_end,
        Use::Attribute => &mut scan.aheads.attribute_end,
    };
    let end = ahead.find(bytes, start..stop).unwrap_or(stop);
    if end < start + 5 || !scan.text.is_char_boundary(end) {
        return;
    }
    let address = &bytes[start..end];
    if classes::reads(address, 0, b"http") {
        carries(scan, used, mark, start..end);
    } else if classes::reads(address, 0, b"data:") {
        let kind = &address[5..address.len().min(40)];
        if contains_any(
            kind,
            &[
                "text/html",
                "javascript",
                "xhtml",
                "ecmascript",
                "text/xml",
                "application/x-sh",
            ],
        ) {
            scan.hit("link.data_uri", start..end, 0.8);
        }
    } else if classes::reads(address, 0, b"javascript:") || classes::reads(address, 0, b"vbscript:")
    {
        script(scan, used, start..end);
    }
}

/// What scripts call that read or send.
static SCRIPT_WORDS: LazyLock<List> = LazyLock::new(|| {
    List::new(&[
        "fetch(",
        "cookie",
        "xmlhttp",
        "eval(",
        "import(",
        "location",
        "sendbeacon",
        "atob(",
        "localstorage",
    ])
});

/// What is known of the scripts of a text of which nothing was read.
pub(crate) const fn script_words() -> Places {
    Places::new(&SCRIPT_WORDS)
}

fn script(scan: &mut Scan<'_>, used: Use, range: Range<usize>) {
    let address = &scan.bytes[range.clone()];
    let body = &address[11.min(address.len())..];
    let idle = body.len() < 3
        || contains_any(
            &body[..body.len().min(12)],
            &["void(0", "history.", "window.print", "//"],
        );
    let body = range.end - body.len()..range.end;
    let mut words = scan.aheads.script_words.within(scan.bytes, body);
    let sends = words.next().is_some();
    drop(words);
    if sends {
        scan.hit("link.javascript", range, 0.9);
    } else if used == Use::Markdown && !idle {
        scan.hit("link.javascript", range, 0.7);
    }
}

/// Whether an address takes data along.
fn carries(scan: &mut Scan<'_>, used: Use, mark: usize, range: Range<usize>) {
    let address = &scan.bytes[range.clone()];
    let Some(host_start) = memchr::memmem::find(address, b"://").map(|at| at + 3) else {
        return;
    };
    let host_end = classes::run_end(address, host_start, BASE62 | DOT | DASH, 253);
    let host = &address[host_start..host_end];
    let rest = &address[host_end..];
    let collector = contains_any(host, COLLECTORS);
    if collector && rest.len() > 2 {
        scan.hit("link.exfil", range, 0.85);
        return;
    }
    let image = used == Use::Markdown && is_image(scan.text, mark);
    let mut score: f32 = 0.0;
    for value in rest.split(|&byte| matches!(byte, b'/' | b'?' | b'&' | b'#' | b';' | b':')) {
        if value.len() < CARGO_MIN {
            continue;
        }
        let (name, cargo) = match memchr::memchr(b'=', value) {
            Some(at) if at < 32 => (&value[..at], &value[at + 1..]),
            _ => (&value[..0], value),
        };
        if hides_text(cargo) {
            score = score.max(0.85);
        } else if image
            && CARGO_NAMES
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
            && cargo.len() >= CARGO_MIN
            && entropy(cargo) > 3.5
        {
            score = score.max(0.7);
        }
    }
    if score > 0.0 {
        scan.hit("link.exfil", range, score);
    }
}

/// Whether the `](` at `at` belongs to `![`.
fn is_image(text: &str, at: usize) -> bool {
    let before = classes::before(text, at, 200);
    before
        .rfind('[')
        .is_some_and(|open| before[..open].ends_with('!'))
}

/// Whether `value` is base64 or hexadecimal for words.
fn hides_text(value: &[u8]) -> bool {
    let value = &value[..classes::run_end(value, 0, BASE64, ADDRESS_MAX)];
    if value.len() < CARGO_MIN {
        return false;
    }
    let words = |bytes: &[u8]| {
        let odd = bytes
            .iter()
            .filter(|&&byte| !matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t') && byte < 0x80)
            .count();
        let letters = bytes
            .iter()
            .filter(|&&byte| classes::is(byte, ALPHA) || byte == b' ')
            .count();
        odd == 0 && std::str::from_utf8(bytes).is_ok() && letters * 2 >= bytes.len()
    };
    let whole = &value[..value.len() - usize::from(value.len() % 4 == 1)];
    let plain = URL_SAFE_NO_PAD
        .decode(&whole[..whole.len() / 4 * 4])
        .or_else(|_| STANDARD_NO_PAD.decode(&whole[..whole.len() / 4 * 4]));
    if plain.is_ok_and(|plain| words(&plain)) {
        return true;
    }
    let hex: Option<Vec<u8>> = value
        .chunks_exact(2)
        .map(|pair| {
            Some((char::from(pair[0]).to_digit(16)? * 16 + char::from(pair[1]).to_digit(16)?) as u8)
        })
        .collect();
    value.len().is_multiple_of(2) && hex.is_some_and(|plain| words(&plain))
}

/// Judges the host of an address; `place` is its `://`.
pub(crate) fn host(scan: &mut Scan<'_>, place: Range<usize>) {
    let bytes = scan.bytes;
    let scheme = if classes::ends_with(&bytes[..place.start], b"https") {
        5
    } else {
        4
    };
    if scheme == 4 && !classes::ends_with(&bytes[..place.start], b"http") {
        return;
    }
    let start = place.start - scheme;
    let rest = classes::after(scan.text, place.end, 300);
    let stop = authority_end(rest);
    let authority = &rest[..stop];
    let host = match authority.rsplit_once('@') {
        Some((user, host)) => {
            let name = user.split(':').next().unwrap_or("");
            let like_host = name.rsplit_once('.').is_some_and(|(_, top)| {
                (2..=6).contains(&top.len()) && top.bytes().all(|byte| byte.is_ascii_alphabetic())
            });
            if like_host && host.contains('.') {
                scan.hit("link.userinfo", start..place.end + stop, 0.85);
            }
            host
        }
        None => authority,
    };
    if !host.is_ascii() || host.contains("xn--") {
        let deceives = host
            .split('.')
            .any(|label| match label.strip_prefix("xn--") {
                Some(code) => punycode(code).is_some_and(|label| imitates(&label)),
                None => !label.is_ascii() && imitates(label),
            });
        if deceives {
            scan.hit("link.confusable_host", start..place.end + stop, 0.85);
        }
    }
}

/// Where the host, and the user before it, end.
fn authority_end(rest: &str) -> usize {
    let ends = |byte: u8| {
        matches!(
            byte,
            0..=b' '
                | b'/'
                | b'"'
                | b'\''
                | b'<'
                | b'>'
                | b'?'
                | b'#'
                | b'`'
                | b'\\'
                | b')'
                | b']'
                | b','
                | b'}'
                | b'|'
                | 0x7f
        )
    };
    let plain = rest
        .bytes()
        .position(|byte| byte >= 0x80 || ends(byte))
        .unwrap_or(rest.len());
    let wide = |c: char| {
        if c.is_ascii() {
            ends(c as u8)
        } else {
            c.is_whitespace() || classes::separates(c)
        }
    };
    rest[plain..]
        .find(wide)
        .map_or(rest.len(), |offset| plain + offset)
}

/// Whether a label mixes Latin with letters that look Latin, or is made of nothing but such.
fn imitates(label: &str) -> bool {
    let foreign = |c: char| c >= '\u{370}' && latin(c).is_some();
    let other = |c: char| !c.is_ascii() && !foreign(c) && c.is_alphabetic();
    let latins = label.chars().filter(|c| c.is_ascii_alphabetic()).count();
    label.chars().any(foreign)
        && (latins > 0 || !label.chars().any(other))
        && !label.chars().any(|c| other(c) && latins == 0)
}

/// RFC 3492.
fn punycode(code: &str) -> Option<String> {
    let (base, rest) = code.rsplit_once('-').unwrap_or(("", code));
    let mut out: Vec<char> = base.chars().collect();
    let (mut n, mut i, mut bias) = (128u32, 0u32, 72u32);
    let mut digits = rest.bytes();
    let mut next = digits.next();
    while next.is_some() {
        let (old, mut weight, mut k) = (i, 1u32, 36u32);
        loop {
            let digit = match next? {
                byte @ b'a'..=b'z' => u32::from(byte - b'a'),
                byte @ b'A'..=b'Z' => u32::from(byte - b'A'),
                byte @ b'0'..=b'9' => u32::from(byte - b'0') + 26,
                _ => return None,
            };
            next = digits.next();
            i = i.checked_add(digit.checked_mul(weight)?)?;
            let threshold = k.saturating_sub(bias).clamp(1, 26);
            if digit < threshold {
                break;
            }
            weight = weight.checked_mul(36 - threshold)?;
            k += 36;
        }
        let count = out.len() as u32 + 1;
        let mut delta = if old == 0 {
            (i - old) / 700
        } else {
            (i - old) / 2
        };
        delta += delta / count;
        let mut steps = 0;
        while delta > 455 {
            delta /= 35;
            steps += 36;
        }
        bias = steps + 36 * delta / (delta + 38);
        n = n.checked_add(i / count)?;
        i %= count;
        out.insert(i as usize, char::from_u32(n)?);
        i += 1;
    }
    Some(out.into_iter().collect())
}
