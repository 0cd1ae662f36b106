"""What agents send: chats in two dialects and calls of tools, each with its mark."""

import asyncio
import hashlib
import itertools
import json
import random

from proof.provider import MARK, MARK_LENGTH, REVISION
from stage.agents import Agent, Answer
from stage.gateway import KEY

_numbers = itertools.count()


def mark():
    """A word that no other body has."""
    return MARK.decode() + str(next(_numbers)).zfill(MARK_LENGTH - len(MARK))


class Caller(Agent):
    """An agent that sends what it is given."""

    async def post(self, path, body, headers=(), within=30, verb="POST"):
        """One request. The answer says what came back."""
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        fields = {
            "host": f"{self.address[0]}:{self.address[1]}",
            "authorization": f"Bearer {self.key}",
            "content-type": "application/json",
            "content-length": len(body),
            **dict(headers),
        }
        head = f"{verb} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n"
        answer = Answer()
        try:
            async with asyncio.timeout(within):
                await self._exchange(head.encode() + body, answer, None)
        except (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError) as error:
            answer.why = f"{type(error).__name__} {error}"
        if answer.why or answer.headers.get("connection") == "close":
            self.close()
        return answer

    async def chat(self, text, stream=False, model="m", tools=(), **more):
        """One chat completion."""
        body = {"messages": [{"role": "user", "content": text}], "model": model, "stream": stream}
        if tools:
            body["tools"] = [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in tools]
        return await self.post("/v1/chat/completions", body, **more)

    async def message(self, text, **more):
        """One message of Anthropic's dialect."""
        body = {"messages": [{"role": "user", "content": text}], "model": "m", "max_tokens": 10}
        return await self.post("/v1/messages", body, {"anthropic-version": "2023-06-01"}, **more)

    async def call(self, arguments, server="desk", tool="echo", **more):
        """One call of a tool, without a session."""
        return await self.post(f"/mcp/{server}", tool_call(arguments, tool), tool_headers(tool), **more)


def meta():
    """What each message says of its sender."""
    return {
        "io.modelcontextprotocol/protocolVersion": REVISION,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "proof", "version": "1"},
    }


def tool_call(arguments, tool="echo"):
    """The message of a call."""
    params = {"name": tool, "arguments": arguments, "_meta": meta()}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


def tool_headers(tool="echo"):
    """What travels with it."""
    return {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": REVISION,
        "mcp-method": "tools/call",
        "mcp-name": tool,
    }


class Load:
    """Agents that never stop asking, whatever becomes of the gateway. `sent`: the SHA-256 of what each mark was in."""

    def __init__(self, chats, calls, key=KEY):
        self.address = None
        self.sent = {}
        # Answers by their status; 0: none came.
        self.answers = {}
        self._tasks = [asyncio.create_task(self._ask(tool=n >= chats, key=key)) for n in range(chats + calls)]

    async def _ask(self, tool, key):
        agent = Caller(None, key)
        while True:
            if self.address is None:
                await asyncio.sleep(0.005)
                continue
            if agent.address != self.address:
                agent.close()
                agent.address = self.address
            answer = await self._one(agent, tool)
            self.answers[answer.status] = self.answers.get(answer.status, 0) + 1
            if answer.why:
                await asyncio.sleep(0.01)

    async def _one(self, agent, tool):
        word = mark()
        # Most are small; some do not fit into one write.
        filler = "x" * random.choice([0, 0, 0, 200, 5_000, 300_000])
        if tool:
            path, headers, body = "/mcp/desk", tool_headers(), tool_call({"text": f"{word} {filler}"})
        else:
            path, headers = "/v1/chat/completions", {}
            body = {
                "messages": [{"role": "user", "content": f"{word} {filler}"}],
                "model": "m",
                "stream": random.random() < 0.4,
            }
        body = json.dumps(body).encode()
        self.sent[word] = hashlib.sha256(body).hexdigest()
        return await agent.post(path, body, headers, within=10)

    async def end(self):
        """Stops asking."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
