//! How a log is kept.

use std::path::PathBuf;
use std::time::Duration;

/// In [`Mode::Fast`], and for records that nobody waits for, at most so much time passes between a record and
/// the disk. What was written is safe from the end of the process all the same; the window is for power.
pub const LOSS_WINDOW: Duration = Duration::from_secs(1);

/// When a record that somebody waits for counts as kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Once it is on the disk.
    Strict,
    /// Once it is written; it is on the disk within [`LOSS_WINDOW`].
    Fast,
}

impl Mode {
    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Strict => "strict",
            Mode::Fast => "fast",
        }
    }
}

/// How a log is kept, and where.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its folder, made if it is not there. One log has one folder and one writer.
    pub folder: PathBuf,
    /// When a record counts as kept.
    pub mode: Mode,
    /// The log's name: the origin of its checkpoints and the name of its key.
    pub origin: String,
    /// The private key, Ed25519 as PKCS#8 in PEM. Without one, `key.pem` in the folder, made at first start.
    pub key_file: Option<PathBuf>,
    /// A segment of so many bytes is followed by a new one.
    pub segment_size: u64,
    /// Whole segments whose last record is older go. Without it, none does.
    pub keep: Option<Duration>,
    /// A checkpoint is signed after so many records...
    pub checkpoint_records: u64,
    /// ... or so long after the first record that none covers.
    pub checkpoint_every: Duration,
    /// The version of the program, for the `open` record.
    pub version: String,
    /// At start, read all records, and not only the last segment and the edges of the others.
    pub read_all: bool,
}

impl Settings {
    /// The defaults: strict, segments of 64 MiB, kept for ever, a checkpoint every 1,000 records or second.
    pub fn new(folder: impl Into<PathBuf>, origin: impl Into<String>) -> Settings {
        Settings {
            folder: folder.into(),
            mode: Mode::Strict,
            origin: origin.into(),
            key_file: None,
            segment_size: 64 << 20,
            keep: None,
            checkpoint_records: 1_000,
            checkpoint_every: Duration::from_secs(1),
            version: env!("CARGO_PKG_VERSION").into(),
            read_all: false,
        }
    }
}
