//! Compression, as it is written.

use crate::config::units::{Size, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How context is made small. How far to go is each team's choice, in its policies: `settings := {"compression": "observe"}` (the default), `off`, `lossless`, `reversible`. Here is what all teams share.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CompressionFile {
    /// Whether any team may have it. `false`: nothing is looked at, whatever policies say.
    pub enabled: bool,
    /// The folder in which originals are kept of what `reversible` forms leave out, readable by the gateway alone. Without one, `reversible` does what `lossless` does.
    pub originals: Option<String>,
    /// How much that folder holds; what finds no place is not left out.
    pub originals_size: Size,
    /// How long an original is kept after it was last sent.
    pub originals_time: Time,
    /// How much memory is given to remember which form each block has, so that a history costs only what is new in it.
    pub memory: Size,
}

impl Default for CompressionFile {
    fn default() -> Self {
        CompressionFile {
            enabled: true,
            originals: None,
            originals_size: Size::mib(1024),
            originals_time: Time::secs(7 * 24 * 3600),
            memory: Size::mib(64),
        }
    }
}
