"""Agents: raw HTTP/1.1, so that a torn answer is seen as what it is."""

import asyncio
import dataclasses
import json

from stage.gateway import KEY


@dataclasses.dataclass
class Answer:
    """What came back. `why` says what broke, if the answer is not whole."""

    status: int = 0
    headers: dict = dataclasses.field(default_factory=dict)
    body: bytes = b""
    why: str = ""

    @property
    def whole(self):
        """A 200 to its end: of a stream, to `[DONE]`."""
        streamed = "event-stream" in self.headers.get("content-type", "")
        return self.status == 200 and not self.why and (not streamed or b"data: [DONE]" in self.body)

    def json(self):
        return json.loads(self.body)


async def _body(reader, headers):
    if headers.get("transfer-encoding") == "chunked":
        while size := int(await reader.readuntil(b"\r\n"), 16):
            yield (await reader.readexactly(size + 2))[:-2]
        await reader.readexactly(2)
    else:
        yield await reader.readexactly(int(headers.get("content-length", 0)))


class Agent:
    """One agent's connection, kept open between requests as SDKs do."""

    def __init__(self, address, key=KEY):
        self.address = address
        self.key = key
        self.open = None

    async def ask(self, stream=False, model="m", path="/v1/chat/completions", text="hello", first=None, within=60):
        """One chat. `first` is an event that is set when the first piece of the answer is there."""
        body = json.dumps({"model": model, "stream": stream, "messages": [{"role": "user", "content": text}]}).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nhost: {self.address[0]}:{self.address[1]}\r\nauthorization: Bearer {self.key}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        answer = Answer()
        try:
            async with asyncio.timeout(within):
                await self._exchange(head.encode() + body, answer, first)
        except (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError) as error:
            answer.why = f"{type(error).__name__} {error}"
        if answer.why or answer.headers.get("connection") == "close":
            self.close()
        return answer

    async def _exchange(self, request, answer, first):
        fresh = self.open is None
        if fresh:
            self.open = await asyncio.open_connection(*self.address)
        reader, writer = self.open
        writer.write(request)
        await writer.drain()
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            # As HTTP clients do (RFC 9112, 9.3.1): a kept connection that was closed before the answer began.
            if fresh or getattr(error, "partial", b""):
                raise
            self.close()
            return await self._exchange(request, answer, first)
        status, *lines = head.rstrip().split("\r\n")
        answer.status = int(status.split()[1])
        answer.headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        async for piece in _body(reader, answer.headers):
            answer.body += piece
            if first:
                first.set()

    def close(self):
        if self.open:
            self.open[1].close()
            self.open = None
