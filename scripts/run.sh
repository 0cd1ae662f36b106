#!/usr/bin/env bash
# Builds Sallyport and shows the demo. Words after the script's name go to `sallyport demo`.
. "$(dirname "$0")/lib.sh"

scripts/setup.sh build
use_toolchain
profile=dev folder=debug
[ -z "${RELEASE:-}" ] || profile=release folder=release
step "Building Sallyport (the first time takes some minutes)"
# The whole workspace's features, so that `make test` finds the same builds.
cargo build --workspace --bin sallyport --profile "$profile" --locked
step "Starting the demo"
exec "$CARGO_TARGET_DIR/$folder/sallyport" demo "$@"
