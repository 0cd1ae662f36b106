"""The console of a running gateway, in a headless Chromium: what agents do appears, and nothing breaks out."""

import asyncio
import json
import os
import pathlib
import shutil
import sys

import wire
from house import KEYS, PLANTED, TOKEN, house
from scripted import Tools
from stage import told

CHECK = pathlib.Path(__file__).resolve().parents[1] / "console"
HERE = pathlib.Path(__file__).resolve().parent
# With node_modules that hold what tests/console/package.json pins: `npm ci --prefix tests/console`, or elsewhere.
PACKAGES = pathlib.Path(os.environ.get("SALLYPORT_CONSOLE_PACKAGES", CHECK))

HTML = "<img data-broken src=x onerror=window.broken=1>"
CLOSES = "</td></script><script>window.broken=1</script>"
ANSI = "\x1b[31mred\x1b]8;;javascript:window.broken=1\x07"
BIDI = "\u202egnp.exe\u2066"
HOSTILE = [HTML, CLOSES, ANSI, BIDI, '" onmouseover="window.broken=1', "javascript:window.broken=1", "&lt;b&gt;", "x" * 300]
# As the console writes them.
WORDS = [HTML, CLOSES, "\\u{1b}[31mred", "\\u{202e}gnp.exe", "&lt;b&gt;"]
# The agent that `--poke` stands for: says something once it has its answer.
POKE = """
import urllib.request, sys
request = urllib.request.Request("http://%s:%d/v1/chat/completions", b'{"model":"gpt-test","messages":[{"role":"user","content":"hello"}]}')
request.add_header("authorization", "Bearer %s")
request.add_header("content-type", "application/json")
urllib.request.urlopen(request).read()
print("done", flush=True)
"""


def can():
    """Ends with 77 where this machine has no browser, or not the package that drives it."""
    if not shutil.which("node"):
        told.cannot("there is no node")
    if not os.path.exists(os.environ.get("CHROMIUM", "/usr/bin/chromium")):
        told.cannot("there is no Chromium (Debian: chromium, or CHROMIUM=…)")
    if not (PACKAGES / "node_modules/playwright-core").exists():
        told.cannot("npm ci --prefix tests/console (or SALLYPORT_CONSOLE_PACKAGES=…)")


async def scene(house):
    """A bit of everything. Gives what the browser has to look for."""
    red, blue = house.agent("red"), house.agent("blue")
    for number in range(6):
        await red.chat(f"hello {number}", model=["gpt-test", "gpt-large"][number % 2], stream=number % 3 == 0)
    await blue.chat(f"use {PLANTED}, and write to ann@example.com")
    await red.chat("refuse this")
    await red.chat("warn me")
    await red.chat("break")
    await red.chat('call search {"q":"weather"}', tools=["search"])
    await red.chat('call drop_database {"name":"customers"}', tools=["drop_database"])
    await red.greet()
    await red.ask("tools/call", {"name": "search", "arguments": {"q": "weather"}})
    await red.ask("tools/call", {"name": "drop_database", "arguments": {"q": "all"}})
    model = f"m{HTML}{BIDI}"
    # As the provider is asked for it too, the answer says it again.
    await red.chat(f"call {HTML.replace(' ', '/')}{BIDI} " + json.dumps({word: word for word in HOSTILE}), model=model, tools=[HTML + BIDI])
    hostile = await red.chat("\n".join(HOSTILE), model=model)
    for agent in (red, blue):
        agent.close()
    operators = wire.Connection(("127.0.0.1", house.running.operators[1]), {"authorization": f"Bearer {TOKEN}"})
    listed = []
    for _ in range(40):
        listed = (await operators.ask("GET", "/api/exchanges?limit=200")).json()["exchanges"]
        if listed and listed[0]["model"] == model and len(listed) > 15:
            break
        await asyncio.sleep(0.1)
    found = next(each for each in listed if each["team"] == "blue")
    return {"hostile": listed[0]["id"], "found": found["id"], "label": "secret.aws_access_key", "secret": PLANTED, "blocked": "drop_database", "words": WORDS, "model": model}


async def node(folder, script, *words):
    """Runs a script beside its packages; tells its lines."""
    shutil.copy(script, folder)
    process = await asyncio.create_subprocess_exec(
        "node", script.name, *words, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    lines = []
    async for line in process.stdout:
        lines.append(line.decode().rstrip())
        if lines[-1].startswith(("FAIL", "WRONG")):
            told.check(False, lines[-1].split(" ", 1)[1].strip())
    code = await process.wait()
    well = sum(line.startswith("ok") for line in lines)
    told.check(code == 0 and well, f"{script.name}: {well} checks in a browser", "\n".join(lines[-8:]))
    for line in lines:
        if " ms" in line:
            told.measured(line.removeprefix("ok").strip())


async def doors(folder):
    """Who gets in."""
    async with house(folder / "open", operators='{listen: "127.0.0.1:0"}') as here:
        operators = wire.Connection(here.running.operators)
        answer = await operators.ask("GET", "/")
        told.check(answer.status == 200 and b"<h1" in answer.body, "a loopback listener without a token shows the console")
        answer = await operators.ask("GET", "/", host="evil.example")
        told.check(answer.status == 421, "not by another's name", f"{answer.status}")
    async with house(folder / "bare", operators='{listen: "0.0.0.0:0"}') as here:
        operators = wire.Connection(("127.0.0.1", here.running.operators[1]))
        statuses = [(await operators.ask("GET", path)).status for path in ("/", "/api/exchanges", "/metrics", "/healthz")]
        told.check(statuses[0] in (401, 403) and statuses[1] in (401, 403) and statuses[2:] == [200, 200], "an open listener without a token shows no console, but metrics", f"{statuses}")
    async with house(folder / "locked", operators=f'{{listen: "0.0.0.0:0", token: "{TOKEN}"}}') as here:
        operators = wire.Connection(("127.0.0.1", here.running.operators[1]))
        statuses = [(await operators.ask("GET", path)).status for path in ("/", "/api/exchanges", "/metrics", "/healthz")]
        told.check(statuses == [303, 401, 200, 200], "with a token, it is asked for", f"{statuses}")
        answer = await operators.ask("GET", "/api/exchanges", authorization=f"Bearer {TOKEN}")
        told.check(answer.status == 200, "scripts bring it as a header", f"{answer.status}")
        form = f"token={TOKEN}".encode()
        kind = {"content-type": "application/x-www-form-urlencoded", "content-length": len(form)}
        answer = await operators.ask("POST", "/login", form, **kind, origin="http://evil.example")
        told.check(answer.status in (400, 401, 403) and "set-cookie" not in answer.headers, "a form of another page is refused", f"{answer.status}")


def poke(house, folder):
    """A command that makes one more exchange."""
    script = folder / "poke.py"
    script.write_text(POKE % (*house.running.agents, KEYS["red"]))
    return f"{sys.executable} -S -E {script}"


async def seen(folder, keeps):
    """What agents do, seen on a loopback listener."""
    tools = Tools(("search", "drop_database", f"look{HTML}", f"look{BIDI}"))
    async with house(folder / "seen", history="{content: true}", tools=tools) as here:
        facts = folder / "facts.json"
        facts.write_text(json.dumps(await scene(here)))
        words = ["--facts", str(facts), "--poke", poke(here, folder / "seen"), *keeps]
        await node(folder / "node", HERE / "browser.mjs", "http://%s:%d" % here.running.operators, *words)


async def behind_a_token(folder, keeps):
    """The console's own check, on a listener that is open to all and asks for a token."""
    operators = f'{{listen: "0.0.0.0:0", token: "{TOKEN}"}}'
    async with house(folder / "token", operators=operators) as here:
        await scene(here)
        base = f"http://127.0.0.1:{here.running.operators[1]}"
        await node(folder / "node", CHECK / "console.mjs", base, "--token", TOKEN, "--poke", poke(here, folder / "token"), *keeps)


async def run(folder):
    can()
    shots = os.environ.get("OBSERVE_SHOTS")
    keeps = ["--shots", shots] if shots else []
    (folder / "node").mkdir()
    (folder / "node/node_modules").symlink_to(PACKAGES / "node_modules")
    await asyncio.gather(doors(folder), seen(folder, keeps), behind_a_token(folder, keeps))
