//! A tool server's key, asked for with the gateway's own credentials (RFC 6749 §4.4, RFC 8707).

use super::Fault;
use super::http::{Ask, link, send};
use crate::config::{Oauth, Secret, Timeouts, ToolAddress};
use crate::edge::upstream::Link;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sallyport_exchange::json::{Tape, Value};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// A key is not used in its last moments: the request might arrive after them.
const MARGIN: Duration = Duration::from_secs(30);
/// How long a key lasts that does not say so.
const LIFETIME: Duration = Duration::from_secs(300);
/// The longest that a key is kept, whatever it says.
const LIFETIME_MAX: Duration = Duration::from_secs(24 * 3600);
/// Bytes of an authorization server's answer.
const ANSWER_MAX: usize = 64 << 10;
/// For an authorization server to answer.
const TIME: Duration = Duration::from_secs(20);

/// One server's key, as long as it is valid.
pub(super) struct Tokens {
    oauth: Oauth,
    resource: String,
    link: Arc<Link>,
    timeouts: Timeouts,
    kept: Mutex<Option<(Secret, Instant)>>,
}

impl Tokens {
    pub fn new(name: &Arc<str>, oauth: &Oauth, address: &ToolAddress, timeouts: Timeouts) -> Self {
        Tokens {
            link: link(name, &oauth.url, address.ca.clone(), timeouts),
            oauth: oauth.clone(),
            resource: address.canonical(),
            timeouts,
            kept: Mutex::new(None),
        }
    }

    /// A valid key, other than the `refused` one. One request at a time asks for it; the others wait for its answer.
    pub async fn get(&self, refused: Option<&Secret>) -> Result<Secret, Fault> {
        let mut kept = self.kept.lock().await;
        if let Some((key, until)) = &*kept
            && Instant::now() < *until
            && Some(key) != refused
        {
            return Ok(key.clone());
        }
        let asked = tokio::time::timeout(TIME, self.ask()).await;
        let (key, lifetime) = asked.map_err(|_| Fault::NoKey)??;
        let until = Instant::now() + lifetime.min(LIFETIME_MAX).saturating_sub(MARGIN);
        *kept = Some((key.clone(), until));
        Ok(key)
    }

    async fn ask(&self) -> Result<(Secret, Duration), Fault> {
        let Oauth {
            client_id,
            client_secret,
            scopes,
            ..
        } = &self.oauth;
        let quoted = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let mut form = format!(
            "grant_type=client_credentials&resource={}",
            quoted(&self.resource)
        );
        if !scopes.is_empty() {
            form.push_str(&format!("&scope={}", quoted(&scopes.join(" "))));
        }
        // Both halves are form-encoded first (RFC 6749 §2.3.1).
        let pair = format!("{}:{}", quoted(client_id), quoted(client_secret.expose()));
        let basic = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair)));
        let mut basic = basic.map_err(|_| Fault::NoKey)?;
        basic.set_sensitive(true);
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        let json = HeaderValue::from_static("application/json");
        let ask = Ask {
            method: Method::POST,
            target: &self.oauth.target,
            headers: vec![
                (header::AUTHORIZATION, basic),
                (header::CONTENT_TYPE, form_type),
                (header::ACCEPT, json),
            ],
            body: Bytes::from(form),
        };
        let answer = send(&self.link, ask, &self.timeouts).await;
        let answer = answer.map_err(|_| Fault::NoKey)?;
        if answer.status != StatusCode::OK {
            return Err(Fault::NoKey);
        }
        let body = answer.whole(ANSWER_MAX).await.map_err(|_| Fault::NoKey)?;
        read(&body).ok_or(Fault::NoKey)
    }
}

fn read(body: &[u8]) -> Option<(Secret, Duration)> {
    let tape = Tape::read(body).ok()?;
    let root = tape.root();
    let kind = root.member("token_type")?.as_str()?;
    let key = root.member("access_token")?.as_str()?;
    if !kind.eq_ignore_ascii_case("bearer") || key.is_empty() {
        return None;
    }
    let lifetime = root.member("expires_in").and_then(Value::as_u64);
    let lifetime = lifetime.map_or(LIFETIME, Duration::from_secs);
    Some((Secret::new(key), lifetime))
}
