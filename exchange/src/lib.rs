//! The vocabulary of Sallyport, and how each protocol is read: no sockets, no clocks, no async.

pub mod denial;
pub mod dialect;
pub mod edit;
pub mod exchange;
pub mod filter;
pub mod finding;
pub mod json;
pub mod mcp;
pub mod part;
pub mod payload;
pub mod read;
pub mod span;
pub mod sse;
pub mod stream;

pub use denial::{Denial, RefusalKind};
pub use dialect::{Reply, StreamReader};
pub use edit::{Edit, Edits};
pub use exchange::{Caller, Dialect, Exchange, Flow, McpTarget, Operation, Usage};
pub use filter::Filter;
pub use finding::{Finding, Label, Report};
pub use json::Malformed;
pub use part::{Answer, Author, Coding, Kind, Part, PartId, PartView, Segment, Text};
pub use payload::{Outline, Payload, Sealed};
pub use span::Span;
