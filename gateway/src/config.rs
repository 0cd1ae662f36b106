//! The configuration as written, and as the gateway uses it.
