"""Uses a server as a Python client does, and prints one JSON object a line for each thing it tried:
check.py legacy|auto|fastmcp PLAN URL. What is tried is in plans.json, as check.mjs explains it."""

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path

import fastmcp
import mcp_types as types
from fastmcp.client.transports import StreamableHttpTransport
from mcp.client import Client
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

WHICH, NAME, URL = sys.argv[1:]
PLAN = json.loads((Path(__file__).parent / "plans.json").read_text())[NAME]
HEADERS = {"authorization": f"Bearer {os.environ['MCP_KEY']}"} if "MCP_KEY" in os.environ else {}
LONG = 20  # A check that takes longer is hung, in seconds.
LOGS = []


async def sample(*given):
    params = next(one for one in given if isinstance(one, types.CreateMessageRequestParams))
    content = types.TextContent(type="text", text=f"asked: {params.messages[0].content.text}")
    return types.CreateMessageResult(role="assistant", model="none", content=content, stop_reason="endTurn")


async def elicit(_context, params):
    fields = params.requested_schema.get("required", [])
    return types.ElicitResult(action="accept", content={field: f"my {field}" for field in fields})


async def elicit_fast(_message, _response_type, params, _context):
    return (await elicit(None, params)).content


async def roots(_context):
    return types.ListRootsResult(roots=[types.Root(uri="file:///work", name="work")])


async def log(params):
    LOGS.append(plain(params))


def plain(thing):
    if isinstance(thing, list):
        return [plain(one) for one in thing]
    if hasattr(thing, "model_dump"):
        return thing.model_dump(mode="json", by_alias=True, exclude_none=True)
    return thing if isinstance(thing, (str, int, float, bool, dict, type(None))) else repr(thing)


@contextlib.asynccontextmanager
async def connected():
    if WHICH == "fastmcp":
        transport = StreamableHttpTransport(URL, headers=HEADERS)
        options = {"sampling_handler": sample, "elicitation_handler": elicit_fast, "roots": ["file:///work"]}
        async with fastmcp.Client(transport, log_handler=log, **options) as client:
            yield client
        return
    async with create_mcp_http_client(headers=HEADERS) as http:
        options = {"sampling_callback": sample, "elicitation_callback": elicit, "list_roots_callback": roots}
        transport = streamable_http_client(URL, http_client=http)
        async with Client(transport, mode=WHICH, logging_callback=log, **options) as client:
            yield client


async def check(what, act):
    try:
        line = {"check": what, "ok": True, "got": plain(await asyncio.wait_for(act(), LONG))}
    except Exception as error:
        code = getattr(error, "code", None) or getattr(getattr(error, "error", None), "code", None)
        line = {"check": what, "ok": False, "got": code or type(error).__name__}
    print(json.dumps(line, ensure_ascii=False), flush=True)


async def call(client, wanted):
    if wanted.get("wrong"):
        return await refused(client, wanted)
    LOGS.clear()
    progress = []

    async def step(done, total, _words):
        progress.append([done, total])

    if WHICH == "fastmcp":
        result = await client.call_tool_mcp(wanted["name"], wanted.get("arguments", {}), progress_handler=step)
    else:
        result = await client.call_tool(wanted["name"], wanted.get("arguments", {}), progress_callback=step)
    return {"result": plain(result), "progress": progress[: wanted.get("progress")], "logs": list(LOGS)}


async def refused(client, wanted):
    use = client.call_tool_mcp if WHICH == "fastmcp" else client.call_tool
    try:
        result = await use(wanted["name"], wanted.get("arguments", {}))
    except Exception:
        return "refused"
    return "refused" if plain(result).get("isError") else "served"


async def cancelled(client):
    waiting = asyncio.create_task(call(client, PLAN["wait"]))
    await asyncio.sleep(0.5)
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
    return len(plain(await client.list_tools()))


async def many(client):
    def one(number):
        return call(client, {"name": PLAN["parallel"]["name"], "arguments": {PLAN["parallel"]["argument"]: f"{number}"}})

    came = await asyncio.gather(*(one(number) for number in range(10)))
    return [each["result"]["content"] for each in came]


async def main():
    async with connected() as client:
        await check("tools", client.list_tools)
        await check("resources", client.list_resources)
        await check("templates", client.list_resource_templates)
        await check("prompts", client.list_prompts)
        for wanted in PLAN["calls"]:
            await check(f"call {wanted['name']}", lambda wanted=wanted: call(client, wanted))
        for uri in PLAN.get("reads", []):
            await check(f"read {uri}", lambda uri=uri: client.read_resource(uri))
        for wanted in PLAN.get("prompts", []):
            given = wanted.get("arguments", {})
            await check(f"prompt {wanted['name']}", lambda: client.get_prompt(wanted["name"], given))
        await check("many at once", lambda: many(client))
        await check("cancelled", lambda: cancelled(client))


asyncio.run(main())
