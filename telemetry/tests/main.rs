//! Telemetry against collectors in this process, good ones and bad ones.

#![expect(clippy::panic, reason = "a test says what is wrong by panicking")]

mod conventions;
mod cost;
mod counts;
mod hostile;
mod logs;
mod metrics;
mod receiver;
mod sample;
mod secure;
mod settings;
mod spans;
