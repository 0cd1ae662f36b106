//! Tool servers through the real gateway: what may cross does, what may not leaves no byte on the other side's socket,
//! and nobody suffers for what somebody else did wrong.

mod agent;
mod asked;
mod bad_messages;
mod bad_servers;
mod bridges;
mod compression;
mod disclosure;
mod disclosure_cost;
mod healing;
mod house;
mod lists;
mod matrix;
mod redaction;
mod sessions;
mod tool_server;
