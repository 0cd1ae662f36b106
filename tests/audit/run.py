#!/usr/bin/env python3
"""Proves what docs/audit.md says of the audit log, with the real binary. `--help` names the topics."""

import argparse
import asyncio
import importlib
import os
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "deploy")]
from stage import told

# Topics, and what is tried. Each is a module of `proof` with a `main`.
TOPICS = {
    "kill": "kill -9 under load: what was forwarded has a record",
    "full": "no room on the disk: refused or forwarded as configured, and told",
    "writers": "a second gateway, another key, another name: it does not start, and says why",
    "tamper": "flipped, taken out, swapped, put in, cut off: verify names the first bad record",
    "replay": "recorded decisions, made once more; and by other policies",
    "text": "no text of anyone in the log; the forms it is exported in",
    "clock": "a clock that jumps back",
}


def arguments():
    topics = "\n".join(f"  {name:8} {what}" for name, what in TOPICS.items())
    asked = argparse.ArgumentParser(description=f"{__doc__}\n\n{topics}", formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("topics", nargs="*", choices=[[], *TOPICS], metavar="TOPIC", help="all, unless some are named")
    asked.add_argument("--points", type=int, default=int(os.environ.get("PROOF_POINTS", 40)), help="how often it is killed")
    asked.add_argument(
        "--decisions", type=int, default=int(os.environ.get("PROOF_DECISIONS", 300)), help="how many decisions are made once more"
    )
    return asked.parse_args()


def main():
    asked = arguments()
    untried = []
    for name in asked.topics or TOPICS:
        print(f"== {name}: {TOPICS[name]}", flush=True)
        began = time.monotonic()
        topic = importlib.import_module(f"proof.{name}")
        wanted = {"kill": [asked.points], "replay": [asked.decisions]}.get(name, [])
        try:
            asyncio.run(topic.main(*wanted))
        except SystemExit as ended:
            if ended.code != told.CANNOT:
                raise
            untried.append(name)
        told.measured(f"{name} took {time.monotonic() - began:.1f} s")
    if untried and not told._failed:
        told.cannot(", ".join(untried))
    told.end()


if __name__ == "__main__":
    main()
