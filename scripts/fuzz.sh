#!/usr/bin/env bash
# Fuzzes each target, or those that are named, for FUZZ_SECONDS (60). Needs a nightly toolchain.
. "$(dirname "$0")/lib.sh"

use_toolchain
nightly="$(rustup toolchain list 2>/dev/null | awk '/^nightly/ {print $1; exit}')"
if [ -z "$nightly" ]; then
    fail "Fuzzing needs a nightly toolchain, and there is none: nothing was fuzzed." \
        "Install one: rustup toolchain install nightly" "The corpora are replayed by make test, which needs none."
fi
seconds="${FUZZ_SECONDS:-60}"
mapfile -t targets < <(sed -n 's/^name = "\(.*\)"$/\1/p' fuzz/Cargo.toml | grep -v '^sallyport-fuzz$')
[ $# -eq 0 ] || targets=("$@")
# What a fuzzer finds is kept apart from the small corpus in the repository.
found="$CARGO_TARGET_DIR/../fuzz"
export RUSTUP_TOOLCHAIN="$nightly" CARGO_TARGET_DIR="$CARGO_TARGET_DIR/fuzz"
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Zsanitizer=address -Cdebug-assertions"
host="$(rustc -vV | sed -n 's/^host: //p')"

step "Building ${#targets[@]} targets with $nightly"
lock_fuzz
bins=() features=(--no-default-features)
for target in "${targets[@]}"; do
    bins+=(--bin "$target")
    case "$target" in config | unpack) features=() ;; esac # these need the gateway, which takes minutes to build
done
cargo build --manifest-path fuzz/Cargo.toml --release --target "$host" "${features[@]}" --features libfuzzer "${bins[@]}"
failed=()
for target in "${targets[@]}"; do
    step "Fuzzing $target for $seconds seconds"
    mkdir -p "$found/$target" "$found/artifacts"
    "$CARGO_TARGET_DIR/$host/release/$target" "$found/$target" "fuzz/corpus/$target" -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=4096 -max_len=16384 -artifact_prefix="$found/artifacts/$target-" -print_final_stats=1 -print_funcs=0 -verbosity=0 ||
        failed+=("$target")
done
[ ${#failed[@]} -eq 0 ] || fail "These targets found something: ${failed[*]}" "The inputs are in $found/artifacts." \
    "Mend it, then keep the input in fuzz/corpus/TARGET so that make test replays it."
