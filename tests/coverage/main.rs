//! The coverage matrix.
