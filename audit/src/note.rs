//! Checkpoints as signed notes (C2SP signed-note and tlog-checkpoint).

use crate::hash::Digest;
use crate::key::{SigningKey, VerifyKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// The longest note that is read, in bytes: a checkpoint and many witnesses' signatures.
pub const NOTE_BYTES_MAX: usize = 64 << 10;
/// Signatures that are looked at.
const SIGNATURES_MAX: usize = 64;

/// Why a note is not believed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoteError {
    /// Not a note with the three lines of a checkpoint.
    #[error("it is not a checkpoint: {0}")]
    Malformed(&'static str),
    /// It says another log's name.
    #[error("it is of the log `{found}`, and this one is `{expected}`")]
    Origin {
        /// The name in the note.
        found: String,
        /// The name that the key has.
        expected: String,
    },
    /// None of its signatures is by the key.
    #[error("it is signed by another key ({found}), not by `{expected}`")]
    OtherKey {
        /// Who signed, as far as the note says.
        found: String,
        /// The key that was asked for.
        expected: String,
    },
    /// Signed by the key, and not over what the note says.
    #[error("its signature is not over what it says: it was changed after it was signed")]
    Wrong,
}

/// What a log commits itself to: the tree over its first `size` records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// Records.
    pub size: u64,
    /// The root of their tree.
    pub root: Digest,
}

impl Checkpoint {
    /// The text that is signed.
    fn text(&self) -> String {
        format!(
            "{}\n{}\n{}\n",
            self.origin,
            self.size,
            BASE64.encode(self.root.0)
        )
    }

    /// The whole note.
    pub(crate) fn sign(&self, key: &SigningKey) -> String {
        let text = self.text();
        let mut signature = key.verify_key().id().to_be_bytes().to_vec();
        signature.extend_from_slice(&key.sign(text.as_bytes()));
        format!("{text}\n— {} {}\n", self.origin, BASE64.encode(signature))
    }

    /// Reads a note and checks its signature. Signatures by others, such as witnesses, are passed over.
    pub fn open(note: &str, key: &VerifyKey) -> Result<Checkpoint, NoteError> {
        let (checkpoint, text, signatures) = Checkpoint::parse(note)?;
        let found: Vec<Signature<'_>> = signatures;
        if checkpoint.origin != key.origin() {
            return Err(NoteError::Origin {
                found: checkpoint.origin,
                expected: key.origin().into(),
            });
        }
        let ours = found
            .iter()
            .find(|signature| signature.name == key.origin() && signature.id == key.id());
        let Some(ours) = ours else {
            return Err(NoteError::OtherKey {
                found: match found.first() {
                    Some(signature) => format!("{}+{:08x}", signature.name, signature.id),
                    None => "nobody".into(),
                },
                expected: format!("{}+{:08x}", key.origin(), key.id()),
            });
        };
        match key.verify(text.as_bytes(), &ours.bytes) {
            true => Ok(checkpoint),
            false => Err(NoteError::Wrong),
        }
    }

    /// Reads a note without believing it.
    pub fn read(note: &str) -> Result<Checkpoint, NoteError> {
        Checkpoint::parse(note).map(|(checkpoint, _, _)| checkpoint)
    }

    fn parse(note: &str) -> Result<(Checkpoint, &str, Vec<Signature<'_>>), NoteError> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(NoteError::Malformed("it is too long"));
        }
        if note.chars().any(|c| c < ' ' && c != '\n') {
            return Err(NoteError::Malformed("it has control characters"));
        }
        let parts = note.rsplit_once("\n\n").filter(|_| note.ends_with('\n'));
        let (text, signed) = parts.ok_or(NoteError::Malformed("no signature lines"))?;
        // The text's own newline belongs to it, the blank line does not.
        let text = &note[..=text.len()];
        let mut lines = text.split_terminator('\n');
        let mut next = || lines.next().filter(|line| !line.is_empty());
        let origin = next().ok_or(NoteError::Malformed("no origin"))?;
        let size = next().ok_or(NoteError::Malformed("no size"))?;
        let root = next().ok_or(NoteError::Malformed("no root"))?;
        let size = decimal(size).ok_or(NoteError::Malformed("its size is no number"))?;
        let root = BASE64
            .decode(root)
            .ok()
            .and_then(|root| root.try_into().ok());
        let root = Digest(root.ok_or(NoteError::Malformed("its root is no hash"))?);
        let signatures: Option<Vec<Signature<'_>>> = signed
            .split_terminator('\n')
            .take(SIGNATURES_MAX)
            .map(Signature::read)
            .collect();
        let checkpoint = Checkpoint {
            origin: origin.into(),
            size,
            root,
        };
        match signatures {
            Some(signatures) => Ok((checkpoint, text, signatures)),
            None => Err(NoteError::Malformed("a signature line is none")),
        }
    }
}

struct Signature<'a> {
    name: &'a str,
    id: u32,
    bytes: Vec<u8>,
}

impl<'a> Signature<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (name, signature) = line.strip_prefix("— ")?.split_once(' ')?;
        let bytes = BASE64.decode(signature).ok()?;
        let (id, signature) = bytes.split_at_checked(4)?;
        Some(Signature {
            name,
            id: u32::from_be_bytes(id.try_into().ok()?),
            bytes: signature.to_vec(),
        })
    }
}

/// A decimal number with no leading zeros.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let shortest = text == "0" || !text.starts_with('0');
    (plain && shortest).then(|| text.parse().ok()).flatten()
}
