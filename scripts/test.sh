#!/usr/bin/env bash
# Runs every test: documentation examples, fuzz corpora, sample policies, then the workspace's tests.
# With words after the script's name, such as a part of a test's name, only what `cargo nextest run` makes of them.
. "$(dirname "$0")/lib.sh"

scripts/setup.sh build test
export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
use_toolchain
profile=default
[ -z "${CI:-}" ] || profile=ci
if [ $# -gt 0 ]; then
    exec cargo nextest run --workspace --locked --profile "$profile" "$@"
fi

step "Building everything (cold: about fifteen minutes on two cores)"
cargo nextest run --workspace --locked --no-run

step "Examples in the documentation"
cargo test --workspace --doc --locked --quiet

step "Inputs kept for fuzzing"
lock_fuzz
cargo test --manifest-path fuzz/Cargo.toml --test replay

step "Tests of the sample policies"
while IFS= read -r folder; do
    note "$folder"
    "$CARGO_TARGET_DIR/debug/sallyport" policy test "$folder"
done < <(find . \( -name target -o -name node_modules -o -name corpus \) -prune -o -name '*_test.rego' -printf '%h\n' | sort -u)

step "All other tests"
cargo nextest run --workspace --locked --profile "$profile"
