#!/usr/bin/env bash
# Builds the manuals as a book, into target/book/html. Needs mdBook, which it installs once.
. "$(dirname "$0")/lib.sh"

have python3 || fail "Missing: python3" "apt-get install python3"
export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
if ! have mdbook; then
    use_toolchain
    step "Installing mdBook (built from source: some minutes, once)"
    cargo install mdbook@0.5.4 --locked --no-default-features --features search
fi
python3 scripts/book.py target/book/src
mdbook build
python3 scripts/book.py --check target/book/html
note "target/book/html/index.html"
