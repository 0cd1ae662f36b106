//! The policy folder: loaded, watched, last good kept.
