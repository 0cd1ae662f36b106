"""A log that is written, rotated and shortened while others read it: always good, and good in the end."""

import asyncio
import time

from proof import log, scene
from proof.agents import Load
from proof.provider import Provider
from stage import gateway, told

# How long it is written to, and how long a record is kept, in seconds.
WRITTEN = 8.0
KEPT = 2
CHATS = 5


async def main():
    provider = Provider()
    url = await provider.start()
    with gateway.folder() as where:
        path = scene.lay_out(where, url, mode="strict", segment_size="64KiB", keep=f"{KEPT}s")
        folder = scene.folder_of(path)
        async with scene.Serving(path) as running:
            load = Load(CHATS, 1)
            load.address = running.agents
            began, wrong, checked = time.monotonic(), [], 0
            while time.monotonic() - began < WRITTEN:
                await asyncio.sleep(0.3)
                good = await log.verified(folder)
                checked += 1
                wrong += [good.words] if good.code else []
            await load.end()
        told.check(not wrong, f"verified {checked} times while it is written to: always good", f"{len(wrong)} times not: {wrong[:2]}")
        told.check(set(load.answers) <= {200, 0}, "and no call failed meanwhile", f"{load.answers}")
        told.measured(f"{len(provider.seen)} calls in {WRITTEN:.0f} s, with {CHATS + 1} agents")
        good = await log.verified(folder)
        told.check(good.code == 0 and good.json()["first_seq"] > 0, "old segments went, and the log is good", good.words)
        other = await log.verified_by_python(folder)
        told.check(other.code == 0, "the independent verifier agrees", other.words)
        gone = [record["body"]["last"] for record in log.records(folder, "retention")]
        first = next(log.records(folder))["seq"]
        told.check(gone and max(gone) == first - 1, "a `retention` record names what went", f"{gone[-1:]}, and the first is {first}")
        proof = path.parent / "first.tlog-proof"
        made = await log.sallyport("audit", "prove", "--folder", folder, "--seq", first)
        proof.write_text(made.out)
        (path.parent / "key.pub").write_text((folder / "key.pub").read_text())
        checked = await log.sallyport("audit", "prove", "--check", proof, "--key", path.parent / "key.pub")
        told.check(checked.code == 0, "what is left can be proven as before", f"{made.words} {checked.words}")
