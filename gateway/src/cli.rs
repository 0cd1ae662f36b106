//! What is typed, and what it starts.
