"""The lock's rules in a network of their own: two namespaces play pod and world, and what gets out is counted.

Needs root, nftables, iproute2 and util-linux. Nothing outside of the two namespaces is touched.
"""

import contextlib
import os
import subprocess
import sys
import time

GATEWAY, AGENT, ROOT_USER = 65532, 10001, 0
WORLD = {4: "198.51.100.1", 6: "2001:db8::1"}
POD = {4: "198.51.100.2", 6: "2001:db8::2"}

# Becomes the user that is named first. Everything is imported before, for that user may not be let into this Python's folder.
BECOME = """
import encodings.idna, os, socket, sys, threading
user = int(sys.argv.pop(1))
if user: os.setgroups([]); os.setgid(user); os.setuid(user)
"""
# Listens on all given (kind, port) until it is killed; says when it does. TCP greets, UDP echoes.
LISTEN = """
def tcp(s):
    while True:
        c, _ = s.accept(); c.sendall(b'hello'); c.close()
def udp(s):
    while True:
        data, who = s.recvfrom(100); s.sendto(data, who)
for word in sys.argv[1:]:
    kind, port = word.split(':')
    s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM if kind == 'tcp' else socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(('::', int(port)))
    if kind == 'tcp': s.listen()
    threading.Thread(target=tcp if kind == 'tcp' else udp, args=(s,), daemon=True).start()
print('ready', flush=True); sys.stdin.read()
"""
# Ends with 0 if the other side answers.
ASK = """
kind, host, port = sys.argv[1:]
family = socket.AF_INET6 if ':' in host else socket.AF_INET
s = socket.socket(family, socket.SOCK_STREAM if kind == 'tcp' else socket.SOCK_DGRAM); s.settimeout(2)
s.connect((host, int(port)))
if kind == 'udp': s.send(b'hello')
sys.exit(0 if s.recv(10) == b'hello' else 1)
"""


def inside(namespace, command):
    return ["nsenter", f"--net=/proc/{namespace}/ns/net", *command]


def python(namespace, user, code, *words):
    return inside(namespace, [sys.executable, "-c", BECOME + code, str(user), *words])


@contextlib.contextmanager
def network():
    """A process that holds a network of its own; gives its id."""
    holder = subprocess.Popen(["unshare", "--net", "sleep", "300"])
    try:
        deadline = time.monotonic() + 10
        while os.readlink(f"/proc/{holder.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            if holder.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("no network namespace can be made here: this needs root")
            time.sleep(0.01)
        yield holder.pid
    finally:
        holder.kill()
        holder.wait()


def sh(namespace, line):
    subprocess.run(inside(namespace, line.split()), check=True, capture_output=True, text=True)


def connect(pod, world):
    """A cable between the two, with addresses of both kinds."""
    sh(world, f"ip link add world0 type veth peer name pod0 netns {pod}")
    for namespace, device, addresses in ((world, "world0", WORLD), (pod, "pod0", POD)):
        sh(namespace, "ip link set lo up")
        sh(namespace, f"ip link set {device} up")
        sh(namespace, f"ip address add {addresses[4]}/24 dev {device}")
        sh(namespace, f"ip address add {addresses[6]}/64 dev {device} nodad")


@contextlib.contextmanager
def listening(namespace, user, *what):
    command = python(namespace, user, LISTEN, *what)
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        if server.stdout.readline() != "ready\n":
            raise RuntimeError(f"nobody listens on {what}")
        yield
    finally:
        server.kill()
        server.wait()


def answered(namespace, user, kind, host, port):
    command = python(namespace, user, ASK, kind, host, str(port))
    return subprocess.run(command, capture_output=True, timeout=30).returncode == 0


def expectations(dns, allowed):
    """(from whom, user, kind, host, port, whether it gets there)."""
    for family in (4, 6):
        host = WORLD[family]
        yield "pod", GATEWAY, "tcp", host, 443, True
        yield "pod", GATEWAY, "udp", host, 53, True
        yield "pod", AGENT, "tcp", host, 443, False
        yield "pod", ROOT_USER, "tcp", host, 443, False
        yield "pod", AGENT, "tcp", host, 5432, family == 4 and allowed
        yield "pod", AGENT, "tcp", host, 53, dns
        yield "pod", AGENT, "udp", host, 53, dns
        yield "pod", AGENT, "udp", host, 443, False
        # Who asks the agent is answered, and probes reach the operators' port.
        yield "world", AGENT, "tcp", POD[family], 8000, True
        yield "world", AGENT, "tcp", POD[family], 9090, True
    for host in ("127.0.0.1", "::1"):
        yield "pod", AGENT, "tcp", host, 8080, True
        yield "pod", AGENT, "tcp", host, 9090, False
    yield "pod", AGENT, "tcp", POD[4], 9090, False


def wrong(rules, dns, allowed):
    """What gets through the rules that should not, or does not although it should."""
    with network() as pod, network() as world:
        connect(pod, world)
        with (
            listening(world, 0, "tcp:443", "tcp:53", "udp:53", "tcp:5432", "udp:443"),
            listening(pod, GATEWAY, "tcp:8080", "tcp:9090"),
            listening(pod, AGENT, "tcp:8000"),
        ):
            if not answered(pod, AGENT, "tcp", WORLD[4], 443):
                yield "before the lock the agent does not get out: this shows nothing"
            # Twice, as when the pod's sandbox is made anew.
            for _ in range(2):
                loaded = subprocess.run(inside(pod, ["nft", "-f", "-"]), input=rules, capture_output=True, text=True)
                if loaded.returncode:
                    yield f"nft: {loaded.stderr}"
                    return
            for where, user, kind, host, port, wanted in expectations(dns, allowed):
                asked = answered(pod if where == "pod" else world, user, kind, host, port)
                if asked != wanted:
                    yield f"from the {where}, user {user}, {kind} {host} {port}: {'gets through' if asked else 'is stopped'}"
