//! All that is configured, in one immutable value that is swapped whole.
