//! The log, from the outside: what it keeps, what it survives, and what it notices.

mod keeping;
mod shared;
