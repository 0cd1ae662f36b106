"""Runs each program in examples/clients through the gateway, offline, and compares what it prints with its expected.txt.

    SALLYPORT_BIN=target/debug/sallyport python3 tests/clients/run.py [NAME…]     these, or all
    … --update                                                                   writes expected.txt anew
    … --serve                                                                    starts everything and waits

The gateway runs with examples/clients/sallyport.yaml. Behind it stand the scripted model and the tool server of
`sallyport demo`. Packages are pinned beside this file and kept in SALLYPORT_TEST_CACHE, or ~/.cache/sallyport.
"""

import concurrent.futures
import contextlib
import difflib
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLES = HERE.parent.parent / "examples" / "clients"
KEY = "sp-example-clients-do-not-use-elsewhere"
# Each folder of examples/clients, and what is run in a copy of it.
CLIENTS = {
    "openai-python": ["python", "agent.py"],
    "openai-node": ["node", "agent.mjs"],
    "anthropic-python": ["python", "agent.py"],
    "anthropic-node": ["node", "agent.mjs"],
    "langchain": ["python", "agent.py"],
    "openai-agents": ["python", "agent.py"],
    "pydantic-ai": ["python", "agent.py"],
    "vercel-ai": ["node", "agent.mjs"],
    "claude-code": ["sh", "session.sh"],
    "codex": ["sh", "session.sh"],
    "mcp-client": ["python", "client.py"],
}
START_SECONDS = 60
CLIENT_SECONDS = 100
AT_A_TIME = 2


def installed(kind, wanted, install):
    """A folder of packages that is filled once, whoever comes first."""
    cache = pathlib.Path(os.environ.get("SALLYPORT_TEST_CACHE") or pathlib.Path.home() / ".cache" / "sallyport")
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"clients-{kind}-{hashlib.sha256(wanted).hexdigest()[:16]}"
    with open(folder.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / ".installed").exists():
            print(f"installing {kind} packages (once)", flush=True)
            shutil.rmtree(folder, ignore_errors=True)
            install(folder)
            (folder / ".installed").touch()
    return folder


def python_packages():
    requirements = HERE / "requirements.txt"

    def install(folder):
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", "-r", requirements], check=True)

    return installed("python", requirements.read_bytes(), install)


def node_packages():
    def install(folder):
        folder.mkdir(parents=True)
        for file in ["package.json", "package-lock.json"]:
            shutil.copy(HERE / file, folder)
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True)

    return installed("node", (HERE / "package-lock.json").read_bytes(), install)


@contextlib.contextmanager
def running(command, until, log, **more):
    """A process, once its output has a line that `until` finds. Gives the match; ends the process at the end."""
    with open(log, "w") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, **more)
    try:
        limit = time.monotonic() + START_SECONDS
        while not (found := re.search(until, log.read_text(), re.DOTALL)):
            if process.poll() is not None or time.monotonic() > limit:
                sys.exit(f"{command} did not start:\n{log.read_text()}")
            time.sleep(0.05)
        yield found
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def served(binary, folder):
    """The scripted model and tool server, and the gateway of the examples before them. Gives the gateway's address."""
    with running([binary, "demo", "--port", "0"], r"Change a rule in (\S+)/policies", folder / "demo.log") as stage:
        # The demo's own gateway is not used, only what stands behind it. Its configuration says where that is.
        behind = pathlib.Path(stage[1], "gateway.yaml").read_text()
        model = re.search(r"url: (http://127\.0\.0\.1:\d+)$", behind, re.MULTILINE)[1]
        desk = re.search(r'url: "(http://[^"]*/desk)"', behind)[1]
        ports = {"PORT": "0", "OPERATORS_PORT": "0"}
        upstreams = {"OPENAI_UPSTREAM": model, "ANTHROPIC_UPSTREAM": model, "DESK_URL": desk}
        # No rule here asks the classifier, which is slow in a binary that is not optimised.
        shutil.copytree(EXAMPLES / "policies", folder / "policies")
        config = folder / "sallyport.yaml"
        config.write_text((EXAMPLES / "sallyport.yaml").read_text() + "\nfirewall: {enabled: false}\n")
        command = [binary, "run", "--config", config]
        environment = {**os.environ, **ports, **upstreams}
        ready = r"sallyport ready agents=(\S+)"
        with running(command, ready, folder / "gateway.log", env=environment) as gateway:
            yield gateway[1]


def environment(base, home, packages):
    """What a client is told. There is a proxy that nobody answers at: what goes past the gateway goes nowhere."""
    nowhere = "http://127.0.0.1:9"
    return {
        "PATH": os.pathsep.join([*(str(folder) for folder in packages), os.environ["PATH"]]),
        "HOME": str(home),
        # Codex makes its helper programs at home, and refuses where that is in a folder of temporary files.
        "TMPDIR": f"{home}/tmp",
        "LANG": "C.UTF-8",
        "HTTP_PROXY": nowhere,
        "HTTPS_PROXY": nowhere,
        "NO_PROXY": "127.0.0.1",
        "SALLYPORT_URL": base,
        "SALLYPORT_KEY": KEY,
        "OPENAI_BASE_URL": f"{base}/v1",
        "OPENAI_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": base,
        "ANTHROPIC_API_KEY": KEY,
    }


def plain(printed):
    """Without what differs from run to run: decision ids, the names of placeholders, ports, Codex's notes on a command."""
    printed = re.sub(r"\bsp_[0-9a-f]{32}", "sp_…", printed)
    printed = re.sub(r"(\[redacted [\w.]+) #[0-9a-z]{6}", r"\1 #…", printed)
    printed = re.sub(r"Chunk ID: \w+\nWall time: [\d.]+ seconds", "Chunk ID: …\nWall time: … seconds", printed)
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8080", printed)


def play(name, base, packages, folder, update):
    """Runs one client. Gives what is wrong with it, or None."""
    work = folder / name
    shutil.copytree(EXAMPLES / name, work)
    (folder / f"{name}-home" / "tmp").mkdir(parents=True)
    if (node := packages[1].parent).name == "node_modules":
        (work / "node_modules").symlink_to(node)
    told = environment(base, folder / f"{name}-home", packages)
    begun = time.monotonic()
    try:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        ran = subprocess.run(CLIENTS[name], cwd=work, env=told, timeout=CLIENT_SECONDS, text=True, **pipes)
    except subprocess.TimeoutExpired as late:
        return f"{name}: still runs after {CLIENT_SECONDS} s\n{late.stdout}\n{late.stderr}"
    took = time.monotonic() - begun
    printed, expected = plain(ran.stdout), EXAMPLES / name / "expected.txt"
    if ran.returncode != 0:
        return f"{name}: ended with {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
    if update:
        expected.write_text(printed)
    elif printed != expected.read_text():
        lines = difflib.unified_diff(expected.read_text().splitlines(), printed.splitlines(), "expected", "printed", lineterm="")
        return f"{name}: printed otherwise than expected\n" + "\n".join(lines) + f"\n{ran.stderr}"
    print(f"passed {name} in {took:.1f} s", flush=True)
    return None


def main():
    options = {word for word in sys.argv[1:] if word.startswith("--")}
    names = [word for word in sys.argv[1:] if word not in options] or list(CLIENTS)
    unknown = {name for name in names if name not in CLIENTS} | (options - {"--update", "--serve"})
    binary = os.environ.get("SALLYPORT_BIN")
    if unknown or not binary:
        sys.exit(f"{__doc__}\nclients: {' '.join(CLIENTS)}" + (f"\nunknown: {' '.join(unknown)}" if unknown else ""))
    stray = {entry.name for entry in EXAMPLES.iterdir() if entry.is_dir()} - CLIENTS.keys() - {"policies"}
    if stray:
        sys.exit(f"examples/clients has folders that no test runs: {' '.join(sorted(stray))}. Add them to CLIENTS.")
    with tempfile.TemporaryDirectory(prefix="sallyport-clients-") as folder:
        folder = pathlib.Path(folder)
        if "--serve" in options:
            with served(pathlib.Path(binary).resolve(), folder) as base:
                told = environment(base, "", [])
                print(*(f"export {name}={told[name]}" for name in told if "URL" in name or "KEY" in name), sep="\n", flush=True)
                with contextlib.suppress(KeyboardInterrupt):
                    signal.pause()
            return
        node = node_packages() / "node_modules"
        packages = [python_packages() / "bin", node / ".bin"]
        with served(pathlib.Path(binary).resolve(), folder) as base:
            with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
                wrong = pool.map(lambda name: play(name, base, packages, folder, "--update" in options), names)
                wrong = [how for how in wrong if how]
    if wrong:
        sys.exit("\n\n".join(["", *wrong]))
    print(f"{len(names)} clients passed")


if __name__ == "__main__":
    main()
