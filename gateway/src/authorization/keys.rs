//! An issuer's public keys (RFC 7517), for as long as they are believed. No I/O, and time is told.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// How long keys are used before the issuer is asked again.
const FRESH: Duration = Duration::from_secs(10 * 60);
/// How long keys are used while the issuer does not answer: a key that it withdrew lives no longer than this.
const STALE_MAX: Duration = Duration::from_secs(60 * 60);
/// The issuer is asked no more often than this, whatever keys tokens name.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// Keys of one issuer.
const KEYS_MAX: usize = 128;

/// The keys of one issuer.
#[derive(Default)]
pub(super) struct KeyRing {
    keys: Vec<(Jwk, Arc<DecodingKey>)>,
    /// When these keys were fetched.
    fetched: Option<Duration>,
    /// When the issuer was last asked, whether it answered or not.
    asked: Option<Duration>,
}

/// What is known of a key.
pub(super) enum Known {
    /// This is it.
    Key(Arc<DecodingKey>),
    /// The issuer is to be asked; meanwhile, or if it does not answer, this one serves.
    Ask(Option<Arc<DecodingKey>>),
    /// There is none to be had.
    No(NoKey),
}

/// Why there is no key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NoKey {
    /// The issuer has no such key for this algorithm, or several.
    Unknown,
    /// The issuer has not told its keys for too long.
    Unavailable,
}

impl KeyRing {
    /// The key of this name for this algorithm. A token without a name means the only key of its kind.
    ///
    /// Times are since any one moment.
    pub fn find(&self, kid: Option<&str>, algorithm: Algorithm, now: Duration) -> Known {
        let within = |since: Option<Duration>, limit: Duration| {
            since.is_some_and(|since| now.saturating_sub(since) < limit)
        };
        let believed = within(self.fetched, STALE_MAX);
        let key = match believed {
            true => self.only(kid, algorithm),
            false => None,
        };
        let may_ask = !within(self.asked, ASK_EVERY);
        match key {
            Some(key) if within(self.fetched, FRESH) || !may_ask => Known::Key(key),
            key if may_ask => Known::Ask(key),
            _ if believed => Known::No(NoKey::Unknown),
            _ => Known::No(NoKey::Unavailable),
        }
    }

    fn only(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<Arc<DecodingKey>> {
        let named = |jwk: &Jwk| kid.is_none() || jwk.common.key_id.as_deref() == kid;
        let mut found = self
            .keys
            .iter()
            .filter(|(jwk, _)| named(jwk) && fits(jwk, algorithm));
        match (found.next(), found.next()) {
            (Some((_, key)), None) => Some(key.clone()),
            _ => None,
        }
    }

    /// Notes that the issuer was asked.
    pub fn asked(&mut self, now: Duration) {
        self.asked = Some(now);
    }

    /// Takes what the issuer answered: a JWK set. `false`: it is none, or has no key of use, and the old keys stay.
    pub fn renew(&mut self, set: &Value, now: Duration) -> bool {
        let listed = set["keys"].as_array().map_or(&[][..], Vec::as_slice);
        if listed.len() > KEYS_MAX {
            return false;
        }
        // Keys of kinds that are not known here are none of our business (RFC 7517 §5).
        let keys: Vec<(Jwk, Arc<DecodingKey>)> = listed
            .iter()
            .filter_map(|key| serde_json::from_value::<Jwk>(key.clone()).ok())
            .filter(is_for_signatures)
            .filter_map(|jwk| {
                let key = DecodingKey::from_jwk(&jwk).ok()?;
                (key.family() != AlgorithmFamily::Hmac).then(|| (jwk, Arc::new(key)))
            })
            .collect();
        if keys.is_empty() {
            return false;
        }
        self.keys = keys;
        self.fetched = Some(now);
        true
    }
}

fn is_for_signatures(jwk: &Jwk) -> bool {
    let by_use = jwk.common.public_key_use.as_ref();
    let by_operation = jwk.common.key_operations.as_ref();
    by_use.is_none_or(|used| *used == PublicKeyUse::Signature)
        && by_operation.is_none_or(|all| all.contains(&KeyOperations::Verify))
}

/// Whether a key is of an algorithm's kind, and for no other algorithm.
fn fits(jwk: &Jwk, algorithm: Algorithm) -> bool {
    let kind = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => algorithm.family() == AlgorithmFamily::Rsa,
        AlgorithmParameters::EllipticCurve(curve) => match curve.curve {
            EllipticCurve::P256 => algorithm == Algorithm::ES256,
            EllipticCurve::P384 => algorithm == Algorithm::ES384,
            _ => false,
        },
        AlgorithmParameters::OctetKeyPair(pair) => {
            pair.curve == EllipticCurve::Ed25519 && algorithm == Algorithm::EdDSA
        }
        _ => false,
    };
    let named = jwk.common.key_algorithm.as_ref();
    kind && named.is_none_or(|named| named.to_string().parse() == Ok(algorithm))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn set(kids: &[&str]) -> Value {
        let key = |kid| json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        json!({"keys": kids.iter().map(key).collect::<Vec<_>>()})
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// What is known, in a word.
    fn found(ring: &KeyRing, kid: &str, now: u64) -> &'static str {
        match ring.find(Some(kid), Algorithm::EdDSA, at(now)) {
            Known::Key(_) => "key",
            Known::Ask(Some(_)) => "ask, with a key",
            Known::Ask(None) => "ask",
            Known::No(NoKey::Unknown) => "unknown",
            Known::No(NoKey::Unavailable) => "unavailable",
        }
    }

    fn ring(kids: &[&str]) -> KeyRing {
        let mut ring = KeyRing::default();
        ring.asked(at(0));
        assert!(ring.renew(&set(kids), at(0)));
        ring
    }

    #[test]
    fn an_unknown_name_makes_one_ask_and_not_often() {
        assert_eq!(found(&KeyRing::default(), "a", 0), "ask");
        let mut ring = ring(&["a"]);
        assert_eq!(found(&ring, "a", 1), "key");
        assert_eq!(found(&ring, "b", 1), "unknown");
        assert_eq!(found(&ring, "b", 5), "ask");
        ring.asked(at(5));
        assert_eq!(found(&ring, "b", 6), "unknown");
        assert_eq!(found(&ring, "a", 6), "key");
        assert!(ring.renew(&set(&["b"]), at(6)));
        assert_eq!(found(&ring, "b", 6), "key");
        assert_eq!(found(&ring, "a", 6), "unknown");
    }

    #[test]
    fn old_keys_serve_an_hour_and_no_longer() {
        let mut ring = ring(&["a"]);
        assert_eq!(found(&ring, "a", 599), "key");
        assert_eq!(found(&ring, "a", 600), "ask, with a key");
        ring.asked(at(600));
        assert_eq!(found(&ring, "a", 601), "key");
        assert_eq!(found(&ring, "a", 3599), "ask, with a key");
        assert_eq!(found(&ring, "a", 3600), "ask");
        ring.asked(at(3600));
        assert_eq!(found(&ring, "a", 3601), "unavailable");
    }

    #[test]
    fn a_name_that_two_keys_have_is_no_name() {
        assert_eq!(found(&ring(&["a", "a", "b"]), "a", 1), "unknown");
        assert_eq!(found(&ring(&["a", "a", "b"]), "b", 1), "key");
        let nameless = |ring: KeyRing| ring.find(None, Algorithm::EdDSA, at(1));
        assert!(matches!(nameless(ring(&["a"])), Known::Key(_)));
        assert!(matches!(nameless(ring(&["a", "b"])), Known::No(_)));
    }

    #[test]
    fn a_bad_set_leaves_the_old_keys() {
        let mut ring = ring(&["a"]);
        let secret = json!({"keys": [{"kty": "oct", "kid": "a", "k": "c2VjcmV0"}]});
        let many: Vec<String> = (0..=KEYS_MAX).map(|n| n.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        for bad in [
            json!({}),
            json!([]),
            json!({"keys": "a"}),
            secret,
            set(&many),
        ] {
            assert!(!ring.renew(&bad, at(1)), "{bad}");
        }
        assert_eq!(found(&ring, "a", 1), "key");
    }

    #[test]
    fn a_key_fits_only_its_own_algorithm() {
        let mut set = set(&["a"]);
        let finds = |set: &Value, algorithm| {
            let mut ring = KeyRing::default();
            ring.asked(at(0));
            ring.renew(set, at(0))
                && matches!(ring.find(Some("a"), algorithm, at(0)), Known::Key(_))
        };
        assert!(finds(&set, Algorithm::EdDSA));
        for other in [Algorithm::HS256, Algorithm::ES256, Algorithm::RS256] {
            assert!(!finds(&set, other), "{other:?}");
        }
        set["keys"][0]["alg"] = "ES256".into();
        assert!(!finds(&set, Algorithm::EdDSA));
        set["keys"][0]["alg"] = "EdDSA".into();
        set["keys"][0]["use"] = "enc".into();
        assert!(!finds(&set, Algorithm::EdDSA));
    }
}
