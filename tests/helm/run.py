#!/usr/bin/env python3
"""Tests of the chart: rendered by real Helm, held against Kubernetes' schemas, the chart's own promises and the real gateway.

SALLYPORT_BIN names the gateway. UPDATE_EXPECT=1 writes golden renders, plain manifests and the README's table anew. A word as
argument runs only the cases that have it in their name. Ends with 1 if anything failed, and names it.
"""

import copy
import difflib
import functools
import importlib.util
import os
import re
import sys
import tempfile
from pathlib import Path

import helm_python
import jsonschema
import kubernetes_validate.utils as kubernetes
import referencing
import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CHART = ROOT / "helm/sallyport"
sys.path.insert(0, str(HERE))

import gateway
import lock
import objects as rules
import pages
import served

# Kubernetes' versions that objects are held against, if they are not older than the case allows.
VERSIONS = ["1.25", "1.28", "1.30", "1.33", "1.35", "1.37"]
UPDATE = os.environ.get("UPDATE_EXPECT") == "1"


def made_by_script():
    spec = importlib.util.spec_from_file_location("render", ROOT / "scripts/render-kubernetes.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def over(base, more):
    """`more` laid over `base`, as Helm lays values over each other."""
    out = copy.deepcopy(base)
    for key, value in more.items():
        both = isinstance(out.get(key), dict) and isinstance(value, dict)
        out[key] = over(out[key], value) if both else copy.deepcopy(value)
    return out


class Case:
    """One line of the table of renders."""

    def __init__(self, typed, bases):
        self.name = typed["name"]
        self.chart = typed.get("chart", "sallyport")
        base = yaml.safe_load((ROOT / typed["file"]).read_text()) if "file" in typed else bases.get(typed.get("base"), {})
        self.typed = over(base, typed.get("values", {}))
        self.values = {"sallyport": self.typed} if self.chart == "agent" else self.typed
        self.release = typed.get("release", "gw")
        self.since = typed.get("since", "1.30")
        self.golden, self.tests, self.no_user = (typed.get(key, False) for key in ("golden", "tests", "no_user"))
        self.expect, self.absent, self.notes, self.needs = (typed.get(key, []) for key in ("expect", "absent", "notes", "needs"))
        self.env = typed.get("env", {})
        self.operators_port = self.values_of("operators").get("port", 9090)

    def values_of(self, key):
        return self.typed.get(key) or {}

    def without(self, key):
        return self.typed.get(key) == {}

    def existing(self):
        """Names of ConfigMaps that are somebody else's."""
        named = {self.values_of("policies").get("existingConfigMap"), self.values_of("keys").get("existingConfigMap")}
        return named | {one.get("configMap", {}).get("name") for one in self.typed.get("extraVolumes", [])}

    def config(self, objects):
        text = next(one["data"]["sallyport.yaml"] for one in objects if "sallyport.yaml" in one.get("data", {}))
        return yaml.safe_load(text)

    def config_text_folder(self):
        """Where policies stand within their volume."""
        policies = self.values_of("policies")
        git = "current/" if policies.get("gitSync", {}).get("enabled") else ""
        return git + policies.get("folder", "")


@functools.cache
def validator(version, kind, api):
    """Kubernetes' strict schema of a kind, in a version."""
    folder = f"kubernetes-json-schema/v{version}.0-local-strict"
    schema = kubernetes.schema_contents(f"{folder}/{kind}-{api}.json", version)
    known = [referencing.Resource.from_contents(one) for one in (schema, definitions(version))]
    return jsonschema.Draft202012Validator(schema, registry=known @ referencing.Registry())


@functools.cache
def definitions(version):
    return kubernetes.schema_contents(f"kubernetes-json-schema/v{version}.0-local-strict/_definitions.json", version)


def versions_of(one, since="1.25"):
    """What Kubernetes' schemas say against an object."""
    if one["kind"] in rules.CUSTOM or one["apiVersion"].startswith("kustomize"):
        return
    api = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", one["apiVersion"])
    for version in VERSIONS:
        if tuple(map(int, version.split("."))) < tuple(map(int, since.split("."))):
            continue
        for error in validator(version, one["kind"].lower(), api).iter_errors(one):
            at = ".".join(map(str, error.absolute_path))
            yield f"Kubernetes {version}: {rules.called(one)}: {at}: {error.message[:300]}"


class Tests:
    """The charts, and what failed so far."""

    def __init__(self, folder, only):
        self.render = made_by_script()
        self.only = only
        self.agent = self.render.agent_chart(folder)
        self.charts = {"sallyport": helm_python.Chart.load(CHART), "agent": helm_python.Chart.load(self.agent)}
        self.binary = os.environ.get("SALLYPORT_BIN")
        self.table = yaml.safe_load((HERE / "cases.yaml").read_text())
        self.ran, self.failed = 0, []

    def check(self, name, said):
        """Runs one test: nothing said is a pass."""
        if self.only and self.only not in name:
            return
        self.ran += 1
        try:
            wrong = list(said())
        except Exception as error:  # One broken test must not hide the others.
            wrong = [f"{type(error).__name__}: {error}"]
        if wrong:
            self.failed.append(name)
            print(f"FAILED {name}")
            for one in wrong:
                print("  " + str(one).replace("\n", "\n  "))

    def lint(self, path, values):
        report = helm_python.lint(path, values, strict=True, with_subcharts=True)
        return [m["error"] for m in report["messages"] if m["severity"] > 1] + report["errors"]

    def case(self, case):
        missing = [path for path in case.needs if not (CHART / path).exists()]
        if missing:
            yield f"the chart has no {', '.join(missing)}: write it under deploy/, then run scripts/render-kubernetes.sh"
            return
        rendered = self.charts[case.chart].render(case.values, name=case.release, namespace="here")
        texts = list(self.render.documents(rendered))
        objects = [yaml.safe_load(text) for text in texts]
        kinds = {one["kind"] for one in objects}
        yield from (f"there is no {kind}" for kind in case.expect if kind not in kinds)
        yield from (f"there is a {kind}" for kind in case.absent if kind in kinds)
        notes = next(text for path, text in rendered.items() if path.endswith("sallyport/templates/NOTES.txt"))
        yield from (f"NOTES do not say `{words}`" for words in case.notes if words not in notes)
        for one in objects:
            yield from versions_of(one, case.since)
        yield from rules.wrong(objects, case)
        yield from gateway.wrong(self.binary, objects, case)
        if case.golden:
            yield from golden(HERE / f"golden/{case.name}.yaml", "---\n".join(texts))

    def refused(self, values, says):
        try:
            self.charts["sallyport"].validate_schema(values)
            self.charts["sallyport"].render(values, name="gw", namespace="here")
        except helm_python.HelmError as error:
            yield from (f"`{words}` is not in: {error}" for words in says if words not in str(error))
            return
        yield "it was taken"

    def judge(self, values):
        """What the chart says against values of a page."""
        base = self.table["base"]["sidecar" if values.get("mode") == "sidecar" or "sidecar" in values else "plain"]
        try:
            self.charts["sallyport"].render(over(base, values), name="gw", namespace="here")
        except helm_python.HelmError as error:
            yield str(error)

    def described(self):
        """Each value has a sentence and a place in the schema, and the schema knows no more."""
        schema, values = self.charts["sallyport"].schema, self.charts["sallyport"].values
        told = {path for path, _ in self.render.described((CHART / "values.yaml").read_text().splitlines())}

        def walk(values, schema, path):
            known = schema.get("properties", {})
            if schema.get("additionalProperties") is not False or path in told:
                if path not in told:
                    yield f"{path} has no sentence in values.yaml"
                return
            yield from (f"{path}.{key} is in the schema only" for key in sorted(set(known) - set(values)))
            for key, value in values.items():
                here = f"{path}.{key}".strip(".")
                if key not in known:
                    yield f"{here} is not in the schema"
                elif isinstance(value, dict) and here not in told:
                    ref = known[key]
                    yield from walk(value, ref, here)
                elif here not in told:
                    yield f"{here} has no sentence in values.yaml"

        yield from walk(values, schema, "")

    def stale(self):
        if UPDATE:
            self.render.write()
        for path in self.render.stale():
            yield f"{path.relative_to(ROOT)} is stale: run scripts/render-kubernetes.sh"

    def plain(self):
        """Plain manifests hold against every version that they can."""
        for path in sorted((ROOT / "deploy/kubernetes").rglob("*.yaml")):
            one = yaml.safe_load(path.read_text())
            if "Helm" in path.read_text().replace("without Helm", ""):
                yield f"{path.name} speaks of Helm"
            yield from (f"{path.name}: {said}" for said in versions_of(one, "1.30"))
        for folder in ("sidecar", "ingress"):
            here = ROOT / "deploy/kubernetes" / folder
            listed = yaml.safe_load((here / "kustomization.yaml").read_text())["resources"]
            files = {path.name for path in here.glob("*.yaml")} - {"kustomization.yaml"}
            if set(listed) != files:
                yield f"{folder}/kustomization.yaml lists {sorted(set(listed) ^ files)} otherwise"

    def restarts(self):
        """A changed configuration starts pods anew; changed policies and keys do not."""

        def mark(**more):
            values = over(self.table["base"]["plain"], more)
            for text in self.render.documents(self.charts["sallyport"].render(values, name="gw", namespace="here")):
                one = yaml.safe_load(text)
                if one["kind"] == "Deployment":
                    return one["spec"]["template"]["metadata"]["annotations"]["sallyport/config"]

        before = mark()
        entry = {"name": "a", "team": "b", "agent": "c", "sha256": "0" * 64}
        if mark(policies={"files": {"a.rego": "package sallyport.org"}}) != before or mark(keys={"entries": [entry]}) != before:
            yield "a changed policy or key restarts pods"
        if mark(config={"limits": {"body": "1MiB"}}) == before:
            yield "a changed configuration restarts nothing"

    def all(self):
        if not self.binary:
            self.check("gateway", lambda: ["SALLYPORT_BIN names no gateway; it is asked about each configuration"])
            return
        self.check("lint", lambda: self.lint(CHART, {}))
        self.check("lint agent", lambda: self.lint(self.agent, {}))
        for shape, base in self.table["base"].items():
            self.check(f"lint {shape}", lambda base=base: self.lint(CHART, base))
        self.check("every value is described", self.described)
        self.check("what is made from the chart is in order", self.stale)
        self.check("plain manifests", self.plain)
        self.check("restarts", self.restarts)
        for typed in self.table["renders"]:
            case = Case(typed, self.table["base"])
            self.check(f"renders {case.name}", lambda case=case: self.case(case))
        for at, typed in enumerate(self.table["wrong"]):
            values = over(self.table["base"].get(typed.get("base"), {}), typed["values"])
            self.check(f"refuses {at}: {typed['values']}", lambda v=values, t=typed: self.refused(v, t["says"]))
        for name in ("company", "agent"):
            self.check(f"served {name}", lambda name=name: self.served(name))
        self.check("lock", self.lock)
        allow = [{"cidr": f"{lock.WORLD[4]}/32", "port": 5432}]
        self.check("lock with ways out", lambda: self.lock(dns=True, allow=allow))
        self.check("goldens are all used", self.unused)
        self.check("pages", lambda: pages.wrong(ROOT, self.judge, versions_of, helm_python.parse_set_string))

    def served(self, name):
        """The gateway runs on what a case renders."""
        case = Case(next(typed for typed in self.table["renders"] if typed["name"] == name), self.table["base"])
        rendered = self.charts[case.chart].render(case.values, name=case.release, namespace="here")
        yield from served.wrong(self.binary, [yaml.safe_load(text) for text in self.render.documents(rendered)], case)

    def lock(self, **more):
        """The rules of the lock, in a network of their own."""
        values = over(self.table["base"]["sidecar"], {"sidecar": {"lock": {"enabled": True, "image": "nft:1", **more}}})
        rendered = self.charts["sallyport"].render(values, name="gw", namespace="here")
        for one in map(yaml.safe_load, self.render.documents(rendered)):
            if "lock.nft" in one.get("data", {}):
                yield from lock.wrong(one["data"]["lock.nft"], more.get("dns", False), "allow" in more)
                return
        yield "there are no rules"

    def unused(self):
        names = {typed["name"] for typed in self.table["renders"] if typed.get("golden")}
        for path in (HERE / "golden").glob("*"):
            if path.stem not in names:
                yield f"golden/{path.name} belongs to no case"


def golden(path, text):
    """A render that is kept, so that changes are seen."""
    if UPDATE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    kept = path.read_text() if path.exists() else ""
    if kept != text:
        lines = difflib.unified_diff(kept.splitlines(), text.splitlines(), "kept", "rendered", lineterm="", n=1)
        yield "the render has changed (UPDATE_EXPECT=1 keeps it):\n" + "\n".join(list(lines)[:60])


def main():
    with tempfile.TemporaryDirectory() as folder:
        tests = Tests(Path(folder), sys.argv[1] if len(sys.argv) > 1 else "")
        tests.all()
    print(f"{tests.ran} tests, {len(tests.failed)} failed")
    sys.exit(1 if tests.failed or not tests.ran else 0)


if __name__ == "__main__":
    main()
