#!/usr/bin/env python3
"""Namespaces play the agent's pod, the gateway's pod and the world. With the manifests' NetworkPolicies as nftables, the agent
reaches models and tools only through the gateway; without them it reaches everything, so this test can fail."""

import asyncio
import http.server
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import threading
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from network.policy import as_nftables
from stage import gateway, told
from stage.upstream import Upstream

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
MANIFESTS = pathlib.Path(os.environ.get("SALLYPORT_MANIFESTS", REPOSITORY / "deploy/kubernetes")) / "ingress"
AGENT, GATEWAY = "10.0.1.2", "10.0.2.2"
PROVIDER, TOOLS, ANYBODY, NAMES, METADATA = "203.0.113.10", "203.0.113.20", "203.0.113.66", "10.0.9.53", "169.254.169.254"
APP = {"app.kubernetes.io/name": "sallyport", "app.kubernetes.io/instance": "sallyport"}
PODS = [("sallyport", APP, GATEWAY), ("kube-system", {"k8s-app": "kube-dns"}, NAMES)]


def sh(*words, **more):
    return subprocess.run(words, check=True, **more)


def lay_cables():
    """The world routes between the pods, and has everybody's addresses itself."""
    pathlib.Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    sh("ip", "link", "set", "lo", "up")
    for address in (PROVIDER, TOOLS, ANYBODY, NAMES, METADATA):
        sh("ip", "addr", "add", f"{address}/32", "dev", "lo")
    for name, address in (("agent", AGENT), ("gateway", GATEWAY)):
        router = address.rsplit(".", 1)[0] + ".1"
        sh("ip", "netns", "add", name)
        sh("ip", "link", "add", f"to-{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
        sh("ip", "addr", "add", f"{router}/24", "dev", f"to-{name}")
        sh("ip", "link", "set", f"to-{name}", "up")
        for words in (["link", "set", "lo", "up"], ["addr", "add", f"{address}/24", "dev", "eth0"], ["link", "set", "eth0", "up"], ["route", "add", "default", "via", router]):
            sh("ip", "-n", name, *words)


class ToolServer(http.server.BaseHTTPRequestHandler):
    """As much of the Model Context Protocol as one tool needs."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        results = {
            "initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "t", "version": "1"}},
            "tools/list": {"tools": [{"name": "look", "description": "Looks.", "inputSchema": {"type": "object", "properties": {}}}]},
            "tools/call": {"content": [{"type": "text", "text": "seen"}]},
        }
        known = results.get(asked.get("method"))
        answer = {"jsonrpc": "2.0", "id": asked.get("id")}
        answer.update({"result": known} if known else {"error": {"code": -32601, "message": "no such method"}})
        body = b"" if "id" not in asked else json.dumps(answer).encode()
        self.send_response(200 if body else 202)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.send_error(405)

    def log_message(self, *_):
        pass


def world():
    """The provider, a tool server, and somebody whom no agent should reach, by TCP and by UDP."""
    for address, port in ((TOOLS, 443), (ANYBODY, 443), (ANYBODY, 53), (METADATA, 80), (NAMES, 53), (NAMES, 9153)):
        server = http.server.ThreadingHTTPServer((address, port), ToolServer)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    for address, port in ((ANYBODY, 443), (ANYBODY, 53), (NAMES, 53)):
        heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        heard.bind((address, port))
        threading.Thread(target=echo, args=(heard,), daemon=True).start()


def echo(heard):
    while True:
        data, sender = heard.recvfrom(2048)
        heard.sendto(data, sender)


# What runs inside a pod ---------------------------------------------------------------------------------------


def reached(kind, address, port):
    """Whether anything answers there."""
    try:
        if kind == "tcp":
            socket.create_connection((address, port), timeout=0.7).close()
        else:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asks:
                asks.settimeout(0.7)
                asks.sendto(b"hello", (address, port))
                asks.recv(16)
        return True
    except OSError:
        return False


def post(path, body, **headers):
    headers.update({"authorization": f"Bearer {gateway.KEY}", "content-type": "application/json", "accept": "application/json, text/event-stream"})
    request = urllib.request.Request(f"http://{GATEWAY}:8080{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return dict(answer.headers), answer.read().decode()


def through():
    """A chat and a tool call by way of the gateway, from inside the agent's pod."""
    _, chat = post("/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "hello"}]})
    greeting = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}
    headers, _ = post("/mcp", {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": greeting})
    session = {"mcp-session-id": headers.get("mcp-session-id", ""), "mcp-protocol-version": "2025-06-18"}
    post("/mcp", {"jsonrpc": "2.0", "method": "notifications/initialized"}, **session)
    _, called = post("/mcp", {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "desk__look", "arguments": {}}}, **session)
    return {"chat": "word0" in chat, "tool": "seen" in called}


def in_pod(name, *words):
    """Runs this file in a pod's network. Gives what it says."""
    done = subprocess.run(["ip", "netns", "exec", name, sys.executable, __file__, *map(str, words)], capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr[-600:]


# The test -----------------------------------------------------------------------------------------------------

FORBIDDEN_TO_AGENT = [
    ("the provider", "tcp", PROVIDER, 443),
    ("the tool server", "tcp", TOOLS, 443),
    ("anybody by HTTPS", "tcp", ANYBODY, 443),
    ("anybody by QUIC", "udp", ANYBODY, 443),
    ("anybody's name server", "udp", ANYBODY, 53),
    ("anybody's name server by TCP", "tcp", ANYBODY, 53),
    ("the cloud's metadata", "tcp", METADATA, 80),
    ("the gateway's operators' listener", "tcp", GATEWAY, 9090),
    ("another port of the cluster's name server", "tcp", NAMES, 9153),
]


def forbid(policy_file, pod):
    import yaml

    rules = as_nftables(yaml.safe_load((MANIFESTS / policy_file).read_text()), PODS)
    sh("ip", "netns", "exec", pod, "nft", "-f", "-", input=rules, text=True)


def documented_rules_load():
    """The rules of docs/deploy.md for one machine, with a number for the agents' user."""
    page = (REPOSITORY / "docs/deploy.md").read_text()
    rules = re.search(r"```\n(table inet agents.*?)```", page, re.S).group(1).replace("skuid != agents", "skuid != 1000")
    done = subprocess.run(["nft", "-c", "-f", "-"], input=rules, capture_output=True, text=True)
    told.check(done.returncode == 0, "nft takes the rules of docs/deploy.md", done.stderr)


async def inside(folder):
    documented_rules_load()
    where = pathlib.Path(folder)
    lay_cables()
    world()
    upstream = Upstream()
    await upstream.start(PROVIDER, 443)
    text = gateway.config(
        f"http://{PROVIDER}:443",
        agents='{listen: "0.0.0.0:8080"}',
        operators='{listen: "0.0.0.0:9090"}',
        tool_servers=f'{{desk: {{url: "http://{TOOLS}:443/mcp"}}}}',
    )
    path = gateway.lay_out(where, text)
    running = await gateway.Gateway.start(path, ["ip", "netns", "exec", "gateway", str(gateway.binary())])
    try:
        probe = lambda pod, *words: asyncio.to_thread(in_pod, pod, *words)
        open_all = await asyncio.gather(*(probe("agent", *what) for _, *what in FORBIDDEN_TO_AGENT))
        told.check(open_all == [True] * len(open_all), "without rules the agent reaches all of them", f"{open_all}")
        forbid("networkpolicy-sallyport.yaml", "gateway")
        forbid("networkpolicy-only-through-sallyport.yaml", "agent")
        told.check(await probe("agent", "through") == {"chat": True, "tool": True}, "through the gateway the agent has its model and its tool", f"{await probe('agent', 'through')}")
        told.check(await probe("agent", "udp", NAMES, 53) is True, "the agent can look up names")
        answers = await asyncio.gather(*(probe("agent", *what) for _, *what in FORBIDDEN_TO_AGENT))
        for (name, *_), answer in zip(FORBIDDEN_TO_AGENT, answers):
            told.check(answer is False, f"the agent cannot reach {name}", f"{answer}")
        told.check(await probe("gateway", "tcp", PROVIDER, 443) is True, "the gateway reaches the provider")
        for name, *what in (("the cloud's metadata", "tcp", METADATA, 80), ("anybody by another port", "tcp", ANYBODY, 53)):
            told.check(await probe("gateway", *what) is False, f"the gateway cannot reach {name}")
    finally:
        await running.stop()


def main():
    words = sys.argv[1:]
    if words == ["through"]:
        print(json.dumps(through()))
    elif words[:1] in (["tcp"], ["udp"]):
        print(json.dumps(reached(words[0], words[1], int(words[2]))))
    elif words[:1] == ["inside"]:
        sh("mount", "-t", "tmpfs", "tmpfs", "/run")
        asyncio.run(inside(words[1]))
        told.end()
    else:
        for need, package in (("ip", "iproute2"), ("nft", "nftables"), ("unshare", "util-linux")):
            if not shutil.which(need):
                told.cannot(f"there is no {need} (Debian: {package})")
        # Names of namespaces, addresses and rules are this process's own, and go with it.
        apart = ["unshare", "--net", "--mount"] + ([] if os.getuid() == 0 else ["--map-root-user"])
        tried = subprocess.run([*apart, "sh", "-c", "mount -t tmpfs tmpfs /run && ip netns add try && nft list ruleset"], capture_output=True, text=True)
        if tried.returncode:
            told.cannot(f"no network namespaces may be made here: {tried.stderr.strip()}")
        if not MANIFESTS.is_dir():
            raise SystemExit(f"{MANIFESTS} is missing: the NetworkPolicies are read from there")
        with gateway.folder() as folder:
            sys.exit(subprocess.run([*apart, sys.executable, __file__, "inside", folder]).returncode)


main()
