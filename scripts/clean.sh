#!/usr/bin/env bash
# Removes what was built, here and in the cache.
. "$(dirname "$0")/lib.sh"

use_toolchain
cargo clean
rm -rf "$CARGO_TARGET_DIR" fuzz/target
