//! What compression saves on real sessions, in tokens and in money, what it keeps, and what it costs: for
//! `cargo bench -p sallyport-bench-compress`. `SALLYPORT_COMPRESSION_DATA` names the folder with the sessions.

pub mod bill;
pub mod corpus;
pub mod count;
pub mod keep;
pub mod probe;
pub mod replay;
pub mod speed;
pub mod tell;
pub mod traffic;
