//! Listeners, signals and shutdown.
