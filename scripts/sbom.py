#!/usr/bin/env python3
"""Reads metadata.json and tree.txt, as cargo wrote them (sbom.sh); writes sallyport.cdx.json (CycloneDX 1.6) and
THIRD-PARTY-LICENSES.txt beside them.

What is listed is what the package `sallyport` links: its normal dependencies and theirs, on one platform. What only builds or
tests it is not. The same sources give the same bytes: there is no time in it, and its serial number is made from its content."""

import collections
import hashlib
import json
import pathlib
import sys
import tomllib
import uuid

ROOT = "sallyport"
REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
MODEL = REPOSITORY / "models/firewall"
# C and C++ sources that crates carry: name, licence, where its text lies in the crate.
CARRIED = {
    "llama-cpp-sys-2": ("llama.cpp", "MIT", "llama.cpp/LICENSE"),
    "libz-ng-sys": ("zlib-ng", "Zlib", "src/zlib-ng/LICENSE.md"),
    "zstd-sys": ("zstd", "BSD-3-Clause", "zstd/LICENSE"),
}
LICENCE_FILES = ("license", "licence", "copying", "notice", "unlicense")


def linked(metadata, tree):
    """Packages by id, and what each needs, reached from the binary by normal dependencies that `tree` has, too."""
    built = {tuple(line.split()[:2]) for line in tree.splitlines() if line.strip()}
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    root = next(package["id"] for package in packages.values() if package["name"] == ROOT)
    needs, waiting = {}, [root]
    while waiting:
        here = waiting.pop()
        if here in needs:
            continue
        normal = [dep["pkg"] for dep in nodes[here]["deps"] if any(kind["kind"] is None for kind in dep["dep_kinds"])]
        # A procedural macro runs in the compiler: it and what it needs are not in the binary.
        there = lambda dep: (packages[dep]["name"], f"v{packages[dep]['version']}") in built
        needs[here] = [dep for dep in normal if not is_macro(packages[dep]) and there(dep)]
        waiting += needs[here]
    return packages, root, needs


def is_macro(package):
    return any("proc-macro" in target["kind"] for target in package["targets"])


def expression(package):
    """The licence as SPDX has it; old manifests write `/` for OR."""
    return (package["license"] or "").replace("/", " OR ")


def checksums():
    lock = tomllib.loads((REPOSITORY / "Cargo.lock").read_text())
    return {(package["name"], package["version"]): package.get("checksum") for package in lock["package"]}


def reference(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package, sums):
    made = {
        "type": "application" if package["name"] == ROOT else "library",
        "bom-ref": reference(package),
        "name": package["name"],
        "version": package["version"],
        "purl": reference(package),
    }
    if package["description"]:
        made["description"] = " ".join(package["description"].split())
    if expression(package):
        made["licenses"] = [{"expression": expression(package)}]
    if sums.get((package["name"], package["version"])):
        made["hashes"] = [{"alg": "SHA-256", "content": sums[package["name"], package["version"]]}]
    if package["repository"] and package["repository"].startswith("https://"):
        made["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    if package["name"] in CARRIED:
        name, licence, _ = CARRIED[package["name"]]
        made["components"] = [{"type": "library", "bom-ref": f"{reference(package)}#{name}", "name": name, "licenses": [{"expression": licence}]}]
    return made


def models():
    """The firewall's models, which the binary carries."""
    for file in ("sallyport-firewall.gguf", "ngram.bin"):
        digest = hashlib.sha256((MODEL / file).read_bytes()).hexdigest()
        yield {
            "type": "machine-learning-model",
            "bom-ref": f"model:{file}",
            "name": file,
            "hashes": [{"alg": "SHA-256", "content": digest}],
            "licenses": [{"expression": "Apache-2.0"}],
        }


def bill(packages, root, needs, target):
    sums = checksums()
    others = sorted((packages[each] for each in needs if each != root), key=reference)
    own = component(packages[root], sums)
    weights = list(models())
    graph = [{"ref": reference(packages[each]), "dependsOn": sorted(reference(packages[need]) for need in needs[each])} for each in sorted(needs)]
    for entry in graph:
        if entry["ref"] == own["bom-ref"]:
            entry["dependsOn"] += [each["bom-ref"] for each in weights]
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": own,
            "properties": [{"name": "sallyport:target", "value": target}],
            "lifecycles": [{"phase": "build"}],
        },
        "components": [component(package, sums) for package in others] + weights,
        "dependencies": sorted(graph, key=lambda entry: entry["ref"]),
    }
    content = json.dumps(document, sort_keys=True)
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}"
    return document


def texts(package):
    """The licence texts that a crate brings along."""
    folder = pathlib.Path(package["manifest_path"]).parent
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name.lower().startswith(LICENCE_FILES)]
    if package["name"] in CARRIED:
        files.append(folder / CARRIED[package["name"]][2])
    return [path.read_text(errors="replace").strip() for path in files if path.is_file()]


def licences(packages, root, needs):
    """One text for all: who brings a text stands above it, and each text stands once."""
    by_text, silent = collections.defaultdict(list), []
    for package in sorted((packages[each] for each in needs), key=reference):
        if package["source"] is None:
            continue
        title = f"{package['name']} {package['version']} ({expression(package)})"
        found = texts(package)
        for text in found:
            by_text[text].append(title)
        if not found:
            silent.append(f"{title} {package['repository'] or ''}".strip())
    out = ["Sallyport contains the work of others, under these licences.", ""]
    for text, titles in sorted(by_text.items(), key=lambda each: each[1]):
        out += ["=" * 80, *titles, "-" * 80, text, ""]
    if silent:
        out += ["=" * 80, "These bring no text of their own; their licence is named here:", "-" * 80, *silent, ""]
    return "\n".join(out)


def main():
    target, out = sys.argv[1], pathlib.Path(sys.argv[2])
    packages, root, needs = linked(json.loads((out / "metadata.json").read_text()), (out / "tree.txt").read_text())
    document = bill(packages, root, needs, target)
    (out / "sallyport.cdx.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    (out / "THIRD-PARTY-LICENSES.txt").write_text(licences(packages, root, needs))
    print(f"{len(document['components'])} components: {out}/sallyport.cdx.json, {out}/THIRD-PARTY-LICENSES.txt")


main()
