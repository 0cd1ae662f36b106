#!/usr/bin/env bash
# Builds what is released: the binary, stripped, in an archive with its papers; and its symbols, apart.
. "$(dirname "$0")/lib.sh"

scripts/setup.sh build
use_toolchain
case "$(uname -m)" in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; *) fail "Releases are for amd64 and arm64; not $(uname -m)." ;; esac
step "Building, optimised"
cargo build --release --locked -p sallyport --bin sallyport
dist=target/dist stripped="$CARGO_TARGET_DIR/stripped"
rm -rf "$dist" "$stripped"
mkdir -p "$dist"
scripts/strip.sh "$CARGO_TARGET_DIR/release/sallyport" "$stripped"
cp LICENSE README.md SECURITY.md deploy/systemd/sallyport.service "$stripped/"
# The same files give the same archive.
pack() { tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$(git log -1 --format=%ct)" -C "$stripped" -cf - "${@:2}" | gzip -9n >"$dist/$1"; }
pack "sallyport-$arch.tar.gz" sallyport LICENSE README.md SECURITY.md sallyport.service
pack "sallyport-$arch.debug.tar.gz" sallyport.debug
note "$(cd "$dist" && sha256sum ./*)"
