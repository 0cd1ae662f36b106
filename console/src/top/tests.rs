//! The terminal view, tried.
