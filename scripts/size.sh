#!/usr/bin/env bash
# Measures a gateway as it is deployed: binary, image, start until ready, idle memory, with and without the firewall's model.
# size.sh [BINARY]: the release build unless given. `--json` prints one object instead of the table.
. "$(dirname "$0")/lib.sh"

json=
[ "${1:-}" != --json ] || { json=--json; shift; }
exec env SALLYPORT_BIN="${1:-$CARGO_TARGET_DIR/release/sallyport}" python3 scripts/size.py $json
