//! The vocabulary of Sallyport, and how each protocol is read: no sockets, no clocks, no async.

pub mod denial;
pub mod exchange;
pub mod filter;
pub mod finding;
pub mod part;
pub mod span;

pub use denial::{Denial, RefusalKind};
pub use exchange::{Caller, Dialect, Exchange, Flow, Operation, Usage};
pub use filter::Filter;
pub use finding::{Finding, Label, Report};
pub use part::{Author, Coding, Kind, Part, PartId, PartView, Segment, Text};
pub use span::Span;
