"""What telemetry costs agents, with a good collector, a dead one and one that hangs, against none: chats in turns, in one
run. And what memory a dead one costs over many exchanges. Measured; only the memory is judged, and generously."""

import contextlib
import os

import load
import receivers
from house import house
from receivers import Manner
from stage import told
from stage.gateway import free_port

ROUNDS = int(os.environ.get("OBSERVE_ROUNDS", "40"))
CHATS = 25
FLOOD = int(os.environ.get("OBSERVE_FLOOD", "20000"))
# What waits for a collector takes 64 MiB at most (docs/observe.md); the rest is for the allocator.
GROWTH_MAX = 96.0


async def turns(houses):
    """Milliseconds of each chat, by house: some chats at each in turn, and each round in another order."""
    names = list(houses)
    agents = {name: house.agent() for name, house in houses.items()}
    times = {name: [] for name in names}
    for turn in range(ROUNDS):
        for at in range(len(names)):
            name = names[(at + turn) % len(names)]
            for number in range(CHATS):
                took = await load.timed(agents[name].chat("summarise the meeting", stream=number % 5 == 4))
                # The first of a round finds caches that are cold.
                if number:
                    times[name].append(took)
    for agent in agents.values():
        agent.close()
    return times


async def flooded(name, house):
    """MiB that it grows by over many exchanges."""
    pid = house.running.process.pid
    before = peak = load.rss(pid)
    for _ in range(10):
        await load.exchange(house, FLOOD // 10)
        peak = max(peak, load.rss(pid))
    told.measured(f"{name}, {FLOOD} exchanges: {before:.0f} MiB before, {peak:.0f} MiB at most, {load.rss(pid):.0f} MiB after")
    return peak - before


async def run(folder):
    good, hanging = receivers.Recorder(), receivers.Recorder(Manner.HANGING)
    urls = {"off": None, "good": await good.start(), "dead": f"http://127.0.0.1:{free_port()}", "hanging": await hanging.start()}
    async with contextlib.AsyncExitStack() as stack:
        houses = {}
        for name, url in urls.items():
            telemetry = f'{{endpoint: "{url}"}}' if url else None
            # What the console remembers in memory would be taken for it.
            houses[name] = await stack.enter_async_context(house(folder / name, telemetry, history="{enabled: false}"))
            await load.exchange(houses[name], 200)
        times = await turns(houses)
        base = times["off"]
        told.measured(f"{'collector':10} {'p50 ms':>8} {'p99 ms':>8} {'p50 to off':>11} {'p99 to off':>11}   ({len(base)} chats each)")
        for name, took in times.items():
            p50, p99 = load.at(took, 0.5), load.at(took, 0.99)
            told.measured(f"{name:10} {p50:8.3f} {p99:8.3f} {p50 / load.at(base, 0.5):11.3f} {p99 / load.at(base, 0.99):11.3f}")
        grown = {name: await flooded(name, houses[name]) for name in ("off", "dead")}
        told.check(grown["dead"] - grown["off"] < GROWTH_MAX, f"a dead collector costs less than {GROWTH_MAX:.0f} MiB", f"{grown}")
    await good.stop()
    await hanging.stop()
