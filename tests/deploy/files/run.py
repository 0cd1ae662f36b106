#!/usr/bin/env python3
"""The files for deploying, read by parsers that know their schemas, and held against each other. Needs requirements.txt."""

import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from stage import gateway, schemas, told

import yaml

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
DEPLOY = REPOSITORY / "deploy"


def read(path):
    return yaml.safe_load((REPOSITORY / path).read_text())


def by_schema():
    workflows = sorted((REPOSITORY / ".github/workflows").glob("*.yml"))
    for schema, files in (("github-workflows", workflows), ("compose-spec", [DEPLOY / "compose.yaml"])):
        validator = schemas.vendored(schema)
        for file in files:
            # YAML reads the key `on` as true; JSON has no such key.
            document = {"on" if key is True else key: value for key, value in yaml.safe_load(file.read_text()).items()}
            wrong = schemas.complaints(validator, document)
            told.check(not wrong, f"{file.name} by the schema {schema}", f"{wrong[:3]}")
        told.check(schemas.complaints(validator, {"jobs": 1, "services": 1}), f"the schema {schema} can refuse")
    for path in sorted(DEPLOY.rglob("*.y*ml")):
        if "kubernetes" not in path.parts:
            told.check(list(yaml.safe_load_all(path.read_text())) != [None], f"{path.relative_to(REPOSITORY)} is YAML")


def steps():
    for path in (REPOSITORY / ".github/workflows").glob("*.yml"):
        for job in yaml.safe_load(path.read_text())["jobs"].values():
            yield from job["steps"]


def workflows():
    uses = [step["uses"] for step in steps() if "uses" in step]
    told.check(all(re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", use) for use in uses), f"{len(uses)} actions are pinned by commit", f"{uses}")
    versions = {}
    for path in (REPOSITORY / ".github/workflows").glob("*.yml"):
        for name, commit, version in re.findall(r"uses: (\S+)@([0-9a-f]{40}) # (v\S+)", path.read_text()):
            versions.setdefault((name, version), set()).add(commit)
    told.check(versions and all(len(commits) == 1 for commits in versions.values()), "one release of an action is one commit everywhere", f"{versions}")
    targets = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(), re.M))
    called = {word for step in steps() for word in re.findall(r"\bmake ([a-z]+)", step.get("run", ""))}
    told.check(called and called <= targets, f"workflows call make targets that there are: {', '.join(sorted(called))}", f"{called - targets}")


def compose():
    services = read("deploy/compose.yaml")["services"]
    for name, service in services.items():
        for volume in service.get("volumes", []):
            source = re.sub(r"\$\{\w+:-(.*?)\}", r"\1", volume).split(":")[0]
            if source.startswith(".") and not source.endswith(".gguf"):
                told.check((DEPLOY / source).exists(), f"{name} mounts {source}, which there is")
        told.check(all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), f"{name} publishes to this machine alone")
        told.check(service["cap_drop"] == ["ALL"], f"{name} has no capabilities")
    told.check(not set(services["model"]["networks"]) & {"agents", "watch"}, "only the gateway reaches the model")
    done = subprocess.run([gateway.binary(), "check", "--config", DEPLOY / "compose/sallyport.yaml"], capture_output=True, text=True)
    told.check(done.returncode == 0, "the gateway takes the configuration of compose.yaml", done.stderr)
    config = read("deploy/compose/sallyport.yaml")
    scraped = read("deploy/prometheus/prometheus.yml")["scrape_configs"][0]["static_configs"][0]["targets"]
    told.check([target.split(":")[0] for target in scraped] == config["operators"]["hosts"] == ["sallyport"], "Prometheus calls the gateway by a name that it answers to")
    told.check(services["sallyport"]["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector:4318", "the gateway sends to the collector")
    boards = read("deploy/compose/grafana/dashboards.yaml")["providers"][0]["options"]["path"]
    told.check(f"./grafana:{boards}:ro" in services["grafana"]["volumes"], "Grafana finds the dashboard")
    source = read("deploy/compose/grafana/datasources.yaml")["datasources"][0]["url"]
    told.check(source == "http://prometheus:9090", "Grafana asks Prometheus")


def pages():
    for page in ("deploy.md", "troubleshooting.md"):
        blocks = re.findall(r"```yaml\n(.*?)```", (REPOSITORY / "docs" / page).read_text(), re.S)
        told.check(all(isinstance(yaml.safe_load(block), dict) for block in blocks), f"{len(blocks)} pieces of YAML in docs/{page} are YAML")
    shown = (REPOSITORY / "docs/deploy.md").read_text()
    for name in re.findall(r"`((?:scripts|deploy|tests)/[\w./-]+)`", shown):
        told.check((REPOSITORY / name).exists(), f"docs/deploy.md names {name}, which there is")


def nginx():
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not pathlib.Path(program).exists():
        told.cannot("there is no nginx (Debian: nginx-light)")
    with gateway.folder() as folder:
        text = f"pid {folder}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{ access_log off; include {DEPLOY}/nginx/sallyport.conf; }}\n"
        path = pathlib.Path(folder) / "nginx.conf"
        path.write_text(text)
        done = subprocess.run([program, "-t", "-p", folder, "-c", path], capture_output=True, text=True)
        told.check(done.returncode == 0, "nginx takes deploy/nginx/sallyport.conf", done.stderr)


by_schema()
workflows()
compose()
pages()
nginx()
told.end()
