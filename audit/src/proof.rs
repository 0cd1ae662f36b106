//! Proofs that others can check: that a record is in the log (C2SP tlog-proof), and that the log only grew.

use crate::bad::{Bad, What};
use crate::disk::{Disk, Folder};
use crate::hash::{Digest, leaf_hash};
use crate::key::VerifyKey;
use crate::line::{Entry, LINE_BYTES_MAX};
use crate::note::{Checkpoint, NOTE_BYTES_MAX, NoteError, decimal};
use crate::segments;
use crate::tiles::Tiles;
use crate::tree::{is_consistent, is_included};
use crate::verify::{self, Trust};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::path::Path;

/// The first line of a proof.
const PROOF_HEAD: &str = "c2sp.org/tlog-proof@v1";
/// The first line of a proof of growth. A format of our own: C2SP has none for files.
const GROWTH_HEAD: &str = "sallyport.audit/consistency@v1";
/// Hashes that a tree of 2^64 leaves needs to prove something.
const HASHES_MAX: usize = 128;
/// The longest proof that is read, in bytes.
const PROOF_BYTES_MAX: usize =
    2 * NOTE_BYTES_MAX + HASHES_MAX * 64 + LINE_BYTES_MAX * 4 / 3 + 1_024;

/// Why there is no proof.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProveError {
    /// There is no such record.
    #[error("there is no record {seq}: the log has {size}")]
    Beyond {
        /// What was asked for.
        seq: u64,
        /// Records that the last checkpoint signs.
        size: u64,
    },
    /// It went by retention.
    #[error("record {seq} went by retention; the oldest that is left is {first}")]
    Gone {
        /// What was asked for.
        seq: u64,
        /// The first that is there.
        first: u64,
    },
    /// The log is not what it should be.
    #[error("{0}; look at the whole log with `sallyport audit verify`")]
    Bad(Bad),
}

impl From<Bad> for ProveError {
    fn from(bad: Bad) -> ProveError {
        ProveError::Bad(bad)
    }
}

/// A proof that a record is in a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proof {
    /// The record's place.
    pub seq: u64,
    /// Records that the checkpoint in the proof signs.
    pub size: u64,
    /// The proof as a file, for `.tlog-proof`.
    pub text: String,
}

/// Proves that record `seq` of the log in `folder` is in it. `key`: without one, the folder's own.
pub fn prove(folder: &Path, seq: u64, key: Option<&VerifyKey>) -> Result<Proof, ProveError> {
    prove_on(&Folder::new(folder), seq, key)
}

/// The same on any disk.
pub fn prove_on(disk: &dyn Disk, seq: u64, key: Option<&VerifyKey>) -> Result<Proof, ProveError> {
    let (note, checkpoint) = signed(disk, key)?;
    let size = checkpoint.size;
    if seq >= size {
        return Err(ProveError::Beyond { seq, size });
    }
    let line = line(disk, seq)?;
    let tiles = Tiles::new(disk, size);
    let path = tiles
        .inclusion(seq)
        .map_err(|error| Bad::new(What::Tile, error.to_string()).at(seq))?;
    let leaf = leaf_hash(&Digest::of(line.as_bytes()).0);
    if !is_included(&leaf, seq, size, &path, &checkpoint.root) {
        let words = "the record, or a tile above it, is not what was signed";
        return Err(Bad::new(What::Changed, words).at(seq).into());
    }
    let extra = BASE64.encode(&line);
    let text = format!(
        "{PROOF_HEAD}\nextra {extra}\nindex {seq}\n{}\n{note}",
        hashes(&path)
    );
    Ok(Proof { seq, size, text })
}

fn signed(disk: &dyn Disk, key: Option<&VerifyKey>) -> Result<(String, Checkpoint), Bad> {
    let key = verify::key(disk, Trust { key, against: None })?;
    let note = verify::note(disk)?;
    let checkpoint = Checkpoint::open(&note, &key).map_err(|error| {
        Bad::new(
            What::Checkpoint,
            format!("of the file `checkpoint`, {error}"),
        )
    })?;
    Ok((note, checkpoint))
}

/// The line of a record.
fn line(disk: &dyn Disk, seq: u64) -> Result<String, ProveError> {
    let all = segments::list(disk).map_err(|error| Bad::unreadable(segments::FOLDER, error))?;
    let mut filled = all.iter().filter(|segment| segment.len > 0);
    let first = filled.clone().next().map_or(0, |segment| segment.first);
    if seq < first {
        return Err(ProveError::Gone { seq, first });
    }
    let segment = filled.rfind(|segment| segment.first <= seq);
    let missing = || Bad::new(What::Truncated, "the record is signed, and not there").at(seq);
    let segment = segment.ok_or_else(missing)?;
    let path = segment.path();
    let unreadable = |error| Bad::unreadable(&path, error);
    let mut lines = segments::lines(disk, &path).map_err(unreadable)?;
    let mut at = segment.first;
    while let Some(line) = lines.next().map_err(unreadable)? {
        if at == seq {
            let line = String::from_utf8(line.bytes.to_vec());
            return line.map_err(|_| {
                Bad::new(What::Malformed, "the line is no record")
                    .at(seq)
                    .into()
            });
        }
        at += 1;
    }
    Err(missing().into())
}

fn hashes(path: &[Digest]) -> String {
    path.iter()
        .map(|hash| format!("{}\n", BASE64.encode(hash.0)))
        .collect()
}

/// Why a proof proves nothing.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProofError {
    /// It is not in the format.
    #[error("the proof is not one: {0}")]
    Malformed(&'static str),
    /// A checkpoint in it is not to be believed.
    #[error("of the checkpoint in the proof, {0}")]
    Checkpoint(NoteError),
    /// The hashes do not lead from the one to the other.
    #[error("the proof does not fit: {0}")]
    Wrong(&'static str),
}

/// What a proof proves.
#[derive(Clone, PartialEq, Debug)]
pub struct Proved {
    /// The record, exactly as it was signed.
    pub entry: Entry,
    /// The checkpoint that signs it.
    pub checkpoint: Checkpoint,
}

/// Checks a proof that holds the record's line, as [`prove`] makes it, with nothing but the log's key.
pub fn check_proof(text: &str, key: &VerifyKey) -> Result<Proved, ProofError> {
    let mut lines = head(text, PROOF_HEAD)?;
    let extra = lines
        .word("extra ")
        .ok_or(ProofError::Malformed("no record in it"))?;
    let index = lines
        .word("index ")
        .and_then(decimal)
        .ok_or(ProofError::Malformed("no index"))?;
    let path = lines.hashes()?;
    let checkpoint = Checkpoint::open(lines.0, key).map_err(ProofError::Checkpoint)?;
    let line = BASE64
        .decode(extra)
        .map_err(|_| ProofError::Malformed("its record is no base64"))?;
    let leaf = leaf_hash(&Digest::of(&line).0);
    if !is_included(&leaf, index, checkpoint.size, &path, &checkpoint.root) {
        return Err(ProofError::Wrong(
            "the record is not in the tree that was signed, at that place",
        ));
    }
    let line =
        String::from_utf8(line).map_err(|_| ProofError::Malformed("its record is no text"))?;
    let entry = Entry::read(&line).map_err(|_| ProofError::Malformed("its record is none"))?;
    match entry.seq == index {
        true => Ok(Proved { entry, checkpoint }),
        false => Err(ProofError::Wrong("the record says another place")),
    }
}

/// A proof that a log only grew.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Consistency {
    /// The older state.
    pub older: Checkpoint,
    /// The one that stands.
    pub newer: Checkpoint,
    /// The proof as a file: both notes, and the hashes that lead from one to the other.
    pub text: String,
}

/// Proves that the log in `folder` grew out of an older checkpoint of it that was held elsewhere. This is what
/// shows that nothing was cut off or rewritten since.
pub fn consistency(
    folder: &Path,
    older: &str,
    key: Option<&VerifyKey>,
) -> Result<Consistency, ProveError> {
    consistency_on(&Folder::new(folder), older, key)
}

/// The same on any disk.
pub fn consistency_on(
    disk: &dyn Disk,
    older: &str,
    key: Option<&VerifyKey>,
) -> Result<Consistency, ProveError> {
    let trusted = verify::key(disk, Trust { key, against: None })?;
    let contradicted = |words: String| Bad::new(What::Contradicted, words);
    let held = Checkpoint::open(older, &trusted).map_err(|error| {
        contradicted(format!(
            "of the checkpoint that was held elsewhere, {error}"
        ))
    })?;
    let (note, newer) = signed(disk, Some(&trusted))?;
    if held.size > newer.size {
        let words = format!(
            "the checkpoint that was held elsewhere signs {} records, and this log {}: the end was cut off",
            held.size, newer.size
        );
        return Err(contradicted(words).at(newer.size).into());
    }
    let tiles = Tiles::new(disk, newer.size);
    let path = tiles
        .consistency(held.size)
        .map_err(|error| Bad::new(What::Tile, error.to_string()))?;
    if !is_consistent((held.size, &held.root), (newer.size, &newer.root), &path) {
        let words = format!(
            "the first {} records are not those that the checkpoint held elsewhere signs, or a tile is damaged",
            held.size
        );
        return Err(contradicted(words).into());
    }
    // Each note ends with a newline, and an empty line parts them.
    let older = older.trim_end_matches('\n');
    let text = format!("{GROWTH_HEAD}\n{}\n{older}\n\n{note}", hashes(&path));
    Ok(Consistency {
        older: held,
        newer,
        text,
    })
}

/// Checks a proof of growth, as [`consistency`] makes it, with nothing but the log's key. Gives the older and the
/// newer checkpoint.
pub fn check_consistency(
    text: &str,
    key: &VerifyKey,
) -> Result<(Checkpoint, Checkpoint), ProofError> {
    let mut lines = head(text, GROWTH_HEAD)?;
    let path = lines.hashes()?;
    let older_end = lines
        .note_end()
        .ok_or(ProofError::Malformed("there are no two checkpoints in it"))?;
    let (older, newer) = lines.0.split_at(older_end);
    let newer = newer.strip_prefix('\n').unwrap_or(newer);
    let older = Checkpoint::open(older, key).map_err(ProofError::Checkpoint)?;
    let newer = Checkpoint::open(newer, key).map_err(ProofError::Checkpoint)?;
    match is_consistent((older.size, &older.root), (newer.size, &newer.root), &path) {
        true => Ok((older, newer)),
        false => Err(ProofError::Wrong(
            "the newer tree did not grow out of the older one",
        )),
    }
}

/// What is left to read.
struct Rest<'a>(&'a str);

fn head<'a>(text: &'a str, head: &str) -> Result<Rest<'a>, ProofError> {
    if text.len() > PROOF_BYTES_MAX {
        return Err(ProofError::Malformed("it is too long"));
    }
    let rest = text
        .strip_prefix(head)
        .and_then(|rest| rest.strip_prefix('\n'));
    rest.map(Rest).ok_or(ProofError::Malformed(
        "another format, or another version of it",
    ))
}

impl<'a> Rest<'a> {
    fn line(&mut self) -> Option<&'a str> {
        let (line, rest) = self.0.split_once('\n')?;
        self.0 = rest;
        Some(line)
    }

    fn word(&mut self, word: &str) -> Option<&'a str> {
        self.0
            .starts_with(word)
            .then(|| self.line())
            .flatten()?
            .strip_prefix(word)
    }

    /// Hashes up to an empty line.
    fn hashes(&mut self) -> Result<Vec<Digest>, ProofError> {
        let mut hashes = Vec::new();
        loop {
            let line = self
                .line()
                .ok_or(ProofError::Malformed("it ends too soon"))?;
            if line.is_empty() {
                return Ok(hashes);
            }
            let hash = BASE64
                .decode(line)
                .ok()
                .and_then(|hash| hash.try_into().ok());
            hashes.push(Digest(hash.ok_or(ProofError::Malformed("a hash is none"))?));
            if hashes.len() > HASHES_MAX {
                return Err(ProofError::Malformed("too many hashes"));
            }
        }
    }

    /// Where the first note ends: after its signatures.
    fn note_end(&self) -> Option<usize> {
        let (mut at, mut signed) = (0, false);
        for line in self.0.split_inclusive('\n') {
            if line == "\n" && signed {
                return Some(at);
            }
            signed = line.starts_with("— ");
            at += line.len();
        }
        None
    }
}
