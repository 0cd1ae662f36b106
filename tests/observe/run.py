#!/usr/bin/env python3
"""What operators see of a running gateway: traces and metrics at real collectors and at bad ones, exemplars in a real
Prometheus, the console in a real browser. `run.py` tries all; `run.py PART…` some."""

import asyncio
import importlib
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "deploy"))
from stage import gateway, told

PARTS = ["otlp", "collectors", "exemplars", "console"]
MEASURES = ["cost", "many"]


async def try_part(name):
    """Whether it could be tried."""
    began = time.monotonic()
    try:
        part = importlib.import_module(name)
        with gateway.folder() as folder:
            await part.run(pathlib.Path(folder))
    except ModuleNotFoundError as error:
        print(f"CANNOT BE TRIED HERE: {error}: pip install --no-deps -r tests/observe/requirements.txt", file=sys.stderr, flush=True)
        return False
    except SystemExit as ended:
        if ended.code != told.CANNOT:
            raise
        return False
    told.measured(f"{name}: {time.monotonic() - began:.1f} s")
    return True


async def one_by_one(names):
    return [await try_part(name) for name in names]


async def try_all(names):
    """The browser takes as long as all else together, so it runs beside that."""
    beside = [name for name in names if name == "console"]
    others = [name for name in names if name not in beside]
    return sum(await asyncio.gather(one_by_one(others), one_by_one(beside)), [])


def main():
    asked = sys.argv[1:] or PARTS
    if unknown := set(asked) - {*PARTS, *MEASURES}:
        raise SystemExit(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS + MEASURES)}")
    tried = asyncio.run(try_all(asked))
    try:
        told.end()
    except SystemExit as ended:
        sys.exit(ended.code or (0 if all(tried) else told.CANNOT))


main()
