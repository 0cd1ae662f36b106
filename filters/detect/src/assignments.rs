//! `password = value`: secrets that only their name gives away.

use crate::classes::{self, BASE62, BASE64, DASH, DIGIT, EQUALS, HEX, LOWER, UPPER, WORD};
use crate::letters::{contains_any, entropy, randomness};
use crate::scan::Scan;
use std::ops::Range;

/// Names, or ends of names, under which secrets are kept.
pub(crate) const NAMES: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "api_key",
    "apikey",
    "api-key",
    "access_key",
    "access-key",
    "accesskey",
    "auth_key",
    "authkey",
    "credential",
    "secret_key",
    "secretkey",
    "app_key",
    "signing_key",
    "encryption_key",
    "master_key",
    "account_key",
    "webhook_secret",
    "passwort",
];
/// What may still follow such a word within a name.
const SUFFIXES: &[&str] = &[
    "",
    "key",
    "_key",
    "-key",
    "_value",
    "_prod",
    "_production",
    "_base",
    "_token",
    "s",
    "1",
    "2",
];
/// A value is at most this long.
const VALUE_MAX: usize = 256;

/// Judges what is assigned to the name that ends, or nearly, at `place`.
pub(crate) fn assigned(scan: &mut Scan<'_>, place: Range<usize>) {
    let bytes = scan.bytes;
    let name_end = classes::run_end(bytes, place.end, WORD | DASH, 16);
    let suffix = &bytes[place.end..name_end];
    if !SUFFIXES
        .iter()
        .any(|known| suffix.eq_ignore_ascii_case(known.as_bytes()))
    {
        return;
    }
    let Some((start, end, quoted)) = value(bytes, name_end) else {
        return;
    };
    let value = &bytes[start..end];
    let name_start = classes::run_start(bytes, place.start, WORD | DASH, 32);
    let name = scan
        .text
        .get(name_start..name_end)
        .unwrap_or("")
        .to_ascii_lowercase();
    if let Some((label, score)) = named(&name, value) {
        scan.hit(label, start..end, score);
        return;
    }
    let word = &scan.text[place];
    let is_password = word
        .as_bytes()
        .first()
        .is_some_and(|byte| byte.eq_ignore_ascii_case(&b'p'));
    let score = if is_password {
        loose_password(value, quoted)
    } else {
        generic(value)
    };
    if let (Some(score), true) = (score, scan.text.is_char_boundary(end)) {
        let label = if is_password {
            "secret.password"
        } else {
            "secret.generic"
        };
        scan.hit(label, start..end, score);
    }
}

/// The value assigned to a name that ends at `at`, and whether it is quoted.
fn value(bytes: &[u8], mut at: usize) -> Option<(usize, usize, bool)> {
    let quote = |byte: Option<&u8>| matches!(byte, Some(b'"' | b'\'' | b'`' | b'\\'));
    let blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    let skip = |at: &mut usize, most: usize, test: &dyn Fn(Option<&u8>) -> bool| {
        let stop = *at + most;
        while *at < stop && test(bytes.get(*at)) {
            *at += 1;
        }
    };
    skip(&mut at, 2, &quote);
    if bytes.get(at) == Some(&b']') {
        at += 1;
    }
    skip(&mut at, 8, &blank);
    match (bytes.get(at)?, bytes.get(at + 1)) {
        (b':', Some(b'=')) | (b'=', Some(b'>')) => at += 2,
        (b'=', Some(b'=')) | (b':', Some(b':' | b'/')) => return None,
        (b'=' | b':', _) => at += 1,
        _ => return None,
    }
    skip(&mut at, 8, &blank);
    let before_quotes = at;
    skip(&mut at, 2, &quote);
    let quoted = at > before_quotes;
    let stop = bytes.len().min(at + VALUE_MAX + 1);
    let mut end = at;
    while end < stop {
        match bytes[end] {
            b'"' | b'\'' | b'`' | b'\\' | b' ' | b'\t' | b'\n' | b'\r' | b'<' | b'>' => break,
            b',' | b';' | b'&' | b')' | b'}' | b']' if !quoted => break,
            byte if !(0x21..0x7f).contains(&byte) => return None,
            _ => end += 1,
        }
    }
    if quoted && !quote(bytes.get(end)) && bytes.get(end).is_some() {
        return None;
    }
    (end > at && end - at <= VALUE_MAX).then_some((at, end, quoted))
}

/// Kinds whose letters tell nothing, and whose name tells all.
fn named(name: &str, value: &[u8]) -> Option<(&'static str, f32)> {
    let all = |class: u16| value.iter().all(|&byte| classes::is(byte, class));
    let (label, fits) =
        if name.contains("aws") || name == "secretaccesskey" || name == "secret_access_key" {
            ("secret.aws_secret_key", value.len() == 40 && all(BASE64))
        } else if name.contains("datadog") || name.starts_with("dd_") || name.starts_with("dd-") {
            (
                "secret.datadog_key",
                matches!(value.len(), 32 | 40) && all(HEX),
            )
        } else if name.contains("cloudflare") || name.starts_with("cf_") {
            (
                "secret.cloudflare_token",
                matches!(value.len(), 37 | 40) && all(WORD | DASH),
            )
        } else if name.contains("twilio") {
            ("secret.twilio_key", value.len() == 32 && all(HEX))
        } else if name.contains("discord") {
            (
                "secret.discord_bot_token",
                (59..=72).contains(&value.len())
                    && value.iter().filter(|&&byte| byte == b'.').count() == 2,
            )
        } else if name.contains("azure") || name.contains("account_key") {
            (
                "secret.azure_storage_key",
                value.len() == 88 && all(BASE64 | EQUALS),
            )
        } else {
            return None;
        };
    if !fits {
        return None;
    }
    Some((label, randomness(value)?))
}

/// Parts of values that are code, settings or words rather than secrets.
const NOT_SECRETS: &[&str] = &[
    "${",
    "{{",
    "$(",
    "process.env",
    "environ",
    "getenv",
    "config.",
    "self.",
    "this.",
    "null",
    "undefined",
    "none",
    "true",
    "false",
    "xxx",
    "***",
    "...",
    "your",
    "example",
    "placeholder",
    "changeme",
    "redacted",
    "password",
    "secret",
    "token",
    "://",
    "string",
    "todo",
    "dummy",
    "insert",
    "sample",
    "hidden",
    "required",
    "optional",
    "<",
    "(",
    "[",
    "{",
    "api_key",
    "apikey",
];

/// A password given by name: seldom random, so what counts is that it is no word and no code.
fn loose_password(value: &[u8], quoted: bool) -> Option<f32> {
    let classes_used = mixture(value);
    if !(8..=64).contains(&value.len()) || classes_used < 2 || contains_any(value, NOT_SECRETS) {
        return None;
    }
    if matches!(
        value[0],
        b'$' | b'%' | b'/' | b'*' | b'.' | b'-' | b'=' | b'@' | b'#' | b':' | b'&' | b'|'
    ) || entropy(value) < 2.5
    {
        return None;
    }
    let digits = value
        .iter()
        .filter(|&&byte| classes::is(byte, DIGIT))
        .count();
    let identifier = value
        .iter()
        .all(|&byte| classes::is(byte, WORD | DASH | classes::DOT));
    if digits == 0 && identifier || digits == value.len() {
        return None;
    }
    Some(if quoted && classes_used >= 3 {
        0.8
    } else {
        0.6
    })
}

/// Any other secret given by name: random letters and digits, or nothing.
fn generic(value: &[u8]) -> Option<f32> {
    if !(16..=200).contains(&value.len()) || contains_any(value, NOT_SECRETS) {
        return None;
    }
    if !value
        .iter()
        .all(|&byte| classes::is(byte, BASE64 | EQUALS | classes::DOT | classes::MARK))
        || !classes::is(value[0], BASE62 | classes::PLUS_SLASH)
    {
        return None;
    }
    let digits = value
        .iter()
        .filter(|&&byte| classes::is(byte, DIGIT))
        .count();
    let letters = value
        .iter()
        .filter(|&&byte| classes::is(byte, LOWER | UPPER))
        .count();
    if digits < 2
        || letters < 4
        || (value.len() == 36 && value.iter().filter(|&&byte| byte == b'-').count() == 4)
    {
        return None;
    }
    let least = if value.iter().all(|&byte| classes::is(byte, HEX)) {
        2.8
    } else {
        3.4
    };
    if entropy(value) < least {
        return None;
    }
    randomness(value).map(|score| score.min(0.8))
}

/// How many of lower case, upper case, digits and marks are in use.
fn mixture(value: &[u8]) -> usize {
    let marks = !BASE62;
    [LOWER, UPPER, DIGIT]
        .iter()
        .filter(|&&class| value.iter().any(|&byte| classes::is(byte, class)))
        .count()
        + usize::from(value.iter().any(|&byte| classes::is(byte, marks)))
}

/// How sure one may be of a password in an address; low for the words that examples use.
pub(crate) fn password_score(password: &[u8]) -> Option<f32> {
    if password.len() < 3
        || password.len() > 200
        || contains_any(password, &["${", "{", "<", "***", "["])
    {
        return None;
    }
    if contains_any(password, &["xxx", "redacted", "...", "your"]) {
        return None;
    }
    let words = [
        "password", "passwd", "pass", "secret", "pwd", "token", "example", "postgres", "root",
        "admin", "guest", "test", "user", "changeme", "pw", "mysql", "redis", "rabbitmq",
    ];
    let plain = words
        .iter()
        .any(|word| password.eq_ignore_ascii_case(word.as_bytes()));
    Some(if plain { 0.3 } else { 0.9 })
}
