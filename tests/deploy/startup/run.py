#!/usr/bin/env python3
"""Wrong start-ups end at once, with one message that tells the mend, the documented exit code, and nothing half-started.

With `--list`, prints the table that docs/deploy.md shows."""

import atexit
import dataclasses
import functools
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from stage import gateway, told

# Exit codes as `sallyport --help` says them.
NO, CANNOT_BE_DONE = 1, 3
# A debug build on a busy machine; what ends at once ends in a fraction of it.
AT_ONCE = 10.0
# Nobody in particular: files of root that are closed to others are closed to it.
NOBODY = 65534


@dataclasses.dataclass
class Wrong:
    """One way to start wrongly: `says` and `mend` are words of the message."""

    name: str
    code: int
    says: str
    mend: str
    sections: dict = dataclasses.field(default_factory=dict)
    more: str = ""
    prepare: object = None


def unreadable(where):
    (where / "policies").chmod(0)


def closed_folder(name):
    def make(where):
        (where / name).mkdir(mode=0o755)

    return make


def broken_policy(where):
    (where / "policies/org.rego").write_text("package sallyport.org\n\nallow if {\n")


def no_config(where):
    (where / "sallyport.yaml").unlink()


KEY_FROM_NOWHERE = '{openai: {url: "http://127.0.0.1:1", speaks: openai, key: "${NO_SUCH_KEY}"}}'
KEY_FILE_GONE = '{openai: {url: "http://127.0.0.1:1", speaks: openai, key_file: gone}}'
MODEL_GONE = f'{{model: {{file: gone.gguf, sha256: "{"0" * 64}"}}}}'

CASES = [
    Wrong("no configuration file", NO, "sallyport.yaml: cannot be read", "name a file that exists", prepare=no_config),
    Wrong("no YAML", NO, "not YAML", "", more="routes: [\n"),
    Wrong("an unknown key", NO, "unknown key `polices`", "did you mean `policies`?", more="polices: here\n"),
    Wrong("a version that there is not", NO, "unknown key `version`", "known here: ", more="version: 99\n"),
    Wrong("a wrong value", NO, "`workers` must be a whole number", "write it in digits", {"workers": "many"}),
    Wrong("a missing secret", NO, "the environment has no `NO_SUCH_KEY`", "set it, or give a default", {"upstreams": KEY_FROM_NOWHERE}),
    Wrong("a missing key file", NO, "`gone` cannot be read", "name a file that holds the key", {"upstreams": KEY_FILE_GONE}),
    Wrong("no policies at their path", CANNOT_BE_DONE, "gone: cannot be read", "it must exist", {"policies": "gone"}),
    Wrong("policies that this user may not read", CANNOT_BE_DONE, "Permission denied", "must be allowed to read it", prepare=unreadable),
    Wrong("policies that do not compile", CANNOT_BE_DONE, "org.rego:", "", prepare=broken_policy),
    Wrong("a port in use", CANNOT_BE_DONE, "Address already in use", "", {"agents": '{listen: "127.0.0.1:TAKEN"}'}),
    Wrong("an operators' port in use", CANNOT_BE_DONE, "Address already in use", "", {"operators": '{listen: "127.0.0.1:TAKEN"}'}),
    Wrong("an address of another machine", CANNOT_BE_DONE, "cannot listen on 192.0.2.1", "", {"agents": '{listen: "192.0.2.1:0"}'}),
    Wrong("a decision log that this user may not write", CANNOT_BE_DONE, "closed/decisions.jsonl` cannot be opened", "", {"decisions": "{to: closed/decisions.jsonl}"}, prepare=closed_folder("closed")),
    Wrong("originals that this user may not write", CANNOT_BE_DONE, "closed", "", {"compression": "{originals: closed/originals}"}, prepare=closed_folder("closed")),
    Wrong("a model that there is not", CANNOT_BE_DONE, "gone.gguf", "", {"firewall": MODEL_GONE}),
    Wrong("a certificate that there is not", NO, "no certificate in `gone.pem`", "name a PEM file", {"agents": '{listen: "127.0.0.1:0", tls: {certificate: gone.pem, key: gone.key}}'}),
]
# Without this section the gateway knows no audit log: asked of it only where its schema has it.
AUDITED = Wrong("an audit folder that this user may not write", CANNOT_BE_DONE, "closed", "", {"audit": "{folder: closed/audit}"}, prepare=closed_folder("closed"))


def knows_audit():
    schema = subprocess.run([gateway.binary(), "config", "schema"], capture_output=True, text=True, check=True).stdout
    return '"audit":' in schema


def drop_rights():
    """Root may read and write everything: as root, the gateway is started as nobody."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


@functools.cache
def reachable():
    """The binary where nobody may start it: root's home is closed to others."""
    if os.getuid() != 0:
        return gateway.binary()
    folder = tempfile.mkdtemp(prefix="sallyport-startup-")
    atexit.register(shutil.rmtree, folder, True)
    os.chmod(folder, 0o755)
    copy = pathlib.Path(folder) / "sallyport"
    shutil.copy(gateway.binary(), copy)
    copy.chmod(0o755)
    return copy


def start(where, case, taken):
    text = gateway.config(**{"decisions": "{to: stdout}", **case.sections}).replace("TAKEN", str(taken)) + case.more
    path = gateway.lay_out(where, text)
    if case.prepare:
        case.prepare(where)
    environment = {name: value for name, value in os.environ.items() if name != "NO_SUCH_KEY"}
    began = time.monotonic()
    process = subprocess.Popen(
        [reachable(), "run", "--config", path.name],
        cwd=where,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
        preexec_fn=drop_rights,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=AT_ONCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        return None, out, err, AT_ONCE
    return process.returncode, out, err, time.monotonic() - began


def wrong_start(case, taken):
    with gateway.folder() as folder:
        where = pathlib.Path(folder)
        code, out, err, took = start(where, case, taken)
        left = [path.name for path in where.rglob("*") if path.name in ("decisions.jsonl", "audit", "originals")]
        (where / "policies").chmod(0o755)
    problems = []
    if code is None:
        problems.append("it runs")
    elif code != case.code:
        problems.append(f"exit code {code}, not {case.code}")
    if case.says not in err:
        problems.append(f"no word of {case.says!r}")
    if case.mend not in err:
        problems.append(f"no mend ({case.mend!r})")
    if "ready" in out or out.strip():
        problems.append(f"it wrote {out[:100]!r} to standard output")
    if "panicked" in err:
        problems.append("it panicked")
    if left:
        problems.append(f"it left {left}")
    if "hint:" not in err:
        told.measured(f"without a mend: {err.strip()}")
    told.check(not problems, f"{case.name}: exit {case.code} in {took:.2f} s", f"{'; '.join(problems)}; it said: {err.strip()[:400]}")


def main():
    cases = CASES + ([AUDITED] if knows_audit() else [])
    if "--list" in sys.argv:
        print("\n".join(f"| {case.name} | {case.code} | {case.says} |" for case in cases))
        return
    with socket.socket() as occupied:
        occupied.bind(("127.0.0.1", 0))
        occupied.listen()
        for case in cases:
            wrong_start(case, occupied.getsockname()[1])
    told.end()


main()
