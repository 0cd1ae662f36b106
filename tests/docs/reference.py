"""docs/cli.md and docs/metrics.md, from what the binary says of itself.

    SALLYPORT_BIN=target/debug/sallyport python3 tests/docs/reference.py             are they as the binary says?
    … --update                                                                       writes them anew
"""

import contextlib
import difflib
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TABLE = ROOT / "gateway" / "src" / "operators" / "metrics.rs"
CLI = """# Commands

What `sallyport --help` says of each command. Written by `tests/docs/reference.py --update`, and held against the binary
by a test: change the binary, not this page.

"""
METRICS = """# Metrics

What `/metrics` on the operators' listener tells to Prometheus, under what name. Written by
`tests/docs/reference.py --update`, and held against a running gateway by a test. Which values labels take, and which metrics
to watch, is in [operations.md](operations.md#metrics-and-health). What was never counted is not told.

| metric | type | labels | what it counts |
|---|---|---|---|
"""
CONFIG = """agents: {listen: "127.0.0.1:0"}
operators: {listen: "127.0.0.1:0"}
upstreams: {openai: {url: "http://127.0.0.1:1", speaks: openai}}
policies: policies
"""
START_SECONDS = 60


def sallyport(*words):
    # One width for everybody.
    environment = {**os.environ, "COLUMNS": "100"}
    # By its own name, whatever the file is called that is tested.
    command = ["sallyport", *words]
    binary = os.environ["SALLYPORT_BIN"]
    told = subprocess.run(command, executable=binary, capture_output=True, text=True, check=True, env=environment)
    return re.sub(r" +$", "", told.stdout, flags=re.MULTILINE)


def commands(path=()):
    """Each command with its help, in the order of the help."""
    told = sallyport(*path, "--help")
    yield path, told
    listed = re.search(r"^Commands:\n((?: .*\n)+)", told, re.MULTILINE)
    for name in re.findall(r"^  (\w[\w-]*)", listed[1], re.MULTILINE) if listed else []:
        if name != "help":
            yield from commands((*path, name))


def cli():
    page = CLI
    for path, told in commands():
        depth = "#" * min(len(path) + 1, 4) if path else "##"
        page += f"{depth} `{' '.join(['sallyport', *path])}`\n\n```text\n{told.rstrip()}\n```\n\n"
    return page.rstrip() + "\n"


@contextlib.contextmanager
def gateway():
    """A gateway that was asked nothing yet. Gives its operators' address."""
    with tempfile.TemporaryDirectory(prefix="sallyport-docs-") as folder:
        folder = pathlib.Path(folder)
        (folder / "policies").mkdir()
        (folder / "sallyport.yaml").write_text(CONFIG)
        said = folder / "said.log"
        with open(said, "w") as out:
            process = subprocess.Popen(
                [pathlib.Path(os.environ["SALLYPORT_BIN"]).resolve(), "run"], cwd=folder, stdout=out, stderr=out, stdin=subprocess.DEVNULL
            )
        try:
            limit = time.monotonic() + START_SECONDS
            while not (ready := re.search(r"operators=(\S+)", said.read_text())):
                if process.poll() is not None or time.monotonic() > limit:
                    sys.exit(f"the gateway did not start:\n{said.read_text()}")
                time.sleep(0.05)
            yield ready[1]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def metrics():
    """All that the source counts: a running gateway tells nothing of what it has not counted yet. What it tells must agree."""
    with gateway() as operators, urllib.request.urlopen(f"{operators}/metrics", timeout=20) as answer:
        told = answer.read().decode()
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", told, re.MULTILINE))
    helps = dict(re.findall(r"^# HELP (\S+) (.*)$", told, re.MULTILINE))
    rows = []
    for name, said, labels in re.findall(r'Metric::new\(\s*"(\w+)",\s*"([^"]*)",\s*&\[([^]]*)\]', TABLE.read_text()):
        name = f"sallyport_{name}"
        kind = kinds.get(name) or ("counter" if name.endswith("_total") else "histogram" if name.endswith("_seconds") else "gauge")
        labels = ", ".join(f"`{label}`" for label in re.findall(r"\w+", labels))
        if helps.pop(name, said) != said:
            sys.exit(f"{name}: the gateway tells of it otherwise than {TABLE}: is the binary built of these sources?")
        rows.append(f"| `{name}` | {kind} | {labels} | {said} |")
    if helps:
        sys.exit(f"the gateway tells of metrics that {TABLE} does not name: {' '.join(helps)}")
    return METRICS + "\n".join(sorted(rows)) + "\n"


def main():
    if "SALLYPORT_BIN" not in os.environ or set(sys.argv[1:]) - {"--update"}:
        sys.exit(__doc__)
    stale = []
    for page, text in [("docs/cli.md", cli()), ("docs/metrics.md", metrics())]:
        file = ROOT / page
        kept = file.read_text() if file.exists() else ""
        if "--update" in sys.argv:
            file.write_text(text)
        elif kept != text:
            stale += [f"{page} is not what the binary says; `tests/docs/reference.py --update` writes it:"]
            stale += difflib.unified_diff(kept.splitlines(), text.splitlines(), page, "the binary", lineterm="", n=1)
    if stale:
        sys.exit("\n".join(stale))
    print("docs/cli.md, docs/metrics.md: as the binary says")


if __name__ == "__main__":
    main()
