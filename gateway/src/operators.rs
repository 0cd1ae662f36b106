//! The operators' listener: health, readiness, metrics.
