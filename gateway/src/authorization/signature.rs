//! ring as the cryptography of `jsonwebtoken`: only verifying, and only with public keys.
//!
//! `jsonwebtoken` comes with two backends, aws-lc and RustCrypto. Either would be a second implementation of everything
//! that ring does here already, under rustls.

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{self, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};

static RING: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(Error::from(ErrorKind::UnsupportedAlgorithm)),
    verifier_factory: |algorithm, key| {
        let scheme = Scheme::of(*algorithm, key);
        let scheme = scheme.ok_or(Error::from(ErrorKind::InvalidAlgorithm))?;
        Ok(Box::new(RingVerifier {
            algorithm: *algorithm,
            scheme,
        }))
    },
    // For making JWKs out of keys, which nobody does here.
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes ring what `jsonwebtoken` verifies with, in the whole process. May be called again.
pub(super) fn install() {
    let _ = RING.install_default();
}

struct RingVerifier {
    algorithm: Algorithm,
    scheme: Scheme,
}

/// An algorithm with a key of its own kind.
enum Scheme {
    Rsa(&'static RsaParameters, RsaPublicKeyComponents<Vec<u8>>),
    Curve(UnparsedPublicKey<Vec<u8>>),
}

impl Scheme {
    /// `None`: a shared secret, or a key of another kind than the algorithm's.
    fn of(algorithm: Algorithm, key: &DecodingKey) -> Option<Scheme> {
        if key.family() != algorithm.family() {
            return None;
        }
        match (parameters(algorithm)?, key.kind()) {
            (Parameters::Rsa(parameters), DecodingKeyKind::RsaModulusExponent { n, e }) => {
                let [n, e] = [n, e].map(|number| plain(number));
                Some(Scheme::Rsa(parameters, RsaPublicKeyComponents { n, e }))
            }
            (Parameters::Curve(parameters), DecodingKeyKind::SecretOrDer(point)) => Some(
                Scheme::Curve(UnparsedPublicKey::new(parameters, point.clone())),
            ),
            _ => None,
        }
    }
}

enum Parameters {
    Rsa(&'static RsaParameters),
    Curve(&'static dyn VerificationAlgorithm),
}

fn parameters(algorithm: Algorithm) -> Option<Parameters> {
    Some(match algorithm {
        Algorithm::RS256 => Parameters::Rsa(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Parameters::Rsa(&RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Parameters::Rsa(&RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => Parameters::Rsa(&RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Parameters::Rsa(&RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Parameters::Rsa(&RSA_PSS_2048_8192_SHA512),
        Algorithm::ES256 => Parameters::Curve(&ECDSA_P256_SHA256_FIXED),
        Algorithm::ES384 => Parameters::Curve(&ECDSA_P384_SHA384_FIXED),
        Algorithm::EdDSA => Parameters::Curve(&ED25519),
        _ => return None,
    })
}

/// A number without the zeros before it, which ring does not take and some issuers write.
fn plain(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number[zeros..].to_vec()
}

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], shown: &Vec<u8>) -> Result<(), signature::Error> {
        let verified = match &self.scheme {
            Scheme::Rsa(parameters, key) => key.verify(parameters, message, shown),
            Scheme::Curve(key) => key.verify(message, shown),
        };
        verified.map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
