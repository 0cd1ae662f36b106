//! Rego policies compiled once, and what they decide: no sockets, no files, no clocks, no async.

mod contract;
pub mod decision;
pub mod error;
pub mod facts;
mod layer;
pub mod limits;
mod lint;
pub mod needs;
mod package;
pub mod policy;
mod pool;
mod reading;
pub mod source;
mod syntax;
mod watch;
mod words;

pub use decision::{Decision, Settings, Warning};
pub use error::{Mistake, Place, PolicyError, PolicyErrors};
pub use facts::{CallFacts, Facts, FactsError, INPUT_VERSION, OfferFacts, Via};
pub use limits::Limits;
pub use needs::Needs;
pub use package::is_team_name;
pub use policy::Policy;
pub use source::{PolicyFile, PolicySource};
