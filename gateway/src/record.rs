//! One decision record an exchange, a JSON line each.
