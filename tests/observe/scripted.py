"""A provider of models and a tool server that do as they are told, and keep what they were asked."""

import json

import wire

# What is looked for where no text may be.
SAID = "the-model-said-quetzalcoatl"
RESULT = "the-tool-found-ixtaccihuatl"


class Provider(wire.Server):
    """Chat completions. The last message tells what to answer: `call NAME ARGUMENTS`, `break`, `say TEXT`, anything."""

    def __init__(self):
        self.asked = []

    async def answer(self, request, writer):
        self.asked.append(request)
        del self.asked[:-64]
        asked = json.loads(request.body or b"{}")
        text = asked["messages"][-1]["content"] if asked.get("messages") else ""
        if "break" in text:
            return wire.whole(writer, {"error": {"message": SAID, "type": "server_error"}}, "503 Service Unavailable")
        message = {"role": "assistant", "content": SAID}
        if text.startswith("call "):
            _, name, arguments = text.split(" ", 2)
            call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
        elif text.startswith("say "):
            message["content"] = text[4:]
        reason = "tool_calls" if "tool_calls" in message else "stop"
        about = {"id": "chatcmpl-7", "created": 1, "model": asked.get("model", "m") + "-2026"}
        usage = {"prompt_tokens": 70, "completion_tokens": 9, "total_tokens": 79, "prompt_tokens_details": {"cached_tokens": 30}}
        if not asked.get("stream"):
            choice = {"index": 0, "message": message, "finish_reason": reason}
            return wire.whole(writer, {**about, "object": "chat.completion", "choices": [choice], "usage": usage})
        self._stream(writer, about, message["content"] or "", usage)

    def _stream(self, writer, about, text, usage):
        def send(event):
            piece = f"data: {event}\n\n".encode()
            writer.write(b"%x\r\n" % len(piece) + piece + b"\r\n")

        def chunk(delta, reason=None):
            choice = {"index": 0, "delta": delta, "finish_reason": reason}
            send(json.dumps({**about, "object": "chat.completion.chunk", "choices": [choice]}))

        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        chunk({"role": "assistant", "content": ""})
        for at in range(0, len(text), 9):
            chunk({"content": text[at : at + 9]})
        chunk({}, "stop")
        send(json.dumps({**about, "object": "chat.completion.chunk", "choices": [], "usage": usage}))
        send("[DONE]")
        writer.write(b"0\r\n\r\n")


class Tools(wire.Server):
    """A server of the Model Context Protocol, revision 2025-06-18, with the tools `names`."""

    def __init__(self, names=("search", "drop_database")):
        self.names = names
        self.asked = []

    async def answer(self, request, writer):
        if request.line[0] != "POST":
            return wire.whole(writer, b"", "405 Method Not Allowed")
        self.asked.append(request)
        asked = request.json()
        if "id" not in asked:
            return wire.whole(writer, b"", "202 Accepted")
        wire.whole(writer, {"jsonrpc": "2.0", "id": asked["id"], "result": self._result(asked)})

    def _result(self, asked):
        if asked["method"] == "initialize":
            about = {"name": "desk", "version": "1"}
            return {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": about}
        if asked["method"] == "tools/list":
            schema = {"type": "object", "properties": {"q": {"type": "string"}}}
            return {"tools": [{"name": name, "description": "A tool.", "inputSchema": schema} for name in self.names]}
        if asked["method"] == "tools/call":
            return {"content": [{"type": "text", "text": RESULT}]}
        return {}

    def calls(self):
        """Requests that called a tool."""
        return [request for request in self.asked if request.json().get("method") == "tools/call"]


class Agent:
    """An agent with a key, that chats and calls tools."""

    def __init__(self, address, key):
        self.connection = wire.Connection(address, {"authorization": f"Bearer {key}"})

    async def chat(self, text="hello", stream=False, model="gpt-test", tools=(), **headers):
        body = {"model": model, "stream": stream, "messages": [{"role": "user", "content": text}]}
        if tools:
            body["tools"] = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in tools]
        return await self.connection.ask("POST", "/v1/chat/completions", body, **headers)

    async def greet(self, path="/mcp/desk"):
        """Begins a session with the tool server."""
        about = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        both = {"accept": "application/json, text/event-stream"}
        greeting = await self.connection.ask("POST", path, {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about}, **both)
        if greeting.status != 200:
            raise RuntimeError(f"no session: {greeting.status} {greeting.body[:300]}")
        self.session = {**both, "mcp-protocol-version": "2025-06-18", "mcp-session-id": greeting.headers["mcp-session-id"]}
        self.path = path
        await self.connection.ask("POST", path, {"jsonrpc": "2.0", "method": "notifications/initialized"}, **self.session)
        await self.ask("tools/list", {})

    async def ask(self, method, params, **headers):
        asked = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
        return await self.connection.ask("POST", self.path, asked, **self.session, **headers)

    def close(self):
        self.connection.close()
