//! An authorization server: its metadata and its keys, fetched when they are needed and kept.

use super::keys::{KeyRing, Known, NoKey};
use crate::config::{AlgorithmFile, Metadata, Timeouts, TrustedIssuer, UpstreamUrl, key_address};
use crate::mcp::upstream::Fault;
use crate::mcp::upstream::http::{Ask, link, send};
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use jsonwebtoken::{Algorithm, DecodingKey};
use parking_lot::Mutex;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes of a document of an authorization server.
const DOCUMENT_MAX: usize = 256 << 10;
/// For an authorization server to tell its keys, metadata included.
const TIME: Duration = Duration::from_secs(5);

/// One authorization server.
pub(super) struct Issuer {
    pub config: Arc<TrustedIssuer>,
    timeouts: Timeouts,
    began: Instant,
    ring: Mutex<KeyRing>,
    /// Held by the one that asks.
    turn: tokio::sync::Mutex<()>,
}

/// Why keys could not be fetched. Says nothing of what was answered.
#[derive(Debug, thiserror::Error)]
enum Unfetched {
    #[error("{0}")]
    Fault(#[from] Fault),
    #[error("it answered with status {0}")]
    Status(StatusCode),
    #[error("it did not answer in time")]
    Slow,
    #[error("its answer is no JSON")]
    NoJson,
    #[error("its metadata name another issuer")]
    Misnamed,
    #[error("its metadata name no safe address of keys")]
    NoAddress,
    #[error("its key set holds no usable key, or too many")]
    NoKeys,
}

impl Issuer {
    pub fn new(config: Arc<TrustedIssuer>, timeouts: Timeouts) -> Self {
        Issuer {
            config,
            timeouts,
            began: Instant::now(),
            ring: Mutex::default(),
            turn: tokio::sync::Mutex::new(()),
        }
    }

    /// Whether it may sign like this.
    pub fn takes(&self, algorithm: Algorithm) -> bool {
        let mut taken = self.config.algorithms.iter();
        taken.any(|taken| as_signed(*taken) == algorithm)
    }

    /// The key of this name. One request at a time asks for it; others wait, or go on with the key that they have.
    pub async fn key(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Arc<DecodingKey>, NoKey> {
        let find = || self.ring.lock().find(kid, algorithm, self.began.elapsed());
        let _turn = match find() {
            Known::Key(key) => return Ok(key),
            Known::No(why) => return Err(why),
            Known::Ask(Some(old)) => match self.turn.try_lock() {
                Ok(turn) => turn,
                Err(_) => return Ok(old),
            },
            Known::Ask(None) => self.turn.lock().await,
        };
        // Somebody may have asked while this one waited.
        if let Known::Ask(_) = find() {
            self.ask().await;
        }
        match find() {
            Known::Key(key) | Known::Ask(Some(key)) => Ok(key),
            Known::Ask(None) => Err(NoKey::Unavailable),
            Known::No(why) => Err(why),
        }
    }

    async fn ask(&self) {
        let fetched = tokio::time::timeout(TIME, self.fetch()).await;
        let fetched = fetched.unwrap_or(Err(Unfetched::Slow));
        let now = self.began.elapsed();
        let mut ring = self.ring.lock();
        // Only now: those that come meanwhile wait for the answer, and none of them asks after one that took long.
        ring.asked(now);
        let renewed = fetched.and_then(|set| match ring.renew(&set, now) {
            true => Ok(()),
            false => Err(Unfetched::NoKeys),
        });
        drop(ring);
        if let Err(why) = renewed {
            let issuer = &*self.config.name;
            tracing::warn!(issuer, "the keys of an issuer cannot be fetched: {why}");
        }
    }

    async fn fetch(&self) -> Result<Value, Unfetched> {
        let (url, places) = match &self.config.metadata {
            Metadata::Keys(url, target) => return self.get(url, target).await,
            Metadata::Discover(url, places) => (url, places),
        };
        let mut found = Err(Unfetched::NoAddress);
        for place in places {
            found = self.get(url, place).await;
            if !matches!(found, Err(Unfetched::Status(_) | Unfetched::NoJson)) {
                break;
            }
        }
        let metadata = found?;
        // RFC 8414 §3.3: identical, not alike.
        if metadata["issuer"].as_str() != Some(&self.config.issuer) {
            return Err(Unfetched::Misnamed);
        }
        let keys = metadata["jwks_uri"].as_str().and_then(key_address);
        let (url, target) = keys.ok_or(Unfetched::NoAddress)?;
        self.get(&url, &target).await
    }

    /// A JSON document. Redirects are not followed: only what the configuration or the metadata name is believed.
    async fn get(&self, url: &UpstreamUrl, target: &str) -> Result<Value, Unfetched> {
        let link = link(
            &self.config.name,
            url,
            self.config.ca.clone(),
            self.timeouts,
        );
        let ask = Ask {
            method: Method::GET,
            target,
            headers: vec![(header::ACCEPT, HeaderValue::from_static("application/json"))],
            body: Bytes::new(),
        };
        let answer = send(&link, ask, &self.timeouts).await?;
        if answer.status != StatusCode::OK {
            return Err(Unfetched::Status(answer.status));
        }
        let body = answer.whole(DOCUMENT_MAX).await?;
        serde_json::from_slice(&body).map_err(|_| Unfetched::NoJson)
    }
}

fn as_signed(algorithm: AlgorithmFile) -> Algorithm {
    match algorithm {
        AlgorithmFile::RS256 => Algorithm::RS256,
        AlgorithmFile::RS384 => Algorithm::RS384,
        AlgorithmFile::RS512 => Algorithm::RS512,
        AlgorithmFile::PS256 => Algorithm::PS256,
        AlgorithmFile::PS384 => Algorithm::PS384,
        AlgorithmFile::PS512 => Algorithm::PS512,
        AlgorithmFile::ES256 => Algorithm::ES256,
        AlgorithmFile::ES384 => Algorithm::ES384,
        AlgorithmFile::EdDsa => Algorithm::EdDSA,
    }
}
