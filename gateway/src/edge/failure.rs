//! Why an exchange did not come to an answer: whose fault it was, and how the agent is told.

use crate::authorization::BadToken;
use crate::edge::headers::BadHeaders;
use crate::identity::Unidentified;
use crate::route::Unrouted;
use sallyport_exchange::dialect::Fault;
use sallyport_exchange::mcp::Code;
use sallyport_exchange::{Denial, Malformed};
use sallyport_record::Blame;

/// Everything that ends an exchange before its answer is complete.
#[derive(Debug)]
pub enum Failure {
    /// A policy said no. Not a fault at all.
    Denied(Denial),
    /// The request line leads nowhere.
    Unrouted(Unrouted),
    /// No upstream is configured for this dialect and model.
    NoUpstream,
    /// No valid key.
    Unidentified(Unidentified),
    /// An access token that is not taken.
    BadToken(BadToken),
    /// The keys of a token's issuer cannot be had.
    IssuerUnavailable,
    /// The access token lacks scopes that this door needs.
    InsufficientScope,
    /// Something of these, with the `WWW-Authenticate` that tells a client what to do about it.
    Challenged(Box<Failure>, String),
    /// Odd or oversize headers.
    BadHeaders(BadHeaders),
    /// The query string is not plain.
    BadQuery,
    /// The framing of the request is wrong.
    BadFraming,
    /// The body is larger than so many bytes.
    BodyTooLarge(usize),
    /// The body unpacks to more than so many times its size.
    BodyTooPacked(usize),
    /// The body took too long to arrive.
    BodyTooSlow,
    /// Not `application/json`.
    MediaType,
    /// A content coding that is not decoded here.
    Packing,
    /// The content coding lied.
    BadPacking,
    /// The body cannot be read.
    Malformed(Malformed),
    /// No connection to the upstream.
    UpstreamUnreachable,
    /// The upstream did not answer, or fell silent, in time.
    UpstreamSlow,
    /// The connection broke before the answer was complete.
    UpstreamBroke,
    /// The answer cannot be read: not HTTP, not JSON, not events.
    UpstreamGarbled,
    /// More of a stream would have to be held back than is allowed.
    HeldTooMuch,
    /// The answer is larger than so many bytes.
    AnswerTooLarge(usize),
    /// The upstream answered with a redirect, which is never followed.
    UpstreamRedirect,
    /// The agent hung up.
    AgentLeft,
    /// The agent stopped reading.
    AgentStalled,
    /// The message cannot be taken, by the rules of the Model Context Protocol.
    Rpc(RpcFault),
    /// The arguments of a tool call do not fit the tool. Never shows a value of them.
    BadArguments(String),
    /// No such tool server, or none that this team sees.
    NoToolServer,
    /// It could not be recorded in the audit log, and nothing may go on unrecorded.
    Unrecorded,
    /// The connection to a tool server failed.
    ToolServer(crate::mcp::upstream::Fault),
}

/// What is wrong with a message of the Model Context Protocol.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RpcFault {
    /// The HTTP status.
    pub status: u16,
    /// The JSON-RPC error.
    pub code: Code,
    /// What is wrong and how to mend it. Never text of the body.
    pub say: String,
    /// `error.data`: a JSON object.
    pub data: Option<String>,
}

impl RpcFault {
    /// A fault of the whole request: HTTP 400.
    pub fn bad_request(code: Code, say: impl Into<String>) -> Self {
        RpcFault {
            status: 400,
            code,
            say: say.into(),
            data: None,
        }
    }

    /// A fault of what is asked for: an error response in a good HTTP answer.
    pub fn answer(code: Code, say: impl Into<String>) -> Self {
        RpcFault {
            status: 200,
            ..RpcFault::bad_request(code, say)
        }
    }
}

impl Failure {
    /// Whose fault it was; `None` for a policy's no.
    pub fn blame(&self) -> Option<Blame> {
        use Failure::*;
        match self {
            Denied(_) => None,
            NoUpstream | Unrecorded => Some(Blame::Gateway),
            UpstreamUnreachable | UpstreamSlow | UpstreamBroke | UpstreamGarbled | HeldTooMuch
            | AnswerTooLarge(_) | UpstreamRedirect => Some(Blame::Upstream),
            Rpc(fault) if fault.code == Code::Internal => Some(Blame::Gateway),
            ToolServer(fault) => Some(fault.blame()),
            IssuerUnavailable => Some(Blame::Upstream),
            Challenged(failure, _) => failure.blame(),
            _ => Some(Blame::Agent),
        }
    }

    /// Status, code and words for the agent.
    pub fn fault(&self) -> Fault {
        use Failure::*;
        let (status, code, message) = match self {
            Denied(denial) => (403, "policy_denied", denial.say.to_string()),
            Unrouted(unrouted) => unrouted_words(*unrouted),
            NoUpstream => (404, "no_upstream", "No upstream is configured for this endpoint and model. The operator adds one under `upstreams` or `routes`.".to_owned()),
            Unidentified(unidentified) => unidentified_words(unidentified),
            BadToken(bad) => (bad.status(), bad.code(), format!("This access token is not taken: {bad}.")),
            IssuerUnavailable => (503, "issuer_unavailable", "The token cannot be checked: its issuer's keys cannot be had now. Try again.".to_owned()),
            InsufficientScope => (403, "insufficient_scope", "The access token lacks a scope. `WWW-Authenticate` names all that are needed here.".to_owned()),
            Challenged(failure, _) => return failure.fault(),
            BadHeaders(bad) => bad_headers_words(*bad),
            BadQuery => (400, "bad_query", "The query string must be plain visible ASCII.".to_owned()),
            BadFraming => (400, "bad_framing", "The request's framing is not valid HTTP.".to_owned()),
            BodyTooLarge(max) => (413, "body_too_large", format!("The body is larger than {max} bytes, sent or unpacked. The operator can raise `limits.body`.")),
            BodyTooPacked(ratio) => (413, "body_too_packed", format!("The body unpacks to more than {ratio} times its size. Send it less compressed, or the operator raises `limits.decoded_ratio`.")),
            BodyTooSlow => (408, "body_too_slow", "The body did not arrive in time (`timeouts.request_body`).".to_owned()),
            MediaType => (415, "media_type", "Send the body as `content-type: application/json` (UTF-8).".to_owned()),
            Packing => (415, "content_encoding", "This content-encoding is not read here; use one of gzip, deflate, br, zstd, or none.".to_owned()),
            BadPacking => (400, "bad_content_encoding", "The body is not what its content-encoding says.".to_owned()),
            Malformed(malformed) => (400, "malformed_body", format!("The body cannot be read: {malformed}.")),
            UpstreamUnreachable => (502, "upstream_unreachable", "The model provider cannot be reached.".to_owned()),
            UpstreamSlow => (504, "upstream_timeout", "The model provider did not answer in time.".to_owned()),
            UpstreamBroke => (502, "upstream_broke", "The model provider's connection broke before the answer was complete.".to_owned()),
            UpstreamGarbled => (502, "upstream_garbled", "The model provider's answer cannot be read.".to_owned()),
            HeldTooMuch => (502, "held_too_much", "A tool call or text in the stream is too large to be held back until it is judged. The operator can raise `limits.stream_hold`.".to_owned()),
            AnswerTooLarge(max) => (502, "answer_too_large", format!("The answer is larger than {max} bytes. Ask for a stream, or the operator raises `limits.answer`.")),
            UpstreamRedirect => (502, "upstream_redirect", "The model provider answered with a redirect, which is not followed.".to_owned()),
            AgentLeft => (499, "agent_left", "The agent hung up.".to_owned()),
            Rpc(fault) => (fault.status, "mcp", fault.say.clone()),
            BadArguments(say) => (400, "bad_arguments", say.clone()),
            NoToolServer => (404, "no_tool_server", "There is no such tool server here. The operator adds one under `tool_servers`.".to_owned()),
            ToolServer(fault) => (502, "tool_server", format!("The tool server failed: {fault}.")),
            Unrecorded => (503, "audit_unavailable", "This was not sent on, because it could not be recorded in the audit log. Try again later; the operator finds the reason in the gateway's log.".to_owned()),
            AgentStalled => (499, "agent_stalled", "The agent stopped reading (`timeouts.agent_write`).".to_owned()),
        };
        Fault {
            status,
            code,
            message,
        }
    }

    /// Whether anything can still be said to the agent.
    pub fn agent_listens(&self) -> bool {
        !matches!(self, Failure::AgentLeft | Failure::AgentStalled)
    }
}

fn unrouted_words(unrouted: Unrouted) -> (u16, &'static str, String) {
    let (status, code, words) = match unrouted {
        Unrouted::BadPath => (
            400,
            "bad_path",
            "The path is not in normal form: no dots, escapes, empty segments or odd characters.",
        ),
        Unrouted::NoSuchPath => (
            404,
            "no_such_endpoint",
            "This endpoint does not pass Sallyport; nothing was sent upstream.",
        ),
        Unrouted::WrongMethod => (
            405,
            "wrong_method",
            "This endpoint does not take this method.",
        ),
        Unrouted::WebSocket => (
            426,
            "websocket",
            "WebSocket is not inspected here; use HTTP with a streamed answer.",
        ),
    };
    (status, code, words.to_owned())
}

fn unidentified_words(unidentified: &Unidentified) -> (u16, &'static str, String) {
    let words = match unidentified {
        Unidentified::Missing => {
            "No key. Send a Sallyport key as `Authorization: Bearer …` or `x-api-key`; the operator makes one with `sallyport key new`."
        }
        Unidentified::Unknown => {
            "This key is not known here. Provider keys do not work; ask the operator for a Sallyport key."
        }
        Unidentified::Conflicting => "Two different keys were sent; send one.",
    };
    (401, "invalid_api_key", words.to_owned())
}

fn bad_headers_words(bad: BadHeaders) -> (u16, &'static str, String) {
    let (status, code, words) = match bad {
        BadHeaders::TooLarge => (
            431,
            "headers_too_large",
            "The headers are larger than `limits.headers`.",
        ),
        BadHeaders::Underscore => (
            400,
            "bad_header_name",
            "Header names with an underscore are refused.",
        ),
        BadHeaders::Nomination => (
            400,
            "bad_connection_header",
            "`Connection` names a field that must not be removed.",
        ),
        BadHeaders::Framing => (
            400,
            "bad_framing",
            "Tell the body's length once: by `content-length`, or by `transfer-encoding: chunked`.",
        ),
        BadHeaders::Host => (
            400,
            "bad_host",
            "`Host` must be one name or address, with a port or without.",
        ),
        BadHeaders::ContentType => (
            400,
            "bad_content_type",
            "Several content types were sent; send one.",
        ),
    };
    (status, code, words.to_owned())
}

impl From<Denial> for Failure {
    fn from(denial: Denial) -> Self {
        Failure::Denied(denial)
    }
}

impl From<Malformed> for Failure {
    fn from(malformed: Malformed) -> Self {
        Failure::Malformed(malformed)
    }
}

impl From<Unrouted> for Failure {
    fn from(unrouted: Unrouted) -> Self {
        Failure::Unrouted(unrouted)
    }
}

impl From<Unidentified> for Failure {
    fn from(unidentified: Unidentified) -> Self {
        Failure::Unidentified(unidentified)
    }
}

impl From<BadHeaders> for Failure {
    fn from(bad: BadHeaders) -> Self {
        Failure::BadHeaders(bad)
    }
}

impl From<crate::mcp::upstream::Fault> for Failure {
    fn from(fault: crate::mcp::upstream::Fault) -> Self {
        Failure::ToolServer(fault)
    }
}
