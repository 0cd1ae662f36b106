"""kill -9 at random moments under load: what a model or a tool server saw has a record, and the log is good."""

import asyncio
import hashlib
import os
import pathlib
import random
import time

from proof import log, scene
from proof.agents import Caller, Load, mark
from proof.provider import Provider
from stage import gateway, told

CHATS = 4
CALLS = 2
# The longest life after it is ready, in seconds: starts, first checkpoints and steady writing all get their share.
LIFE_MAX = 0.35
# Every so many points it dies while it starts, and every so many a torn end is put behind what it wrote.
STARTING_EVERY = 8
TORN_EVERY = 5
# Requests that the gateway asks of tool servers by itself, for nobody.
OWN = {"server/discover", "tools/list", "initialize", "notifications/initialized"}


class Torn:
    """Ends as a crash of the machine leaves them, and what became of them."""

    def __init__(self):
        self.put = []

    def put_behind(self, folder):
        """Writes half a record, noise, or a whole record that does not follow, behind the last line."""
        segment = log.last_segment(folder)
        lines = segment.read_bytes().splitlines(keepends=True)
        like = lines[-1] if lines else b'{"body":{}}\n'
        end = random.choice([like[: len(like) // 2], os.urandom(300), b"\0" * 4096, like, b"{", like * 3 + b'{"body":'])
        with segment.open("ab") as file:
            file.write(end)
        self.put.append(end)

    def check(self, folder):
        """Each was cut, is kept aside, and a record names its bytes and its digest."""
        named = {
            cut["sha256"]: cut for record in log.records(folder, "recovery") for cut in record["body"].get("cuts", [])
        }
        kept = {path.name: path.read_bytes() for path in (pathlib.Path(folder) / "cut").glob("*.bin")}
        unnamed = [
            name
            for name, cut in kept.items()
            if named.get(hashlib.sha256(cut).hexdigest(), {}).get("bytes") != len(cut)
        ]
        lost = [end for end in self.put if not any(cut.endswith(end) for cut in kept.values())]
        told.check(not unnamed, f"each of {len(kept)} cuts has its `recovery` record", f"{unnamed[:3]}")
        told.check(not lost, f"each of {len(self.put)} torn ends was cut and is kept aside", f"{len(lost)} are not: {lost[:1]}")
        told.measured(f"{len(kept) - len(self.put)} ends were torn by the kill itself")


async def main(points):
    provider = Provider(pause=0.002)
    url = await provider.start()
    with gateway.folder() as where:
        path = scene.lay_out(where, url, mode="strict")
        folder = scene.folder_of(path)
        torn, held = Torn(), []
        load = Load(CHATS, CALLS)
        began = time.monotonic()
        for point in range(points):
            if not await one(path, load, point):
                break
            if (folder / "checkpoint").exists():
                held.append((folder / "checkpoint").read_bytes())
            if point % TORN_EVERY == TORN_EVERY - 1:
                torn.put_behind(folder)
            if point % 100 == 99:
                told.measured(f"{point + 1} points, {len(provider.seen)} bodies seen, {time.monotonic() - began:.0f} s")
        await load.end()
        async with scene.Serving(path):
            pass
        told.measured(f"{points} points in {time.monotonic() - began:.0f} s; answers by status {load.answers}")
        torn.check(folder)
        all_recorded(folder, provider, load)
        await all_good(where, folder, held)
    await fast(provider, url)


async def fast(provider, url):
    """`mode: fast`: what is older than a second is there after a kill."""
    with gateway.folder() as where:
        path = scene.lay_out(where, url, mode="fast")
        folder, before = scene.folder_of(path), len(provider.seen)
        running = await gateway.Gateway.start(path)
        agent = Caller(running.agents)
        answers = [await agent.chat(f"{mark()} fast", stream=n % 2 == 0) for n in range(20)]
        await asyncio.sleep(1.1)
        running.process.kill()
        await running.process.wait()
        async with scene.Serving(path):
            pass
        recorded = {record["body"].get("digests", {}).get("sent") for record in log.records(folder, "exchange")}
        seen = {digest for what, digest in provider.seen[before:] if what not in OWN}
        told.check(
            all(answer.whole for answer in answers) and seen and seen <= recorded,
            f"`fast`: each of {len(seen)} bodies has a record, a second before a kill",
            f"{len(seen - recorded)} have none",
        )
        good = await log.verified(folder)
        told.check(good.code == 0, "`fast`: and the log is good", good.words)


async def one(path, load, point):
    """Starts it, lets it live, kills it. Says whether it started."""
    if point % STARTING_EVERY == STARTING_EVERY - 1:
        process = await asyncio.create_subprocess_exec(
            str(gateway.binary()), "run", "--config", str(path), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        await asyncio.sleep(random.uniform(0.0, 0.4))
        if process.returncode is not None:
            return told.check(False, f"it starts at point {point}", f"exit {process.returncode}")
    else:
        try:
            running = await gateway.Gateway.start(path, environment={"SALLYPORT_LOG": "error"})
        except RuntimeError as error:
            return told.check(False, f"it starts after kill {point}", str(error))
        load.address = running.agents
        await asyncio.sleep(random.uniform(0.0, LIFE_MAX))
        process = running.process
    process.kill()
    await process.wait()
    load.address = None
    return True


def all_recorded(folder, provider, load):
    """Whatever the provider saw stands in a `forward` record, by its digest."""
    forwards = list(log.records(folder, "forward"))
    recorded = {record["body"]["sent"] for record in forwards}
    for name, mine in (("model", lambda what: what.startswith("/v1/")), ("tool server", lambda what: what == "tools/call")):
        seen = [digest for what, digest in provider.seen if mine(what)]
        missing = [digest for digest in seen if digest not in recorded]
        told.check(seen and not missing, f"each of {len(seen)} bodies that the {name} saw has its record", f"{len(missing)} have none: {missing[:3]}")
    cut = [word for word in provider.begun if load.sent.get(word) not in recorded]
    told.check(not cut, f"so has each of {len(provider.begun)} that came cut off", f"{cut[:3]}")
    others = {what for what, digest in provider.seen if digest not in recorded and not what.startswith("/v1/")}
    told.check(others <= OWN, "nothing else went out unrecorded but what the gateway asks by itself", f"{others - OWN}")
    came = {digest for _, digest in provider.seen}
    unseen = sum(1 for record in forwards if record["body"]["sent"] not in came)
    told.measured(f"{len(forwards)} `forward` records, {unseen} of them of calls that never went on")


async def all_good(where, folder, held):
    """Both verifiers say so, also against checkpoints that were held from before the kills."""
    good = await log.verified(folder)
    told.check(good.code == 0, "`sallyport audit verify` says good", good.words)
    if good.code == 0:
        told.measured(f"{good.json()['records']} records, {good.json()['checkpoints']} checkpoints, {len(held)} starts")
    good = await log.verified_by_python(folder)
    told.check(good.code == 0, "the independent verifier agrees", good.words)
    wrong = []
    for checkpoint in random.sample(held, min(10, len(held))):
        (pathlib.Path(where) / "held").write_bytes(checkpoint)
        against = await log.verified(folder, "--against", pathlib.Path(where) / "held")
        wrong += [against.words] if against.code else []
    told.check(not wrong, "and against checkpoints that were held on the way", f"{wrong[:1]}")
