//! Who may look, tried.
