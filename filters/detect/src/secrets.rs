//! Keys, tokens and passwords.

use crate::assignments;
use crate::classes::{self, BASE62, BASE64_URL, DIGIT, DOT, EQUALS, PLUS_SLASH, SPACE, WORD};
use crate::letters::{base62, contains_any, crc32, randomness};
use crate::scan::Scan;
use crate::secret_rules::{Check, RULES, Rule};
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::{memchr, memmem};
use sallyport_normalise::runs;
use std::ops::Range;
use std::sync::LazyLock;

/// The longest prefix of the table, and a little.
const PREFIX_MAX: usize = 32;

static PREFIXES: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let prefixes = RULES.iter().map(|rule| rule.prefix);
    AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::DFA))
        .build(prefixes)
        .ok()
});

/// Finds what a prefix of the table gives away. Every kind has a stretch of `RUN_MIN` letters of the
/// base64 alphabets in it, so that words need no look.
pub(crate) fn tokens(scan: &mut Scan<'_>) {
    let Some(prefixes) = PREFIXES.as_ref() else {
        return;
    };
    let bytes = scan.bytes;
    runs(bytes, |run| {
        let from = run.start.saturating_sub(PREFIX_MAX);
        for found in prefixes.find_overlapping_iter(&bytes[from..run.end]) {
            prefixed(
                scan,
                found.pattern().as_usize(),
                from + found.start()..from + found.end(),
            );
        }
    });
}

/// Judges what follows a prefix of the table.
fn prefixed(scan: &mut Scan<'_>, rule: usize, place: Range<usize>) {
    let rule = &RULES[rule];
    let bytes = scan.bytes;
    let Some(start) = token_start(bytes, rule, place.start) else {
        return;
    };
    let mut end = classes::run_end(bytes, place.end, rule.body, rule.most + 1);
    while end > place.end
        && matches!(bytes[end - 1], b'.' | b'/' | b'-')
        && end - place.end > rule.least
    {
        end -= 1;
    }
    let body = &bytes[place.end..end];
    if body.len() < rule.least || body.len() > rule.most || classes::has(bytes, end, WORD) {
        return;
    }
    if rule.check == Check::Jwt {
        if let Some((label, score)) = web_token(&bytes[start..end]) {
            scan.hit(label, start..end, score);
        }
    } else if let Some(score) = score(rule, body) {
        scan.hit(rule.label, start..end, score);
    }
}

/// Where the token begins whose prefix is at `at`, if one may.
fn token_start(bytes: &[u8], rule: &Rule, at: usize) -> Option<usize> {
    let start = match rule.check {
        Check::Before(least) => {
            let class = if rule.prefix == ":AA" { DIGIT } else { BASE62 };
            let start = classes::run_start(bytes, at, class, least + 3);
            let len = at - start;
            if len < least || (rule.prefix != ":AA" && len != least) {
                return None;
            }
            start
        }
        Check::Jwt => return classes::begins(bytes, at, BASE64_URL).then_some(at),
        _ => at,
    };
    classes::begins(bytes, start, WORD).then_some(start)
}

fn score(rule: &Rule, body: &[u8]) -> Option<f32> {
    let random = randomness(body)?;
    match rule.check {
        Check::Crc62 => {
            let (letters, sum) = body.split_at(body.len() - 6);
            Some(if sum == base62(crc32(letters)) {
                0.99
            } else {
                random.min(0.7)
            })
        }
        Check::Grafana => {
            let (letters, sum) = body.split_at(body.len() - 9);
            let sum = sum.strip_prefix(b"_")?;
            let crc = crc32(&[b"glsa_", letters].concat());
            let right = sum == format!("{crc:08x}").as_bytes()
                || sum == format!("{:08x}", crc.swap_bytes()).as_bytes();
            Some(if right { 0.99 } else { random.min(0.8) })
        }
        Check::Dotted(first, second) => {
            let dot = body.iter().position(|byte| matches!(byte, b'.' | b'-'))?;
            (dot == first && body.len() == first + 1 + second).then_some(random)
        }
        _ => Some(random),
    }
}

/// What a token in three parts is, if its first part is JSON that names an algorithm.
fn web_token(token: &[u8]) -> Option<(&'static str, f32)> {
    let mut parts = token.split(|&byte| byte == b'.');
    let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
    if payload.len() < 4 || signature.len() < 16 {
        return None;
    }
    let header = URL_SAFE_NO_PAD.decode(header).ok()?;
    if !header.starts_with(b"{") || memmem::find(&header, b"\"alg\"").is_none() {
        return None;
    }
    let payload = URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
    let label = if memmem::find(&payload, b"kubernetes").is_some() {
        "secret.kubernetes_token"
    } else if memmem::find(&payload, b"supabase").is_some() {
        "secret.supabase_key"
    } else {
        "secret.jwt"
    };
    Some((
        label,
        if contains_any(signature, &["signature"]) {
            0.3
        } else {
            0.95
        },
    ))
}

const DATABASES: &[&str] = &[
    "postgres",
    "postgresql",
    "mysql",
    "mariadb",
    "mongodb",
    "srv",
    "redis",
    "rediss",
    "amqp",
    "amqps",
    "mssql",
    "sqlserver",
    "clickhouse",
    "cockroachdb",
    "oracle",
    "jdbc",
    "psycopg2",
    "asyncpg",
    "pymysql",
    "snowflake",
    "neo4j",
    "bolt",
    "cassandra",
    "couchdb",
    "elasticsearch",
    "ldap",
    "ldaps",
    "nats",
    "kafka",
    "mqtt",
];

/// A password inside an address: `scheme://user:password@host`.
pub(crate) fn address_password(scan: &mut Scan<'_>, place: Range<usize>) {
    let bytes = scan.bytes;
    let start = classes::run_start(bytes, place.start, BASE62, 20);
    if start == place.start {
        return;
    }
    let stop = bytes.len().min(place.end + 320);
    if memchr(b'@', &bytes[place.end..stop]).is_none() {
        return;
    }
    let mut end = place.end;
    let mut at_sign = None;
    while end < stop
        && bytes[end] > b' '
        && bytes[end] < 0x80
        && !matches!(
            bytes[end],
            b'/' | b'"' | b'\'' | b'<' | b'>' | b'`' | b'?' | b'#' | b'\\' | b')' | b'|'
        )
    {
        if bytes[end] == b'@' {
            at_sign = Some(end);
        }
        end += 1;
    }
    let Some(at_sign) = at_sign else { return };
    if !classes::has(bytes, at_sign + 1, BASE62) && bytes.get(at_sign + 1) != Some(&b'[') {
        return;
    }
    let Some(colon) = memchr(b':', &bytes[place.end..at_sign]) else {
        return;
    };
    let password = &bytes[place.end + colon + 1..at_sign];
    let Some(score) = assignments::password_score(password) else {
        return;
    };
    let scheme = scan.text[start..place.start].to_ascii_lowercase();
    let label = if DATABASES.contains(&scheme.as_str()) {
        "secret.database_url"
    } else {
        "secret.url_password"
    };
    scan.hit(
        label,
        start..classes::run_end(bytes, at_sign + 1, BASE62 | DOT | classes::DASH, 253),
        score,
    );
}

/// `Bearer TOKEN` and `Basic BASE64`.
pub(crate) fn authorization(scan: &mut Scan<'_>, place: Range<usize>) {
    let bytes = scan.bytes;
    if !classes::begins(bytes, place.start, WORD) || bytes.get(place.end) != Some(&b' ') {
        return;
    }
    let start = classes::run_end(bytes, place.end, SPACE, 2);
    let end = classes::run_end(bytes, start, BASE64_URL | DOT | PLUS_SLASH | EQUALS, 1024);
    let token = &bytes[start..end];
    if classes::reads(bytes, place.start, b"basic") {
        let plain = STANDARD_NO_PAD.decode(
            token
                .trim_ascii_end()
                .strip_suffix(b"==")
                .or(token.strip_suffix(b"="))
                .unwrap_or(token),
        );
        let Ok(plain) = plain else { return };
        let Some(colon) = memchr(b':', &plain) else {
            return;
        };
        let printable = plain.iter().all(|byte| matches!(byte, b' '..=b'~'));
        if token.len() >= 8 && colon > 0 && printable && plain.len() > colon + 1 {
            scan.hit("secret.basic_auth", start..end, 0.9);
        }
        return;
    }
    let digits = token
        .iter()
        .filter(|&&byte| classes::is(byte, DIGIT))
        .count();
    let form_fits = token.len() >= 20 && digits >= 2 && classes::is(token[0], BASE62);
    if let (true, Some(score)) = (form_fits, randomness(token)) {
        scan.hit("secret.bearer_token", start..end, score.min(0.85));
    }
}
