//! One exchange as it is told to those who watch: the record, and what is not written into logs.

use crate::{Record, Trace, Word};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Stages kept of one exchange; a stream adds to those it has.
pub const STAGES_MAX: usize = 32;
/// Parts kept of one exchange.
pub const PARTS_MAX: usize = 200;
/// Bytes of text kept of one part.
pub const TEXT_BYTES_MAX: usize = 16 << 10;

/// One exchange that has ended.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Observed {
    /// What is written down of it.
    pub record: Record,
    /// When it began: nanoseconds since 1970-01-01 UTC.
    pub began_ns: i64,
    /// Where it stands in a trace; nothing if nobody traces.
    #[serde(skip)]
    pub trace: Option<Trace>,
    /// Whom it was sent to, once it was.
    pub peer: Option<Peer>,
    /// Where its time went, in the order in which it did.
    pub stages: Vec<Stage>,
    /// What the request asked of the model beside its words.
    pub settings: Settings,
    /// What the model said of its answer.
    pub said: Said,
    /// What was said in it, request first.
    pub parts: Vec<PartSeen>,
    /// Parts that were left out.
    pub parts_left_out: usize,
}

impl Observed {
    /// A record, and nothing else.
    pub fn of(record: Record) -> Self {
        Observed {
            record,
            began_ns: 0,
            trace: None,
            peer: None,
            stages: Vec::new(),
            settings: Settings::default(),
            said: Said::default(),
            parts: Vec::new(),
            parts_left_out: 0,
        }
    }
}

/// An upstream.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Peer {
    /// What it speaks: `openai`, `anthropic`, `mcp`.
    pub provider: Word,
    /// Its host name or address; a program's has none.
    pub address: Option<Arc<str>>,
    /// Its port.
    pub port: Option<u16>,
}

/// Something that takes time in an exchange.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageName {
    /// The request is received and read.
    Read,
    /// Filters look at what is said.
    Inspect,
    /// Policies decide.
    Policy,
    /// Results of tools are made small.
    Compress,
    /// The exchange waits until its audit record is on disk.
    Audit,
    /// The upstream is asked, until the last byte of its answer.
    Upstream,
}

impl StageName {
    /// The word in metrics and spans.
    pub fn as_str(self) -> &'static str {
        match self {
            StageName::Read => "read",
            StageName::Inspect => "inspect",
            StageName::Policy => "policy",
            StageName::Compress => "compress",
            StageName::Audit => "audit",
            StageName::Upstream => "upstream",
        }
    }
}

/// One stage.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Stage {
    /// Which.
    pub name: StageName,
    /// `request` or `answer`.
    pub flow: Word,
    /// Microseconds after the exchange began.
    pub start: u64,
    /// Microseconds from its start to its end.
    pub micros: u64,
    /// Microseconds of it that were worked; less than `micros` where a stream is judged piece by piece.
    pub busy: u64,
    /// What took which part of that, in microseconds: filters by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub within: Vec<(Word, u64)>,
}

/// What a request asks of a model beside its words, where it says so.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The most tokens to write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// Temperature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Nucleus sampling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Top-k sampling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u64>,
    /// Seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// How many answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choices: Option<u64>,
}

/// What an answer says of itself, where it does and is whole.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Said {
    /// Its id at the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The model that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Why each of its choices ended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub finish_reasons: Vec<String>,
}

/// One part of a body: always its shape, its words only where they are asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PartSeen {
    /// `request` or `answer`.
    pub flow: Word,
    /// Its number in its body, as findings name it.
    pub part: u32,
    /// What kind of part it is, such as `tool_result`.
    pub kind: Word,
    /// Who wrote it.
    pub author: Word,
    /// The tool it is about, shortened.
    pub tool: Option<String>,
    /// Bytes of its text, as it came.
    pub bytes: u64,
    /// Its words, where `content` asks for them: keys, personal data and whatever policies redact are replaced by what
    /// stands in `<>`; at most [`TEXT_BYTES_MAX`] bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Where in `text` something was found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Mark>,
}

/// Where in a shown text something was found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Mark {
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
    /// What it is.
    pub label: Word,
    /// Whether other words stand there now.
    pub masked: bool,
}
