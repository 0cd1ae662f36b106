#!/usr/bin/env python3
"""What operators see of a running gateway: traces and metrics at real collectors and at bad ones, exemplars in a real
Prometheus, the console in a real browser. `run.py` tries all; `run.py PART…` some."""

import asyncio
import importlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "deploy"))
from stage import gateway, told

PARTS = ["otlp", "collectors", "exemplars", "console"]
MEASURES = ["cost", "many"]


def try_part(name):
    """Whether it could be tried."""
    print(f"-- {name}", flush=True)
    try:
        part = importlib.import_module(name)
        with gateway.folder() as folder:
            asyncio.run(part.run(pathlib.Path(folder)))
    except ModuleNotFoundError as error:
        print(f"CANNOT BE TRIED HERE: {error}: pip install --no-deps -r tests/observe/requirements.txt", file=sys.stderr, flush=True)
        return False
    except SystemExit as ended:
        if ended.code != told.CANNOT:
            raise
        return False
    return True


def main():
    asked = sys.argv[1:] or PARTS
    if unknown := set(asked) - {*PARTS, *MEASURES}:
        raise SystemExit(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS + MEASURES)}")
    tried = [try_part(name) for name in asked]
    try:
        told.end()
    except SystemExit as ended:
        sys.exit(ended.code or (0 if all(tried) else told.CANNOT))


main()
