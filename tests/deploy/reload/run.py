#!/usr/bin/env python3
"""Policies in a mounted ConfigMap, swapped under load as the kubelet does it: every answer is by one revision, none is torn."""

import asyncio
import collections
import pathlib
import re
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from stage import gateway, told
from stage.agents import Agent

# Each file knows its generation; a request is refused by a rule that names all of them.
FILES = 150
AGENTS = 4
SLOW, FAST = 3, 20


def generation(number):
    files = {f"part{at:02}.rego": f"package sallyport.lib.part{at}\n\nnumber := {number}\n" for at in range(FILES)}
    files["org.rego"] = (
        "package sallyport.org\n\ndefault allow := true\n\n"
        'deny contains {"rule": "generation", "say": say} if {\n'
        f"\tnumbers := {{{number}}} | {{part.number | some part in data.sallyport.lib}}\n"
        '\tsay := concat("-", ["generations", concat("-", [sprintf("%d", [n]) | some n in numbers])])\n}\n'
    )
    files["red.rego"] = gateway.ALLOW_ALL["red.rego"]
    return files


class ConfigMap:
    """A folder as the kubelet keeps it: `..data` is a link to the present version, each name a link into it."""

    def __init__(self, folder):
        self.folder = folder
        self.versions = 0

    def put(self, files):
        """AtomicWriter's steps: a new folder, a new link, a rename, and the old folder goes."""
        self.versions += 1
        new = self.folder / f"..version_{self.versions}"
        new.mkdir()
        for name, text in files.items():
            (new / name).write_text(text)
        before = (self.folder / "..data").resolve() if (self.folder / "..data").exists() else None
        (self.folder / "..data_tmp").symlink_to(new.name)
        (self.folder / "..data_tmp").rename(self.folder / "..data")
        for name in files:
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(f"..data/{name}")
        if before:
            shutil.rmtree(before)


async def load(address, answers, until):
    agent = Agent(address)
    while not until.is_set():
        answers.append((time.monotonic(), await agent.ask()))
    agent.close()


def said(answer):
    """The generations that judged it."""
    found = re.search(r"generations((?:-\d+)+)", answer.json()["error"]["message"])
    return tuple(map(int, found.group(1).strip("-").split("-"))) if found else ()


async def main():
    with gateway.folder() as folder:
        where = pathlib.Path(folder)
        path = gateway.lay_out(where, gateway.config(policies="mounted/policies"), {})
        mount = where / "mounted/policies"
        mount.mkdir(parents=True)
        policies = ConfigMap(mount)
        policies.put(generation(0))
        running = await gateway.Gateway.start(path)
        answers, until = [], asyncio.Event()
        agents = [asyncio.create_task(load(running.agents, answers, until)) for _ in range(AGENTS)]
        try:
            swaps = await swap(policies)
        finally:
            until.set()
            await asyncio.gather(*agents)
            metrics = running.operators_say("/metrics")[1]
            await running.stop()
    judge(answers, swaps, metrics)


async def swap(policies):
    """First swaps that each come into force, then some that fall into the gateway's own reading, which begins 200 ms after
    the last change. Gives when each was made."""
    swaps = {}
    for number in range(1, SLOW + FAST + 1):
        policies.put(generation(number))
        swaps[number] = time.monotonic()
        await asyncio.sleep(1.0 if number <= SLOW else 0.195 + 0.0005 * (number % 40))
    await asyncio.sleep(3)
    return swaps


def judge(answers, swaps, metrics):
    broken = [answer for _, answer in answers if answer.status != 403]
    told.check(not broken, f"each of {len(answers)} requests is judged", f"{len(broken)} are not, such as {broken[:1]}")
    heard = collections.Counter(said(answer) for _, answer in answers if answer.status == 403)
    torn = {numbers: count for numbers, count in heard.items() if len(numbers) != 1}
    told.check(not torn, "no answer is by files of two revisions", f"{sum(torn.values())} are: {dict(list(torn.items())[:3])}")
    whole = {numbers[0] for numbers in heard if len(numbers) == 1}
    slow = set(range(SLOW + 1))
    told.check(slow <= whole, f"each of {SLOW} swaps came into force", f"missing: {sorted(slow - whole)}")
    last = said(answers[-1][1])
    told.check(set(last) == {SLOW + FAST}, "the last of the quick swaps is in force at the end", f"{last}")
    told.measured(f"{len(answers)} answers by {len(whole)} revisions")
    waits = []
    for number in sorted(slow - {0}):
        first = min((at for at, answer in answers if said(answer)[:1] == (number,)), default=None)
        if first:
            waits.append(first - swaps[number])
    if waits:
        told.measured(f"from a swap to its first answer {min(waits):.2f} to {max(waits):.2f} s")
    failed = re.search(r'sallyport_loads_total\{outcome="failed",what="policies"\} (\d+)', metrics)
    told.check(bool(failed) and failed.group(1) == "0", "no load failed on the way", f"{failed.group(0) if failed else metrics[:200]}")


asyncio.run(main())
told.end()
