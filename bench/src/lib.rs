//! Measures the gateway beside nginx and direct calls, and what judging costs by itself.

pub mod client;
pub mod corpus;
pub mod load;
pub mod mcp;
pub mod micro;
pub mod process;
pub mod report;
pub mod servers;
pub mod tools;
pub mod upstream;
pub mod watch;

/// The policies that are measured: those of `sallyport demo`, the platform's and one team's.
pub const POLICIES: [(&str, &str); 2] = [
    (
        "org.rego",
        include_str!("../../gateway/src/demo/policies/org.rego"),
    ),
    (
        "payments.rego",
        include_str!("../../gateway/src/demo/policies/payments.rego"),
    ),
];

/// The team whose agent asks.
pub const TEAM: &str = "payments";
