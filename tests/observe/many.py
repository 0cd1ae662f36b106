"""How long the console takes when it remembers 100,000 exchanges (or OBSERVE_EXCHANGES). Measured, not judged. The history
is kept in the file OBSERVE_HISTORY if that is set, and only filled where it is not yet full."""

import os
import pathlib
import time

import load
import wire
from house import house
from receivers import eventually
from stage import told

COUNT = int(os.environ.get("OBSERVE_EXCHANGES", "100000"))
TRIES = 20
PAGES = """/ /?window=24h /?verdict=denied /?verdict=denied&team=red /?model=gpt-5 /?finding=pii.email /?rule=team:red/not-this /sessions /map /map?window=24h /teams
/teams?window=24h /firewall /firewall?window=24h /policies /servers /api/exchanges /api/exchanges?limit=200 /api/exchanges?verdict=denied
/api/live /api/sessions /api/map?window=24h /api/teams?window=24h /api/standing""".split()


async def run(folder):
    file = pathlib.Path(os.environ.get("OBSERVE_HISTORY", folder / "history.db"))
    async with house(folder, history=f'{{file: "{file}", exchanges: {COUNT}}}') as here:
        kept = lambda: int(here.metric("sallyport_history_exchanges"))
        dropped = lambda: int(here.metric("sallyport_history_dropped_total"))
        if left := COUNT - kept():
            pace = await load.exchange(here, left)
            # What is still waiting to be written.
            await eventually(lambda: kept() + dropped() >= COUNT, 60)
            told.measured(f"{left} exchanges at {pace:.0f} a second; {dropped()} dropped")
        told.measured(f"{kept()} remembered; RSS {load.rss(here.running.process.pid):.0f} MiB")
        size = sum(path.stat().st_size for path in file.parent.glob(f"{file.name}*"))
        told.measured(f"the file: {size / 2**20:.0f} MiB")
        operators = wire.Connection(here.running.operators)
        newest = (await operators.ask("GET", "/api/exchanges?limit=200")).json()
        old = newest["exchanges"][-1]
        pages = [*PAGES, f"/exchanges/{old['id']}", f"/api/exchanges/{old['id']}", f"/?before={newest['seq'] // 2}", f"/api/exchanges?before={newest['seq'] // 2}"]
        told.measured(f"{'page':45} {'p50 ms':>8} {'max ms':>8} {'KiB':>7}")
        for page in pages:
            times, answer = [], None
            for _ in range(TRIES):
                began = time.perf_counter()
                answer = await operators.ask("GET", page)
                times.append((time.perf_counter() - began) * 1e3)
            told.check(answer.status == 200, f"{page[:45]:45} {load.middle(times):8.1f} {max(times):8.1f} {len(answer.body) / 1024:7.1f}", f"{answer.status}")
