"""kill -9 shows what a crash of the process leaves, not what a crash of the machine does: here the kernel is asked in which order
records are written, synced, and calls sent on."""

import os
import pathlib
import re
import shutil
import signal

from proof import scene
from proof.agents import Caller
from proof.provider import Provider
from stage import gateway, told

CALLS = 12
TRACED = "trace=fdatasync,fsync,write,writev,pwrite64,pwritev,sendto,sendmsg"
# As strace quotes it.
FORWARD = r'\"kind\":\"forward\"'
SENT = re.compile(r'(?:sendto|sendmsg|write|writev)\(.*"POST /v1/')
WRITTEN = re.compile(r"p?writev?(?:64)?\(\d+<[^>]*/segments/")
# One that another thread interrupted is told in two lines.
SYNC = re.compile(r"fdatasync\(\d+<[^>]*/segments/[^>]*\.jsonl>")


async def main():
    if shutil.which("strace") is None:
        told.cannot("there is no `strace`")
    provider = Provider()
    url = await provider.start()
    with gateway.folder() as where:
        trace = pathlib.Path(where) / "trace"
        path = scene.lay_out(where, url, mode="strict")
        words = ["strace", "-f", "-y", "-s", "100000", "-e", TRACED, "-o", str(trace), str(gateway.binary())]
        try:
            running = await gateway.Gateway.start(path, command=words)
        except RuntimeError as error:
            told.cannot(f"`strace` may not trace here: {error}")
        traced = int(trace.read_text().split(" ", 1)[0])
        try:
            agent = Caller(running.agents)
            answers = [await agent.chat(f"chat {n}", stream=n % 2 == 0) for n in range(CALLS)]
            told.check(all(answer.whole for answer in answers), f"{CALLS} chats pass while the system calls are told", f"{answers}")
        finally:
            os.kill(traced, signal.SIGTERM)
            await running.ends(30)
        order(trace.read_text().splitlines())


def order(lines):
    """As many calls were sent on as `forward` records were synced by then; never one more."""
    written = synced = sent = 0
    early, syncing = [], {}
    for line in lines:
        thread = line.split(" ", 1)[0]
        if SENT.search(line):
            sent += 1
            if sent > synced:
                early.append(f"call {sent} after {synced} records")
        elif WRITTEN.search(line):
            written += line.count(FORWARD)
        elif SYNC.search(line) and "unfinished" in line:
            syncing[thread] = written
        elif SYNC.search(line) and line.endswith("= 0"):
            synced = written
        elif "fdatasync resumed" in line and thread in syncing and line.endswith("= 0"):
            synced = max(synced, syncing.pop(thread))
    told.check(sent == CALLS, f"{CALLS} calls were sent on", f"{sent}")
    told.check(synced >= CALLS and not early, "each only once its record was written and `fdatasync` had ended", f"{synced} synced; {early}")
