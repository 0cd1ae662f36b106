#!/usr/bin/env bash
# Compiles everything and runs nothing.
. "$(dirname "$0")/lib.sh"

scripts/setup.sh build
use_toolchain
cargo check --workspace --all-targets --locked
