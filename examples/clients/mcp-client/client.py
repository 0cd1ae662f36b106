"""A client of tool servers, with the official Python SDK: one address for all servers, one key."""

import asyncio
import os

from mcp.client import Client
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

URL = os.environ["SALLYPORT_URL"] + "/mcp"
KEY = os.environ["SALLYPORT_KEY"]


async def main():
    async with create_mcp_http_client(headers={"Authorization": f"Bearer {KEY}"}) as http:
        async with Client(streamable_http_client(URL, http_client=http)) as client:
            tools = await client.list_tools()
            print("tools:", *[tool.name for tool in tools.tools])
            for ticket in ["S-17", "HR-3"]:
                result = await client.call_tool("desk__read_ticket", {"id": ticket})
                print(f"read_ticket {ticket}:", "error:" if result.is_error else "", result.content[0].text)
            result = await client.call_tool("desk__run_sql", {"sql": "DROP TABLE customers"})
            print("run_sql:", "error:" if result.is_error else "", result.content[0].text)


asyncio.run(main())
