"""HTTP/1.1 by hand, both ways: so that every header is seen as it is, and nothing is added."""

import asyncio
import dataclasses
import json


@dataclasses.dataclass
class Message:
    """A request or an answer. `line` is its first line, split; header names are small letters."""

    line: list
    headers: dict
    body: bytes = b""

    @property
    def status(self):
        return int(self.line[1])

    def json(self):
        return json.loads(self.body)


async def read(reader):
    """One message, whole; chunks are put together."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
    fields = [line.split(":", 1) for line in lines]
    message = Message(first.split(" ", 2), {name.lower(): value.strip() for name, value in fields})
    if message.headers.get("transfer-encoding") == "chunked":
        while size := int(await reader.readuntil(b"\r\n"), 16):
            message.body += (await reader.readexactly(size + 2))[:-2]
        await reader.readexactly(2)
    else:
        message.body = await reader.readexactly(int(message.headers.get("content-length", 0)))
    return message


class Connection:
    """A client's connection, kept open between requests."""

    def __init__(self, address, headers=None):
        self.address = address
        self.headers = headers or {}
        self.open = None

    async def ask(self, method, path, body=None, **headers):
        """One request. `body` is JSON or bytes; an underscore in a header's name stands for a dash."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        fields = {"host": "%s:%d" % self.address, **self.headers}
        fields.update({name.replace("_", "-"): value for name, value in headers.items()})
        if body is not None:
            fields.update({"content-type": "application/json", "content-length": len(body), **fields})
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        if self.open is None:
            self.open = await asyncio.open_connection(*self.address)
        reader, writer = self.open
        writer.write(head.encode() + b"\r\n" + (body or b""))
        answer = await asyncio.wait_for(read(reader), 60)
        if answer.headers.get("connection") == "close":
            self.close()
        return answer

    def close(self):
        if self.open:
            self.open[1].close()
            self.open = None


class Server:
    """A server on a free port that calls `answer(request, writer)` for each request."""

    async def start(self):
        """Listens. Gives its URL."""
        self.serving = set()
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024)
        self.address = self.server.sockets[0].getsockname()[:2]
        return "http://%s:%d" % self.address

    async def _serve(self, reader, writer):
        self.serving.add(asyncio.current_task())
        try:
            while True:
                await self.answer(await read(reader), writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.serving.discard(asyncio.current_task())
            writer.close()

    async def stop(self):
        """Stops listening, and hangs up."""
        self.server.close()
        left = list(self.serving)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


def whole(writer, body, status="200 OK", kind="application/json", **headers):
    """Writes an answer."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"content-type": kind, "content-length": len(body), **headers}
    head = f"HTTP/1.1 {status}\r\n" + "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    writer.write(head.encode() + b"\r\n" + body)
