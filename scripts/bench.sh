#!/usr/bin/env bash
# Measures Sallyport beside nginx and direct calls, and prints the table. Words after the name go to the harness.
. "$(dirname "$0")/lib.sh"

scripts/setup.sh build bench
use_toolchain
step "Building, optimised"
cargo build --release --locked -p sallyport
step "Measuring under load (five minutes; one with --quick)"
cargo run --release --locked -p sallyport-bench -- load "$@"
step "Measuring tool servers (a minute; less than half of it with --quick)"
cargo run --release --locked -p sallyport-bench -- mcp "$@"
step "Measuring what it costs to be watched (a minute)"
cargo run --release --locked -p sallyport-bench -- watch "$@"
step "Measuring size, start and memory at rest"
scripts/size.sh "$CARGO_TARGET_DIR/release/sallyport"
step "Measuring what judging costs by itself"
cargo bench --locked -p sallyport-bench --bench judge
cargo bench --locked -p sallyport-bench --bench mcp
cargo bench --locked -p sallyport-policy --bench decide
step "Measuring the firewall (two minutes)"
cargo bench --locked -p sallyport-bench --bench firewall
step "Measuring compression (a few minutes; needs SALLYPORT_COMPRESSION_DATA)"
cargo bench --locked -p sallyport-bench-compress
