"""A clock that jumps back an hour, while nobody looks and while it runs: the log stays good, and verify remarks on it."""

import asyncio
import pathlib
import shutil

from proof import log, scene
from proof.agents import Caller
from proof.provider import Provider
from stage import gateway, told


def library():
    """libfaketime, found as its own command would."""
    if shutil.which("faketime") is None:
        told.cannot("there is no `faketime` (Debian: faketime)")
    found = [path for path in pathlib.Path("/usr").glob("lib*/**/libfaketime*.so.1") if "MT" in path.name]
    if not found:
        told.cannot("`faketime` is here, and its library libfaketimeMT is not")
    return str(found[0])


async def main():
    preload = library()
    provider = Provider()
    url = await provider.start()
    with gateway.folder() as where:
        where = pathlib.Path(where)
        path = scene.lay_out(where, url, mode="strict")
        clock = where / "clock"
        clock.write_text("+0")
        environment = {
            "LD_PRELOAD": preload,
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        async with scene.Serving(path, environment=environment) as running:
            agent = Caller(running.agents)
            answers = [await agent.chat("before") for _ in range(5)]
            clock.write_text("-1h")
            answers += [await agent.chat("an hour before") for _ in range(5)]
            await asyncio.sleep(1.2)
            answers += [await agent.chat("a second later") for _ in range(5)]
            told.check(all(answer.whole for answer in answers), "calls pass while the clock jumps back an hour", f"{answers}")
        folder = scene.folder_of(path)
        times = [record["time"] for record in log.records(folder)]
        told.check(times != sorted(times), "the clock did jump: times in the log go back")
        async with scene.Serving(path) as running:
            await Caller(running.agents).chat("with the clock right again")
        good = await log.verified(folder)
        remarks = good.json()["remarks"] if good.code == 0 else []
        told.check(good.code == 0, "the log is good", good.words)
        told.check(any("clock" in remark or "back" in remark for remark in remarks), "and verify remarks that the clock went back", f"{remarks}")
        told.measured(f"{remarks}")
        good = await log.verified_by_python(folder)
        told.check(good.code == 0, "the independent verifier agrees that it is good", good.words)
        monos = [record["mono"] for record in log.records(folder)]
        opened = next(place for place, record in enumerate(log.records(folder)) if place and record["kind"] == "open")
        told.check(monos[:opened] == sorted(monos[:opened]), "`mono` never went back")
