#!/usr/bin/env python3
"""Proves what docs/audit.md says of the audit log, with the real binary. `--help` names the topics."""

import argparse
import asyncio
import importlib
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "deploy")]
from stage import gateway, told

# Topics, and what is tried, the longest first. Each is a module of `proof` with a `main`.
TOPICS = {
    "kill": "kill -9 under load: what was forwarded has a record",
    "tamper": "flipped, taken out, swapped, put in, cut off: verify names the first bad record",
    "full": "no room on the disk: refused or forwarded as configured, and told",
    "writers": "a second gateway, another key, another name: it does not start, and says why",
    "synced": "a call goes on only after its record is synced, by the kernel's word",
    "doors": "what goes on through every door has a record",
    "living": "verified, rotated and shortened while it is written to",
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


async def one(asked, name, place):
    """A topic in a process of its own. Gives its exit code."""
    async with place:
        words = [name, "--points", str(asked.points), "--decisions", str(asked.decisions)]
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable, __file__, *words, stdout=pipe, stderr=asyncio.subprocess.STDOUT
        )
        out, _ = await process.communicate()
    print(f"== {name}: {TOPICS[name]}\n{out.decode()}", end="", flush=True)
    return name, process.returncode


async def several(asked, names):
    """Topics side by side, as many as there are processors; kills mostly wait."""
    place = asyncio.Semaphore(max(2, os.cpu_count() or 2))
    ended = await asyncio.gather(*(one(asked, name, place) for name in names))
    failed = [name for name, code in ended if code not in (0, told.CANNOT)]
    untried = [name for name, code in ended if code == told.CANNOT]
    if failed:
        print("failed: " + ", ".join(failed), file=sys.stderr)
        sys.exit(1)
    if untried:
        told.cannot(", ".join(untried))
    print(f"all of {', '.join(names)} hold")


def main():
    asked = arguments()
    names = asked.topics or list(TOPICS)
    gateway.binary()
    if len(names) > 1:
        asyncio.run(several(asked, names))
        return
    wanted = {"kill": [asked.points], "replay": [asked.decisions]}.get(names[0], [])
    asyncio.run(importlib.import_module(f"proof.{names[0]}").main(*wanted))
    told.end()


if __name__ == "__main__":
    main()
