//! What operators look at.
//!
//! [`History`] remembers exchanges, [`Console`] answers requests with pages and JSON, [`top`] shows the same in a
//! terminal. There are no sockets here: the gateway's listener hands requests in and writes replies out, and hands in what
//! it knows of itself as [`Facts`].

// What tests and the example share names this crate as others do.
#[cfg(test)]
extern crate self as sallyport_console;

mod access;
mod api;
mod console;
mod facts;
mod history;
mod page;
mod pages;
mod request;
pub mod top;
mod words;

pub use words::{is_unseen, line};

pub use api::{Exchanges, MapReply, SessionsReply, StandingOfHistory, StandingReply, TeamsReply};
pub use console::Console;
pub use facts::{
    AuditFacts, Facts, FirewallFacts, KeyFact, KeyFacts, LockFacts, PinFact, PolicyFacts,
    SavingFacts, ServerFacts, TelemetryFacts, TestFacts, ToolFacts, UpstreamFacts,
};
pub use history::{
    Brief, CallBrief, Edge, FILE_BYTES_MAX, Filter, FindingCount, History, HistoryError,
    MEMORY_BYTES_MAX, Node, PAGE_MAX, Page, QUEUE_BYTES_MAX, QUEUE_MAX, RuleCount, SCORE_BUCKETS,
    SessionBrief, Standing, Step, Sum, TeamSum, Window,
};
pub use request::{FORM_BYTES_MAX, Reply, Request, Values};
