"""Whatever goes on through whichever door in strict mode, of whatever kind, has its record."""

import collections
import json

from proof import log, scene
from proof.agents import Caller, meta, tool_call, tool_headers
from proof.kill import OWN
from proof.provider import Provider
from stage import gateway, told

ASKS = [{"role": "user", "content": "hello"}]
MODELS = {
    "/v1/chat/completions": {"model": "m", "messages": ASKS},
    "/v1/completions": {"model": "m", "prompt": "hello"},
    "/v1/embeddings": {"model": "m", "input": "hello"},
    "/v1/responses": {"model": "m", "input": "hello"},
    "/v1/responses/input_tokens": {"model": "m", "input": "hello"},
    "/v1/messages": {"model": "m", "max_tokens": 1, "messages": ASKS},
    "/v1/messages/count_tokens": {"model": "m", "messages": ASKS},
}
LEGACY = {"accept": "application/json, text/event-stream"}
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "proof", "version": "1"}}


async def main():
    provider = Provider()
    url = await provider.start()
    with gateway.folder() as where:
        path = scene.lay_out(where, url, mode="strict")
        async with scene.Serving(path) as running:
            agent = Caller(running.agents)
            for door, body in MODELS.items():
                await agent.post(door, body, {"anthropic-version": "2023-06-01"} if "messages" in door else {})
            await agent.post("/v1/models", b"", verb="GET")
            for door, tool in (("/mcp", "desk__echo"), ("/mcp/desk", "echo")):
                await agent.post(door, tool_call({"a": 1}, tool), tool_headers(tool))
                for method in ("tools/list", "resources/list", "prompts/list"):
                    asks = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": meta()}}
                    headers = {**tool_headers(), "mcp-method": method}
                    del headers["mcp-name"]
                    await agent.post(door, asks, headers)
                await legacy(agent, door, tool)
        recorded = collections.Counter(record["body"]["sent"] for record in log.records(scene.folder_of(path), "forward"))
        seen = collections.Counter(digest for _, digest in provider.seen)
        missing = [what for what, digest in provider.seen if digest not in recorded and what not in OWN]
        kinds = len({what for what, _ in provider.seen})
        told.check(not missing, f"{len(provider.seen)} bodies of {kinds} kinds went on: each has its record", f"{missing}")
        short = [what for what, digest in provider.seen if 0 < recorded[digest] < seen[digest] and what not in OWN]
        told.check(not short, "each as often as it went", f"{short}")
        reached = {what for what, _ in provider.seen}
        told.check(set(MODELS) | {"/v1/models", "tools/call", "tools/list"} <= reached, "every door was tried", f"{set(MODELS) - reached}")


async def legacy(agent, door, tool):
    """The same in a session of the older revision."""
    begun = await agent.post(door, {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO}, LEGACY)
    headers = {**LEGACY, "mcp-session-id": begun.headers.get("mcp-session-id", ""), "mcp-protocol-version": "2025-11-25"}
    await agent.post(door, {"jsonrpc": "2.0", "method": "notifications/initialized"}, headers)
    await agent.post(door, {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}, headers)
    call = {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": tool, "arguments": {"b": 2}}}
    answer = await agent.post(door, json.dumps(call).encode(), headers)
    told.check(answer.status == 200 and b"done" in answer.body, f"{door}: a call in a session is answered", f"{answer}")
