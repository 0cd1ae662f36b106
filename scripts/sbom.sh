#!/usr/bin/env bash
# Writes what is built into the binary: a CycloneDX bill of materials, and the licences of others' work. Asks no network.
# `sbom.sh FOLDER` writes elsewhere than target/sbom. SBOM_TARGET is the platform; this machine's unless set.
. "$(dirname "$0")/lib.sh"

use_toolchain
out="${1:-target/sbom}"
target="${SBOM_TARGET:-$(rustc -vV | sed -n 's/^host: //p')}"
# --offline where all crates are here already; a bare machine has to fetch them once.
here() { "$@" --offline 2>/dev/null || "$@"; }
mkdir -p "$out"
# Metadata has the features that the whole workspace asks for; the tree has those that the binary alone asks for.
here cargo metadata --format-version 1 --locked --filter-platform "$target" >"$out/metadata.json"
here cargo tree --package sallyport --edges normal,no-proc-macro --target "$target" --prefix none --locked --format '{p}' >"$out/tree.txt"
python3 scripts/sbom.py "$target" "$out"
rm -f "$out/metadata.json" "$out/tree.txt"
