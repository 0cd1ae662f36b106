#!/usr/bin/env python3
"""The bill of materials: valid by CycloneDX's own schema, complete by cargo's own tree, the same each time. Needs requirements.txt."""

import json
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from stage import gateway, schemas, told

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
CARRIED = {"llama.cpp", "zlib-ng", "zstd"}


def made(where):
    where.mkdir()
    subprocess.run([REPOSITORY / "scripts/sbom.sh", where], check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return (where / "sallyport.cdx.json").read_text(), (where / "THIRD-PARTY-LICENSES.txt").read_text()


def tree():
    """What cargo says is linked, as name@version; procedural macros are marked by it and left out with all below them."""
    words = ["cargo", "tree", "--package", "sallyport", "--edges", "normal,no-proc-macro", "--prefix", "none", "--locked", "--offline", "--format", "{p}"]
    said = subprocess.run(words, check=True, capture_output=True, text=True, cwd=REPOSITORY).stdout
    return {"@".join(re.match(r"(\S+) v(\S+)", line).groups()) for line in said.splitlines() if line.strip()}


def main():
    with gateway.folder() as folder:
        text, licences = made(pathlib.Path(folder) / "first")
        told.check((text, licences) == made(pathlib.Path(folder) / "again"), "the same sources give the same bytes")
    bill = json.loads(text)
    validator = schemas.cyclonedx("1.6")
    wrong = schemas.complaints(validator, bill)
    told.check(not wrong, "valid CycloneDX 1.6", f"{wrong[:3]}")
    told.check(schemas.complaints(validator, {**bill, "components": [{"name": "x"}]}), "the schema can refuse")
    listed = {f"{each['name']}@{each['version']}" for each in bill["components"] if each["type"] == "library"} | {"sallyport@" + bill["metadata"]["component"]["version"]}
    linked = tree()
    told.check(listed == linked, f"it lists the {len(linked)} crates that cargo links, and no other", f"missing {sorted(linked - listed)[:8]}, too many {sorted(listed - linked)[:8]}")
    bare = [each["name"] for each in bill["components"] if not each.get("licenses")]
    told.check(not bare, "each has a licence", f"{bare}")
    inner = {part["name"] for each in bill["components"] for part in each.get("components", [])}
    told.check(inner == CARRIED, "the C and C++ that crates carry is named", f"{inner}")
    models = [each for each in bill["components"] if each["type"] == "machine-learning-model"]
    told.check(len(models) == 2 and all(each["hashes"] for each in models), "the models are named, with their digests")
    registry = [each for each in bill["components"] if each["type"] == "library" and not each["name"].startswith("sallyport")]
    told.check(all(each.get("hashes") for each in registry), "each crate has its checksum", f"{[each['name'] for each in registry if not each.get('hashes')][:5]}")
    unsaid = [each["name"] for each in registry if f"{each['name']} {each['version']} (" not in licences]
    told.check(not unsaid, "each crate is in THIRD-PARTY-LICENSES.txt", f"{unsaid[:8]}")
    for words in ("The ggml authors", "Facebook", "Apache License"):
        told.check(words in licences, f"the licences name: {words}")
    told.end()


main()
