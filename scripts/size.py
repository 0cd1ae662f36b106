"""Size and start of the binary SALLYPORT_BIN: see size.sh. What the issue aims at: ready within 1 s with the model, 60 MB idle without."""

import asyncio
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests/deploy"))
from stage import gateway  # noqa: E402

STARTS = 5
# What a process still does just after its start is not counted as idle.
SETTLED = 1.0


def memory(pid):
    """Resident memory in bytes: all of it, and what no file on disk stands behind."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    field = lambda name: int(next(line.split()[1] for line in status.splitlines() if line.startswith(name))) << 10
    return field("VmRSS:"), field("RssAnon:")


async def started(where, model):
    """Median seconds to the ready line, and idle memory."""
    path = gateway.lay_out(where, gateway.config(firewall=f"{{enabled: {'true' if model else 'false'}}}"))
    waits, resident = [], (0, 0)
    for turn in range(STARTS):
        running = await gateway.Gateway.start(path)
        waits.append(running.ready_in)
        if turn == STARTS - 1:
            await asyncio.sleep(SETTLED)
            resident = memory(running.process.pid)
        running.tell(signal.SIGTERM)
        await running.ends()
    return statistics.median(waits), max(waits), *resident


def sizes(where):
    """The binary as it is built, as it is shipped, its symbols, and the image: the sum of its files."""
    out, root = where / "out", where / "rootfs"
    subprocess.run([REPOSITORY / "scripts/strip.sh", gateway.binary(), out], check=True)
    stripped = out / gateway.binary().name
    subprocess.run([REPOSITORY / "deploy/rootfs.sh", stripped, root], check=True)
    image = sum(path.stat().st_size for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    symbols = stripped.with_name(stripped.name + ".debug").stat().st_size
    return gateway.binary().stat().st_size, stripped.stat().st_size, symbols, image


def main():
    with gateway.folder() as folder:
        built, shipped, symbols, image = sizes(pathlib.Path(folder))
        figures = {"binary_built": built, "binary_shipped": shipped, "symbols": symbols, "image": image}
        for name, model in (("without_model", False), ("with_model", True)):
            median, worst, resident, anonymous = asyncio.run(started(pathlib.Path(folder) / name, model))
            figures[name] = {"ready_median_s": round(median, 3), "ready_worst_s": round(worst, 3), "idle_resident": resident, "idle_anonymous": anonymous}
    if "--json" in sys.argv:
        print(json.dumps(figures))
        return
    mega = lambda size: f"{size / 1e6:,.1f} MB"
    print(f"| | |\n|---|--:|\n| binary as built | {mega(built)} |\n| binary as shipped (stripped) | {mega(shipped)} |\n| its symbols, apart | {mega(symbols)} |\n| image, unpacked | {mega(image)} |")
    for name in ("without_model", "with_model"):
        each, words = figures[name], name.replace("_", " the ")
        print(f"| start to ready, {words} (median of {STARTS}; worst) | {each['ready_median_s']:.2f} s; {each['ready_worst_s']:.2f} s |")
        print(f"| idle memory, {words} (of it not backed by files) | {mega(each['idle_resident'])} ({mega(each['idle_anonymous'])}) |")


main()
