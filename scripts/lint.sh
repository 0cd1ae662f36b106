#!/usr/bin/env bash
# Refuses unformatted code and any warning of clippy or of the documentation.
. "$(dirname "$0")/lib.sh"

scripts/setup.sh build
use_toolchain
step "Format"
scripts/fmt.sh --check
step "Clippy"
cargo clippy --workspace --all-targets --locked -- -D warnings
step "Documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked --quiet
if cargo deny --version >/dev/null 2>&1; then
    step "Licences and bans"
    cargo deny --offline check licenses bans sources
else
    note "cargo-deny is not installed: licences, bans and sources go unchecked (cargo install cargo-deny --locked)."
fi
