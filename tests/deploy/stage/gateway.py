"""The real binary (SALLYPORT_BIN), in a folder of its own, on free ports."""

import asyncio
import hashlib
import os
import pathlib
import signal
import socket
import tempfile
import time
import urllib.error
import urllib.request

KEY = "sp-tests-red-000000000000000000000000"
PROVIDER_KEY = "provider-key-of-the-tests-0123456789"
# A debug build on a busy machine needs a while to start.
START_MAX = 60.0

ALLOW_ALL = {
    "org.rego": "package sallyport.org\n\ndefault allow := true\n",
    "red.rego": "package sallyport.teams.red\n\ndefault allow := true\n",
}


def binary():
    """The gateway under test."""
    path = pathlib.Path(os.environ.get("SALLYPORT_BIN", ""))
    if not path.is_file():
        raise SystemExit("SALLYPORT_BIN must name the gateway's binary")
    return path.resolve()


def folder():
    """A folder that goes when the process ends; others may enter it, as other users run in it."""
    made = tempfile.TemporaryDirectory(prefix="sallyport-deploy-")
    pathlib.Path(made.name).chmod(0o755)
    return made


def free_port():
    """A port that was free a moment ago, for what cannot be told to take any."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def config(upstream="http://127.0.0.1:1", **sections):
    """A whole configuration; `sections` replace or (with None) remove whole top-level ones. Values are YAML."""
    wanted = {
        "agents": '{listen: "127.0.0.1:0"}',
        "operators": '{listen: "127.0.0.1:0"}',
        "policies": "policies",
        "decisions": "{to: decisions.jsonl}",
        "workers": "2",
        "firewall": "{enabled: false}",
        "redaction_key": "tests-only-redaction-key-0123456789ab",
        "upstreams": f'{{openai: {{url: "{upstream}", speaks: openai, key: "{PROVIDER_KEY}"}}}}',
        "keys": f'[{{name: red-key, team: red, agent: tester, sha256: "{hashlib.sha256(KEY.encode()).hexdigest()}"}}]',
    }
    wanted.update(sections)
    return "".join(f"{name}: {value}\n" for name, value in wanted.items() if value is not None)


def lay_out(where, text, policies=ALLOW_ALL):
    """Writes a configuration and its policies. Gives the configuration's path."""
    where = pathlib.Path(where)
    (where / "policies").mkdir(parents=True, exist_ok=True)
    for name, policy in policies.items():
        (where / "policies" / name).write_text(policy)
    path = where / "sallyport.yaml"
    path.write_text(text)
    return path


class Gateway:
    """A running gateway."""

    def __init__(self, process, agents, operators, ready_in):
        self.process = process
        self.agents = agents
        self.operators = operators
        # Seconds from the start of the process to its ready line.
        self.ready_in = ready_in

    @classmethod
    async def start(cls, path, command=None, environment=None):
        """Starts it and waits for its ready line. `command` is what stands for the binary, such as one in a sandbox."""
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *(command or [str(binary())]),
            "run",
            "--config",
            str(path),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            env={"SALLYPORT_LOG": "warn,pingora_core=off", **os.environ, **(environment or {})},
        )
        try:
            line = await asyncio.wait_for(process.stdout.readline(), START_MAX)
        except TimeoutError:
            process.kill()
            raise
        took = time.monotonic() - began
        words = line.decode().split()
        if words[:2] != ["sallyport", "ready"]:
            raise RuntimeError(f"the gateway did not start (exit {await process.wait()}): its first line is {line!r}")
        at = {word.split("=")[0]: word.split("//")[1] for word in words[2:]}
        address = lambda name: (at[name].rsplit(":", 1)[0], int(at[name].rsplit(":", 1)[1]))
        running = cls(process, address("agents"), address("operators"), took)
        # Nobody reads what else it says: the pipe must not fill.
        running._rest = asyncio.create_task(process.stdout.read())
        return running

    def operators_say(self, path):
        """Status and body that the operators' listener answers."""
        host, port = self.operators
        try:
            with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def tell(self, number=signal.SIGTERM):
        """Sends a signal."""
        self.process.send_signal(number)

    async def ends(self, within=60):
        """Waits until it has ended by itself. Gives its exit code."""
        return await asyncio.wait_for(self.process.wait(), within)

    async def stop(self):
        """Ends it, by force if it must be."""
        if self.process.returncode is None:
            self.tell()
            try:
                await self.ends(10)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
