//! Signatures over lock files: Ed25519 (RFC 8032) by ring, the one provider of cryptography that TLS has too.
//! Keys are PEM as OpenSSL writes them: `openssl genpkey -algorithm ed25519`, `openssl pkey -pubout`.

use crate::tool::Digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use std::fmt;

/// The longest PEM text that is read, in bytes.
const PEM_MAX: usize = 8 << 10;
/// A SubjectPublicKeyInfo for Ed25519 (RFC 8410, section 4) is this and the 32 bytes of the key.
const SPKI_HEAD: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// Why a key is none. The fault of whoever gave it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyError {
    /// Not PEM with the label that is needed.
    #[error(
        "not a PEM file with `-----BEGIN {0}-----`; `openssl genpkey -algorithm ed25519` makes a private key, and `openssl pkey -pubout` its public one"
    )]
    Pem(&'static str),
    /// PEM, and not an Ed25519 key inside.
    #[error("not an Ed25519 key; `openssl genpkey -algorithm ed25519` makes one")]
    NotEd25519,
}

/// Why a lock's signature is not good enough.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SignatureError {
    /// There is none, and a public key demands one.
    #[error(
        "the lock is not signed, and a public key is configured; sign it, or take the key out of the configuration"
    )]
    Unsigned,
    /// Not 64 bytes of base64.
    #[error("the signature is not one; sign the lock anew")]
    Malformed,
    /// None of the configured keys made it.
    #[error(
        "the signature is by a key that is not configured; sign the lock with a configured key"
    )]
    UnknownKey,
    /// It is not over what the file says.
    #[error(
        "the signature is not over what this file says: it was changed after it was signed; look at what changed, then sign it anew"
    )]
    Wrong,
}

/// A private key. Its `Debug` does not show it.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// Reads `-----BEGIN PRIVATE KEY-----`, PKCS#8 (RFC 5958), with or without the public key in it.
    pub fn from_pem(text: &str) -> Result<SigningKey, KeyError> {
        let der = pem(text, "PRIVATE KEY")?;
        let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der);
        key.map(SigningKey).map_err(|_| KeyError::NotEd25519)
    }

    /// The key that verifies what this one signs.
    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.0.public_key().as_ref());
        PublicKey(bytes)
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Signature {
        let mut bytes = [0; 64];
        bytes.copy_from_slice(self.0.sign(message).as_ref());
        Signature {
            bytes,
            key: self.public().id(),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public().id())
    }
}

/// A public key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Reads `-----BEGIN PUBLIC KEY-----`, a SubjectPublicKeyInfo (RFC 8410).
    pub fn from_pem(text: &str) -> Result<PublicKey, KeyError> {
        let der = pem(text, "PUBLIC KEY")?;
        let key = der.strip_prefix(&SPKI_HEAD).ok_or(KeyError::NotEd25519)?;
        key.try_into()
            .map(PublicKey)
            .map_err(|_| KeyError::NotEd25519)
    }

    /// The first 16 hexadecimal digits of the SHA-256 of the key: tells which key, proves nothing.
    pub fn id(&self) -> String {
        let digest = Digest::of(&self.0).to_string();
        digest
            .trim_start_matches("sha256:")
            .chars()
            .take(16)
            .collect()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id())
    }
}

/// A signature and the id of the key that made it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signature {
    bytes: [u8; 64],
    key: String,
}

impl Signature {
    pub(crate) fn read(base64: &str, key: &str) -> Result<Signature, SignatureError> {
        let bytes = BASE64
            .decode(base64)
            .map_err(|_| SignatureError::Malformed)?;
        Ok(Signature {
            bytes: bytes.try_into().map_err(|_| SignatureError::Malformed)?,
            key: key.to_owned(),
        })
    }

    /// The id of the key that is said to have made it.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The signature itself.
    pub fn base64(&self) -> String {
        BASE64.encode(self.bytes)
    }

    pub(crate) fn verify(&self, message: &[u8], keys: &[PublicKey]) -> Result<(), SignatureError> {
        let key = keys
            .iter()
            .find(|key| key.id() == self.key)
            .ok_or(SignatureError::UnknownKey)?;
        UnparsedPublicKey::new(&ED25519, key.0)
            .verify(message, &self.bytes)
            .map_err(|_| SignatureError::Wrong)
    }
}

/// What stands in a PEM text (RFC 7468) under this label.
fn pem(text: &str, label: &'static str) -> Result<Vec<u8>, KeyError> {
    let fault = KeyError::Pem(label);
    if text.len() > PEM_MAX {
        return Err(fault);
    }
    let (_, rest) = text
        .split_once(&format!("-----BEGIN {label}-----"))
        .ok_or(fault)?;
    let (body, _) = rest
        .split_once(&format!("-----END {label}-----"))
        .ok_or(fault)?;
    let body: String = body.split_ascii_whitespace().collect();
    BASE64.decode(body).map_err(|_| fault)
}
