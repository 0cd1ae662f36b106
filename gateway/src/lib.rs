//! The gateway: the only crate that knows sockets, files and clocks.

pub mod audit;
pub mod authorization;
pub mod cli;
pub mod compression;
pub mod config;
pub mod decisions;
pub mod demo;
pub mod edge;
pub mod firewall;
pub mod identity;
pub mod mcp;
pub mod observers;
pub mod operators;
pub mod policies;

pub mod route;
pub mod server;
pub mod state;
mod telemetry;
pub mod tls;
