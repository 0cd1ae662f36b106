//! One thing that was done to a block, and what is needed beside the text to undo it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::read::{DeflateDecoder, DeflateEncoder};
use std::fmt;
use std::io::Read;
use std::str::FromStr;

/// Bytes of the largest residue that is read back.
const RESIDUE_MAX: u64 = 16 << 20;

/// What can be done.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u16)]
pub enum StepKind {
    /// Terminal colours and overwritten progress lines were taken out.
    Ansi,
    /// What a tool server or its client wrapped around the words was taken off.
    Unwrap,
    /// JSON without the blanks between its tokens.
    Minify,
    /// JSON with lists of alike objects as tables.
    Table,
    /// Lines of a log by their templates.
    Templates,
    /// Search results grouped by file.
    Grep,
    /// What stands verbatim earlier in the request is named, not repeated.
    Reference,
    /// A web page as markdown.
    Markdown,
    /// Alike lines of a log or a test run folded.
    Fold,
    /// A long list by its shape, its ends and what stands out.
    Elide,
    /// Bytes that say nothing to a reader.
    Blob,
}

impl StepKind {
    /// All of them.
    pub const ALL: [StepKind; 11] = [
        StepKind::Ansi,
        StepKind::Unwrap,
        StepKind::Minify,
        StepKind::Table,
        StepKind::Templates,
        StepKind::Grep,
        StepKind::Reference,
        StepKind::Markdown,
        StepKind::Fold,
        StepKind::Elide,
        StepKind::Blob,
    ];

    /// The word for it, in settings, records and lines.
    pub fn as_str(self) -> &'static str {
        match self {
            StepKind::Ansi => "ansi",
            StepKind::Unwrap => "unwrap",
            StepKind::Minify => "json_minify",
            StepKind::Table => "json_table",
            StepKind::Templates => "log_template",
            StepKind::Grep => "grep_group",
            StepKind::Reference => "reference",
            StepKind::Markdown => "html_markdown",
            StepKind::Fold => "fold",
            StepKind::Elide => "array_elide",
            StepKind::Blob => "blob_elide",
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<StepKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// One thing that was done. As a string: its kind, and its residue after a colon, deflated, in base64url.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// What.
    pub kind: StepKind,
    /// How it looked: blanks, colours, wrapping. Nothing that says anything: the model does not read it.
    pub residue: Vec<u8>,
}

impl Step {
    /// A step with its residue.
    pub fn new(kind: StepKind, residue: impl Into<Vec<u8>>) -> Step {
        Step {
            kind,
            residue: residue.into(),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.as_str())?;
        if self.residue.is_empty() {
            return Ok(());
        }
        let mut small = Vec::new();
        DeflateEncoder::new(&*self.residue, Compression::best())
            .read_to_end(&mut small)
            .map_err(|_| fmt::Error)?;
        write!(f, ":{}", URL_SAFE_NO_PAD.encode(small))
    }
}

/// A string that is no step.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("this is no step of a form")]
pub struct NoStep;

impl FromStr for Step {
    type Err = NoStep;

    fn from_str(text: &str) -> Result<Step, NoStep> {
        let (name, residue) = text.split_once(':').unwrap_or((text, ""));
        let kind = StepKind::named(name).ok_or(NoStep)?;
        let small = URL_SAFE_NO_PAD.decode(residue).map_err(|_| NoStep)?;
        let mut whole = Vec::new();
        if !small.is_empty() {
            let mut reader = DeflateDecoder::new(&*small).take(RESIDUE_MAX + 1);
            reader.read_to_end(&mut whole).map_err(|_| NoStep)?;
        }
        if whole.len() as u64 > RESIDUE_MAX {
            return Err(NoStep);
        }
        Ok(Step::new(kind, whole))
    }
}
