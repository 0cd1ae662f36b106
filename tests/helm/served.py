"""The real gateway is run on what the chart renders, in a network of its own, and asked as a kubelet, an agent and a stranger would.

Then a ConfigMap is changed as the kubelet changes one: a new folder, and the link `..data` swapped to it.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import gateway
import lock
import yaml

RENEWED = 20.0
KEY = "sp-example-support-do-not-use-elsewhere"
# Prints the status of an answer, or 0 if there was none.
GET = """
import sys, urllib.error, urllib.request
url, key = sys.argv[1:]
try:
    print(urllib.request.urlopen(urllib.request.Request(url, headers={'authorization': 'Bearer ' + key}), timeout=5).status)
except urllib.error.HTTPError as error:
    print(error.code)
except OSError:
    print(0)
"""


def status(namespace, url, key="none"):
    command = lock.inside(namespace, [sys.executable, "-c", GET, url, key])
    return int(subprocess.run(command, capture_output=True, text=True, timeout=30).stdout)


def waited(seconds, wanted, ask):
    """What is asked for until it is what is wanted."""
    deadline = time.monotonic() + seconds
    while (got := ask()) != wanted and time.monotonic() < deadline:
        time.sleep(0.2)
    return got


def swap(folder, name, text):
    """A new version of a mounted ConfigMap."""
    new = folder / "..second"
    new.mkdir()
    (new / name).write_text(text)
    (folder / "..data.new").symlink_to("..second")
    os.rename(folder / "..data.new", folder / "..data")


def wrong(binary, objects, case):
    sidecar = case.chart == "agent"
    ports = case.operators_port, case.values_of("port") or 8080
    with tempfile.TemporaryDirectory() as folder, lock.network() as pod, lock.network() as world:
        lock.connect(pod, world)
        root = Path(folder)
        container = gateway.lay_out(root, objects, case)
        config = str(root / "etc/sallyport/config/sallyport.yaml")
        own = gateway.environment(container, case)
        command = lock.inside(pod, [binary, "run", "--config", config])
        with open(root / "log", "w") as log:
            server = subprocess.Popen(command, env=own, stdout=log, stderr=log)
        try:
            yield from asked(pod, world, ports, sidecar, root)
            server.send_signal(signal.SIGTERM)
            if server.wait(30):
                yield f"SIGTERM: it ended with {server.returncode}"
        finally:
            server.kill()
            server.wait()
            told = (root / "log").read_text()
        if "sallyport ready" not in told:
            yield told.replace(folder, "")


def asked(pod, world, ports, sidecar, root):
    operators, agents = (f"http://{lock.POD[4]}:{port}" for port in ports)
    own = f"http://127.0.0.1:{ports[1]}"
    expected = [
        ("readiness, from the node", 200, lambda: waited(20, 200, lambda: status(world, f"{operators}/readyz"))),
        ("liveness, from the node", 200, lambda: status(world, f"{operators}/healthz")),
        ("metrics, from the node", 200, lambda: status(world, f"{operators}/metrics")),
        ("agents' port, from other pods", 0 if sidecar else 401, lambda: status(world, f"{agents}/v1/models")),
        ("operators' pages at the agents' port", 404, lambda: status(pod, f"{own}/metrics")),
        ("a key that is known", True, lambda: status(pod, f"{own}/v1/models", KEY) not in (0, 401)),
    ]
    for what, wanted, ask in expected:
        if (got := ask()) != wanted:
            yield f"{what}: {got}, not {wanted}"
    # The kubelet takes the key away.
    keys = root / "etc/sallyport/keys"
    known = yaml.safe_load((keys / "keys.yaml").read_text())
    swap(keys, "keys.yaml", json.dumps([one for one in known if one["team"] != "support"]))
    if (got := waited(RENEWED, 401, lambda: status(pod, f"{own}/v1/models", KEY))) != 401:
        yield f"a key that was taken away: {got}"
