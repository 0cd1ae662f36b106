//! Who asks: virtual keys, kept only as hashes.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use sallyport_exchange::Caller;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// How a key begins, so that people and secret scanners know one when they see it.
pub const KEY_PREFIX: &str = "sp-";
/// Random characters of a key: 32 of 62 are 190 bits.
const RANDOM_CHARS: usize = 32;
/// No longer value is taken for a key.
const KEY_BYTES_MAX: usize = 512;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The SHA-256 of a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash([u8; 32]);

/// All keys, by their hash.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Keys {
    by_hash: HashMap<KeyHash, Caller>,
}

/// Why nobody can be said to ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unidentified {
    /// There is no key.
    #[error("no key: send one as `Authorization: Bearer <key>` or `x-api-key: <key>`")]
    Missing,
    /// There is one that nobody has.
    #[error("this key is not known here")]
    Unknown,
    /// There are several, and they differ.
    #[error("several different keys: send one, in `Authorization` or in `x-api-key`")]
    Conflicting,
}

impl Unidentified {
    /// A stable word for programs and metrics.
    pub fn code(self) -> &'static str {
        match self {
            Unidentified::Missing => "key_missing",
            Unidentified::Unknown => "key_unknown",
            Unidentified::Conflicting => "key_conflicting",
        }
    }
}

impl KeyHash {
    /// The hash of a key.
    pub fn of(key: &str) -> Self {
        KeyHash(Sha256::digest(key.as_bytes()).into())
    }

    /// Reads 64 hex digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks(2)) {
            let pair = std::str::from_utf8(pair).ok()?;
            *byte = u8::from_str_radix(pair, 16)
                .ok()
                .filter(|_| !pair.starts_with('+'))?;
        }
        Some(KeyHash(hash))
    }

    /// As hex digits.
    pub fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for KeyHash {
    /// Enough to tell two apart.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:02x}{:02x}{:02x}{:02x}…",
            self.0[0], self.0[1], self.0[2], self.0[3]
        )
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("count", &self.by_hash.len())
            .finish()
    }
}

impl Keys {
    /// Adds a key. Gives back the caller that already has it, if one does.
    pub fn add(&mut self, hash: KeyHash, caller: Caller) -> Result<(), Caller> {
        match self.by_hash.get(&hash) {
            Some(other) => Err(other.clone()),
            None => {
                self.by_hash.insert(hash, caller);
                Ok(())
            }
        }
    }

    /// Who has this key.
    ///
    /// Looked up by hash, so how long it takes tells nothing about any other key.
    pub fn caller(&self, key: &str) -> Option<&Caller> {
        self.by_hash.get(&KeyHash::of(key))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_hash.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_hash.is_empty()
    }

    /// All callers, by team, agent and key name.
    pub fn callers(&self) -> Vec<&Caller> {
        let mut all: Vec<&Caller> = self.by_hash.values().collect();
        all.sort_by(|a, b| (&a.team, &a.agent, &a.key).cmp(&(&b.team, &b.agent, &b.key)));
        all
    }
}

/// Says who asks, by the key in `Authorization: Bearer` or `x-api-key`.
///
/// Several keys are one if they are the same; else the request is refused, as the next proxy might believe
/// another one of them.
pub fn identify(headers: &HeaderMap, keys: &Keys) -> Result<Caller, Unidentified> {
    let mut shown: Option<&str> = None;
    let bearers = headers
        .get_all(AUTHORIZATION)
        .iter()
        .map(|value| value.to_str().ok().and_then(bearer));
    let plain = headers
        .get_all("x-api-key")
        .iter()
        .map(|value| value.to_str().ok().map(str::trim));
    for key in bearers.chain(plain) {
        let key = key
            .filter(|key| key.len() <= KEY_BYTES_MAX)
            .ok_or(Unidentified::Unknown)?;
        if key.is_empty() {
            continue;
        }
        if shown.is_some_and(|other| other != key) {
            return Err(Unidentified::Conflicting);
        }
        shown = Some(key);
    }
    let key = shown.ok_or(Unidentified::Missing)?;
    keys.caller(key).cloned().ok_or(Unidentified::Unknown)
}

/// The words that follow `Bearer` in `Authorization`.
pub fn bearers(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(AUTHORIZATION).iter();
    values.filter_map(|value| value.to_str().ok().and_then(bearer))
}

/// What follows the word `Bearer`.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, key) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
    scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
}

/// A new key. It is shown once and kept nowhere.
pub fn new_key(team: &str) -> Result<String, getrandom::Error> {
    let mut key = format!("{KEY_PREFIX}{team}-");
    let end = key.len() + RANDOM_CHARS;
    let mut random = [0_u8; 64];
    while key.len() < end {
        getrandom::fill(&mut random)?;
        // 248 is 4 * 62: what lies above would make the first letters likelier.
        let fair = random
            .iter()
            .filter(|byte| **byte < 248)
            .map(|byte| char::from(BASE62[usize::from(byte % 62)]));
        key.extend(fair.take(end - key.len()));
    }
    Ok(key)
}

/// A caller, from the words of the configuration.
pub fn caller(name: &str, team: &str, agent: &str, labels: &[(String, String)]) -> Caller {
    let labels: Vec<(Arc<str>, Arc<str>)> = labels
        .iter()
        .map(|(key, value)| (key.as_str().into(), value.as_str().into()))
        .collect();
    Caller {
        team: team.into(),
        agent: agent.into(),
        key: name.into(),
        labels: labels.into(),
    }
}
