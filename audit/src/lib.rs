//! A tamper-evident log: records chained by their digests in append-only segments, a Merkle tree over them (RFC
//! 6962) with tiles and signed checkpoints (C2SP tlog-tiles, tlog-checkpoint), and proofs that can be checked
//! elsewhere (C2SP tlog-proof).
//!
//! [`Writer`] writes; [`verify`], [`records`], [`prove`] and [`consistency`] read, also while it writes.
//! `FORMAT.md` says what lies on the disk, precisely enough for a stranger to write a verifier.

mod bad;
mod canonical;
pub mod disk;
mod export;
mod hash;
mod history;
mod key;
mod line;
mod log;
mod note;
mod proof;
mod records;
mod segments;
mod settings;
mod standing;
mod tiles;
mod tree;
mod verify;
mod writer;

pub use bad::{Bad, What};
pub use canonical::canonical;
pub use export::{export_opa, export_otlp};
pub use hash::{Digest, leaf_hash, node_hash};
pub use key::{KeyError, SigningKey, VerifyKey};
pub use line::{Entry, LINE_BYTES_MAX, Now};
pub use log::{Cut, Kind, OpenError, Opened};
pub use note::{Checkpoint, NOTE_BYTES_MAX, NoteError};
pub use proof::{
    Consistency, Proof, ProofError, ProveError, Proved, check_consistency, check_proof,
    consistency, consistency_on, prove, prove_on,
};
pub use records::{Filter, Records, records};
pub use settings::{LOSS_WINDOW, Mode, Settings};
pub use standing::{Kept, NotKept, Standing};
pub use tree::{is_consistent, is_included};
pub use verify::{Remark, Trust, Verified, verify, verify_on};
pub use writer::{Body, CLOSE_WAIT_MAX, Clock, CloseError, WAITING_MAX, Writer, is_log};
