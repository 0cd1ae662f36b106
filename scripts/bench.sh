#!/usr/bin/env bash
# Measures Sallyport beside nginx and direct calls, and prints the table. Words after the name go to the harness.
. "$(dirname "$0")/lib.sh"

scripts/setup.sh build bench
use_toolchain
step "Building, optimised"
cargo build --workspace --release --bins --locked
step "Measuring"
cargo bench --workspace --locked "$@"
