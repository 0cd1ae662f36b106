//! Why a tool server gave no answer.

use crate::edge::failure::Failure;
use sallyport_record::Blame;

/// Everything that can go wrong between the gateway and a tool server. No word of the server is in it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum Fault {
    /// No connection to it.
    #[error("the tool server cannot be reached")]
    Unreachable,
    /// Its program cannot be started.
    #[error("the tool server's program cannot be started")]
    NotStarted,
    /// It did not answer, fell silent, or did not end in time.
    #[error("the tool server did not answer in time")]
    Slow,
    /// The connection broke before the answer was complete.
    #[error("the connection to the tool server broke before its answer was complete")]
    Broke,
    /// What it said cannot be read: not HTTP, not events, not strict JSON, no JSON-RPC.
    #[error("the tool server's answer cannot be read")]
    Garbled,
    /// More than so many bytes.
    #[error("the tool server's answer is larger than {0} bytes")]
    TooLarge(usize),
    /// It answered with a redirect, which is never followed.
    #[error("the tool server answered with a redirect, which is not followed")]
    Redirected,
    /// It answered with this HTTP status and nothing that answers the request.
    #[error("the tool server answered with HTTP status {status}")]
    Refused {
        /// The status.
        status: u16,
    },
    /// It answered the greeting with an error.
    #[error("the tool server does not want a session")]
    NoHello,
    /// It speaks no revision that is known here.
    #[error("the tool server speaks no known revision of the protocol")]
    NoCommonRevision,
    /// It knows the session no longer: open another connection.
    #[error("the tool server has ended the session")]
    SessionGone,
    /// Its program ended, or had to be ended: open another connection.
    #[error("the tool server's program ended")]
    Died,
    /// Its program ended right after its last starts; it is let rest.
    #[error("the tool server's program keeps ending right after its start")]
    Resting,
    /// Too many requests are in flight, or too much is waiting to be read.
    #[error("too much is in flight to the tool server")]
    Busy,
    /// The authorization server gave no key for it.
    #[error("no key could be got for the tool server")]
    NoKey,
    /// This connection was closed on this side.
    #[error("the connection to the tool server is closed")]
    Closed,
    /// The introduction is no JSON, or a request cannot be written: a mistake on this side.
    #[error("the request to the tool server could not be written")]
    BadRequest,
}

impl Fault {
    /// Whose fault it was.
    pub fn blame(self) -> Blame {
        match self {
            Fault::Busy | Fault::Closed | Fault::BadRequest => Blame::Gateway,
            _ => Blame::Upstream,
        }
    }

    /// Whether this connection is of no more use, but another may be.
    pub fn ends_the_connection(self) -> bool {
        matches!(self, Fault::SessionGone | Fault::Died | Fault::Closed)
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::UpstreamUnreachable => Fault::Unreachable,
            Failure::UpstreamSlow => Fault::Slow,
            Failure::UpstreamBroke => Fault::Broke,
            Failure::UpstreamRedirect => Fault::Redirected,
            Failure::AnswerTooLarge(max) => Fault::TooLarge(max),
            _ => Fault::Garbled,
        }
    }
}
