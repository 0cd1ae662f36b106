#!/usr/bin/env python3
"""Three replicas behind real nginx, each restarted in turn under streaming load: zero failed requests.

nginx is configured by the file that the documentation shows (deploy/nginx/sallyport.conf)."""

import asyncio
import pathlib
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from stage import gateway, told
from stage.agents import Agent
from stage.upstream import Upstream

REPLICAS = 3
STREAMING, WHOLE = 24, 12
SITE = pathlib.Path(__file__).resolve().parents[3] / "deploy/nginx/sallyport.conf"


def nginx_files(where, port, replicas):
    """The documented site, with this test's addresses; around it what a machine's own nginx.conf has."""
    site = SITE.read_text()
    servers = "".join(f"    server 127.0.0.1:{replica} max_fails=0;\n" for replica in replicas)
    before, rest = site.split("    # replicas\n")
    site = before + servers + rest.split("    # end of replicas\n")[1]
    site = site.replace("listen 8080;", f"listen 127.0.0.1:{port};")
    (where / "site.conf").write_text(site)
    temp = "".join(f"{what}_temp_path {where}/{what};\n" for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    path = where / "nginx.conf"
    path.write_text(
        f"daemon off;\nmaster_process on;\nworker_processes 1;\npid {where}/nginx.pid;\nerror_log {where}/error.log warn;\n"
        f"events {{ worker_connections 1024; }}\nhttp {{\naccess_log off;\n{temp}include {where}/site.conf;\n}}\n"
    )
    return path


async def load(address, stream, answers, until):
    agent = Agent(address)
    while not until.is_set():
        answers.append((time.monotonic(), await agent.ask(stream=stream)))
    agent.close()


async def roll(where, ports, running):
    """Each replica in turn: SIGTERM, its end, its next start. Gives the exit codes."""
    codes = []
    for at, port in enumerate(ports):
        await asyncio.sleep(0.5)
        running[at].tell()
        codes.append(await running[at].ends(30))
        running[at] = await gateway.Gateway.start(where / f"replica{at}/sallyport.yaml")
    await asyncio.sleep(0.5)
    return codes


async def main():
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    if not pathlib.Path(nginx).exists():
        told.cannot("there is no nginx (Debian: nginx-light)")
    upstream = Upstream(words=12, pause=0.05)
    url = await upstream.start()
    with gateway.folder() as folder:
        where = pathlib.Path(folder)
        ports = [gateway.free_port() for _ in range(REPLICAS)]
        for at, port in enumerate(ports):
            text = gateway.config(url, agents=f'{{listen: "127.0.0.1:{port}"}}')
            gateway.lay_out(where / f"replica{at}", text)
        running = [await gateway.Gateway.start(where / f"replica{at}/sallyport.yaml") for at in range(REPLICAS)]
        front = gateway.free_port()
        proxy = subprocess.Popen([nginx, "-p", folder, "-c", nginx_files(where, front, ports)])
        try:
            await answering(front)
            await under_load(where, upstream, front, ports, running)
        finally:
            proxy.terminate()
            proxy.wait()
            for replica in running:
                await replica.stop()


async def answering(port):
    """Until something listens there."""
    for _ in range(200):
        try:
            (await asyncio.open_connection("127.0.0.1", port))[1].close()
            return
        except OSError:
            await asyncio.sleep(0.05)
    raise SystemExit("nginx does not listen")


async def under_load(where, upstream, front, ports, running):
    answers, until = [], asyncio.Event()
    kinds = [True] * STREAMING + [False] * WHOLE
    agents = [asyncio.create_task(load(("127.0.0.1", front), stream, answers, until)) for stream in kinds]
    began = time.monotonic()
    codes = []
    for _ in range(2):
        codes += await roll(where, ports, running)
    until.set()
    await asyncio.gather(*agents)
    took = time.monotonic() - began
    failed = [answer for _, answer in answers if not answer.whole]
    told.check(codes == [0] * len(codes), f"{len(codes)} restarts, each with exit code 0", f"{codes}")
    told.check(len(answers) > 300, "there was load", f"{len(answers)} requests")
    shown = [(answer.status, answer.why, answer.body[-200:]) for answer in failed[:3]]
    errors = [line for line in (where / "error.log").read_text().splitlines() if "refused" not in line][:3]
    told.check(not failed, f"none of {len(answers)} requests failed", f"{len(failed)} did, such as {shown}; nginx says {errors}")
    lines = sum((where / f"replica{at}/decisions.jsonl").read_text().count("\n") for at in range(REPLICAS))
    told.check(lines == upstream.asked, "each that the provider saw has its line in a decision log", f"{lines} lines, {upstream.asked} asked")
    told.check(upstream.asked == len(answers), "the provider was asked once for each", f"{upstream.asked} times for {len(answers)}")
    told.measured(f"{len(answers)} requests in {took:.1f} s, {len(codes)} restarts")


asyncio.run(main())
told.end()
