#!/usr/bin/env python3
"""SIGTERM while 200 streams are open: no new connection is taken, `/readyz` says so, every stream finishes, exit 0."""

import asyncio
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from stage import gateway, told
from stage.agents import Agent
from stage.upstream import Upstream

STREAMS = 200


async def main():
    upstream = Upstream(words=30, pause=0.2)
    url = await upstream.start()
    with gateway.folder() as where:
        running = await gateway.Gateway.start(gateway.lay_out(where, gateway.config(url, timeouts="{grace: 60s}")))
        try:
            await streams_finish(running, upstream)
        finally:
            await running.stop()
        records = (pathlib.Path(where) / "decisions.jsonl").read_text().count("\n")
        told.check(records == STREAMS, "each stream has its line in the decision log", f"{records} lines")
    with gateway.folder() as where:
        await grace_ends(gateway.lay_out(where, gateway.config(url, timeouts="{grace: 1s}")), upstream)


async def streams_finish(running, upstream):
    agents = [Agent(running.agents) for _ in range(STREAMS)]
    begun = [asyncio.Event() for _ in agents]
    asked = [asyncio.create_task(agent.ask(stream=True, first=first)) for agent, first in zip(agents, begun)]
    await asyncio.wait_for(asyncio.gather(*(first.wait() for first in begun)), 30)
    told.check(upstream.streaming == STREAMS, f"{STREAMS} streams are open at once", f"{upstream.streaming}")
    running.tell()
    stopped = time.monotonic()
    await asyncio.sleep(0.3)
    status, _ = await asyncio.to_thread(running.operators_say, "/readyz")
    told.check(status == 503, "/readyz says 503 while it drains", f"{status}")
    status, _ = await asyncio.to_thread(running.operators_say, "/healthz")
    told.check(status == 200, "/healthz still says 200: it is not to be killed", f"{status}")
    try:
        await asyncio.open_connection(*running.agents)
        told.check(False, "no new connection is taken")
    except ConnectionRefusedError:
        told.check(True, "no new connection is taken")
    answers = await asyncio.gather(*asked)
    broken = [answer for answer in answers if not answer.whole]
    told.check(not broken, f"all {STREAMS} streams finish", f"{len(broken)} do not, such as {broken[:1]}")
    code = await running.ends(10)
    told.check(code == 0, "it ends with exit code 0", f"{code}")
    told.measured(f"from SIGTERM to the end {time.monotonic() - stopped:.1f} s")


async def grace_ends(path, upstream):
    """A stream that goes on for ever does not keep it: the grace is a bound."""
    running = await gateway.Gateway.start(path)
    upstream.words = 1000
    first = asyncio.Event()
    asked = asyncio.create_task(Agent(running.agents).ask(stream=True, first=first))
    await asyncio.wait_for(first.wait(), 10)
    running.tell()
    began = time.monotonic()
    code = await running.ends(10)
    took = time.monotonic() - began
    told.check(code == 0 and 0.9 < took < 4, "a stream without end is cut when timeouts.grace is over", f"exit {code} after {took:.1f} s")
    answer = await asked
    told.check(not answer.whole, "and the agent sees that its answer is not whole")


asyncio.run(main())
told.end()
