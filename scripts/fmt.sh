#!/usr/bin/env bash
# Formats all Rust code. `--check` only says what is not formatted.
. "$(dirname "$0")/lib.sh"

use_toolchain
cargo fmt --all "$@"
cargo fmt --all --manifest-path fuzz/Cargo.toml "$@"
