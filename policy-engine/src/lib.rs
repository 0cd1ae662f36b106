//! Rego policies compiled once, and what they decide: no sockets, no files, no clocks, no async.

mod contract;
pub mod decision;
pub mod error;
pub mod eval;
pub mod facts;
pub mod gate;
mod hoist;
mod interpreter;
pub mod judge;
mod layer;
mod library;
pub mod limits;
mod lint;
pub mod needs;
mod nesting;
mod package;
mod patch;
pub mod placeholder;
pub mod policy;
mod pool;
mod reading;
mod recursion;
mod rewrite;
pub mod ruling;
pub mod source;
mod syntax;
pub mod testing;
mod watch;
pub mod witness;
mod words;

pub use decision::{Decision, Settings, Warning};
pub use error::{Mistake, Place, PolicyError, PolicyErrors};
pub use eval::{EvalError, Evaluation, Explained, explain, query};
pub use facts::{CallFacts, Facts, FactsError, INPUT_VERSION, OfferFacts, Via};
pub use limits::Limits;
pub use needs::Needs;
pub use package::is_team_name;
pub use policy::{Policy, fuzz_compile};
pub use source::{PolicyFile, PolicySource};
pub use testing::{Coverage, TestReport, TestResult, run_tests};

pub use gate::{Cut, Flowed, Gate};
pub use judge::{Engine, Stopwatch, Terms};
pub use placeholder::Placeholders;
pub use ruling::{CallRuling, Cleared, Ruling, Spent, Trail};
pub use witness::{Question, Witness};
