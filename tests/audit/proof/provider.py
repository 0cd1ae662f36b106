"""A model provider and a tool server in one that remember the digest of every body at the moment they have it."""

import asyncio
import hashlib
import json

# Marks a body that never came whole; agents begin what they say with it.
MARK = b"mark-"
MARK_LENGTH = 16


class Provider:
    """`seen`: of each whole body what it was sent to and its SHA-256. It lives on while gateways die."""

    def __init__(self, words=4, pause=0.0):
        self.words = words
        self.pause = pause
        # (path or MCP method, SHA-256 in hexadecimal), in the order of their coming.
        self.seen = []
        # Marks of bodies of which only the beginning came.
        self.begun = []

    async def start(self):
        """Listens on a free port of the loopback interface. Gives its URL."""
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024)
        host, port = self.server.sockets[0].getsockname()[:2]
        self.url = f"http://{host}:{port}"
        return self.url

    async def _serve(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ", 2)[1].decode()
                fields = dict(line.split(": ", 1) for line in head.decode().lower().split("\r\n")[1:] if line)
                body = await self._body(reader, fields)
                asked = json.loads(body or b"{}")
                what = asked.get("method", "?") if path.startswith("/mcp") else path
                self.seen.append((what, hashlib.sha256(body).hexdigest()))
                await self._answer(writer, path, asked)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _body(self, reader, fields):
        if fields.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(await reader.readuntil(b"\r\n"), 16):
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readexactly(2)
            return body
        try:
            return await reader.readexactly(int(fields.get("content-length", 0)))
        except asyncio.IncompleteReadError as cut:
            if (at := cut.partial.find(MARK)) >= 0:
                self.begun.append(cut.partial[at : at + MARK_LENGTH].decode())
            raise

    async def _answer(self, writer, path, asked):
        if path.startswith("/mcp"):
            _whole(writer, tool_server(asked))
        elif "/messages" in path:
            _whole(writer, message(asked, self.words))
        elif "messages" not in asked:
            _whole(writer, {"object": "list", "data": []})
        elif asked.get("stream"):
            await self._stream(writer, asked)
        else:
            _whole(writer, chat(asked, self.words))

    async def _stream(self, writer, asked):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for event in chunks(asked, self.words):
            text = f"data: {event}\n\n".encode()
            writer.write(b"%x\r\n" % len(text) + text + b"\r\n")
            await writer.drain()
            await asyncio.sleep(self.pause)
        writer.write(b"0\r\n\r\n")


def _whole(writer, answer):
    body = json.dumps(answer).encode() if answer is not None else b""
    status = b"200 OK" if body else b"202 Accepted"
    writer.write(b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (status, len(body)) + body)


def wanted_call(asked):
    """The tool that the last message wants called: `call NAME: ARGUMENTS`."""
    last = asked["messages"][-1]["content"]
    if not (isinstance(last, str) and last.startswith("call ")):
        return None
    name, _, arguments = last.removeprefix("call ").partition(": ")
    return {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments or "{}"}}


def chat(asked, words):
    """A whole answer of chat completions."""
    told = {"role": "assistant", "content": " ".join(f"word{n}" for n in range(words))}
    call = wanted_call(asked)
    if call:
        told = {"role": "assistant", "content": None, "tool_calls": [call]}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": asked.get("model", "m"),
        "choices": [{"index": 0, "message": told, "finish_reason": "tool_calls" if call else "stop"}],
        "usage": {"prompt_tokens": 7, "completion_tokens": words, "total_tokens": 7 + words},
    }


def chunks(asked, words):
    """The same in pieces, each the data of an event."""

    def chunk(delta, finish=None):
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        about = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": asked.get("model", "m")}
        return json.dumps({**about, "choices": [choice]})

    call = wanted_call(asked)
    yield chunk({"role": "assistant", "content": ""})
    if call:
        yield chunk({"tool_calls": [{"index": 0, **call}]})
    for n in range(0 if call else words):
        yield chunk({"content": f"word{n} "})
    yield chunk({}, "tool_calls" if call else "stop")
    yield "[DONE]"


def message(asked, words):
    """A whole answer of Anthropic's messages."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": asked.get("model", "m"),
        "content": [{"type": "text", "text": " ".join(f"word{n}" for n in range(words))}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 7, "output_tokens": words},
    }


REVISION = "2026-07-28"
ECHO = {
    "name": "echo",
    "description": "Gives back what it is given",
    "inputSchema": {"type": "object", "additionalProperties": True},
}


def tool_server(asked):
    """A stateless tool server (MCP 2026-07-28) of one tool. None: nothing is to be answered."""
    if "id" not in asked:
        return None
    lasts = {"ttlMs": 600_000, "cacheScope": "public"}
    results = {
        "server/discover": {"supportedVersions": [REVISION], "capabilities": {"tools": {}}, **lasts},
        "tools/list": {"tools": [ECHO], **lasts},
        "tools/call": {"content": [{"type": "text", "text": "done"}]},
    }
    result = results.get(asked.get("method"))
    if result is None:
        return {"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32601, "message": "no such method"}}
    about = {"io.modelcontextprotocol/serverInfo": {"name": "proof", "version": "1"}}
    return {"jsonrpc": "2.0", "id": asked["id"], "result": {"resultType": "complete", **result, "_meta": about}}
