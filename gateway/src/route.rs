//! From a path and a model to an upstream.
