//! The key that signs checkpoints, and the one that verifies them.

use crate::hash::Digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The longest key file that is read, in bytes.
const KEY_FILE_MAX: u64 = 8 << 10;
/// The longest origin, in bytes.
const ORIGIN_MAX: usize = 200;
const PEM_BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_END: &str = "-----END PRIVATE KEY-----";
/// The type byte of Ed25519 in notes (C2SP signed-note).
const ED25519_TYPE: u8 = 1;

/// Why there is no key. The fault of whoever set the log up.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The configured file is not there.
    #[error(
        "the key file `{0}` is not there; make one with `openssl genpkey -algorithm ed25519 -out {0}` and give it mode 0600"
    )]
    Missing(PathBuf),
    /// There is a log, and no key: a new key would not be the log's.
    #[error(
        "the log is signed with a key, and its file `{0}` is not there; put it back, or begin a new log in another folder"
    )]
    Lost(PathBuf),
    /// Others may read or write it.
    #[error(
        "the key file `{path}` has mode {mode:04o}; nobody but its owner may read it: `chmod 600 {path}`"
    )]
    Loose {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not an Ed25519 key in PEM.
    #[error(
        "the key file `{0}` has no Ed25519 private key (PKCS#8 PEM, as `openssl genpkey -algorithm ed25519` makes)"
    )]
    NotEd25519(PathBuf),
    /// The name of the log cannot stand in a note.
    #[error(
        "`{0}` cannot be a log's origin: it must have 1 to {ORIGIN_MAX} characters, none of them a space, a control character or `+`"
    )]
    Origin(String),
    /// It cannot be read or made.
    #[error("the key file `{0}`: {1}")]
    Io(PathBuf, io::Error),
}

/// A private key and the name it signs under. Its `Debug` does not show it.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: VerifyKey,
}

impl SigningKey {
    /// Reads a key file (PKCS#8 PEM, RFC 5958).
    pub fn load(path: &Path, origin: &str) -> Result<SigningKey, KeyError> {
        let io = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => KeyError::Missing(path.into()),
            _ => KeyError::Io(path.into(), error),
        };
        let file = std::fs::File::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        let mode = metadata.mode() & 0o7777;
        // A file of another user, such as a mounted secret, can only be ours to read through the group.
        let ours = metadata.uid() == rustix::process::geteuid().as_raw();
        if mode & if ours { 0o077 } else { 0o037 } != 0 {
            let path = path.into();
            return Err(KeyError::Loose { path, mode });
        }
        let mut pem = Zeroizing::new(String::new());
        file.take(KEY_FILE_MAX)
            .read_to_string(&mut pem)
            .map_err(io)?;
        SigningKey::from_pem(&pem, origin, path)
    }

    /// Makes a key file that only its owner can read.
    pub fn make(path: &Path, origin: &str) -> Result<SigningKey, KeyError> {
        let io = |error| KeyError::Io(path.into(), error);
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
        let der = der.map_err(|_| io(io::Error::other("no randomness")))?;
        let body = Zeroizing::new(BASE64.encode(der.as_ref()));
        let mut pem = Zeroizing::new(String::with_capacity(256));
        pem.push_str(PEM_BEGIN);
        for at in (0..body.len()).step_by(64) {
            pem.push('\n');
            pem.push_str(&body[at..body.len().min(at + 64)]);
        }
        pem.push('\n');
        pem.push_str(PEM_END);
        pem.push('\n');
        let key = SigningKey::from_pem(&pem, origin, path)?;
        // Under another name first: a crash leaves no half key.
        let new = path.with_extension("new");
        let _ = std::fs::remove_file(&new);
        let mut options = std::fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)
            .map_err(io)?;
        file.write_all(pem.as_bytes()).map_err(io)?;
        file.sync_all().map_err(io)?;
        std::fs::rename(&new, path).map_err(io)?;
        crate::disk::sync_path(path.parent().unwrap_or(Path::new("."))).map_err(io)?;
        Ok(key)
    }

    fn from_pem(pem: &str, origin: &str, path: &Path) -> Result<SigningKey, KeyError> {
        let bad = || KeyError::NotEd25519(path.into());
        let (_, body) = pem.split_once(PEM_BEGIN).ok_or_else(bad)?;
        let (body, _) = body.split_once(PEM_END).ok_or_else(bad)?;
        let body: Zeroizing<String> =
            Zeroizing::new(body.chars().filter(|c| !c.is_ascii_whitespace()).collect());
        let der = Zeroizing::new(BASE64.decode(body.as_bytes()).map_err(|_| bad())?);
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map_err(|_| bad())?;
        let mut public = [0; 32];
        public.copy_from_slice(pair.public_key().as_ref());
        let public =
            VerifyKey::new(origin, public).ok_or_else(|| KeyError::Origin(origin.into()))?;
        Ok(SigningKey { pair, public })
    }

    /// The key that verifies what this one signs.
    pub fn verify_key(&self) -> &VerifyKey {
        &self.public
    }

    pub(crate) fn sign(&self, text: &[u8]) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes.copy_from_slice(self.pair.sign(text).as_ref());
        bytes
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public)
    }
}

/// A public key and the name it signs under. Shown as a vkey (C2SP signed-note):
/// `<origin>+<id, 8 hexadecimal digits>+<base64 of the type byte and the key>`.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifyKey {
    origin: String,
    public: [u8; 32],
}

impl VerifyKey {
    fn new(origin: &str, public: [u8; 32]) -> Option<VerifyKey> {
        let fit = (1..=ORIGIN_MAX).contains(&origin.len());
        let plain = !origin.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+');
        (fit && plain).then(|| VerifyKey {
            origin: origin.into(),
            public,
        })
    }

    /// Reads a vkey.
    pub fn from_vkey(text: &str) -> Option<VerifyKey> {
        let mut parts = text.trim_end().splitn(3, '+');
        let (origin, id, key) = (parts.next()?, parts.next()?, parts.next()?);
        let key = BASE64.decode(key).ok()?;
        let public = key.strip_prefix(&[ED25519_TYPE])?.try_into().ok()?;
        let key = VerifyKey::new(origin, public)?;
        (format!("{:08x}", key.id()) == id).then_some(key)
    }

    /// The name it signs under: the log's origin.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The note key id: tells which key, proves nothing.
    pub fn id(&self) -> u32 {
        let mut bytes = self.origin.as_bytes().to_vec();
        bytes.extend_from_slice(&[b'\n', ED25519_TYPE]);
        bytes.extend_from_slice(&self.public);
        let [a, b, c, d, ..] = Digest::of(&bytes).0;
        u32::from_be_bytes([a, b, c, d])
    }

    pub(crate) fn verify(&self, text: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.public)
            .verify(text, signature)
            .is_ok()
    }
}

impl fmt::Display for VerifyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![ED25519_TYPE];
        key.extend_from_slice(&self.public);
        write!(
            f,
            "{}+{:08x}+{}",
            self.origin,
            self.id(),
            BASE64.encode(key)
        )
    }
}

impl fmt::Debug for VerifyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyKey({self})")
    }
}
