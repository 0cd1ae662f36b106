//! Each protocol: how it is read, how it flows, and how it says no.

pub(crate) mod anthropic;
mod mcp;
mod opaque;
pub(crate) mod openai_chat;
pub(crate) mod openai_responses;

use crate::denial::Denial;
use crate::exchange::{Dialect, Operation};
use crate::json::{Malformed, Tape};
use crate::payload::Payload;
use crate::read::Reading;
use crate::stream::Flowing;
use bytes::Bytes;
use bytestring::ByteString;

pub use opaque::{read_opaque, unscanned};

/// An answer that the gateway writes itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The `content-type`.
    pub content_type: &'static str,
    /// The body.
    pub body: Bytes,
}

/// A failure told in the caller's protocol: not a policy's doing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The HTTP status.
    pub status: u16,
    /// A stable word for programs, such as `body_too_large`.
    pub code: &'static str,
    /// What went wrong and how to mend it, for people. Never text of the body.
    pub message: String,
}

/// What a refusal needs to know of the request it answers.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The decision id.
    pub id: &'a str,
    /// What was asked for.
    pub operation: Operation,
    /// The model that was asked.
    pub model: &'a str,
    /// Whether a stream was asked for.
    pub streamed: bool,
    /// Seconds since 1970, for `created` fields.
    pub now_s: i64,
}

impl Dialect {
    /// Reads a request body.
    pub fn read_request(self, operation: Operation, body: Bytes) -> Result<Payload, Malformed> {
        self.read(body, |root, reading| match self {
            Dialect::OpenAiChat => openai_chat::read_request(operation, root, reading),
            Dialect::OpenAiResponses => openai_responses::read_request(operation, root, reading),
            Dialect::Anthropic => anthropic::read_request(root, reading),
            Dialect::Mcp => mcp::read_request(root, reading),
        })
    }

    /// Reads a whole JSON answer, an error's too.
    pub fn read_answer(self, operation: Operation, body: Bytes) -> Result<Payload, Malformed> {
        self.read(body, |root, reading| match self {
            Dialect::OpenAiChat => openai_chat::read_answer(operation, root, reading),
            Dialect::OpenAiResponses => openai_responses::read_answer(root, reading),
            Dialect::Anthropic => anthropic::read_answer(root, reading),
            Dialect::Mcp => mcp::read_answer(operation, root, reading),
        })
    }

    fn read(
        self,
        body: Bytes,
        with: impl FnOnce(crate::json::Value<'_>, &mut Reading) -> Result<(), Malformed>,
    ) -> Result<Payload, Malformed> {
        let mut reading = Reading::default();
        let source = ByteString::try_from(body.clone())
            .or_else(|_| Tape::read(&body).map(|_| ByteString::new()))?;
        let tape = Tape::read_str(&source)?;
        with(tape.root(), &mut reading)?;
        drop(tape);
        Ok(Payload::of_text(source, reading.outline))
    }

    /// A reader for a streamed answer.
    pub fn stream(self, operation: Operation) -> StreamReader {
        match self {
            Dialect::OpenAiChat => StreamReader::OpenAiChat(openai_chat::Stream::new(operation)),
            Dialect::OpenAiResponses => StreamReader::OpenAiResponses(Default::default()),
            Dialect::Anthropic => StreamReader::Anthropic(Default::default()),
            Dialect::Mcp => StreamReader::Mcp,
        }
    }

    /// How this protocol says no to a request, or in place of a whole answer. Guidance
    /// ([`crate::RefusalKind::Steer`]) is written as an answer of the model, streamed if a stream was
    /// asked for, so that the agent's loop goes on.
    pub fn refuse(self, denial: &Denial, asked: Asked<'_>) -> Reply {
        match self {
            Dialect::OpenAiChat => openai_chat::refuse(denial, asked),
            Dialect::OpenAiResponses => openai_responses::refuse(denial, asked),
            Dialect::Anthropic => anthropic::refuse(denial, asked),
            Dialect::Mcp => mcp::refuse(denial, asked),
        }
    }

    /// How this protocol tells of a failure.
    pub fn fault(self, fault: &Fault, id: &str) -> Reply {
        match self {
            Dialect::OpenAiChat | Dialect::OpenAiResponses => openai_chat::fault(fault, id),
            Dialect::Anthropic => anthropic::fault(fault, id),
            Dialect::Mcp => mcp::fault(fault, id),
        }
    }

    /// The event that ends a stream which has already begun: the protocol's own error event, and no
    /// sign of completion after it.
    pub fn closing(self, code: &str, say: &str, id: &str) -> Bytes {
        match self {
            Dialect::OpenAiChat => openai_chat::closing(code, say, id),
            Dialect::OpenAiResponses => openai_responses::closing(code, say, id),
            Dialect::Anthropic => anthropic::closing(code, say, id),
            Dialect::Mcp => mcp::closing(code, say, id),
        }
    }
}

/// Reads the events of one streamed answer.
#[derive(Debug)]
pub enum StreamReader {
    /// Chat completions and legacy completions.
    OpenAiChat(openai_chat::Stream),
    /// Responses.
    OpenAiResponses(openai_responses::Stream),
    /// Messages.
    Anthropic(anthropic::Stream),
    /// The Model Context Protocol: each event is a whole message and is judged as one, so nothing flows here.
    Mcp,
}

impl StreamReader {
    /// Reads one event's data. `name` is its `event:` line.
    pub fn read(&mut self, name: Option<&str>, data: &str) -> Result<Flowing, Malformed> {
        match self {
            StreamReader::OpenAiChat(stream) => stream.read(data),
            StreamReader::OpenAiResponses(stream) => stream.read(name, data),
            StreamReader::Anthropic(stream) => stream.read(name, data),
            StreamReader::Mcp => Err(Malformed {
                at: 0,
                fault: crate::json::Fault::Order("an event of a tool server"),
            }),
        }
    }
}
