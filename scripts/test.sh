#!/usr/bin/env bash
# Runs every test: documentation examples, fuzz corpora, sample policies, then the workspace's tests.
# Words after the script's name go to `cargo nextest run`, such as a part of a test's name.
. "$(dirname "$0")/lib.sh"

scripts/setup.sh build test
export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
use_toolchain
profile=default
[ -z "${CI:-}" ] || profile=ci

step "Building everything (cold: about fifteen minutes on two cores)"
cargo nextest run --workspace --locked --no-run

step "Examples in the documentation"
cargo test --workspace --doc --locked --quiet

step "Inputs that fuzzing found"
lock_fuzz
cargo test --manifest-path fuzz/Cargo.toml --test replay

step "Tests of the sample policies"
while IFS= read -r folder; do
    note "$folder"
    "$CARGO_TARGET_DIR/debug/sallyport" policy test "$folder"
done < <(find . -path ./target -prune -o -name '*_test.rego' -printf '%h\n' | sort -u)

step "All other tests"
cargo nextest run --workspace --locked --profile "$profile" "$@"
