"""No room on the disk: calls are refused, or pass and are counted, as the configuration has it; with room it goes on."""

import asyncio
import contextlib
import ctypes
import json
import os
import pathlib
import subprocess

from proof import log, scene
from proof.agents import Caller
from proof.provider import Provider
from stage import gateway, told

SIZE = "3m"
# Calls that are tried while there is no room; each waits for a try to write.
TRIES = 4
# The log tries to go on four times a second.
AGAIN_MAX = 10.0
BROKEN = 3


@contextlib.contextmanager
def small_disk(where):
    """A file system of a few megabytes, which is unmounted in the end."""
    where = pathlib.Path(where)
    where.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", where], capture_output=True, text=True)
    if mounted.returncode:
        told.cannot(f"a small file system cannot be mounted: {mounted.stderr.strip()}")
    try:
        yield where
    finally:
        subprocess.run(["umount", "-l", where], check=True)


def own_mounts():
    """Mounts of this process from here on are seen by nobody else, and end with it."""
    if os.geteuid() != 0:
        told.cannot("a small file system is mounted, which needs root")
    # CLONE_NEWNS, of sched.h; `os.unshare` is not in every Python yet.
    if ctypes.CDLL(None, use_errno=True).unshare(0x00020000):
        told.cannot(f"no mounts of its own: {os.strerror(ctypes.get_errno())}")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True, capture_output=True)


def fill(disk):
    """Takes all the room there is."""
    with (disk / "filler").open("ab", buffering=0) as filler:
        for size in (1 << 20, 4096, 1):
            with contextlib.suppress(OSError):
                while filler.write(b"x" * size):
                    pass


def empty(disk):
    """Gives it back."""
    (disk / "filler").unlink()


async def main():
    own_mounts()
    provider = Provider()
    url = await provider.start()
    for topic in (refused, forwarded, by_route, at_start):
        with gateway.folder() as where, small_disk(pathlib.Path(where) / "audit") as disk:
            await topic(where, disk, provider, url)


def by_label(running, name):
    """What a counter says, by its line without the number."""
    lines = [line for line in running.operators_say("/metrics")[1].splitlines() if line.startswith(name)]
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines}


def counted(running, name):
    """The sum over all its labels."""
    return sum(by_label(running, name).values())


def only_full(running, what):
    failures = {name for name, count in by_label(running, "sallyport_audit_failures_total").items() if count}
    told.check(failures == {'sallyport_audit_failures_total{why="full"}'}, what, f"{failures}")


async def until(holds, within=AGAIN_MAX):
    """Waits until something holds; says whether it does."""
    for _ in range(int(within / 0.1)):
        if await holds():
            return True
        await asyncio.sleep(0.1)
    return False


async def fill_up(disk, agent):
    """No room for a single record more: what is left of the last page may hold some."""
    fill(disk)
    for _ in range(20):
        if (await agent.chat("into the last page")).status != 200:
            return


async def passes(agent):
    return (await agent.chat("is there room again?")).status == 200


async def refused(where, disk, provider, url):
    """`on_failure: refuse`."""
    path = scene.lay_out(where, url, mode="strict", on_failure="refuse")
    async with scene.Serving(path) as running:
        agent = Caller(running.agents)
        told.check((await agent.chat("hello")).status == 200, "with room a chat passes")
        told.check((await agent.call({})).status == 200, "and a call of a tool")
        # The records of what just ended are written within a second.
        await asyncio.sleep(1.2)
        await fill_up(disk, agent)
        before = len(provider.seen)
        for n in range(TRIES):
            answer = await agent.chat("no room", stream=n % 2 == 1)
            error = answer.json().get("error", {}) if answer.body else {}
            told.check(
                (answer.status, error.get("code")) == (503, "audit_unavailable") and error.get("type") and error.get("message"),
                f"a chat{' that wants a stream' if n % 2 else ''} is refused in OpenAI's words",
                f"{answer}",
            )
        answer = await agent.message("no room")
        said = answer.json() if answer.body else {}
        told.check(
            answer.status == 503 and said.get("type") == "error" and "audit" in json.dumps(said["error"]),
            "a message is refused in Anthropic's words",
            f"{answer}",
        )
        answer = await agent.call({"text": "no room"})
        said = answer.json() if answer.body else {}
        told.check(
            said.get("jsonrpc") == "2.0" and said.get("id") == 1 and "audit" in json.dumps(said.get("error", {})),
            "a call of a tool is refused as a JSON-RPC error",
            f"{answer}",
        )
        told.measured(f"{answer.status} {answer.body.decode()}")
        told.check(len(provider.seen) == before, "nothing was forwarded", f"{provider.seen[before:]}")
        only_full(running, "failures are counted as `full`")
        ready = await asyncio.to_thread(running.operators_say, "/readyz")
        told.measured(f"/readyz says {ready[0]} meanwhile")
        empty(disk)
        told.check(await until(lambda: passes(agent)), "with room again calls pass by themselves")
    await good_after(scene.folder_of(path))


async def good_after(folder):
    good = await log.verified(folder)
    told.check(good.code == 0, "the log is good", good.words)
    good = await log.verified_by_python(folder)
    told.check(good.code == 0, "the independent verifier agrees", good.words)
    kinds = [record["kind"] for record in log.records(folder)]
    told.check("recovery" in kinds, "a `recovery` record tells of it", f"{kinds}")


async def forwarded(where, disk, provider, url):
    """`on_failure: forward`."""
    path = scene.lay_out(where, url, mode="strict", on_failure="forward")
    folder = scene.folder_of(path)
    async with scene.Serving(path) as running:
        agent = Caller(running.agents)
        passed = [await agent.chat("hello")]
        await asyncio.sleep(1.2)
        fill(disk)
        before = len(provider.seen)
        answers = [await agent.chat("no room") for _ in range(3 * TRIES)] + [await agent.call({"text": "no room"})]
        told.check(all(answer.whole for answer in answers), "with `on_failure: forward` calls pass without room", f"{answers}")
        told.check(len(provider.seen) >= before + len(answers), "and each reached its upstream", f"{provider.seen[before:]}")
        only_full(running, "failures are counted as `full`")
        await asyncio.sleep(1.2)
        told.check(counted(running, "sallyport_audit_lost_total") > 0, "and what is lost in `sallyport_audit_lost_total`")
        empty(disk)

        async def recorded():
            passed.append(await agent.chat("with room"))
            return any(log.records(folder, "lost"))

        told.check(await until(recorded), "with room again a `lost` record appears by itself")
        await asyncio.sleep(1.2)
        metric = counted(running, "sallyport_audit_lost_total")
    await good_after(folder)
    lost = sum(record["body"]["records"] for record in log.records(folder, "lost"))
    told.check(lost == metric, "`lost` records and the metric agree", f"{lost} and {metric:.0f}")
    # A `forward` and an `exchange` record for each, or one more that is lost.
    kept, wanted = len(list(log.records(folder, "forward", "exchange"))), 2 * len(passed + answers)
    told.check(kept + lost == wanted, f"of {wanted} records each is there or counted", f"{kept} are there, {lost} lost")


async def by_route(where, disk, provider, url):
    """`audit_failure` of a route and of a tool server, each against what all others do."""
    routes = [
        {"name": "brave", "speaks": "openai", "models": ["brave*"], "upstream": "openai", "audit_failure": "forward"},
        {"name": "other", "speaks": "openai", "models": ["*"], "upstream": "openai"},
    ]
    path = scene.lay_out(where, url, mode="strict", on_failure="refuse", routes=routes, desk={"audit_failure": "forward"})
    async with scene.Serving(path) as running:
        agent = Caller(running.agents)
        answers = await agent.chat("hello"), await agent.call({})
        told.check(all(answer.whole for answer in answers), "with room both routes and the tool server answer", f"{answers}")
        await asyncio.sleep(1.2)
        await fill_up(disk, agent)
        brave, other, call = await agent.chat("x", model="brave-1"), await agent.chat("x"), await agent.call({})
        told.check(brave.whole, "a route with `audit_failure: forward` passes without room", f"{brave}")
        told.check(other.status == 503, "another route refuses", f"{other}")
        told.check(call.whole, "a tool server with `audit_failure: forward` passes", f"{call}")
        empty(disk)
        told.check(await until(lambda: passes(agent)), "with room again all pass")
    await good_after(scene.folder_of(path))


async def at_start(where, disk, provider, url):
    """No room at the start: it says so at once, harms nothing, and starts when there is room."""
    path = scene.lay_out(where, url, mode="strict")
    async with scene.Serving(path) as running:
        await Caller(running.agents).chat("hello")
    before = list(log.lines(disk))
    fill(disk)
    said = await log.sallyport("run", "--config", path, within=20)
    told.check(said.code == BROKEN and "space" in said.told, "a start without room: exit code 3, and the reason is told", said.words)
    empty(disk)
    told.check(list(log.lines(disk))[: len(before)] == before, "and nothing of the log is harmed")
    async with scene.Serving(path) as running:
        told.check((await Caller(running.agents).chat("hello")).status == 200, "with room it starts again")
    good = await log.verified(disk)
    told.check(good.code == 0, "and the log is good", good.words)
