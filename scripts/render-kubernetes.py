#!/usr/bin/env python3
"""Writes what is made from the chart: plain manifests in deploy/kubernetes/, the table of values in the chart's README, and
the chart's copies of the dashboard and the alerts. scripts/render-kubernetes.sh runs it with what it needs.

With `--check` nothing is written; what is stale is named, and the exit code is 1.
"""

import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

import helm_python
import yaml

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "helm/sallyport"
AGENT = ROOT / "helm/examples/agent"
COMPANY = ROOT / "helm/examples/company/values.yaml"
PLAIN = ROOT / "deploy/kubernetes"
README = CHART / "README.md"

# What the chart carries a copy of: it must work when it is packaged.
COPIES = {
    "deploy/grafana/sallyport.json": "files/sallyport.json",
    "deploy/prometheus/alerts.yaml": "files/alerts.yaml",
}
MADE = "# Made from the chart by scripts/render-kubernetes.sh.\n"
BEGIN, END = "<!-- The table is made from values.yaml by scripts/render-kubernetes.sh. -->\n", "<!-- End of the table. -->\n"


def agent_chart(into):
    """A copy of the example chart with the chart that it depends on, put there by `helm dependency build`."""
    left_out = shutil.ignore_patterns("charts", "Chart.lock")
    for chart in (AGENT, CHART):
        shutil.copytree(chart, into / chart.relative_to(ROOT), ignore=left_out)
    copy = into / AGENT.relative_to(ROOT)
    helm_python.dependency_build(copy)
    return copy


def documents(rendered):
    """Each object that was rendered, as text."""
    for path, text in sorted(rendered.items()):
        if path.endswith("NOTES.txt"):
            continue
        for part in re.split(r"^---\s*$", text, flags=re.M):
            if yaml.safe_load(part):
                yield part.strip() + "\n"


def plain(text):
    """Without what only Helm would know."""
    text = re.sub(r"^ *helm\.sh/chart: .*\n", "", text, flags=re.M)
    return text.replace("app.kubernetes.io/managed-by: Helm", "app.kubernetes.io/managed-by: kubectl")


def manifests(folder, rendered):
    """Files of plain manifests, one for each object, and a kustomization of all."""
    files = {}
    for text in documents(rendered):
        one = yaml.safe_load(text)
        name = f"{one['kind'].lower()}-{one['metadata']['name']}.yaml"
        files[folder / name] = MADE + plain(text)
    resources = "".join(f"  - {path.name}\n" for path in sorted(files))
    image = "images:\n  - name: ghcr.io/sallyport/sallyport\n    newName: ghcr.io/sallyport/sallyport # where you pushed it\n"
    files[folder / "kustomization.yaml"] = (
        f"{MADE}apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n{image}resources:\n{resources}"
    )
    return files


def ingress():
    values = yaml.safe_load(COMPANY.read_text())
    # A cluster without the Prometheus operator knows no ServiceMonitor.
    values["serviceMonitor"] = {"enabled": False}
    values["fullnameOverride"] = "sallyport"
    with helm_python.Chart.load(CHART) as chart:
        return manifests(PLAIN / "ingress", chart.render(values, name="sallyport", namespace="sallyport"))


def sidecar():
    with tempfile.TemporaryDirectory() as folder, helm_python.Chart.load(agent_chart(Path(folder))) as chart:
        return manifests(PLAIN / "sidecar", chart.render(name="agent", namespace="agents"))


def described(lines):
    """(path, description) of each value that has a comment with two dashes."""
    path, told, rows = [], [], []
    for line in lines:
        stripped = line.strip()
        if stripped.startswith("#"):
            told = [stripped[4:].strip()] if stripped.startswith("# -- ") else told + [stripped[1:].strip()] if told else []
            continue
        key = re.match(r"^( *)([A-Za-z]\w*):(.*)$", line)
        if not key or stripped.startswith("- "):
            told = []
            continue
        depth = len(key[1]) // 2
        path = path[:depth] + [key[2]]
        if told:
            rows.append((".".join(path), " ".join(told)))
        told = []
    return rows


def value_at(values, path):
    for step in path.split("."):
        values = values[step]
    return values


def shown(value):
    """A default as it stands in the table."""
    text = json.dumps(value, ensure_ascii=False)
    return f"`{text}`" if len(text) <= 60 else "see values.yaml"


def table():
    """The table of all values."""
    text = (CHART / "values.yaml").read_text()
    values = yaml.safe_load(text)
    rows = [
        f"| `{path}` | {shown(value_at(values, path))} | {told.replace('|', chr(92) + '|')} |\n"
        for path, told in described(text.splitlines())
    ]
    return "| value | default | |\n|---|---|---|\n" + "".join(rows)


def readme():
    text = README.read_text()
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return {README: f"{before}{BEGIN}\n{table()}\n{END}{after}"}


def copies():
    return {CHART / to: (ROOT / come).read_text() for come, to in COPIES.items() if (ROOT / come).exists()}


def outputs():
    """Every file that is made, with its text. Copies first: the chart is rendered with them."""
    return {**copies(), **readme(), **ingress(), **sidecar()}


def stale():
    """What is made otherwise, or is no longer made."""
    made = outputs()
    wrong = [path for path, text in made.items() if not path.exists() or path.read_text() != text]
    kept = {PLAIN / "README.md"}
    return wrong + [path for path in sorted(PLAIN.rglob("*.*")) if path not in made and path not in kept]


def write():
    for path, text in copies().items():
        path.write_text(text)
    made = outputs()
    for path in stale():
        if path not in made:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made[path])


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        found = stale()
        for path in found:
            print(f"{path.relative_to(ROOT)} is stale: run scripts/render-kubernetes.sh")
        sys.exit(1 if found else 0)
    write()
