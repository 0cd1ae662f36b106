//! Who may look: a token for scripts, a session for browsers, and neither for whoever guesses.
//!
//! Sessions live in memory. What is kept of tokens and session ids are digests, so that nothing here can be used to get in.

use crate::request::Request;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use http::header;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use subtle::ConstantTimeEq;

/// How long a session holds.
const SESSION_NS: i64 = 12 * 3600 * 1_000_000_000;
/// Sessions at once; the oldest goes.
const SESSIONS_MAX: usize = 64;
/// Wrong tokens that one address may try in [`WINDOW_NS`].
pub(crate) const TRIES_MAX: u32 = 8;
/// In which time.
const WINDOW_NS: i64 = 60 * 1_000_000_000;
/// Addresses whose tries are counted one by one; the rest share one count.
const ADDRESSES_MAX: usize = 1024;
/// How long a log-in form can be sent: the hour it was made in, and the next.
const FORM_NS: i64 = 3600 * 1_000_000_000;
/// The cookie's name, and its name where only TLS may carry it.
const COOKIE: &str = "sallyport";
const COOKIE_TLS: &str = "__Host-sallyport";

/// What may be seen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Entry {
    /// Everything. `session`: what a form has to say to end it; nothing where nobody had to log in.
    Open {
        /// The form's word.
        session: Option<String>,
    },
    /// A token is asked for.
    Locked,
    /// Too many wrong tokens came from there: seconds to wait.
    Barred(u64),
    /// There is no token, and the listener can be reached from elsewhere.
    Unconfigured,
}

/// What became of a log-in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Login {
    /// The `set-cookie` that is to be sent.
    In(String),
    /// That is not the token.
    Wrong,
    /// The form did not come from our page.
    Foreign,
    /// Too many wrong tokens came from there: seconds to wait.
    Barred(u64),
}

/// Decides who may look.
pub struct Access {
    token: Option<[u8; 32]>,
    /// Signs forms; drawn at the start.
    secret: [u8; 32],
    sessions: Mutex<HashMap<[u8; 32], i64>>,
    tries: Mutex<HashMap<Option<IpAddr>, (i64, u32)>>,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Access(token: {})", self.token.is_some())
    }
}

impl Access {
    /// With the token that `operators.token` says, if one is configured.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn new(token: Option<&str>) -> Result<Access, getrandom::Error> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)?;
        let token = token.filter(|token| !token.is_empty());
        Ok(Access {
            token: token.map(digest),
            secret,
            sessions: Mutex::default(),
            tries: Mutex::default(),
        })
    }

    /// Whether whoever sent `request` may look. `loopback`: whether the listener has a loopback address.
    pub fn entry(&self, request: &Request<'_>, loopback: bool) -> Entry {
        if self.token.is_none() {
            return match loopback {
                true => Entry::Open { session: None },
                false => Entry::Unconfigured,
            };
        }
        if let Some(id) = self.session(request) {
            let session = Some(self.sign(&format!("logout {id}")));
            return Entry::Open { session };
        }
        let Some(said) = bearer(request) else {
            return Entry::Locked;
        };
        if let Some(wait) = self.barred(request) {
            return Entry::Barred(wait);
        }
        match self.is_token(said) {
            true => Entry::Open { session: None },
            false => {
                self.note_failure(request);
                Entry::Locked
            }
        }
    }

    /// The word that a log-in form has to bring back.
    pub(crate) fn login_word(&self, now_ns: i64) -> String {
        self.sign(&format!("login {}", now_ns.div_euclid(FORM_NS)))
    }

    /// Logs in with a form's `token` and `word`.
    pub(crate) fn login(&self, request: &Request<'_>) -> Login {
        let form = request.form();
        let word = form.get("word").unwrap_or_default();
        let words = [0, FORM_NS].map(|ago| self.login_word(request.now_ns.saturating_sub(ago)));
        if !is_from_here(request) || !words.iter().any(|known| same(known, word)) {
            return Login::Foreign;
        }
        if let Some(wait) = self.barred(request) {
            return Login::Barred(wait);
        }
        if !self.is_token(form.get("token").unwrap_or_default()) {
            self.note_failure(request);
            return Login::Wrong;
        }
        match self.begin(request) {
            Some(cookie) => Login::In(cookie),
            None => Login::Wrong,
        }
    }

    /// Ends the session of a form's sender, if its word is right: the `set-cookie` that is to be sent.
    pub(crate) fn logout(&self, request: &Request<'_>) -> Option<String> {
        let id = self.session(request)?;
        let form = request.form();
        let word = form.get("word").unwrap_or_default();
        if !is_from_here(request) || !same(&self.sign(&format!("logout {id}")), word) {
            return None;
        }
        self.sessions.lock().remove(&digest(&id));
        Some(cookie(request, "", 0))
    }

    fn begin(&self, request: &Request<'_>) -> Option<String> {
        let mut id = [0; 32];
        getrandom::fill(&mut id).ok()?;
        let id = URL_SAFE_NO_PAD.encode(id);
        let mut sessions = self.sessions.lock();
        sessions.retain(|_, ends| *ends > request.now_ns);
        if sessions.len() >= SESSIONS_MAX {
            let oldest = sessions.iter().min_by_key(|(_, ends)| **ends);
            let oldest = oldest.map(|(id, _)| *id);
            oldest.map(|id| sessions.remove(&id));
        }
        sessions.insert(digest(&id), request.now_ns.saturating_add(SESSION_NS));
        Some(cookie(request, &id, SESSION_NS / 1_000_000_000))
    }

    /// The id of a session that holds. Looked up by digest, so that timing tells nothing of ids.
    fn session(&self, request: &Request<'_>) -> Option<String> {
        let sessions = self.sessions.lock();
        cookies(request).find_map(|id| {
            let ends = sessions.get(&digest(id))?;
            let began = ends.saturating_sub(SESSION_NS);
            // A clock that is put back does not make sessions longer.
            (began <= request.now_ns && request.now_ns < *ends).then(|| id.to_owned())
        })
    }

    fn is_token(&self, said: &str) -> bool {
        let known = self.token.unwrap_or_default();
        self.token.is_some() && bool::from(known.ct_eq(&digest(said)))
    }

    fn sign(&self, text: &str) -> String {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.secret) else {
            return String::new();
        };
        mac.update(text.as_bytes());
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }

    fn barred(&self, request: &Request<'_>) -> Option<u64> {
        let tries = self.tries.lock();
        let (since, count) = tries.get(&counted_as(&tries, request.peer))?;
        let left = since
            .saturating_add(WINDOW_NS)
            .saturating_sub(request.now_ns);
        let bars = *count >= TRIES_MAX && (1..=WINDOW_NS).contains(&left);
        bars.then(|| (left as u64).div_ceil(1_000_000_000))
    }

    fn note_failure(&self, request: &Request<'_>) {
        let now = request.now_ns;
        let mut tries = self.tries.lock();
        tries.retain(|_, (since, _)| (0..WINDOW_NS).contains(&now.saturating_sub(*since)));
        let address = counted_as(&tries, request.peer);
        tries.entry(address).or_insert((now, 0)).1 += 1;
    }
}

/// Under which address tries are counted: IPv6 by its /64, which one host has all of.
fn counted_as(tries: &HashMap<Option<IpAddr>, (i64, u32)>, peer: Option<IpAddr>) -> Option<IpAddr> {
    let peer = peer.map(|peer| match peer.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    });
    match tries.contains_key(&peer) || tries.len() < ADDRESSES_MAX {
        true => peer,
        false => None,
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

fn same(a: &str, b: &str) -> bool {
    !a.is_empty() && bool::from(a.as_bytes().ct_eq(b.as_bytes()))
}

fn bearer<'a>(request: &Request<'a>) -> Option<&'a str> {
    let (scheme, token) = request.header(header::AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn cookies<'a>(request: &Request<'a>) -> impl Iterator<Item = &'a str> {
    let all = request.headers.get_all(header::COOKIE).iter();
    let lines = all.filter_map(|line| line.to_str().ok()).take(4);
    let pairs = lines.flat_map(|line| line.split(';').take(64));
    pairs.filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        [COOKIE, COOKIE_TLS]
            .contains(&name.trim())
            .then(|| value.trim())
    })
}

fn cookie(request: &Request<'_>, id: &str, seconds: i64) -> String {
    let (name, secure) = match request.is_secure() {
        true => (COOKIE_TLS, "; Secure"),
        false => (COOKIE, ""),
    };
    format!("{name}={id}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

/// Whether a form was sent by a page of ours. Browsers say so in `Sec-Fetch-Site`, older ones in `Origin`; what says
/// neither is no browser and carries no cookies that it did not mean to.
fn is_from_here(request: &Request<'_>) -> bool {
    if request.headers.contains_key("sec-fetch-site")
        && request.header("sec-fetch-site") != Some("same-origin")
    {
        return false;
    }
    if !request.headers.contains_key(header::ORIGIN) {
        return true;
    }
    let origin = request
        .header(header::ORIGIN)
        .and_then(|origin| origin.split_once("://"));
    match (origin, request.header(header::HOST)) {
        (Some((_, origin)), Some(host)) => origin.eq_ignore_ascii_case(host),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
