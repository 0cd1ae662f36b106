//! The log, from the outside: what it keeps, what it survives, and what it notices.

#![allow(clippy::panic, reason = "a test that fails says why")]

mod crowd;
mod damage;
mod fake;
mod faults;
mod keeping;
mod kill;
mod retention;
mod shared;
mod stranger;
