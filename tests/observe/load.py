"""Many exchanges, and how long things take."""

import asyncio
import pathlib
import statistics
import time

MODELS = ["gpt-5-mini", "gpt-5", "claude-sonnet", "mistral-large", "llama-4"]
TEXTS = ["summarise the meeting", "refuse this one", "write to ann@example.com", "what is the weather", "translate this"]


async def exchange(house, count, connections=8):
    """So many chats of several kinds: models, verdicts, findings and sessions differ. Gives exchanges a second."""
    left = iter(range(count))

    async def agent(which):
        talking = house.agent("red" if which % 2 else "blue")
        for number in left:
            await talking.chat(f"{TEXTS[number % 5]}, {number % 997}", model=MODELS[number % 7 % 5])
        talking.close()

    began = time.monotonic()
    await asyncio.gather(*(agent(which) for which in range(connections)))
    return count / (time.monotonic() - began)


async def timed(work):
    """Milliseconds that it takes."""
    began = time.perf_counter()
    await work
    return (time.perf_counter() - began) * 1e3


def at(times, share):
    """The time that so much of them is below."""
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


def middle(times):
    return statistics.median(times)


def rss(pid):
    """Resident memory, in MiB."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0
